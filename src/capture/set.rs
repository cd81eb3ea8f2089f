//! Several files as one stream of records in time order.
//!
//! Each file is looked through once, for the times of its records ([`SetFile::look`]); that tells
//! the order and which files run at the same time. Then the files are read one after another, or
//! merged. Frames are numbered through the stream, as mergecap would write it: where records of
//! two files have the same time the one of the earlier file goes first (mergecap: that of the file
//! named *last* on its command line).

mod file;
mod lazy;
mod merge;
mod open;
mod origins;
mod plan;

pub use file::{SetFile, Span};
pub use open::Seen;
pub use plan::by_name;

use super::reader::Record;
use merge::Merge;
use open::Open;
use origins::Origins;
use std::ops::Range;
use std::sync::Arc;

/// Several files as one stream.
pub struct Set {
    files: Vec<SetFile>,
    /// What was read of the files that came to their ends.
    seen: Vec<Option<Seen>>,
    /// Files that are merged stand in one run. The next one comes last.
    runs: Vec<Range<usize>>,
    now: Now,
    /// Frames of the stream before the current run.
    frames: u64,
    origins: Origins,
}

/// What is being read.
enum Now {
    Nothing,
    One(Open),
    Many(Merge),
}

impl Set {
    /// The files as one stream, whatever order they are given in.
    pub fn new(mut files: Vec<SetFile>) -> Self {
        let mut runs = plan::plan(&mut files);
        runs.reverse();
        Self {
            seen: vec![None; files.len()],
            files,
            runs,
            now: Now::Nothing,
            frames: 0,
            origins: Origins::default(),
        }
    }

    /// The next record of the files that are open; `None` before the first and at the end of each
    /// of them. Then [`Set::turn`] goes on.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "a record borrows the reader's buffer, which no Iterator's item can"
    )]
    pub fn next(&mut self) -> Option<Record<'_>> {
        match &mut self.now {
            Now::Nothing => None,
            Now::One(open) => {
                let mut record = open.next()?;
                record.frame += self.frames;
                Some(record)
            }
            Now::Many(merge) => merge.next(&self.files, &mut self.origins),
        }
    }

    /// Turns to what comes after the files that came to their ends; false at the end of the set.
    pub fn turn(&mut self) -> bool {
        self.settle();
        while let Some(run) = self.runs.pop() {
            let first = run.start;
            self.origins.begin(first, run.len());
            if run.len() > 1 {
                self.now = Now::Many(Merge::new(run, self.frames));
                return true;
            }
            let Some(file) = self.files.get(first) else {
                continue;
            };
            match Open::new(first, file, true) {
                Ok(open) => {
                    self.now = Now::One(open);
                    return true;
                }
                Err(seen) => self.keep(first, seen),
            }
        }
        false
    }

    /// Keeps what is to be said of the files that came to their ends.
    fn settle(&mut self) {
        match std::mem::replace(&mut self.now, Now::Nothing) {
            Now::Nothing => {}
            Now::One(open) => {
                if let Some(file) = self.files.get(open.file) {
                    let seen = open.seen_at_end(file);
                    self.frames += seen.frames;
                    self.origins.add(open.file, seen.frames);
                    self.keep(open.file, seen);
                }
            }
            Now::Many(merge) => {
                self.frames = merge.frames();
                for (file, seen) in merge.done {
                    self.keep(file, seen);
                }
            }
        }
    }

    fn keep(&mut self, file: usize, seen: Seen) {
        if let Some(place) = self.seen.get_mut(file) {
            *place = Some(seen);
        }
    }

    /// The names of the files in the order of the stream, and what was read of each so far.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, Seen)> {
        let files = self.files.iter().zip(&self.seen).enumerate();
        files.map(|(number, (file, seen))| {
            let now = || match &self.now {
                Now::One(open) if open.file == number => Some(open.seen()),
                Now::Many(merge) => merge.seen(number),
                _ => None,
            };
            let seen = seen.clone().or_else(now);
            (&file.name, seen.unwrap_or_default())
        })
    }

    /// The last file came to its end and could not be read to it.
    pub fn is_cut(&self) -> bool {
        let last = self.seen.last().and_then(Option::as_ref);
        last.is_some_and(|seen| seen.damage.is_some())
    }

    /// The file a frame of the stream comes from, and the frame's number there.
    pub fn origin(&self, frame: u64) -> Option<(&Arc<str>, u64)> {
        let (file, number) = self.origins.of(frame)?;
        Some((&self.files.get(file)?.name, number))
    }
}
