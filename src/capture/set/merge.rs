//! Files that ran at the same time, merged by each one's next record.

use super::file::SetFile;
use super::open::{Open, SeenWithTimes};
use super::origins::Origins;
use crate::capture::Record;
use crate::stamp::Time;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;

/// Files that stay open between two reads; the others are opened for each read.
const KEPT_OPEN: usize = 16;

/// The files of a run while they are merged.
pub(super) struct Merge {
    /// Those that have not begun, in the order of their first records.
    waiting: Range<usize>,
    open: BTreeMap<usize, Head>,
    /// The next record's time and the file of each open one. A record without a time goes first,
    /// of equal times that of the earlier file.
    order: BinaryHeap<Reverse<(Option<Time>, usize)>>,
    /// The file whose record was given last: its next one is not known yet.
    given: Option<usize>,
    /// Frames of the stream so far.
    frames: u64,
    /// What was read of the files that came to their ends.
    pub(super) done: Vec<(usize, SeenWithTimes)>,
    strict: bool,
}

/// An open file and its next record, copied: of many files only one is read from at a time.
struct Head {
    open: Open,
    /// Frames of the file before its next record, which are in the stream already.
    passed: u64,
    record: Option<Copied>,
    data: Vec<u8>,
}

/// [`Record`] without its data.
#[derive(Clone, Copy)]
struct Copied {
    time: Option<Time>,
    interface: u32,
    link: u16,
    original_len: u32,
}

impl Merge {
    /// The files of a run, after so many frames of the stream.
    pub(super) const fn new(run: Range<usize>, frames: u64, strict: bool) -> Self {
        Self {
            waiting: run,
            open: BTreeMap::new(),
            order: BinaryHeap::new(),
            given: None,
            frames,
            done: Vec::new(),
            strict,
        }
    }

    /// The next record of the run, numbered as in the stream.
    pub(super) fn next(&mut self, files: &[SetFile], origins: &mut Origins) -> Option<Record<'_>> {
        if let Some(file) = self.given.take() {
            self.refill(file, files, origins);
        }
        self.begin(files, origins);
        let Reverse((_, file)) = self.order.pop()?;
        self.given = Some(file);
        let head = self.open.get_mut(&file)?;
        let record = head.record?;
        head.passed += 1;
        self.frames += 1;
        origins.add(file, 1);
        Some(Record {
            frame: self.frames,
            time: record.time,
            interface: record.interface,
            link: record.link,
            data: &head.data,
            original_len: record.original_len,
        })
    }

    /// Frames of the stream so far.
    pub(super) const fn frames(&self) -> u64 {
        self.frames
    }

    /// One of the files was damaged, and reading went on behind that.
    pub(super) fn is_torn(&self) -> bool {
        let open = || self.open.values().any(|head| head.open.torn().is_some());
        self.done.iter().any(|(_, (seen, _))| seen.torn.is_some()) || open()
    }

    /// What was read so far of an open file.
    pub(super) fn seen(&self, file: usize) -> Option<SeenWithTimes> {
        let done = self.done.iter().find(|(done, _)| *done == file);
        let open = || self.open.get(&file).map(|head| head.open.seen());
        done.map(|(_, seen)| seen.clone()).or_else(open)
    }

    /// Opens the files that begin no later than the next record.
    fn begin(&mut self, files: &[SetFile], origins: &mut Origins) {
        while let Some(file) = files
            .get(self.waiting.start)
            .filter(|_| !self.waiting.is_empty())
        {
            let next = self.order.peek().map(|Reverse((time, _))| *time);
            let first = file.span.map(|span| span.first);
            if next.is_some_and(|next| next < first) {
                return;
            }
            let number = self.waiting.start;
            self.waiting.start += 1;
            let kept = self.open.values().filter(|head| head.open.keeps_open());
            let keep = kept.count() < KEPT_OPEN;
            match Open::new(number, file, keep, self.strict) {
                Err(seen) => self.done.push((number, *seen)),
                Ok(open) => {
                    let head = Head {
                        open,
                        passed: 0,
                        record: None,
                        data: Vec::new(),
                    };
                    self.open.insert(number, head);
                    self.refill(number, files, origins);
                }
            }
        }
    }

    /// Reads a file's next record, or takes leave of the file.
    fn refill(&mut self, file: usize, files: &[SetFile], origins: &mut Origins) {
        let Some(head) = self.open.get_mut(&file) else {
            return;
        };
        let is_packet = head.read();
        // Frames that are no packets have no time, or one that is not read: they follow the packet
        // before them at once.
        let before = head.open.frames() - u64::from(is_packet);
        let frames = before - head.passed;
        head.passed = before;
        self.frames += frames;
        origins.add(file, frames);
        if is_packet {
            let time = head.record.and_then(|record| record.time);
            self.order.push(Reverse((time, file)));
            return;
        }
        if let Some(of) = files.get(file) {
            self.done.push((file, head.open.seen_at_end(of)));
        }
        self.open.remove(&file);
    }
}

impl Head {
    fn read(&mut self) -> bool {
        self.record = self.open.next().map(|record| {
            self.data.clear();
            self.data.extend_from_slice(record.data);
            Copied {
                time: record.time,
                interface: record.interface,
                link: record.link,
                original_len: record.original_len,
            }
        });
        self.record.is_some()
    }
}
