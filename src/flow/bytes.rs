//! Memory for many short strings of bytes.

use crate::flow::packed::Packed;
use crate::flow::pool::{Blocks, Linked, NONE};
use std::hint::black_box;

/// Bytes in a block; with the link, half a cache line. Less would be links for the most part, more
/// would stay empty.
const BLOCK: usize = 28;
/// Bytes of a string's end, if those are enough: else half a block would stay empty.
const TAIL: usize = 12;
/// The link leads to a tail.
const TO_TAIL: u32 = 1 << 31;

/// Part of a string, and the link to what follows. It never lies in two cache lines.
#[derive(Debug)]
#[repr(C, align(32))]
struct Block {
    bytes: [u8; BLOCK],
    next: u32,
}

/// The end of a string. The link leads to another free one only.
#[derive(Debug)]
#[repr(C, align(16))]
struct Tail {
    bytes: [u8; TAIL],
    next: u32,
}

impl Default for Block {
    fn default() -> Self {
        let (bytes, next) = ([0; BLOCK], NONE);
        Self { bytes, next }
    }
}

impl Default for Tail {
    fn default() -> Self {
        let (bytes, next) = ([0; TAIL], NONE);
        Self { bytes, next }
    }
}

impl Linked for Block {
    fn link(&self) -> u32 {
        self.next
    }

    fn set_link(&mut self, link: u32) {
        self.next = link;
    }
}

impl Linked for Tail {
    fn link(&self) -> u32 {
        self.next
    }

    fn set_link(&mut self, link: u32) {
        self.next = link;
    }
}

/// Where a string ends: its last block, and what that links to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    block: u32,
    tail: u32,
}

/// Strings, in linked blocks of two sizes: as a string grows, what it leaves serves any other.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    blocks: Blocks<Block>,
    tails: Blocks<Tail>,
}

impl Bytes {
    /// Keeps the first `len` bytes; gives the link to them.
    pub(super) fn store(&mut self, bytes: &Packed, len: usize) -> u32 {
        self.store_from(0, bytes, len)
    }

    /// Reads a string, and some of what had stood behind it.
    pub(super) fn read(&self, first: u32, to: &mut Packed) -> Last {
        let (mut block, mut link) = (NONE, first);
        for room in to.as_chunks_mut::<BLOCK>().0 {
            let Some(part) = self.blocks.get(link) else {
                if let Some((end, tail)) = room.first_chunk_mut().zip(self.tail(link)) {
                    *end = tail.bytes;
                }
                break;
            };
            *room = part.bytes;
            (block, link) = (link, part.next);
        }
        Last { block, tail: link }
    }

    /// Keeps the bytes from `had` to `len` behind a string of the first `had` ones, which ends at
    /// `last`.
    pub(super) fn extend(
        &mut self,
        first: &mut u32,
        last: Last,
        bytes: &Packed,
        [had, len]: [usize; 2],
    ) {
        let mut from = had / BLOCK * BLOCK;
        if last.tail != NONE {
            let at = last.tail & !TO_TAIL;
            if len <= from + TAIL {
                if let Some(tail) = self.tails.get_mut(at) {
                    tail.bytes = part(bytes, from);
                }
                return;
            }
            self.tails.release(at);
        } else if had > from {
            if let Some(block) = self.blocks.get_mut(last.block) {
                block.bytes = part(bytes, from);
            }
            from += BLOCK;
            if len <= from {
                return;
            }
        }
        let link = self.store_from(from, bytes, len);
        match self.blocks.get_mut(last.block) {
            Some(block) => block.next = link,
            None => *first = link,
        }
    }

    /// Reads from the memory of many strings, so that it is in the cache.
    pub(super) fn touch(&self, links: &mut [u32]) {
        self.blocks.touch(links, |_| 0);
        let tails = links.iter().filter_map(|&link| self.tail(link));
        black_box(tails.fold(0, |all, tail| all ^ tail.bytes[0]));
    }

    /// Gives a string's memory back.
    pub(super) fn release(&mut self, first: u32) {
        let link = self.blocks.release(first);
        if link & TO_TAIL != 0 {
            self.tails.release(link & !TO_TAIL);
        }
    }

