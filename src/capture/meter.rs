//! How far reading has come.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what is read, for another thread to look at.
#[derive(Debug, Default)]
pub struct Meter {
    bytes: AtomicU64,
    frame: AtomicU64,
}

impl Meter {
    /// Bytes read, as the files hold them: compressed ones count as such.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The number of the last frame.
    pub fn frame(&self) -> u64 {
        self.frame.load(Ordering::Relaxed)
    }

    /// So many more bytes were read.
    pub fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// This frame was read.
    #[inline]
    pub(crate) fn at_frame(&self, frame: u64) {
        self.frame.store(frame, Ordering::Relaxed);
    }
}

/// Reads on, and counts the bytes.
#[derive(Debug)]
pub struct Metered<R> {
    read: R,
    meter: Arc<Meter>,
}

impl<R> Metered<R> {
    /// Counts what is read of `read`.
    pub const fn new(read: R, meter: Arc<Meter>) -> Self {
        Self { read, meter }
    }
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.read.read(into)?;
        self.meter.add_bytes(read as u64);
        Ok(read)
    }
}
