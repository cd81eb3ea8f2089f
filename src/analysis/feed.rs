//! From bytes to segments: all that is done before anything of a flow need be known.

use super::Options;
use super::batch::{Batch, Note};
use super::clocks::Clocks;
use super::input::Input;
use super::intake::Intake;
use super::window::Window;
use crate::capture::{Ahead, Meter, Record};
use crate::stamp::{Stamp, Time};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads records and makes segments of them.
pub(super) struct Feed<R: Read> {
    pub(super) input: Input<R>,
    pub(super) intake: Intake,
    /// What is done with records before, if anything.
    pub(super) window: Option<Window>,
    clocks: Clocks,
    /// What is read is this file.
    file: Option<Arc<File>>,
    meter: Option<Arc<Meter>>,
    interrupt: Option<Arc<AtomicBool>>,
    /// The next record may be long in coming: none is read ahead.
    pub(super) live: bool,
    /// The latest time of any record.
    latest: Time,
    /// What was told of it.
    start: Option<Time>,
    differ: bool,
    torn: Option<[u64; 2]>,
}

impl<R: Read> Feed<R> {
    pub(super) fn new(input: Input<R>, options: &Options) -> Self {
        Self {
            input,
            intake: Intake::new(options),
            window: Window::new(options),
            clocks: Clocks::default(),
            file: options.file.clone(),
            meter: options.meter.clone(),
            interrupt: options.interrupt.clone(),
            live: options.live,
            latest: Time::default(),
            start: None,
            differ: false,
            torn: None,
        }
    }

    /// Lets other threads read ahead of this one, if there is a file of which they can.
    pub(super) fn read_ahead(&mut self) -> Option<Arc<Ahead>> {
        let file = self.file.take()?;
        self.input.read_ahead(file, self.meter.clone())
    }

    /// Reads so many records at most; to the end of the input, which is noted.
    pub(super) fn fill(&mut self, batch: &mut Batch, records: usize) {
        batch.clear();
        let mut left = if self.live { 1 } else { records };
        while left > 0 && !is_set(self.interrupt.as_ref()) {
            let count = self.run(batch, left);
            left -= count;
            if left == 0 {
                break;
            }
            left -= 1;
            if !self.fill_one(batch) {
                return self.end(batch);
            }
        }
        if is_set(self.interrupt.as_ref()) {
            self.end(batch);
        }
    }

    /// Takes in records that simply follow each other, so many at most; gives how many.
    fn run(&mut self, batch: &mut Batch, most: usize) -> usize {
        if self.window.is_some() || !self.intake.is_plain() {
            return 0;
        }
        let count = match self.run_pcap(batch, most) {
            0 => self.run_pcapng(batch, most),
            count => count,
        };
        if count > 0 {
            self.latest = self.latest.max(self.clocks.last());
        }
        count
    }

    /// The same of a pcap file. By itself: the loop needs every register, and what is not asked for every
    /// record is called cold, so that it gets them.
    #[inline(never)]
    fn run_pcap(&mut self, batch: &mut Batch, most: usize) -> usize {
        let (clocks, intake) = (&mut self.clocks, &mut self.intake);
        self.input
            .run(most, |record| follow(&record, clocks, intake, batch))
    }

    /// The same of a pcapng file.
    #[inline(never)]
    fn run_pcapng(&mut self, batch: &mut Batch, most: usize) -> usize {
        let (clocks, intake) = (&mut self.clocks, &mut self.intake);
        self.input
            .run_blocks(most, |record| follow(&record, clocks, intake, batch))
    }

    /// Takes in the next record, whatever it is; false at the end of the input.
    #[inline(never)]
    fn fill_one(&mut self, batch: &mut Batch) -> bool {
        let Some(record) = self.input.next() else {
            return self.input.turn();
        };
        if let Some(window) = &mut self.window {
            begin(&mut self.start, record.time, batch);
            if !window.holds(record.frame, record.time) {
                return true;
            }
        }
        // A record without a time takes that of the record before it.
        let time = record.time.unwrap_or(self.latest);
        let at = Stamp {
            frame: record.frame,
            time,
        };
        self.latest = self.latest.max(time);
        // What follows another begins nothing.
        if record.time.is_some() && !self.clocks.see(record.interface, time) {
            begin(&mut self.start, record.time, batch);
            note_clocks(&self.clocks, &mut self.differ, batch);
        }
        let before = (batch.notes.len(), batch.arrivals.len());
        let kind = (record.link, record.original_len);
        batch.arrivals.turn_to(time);
        self.intake.push_any(kind, record.data, at, batch);
        let torn = self.input.torn();
        if torn != self.torn {
            self.torn = torn;
            note_torn(torn, before, batch);
        }
        true
    }

    #[cold]
    fn end(&self, batch: &mut Batch) {
        let interrupted = is_set(self.interrupt.as_ref());
        note_torn(
            self.input.torn(),
            (batch.notes.len(), batch.arrivals.len()),
            batch,
        );
        let cut = !interrupted && self.input.is_cut();
        batch.note(Note::End { cut, interrupted });
    }
}

/// Takes in a record if it simply follows the one before.
#[expect(
    clippy::inline_always,
    reason = "else the record and its segment go through memory"
)]
#[inline(always)]
fn follow(
    record: &Record<'_>,
    clocks: &mut Clocks,
    intake: &mut Intake,
    batch: &mut Batch,
) -> bool {
    let Some(time) = record.time else {
        return false;
    };
    let follows = clocks.follow(record.interface, time);
    if follows {
        let frame = record.frame;
        let kind = (record.link, record.original_len);
        intake.push(kind, record.data, Stamp { frame, time }, batch);
    }
    follows
}

/// The capture begins at the earliest time of any record.
#[cold]
fn begin(start: &mut Option<Time>, time: Option<Time>, batch: &mut Batch) {
    if let Some(time) = time
        && start.is_none_or(|start| time < start)
    {
        *start = Some(time);
        batch.note(Note::Start(time));
    }
}

/// Records are missing before the last one, whose notes and arrival would be of these numbers.
#[cold]
fn note_torn(torn: Option<[u64; 2]>, (note, arrival): (usize, usize), batch: &mut Batch) {
    if let Some(torn) = torn {
        batch.notes.insert(note, (arrival, Note::Torn(torn)));
    }
}

#[cold]
fn note_clocks(clocks: &Clocks, known: &mut bool, batch: &mut Batch) {
    if clocks.differ() != *known {
        *known = clocks.differ();
        batch.note(Note::ClocksDiffer(*known));
    }
}

#[inline]
fn is_set(flag: Option<&Arc<AtomicBool>>) -> bool {
    flag.is_some_and(|flag| flag.load(Ordering::Relaxed))
}
