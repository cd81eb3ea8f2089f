//! A buffer between `Read` and the framing.

use super::ahead::Ahead;
use super::apart::{Chunk, Decompression, ROOM};
use super::compression::{HEAD, Source, is_bad_archive};
use super::meter::Meter;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;

/// Bytes read ahead. It stays in the processor's cache: measured 1.9 to 3.8 times as fast as
/// walking a memory map, and it works for pipes.
const CAPACITY: usize = 256 * 1024;
/// Bytes read first: most captures of one connection are no longer.
const FIRST: usize = 16 * 1024;
/// Bytes held at most by a search: far more than it looks ahead, so that it moves them seldom.
const SEARCH: usize = 4 << 20;

/// What has been read and not yet consumed. Of a compressed input these are the decompressed
/// bytes, and so are all counts.
pub(super) struct Buffer<R: Read> {
    /// `None` if its decoder could not be made; the error is there then.
    source: Option<Source<R>>,
    bytes: Vec<u8>,
    /// The unconsumed bytes are `bytes[start..end]`.
    start: usize,
    end: usize,
    /// Bytes consumed since the beginning of the input, those of `bytes` not counted.
    offset: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl<R: Read> Buffer<R> {
    /// Reads the first bytes, to see whether the input is compressed.
    pub(super) fn new(mut read: R) -> Self {
        let mut buffer = Self {
            source: None,
            bytes: vec![0; FIRST],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            error: None,
        };
        while buffer.end < HEAD && !buffer.ended {
            buffer.take_in(&mut read, FIRST);
        }
        if buffer.error.is_some() {
            return buffer;
        }
        match Source::new(read, buffer.bytes()) {
            Ok(source) => {
                if source.compression().is_some() {
                    (buffer.end, buffer.ended) = (0, false);
                }
                buffer.source = Some(source);
            }
            Err(error) => (buffer.ended, buffer.error) = (true, Some(error)),
        }
        buffer
    }

    /// Sees to it that `want` unconsumed bytes are there; false where the input ends before.
    #[inline]
    pub(super) fn fill(&mut self, want: usize) -> bool {
        self.end - self.start >= want || self.refill(want)
    }

    /// As [`Buffer::fill`], for a search: it looks far ahead and goes on in small steps.
    #[inline]
    pub(super) fn look(&mut self, want: usize) -> bool {
        self.end - self.start >= want || self.look_far(want)
    }

    #[cold]
    fn refill(&mut self, want: usize) -> bool {
        self.turn();
        if self.end - self.start >= want {
            return true;
        }
        // What came filled it: there may be much more.
        let filled = self.end == self.bytes.len();
        self.move_down();
        self.grow(if filled { want.max(CAPACITY) } else { want });
        self.read_until(want, want.max(CAPACITY))
    }

    /// Turns to the next chunk, if the source has such, and what is left has room before it.
    fn turn(&mut self) {
        let start = ROOM.checked_sub(self.bytes().len());
        let has_room = start.is_some_and(|start| self.offset() >= start as u64);
        let source = self.source.as_mut().filter(|_| has_room && !self.ended);
        match source.and_then(Source::take_chunk) {
            Some(Ok(chunk)) if chunk.len() > ROOM => self.turn_to(chunk),
            Some(read) => {
                self.ended = true;
                self.error = read.err();
            }
            None => {}
        }
    }

    fn turn_to(&mut self, mut chunk: Chunk) {
        let (rest, end) = (self.bytes(), chunk.len());
        let start = ROOM.saturating_sub(rest.len());
        if let Some(room) = chunk.get_mut(start..start + rest.len()) {
            room.copy_from_slice(rest);
        }
        self.offset = self.offset().saturating_sub(start as u64);
        (self.start, self.end) = (start, end);
        let used = std::mem::replace(&mut self.bytes, chunk);
        if let Some(source) = &self.source {
            source.give_back(used);
        }
    }

    #[cold]
    fn look_far(&mut self, want: usize) -> bool {
        if self.ended {
            return false;
        }
        let size = want.max(SEARCH);
        if self.start + want > size {
            self.move_down();
        }
        let want = self.start + want;
        if self.bytes.len() < want {
            self.grow(want.max(size.min(self.bytes.len() * 2)));
        }
        self.read_until(want, size)
    }

    fn move_down(&mut self) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.offset += self.start as u64;
        self.start = 0;
    }

