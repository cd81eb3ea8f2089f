//! Compressed inputs, told by their first bytes: a table of magics, a decoder for each.
//!
//! Decoders are streams: a capture of any size needs no more memory than its format's window.

mod lz4;

use super::ahead::Ahead;
use super::apart::{self, Apart, Chunk, Decompression};
use flate2::bufread::MultiGzDecoder;
#[cfg(feature = "xz")]
use liblzma::{bufread::XzDecoder, stream};
use lz4::Lz4;
use std::error::Error;
use std::fmt;
use std::io::{self, BufReader, Chain, Cursor, ErrorKind, Read};
use std::sync::Arc;
use zstd::stream::read::Decoder as ZstdDecoder;

/// Bytes that tell a compression.
pub(super) const HEAD: usize = 6;
/// Compressed bytes read at once.
const CAPACITY: usize = 64 * 1024;
/// Bytes asked of a decoder at once: at an error it drops what it made of them.
const STEP: usize = 16 * 1024;
/// The most memory an xz decoder may take: twice what `xz -9` asks for.
#[cfg(feature = "xz")]
const XZ_MEMORY: u64 = 128 << 20;

/// The compressions that are read.
#[derive(Clone, Copy)]
enum Kind {
    Gzip,
    Zstd,
    Lz4,
    #[cfg(feature = "xz")]
    Xz,
}

/// The first bytes of each: which of them count, and what they are.
const MAGICS: &[(u32, u32, Kind)] = &[
    (0x00ff_ffff, 0x0008_8b1f, Kind::Gzip),
    (0xffff_ffff, 0xfd2f_b528, Kind::Zstd),
    // A skippable frame: several compressors put one before each Zstandard frame.
    (0xffff_fff0, 0x184d_2a50, Kind::Zstd),
    (0xffff_ffff, lz4::FRAME, Kind::Lz4),
    (0xffff_ffff, lz4::LEGACY, Kind::Lz4),
    #[cfg(feature = "xz")]
    (0xffff_ffff, 0x587a_37fd, Kind::Xz),
];

/// Where the bytes of a capture come from: the input, or what a decoder makes of it.
pub(super) struct Source<R: Read>(Decoder<R>);

enum Decoder<R: Read> {
    None(R),
    Gzip(Box<MultiGzDecoder<Input<R>>>),
    Zstd(Box<ZstdDecoder<'static, Input<R>>>),
    Lz4(Box<Lz4<Input<R>>>),
    /// Another thread has the decoder, or several read the file.
    Apart(Apart),
    #[cfg(feature = "xz")]
    Xz(Box<Xz<Input<R>>>),
}

/// A decoder of xz that gives what it made before an error: its own way of reading drops that.
#[cfg(feature = "xz")]
struct Xz<R> {
    decoder: XzDecoder<R>,
    error: Option<io::Error>,
}

#[cfg(feature = "xz")]
impl<R: io::BufRead> Read for Xz<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let before = self.decoder.total_out();
        let error = match self.decoder.read(buf) {
            Ok(n) => return Ok(n),
            Err(error) => error,
        };
        match self.decoder.total_out().saturating_sub(before) as usize {
            0 => Err(error),
            made => {
                self.error = Some(error);
                Ok(made.min(buf.len()))
            }
        }
    }
}

/// The input from its first byte on: those that were looked at, then the rest.
type Input<R> = BufReader<Chain<Cursor<Vec<u8>>, Raw<R>>>;

