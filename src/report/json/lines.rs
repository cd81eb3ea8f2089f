//! The lines of the report, and how texts are appended to them.

use crate::report::json::piece::{Piece, ROOM, Room};
use crate::stamp::Rfc3339;
use serde_json::Value;

/// Lines gathered in memory.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The text so far, and what lies after it has no meaning.
    room: Vec<u8>,
    /// Bytes of text.
    len: usize,
    times: Rfc3339,
}

impl Lines {
    /// No lines, and room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            room: vec![0; bytes],
            ..Self::default()
        }
    }

    /// The text so far.
    pub(super) fn text(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or_default()
    }

    /// Forgets the text; keeps its room.
    pub(super) const fn clear(&mut self) {
        self.len = 0;
    }

    /// What `write` makes of a piece, which has at most [`ROOM`] bytes: for all of it together there
    /// is one look whether there is room.
    #[inline]
    pub(super) fn piece(&mut self, write: impl FnOnce(&mut Piece)) {
        self.make_room(size_of::<Room>());
        let room = self.room.get_mut(self.len..);
        let Some(room) = room.and_then(|room| room.first_chunk_mut()) else {
            return;
        };
        let mut piece = Piece::new(room, &mut self.times);
        write(&mut piece);
        debug_assert!(piece.len() < ROOM, "a piece is too long");
        self.len += piece.len();
    }

    /// A text as it stands.
    #[inline]
    pub(super) fn raw(&mut self, text: &str) {
        self.make_room(text.len());
        let end = self.len + text.len();
        if let Some(room) = self.room.get_mut(self.len..end) {
            room.copy_from_slice(text.as_bytes());
            self.len = end;
        }
    }

    /// A text in quotes, with escapes where it needs them.
    pub(super) fn string(&mut self, text: &str) {
        if needs_escapes(text.as_bytes()) {
            self.raw(&Value::from(text).to_string());
            return;
        }
        let len = text.len() + 2;
        self.make_room(len);
        let room = self.room.get_mut(self.len..self.len + len);
        if let Some([open, inside @ .., close]) = room {
            (*open, *close) = (b'"', b'"');
            inside.copy_from_slice(text.as_bytes());
            self.len += len;
        }
    }

    #[inline]
    fn make_room(&mut self, bytes: usize) {
        if self.room.len() - self.len < bytes {
            self.grow(bytes);
        }
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        let len = (self.len + bytes).max(2 * self.room.len());
        self.room.resize(len, 0);
    }
}

/// Whether JSON escapes any of these bytes (RFC 8259 section 7).
pub(super) fn needs_escapes(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk::<8>() else {
        return text
            .iter()
            .any(|byte| matches!(byte, 0..0x20 | b'"' | b'\\'));
    };
    // Whole words without a branch; the last one overlaps.
    let (words, _) = text.as_chunks::<8>();
    words
        .iter()
        .fold(special(*last), |all, &word| all | special(word))
        != 0
}

/// Not 0 if any of eight bytes is a control character, a quote or a backslash.
///
/// Subtracting sets the highest bit of a byte that is less, and for other than ASCII it was set
/// before. What a byte borrows changes only words with such a byte in them.
#[inline]
fn special(bytes: [u8; 8]) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let word = u64::from_le_bytes(bytes);
    let control = word.wrapping_sub(all(0x20));
    let quote = (word ^ all(b'"')).wrapping_sub(all(1));
    let backslash = (word ^ all(b'\\')).wrapping_sub(all(1));
    (control | quote | backslash) & !word & all(0x80)
}
