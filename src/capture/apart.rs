//! Bytes that come in chunks from elsewhere: another thread decompresses them, or several read the file.

use super::ahead::Ahead;
use super::compression::Source;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes handed on at once.
pub(super) const CHUNK: usize = 256 * 1024;
/// Room before them for what is left of the chunk before: the record of a packet of 64 KB at most.
pub(super) const ROOM: usize = 72 * 1024;
/// Chunks of another thread under way.
const CHUNKS: usize = 4;

/// That room, then bytes.
pub(super) type Chunk = Vec<u8>;

/// The work of the other thread: to fill chunks until the input ends, or nobody wants more.
pub(crate) struct Decompression<R: Read> {
    source: Source<R>,
    empty: Receiver<Chunk>,
    filled: SyncSender<io::Result<Chunk>>,
}

/// What comes of it, or of a file that several threads read.
pub(super) struct Apart {
    /// What the compression is called, if there is one.
    pub(super) name: Option<&'static str>,
    /// What is copied from, and how far it was.
    chunk: Chunk,
    at: usize,
    from: From,
}

/// Who fills chunks.
enum From {
    /// Another thread, to which used ones go back.
    Thread {
        empty: SyncSender<Chunk>,
        filled: Receiver<io::Result<Chunk>>,
    },
    /// Whoever has the time.
    File(Arc<Ahead>),
    /// No more are wanted.
    Nobody,
}

/// Splits a source in two: what another thread does, and what reads that.
pub(super) fn split<R: Read>(source: Source<R>, name: &'static str) -> (Decompression<R>, Apart) {
    let (to_fill, empty) = sync_channel(CHUNKS);
    let (filled, full) = sync_channel(CHUNKS);
    for _ in 1..CHUNKS {
        // There is room for all.
        let _ = to_fill.send(Chunk::new());
    }
    let work = Decompression {
        source,
        empty,
        filled,
    };
    let from = From::Thread {
        empty: to_fill,
        filled: full,
    };
    (work, Apart::new(Some(name), from))
}

impl<R: Read> Decompression<R> {
    /// Does it.
    pub(crate) fn run(mut self) {
        while let Ok(mut chunk) = self.empty.recv() {
            let error = fill(&mut chunk, |free, _| self.source.read(free));
            let is_last = chunk.len() == ROOM || error.is_some();
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
}

/// Fills a chunk as far as there is anything; gives what ended that before. `read` is told how many
/// bytes came already.
pub(super) fn fill(
    chunk: &mut Chunk,
    mut read: impl FnMut(&mut [u8], usize) -> io::Result<usize>,
) -> Option<io::Error> {
    chunk.resize(ROOM + CHUNK, 0);
    let (mut end, mut ended_by) = (ROOM, None);
    while let Some(free) = chunk.get_mut(end..).filter(|free| !free.is_empty()) {
        match read(free, end - ROOM) {
            Ok(0) => break,
            Ok(n) => end += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                ended_by = Some(error);
                break;
            }
        }
    }
    chunk.truncate(end);
    ended_by
}

impl Read for Apart {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_used() {
            let next = self.next()?;
            let used = std::mem::replace(&mut self.chunk, next);
            self.at = ROOM.min(self.chunk.len());
            self.give_back(used);
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
    /// Of a file that several threads read.
    pub(super) const fn of_file(ahead: Arc<Ahead>) -> Self {
        Self::new(None, From::File(ahead))
    }

    const fn new(name: Option<&'static str>, from: From) -> Self {
        Self {
            name,
            chunk: Chunk::new(),
            at: 0,
            from,
        }
    }

    /// No more is wanted: the other thread ends.
    pub(super) fn close(&mut self) {
        self.from = From::Nobody;
    }

    /// The next chunk as it is, which [`Self::give_back`] takes again. `None` where some of one is left.
    pub(super) fn take(&mut self) -> Option<io::Result<Chunk>> {
        self.is_used().then(|| self.next())
    }

    /// Takes a chunk back that was used.
    pub(super) fn give_back(&self, used: Chunk) {
        match &self.from {
            // After the last one nobody waits for it.
            From::Thread { empty, .. } => drop(empty.try_send(used)),
            From::File(ahead) => ahead.give_back(used),
            From::Nobody => {}
        }
    }

    /// All of the chunk was read.
    const fn is_used(&self) -> bool {
        self.at == self.chunk.len()
    }

    fn next(&self) -> io::Result<Chunk> {
        let gone = |_| io::Error::other("there is no thread that decompresses it");
        match &self.from {
            From::Thread { filled, .. } => filled.recv().map_err(gone)?,
            From::File(ahead) => ahead.next(),
            From::Nobody => Ok(Chunk::new()),
        }
    }
}
