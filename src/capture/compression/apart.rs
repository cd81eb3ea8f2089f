//! Decompression by a thread of its own.

use super::Source;
use std::io::{self, ErrorKind, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Decompressed bytes handed on at once.
const CHUNK: usize = 256 * 1024;
/// Chunks under way.
const CHUNKS: usize = 4;

/// The work of the other thread: to fill chunks until the input ends, or nobody wants more.
pub(crate) struct Decompression<R: Read> {
    source: Source<R>,
    empty: Receiver<Vec<u8>>,
    filled: SyncSender<io::Result<Vec<u8>>>,
}

/// What comes of it.
pub(super) struct Apart {
    /// What the compression is called.
    pub(super) name: &'static str,
    chunk: Vec<u8>,
    /// How much of it was read.
    at: usize,
    /// None once no more is wanted.
    ends: Option<Ends>,
}

/// Of the ways to the other thread and back.
struct Ends {
    empty: SyncSender<Vec<u8>>,
    filled: Receiver<io::Result<Vec<u8>>>,
}

/// Splits a source in two: what another thread does, and what reads that.
pub(super) fn split<R: Read>(source: Source<R>, name: &'static str) -> (Decompression<R>, Apart) {
    let (to_fill, empty) = sync_channel(CHUNKS);
    let (filled, full) = sync_channel(CHUNKS);
    for _ in 1..CHUNKS {
        // There is room for all.
        let _ = to_fill.send(Vec::new());
    }
    let work = Decompression {
        source,
        empty,
        filled,
    };
    let apart = Apart {
        name,
        chunk: Vec::new(),
        at: 0,
        ends: Some(Ends {
            empty: to_fill,
            filled: full,
        }),
    };
    (work, apart)
}

impl<R: Read> Decompression<R> {
    /// Does it.
    pub(crate) fn run(mut self) {
        while let Ok(mut chunk) = self.empty.recv() {
            let (end, error) = self.fill(&mut chunk);
            let is_last = end == 0 || error.is_some();
            chunk.truncate(end);
            if self.filled.send(Ok(chunk)).is_err() {
                return;
            }
            if let Some(error) = error {
                // Whoever waits for it hears of it, if there still is somebody.
                let _ = self.filled.send(Err(error));
            }
            if is_last {
                return;
            }
        }
    }

    /// Fills a chunk as far as there is anything; how far, and what ended that before.
    fn fill(&mut self, chunk: &mut Vec<u8>) -> (usize, Option<io::Error>) {
        chunk.resize(CHUNK, 0);
        let mut end = 0;
        while let Some(free) = chunk.get_mut(end..).filter(|free| !free.is_empty()) {
            match self.source.read(free) {
                Ok(0) => break,
                Ok(n) => end += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return (end, Some(error)),
            }
        }
        (end, None)
    }
}

impl Read for Apart {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            self.turn()?;
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let n = rest.len().min(into.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..n), rest.get(..n)) {
            into.copy_from_slice(rest);
        }
        self.at += n;
        Ok(n)
    }
}

impl Apart {
    /// No more is wanted: the other thread ends.
    pub(super) fn close(&mut self) {
        self.ends = None;
    }

    /// Turns to the next chunk, and gives the one that was read back.
    fn turn(&mut self) -> io::Result<()> {
        let Some(Ends { empty, filled }) = &self.ends else {
            return Ok(());
        };
        let gone = |_| io::Error::other("there is no thread that decompresses it");
        let next = filled.recv().map_err(gone)??;
        // After the last one nobody waits for it.
        let _ = empty.send(std::mem::replace(&mut self.chunk, next));
        self.at = 0;
        Ok(())
    }
}
