//! The segments of flows that get some more.

use crate::flow::pool::{Blocks, Chain, Linked};
use crate::flow::seen::Seen;

/// Segments in a block: with the rest, two cache lines.
const SEGMENTS: usize = 3;

#[derive(Debug)]
#[repr(align(64))]
struct Block {
    segments: [Seen; SEGMENTS],
    next: u32,
    /// Which segments of the chain are the FINs of either end, where there are some. The last block
    /// knows.
    fins: [u8; 2],
}

impl Linked for Block {
    fn next(&mut self) -> &mut u32 {
        &mut self.next
    }

    fn leads_to(&self) -> u32 {
        self.next
    }
}

/// Segments as they are, in chains.
#[derive(Debug, Default)]
pub(super) struct Loose {
    blocks: Blocks<Block>,
}

impl Loose {
    /// Adds a segment to a chain of `len`.
    pub(super) fn push(&mut self, chain: &mut Chain, len: u8, segment: &Seen) {
        let place = usize::from(len) % SEGMENTS;
        if place == 0 {
            let nothing = Seen::default();
            let segments = [*segment, nothing, nothing];
            let fins = self.blocks.get(chain.0[1]).map_or([0; 2], |last| last.fins);
            let next = Chain::NONE;
            let block = Block {
                segments,
                next,
                fins,
            };
            self.blocks.push(chain, block);
        }
        let Some(block) = self.blocks.get_mut(chain.0[1]) else {
            return;
        };
        if place > 0 {
            block.segments[place] = *segment;
        }
        if segment.flags.fin() && !segment.flags.rst() {
            block.fins[usize::from(segment.from() & 1)] = len;
        }
    }

    /// The `len` segments of a chain, in order.
    pub(super) fn each(&self, chain: Chain, len: u8, mut with: impl FnMut(&Seen)) {
        let mut rest = usize::from(len);
        for block in self.blocks.iter(chain) {
            let segments = block.segments.get(..rest).unwrap_or(&block.segments);
            segments.iter().for_each(&mut with);
            rest -= segments.len();
            if rest == 0 {
                return;
            }
        }
    }

    /// The first segment that is like this.
    pub(super) fn find(
        &self,
        chain: Chain,
        len: u8,
        like: impl Fn(&Seen) -> bool,
    ) -> Option<&Seen> {
        let blocks = self.blocks.iter(chain);
        let mut segments = blocks.flat_map(|block| &block.segments).take(len.into());
        segments.find(|seen| like(seen))
    }

    /// The last segment of a chain of `len`.
    pub(super) fn last(&self, chain: Chain, len: u8) -> Option<&Seen> {
        let block = self.blocks.get(chain.0[1])?;
        block
            .segments
            .get(usize::from(len).checked_sub(1)? % SEGMENTS)
    }

    /// The last FIN of an end, if a chain of `len` has one.
    pub(super) fn fin(&self, chain: Chain, len: u8, end: u8) -> Option<&Seen> {
        let last = self.blocks.get(chain.0[1])?;
        let fin = last.fins[usize::from(end & 1)];
        let (block, place) = (usize::from(fin) / SEGMENTS, usize::from(fin) % SEGMENTS);
        if block == usize::from(len - 1) / SEGMENTS {
            return last.segments.get(place);
        }
        let block = self.blocks.iter(chain).nth(block)?;
        block.segments.get(place)
    }

    /// Gives a chain's blocks back.
    pub(super) fn release(&mut self, chain: Chain) {
        self.blocks.release(chain);
    }

    /// Reads from the blocks of many chains, so that they are in the cache.
    pub(super) fn touch(&self, chains: &mut [Chain]) -> usize {
        let read = |block: &Block| block.segments[0].frame_and_len;
        self.blocks.touch(chains, read)
    }
}

#[cfg(test)]
mod tests {
    use super::Block;

    #[test]
    fn a_block_is_two_cache_lines() {
        assert_eq!(size_of::<Block>(), 128);
    }
}
