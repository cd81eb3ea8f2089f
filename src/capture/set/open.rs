//! A file of a set while it is read.

use super::file::SetFile;
use super::lazy::Lazy;
use crate::capture::{Damage, Reader, Record, Seen};
use crate::stamp::Time;

/// What was read of a file, and the earliest and latest time of its records.
pub(super) type SeenWithTimes = (Seen, Option<(Time, Time)>);

/// An open file of a set.
pub(super) struct Open {
    pub(super) file: usize,
    reader: Reader<Lazy>,
    keep: bool,
    times: Option<(Time, Time)>,
}

impl Open {
    /// Opens the file, which stays open between two reads with `keep`.
    pub(super) fn new(
        file: usize,
        of: &SetFile,
        keep: bool,
        strict: bool,
    ) -> Result<Self, Box<SeenWithTimes>> {
        if let Some(error) = &of.unreadable {
            return Err(Box::new(lost(error.clone())));
        }
        match Reader::new(Lazy::new(of.path.clone(), keep)) {
            Ok(reader) => Ok(Self {
                file,
                reader: reader.strict(strict),
                keep,
                times: None,
            }),
            Err(error) => Err(Box::new(lost(format!(
                "gone or changed since the first look: {error}"
            )))),
        }
    }

    /// The file stays open between two reads.
    pub(super) const fn keeps_open(&self) -> bool {
        self.keep
    }

    /// The next record, numbered as in the file.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Record<'_>> {
        let record = self.reader.next()?;
        if let Some(time) = record.time {
            let (start, end) = self.times.unwrap_or((time, time));
            self.times = Some((start.min(time), end.max(time)));
        }
        Some(record)
    }

    /// Frames of the file that were read.
    pub(super) const fn frames(&self) -> u64 {
        self.reader.frames()
    }

    /// What was read so far.
    pub(super) fn seen(&self) -> SeenWithTimes {
        (self.reader.seen(), self.times)
    }

    /// The frames of the first and the last damage behind which reading went on.
    pub(super) const fn torn(&self) -> Option<[u64; 2]> {
        self.reader.torn()
    }

    /// What was read of a file that came to its end.
    pub(super) fn seen_at_end(&self, of: &SetFile) -> SeenWithTimes {
        let (mut seen, times) = self.seen();
        if seen.damage.is_empty() && seen.frames != of.frames {
            let what = format!(
                "the file changed while it was read: {} frames at the first look, {} now",
                of.frames, seen.frames
            );
            seen.damage.push(Damage {
                frame: seen.frames + 1,
                offset: seen.bytes,
                what,
                skipped: None,
            });
            seen.is_cut = true;
        }
        (seen, times)
    }
}

/// A file of which nothing can be read.
fn lost(what: String) -> SeenWithTimes {
    let damage = Damage {
        frame: 1,
        offset: 0,
        what,
        skipped: None,
    };
    let mut seen = Seen::default();
    seen.damage.push(damage);
    seen.is_cut = true;
    (seen, None)
}
