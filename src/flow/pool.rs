//! Memory for what short flows consist of: their segments, or these packed into bytes.

use crate::flow::seen::Seen;

/// Segments in a block: with the link, two cache lines.
pub(super) const BLOCK: usize = 3;
/// Bytes in a block of packed segments: with the link, half a cache line.
const BYTES: usize = 28;
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

/// Begins where a cache line does.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Line;

/// Some items of a chain. `A`: what it is aligned to.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Block<T, const N: usize, A> {
    aligned: [A; 0],
    items: [T; N],
    next: u32,
}

/// Where the items of one flow are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chain {
    first: u32,
    last: u32,
}

impl Default for Chain {
    /// Of no items.
    fn default() -> Self {
        let (first, last) = (NONE, NONE);
        Self { first, last }
    }
}

/// Blocks of items, linked into chains.
#[derive(Debug)]
pub(super) struct Pool<T, const N: usize, A> {
    blocks: Pieces<Block<T, N, A>>,
    /// The first of the blocks that are free again.
    free: u32,
}

/// Segments as they are.
pub(super) type Segments = Pool<Seen, BLOCK, Line>;
/// Segments packed into bytes.
pub(super) type Packed = Pool<u8, BYTES, ()>;

impl<T, const N: usize, A> Default for Pool<T, N, A> {
    fn default() -> Self {
        Self {
            blocks: Pieces::default(),
            free: NONE,
        }
    }
}

impl<T: Copy + Default, const N: usize, A: Copy> Pool<T, N, A> {
    /// A chain of one item.
    pub(super) fn begin(&mut self, first: T) -> Chain {
        let at = self.take(first);
        Chain {
            first: at,
            last: at,
        }
    }

    /// Adds an item to a chain of `len`.
    pub(super) fn push(&mut self, chain: &mut Chain, len: usize, item: T) {
        let place = len % N;
        if place > 0 {
            let block = self.blocks.get_mut(chain.last as usize);
            if let Some(slot) = block.and_then(|b| b.items.get_mut(place)) {
                *slot = item;
            }
            return;
        }
        let next = self.take(item);
        if let Some(block) = self.blocks.get_mut(chain.last as usize) {
            block.next = next;
        }
        chain.last = next;
    }

    /// A chain of these items; there is at least one.
    pub(super) fn store(&mut self, items: &[T]) -> Chain {
        let mut chain = Chain::default();
        for part in items.chunks(N) {
            let at = self.take(T::default());
            if let Some(block) = self.blocks.get_mut(at as usize) {
                for (slot, item) in block.items.iter_mut().zip(part) {
                    *slot = *item;
                }
            }
            match self.blocks.get_mut(chain.last as usize) {
                Some(block) => block.next = at,
                None => chain.first = at,
            }
            chain.last = at;
        }
        chain
    }

    /// The blocks of a chain, in order.
    pub(super) fn blocks(&self, chain: Chain) -> impl Iterator<Item = &[T; N]> {
        let mut at = chain.first;
        std::iter::from_fn(move || {
            let block = self.blocks.get(at as usize)?;
            at = block.next;
            Some(&block.items)
        })
    }

    /// The `len` items of a chain, in order.
    pub(super) fn items(&self, chain: Chain, len: usize) -> impl Iterator<Item = &T> {
        self.blocks(chain).flatten().take(len)
    }

    /// The last item of a chain of `len`.
    pub(super) fn last(&self, chain: Chain, len: usize) -> Option<&T> {
        let block = self.blocks.get(chain.last as usize)?;
        block.items.get(len.checked_sub(1)? % N)
    }

    /// Gives a chain's blocks back.
    pub(super) fn release(&mut self, chain: Chain) {
        if let Some(last) = self.blocks.get_mut(chain.last as usize) {
            last.next = self.free;
            self.free = chain.first;
        }
    }

    /// A block with a first item.
    fn take(&mut self, first: T) -> u32 {
        let mut items = [T::default(); N];
        items[0] = first;
        let block = Block {
            aligned: [],
            items,
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

impl Segments {
    /// Reads from the blocks of many chains, so that they are in the cache: the first ones of all
    /// chains, then the second ones. Each round waits for all of its blocks at once.
    pub(super) fn touch_chains(&self, chains: &mut [Chain]) -> u64 {
        let mut all = 0;
        loop {
            let before = all;
            for chain in &mut *chains {
                if let Some(block) = self.blocks.get(chain.first as usize) {
                    chain.first = block.next;
                    all += 1 + u64::from(block.items[0].seq.0 & 1);
                }
            }
            if before == all {
                return all;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Chain, Packed, Segments};
    use crate::flow::seen::Seen;
    use crate::packet::Segment;
    use crate::stamp::{Stamp, Time};

    fn seen(frame: u64) -> Seen {
        let time = Time(0);
        Seen::new(&Segment::default(), 0, Stamp { frame, time })
    }

    fn frames(pool: &Segments, chain: Chain, len: usize) -> Vec<u64> {
        let segments = pool.items(chain, len);
        segments.map(|s| s.at().frame).collect()
    }

    fn chain(pool: &mut Segments, frames: std::ops::Range<u64>) -> Chain {
        let mut chain = pool.begin(seen(frames.start));
        for (len, frame) in frames.enumerate().skip(1) {
            pool.push(&mut chain, len, seen(frame));
        }
        chain
    }

    #[test]
    fn chains_share_the_pool() {
        let mut pool = Segments::default();
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
        let mut pool = Segments::default();
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
        let mut pool = Segments::default();
        let long = chain(&mut pool, 0..5000);
        assert_eq!(frames(&pool, long, 5000), (0..5000).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let mut pool = Packed::default();
        let bytes: Vec<u8> = (0..200).collect();
        for len in [1, 27, 28, 29, 200] {
            let chain = pool.store(&bytes[..len]);
            assert!(pool.items(chain, len).eq(&bytes[..len]));
            assert_eq!(pool.last(chain, len), bytes[..len].last());
            pool.release(chain);
        }
        assert_eq!(pool.blocks.len(), 8);
    }

    #[test]
    fn a_block_is_whole_cache_lines_or_half_of_one() {
        assert_eq!(size_of::<super::Block<Seen, BLOCK, super::Line>>(), 128);
        assert_eq!(align_of::<super::Block<Seen, BLOCK, super::Line>>(), 64);
        assert_eq!(size_of::<super::Block<u8, 28, ()>>(), 32);
    }
}
