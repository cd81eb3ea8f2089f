//! Memory for many short strings of bytes.

use crate::flow::packed::Packed;
use crate::flow::pool::{Blocks, Linked, NONE};
use std::hint::black_box;

/// Bytes of a string beside the link to the others.
const HEAD: usize = 4;
/// Bytes in a block; with the link, half a cache line. Less would be links for the most part, more
/// would stay empty.
const BLOCK: usize = 28;
/// Bytes of a string's end, if those are enough: else half a block would stay empty.
const TAIL: usize = 12;
/// The link leads to a tail.
const TO_TAIL: u32 = 1 << 31;

#[derive(Debug)]
struct Block<const LEN: usize> {
    bytes: [u8; LEN],
    next: u32,
}

impl<const LEN: usize> Default for Block<LEN> {
    fn default() -> Self {
        filled(&[], NONE)
    }
}

impl<const LEN: usize> Linked for Block<LEN> {
    fn link(&self) -> u32 {
        self.next
    }

    fn set_link(&mut self, link: u32) {
        self.next = link;
    }
}

/// Where a string is: a link to its memory, and its head. Its end is not known, but that of its
/// memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) link: u32,
    pub(super) head: [u8; HEAD],
}

/// Strings, in linked blocks of two sizes: as a string grows, what it leaves serves any other.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    blocks: Blocks<Block<BLOCK>>,
    tails: Blocks<Block<TAIL>>,
}

impl Bytes {
    /// Keeps the first `len` bytes.
    pub(super) fn store(&mut self, bytes: &Packed, len: usize) -> Place {
        let (head, bytes) = (filled(bytes, NONE).bytes, bytes.get(HEAD..));
        let bytes = bytes.unwrap_or_default();
        let len = len.saturating_sub(HEAD);
        let (mut count, rest) = (len / BLOCK, len % BLOCK);
        let mut link = NONE;
        if (1..=TAIL).contains(&rest) {
            let rest = bytes.get(count * BLOCK..).unwrap_or_default();
            link = self.tails.take(filled(rest, link)) | TO_TAIL;
        } else {
            count += usize::from(rest > 0);
        }
        // From the end, so that each block knows the one behind it.
        for block in bytes.chunks(BLOCK).take(count).rev() {
            link = self.blocks.take(filled(block, link));
        }
        Place { link, head }
    }

    /// Reads a string, and some of what had stood behind it.
    pub(super) fn read(&self, place: Place, to: &mut Packed) {
        let Some((head, to)) = to.split_first_chunk_mut::<HEAD>() else {
            return;
        };
        *head = place.head;
        let mut link = place.link;
        for room in to.chunks_mut(BLOCK) {
            if let Some(block) = self.blocks.get(link) {
                copy(&block.bytes, room);
                link = block.next;
                continue;
            }
            if let Some(tail) = self.tail(link) {
                copy(&tail.bytes, room);
            }
            return;
        }
    }

    /// Reads from the memory of many strings, so that it is in the cache.
    pub(super) fn touch(&self, links: &mut [u32]) {
        self.blocks.touch(links, |_| 0);
        let tails = links.iter().filter_map(|&link| self.tail(link));
        black_box(tails.fold(0, |all, tail| all ^ tail.bytes[0]));
    }

    /// Gives its memory back.
    pub(super) fn release(&mut self, place: Place) {
        let link = self.blocks.release(place.link);
        if link & TO_TAIL != 0 {
            self.tails.release(link & !TO_TAIL);
        }
    }

    /// How many blocks and tails there are, free ones too.
    #[cfg(test)]
    pub(super) const fn blocks(&self) -> [usize; 2] {
        [self.blocks.len(), self.tails.len()]
    }

    fn tail(&self, link: u32) -> Option<&Block<TAIL>> {
        (link & TO_TAIL != 0)
            .then(|| self.tails.get(link & !TO_TAIL))
            .flatten()
    }
}

/// A block of the first bytes of a string, or of all of them and zeros.
fn filled<const LEN: usize>(string: &[u8], next: u32) -> Block<LEN> {
    let bytes = string.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; LEN];
        copy(string, &mut bytes);
        bytes
    });
    Block { bytes, next }
}

fn copy(from: &[u8], to: &mut [u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

#[cfg(test)]
mod tests {
    use super::Bytes;
    use crate::flow::packed::{Packed, ROOM};
    use crate::flow::pool::NONE;

    #[test]
    fn what_is_kept_is_read_again() {
        let mut bytes = Bytes::default();
        let mut string: Packed = [0; ROOM];
        for (byte, number) in string.iter_mut().zip((0..=u8::MAX).cycle()) {
            *byte = number;
        }
        for len in [0, 1, 4, 5, 16, 17, 31, 32, 33, 44, 45, 60, 200, ROOM] {
            let other = bytes.store(&[7; ROOM], 40);
            let kept = bytes.store(&string, len);
            let mut again = [9; ROOM];
            bytes.read(kept, &mut again);
            assert_eq!(again[..len], string[..len]);
            bytes.read(other, &mut again);
            assert_eq!(again[..40], [7; 40]);
            bytes.touch(&mut [kept.link, other.link, NONE]);
            bytes.release(kept);
            bytes.release(other);
        }
        assert_eq!(bytes.blocks(), [(ROOM - 4) / 28 + 1, 2]);
    }
}
