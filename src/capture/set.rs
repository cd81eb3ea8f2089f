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
pub use plan::by_name;

use super::reader::Record;
use super::seen::Seen;
use crate::stamp::Time;
use merge::Merge;
use open::{Open, SeenWithTimes};
pub(crate) use origins::Places;
use std::ops::Range;
use std::sync::Arc;

/// Several files as one stream.
pub struct Set {
    files: Vec<SetFile>,
    /// What was read of the files that came to their ends.
    seen: Vec<Option<SeenWithTimes>>,
    /// Files that are merged stand in one run. The next one comes last.
    runs: Vec<Range<usize>>,
    now: Now,
    /// Frames of the stream before the current run.
    frames: u64,
    places: Places,
    strict: bool,
    /// Records are missing inside of the files read so far: the frames of the stream that follow the
    /// first and the last such place.
    torn: Option<[u64; 2]>,
}

/// What is being read.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, and its file is asked for every record"
)]
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
            places: Places::of(files.iter().map(|file| Arc::clone(&file.name))),
            files,
            runs,
            now: Now::Nothing,
            frames: 0,
            strict: false,
            torn: None,
        }
    }

    /// Whether reading a file ends at its first damage, instead of going on behind it.
    #[must_use]
    pub const fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
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
            Now::Many(merge) => {
                let files = &self.files;
                self.places.with(|origins| merge.next(files, origins))
            }
        }
    }

    /// Turns to what comes after the files that came to their ends; false at the end of the set.
    pub fn turn(&mut self) -> bool {
        self.settle();
        while let Some(run) = self.runs.pop() {
            let first = run.start;
            self.places.with(|origins| origins.begin(first, run.len()));
            if run.len() > 1 {
                self.now = Now::Many(Merge::new(run, self.frames, self.strict));
                return true;
            }
            let Some(file) = self.files.get(first) else {
                continue;
            };
            match Open::new(first, file, true, self.strict) {
                Ok(open) => {
                    self.now = Now::One(open);
                    return true;
                }
                Err(seen) => self.keep(first, *seen),
            }
        }
        false
    }

    /// The frames of the stream that follow the first and the last place where records are missing.
    /// Of merged files it is not known where that would be: all of them may miss some.
    pub fn torn(&self) -> Option<[u64; 2]> {
        let now = match &self.now {
            Now::Nothing => None,
            Now::One(open) => open
                .torn()
                .map(|torn| torn.map(|frame| self.frames + frame)),
            Now::Many(merge) => merge
                .is_torn()
                .then(|| [self.frames + 1, merge.frames() + 1]),
        };
        join(self.torn, now)
    }

    /// Keeps what is to be said of the files that came to their ends.
    fn settle(&mut self) {
        self.torn = self.torn();
        match std::mem::replace(&mut self.now, Now::Nothing) {
            Now::Nothing => {}
            Now::One(open) => {
                if let Some(file) = self.files.get(open.file) {
                    let seen = open.seen_at_end(file);
                    let frames = seen.0.frames;
                    self.frames += frames;
                    self.places.with(|origins| origins.add(open.file, frames));
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

    fn keep(&mut self, file: usize, seen: SeenWithTimes) {
        if let Some(place) = self.seen.get_mut(file) {
            *place = Some(seen);
        }
    }

    /// The names of the files in the order of the stream, what was read of each so far, and the
    /// earliest and the latest time of its records.
    pub fn sources(
        &self,
    ) -> impl ExactSizeIterator<Item = (&Arc<str>, Seen, Option<(Time, Time)>)> {
        let files = self.files.iter().zip(&self.seen).enumerate();
        files.map(|(number, (file, seen))| {
            let now = || match &self.now {
                Now::One(open) if open.file == number => Some(open.seen()),
                Now::Many(merge) => merge.seen(number),
                _ => None,
            };
            let seen = seen.clone().or_else(now);
            let (seen, times) = seen.unwrap_or_default();
            (&file.name, seen, times)
        })
    }

    /// The last file came to its end and could not be read to it.
    pub fn is_cut(&self) -> bool {
        let last = self.seen.last().and_then(Option::as_ref);
        last.is_some_and(|(seen, _)| seen.is_cut)
    }

    /// The file a frame of the stream comes from, and the frame's number there.
    pub fn origin(&self, frame: u64) -> Option<(&Arc<str>, u64)> {
        self.places.of_frame(frame)
    }

    /// The same for another thread than that which reads.
    pub(crate) fn places(&self) -> Places {
        self.places.clone()
    }
}

/// Both places, or the one that there is.
fn join(a: Option<[u64; 2]>, b: Option<[u64; 2]>) -> Option<[u64; 2]> {
    match (a, b) {
        (Some([first, _]), Some([_, last])) => Some([first, last]),
        _ => a.or(b),
    }
}
