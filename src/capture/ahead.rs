//! A file that is read by several threads: whoever has the time reads what comes next.
//!
//! Where packets are large, to copy the file out of the page cache takes longer than all the rest, and
//! two processors do it nearly twice as fast as one.

use super::apart::{CHUNK, Chunk, ROOM, fill};
use super::meter::Meter;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Chunks that somebody has begun to read and nobody has used yet, at most.
const CHUNKS: usize = 4;

/// What is left of a file.
#[derive(Debug)]
pub(crate) struct Ahead {
    file: Arc<File>,
    meter: Option<Arc<Meter>>,
    begun: Mutex<Begun>,
    /// A chunk was read.
    is_read: Condvar,
}

#[derive(Debug, Default)]
struct Begun {
    /// Where in the file that begins which nobody has begun to read.
    offset: u64,
    /// What somebody has begun to read and nobody has used, in the order of the file; `None` as long as
    /// it is being read.
    chunks: VecDeque<Option<io::Result<Chunk>>>,
    /// The number of the first of them.
    first: u64,
    spare: Vec<Chunk>,
}

impl Ahead {
    /// The file from that byte on. `None` where a file has only one place to read at.
    pub(super) fn new(file: Arc<File>, offset: u64, meter: Option<Arc<Meter>>) -> Option<Self> {
        let begun = Mutex::new(Begun {
            offset,
            ..Begun::default()
        });
        let ahead = Self {
            file,
            meter,
            begun,
            is_read: Condvar::new(),
        };
        cfg!(any(unix, windows)).then_some(ahead)
    }

    /// Reads some of what will be wanted; false if enough of it was read.
    pub(crate) fn help(&self) -> bool {
        let begun = self.begun();
        let helps = begun.chunks.len() < CHUNKS;
        if helps {
            self.read_next(begun);
        }
        helps
    }

    /// What comes next in the file; nothing at its end.
    pub(super) fn next(&self) -> io::Result<Chunk> {
        let mut begun = self.begun();
        loop {
            let count = begun.chunks.len();
            match begun.chunks.front() {
                Some(Some(_)) => break,
                Some(None) if count >= CHUNKS => {
                    let waited = self.is_read.wait(begun);
                    begun = waited.unwrap_or_else(PoisonError::into_inner);
                }
                _ => {
                    // While another thread reads the one that is wanted, the one behind it is read.
                    self.read_next(begun);
                    begun = self.begun();
                }
            }
        }
        let chunk = begun.take_first()?;
        if let Some(meter) = &self.meter {
            meter.add_bytes(chunk.len().saturating_sub(ROOM) as u64);
        }
        Ok(chunk)
    }

    /// Takes a chunk back that was used.
    pub(super) fn give_back(&self, chunk: Chunk) {
        self.begun().spare.push(chunk);
    }

    fn begun(&self) -> MutexGuard<'_, Begun> {
        // A thread that panicked has left it as it was.
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the next chunk that nobody has begun to read.
    fn read_next(&self, mut begun: MutexGuard<'_, Begun>) {
        let number = begun.first + begun.chunks.len() as u64;
        let offset = begun.offset;
        begun.offset += CHUNK as u64;
        begun.chunks.push_back(None);
        let chunk = begun.spare.pop().unwrap_or_default();
        drop(begun);
        let read = self.read(chunk, offset);
        let mut begun = self.begun();
        let place = number.checked_sub(begun.first);
        if let Some(place) = place.and_then(|place| begun.chunks.get_mut(place as usize)) {
            *place = Some(read);
        }
        self.is_read.notify_one();
    }

    /// Reads a chunk that begins there: less only at the end of the file, or before an error, which
    /// comes again where what was read ends.
    fn read(&self, mut chunk: Chunk, offset: u64) -> io::Result<Chunk> {
        let from = |free: &mut [u8], read| read_at(&self.file, free, offset + read as u64);
        match fill(&mut chunk, from) {
            Some(error) if chunk.len() == ROOM => Err(error),
            _ => Ok(chunk),
        }
    }
}

impl Begun {
    /// Takes the first chunk. What comes behind one that is not whole was read from the wrong place.
    fn take_first(&mut self) -> io::Result<Chunk> {
        let offset = self.offset - (self.chunks.len() * CHUNK) as u64;
        let chunk = self.chunks.pop_front().flatten();
        self.first += 1;
        let len = match &chunk {
            Some(Ok(chunk)) => chunk.len().saturating_sub(ROOM),
            _ => 0,
        };
        if len < CHUNK {
            self.offset = offset + len as u64;
            self.first += self.chunks.len() as u64;
            self.chunks.clear();
        }
        chunk.unwrap_or_else(|| Ok(Chunk::new()))
    }
}

#[cfg(unix)]
fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, offset)
}

#[cfg(windows)]
fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, offset)
}

#[cfg(not(any(unix, windows)))]
fn read_at(_: &File, _: &mut [u8], _: u64) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::{Ahead, CHUNK, CHUNKS, ROOM};
    use std::fs::{File, OpenOptions};
    use std::io::Write;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    /// Bytes that tell their place.
    fn bytes(len: usize) -> Vec<u8> {
        let words = (0_u32..).flat_map(u32::to_le_bytes);
        words.take(len).collect()
    }

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("created");
        file.write_all(bytes).expect("written");
        file
    }

    fn ahead(file: &tempfile::NamedTempFile, offset: u64) -> Ahead {
        let file = Arc::new(file.reopen().expect("opened"));
        Ahead::new(file, offset, None).expect("there is a way to read it")
    }

    /// All that comes, each chunk of which is given back.
    fn all(ahead: &Ahead) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let chunk = ahead.next().expect("read");
            if chunk.len() == ROOM {
                return all;
            }
            all.extend_from_slice(&chunk[ROOM..]);
            ahead.give_back(chunk);
        }
    }

    #[test]
    fn several_threads_read_what_one_does() {
        for len in [0, 1, CHUNK, 9 * CHUNK, 20 * CHUNK + 77] {
            let bytes = bytes(len + 5);
            let file = file(&bytes);
            assert!(all(&ahead(&file, 5)) == bytes[5..]);
            let (ahead, over) = (ahead(&file, 5), AtomicBool::new(false));
            let read = thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        while !over.load(Ordering::Relaxed) {
                            ahead.help();
                        }
                    });
                }
                let read = all(&ahead);
                over.store(true, Ordering::Relaxed);
                read
            });
            assert!(read == bytes[5..], "{len}");
        }
    }

    #[test]
    fn no_more_is_read_ahead_than_is_soon_used() {
        let file = file(&bytes(3 * CHUNKS * CHUNK));
        let ahead = ahead(&file, 0);
        let helped = (0..3 * CHUNKS).filter(|_| ahead.help()).count();
        assert_eq!(helped, CHUNKS);
        ahead.next().expect("read");
        assert!(ahead.help());
        assert!(!ahead.help());
    }

    #[test]
    fn what_the_file_gains_is_read_from_its_place() {
        let bytes = bytes(3 * CHUNK);
        let (begin, end) = bytes.split_at(CHUNK + 100);
        let mut file = file(begin);
        let ahead = ahead(&file, 0);
        while ahead.help() {}
        file.write_all(end).expect("written");
        assert!(all(&ahead) == bytes);
    }

    #[test]
    fn an_error_is_told() {
        let named = file(&bytes(10));
        let file: File = OpenOptions::new()
            .write(true)
            .open(named.path())
            .expect("opened");
        let ahead = Ahead::new(Arc::new(file), 0, None).expect("there is a way to read it");
        ahead.help();
        assert!(ahead.next().is_err());
    }
}
