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
        let room = match room_at(&mut self.room, self.len) {
            None => grown(&mut self.room, self.len, size_of::<Room>()),
            room => room,
        };
        let Some(room) = room else { return };
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
    #[inline(never)]
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
            grown(&mut self.room, self.len, bytes);
        }
    }
}

#[inline]
fn room_at(room: &mut [u8], len: usize) -> Option<&mut Room> {
    room.get_mut(len..)?.first_chunk_mut()
}

/// Makes room for so many bytes more, and gives that of a piece if there is so much.
#[cold]
fn grown(room: &mut Vec<u8>, len: usize, bytes: usize) -> Option<&mut Room> {
    room.resize((len + bytes).max(2 * room.len()), 0);
    room_at(room, len)
}

/// Whether JSON escapes any of these bytes (RFC 8259 section 7).
pub(super) fn needs_escapes(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else {
        return text.iter().any(|&byte| is_special(byte));
    };
    // Whole blocks without a branch, a byte beside the other; the last one overlaps.
    let (blocks, _) = text.as_chunks();
    let mut found = specials(last);
    for block in blocks {
        let more = specials(block);
        found
            .iter_mut()
            .zip(more)
            .for_each(|(all, one)| *all |= one);
    }
    found != [false; BLOCK]
}

/// What a vector register of every processor holds.
const BLOCK: usize = 16;

#[inline]
fn specials(block: &[u8; BLOCK]) -> [bool; BLOCK] {
    block.map(is_special)
}

/// A control character, a quote or a backslash.
#[inline]
const fn is_special(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}
