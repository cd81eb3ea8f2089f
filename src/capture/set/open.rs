//! A file of a set while it is read.

use super::file::SetFile;
use super::lazy::Lazy;
use crate::capture::{Damage, Reader, Record};
use crate::stamp::Time;

/// What was read of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// Frames, as Wireshark counts them.
    pub frames: u64,
    /// Bytes that were understood.
    pub bytes: u64,
    /// Its LINKTYPEs, each once.
    pub link_types: Vec<u16>,
    /// The earliest time of a record.
    pub start: Option<Time>,
    /// The latest one.
    pub end: Option<Time>,
    /// Where and why it could not be read; the frame's number is that of the file.
    pub damage: Option<Damage>,
}

/// An open file of a set.
pub(super) struct Open {
    pub(super) file: usize,
    reader: Reader<Lazy>,
    keep: bool,
    times: Option<(Time, Time)>,
}

impl Open {
    /// Opens the file, which stays open between two reads with `keep`.
    pub(super) fn new(file: usize, of: &SetFile, keep: bool) -> Result<Self, Seen> {
        if let Some(error) = &of.unreadable {
            return Err(lost(error.clone()));
        }
        match Reader::new(Lazy::new(of, keep)) {
            Ok(reader) => Ok(Self {
                file,
                reader,
                keep,
                times: None,
            }),
            Err(error) => Err(lost(format!(
                "gone or changed since the first look: {error}"
            ))),
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
    pub(super) fn seen(&self) -> Seen {
        Seen {
            frames: self.reader.frames(),
            bytes: self.reader.bytes(),
            link_types: self.reader.link_types().to_vec(),
            start: self.times.map(|(start, _)| start),
            end: self.times.map(|(_, end)| end),
            damage: self.reader.damage().cloned(),
        }
    }

    /// What was read of a file that came to its end.
    pub(super) fn seen_at_end(&self, of: &SetFile) -> Seen {
        let mut seen = self.seen();
        if seen.damage.is_none() && seen.frames != of.frames {
            seen.damage = Some(Damage {
                frame: seen.frames + 1,
                offset: seen.bytes,
                what: format!(
                    "the file changed while it was read: {} frames at the first look, {} now",
                    of.frames, seen.frames
                ),
            });
        }
        seen
    }
}

/// A file of which nothing can be read.
fn lost(what: String) -> Seen {
    let damage = Damage {
        frame: 1,
        offset: 0,
        what,
    };
    Seen {
        damage: Some(damage),
        ..Seen::default()
    }
}
