//! The segments of flows that get some more.

use crate::flow::pool::{Blocks, Linked, NONE, ROOMS, Room};
use crate::flow::seen::Seen;
use crate::seq::SeqNum;

/// Segments in a block: with the rest, two cache lines.
const SEGMENTS: usize = 3;
/// Blocks of a chain at most, and segments of one.
const MOST: usize = 12;
pub(super) const MOST_SEGMENTS: usize = MOST * SEGMENTS;

#[derive(Debug, Default)]
#[repr(C, align(64))]
struct Block {
    segments: [Seen; SEGMENTS],
    before: u32,
    /// A number kept beside the segments. The last block of a chain knows.
    beside: SeqNum,
}

impl Linked for Block {
    fn link(&self) -> u32 {
        self.before
    }

    fn set_link(&mut self, link: u32) {
        self.before = link;
    }
}

/// Segments as they are, in chains of blocks from the last one back.
#[derive(Debug, Default)]
pub(super) struct Loose {
    blocks: Blocks<Block>,
}

/// Room for segments on its way: first to a thread that has the time to use it once, then back.
#[derive(Debug, Default)]
pub(super) struct Rooms(Vec<Room<Block>>);

impl Rooms {
    /// As much as a batch needs.
    pub(super) fn make(&mut self) {
        self.0.resize_with(ROOMS, Room::new);
    }

    pub(super) fn use_once(&mut self) {
        self.0.iter_mut().for_each(Room::use_once);
    }
}

impl Loose {
    /// Takes room that was made elsewhere.
    pub(super) fn take_room(&mut self, rooms: &mut Rooms) {
        self.blocks.take_room(&mut rooms.0);
    }

    /// Adds a segment to the chain of `len` that ends at `last`. `beside`: a number is kept there.
    #[inline]
    pub(super) fn push(&mut self, last: &mut u32, len: u8, segment: &Seen, beside: bool) {
        let place = usize::from(len) % SEGMENTS;
        if place == 0 {
            *last = self.begin_block(*last, segment, beside);
            return;
        }
        let block = self.blocks.get_mut(*last);
        if let Some(room) = block.and_then(|block| block.segments.get_mut(place)) {
            *room = *segment;
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
            block.segments[0] = *segment;
            (block.before, block.beside) = (last, beside);
        }
        at
    }

    /// The number kept beside the segments.
    pub(super) fn beside(&self, last: u32) -> SeqNum {
        let block = self.blocks.get(last);
        block.map_or(SeqNum(0), |block| block.beside)
    }

    /// Keeps a number beside the segments.
    pub(super) fn set_beside(&mut self, last: u32, number: SeqNum) {
        if let Some(block) = self.blocks.get_mut(last) {
            block.beside = number;
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
            let segments = block.segments.get(..rest).unwrap_or(&block.segments);
            segments.iter().for_each(&mut with);
            rest -= segments.len();
        }
    }

    /// Reads the same into `to`, in place of whatever is there.
    pub(super) fn read(&self, last: u32, len: u8, to: &mut Vec<Seen>) {
        let len = usize::from(len);
        to.resize(len.div_ceil(SEGMENTS) * SEGMENTS, Seen::default());
        let mut link = last;
        for room in to.as_chunks_mut::<SEGMENTS>().0.iter_mut().rev() {
            let Some(block) = self.blocks.get(link) else {
                break;
            };
            *room = block.segments;
            link = block.before;
        }
        to.truncate(len);
    }

    /// The last segment of a chain of `len`.
    pub(super) fn last(&self, last: u32, len: u8) -> Option<&Seen> {
        let place = usize::from(len).checked_sub(1)? % SEGMENTS;
        self.blocks.get(last)?.segments.get(place)
    }

    /// Gives a chain's blocks back.
    pub(super) fn release(&mut self, last: u32) {
        self.blocks.release(last);
    }

    /// How many blocks there are, free ones too.
    #[cfg(test)]
    pub(super) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Reads from the blocks of many chains, so that they are in the cache.
    pub(super) fn touch(&self, links: &mut [u32]) {
        self.blocks
            .touch(links, |block| block.segments[0].frame_and_len);
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Loose, MOST_SEGMENTS, NONE};
    use crate::flow::seen::Seen;
    use crate::seq::SeqNum;

    #[test]
    fn a_block_is_two_cache_lines() {
        assert_eq!(size_of::<Block>(), 128);
    }

    /// A segment that is told from others by its number.
    fn segment(number: u32) -> Seen {
        Seen {
            seq: SeqNum(number),
            ..Seen::default()
        }
    }

    #[test]
    fn chains_that_grow_in_turn_keep_what_is_theirs() {
        let mut loose = Loose::default();
        let (mut chains, mut len, mut read) = ([NONE; 3], 0_u8, Vec::new());
        while usize::from(len) < MOST_SEGMENTS {
            for (chain, first) in chains.iter_mut().zip([0, 1000, 2000]) {
                loose.push(chain, len, &segment(first + u32::from(len)), len > 0);
                if len == 0 {
                    loose.set_beside(*chain, SeqNum(first + 500));
                }
            }
            len += 1;
            for (chain, first) in chains.iter().zip([0, 1000, 2000]) {
                let mut numbers = Vec::new();
                loose.each(*chain, len, |seen| numbers.push(seen.seq.0));
                let expected: Vec<u32> = (first..first + u32::from(len)).collect();
                assert_eq!(numbers, expected);
                loose.read(*chain, len, &mut read);
                assert!(read.iter().map(|seen| seen.seq.0).eq(numbers));
                let last = loose.last(*chain, len).map(|seen| seen.seq.0);
                assert_eq!(last, expected.last().copied());
                assert_eq!(loose.beside(*chain), SeqNum(first + 500));
            }
        }
        assert_eq!(loose.last(chains[0], 0), None);
    }

    #[test]
    fn what_one_chain_gives_back_serves_another() {
        let mut loose = Loose::default();
        for _ in 0..100 {
            let mut chain = NONE;
            for len in 0..7 {
                loose.push(&mut chain, len, &segment(len.into()), false);
            }
            loose.release(chain);
        }
        assert_eq!(loose.blocks(), 3);
    }
}
