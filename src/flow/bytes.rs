//! Memory for many short strings of bytes.

use crate::flow::pool::Pieces;
use smallvec::SmallVec;

/// Bytes in a block; with the link, half a cache line. Less would be links for the most part, more
/// would stay empty.
const BLOCK: usize = 28;
/// Room for what most strings are, outside of the heap.
const ROOM: usize = 512;
/// No block.
const NONE: u32 = u32::MAX;

/// Where a string is: its first block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(pub(super) u32);

impl Default for Place {
    /// Of no string.
    fn default() -> Self {
        Self(NONE)
    }
}

#[derive(Debug)]
struct Block {
    bytes: [u8; BLOCK],
    next: u32,
}

/// Strings, in linked blocks of one size: as a string grows, what it leaves serves any other.
#[derive(Debug)]
pub(super) struct Bytes {
    blocks: Pieces<Block>,
    /// The first of the blocks that are free again.
    free: u32,
}

impl Default for Bytes {
    fn default() -> Self {
        Self {
            blocks: Pieces::default(),
            free: NONE,
        }
    }
}

impl Bytes {
    /// Keeps a string.
    pub(super) fn store(&mut self, string: &[u8]) -> Place {
        let mut next = NONE;
        // From its end, so that each block knows the one behind it.
        let (whole, rest) = string.as_chunks::<BLOCK>();
        if !rest.is_empty() {
            let mut bytes = [0; BLOCK];
            for (to, from) in bytes.iter_mut().zip(rest) {
                *to = *from;
            }
            next = self.take(Block { bytes, next });
        }
        for &bytes in whole.iter().rev() {
            next = self.take(Block { bytes, next });
        }
        Place(next)
    }

    /// A string, and some zeros behind it.
    pub(super) fn get(&self, place: Place) -> SmallVec<[u8; ROOM]> {
        let (mut string, mut at) = (SmallVec::new(), place.0);
        while let Some(block) = self.blocks.get(at as usize) {
            string.extend_from_slice(&block.bytes);
            at = block.next;
        }
        string
    }

    /// Reads from the blocks of many strings, so that they are in the cache: the first ones of all,
    /// then the second ones. Each round waits for all of its blocks at once.
    pub(super) fn touch(&self, places: &mut [Place]) -> u32 {
        let mut all = 0_u32;
        loop {
            let before = all;
            for place in &mut *places {
                if let Some(block) = self.blocks.get(place.0 as usize) {
                    place.0 = block.next;
                    all += 1;
                }
            }
            if before == all {
                return all;
            }
        }
    }

    /// Gives its blocks back.
    pub(super) fn release(&mut self, place: Place) {
        let mut at = place.0;
        while let Some(block) = self.blocks.get_mut(at as usize) {
            let next = std::mem::replace(&mut block.next, self.free);
            self.free = at;
            at = next;
        }
    }

    fn take(&mut self, block: Block) -> u32 {
        let at = self.free;
        if let Some(free) = self.blocks.get_mut(at as usize) {
            self.free = free.next;
            *free = block;
            return at;
        }
        self.blocks.push(block);
        self.blocks.len() as u32 - 1
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Bytes, Place};

    #[test]
    fn a_block_is_half_a_cache_line() {
        assert_eq!(size_of::<Block>(), 32);
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let mut bytes = Bytes::default();
        let string: Vec<u8> = (1..=200).collect();
        for len in [0, 1, 27, 28, 29, 56, 200] {
            let other = bytes.store(&[7; 40]);
            let place = bytes.store(&string[..len]);
            let again = bytes.get(place);
            assert_eq!(again[..len], string[..len]);
            assert!(again.len() < len + 28 && again[len..].iter().all(|&b| b == 0));
            assert_eq!(bytes.get(other)[..40], [7; 40]);
            assert_eq!(
                bytes.touch(&mut [place, other, Place::default()]),
                len.div_ceil(28) as u32 + 2
            );
            bytes.release(place);
            bytes.release(other);
        }
        assert_eq!(bytes.blocks.len(), 8 + 2);
    }
}
