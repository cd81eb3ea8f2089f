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

/// So many blocks that are free are kept: else memory would be taken and given back in turn.
const SPARE: usize = 16 * CHUNK;

/// Room is taken ahead for so many pieces.
pub(super) const ROOMS: usize = 2;

/// Blocks allocated at once, or none while nothing is kept there.
#[derive(Debug)]
struct Piece<T> {
    blocks: Vec<T>,
    /// The first of the blocks that are free again.
    free: u32,
    used: u32,
    /// The next piece with room. Those with none are not linked.
    next: u32,
}

/// Memory for blocks that are still to come. The first use of a page takes a fault, which another
/// thread than the owner's may take upon itself. The owner's allocates it: else what is given back
/// would serve nothing else of that thread (in glibc each has an arena of its own).
#[derive(Debug)]
pub(super) struct Room<T> {
    blocks: Vec<T>,
    was_used: bool,
}

impl<T: Default> Room<T> {
    pub(super) fn new() -> Self {
        Self {
            blocks: Vec::with_capacity(CHUNK),
            was_used: false,
        }
    }

    /// Uses all of it once.
    pub(super) fn use_once(&mut self) {
        if !self.was_used {
            self.blocks.resize_with(CHUNK, T::default);
            self.blocks.clear();
            self.was_used = true;
        }
    }
}

/// Blocks of one size: what one chain of them gives back serves any other, and where all those
/// allocated at once are free again, any other purpose.
#[derive(Debug)]
pub(super) struct Blocks<T> {
    pieces: Vec<Piece<T>>,
    /// The first piece with room.
    roomy: u32,
    /// Blocks that are free again.
    free: usize,
    /// For the next pieces.
    rooms: Vec<Room<T>>,
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self {
            pieces: Vec::new(),
            roomy: NONE,
            free: 0,
            rooms: Vec::new(),
        }
    }
}

impl<T: Linked + Default> Blocks<T> {
    #[inline]
    pub(super) fn get(&self, at: u32) -> Option<&T> {
        let at = at as usize;
        self.pieces.get(at / CHUNK)?.blocks.get(at % CHUNK)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        let at = at as usize;
        self.pieces.get_mut(at / CHUNK)?.blocks.get_mut(at % CHUNK)
    }

    /// Takes room for the next pieces, as much as is of use.
    pub(super) fn take_room(&mut self, from: &mut Vec<Room<T>>) {
        while self.rooms.len() < ROOMS
            && let Some(room) = from.pop()
        {
            self.rooms.push(room);
        }
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
        let at = self.roomy;
        let Some(piece) = self.pieces.get_mut(at as usize) else {
            return self.begin_piece();
        };
        let place = if let Some(free) = piece.blocks.get(piece.free as usize % CHUNK)
            && piece.free != NONE
        {
            self.free -= 1;
            std::mem::replace(&mut piece.free, free.link())
        } else {
            if piece.blocks.is_empty() {
                piece.blocks.reserve_exact(CHUNK);
            }
            piece.blocks.push(T::default());
            at * CHUNK as u32 + piece.blocks.len() as u32 - 1
        };
        piece.used += 1;
        if piece.used as usize == CHUNK {
            self.roomy = piece.next;
        }
        place
    }

    /// The place of the first block of a new piece.
    #[cold]
    fn begin_piece(&mut self) -> u32 {
        let room = self.rooms.pop().map(|room| room.blocks);
        let mut blocks = room.unwrap_or_else(|| Vec::with_capacity(CHUNK));
        blocks.push(T::default());
        self.roomy = self.pieces.len() as u32;
        self.pieces.push(Piece {
            blocks,
            free: NONE,
            used: 1,
            next: NONE,
        });
        self.roomy * CHUNK as u32
    }

    /// Gives the blocks of a chain back, from here on. The link behind the last of them.
    pub(super) fn release(&mut self, first: u32) -> u32 {
        let mut at = first;
        while let Some(piece) = self.pieces.get_mut(at as usize / CHUNK)
            && let Some(block) = piece.blocks.get_mut(at as usize % CHUNK)
        {
            let next = block.link();
            block.set_link(piece.free);
            piece.free = at;
            if piece.used as usize == CHUNK {
                piece.next = self.roomy;
                self.roomy = at / CHUNK as u32;
            }
            piece.used -= 1;
            self.free += 1;
            if piece.used == 0 && self.free > SPARE {
                self.free -= piece.blocks.len();
                (piece.blocks, piece.free) = (Vec::new(), NONE);
            }
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
    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.blocks.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Blocks, CHUNK, Linked, NONE, ROOMS, Room, SPARE};

    #[derive(Debug, Default)]
    struct Block(u32);

    impl Linked for Block {
        fn link(&self) -> u32 {
            self.0
        }

        fn set_link(&mut self, link: u32) {
            self.0 = link;
        }
    }

    /// Chains of one block each.
    fn take(blocks: &mut Blocks<Block>, count: usize) -> Vec<u32> {
        (0..count).map(|_| blocks.take(Block(NONE))).collect()
    }

    #[test]
    fn what_is_free_serves_other_purposes_and_then_this_one_again() {
        let (mut blocks, count) = (Blocks::default(), 3 * SPARE + 7);
        let places = take(&mut blocks, count);
        assert_eq!(blocks.len(), count);
        let kept = places[CHUNK + 1];
        for &place in places.iter().filter(|&&place| place != kept) {
            assert_eq!(blocks.release(place), NONE);
        }
        // Some are kept for the next ones, and those among which one is still used.
        let left = blocks.len();
        assert!((SPARE..=SPARE + 2 * CHUNK).contains(&left), "{left}");
        assert!(blocks.get(kept).is_some() && blocks.get(0).is_some());
        let mut again = take(&mut blocks, count - 1);
        assert_eq!(blocks.len(), count);
        again.push(kept);
        again.sort_unstable();
        assert_eq!(again, places);
    }

    #[test]
    fn room_that_was_brought_serves_the_next_pieces() {
        let mut blocks = Blocks::default();
        let mut brought: Vec<Room<Block>> = (0..=ROOMS).map(|_| Room::new()).collect();
        brought.iter_mut().for_each(Room::use_once);
        blocks.take_room(&mut brought);
        assert_eq!(brought.len(), 1);
        take(&mut blocks, CHUNK + 1);
        assert!(blocks.rooms.is_empty() && blocks.len() == CHUNK + 1);
        blocks.take_room(&mut brought);
        assert!(brought.is_empty() && blocks.rooms.len() == 1);
    }
}
