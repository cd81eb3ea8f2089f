//! Captures that are still being made: what is known is shown while more is waited for, and Ctrl-C
//! ends the capture, not the report.

use super::failure::note;
use std::cell::RefCell;
use std::io::{self, ErrorKind, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;
use whoclosed::report::Report;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Chunks read ahead.
const AHEAD: usize = 4;
/// Ctrl-C is noticed so soon.
const PATIENCE: Duration = Duration::from_millis(50);
/// The exit code of what was ended by SIGINT, as shells give it.
pub(crate) const INTERRUPTED: u8 = 130;

thread_local! {
    /// The report, where one has begun. A live input is read by the thread that writes it, and so finds
    /// it here; the input itself can then be given to any thread.
    static SHOWN: RefCell<Option<Box<dyn Report>>> = const { RefCell::new(None) };
}

/// The report that is being written.
pub(crate) struct Shown;

impl Shown {
    /// It begins.
    pub(crate) fn begin(report: Box<dyn Report>) {
        SHOWN.set(Some(report));
    }

    /// What is made of it, if one has begun.
    pub(crate) fn with<T>(write: impl FnOnce(&mut dyn Report) -> T) -> Option<T> {
        SHOWN.with_borrow_mut(|report| report.as_mut().map(|report| write(report.as_mut())))
    }

    /// It is nobody's any more.
    pub(crate) fn take() -> Option<Box<dyn Report>> {
        SHOWN.take()
    }
}

/// Set by Ctrl-C. The second one ends the process at once.
pub(crate) fn interrupt() -> Option<Arc<AtomicBool>> {
    static FLAG: OnceLock<Option<Arc<AtomicBool>>> = OnceLock::new();
    FLAG.get_or_init(watch).clone()
}

#[expect(clippy::exit, reason = "the user has asked twice")]
fn watch() -> Option<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let handler = move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    };
    match ctrlc::set_handler(handler) {
        Ok(()) => Some(flag),
        Err(error) => {
            note(&format!(
                "Ctrl-C will end the program without a summary: {error}"
            ));
            None
        }
    }
}

/// A live input. It is read by a thread of its own: where nothing has come, what was reported so far is
/// shown.
pub(crate) struct Live {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    /// How much of it was read.
    at: usize,
    interrupt: Option<Arc<AtomicBool>>,
}

impl Live {
    pub(crate) fn new(input: impl Read + Send + 'static) -> Self {
        let (sender, chunks) = sync_channel(AHEAD);
        thread::spawn(move || read_on(input, &sender));
        Self {
            chunks,
            chunk: Vec::new(),
            at: 0,
            interrupt: interrupt(),
        }
    }

    /// The next chunk; none at the end.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.chunks.try_recv() {
            Ok(chunk) => return chunk.map(Some),
            Err(TryRecvError::Disconnected) => return Ok(None),
            Err(TryRecvError::Empty) => {}
        }
        Shown::with(|report| report.flush()).transpose()?;
        loop {
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => return chunk.map(Some),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {
                    if self
                        .interrupt
                        .as_ref()
                        .is_some_and(|i| i.load(Ordering::Relaxed))
                    {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

impl Read for Live {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            let Some(chunk) = self.next()? else {
                return Ok(0);
            };
            (self.chunk, self.at) = (chunk, 0);
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at += n;
        Ok(n)
    }
}

/// Reads until the end, an error, or until nobody wants any more.
fn read_on(mut input: impl Read, sender: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut chunk = vec![0; CHUNK];
        match input.read(&mut chunk) {
            Ok(0) => return,
            Ok(n) => {
                chunk.truncate(n);
                if sender.send(Ok(chunk)).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                // Whoever waits for it hears of it, if there still is somebody.
                let _ = sender.send(Err(error));
                return;
            }
        }
    }
}
