//! A file of a set at a first look: how many frames, from when to when.

use crate::capture::{Meter, OpenError, Reader};
use crate::stamp::Time;
use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A capture file that was read through once, for its place among the others.
#[derive(Clone, Debug)]
pub struct SetFile {
    pub(super) path: PathBuf,
    pub(super) name: Arc<str>,
    pub(super) frames: u64,
    pub(super) span: Option<Span>,
    /// Why it could not be read at all.
    pub(super) unreadable: Option<String>,
    pub(super) meter: Option<Arc<Meter>>,
}

/// The times of a file's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Of the first record that has one.
    pub first: Time,
    /// Of the last one.
    pub last: Time,
    /// The earliest; before `first` only where records are out of order.
    pub earliest: Time,
    /// The latest.
    pub latest: Time,
}

impl SetFile {
    /// Reads the file at `path` through, without looking into its packets. `name` is what reports
    /// call it.
    ///
    /// Fails where the file cannot be opened or is no capture; what is damaged later on counts as
    /// far as it goes.
    pub fn look(path: &Path, name: Arc<str>) -> Result<Self, OpenError> {
        let file = File::open(path).map_err(|source| OpenError::Io { offset: 0, source })?;
        let mut reader = Reader::new(file)?;
        let mut span = None;
        while let Some(record) = reader.next() {
            if let Some(time) = record.time {
                span.get_or_insert(Span::at(time)).add(time);
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            name,
            frames: reader.frames(),
            span,
            unreadable: None,
            meter: None,
        })
    }

    /// A file that belongs to the set and cannot be read: the reports say so.
    pub fn unreadable(path: &Path, name: Arc<str>, error: &dyn Error) -> Self {
        Self {
            path: path.to_path_buf(),
            name,
            frames: 0,
            span: None,
            unreadable: Some(error.to_string()),
            meter: None,
        }
    }

    /// Why it cannot be read, if it cannot be at all.
    pub fn error(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// Counts the bytes that are read of it in a set.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What reports call it.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// From when to when it reaches; `None` without a record that has a time.
    pub const fn span(&self) -> Option<Span> {
        self.span
    }
}

impl Span {
    /// Of one record.
    const fn at(time: Time) -> Self {
        Self {
            first: time,
            last: time,
            earliest: time,
            latest: time,
        }
    }

    fn add(&mut self, time: Time) {
        self.last = time;
        self.earliest = self.earliest.min(time);
        self.latest = self.latest.max(time);
    }

    /// For how long both run, in nanoseconds; not positive where one ends before the other begins.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> i64 {
        let end = self.latest.min(other.latest);
        end.since(self.earliest.max(other.earliest))
    }
}