impl<R: Read> Source<R> {
    /// The rest of an input that begins with `head`. A plain one continues behind it, a
    /// compressed one begins anew.
    pub(super) fn new(read: R, head: &[u8]) -> io::Result<Self> {
        let Some(kind) = kind(head) else {
            return Ok(Self(Decoder::None(read)));
        };
        let input = Cursor::new(head.to_vec()).chain(Raw(read));
        let input = BufReader::with_capacity(CAPACITY, input);
        Ok(Self(match kind {
            Kind::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(input))),
            Kind::Zstd => Decoder::Zstd(Box::new(ZstdDecoder::with_buffer(input)?)),
            Kind::Lz4 => Decoder::Lz4(Box::new(Lz4::new(input))),
            #[cfg(feature = "xz")]
            Kind::Xz => {
                let stream = stream::Stream::new_stream_decoder(XZ_MEMORY, stream::CONCATENATED)?;
                let decoder = XzDecoder::new_stream(input, stream);
                let error = None;
                Decoder::Xz(Box::new(Xz { decoder, error }))
            }
        }))
    }

    /// Lets another thread decompress what is left, if it is compressed.
    pub(super) fn split(self) -> (Self, Option<Decompression<R>>) {
        match (&self.0, self.compression()) {
            (Decoder::Apart(_), _) | (_, None) => (self, None),
            (_, Some(name)) => {
                let (work, apart) = apart::split(self, name);
                (Self(Decoder::Apart(apart)), Some(work))
            }
        }
    }

    /// It is the input itself.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self.0, Decoder::None(_))
    }

    /// It is a file that several threads read.
    pub(super) fn of_file(ahead: Arc<Ahead>) -> Self {
        Self(Decoder::Apart(Apart::of_file(ahead)))
    }

    /// The next bytes as a chunk, if that is how they come.
    pub(super) fn take_chunk(&mut self) -> Option<io::Result<Chunk>> {
        match &mut self.0 {
            Decoder::Apart(apart) => apart.take(),
            _ => None,
        }
    }

    /// Takes a chunk back that was used.
    pub(super) fn give_back(&self, used: Chunk) {
        if let Decoder::Apart(apart) = &self.0 {
            apart.give_back(used);
        }
    }

    /// No more is wanted of another thread.
    pub(super) fn close(&mut self) {
        if let Decoder::Apart(apart) = &mut self.0 {
            apart.close();
        }
    }

    /// The name of the compression.
    pub(super) fn compression(&self) -> Option<&'static str> {
        match &self.0 {
            Decoder::None(_) => None,
            Decoder::Gzip(_) => Some("gzip"),
            Decoder::Zstd(_) => Some("Zstandard"),
            Decoder::Lz4(_) => Some("LZ4"),
            Decoder::Apart(apart) => apart.name,
            #[cfg(feature = "xz")]
            Decoder::Xz(_) => Some("xz"),
        }
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Decoder::None(read) => return read.read(buf),
            Decoder::Apart(apart) => return apart.read(buf),
            _ => {}
        }
        let most = buf.len().min(STEP);
        let buf = buf.get_mut(..most).unwrap_or_default();
        let read = match &mut self.0 {
            Decoder::None(read) => read.read(buf),
            Decoder::Gzip(decoder) => decoder.read(buf),
            Decoder::Zstd(decoder) => decoder.read(buf),
            Decoder::Lz4(decoder) => decoder.read(buf),
            Decoder::Apart(apart) => apart.read(buf),
            #[cfg(feature = "xz")]
            Decoder::Xz(decoder) => decoder.read(buf),
        };
        read.map_err(|error| told(self.compression().unwrap_or_default(), error))
    }
}

fn kind(head: &[u8]) -> Option<Kind> {
    let mut word = [0; 4];
    let some = head.len().min(4);
    word[..some].copy_from_slice(&head[..some]);
    let word = u32::from_le_bytes(word);
    let found = MAGICS.iter().find(|(mask, magic, _)| word & mask == *magic);
    found.map(|&(_, _, kind)| kind)
}

/// What is wrong with an archive, as its decoder tells it.
#[derive(Debug)]
struct BadArchive(String);

impl fmt::Display for BadArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BadArchive {}

/// The error is one of the archive's content; the input itself could be read.
pub(super) fn is_bad_archive(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn Error + Send + Sync>::is::<BadArchive>)
}

/// Tells errors of the input from those of the decoder.
fn told(name: &str, error: io::Error) -> io::Error {
    let error = match error.downcast::<Failed>() {
        Ok(Failed(error)) => return error,
        Err(error) => error,
    };
    let what = match error.kind() {
        ErrorKind::UnexpectedEof => format!("the {name} archive ends early"),
        _ => format!("corrupt {name} archive: {error}"),
    };
    io::Error::new(ErrorKind::InvalidData, BadArchive(what))
}

/// The compressed input. Decoders treat errors by their kinds, so that all of its own have the
/// same one; and they do not expect interruptions.
struct Raw<R>(R);

impl<R: Read> Read for Raw<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buf) {
                Ok(n) if n <= buf.len() => return Ok(n),
                Ok(_) => return Err(io::Error::other("it gave more than was asked for")),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(io::Error::other(Failed(error))),
            }
        }
    }
}

/// An error of the input below a decoder.
#[derive(Debug)]
struct Failed(io::Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Failed {}
