//! The segments of flows that get some more.

use crate::flow::pool::{Blocks, Linked, NONE};
use crate::flow::seen::Seen;
use crate::seq::SeqNum;

/// Segments in a block: with the rest, two cache lines.
const SEGMENTS: usize = 3;
/// Blocks of a chain at most.
const MOST: usize = (u8::MAX as usize).div_ceil(SEGMENTS);

#[derive(Debug)]
#[repr(C, align(64))]
struct Block {
    segments: [Seen; SEGMENTS],
    before: u32,
    /// The number after the second end's FIN, where there is one. The last block of a chain knows.
    fin_end: SeqNum,
}

impl Linked for Block {
    fn link(&self) -> u32 {
        self.before
    }

    fn set_link(&mut self, link: u32) {
        self.before = link;
    }
}

/// Where a chain of segments is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    pub(super) last: u32,
    /// The number after the first end's FIN, where there is one.
    pub(super) fin_end: SeqNum,
}

impl Default for Chain {
    /// Of none.
    fn default() -> Self {
        let (last, fin_end) = (NONE, SeqNum(0));
        Self { last, fin_end }
    }
}

/// Segments as they are, in chains of blocks from the last one back.
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
            let before = self.blocks.get(chain.last);
            let block = Block {
                segments: [*segment, nothing, nothing],
                before: chain.last,
                fin_end: before.map_or(SeqNum(0), |before| before.fin_end),
            };
            chain.last = self.blocks.take(block);
        } else if let Some(block) = self.blocks.get_mut(chain.last) {
            block.segments[place] = *segment;
        }
        if !segment.flags.fin() || segment.flags.rst() {
            return;
        }
        if segment.from() == 0 {
            chain.fin_end = segment.end();
        } else if let Some(block) = self.blocks.get_mut(chain.last) {
            block.fin_end = segment.end();
        }
    }

    /// The `len` segments of a chain, in order.
    pub(super) fn each(&self, chain: Chain, len: u8, mut with: impl FnMut(&Seen)) {
        let count = usize::from(len).div_ceil(SEGMENTS);
        let (mut links, mut link) = ([NONE; MOST], chain.last);
        let links = links.get_mut(..count).unwrap_or_default();
        for slot in links.iter_mut().rev() {
            *slot = link;
            link = self.blocks.get(link).map_or(NONE, |block| block.before);
        }
        let mut rest = usize::from(len);
        for block in links.iter().filter_map(|&link| self.blocks.get(link)) {
            let segments = block.segments.get(..rest).unwrap_or(&block.segments);
            segments.iter().for_each(&mut with);
            rest -= segments.len();
        }
    }

    /// The last segment of a chain of `len`.
    pub(super) fn last(&self, chain: Chain, len: u8) -> Option<&Seen> {
        let block = self.blocks.get(chain.last)?;
        block
            .segments
            .get(usize::from(len).checked_sub(1)? % SEGMENTS)
    }

    /// The number after an end's FIN, if it sent one.
    pub(super) fn fin_end(&self, chain: Chain, end: u8) -> SeqNum {
        if end == 0 {
            return chain.fin_end;
        }
        let last = self.blocks.get(chain.last);
        last.map_or(SeqNum(0), |last| last.fin_end)
    }

    /// Gives a chain's blocks back.
    pub(super) fn release(&mut self, chain: Chain) {
        self.blocks.release(chain.last);
    }

    /// Reads from the blocks of many chains, so that they are in the cache.
    pub(super) fn touch(&self, links: &mut [u32]) {
        self.blocks
            .touch(links, |block| block.segments[0].frame_and_len);
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