    fn grow(&mut self, size: usize) {
        if self.bytes.len() < size {
            self.bytes.resize(size, 0);
        }
    }

    /// Reads until `bytes[..want]` is filled, and no more than fills `bytes[..size]`.
    fn read_until(&mut self, want: usize, size: usize) -> bool {
        let Some(mut source) = self.source.take() else {
            return false;
        };
        while self.end < want && !self.ended {
            self.take_in(&mut source, size);
        }
        self.source = Some(source);
        self.end >= want
    }

    /// Reads once into `bytes[end..size]`, as far as there is room.
    fn take_in(&mut self, read: &mut impl Read, size: usize) {
        let size = size.min(self.bytes.len());
        let free = self.bytes.get_mut(self.end..size).unwrap_or_default();
        match read.read(free) {
            // More than was asked for: a defect of the reader, not to be believed.
            Ok(n) if n > free.len() => self.ended = true,
            Ok(0) => self.ended = true,
            Ok(n) => self.end += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                self.ended = true;
                self.error = Some(error);
            }
        }
    }

    /// The unconsumed bytes that are there.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Steps over `n` bytes.
    #[inline]
    pub(super) fn consume(&mut self, n: usize) {
        self.start = self.end.min(self.start + n);
    }

    /// Steps over `n` bytes and gives `len` of them, from the place `at` on.
    #[inline]
    pub(super) fn take(&mut self, n: usize, at: usize, len: usize) -> &[u8] {
        let from = self.start + at;
        self.consume(n);
        let bytes = self.bytes.get(from..).and_then(|bytes| bytes.get(..len));
        bytes.unwrap_or_else(nothing)
    }

    /// Bytes consumed since the beginning of the input.
    pub(super) const fn offset(&self) -> u64 {
        self.offset + self.start as u64
    }

    /// Lets another thread decompress what is left, if the input is compressed: that work.
    pub(super) fn split(&mut self) -> Option<Decompression<R>> {
        let (source, work) = self.source.take()?.split();
        self.source = Some(source);
        work
    }

    /// What is left is read from this file, by whoever has the time, if the input is not compressed.
    pub(super) fn read_ahead(
        &mut self,
        file: Arc<File>,
        meter: Option<Arc<Meter>>,
    ) -> Option<Arc<Ahead>> {
        if self.ended || !self.source.as_ref().is_some_and(Source::is_plain) {
            return None;
        }
        let read = self.offset + self.end as u64;
        let ahead = Arc::new(Ahead::new(file, read, meter)?);
        self.source = Some(Source::of_file(Arc::clone(&ahead)));
        Some(ahead)
    }

    /// No more is wanted of another thread.
    pub(super) fn close(&mut self) {
        self.source.iter_mut().for_each(Source::close);
    }

    /// The name of the input's compression.
    pub(super) fn compression(&self) -> Option<&'static str> {
        self.source.as_ref().and_then(Source::compression)
    }

    /// The input ended by an error.
    pub(super) const fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// Takes the error that ended the input, if it was one.
    pub(super) const fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Takes the error that ended the input, as words, if that is `wanted`.
    pub(super) fn take_failure_if(&mut self, wanted: bool) -> Option<String> {
        let error = self.error.take_if(|_| wanted)?;
        Some(if is_bad_archive(&error) {
            error.to_string()
        } else {
            format!("reading failed: {error}")
        })
    }
}

/// Cold, so that the bytes that are always there are not chosen between.
#[cold]
const fn nothing<'a>() -> &'a [u8] {
    &[]
}
