//! Memory in large pages.

use crate::flow::pool::Room;

#[cfg(target_os = "linux")]
type Piece = memmap2::MmapMut;
#[cfg(not(target_os = "linux"))]
type Piece = Box<[u8]>;

/// Bytes allocated at once: a huge page of `x86_64`, and of `aarch64` with small pages of 4 KiB.
const PIECE: usize = 2 << 20;
/// So many pieces are of small pages: what has few flows does not pay for more.
const SMALL: usize = 2;

/// Blocks of `LEN` bytes, all zero at first. The memory of a hundred thousand flows is got, looked up
/// and given back by the kernel in a tenth of a run's time if its pages are small.
#[derive(Debug, Default)]
pub(super) struct Pages<const LEN: usize> {
    pieces: Vec<Piece>,
    len: usize,
}

impl<const LEN: usize> Pages<LEN> {
    const BLOCKS: usize = PIECE / LEN;
}

impl<const LEN: usize> Room<[u8; LEN]> for Pages<LEN> {
    #[inline]
    fn get(&self, at: usize) -> Option<&[u8; LEN]> {
        let piece = self.pieces.get(at / Self::BLOCKS)?;
        piece.as_chunks().0.get(at % Self::BLOCKS)
    }

    #[inline]
    fn get_mut(&mut self, at: usize) -> Option<&mut [u8; LEN]> {
        let piece = self.pieces.get_mut(at / Self::BLOCKS)?;
        piece.as_chunks_mut().0.get_mut(at % Self::BLOCKS)
    }

    #[inline]
    fn grow(&mut self) {
        if self.len.is_multiple_of(Self::BLOCKS) {
            self.pieces.push(piece(self.pieces.len() >= SMALL));
        }
        self.len += 1;
    }

    fn len(&self) -> usize {
        self.len
    }
}

#[cfg(target_os = "linux")]
fn piece(large: bool) -> Piece {
    use std::alloc::{Layout, handle_alloc_error};
    let Ok(piece) = Piece::map_anon(PIECE) else {
        // As a vector does that cannot grow.
        handle_alloc_error(Layout::new::<[u8; PIECE]>());
    };
    if large {
        // A kernel without huge pages works with small ones.
        let _ = piece.advise(memmap2::Advice::HugePage);
    }
    piece
}

#[cfg(not(target_os = "linux"))]
fn piece(_large: bool) -> Piece {
    vec![0; PIECE].into_boxed_slice()
}
