//! Memory for many short strings of bytes.

use crate::flow::pool::Pieces;

/// Bytes in a block; with the link, half a cache line. Less would be links for the most part, more
/// would stay empty.
const BLOCK: usize = 28;
/// No block.
const NONE: u32 = u32::MAX;

/// Where a string is: its first block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place(pub(super) u32);

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
    pub(super) fn get(&self, place: Place) -> impl Iterator<Item = &u8> {
        let mut at = place.0;
        let blocks = std::iter::from_fn(move || {
            let block = self.blocks.get(at as usize)?;
            at = block.next;
            Some(&block.bytes)
        });
        blocks.flatten()
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
    use super::{Block, Bytes};

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
            let again: Vec<u8> = bytes.get(place).copied().collect();
            assert_eq!(again[..len], string[..len]);
            assert!(again.len() < len + 28 && again[len..].iter().all(|&b| b == 0));
            assert!(bytes.get(other).take(40).eq(&[7; 40]));
            bytes.release(place);
            bytes.release(other);
        }
        assert_eq!(bytes.blocks.len(), 8 + 2);
    }
}