    /// How many blocks and tails there are, free ones too.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> [usize; 2] {
        [self.blocks.len(), self.tails.len()]
    }

    fn store_from(&mut self, from: usize, bytes: &Packed, len: usize) -> u32 {
        let len = len.saturating_sub(from);
        let (whole, rest) = (len / BLOCK, len % BLOCK);
        let (mut end, mut link) = (from + whole * BLOCK, NONE);
        if (1..=TAIL).contains(&rest) {
            let bytes = part(bytes, end);
            link = self.tails.take(Tail { bytes, next: NONE }) | TO_TAIL;
        } else if rest > 0 {
            end += BLOCK;
        }
        // From the end, so that each block knows the one behind it.
        while end > from {
            end -= BLOCK;
            let bytes = part(bytes, end);
            link = self.blocks.take(Block { bytes, next: link });
        }
        link
    }

    fn tail(&self, link: u32) -> Option<&Tail> {
        (link & TO_TAIL != 0)
            .then(|| self.tails.get(link & !TO_TAIL))
            .flatten()
    }
}

/// The bytes from there on. There are always so many: no string is nearly as long as its room.
fn part<const LEN: usize>(bytes: &Packed, from: usize) -> [u8; LEN] {
    let bytes = bytes.get(from..).and_then(|rest| rest.first_chunk());
    bytes.copied().unwrap_or([0; LEN])
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Bytes, TAIL};
    use crate::flow::packed::{Packed, ROOM};
    use crate::flow::pool::NONE;

    /// What may be kept of it: any string is shorter than its room.
    const MOST: usize = ROOM / BLOCK * BLOCK - BLOCK;

    fn string() -> Packed {
        let mut string = [0; ROOM];
        for (byte, number) in string.iter_mut().zip((0..=u8::MAX).cycle()) {
            *byte = number;
        }
        string
    }

    #[test]
    fn no_block_lies_in_two_cache_lines() {
        assert_eq!(
            [size_of::<super::Block>(), align_of::<super::Block>()],
            [32; 2]
        );
        assert_eq!(
            [size_of::<super::Tail>(), align_of::<super::Tail>()],
            [16; 2]
        );
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let (mut bytes, string) = (Bytes::default(), string());
        for len in [0, 1, 4, 5, 16, 17, 31, 32, 33, 44, 45, 60, 200, MOST] {
            let other = bytes.store(&[7; ROOM], 40);
            let kept = bytes.store(&string, len);
            let mut again = [9; ROOM];
            bytes.read(kept, &mut again);
            assert_eq!(again[..len], string[..len]);
            bytes.read(other, &mut again);
            assert_eq!(again[..40], [7; 40]);
            bytes.touch(&mut [kept, other, NONE]);
            bytes.release(kept);
            bytes.release(other);
        }
        assert_eq!(bytes.blocks(), [MOST / BLOCK + 1, 2]);
    }

    #[test]
    fn what_grows_takes_what_it_would_at_once() {
        let string = string();
        for step in [1, 2, 7, 11, TAIL, TAIL + 1, BLOCK, BLOCK + 1, 2 * BLOCK + 5] {
            let (mut bytes, mut again) = (Bytes::default(), [9; ROOM]);
            let (mut first, mut len) = (NONE, 0);
            let other = bytes.store(&[7; ROOM], 40);
            while len + step <= 300 {
                let last = bytes.read(first, &mut again);
                again[len..len + step].copy_from_slice(&string[len..len + step]);
                bytes.extend(&mut first, last, &again, [len, len + step]);
                len += step;
                again.fill(9);
                bytes.read(first, &mut again);
                assert_eq!(again[..len], string[..len], "by {step}");
            }
            bytes.read(other, &mut again);
            assert_eq!(again[..40], [7; 40]);
            bytes.release(other);
            bytes.release(first);
            let taken = bytes.blocks();
            let again = bytes.store(&string, len);
            bytes.release(again);
            assert_eq!(bytes.blocks(), taken, "by {step}");
        }
    }
}
