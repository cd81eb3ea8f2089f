//! The same verdicts by several threads: while the capture is read one decompresses it, one makes
//! segments and one keeps the flows (and reads ahead when none has come); then all judge those that are
//! left.
//!
//! Flows are kept, and verdicts taken in, by one thread and in one order, so that nothing of what is
//! said depends on the number of threads. What is handed on goes in packs that come back to be filled
//! again.

use super::Analysis;
use super::batch::Batch;
use super::bench::Extent;
use super::court::{Court, Next};
use super::feed::Feed;
use super::left::judge_left;
use crate::capture::Ahead;
use crate::close::verdict::Verdict;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, Builder};

/// Batches that are under way.
const PACKS: usize = 4;
/// Records of a batch that goes to another thread: to wake that takes as long as some hundred of
/// them.
const RECORDS: usize = 2048;
/// So many records are read before another thread begins: a smaller capture is over by then.
const SMALL: usize = 4096;
/// From so many flows on several threads judge those that are left.
const MANY: usize = 2048;

/// Is shown a verdict, and says whether more are wanted.
pub(super) type Go<'a> = &'a mut dyn FnMut(&Verdict, Extent) -> ControlFlow<()>;

impl<R: Read + Send> Analysis<R> {
    /// Shows every verdict that is left, by so many threads at most: three find work while a
    /// capture is read, all where flows are left at its end.
    /// The verdicts are the same, in the same order, whatever the number. Stops where `see` breaks.
    pub fn show_all(
        &mut self,
        threads: usize,
        see: &mut dyn FnMut(&Verdict, Extent) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut alone = threads < 2 || self.feed.live;
        let mut records = 0_usize;
        loop {
            let mut next = self.step(see)?;
            if matches!(next, Next::Hungry) {
                records += super::batch::RECORDS;
                let apart = !alone && records > SMALL;
                match apart.then(|| self.read_apart(threads, see)).flatten() {
                    Some(read) => {
                        read?;
                        next = Next::Ended;
                    }
                    None => self.feed.fill(&mut self.batch, super::batch::RECORDS),
                }
                alone |= apart;
            }
            if matches!(next, Next::Over) {
                return ControlFlow::Continue(());
            }
            let many = matches!(next, Next::Ended) && self.court.table.live() > MANY;
            if many && threads > 1 {
                return judge_left(&mut self.court, threads, see);
            }
        }
    }

    fn step(&mut self, see: Go<'_>) -> ControlFlow<(), Next> {
        let mut go = ControlFlow::Continue(());
        let next = self.court.go_on(&self.batch, &mut seen(see, &mut go));
        go?;
        ControlFlow::Continue(next)
    }

    /// Lets other threads read to the end: one decompresses the capture if it must be, one makes segments
    /// of it if there may be another. Nothing where there can be none.
    fn read_apart(&mut self, threads: usize, see: Go<'_>) -> Option<ControlFlow<()>> {
        let Self { feed, batch, court } = self;
        batch.clear();
        if threads < 3 && feed.input.is_compressed() {
            return decompress_apart(feed, |feed| {
                let fill = |batch: &mut Batch| {
                    feed.fill(batch, super::batch::RECORDS);
                    Some(())
                };
                take_in(court, batch, fill, see)
            });
        }
        let (to_fill, empty) = sync_channel::<Batch>(PACKS);
        let (filled, full) = sync_channel::<Batch>(PACKS);
        for _ in 1..PACKS {
            // There is room for all.
            let _ = to_fill.send(Batch::for_table(&court.table));
        }
        let ahead = feed.read_ahead();
        thread::scope(move |scope| {
            let read = move || decompress_apart(feed, |feed| read_on(feed, &empty, &filled));
            Builder::new().spawn_scoped(scope, read).ok()?;
            let turn = |batch: &mut Batch| {
                let next = next_of(&full, ahead.as_deref())?;
                // After the last one nobody waits for it.
                let _ = to_fill.send(std::mem::replace(batch, next));
                Some(())
            };
            take_in(court, batch, turn, see)
        })
    }
}

/// Reads while another thread decompresses what is read, if that is to be done.
fn decompress_apart<R: Read + Send, T>(
    feed: &mut Feed<R>,
    read: impl FnOnce(&mut Feed<R>) -> T,
) -> T {
    thread::scope(|scope| {
        if let Some(work) = feed.input.split() {
            // Without a thread for it the reader is told so.
            let _ = Builder::new().spawn_scoped(scope, || work.run());
        }
        let result = read(feed);
        feed.input.close();
        result
    })
}

/// Fills batches to the last one.
fn read_on<R: Read>(feed: &mut Feed<R>, empty: &Receiver<Batch>, filled: &SyncSender<Batch>) {
    while let Ok(mut batch) = empty.recv() {
        feed.fill(&mut batch, RECORDS);
        batch.arrivals.use_room();
        let is_last = batch.is_last();
        if filled.send(batch).is_err() || is_last {
            return;
        }
    }
}

/// The next batch. As long as there is none, this thread has the time to read ahead of the other one.
fn next_of(full: &Receiver<Batch>, ahead: Option<&Ahead>) -> Option<Batch> {
    loop {
        match full.try_recv() {
            Ok(batch) => return Some(batch),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) if ahead.is_some_and(Ahead::help) => {}
            Err(TryRecvError::Empty) => return full.recv().ok(),
        }
    }
}

/// Takes in what is read until the capture ends. `turn` brings the next batch, to the last one.
fn take_in(
    court: &mut Court,
    batch: &mut Batch,
    mut turn: impl FnMut(&mut Batch) -> Option<()>,
    see: Go<'_>,
) -> Option<ControlFlow<()>> {
    loop {
        let mut go = ControlFlow::Continue(());
        let next = court.go_on(batch, &mut seen(see, &mut go));
        if go.is_break() {
            return Some(go);
        }
        match next {
            Next::Shown => {}
            Next::Ended | Next::Over => return Some(go),
            Next::Hungry => {
                batch.arrivals.carry_room();
                turn(batch)?;
                court.table.take_room(&mut batch.arrivals);
            }
        }
    }
}

/// Shows a verdict where it is, and remembers whether more are wanted.
pub(super) fn seen<'a>(
    see: Go<'a>,
    go: &'a mut ControlFlow<()>,
) -> impl FnMut(&mut Option<Verdict>, Extent) + 'a {
    move |verdict, extent| {
        if let Some(verdict) = verdict {
            *go = see(verdict, extent);
        }
    }
}
