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

/// No block.
pub(super) const NONE: u32 = u32::MAX;

/// What is linked into chains.
pub(super) trait Linked {
    /// The block before or behind it; [`NONE`] if there is none.
    fn link(&self) -> u32;
    fn set_link(&mut self, link: u32);
}

/// Blocks of one size: what one chain of them gives back serves any other.
#[derive(Debug)]
pub(super) struct Blocks<T> {
    room: Pieces<T>,
    /// The first of the blocks that are free again.
    free: u32,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self {
            room: Pieces::default(),
            free: NONE,
        }
    }
}

impl<T: Linked + Default> Blocks<T> {
    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&T> {
        self.room.get(at as usize)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        self.room.get_mut(at as usize)
    }

    /// Takes in a block; gives its place.
    pub(super) fn take(&mut self, block: T) -> u32 {
        let at = self.place();
        if let Some(room) = self.get_mut(at) {
            *room = block;
        }
        at
    }

    /// The place of a block that is free, whatever it holds.
    #[inline]
    pub(super) fn place(&mut self) -> u32 {
        let at = self.free;
        if let Some(free) = self.room.get(at as usize) {
            self.free = free.link();
            return at;
        }
        self.room.push(T::default());
        self.room.len() as u32 - 1
    }

    /// Gives the blocks of a chain back, from here on. The link behind the last of them.
    pub(super) fn release(&mut self, first: u32) -> u32 {
        let mut at = first;
        while let Some(block) = self.room.get_mut(at as usize) {
            let next = block.link();
            block.set_link(self.free);
            self.free = at;
            at = next;
        }
        at
    }

    /// Reads from the blocks of many chains, so that they are in the cache: the first ones of all
    /// chains, then the second ones. Each round waits for all of its blocks at once. The links are
    /// then those behind the last ones.
    pub(super) fn touch(&self, links: &mut [u32], read: impl Fn(&T) -> u64) {
        let mut words = 0;
        loop {
            let mut any = false;
            for link in &mut *links {
                if let Some(block) = self.get(*link) {
                    *link = block.link();
                    words ^= read(block);
                    any = true;
                }
            }
            if !any {
                black_box(words);
                return;
            }
        }
    }

    /// How many there are, free ones too.
    #[cfg(test)]
    pub(super) const fn len(&self) -> usize {
        self.room.len()
    }
}
