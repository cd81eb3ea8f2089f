//! The segments of flows that get some more.

use crate::flow::pool::{Blocks, Chain};
use crate::flow::seen::Seen;
use crate::seq::SeqNum;

/// Segments in a block: with the rest, four cache lines.
const SEGMENTS: usize = 6;

#[derive(Debug)]
struct Block {
    segments: [Seen; SEGMENTS],
    /// The number after each end's FIN, where there is one. The last block of a chain knows.
    fin_end: [SeqNum; 2],
}

/// Segments as they are, in chains.
#[derive(Debug, Default)]
pub(super) struct Loose {
    blocks: Blocks<Block>,
}

impl Loose {
    /// Adds a segment to a chain of `len`.
    pub(super) fn push(&mut self, chain: &mut Chain, len: usize, segment: Seen) {
        let place = len % SEGMENTS;
        if place == 0 {
            let mut segments = [Seen::default(); SEGMENTS];
            segments[0] = segment;
            let last = self.blocks.get(chain.0[1]);
            let fin_end = last.map_or([SeqNum(0); 2], |last| last.fin_end);
            self.blocks.push(chain, Block { segments, fin_end });
        }
        let Some(block) = self.blocks.get_mut(chain.0[1]) else {
            return;
        };
        block.segments[place] = segment;
        if segment.flags.fin() && !segment.flags.rst() {
            block.fin_end[usize::from(segment.from() & 1)] = segment.end();
        }
    }

    /// The `len` segments of a chain, in order.
    pub(super) fn segments(&self, chain: Chain, len: usize) -> impl Iterator<Item = &Seen> {
        let blocks = self.blocks.iter(chain);
        blocks.flat_map(|block| &block.segments).take(len)
    }

    /// The last segment of a chain of `len`.
    pub(super) fn last(&self, chain: Chain, len: usize) -> Option<&Seen> {
        let block = self.blocks.get(chain.0[1])?;
        block.segments.get(len.checked_sub(1)? % SEGMENTS)
    }

    /// The number after the last FIN of each end, if there was one.
    pub(super) fn fin_end(&self, chain: Chain) -> [SeqNum; 2] {
        let last = self.blocks.get(chain.0[1]);
        last.map_or([SeqNum(0); 2], |last| last.fin_end)
    }

    /// Gives a chain's blocks back.
    pub(super) fn release(&mut self, chain: Chain) {
        self.blocks.release(chain);
    }

    /// Reads from where the next segment of a chain of `len` will be.
    pub(super) fn touch_next(&self, chain: Chain, len: usize) -> u64 {
        let block = self.blocks.get(chain.0[1]);
        block.map_or(0, |block| {
            let next = &block.segments[len % SEGMENTS];
            u64::from(next.seq.0) ^ u64::from(next.bits)
        })
    }

    /// Reads from the blocks of many chains, so that they are in the cache.
    pub(super) fn touch(&self, chains: &mut [Chain]) -> usize {
        let read = |block: &Block| {
            block
                .segments
                .iter()
                .fold(0, |all, s| all ^ s.frame_and_len)
        };
        self.blocks.touch(chains, read)
    }
}

#[cfg(test)]
mod tests {
    use super::Block;

    #[test]
    fn a_block_is_four_cache_lines() {
        assert_eq!(size_of::<Block>(), 248);
    }
}
