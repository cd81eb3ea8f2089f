//! Memory for the segments of many short flows.

use crate::flow::seen::Seen;

/// Pool in a block: with the link, two cache lines.
pub(super) const BLOCK: usize = 3;
/// Things allocated at once. They never move: growing copies nothing.
const CHUNK: usize = 512;
/// No block.
const NONE: u32 = u32::MAX;

/// A vector in pieces, whose elements begin where cache lines do.
#[derive(Debug)]
pub(super) struct Pieces<T> {
    pieces: Vec<Vec<T>>,
    len: usize,
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Self {
            pieces: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Pieces<T> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.pieces.get(at / CHUNK)?.get(at % CHUNK)
    }

    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.pieces.get_mut(at / CHUNK)?.get_mut(at % CHUNK)
    }

    /// Two different ones.
    pub(super) fn both(&mut self, a: usize, b: usize) -> Option<[&mut T; 2]> {
        if a / CHUNK == b / CHUNK {
            let piece = self.pieces.get_mut(a / CHUNK)?;
            return piece.get_disjoint_mut([a % CHUNK, b % CHUNK]).ok();
        }
        let pieces = self.pieces.get_disjoint_mut([a / CHUNK, b / CHUNK]);
        let [x, y] = pieces.ok()?;
        Some([x.get_mut(a % CHUNK)?, y.get_mut(b % CHUNK)?])
    }

    pub(super) fn push(&mut self, item: T) {
        if self.len.is_multiple_of(CHUNK) {
            self.pieces.push(Vec::with_capacity(CHUNK));
        }
        if let Some(piece) = self.pieces.last_mut() {
            piece.push(item);
            self.len += 1;
        }
    }
}

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Block {
    segments: [Seen; BLOCK],
    next: u32,
}

/// The segments of one flow: where they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain(
    /// Its first block and its last one.
    pub(super) [u32; 2],
);

impl Default for Chain {
    /// Of no segments.
    fn default() -> Self {
        Self([NONE; 2])
    }
}

/// Blocks of segments, linked into chains.
#[derive(Debug)]
pub(super) struct Pool {
    blocks: Pieces<Block>,
    /// The first of the blocks that are free again.
    free: u32,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            blocks: Pieces::default(),
            free: NONE,
        }
    }
}

impl Pool {
    /// A chain of one segment.
    pub(super) fn begin(&mut self, first: Seen) -> Chain {
        let at = self.take(first);
        Chain([at; 2])
    }

    /// Adds a segment to a chain of `len`.
    pub(super) fn push(&mut self, chain: &mut Chain, len: usize, segment: Seen) {
        let place = len % BLOCK;
        if place > 0 {
            let block = self.blocks.get_mut(chain.0[1] as usize);
            if let Some(slot) = block.and_then(|b| b.segments.get_mut(place)) {
                *slot = segment;
            }
            return;
        }
        let next = self.take(segment);
        if let Some(block) = self.blocks.get_mut(chain.0[1] as usize) {
            block.next = next;
        }
        chain.0[1] = next;
    }

    /// The `len` segments of a chain, in order.
    pub(super) fn segments(&self, chain: Chain, len: usize) -> impl Iterator<Item = &Seen> {
        let mut at = chain.0[0];
        let blocks = std::iter::from_fn(move || {
            let block = self.blocks.get(at as usize)?;
            at = block.next;
            Some(&block.segments)
        });
        blocks.flatten().take(len)
    }

    /// The last segment of a chain of `len`.
    pub(super) fn last(&self, chain: Chain, len: usize) -> Option<&Seen> {
        let block = self.blocks.get(chain.0[1] as usize)?;
        block.segments.get(len.checked_sub(1)? % BLOCK)
    }

    /// Gives a chain's blocks back.
    pub(super) fn release(&mut self, chain: Chain) {
        if let Some(last) = self.blocks.get_mut(chain.0[1] as usize) {
            last.next = self.free;
            self.free = chain.0[0];
        }
    }

    /// Reads from the blocks of many chains, so that they are in the cache: the first ones of all
    /// chains, then the second ones. Each round waits for all of its blocks at once.
    pub(super) fn touch_chains(&self, chains: &mut [Chain]) -> u64 {
        let mut all = 0;
        loop {
            let before = all;
            for chain in &mut *chains {
                if let Some(block) = self.blocks.get(chain.0[0] as usize) {
                    chain.0[0] = block.next;
                    all += 1 + u64::from(block.segments[0].seq.0 & 1);
                }
            }
            if before == all {
                return all;
            }
        }
    }

    /// A block with a first segment.
    fn take(&mut self, first: Seen) -> u32 {
        let segments = [first, Seen::default(), Seen::default()];
        let block = Block {
            segments,
            next: NONE,
        };
        let at = self.free;
        if let Some(free) = self.blocks.get_mut(at as usize) {
            self.free = free.next;
            *free = block;
            return at;
        }
        let at = self.blocks.len() as u32;
        self.blocks.push(block);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Chain, Pool};
    use crate::flow::seen::Seen;
    use crate::packet::Segment;
    use crate::stamp::{Stamp, Time};

    fn seen(frame: u64) -> Seen {
        let time = Time(0);
        Seen::new(&Segment::default(), 0, Stamp { frame, time })
    }

    fn frames(pool: &Pool, chain: Chain, len: usize) -> Vec<u64> {
        let segments = pool.segments(chain, len);
        segments.map(|s| s.at().frame).collect()
    }

    fn chain(pool: &mut Pool, frames: std::ops::Range<u64>) -> Chain {
        let mut chain = pool.begin(seen(frames.start));
        for (len, frame) in frames.enumerate().skip(1) {
            pool.push(&mut chain, len, seen(frame));
        }
        chain
    }

    #[test]
    fn chains_share_the_pool() {
        let mut pool = Pool::default();
        let (mut a, mut b) = (pool.begin(seen(0)), pool.begin(seen(100)));
        for len in 1..10 {
            pool.push(&mut a, len, seen(len as u64));
            pool.push(&mut b, len, seen(100 + len as u64));
        }
        assert_eq!(frames(&pool, a, 10), (0..10).collect::<Vec<_>>());
        assert_eq!(frames(&pool, b, 10), (100..110).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_released_is_used_again() {
        let mut pool = Pool::default();
        let a = chain(&mut pool, 0..7);
        let b = chain(&mut pool, 20..23);
        let blocks = pool.blocks.len();
        pool.release(a);
        let c = chain(&mut pool, 40..40 + 3 * BLOCK as u64);
        assert_eq!(pool.blocks.len(), blocks);
        assert_eq!(frames(&pool, b, 3), [20, 21, 22]);
        assert_eq!(frames(&pool, c, 3 * BLOCK), (40..49).collect::<Vec<_>>());
    }

    #[test]
    fn many_blocks() {
        let mut pool = Pool::default();
        let long = chain(&mut pool, 0..5000);
        assert_eq!(frames(&pool, long, 5000), (0..5000).collect::<Vec<_>>());
    }
}
