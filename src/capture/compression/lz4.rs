//! LZ4 frames one after another, and whether the last one is whole.
//!
//! `lz4_flex` ends silently after each frame, and also where the input ends between two blocks of
//! a frame. Its way of reading tells the two apart: a frame's end mark is a block header, which is
//! read alone, of zero.

use lz4_flex::frame::FrameDecoder;
use std::io::{self, ErrorKind, Read};

/// Magic of a frame.
pub(super) const FRAME: u32 = 0x184d_2204;
/// Magic of the frames of `lz4 -l`, which have no end mark.
pub(super) const LEGACY: u32 = 0x184c_2102;

/// Bytes of a block's header and of a checksum.
const WORD: usize = 4;

/// A decoder of all frames; each has one of its own, since they may differ in their block sizes.
pub(super) struct Lz4<R: Read>(Option<FrameDecoder<Watched<R>>>);

impl<R: Read> Lz4<R> {
    pub(super) fn new(read: R) -> Self {
        let at = Place::Between;
        Self(Some(FrameDecoder::new(Watched { read, at })))
    }
}

impl<R: Read> Read for Lz4<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.0 {
            let n = decoder.read(buf)?;
            if n > 0 || buf.is_empty() {
                return Ok(n);
            }
            match decoder.get_ref().at {
                Place::Between | Place::Legacy => return Ok(0),
                Place::Inside => return Err(ErrorKind::UnexpectedEof.into()),
                Place::EndMark => {}
            }
            let read = self.0.take().map(|decoder| decoder.into_inner().read);
            self.0 = read.and_then(|read| Self::new(read).0);
        }
        Ok(0)
    }
}

/// Where the decoder stands in a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the first, or behind a frame; nothing of the next one was read.
    Between,
    Inside,
    /// Behind an end mark, and behind the checksum that may follow it.
    EndMark,
    /// Inside of a frame that ends with the input.
    Legacy,
}

/// Watches what the decoder reads.
struct Watched<R> {
    read: R,
    at: Place,
}

impl<R: Read> Read for Watched<R> {
    /// Only a frame's magic and what follows it are read so.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut got = 0;
        while let Some(rest) = buf.get_mut(got..).filter(|rest| !rest.is_empty()) {
            match self.read.read(rest)? {
                0 => break,
                n => got += n,
            }
        }
        if got > 0 && self.at != Place::Legacy {
            let legacy = self.at == Place::Between && buf == LEGACY.to_le_bytes();
            self.at = if legacy { Place::Legacy } else { Place::Inside };
        }
        Ok(got)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<()> {
        self.read.read_exact(buf)?;
        if self.at == Place::Inside && buf.len() == WORD && buf.iter().all(|&byte| byte == 0) {
            self.at = Place::EndMark;
        } else if self.at == Place::EndMark && buf.len() != WORD {
            self.at = Place::Inside;
        }
        Ok(())
    }
}
