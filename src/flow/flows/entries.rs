//! Where the kept flows stand.

use crate::flow::brief::Brief;
use crate::flow::key::ShortKey;
use crate::flow::pool::NONE;

/// Entries allocated at once.
const CHUNK: usize = 512;

/// How a flow is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    /// As its segments.
    Brief(Brief),
    /// As facts, at this place among those that are.
    Whole(u32),
    /// Not at all: the place is free, and this is the next one that is.
    Free(u32),
}

/// A flow of the table, in half a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct Entry {
    pub(super) key: ShortKey,
    pub(super) kept: Kept,
}

impl Entry {
    const FREE: Self = Self {
        key: ShortKey::kept_at(NONE),
        kept: Kept::Free(NONE),
    };
}

/// Entries in pieces of one size, so that growing copies nothing and finding one asks only whether its
/// piece is there. Behind the last of them there may be free ones.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pieces: Vec<Box<[Entry; CHUNK]>>,
    len: usize,
}

impl Entries {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&Entry> {
        self.pieces.get(at / CHUNK)?.get(at % CHUNK)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut Entry> {
        self.pieces.get_mut(at / CHUNK)?.get_mut(at % CHUNK)
    }

    pub(super) fn push(&mut self, entry: Entry) {
        if self.len.is_multiple_of(CHUNK)
            && let Ok(piece) = vec![Entry::FREE; CHUNK].try_into()
        {
            self.pieces.push(piece);
        }
        if let Some(slot) = self.get_mut(self.len) {
            *slot = entry;
            self.len += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Entry;

    #[test]
    fn an_entry_is_half_a_cache_line() {
        assert_eq!(size_of::<Entry>(), 32);
    }
}
