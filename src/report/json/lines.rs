//! The lines of the report, and how texts are appended to them.

use crate::report::json::piece::{Piece, ROOM, Room};
use crate::stamp::Rfc3339;
use serde_json::Value;
use std::sync::Arc;

/// Lines gathered in memory.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The text so far, and what lies after it has no meaning.
    room: Vec<u8>,
    /// Bytes of text.
    len: usize,
    times: Rfc3339,
    /// The capture's name as it was written last: that of the next line is mostly the same one.
    name: Option<(Arc<str>, String)>,
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
        append(&mut self.room, &mut self.len, text);
    }

    /// A text in quotes, with escapes where it needs them.
    #[inline(never)]
    pub(super) fn string(&mut self, text: &str) {
        self.make_room(text.len() + 2 + BLOCK);
        let Some([open, to @ ..]) = self.room.get_mut(self.len..) else {
            return;
        };
        *open = b'"';
        if copy(text.as_bytes(), to) {
            return self.escaped(text);
        }
        if let Some(close) = to.get_mut(text.len()) {
            *close = b'"';
            self.len += text.len() + 2;
        }
    }

    /// The capture's name in quotes.
    #[inline]
    pub(super) fn name(&mut self, name: &Arc<str>) {
        let known = self.name.as_ref();
        if known.is_none_or(|(known, _)| !Arc::ptr_eq(known, name)) {
            let text = Value::from(name.as_ref()).to_string();
            self.name = Some((Arc::clone(name), text));
        }
        if let Some((_, text)) = &self.name {
            append(&mut self.room, &mut self.len, text);
        }
    }

    /// A text that needs escapes.
    #[cold]
    #[inline(never)]
    fn escaped(&mut self, text: &str) {
        self.raw(&Value::from(text).to_string());
    }

    #[inline]
    fn make_room(&mut self, bytes: usize) {
        if self.room.len() - self.len < bytes {
            grown(&mut self.room, self.len, bytes);
        }
    }
}

/// Appends a text as it stands.
#[inline]
fn append(room: &mut Vec<u8>, len: &mut usize, text: &str) {
    if room.len() - *len < text.len() {
        grown(room, *len, text.len());
    }
    let end = *len + text.len();
    if let Some(room) = room.get_mut(*len..end) {
        room.copy_from_slice(text.as_bytes());
        *len = end;
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

/// Copies a text, and says whether JSON escapes any of its bytes (RFC 8259 section 7). There is room
/// for a block more, which has no meaning then.
pub(super) fn copy(text: &[u8], to: &mut [u8]) -> bool {
    // Whole blocks without a branch, a byte beside the other; the last one overlaps.
    let (blocks, rest) = text.as_chunks();
    let last = text.last_chunk().copied().unwrap_or_else(|| filled(rest));
    let mut found = [0; BLOCK];
    mark_specials(&mut found, &last);
    let (places, _) = to.as_chunks_mut();
    for (place, block) in places.iter_mut().zip(blocks) {
        *place = *block;
        mark_specials(&mut found, block);
    }
    let end = to.get_mut(text.len().saturating_sub(BLOCK)..);
    if let Some(place) = end.and_then(<[u8]>::first_chunk_mut) {
        *place = last;
    }
    found != [0; BLOCK]
}

/// A text shorter than a block, with spaces after it.
#[inline]
fn filled(text: &[u8]) -> [u8; BLOCK] {
    let mut block = [b' '; BLOCK];
    for (to, byte) in block.iter_mut().zip(text) {
        *to = *byte;
    }
    block
}

/// What a vector register of every processor holds.
const BLOCK: usize = 16;

/// Sets in `found` where the block holds a control character, a quote or a backslash.
#[expect(
    clippy::inline_always,
    reason = "in line it is ten instructions on a register, which a call would put into memory"
)]
#[inline(always)]
fn mark_specials(found: &mut [u8; BLOCK], block: &[u8; BLOCK]) {
    for (found, &byte) in found.iter_mut().zip(block) {
        *found |= u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\');
    }
}
