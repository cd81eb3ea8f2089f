//! Memory that grows in pieces: growing copies nothing.

use std::hint::black_box;

/// Things allocated at once.
const CHUNK: usize = 512;
/// A vector in pieces.
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

/// What knows the next one of its chain.
pub(super) trait Linked {
    /// The next one; [`Chain::NONE`] if it is the last.
    fn next(&mut self) -> &mut u32;
    /// The same, to be read.
    fn leads_to(&self) -> u32;
}

/// Where a chain is: its first block and its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chain(pub(super) [u32; 2]);

impl Chain {
    /// No block.
    pub(super) const NONE: u32 = u32::MAX;
}

impl Default for Chain {
    /// Of nothing.
    fn default() -> Self {
        Self([Self::NONE; 2])
    }
}

/// Blocks of one size, linked into chains: what one chain gives back serves any other.
#[derive(Debug)]
pub(super) struct Blocks<T> {
    blocks: Pieces<T>,
    /// The first of the blocks that are free again.
    free: u32,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self {
            blocks: Pieces::default(),
            free: Chain::NONE,
        }
    }
}

impl<T: Linked> Blocks<T> {
    pub(super) fn get(&self, at: u32) -> Option<&T> {
        self.blocks.get(at as usize)
    }

    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        self.blocks.get_mut(at as usize)
    }

    /// Takes in a block; gives its place.
    pub(super) fn take(&mut self, block: T) -> u32 {
        let at = self.free;
        if let Some(free) = self.blocks.get_mut(at as usize) {
            self.free = free.leads_to();
            *free = block;
            return at;
        }
        self.blocks.push(block);
        self.blocks.len() as u32 - 1
    }

    /// Puts one more at the end of a chain.
    pub(super) fn push(&mut self, chain: &mut Chain, block: T) {
        let at = self.take(block);
        match self.blocks.get_mut(chain.0[1] as usize) {
            Some(last) => *last.next() = at,
            None => chain.0[0] = at,
        }
        chain.0[1] = at;
    }

    /// A chain's, in order.
    pub(super) fn iter(&self, chain: Chain) -> impl Iterator<Item = &T> {
        let mut at = chain.0[0];
        std::iter::from_fn(move || {
            let block = self.blocks.get(at as usize)?;
            at = block.leads_to();
            Some(block)
        })
    }

    /// Gives a chain's blocks back.
    pub(super) fn release(&mut self, chain: Chain) {
        if let Some(last) = self.blocks.get_mut(chain.0[1] as usize) {
            *last.next() = self.free;
            self.free = chain.0[0];
        }
    }

    /// Gives a block back; the next one of its chain, if it was one.
    pub(super) fn give_back(&mut self, at: u32) -> Option<u32> {
        let block = self.blocks.get_mut(at as usize)?;
        let next = std::mem::replace(block.next(), self.free);
        self.free = at;
        Some(next)
    }

    /// Reads from the blocks of many chains, so that they are in the cache: the first ones of all
    /// chains, then the second ones. Each round waits for all of its blocks at once.
    pub(super) fn touch(&self, chains: &mut [Chain], read: impl Fn(&T) -> u64) -> usize {
        let (mut all, mut words) = (0, 0);
        loop {
            let before = all;
            for chain in &mut *chains {
                if let Some(block) = self.blocks.get(chain.0[0] as usize) {
                    chain.0[0] = block.leads_to();
                    words ^= read(block);
                    all += 1;
                }
            }
            if before == all {
                black_box(words);
                return all;
            }
        }
    }

    /// How many there are, free ones too.
    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.blocks.len()
    }
}
