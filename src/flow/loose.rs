//! The segments of flows that get some more.

use crate::flow::pages::Pages;
use crate::flow::pool::{Blocks, Linked, NONE};
use crate::flow::seen::Seen;
use crate::seq::SeqNum;

/// Segments in a block.
const SEGMENTS: usize = 3;
/// Blocks of a chain at most, and segments of one.
const MOST: usize = 12;
pub(super) const MOST_SEGMENTS: usize = MOST * SEGMENTS;
/// Where a block's link stands, behind the segments, and a number that is kept beside those.
const LINK: usize = SEGMENTS * Seen::BYTES;
const BESIDE: usize = LINK + 4;
/// Two cache lines.
const BLOCK: usize = 128;
const _: () = assert!(BESIDE + 4 == BLOCK);

/// Segments, the link to the block before, and a number beside, which the last block of a chain knows.
type Block = [u8; BLOCK];

impl Linked for Block {
    fn link(&self) -> u32 {
        word(self, LINK)
    }

    fn set_link(&mut self, link: u32) {
        set_word(self, LINK, link);
    }
}

/// Segments as they are, in chains of blocks from the last one back.
#[derive(Debug, Default)]
pub(super) struct Loose {
    blocks: Blocks<Block, Pages<BLOCK>>,
}

impl Loose {
    /// Adds a segment to the chain of `len` that ends at `last`. `beside`: a number is kept there.
    #[inline]
    pub(super) fn push(&mut self, last: &mut u32, len: u8, segment: &Seen, beside: bool) {
        let place = usize::from(len) % SEGMENTS;
        if place == 0 {
            *last = self.begin_block(*last, segment, beside);
            return;
        }
        let block = self.blocks.get_mut(*last);
        if let Some(room) = block.and_then(|block| segment_at(block, place)) {
            *room = segment.to_bytes();
        }
    }

    /// The next block of the chain that ends at `last`, with its first segment.
    #[inline(never)]
    fn begin_block(&mut self, last: u32, segment: &Seen, beside: bool) -> u32 {
        // What is read here is waited for, in contrast to what is written.
        let beside = if beside { self.beside(last) } else { SeqNum(0) };
        // Written in its place: to make it elsewhere and to copy it takes twice as long. What stands
        // behind the segment is not read before there is another.
        let at = self.blocks.place();
        if let Some(block) = self.blocks.get_mut(at) {
            if let Some(room) = segment_at(block, 0) {
                *room = segment.to_bytes();
            }
            set_word(block, LINK, last);
            set_word(block, BESIDE, beside.0);
        }
        at
    }

    /// The number kept beside the segments.
    pub(super) fn beside(&self, last: u32) -> SeqNum {
        let block = self.blocks.get(last);
        SeqNum(block.map_or(0, |block| word(block, BESIDE)))
    }

    /// Keeps a number beside the segments.
    pub(super) fn set_beside(&mut self, last: u32, number: SeqNum) {
        if let Some(block) = self.blocks.get_mut(last) {
            set_word(block, BESIDE, number.0);
        }
    }

    /// The `len` segments of a chain, in order.
    pub(super) fn each(&self, last: u32, len: u8, mut with: impl FnMut(&Seen)) {
        let count = usize::from(len).div_ceil(SEGMENTS);
        let (mut blocks, mut link) = ([None; MOST], last);
        let blocks = blocks.get_mut(..count).unwrap_or_default();
        for slot in blocks.iter_mut().rev() {
            *slot = self.blocks.get(link);
            link = slot.map_or(NONE, Linked::link);
        }
        let mut rest = usize::from(len);
        for block in blocks.iter().copied().flatten() {
            let segments = segments(block);
            let segments = segments.get(..rest).unwrap_or(segments);
            segments
                .iter()
                .map(Seen::from_bytes)
                .for_each(|seen| with(&seen));
            rest -= segments.len();
        }
    }

    /// The last segment of a chain of `len`.
    pub(super) fn last(&self, last: u32, len: u8) -> Option<Seen> {
        let place = usize::from(len).checked_sub(1)? % SEGMENTS;
        let block = self.blocks.get(last)?;
        segments(block).get(place).map(Seen::from_bytes)
    }

    /// Gives a chain's blocks back.
    pub(super) fn release(&mut self, last: u32) {
        self.blocks.release(last);
    }

    /// Reads from the blocks of many chains, so that they are in the cache.
    pub(super) fn touch(&self, links: &mut [u32]) {
        self.blocks.touch(links, |block| block[0].into());
    }
}

fn segments(block: &Block) -> &[[u8; Seen::BYTES]] {
    block.as_chunks().0
}

fn segment_at(block: &mut Block, place: usize) -> Option<&mut [u8; Seen::BYTES]> {
    block.as_chunks_mut().0.get_mut(place)
}

/// The number at `at`; 0 beyond the end.
fn word(block: &Block, at: usize) -> u32 {
    let bytes = block.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
}

fn set_word(block: &mut Block, at: usize, word: u32) {
    let room = block.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    if let Some(room) = room {
        *room = word.to_ne_bytes();
    }
}
