//! The part of a capture that is asked for.

use super::Options;
use crate::capture::Meter;
use crate::stamp::Time;
use std::sync::Arc;

/// A moment of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(Time),
    /// So many nanoseconds after the first record that has a time.
    After(i64),
}

impl From<Time> for Moment {
    fn from(time: Time) -> Self {
        Self::At(time)
    }
}

impl Moment {
    /// When it is in a capture that begins at `first`.
    const fn in_capture(self, first: Time) -> Time {
        match self {
            Self::At(time) => time,
            Self::After(nanos) => first.plus(nanos),
        }
    }
}

/// Tells which records stand in it: from its begin on, and before its end.
pub(super) struct Window {
    since: Option<Moment>,
    until: Option<Moment>,
    /// The first and the last time in it, once the capture's first time is known.
    span: Option<(Time, Time)>,
    /// The record before stands in it: one without a time does as that.
    inside: bool,
    /// Records that do not.
    pub(super) outside: u64,
    /// The latest time of these.
    pub(super) latest_outside: Option<Time>,
    meter: Option<Arc<Meter>>,
}

impl Window {
    /// None where all of a capture is asked for, and nobody wants to know how far reading has come:
    /// then records pass at the cost of one question.
    pub(super) fn new(options: &Options) -> Option<Self> {
        let Options {
            since,
            until,
            meter,
            ..
        } = options;
        if since.or(*until).is_none() && meter.is_none() {
            return None;
        }
        Some(Self {
            since: *since,
            until: *until,
            meter: meter.clone(),
            span: None,
            inside: since.or(*until).is_none(),
            outside: 0,
            latest_outside: None,
        })
    }

    /// The next record, of this number and time, stands in it.
    #[cold]
    pub(super) fn holds(&mut self, frame: u64, time: Option<Time>) -> bool {
        if let Some(meter) = &self.meter {
            meter.at_frame(frame);
        }
        if let Some(time) = time {
            let (first, last) = *self
                .span
                .get_or_insert_with(|| span(self.since, self.until, time));
            self.inside = first <= time && time <= last;
        }
        if !self.inside {
            self.outside += 1;
            self.latest_outside = self.latest_outside.max(time);
        }
        self.inside
    }
}

/// The first and the last time of the window in a capture that begins at `begin`.
fn span(since: Option<Moment>, until: Option<Moment>, begin: Time) -> (Time, Time) {
    let since = since.map_or(Time(i64::MIN), |since| since.in_capture(begin));
    let until = until.map(|until| until.in_capture(begin).plus(-1));
    (since, until.unwrap_or(Time(i64::MAX)))
}
