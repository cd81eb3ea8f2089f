//! The part of a capture that is asked for.

use crate::stamp::Time;

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
}

impl Window {
    pub(super) const fn new(since: Option<Moment>, until: Option<Moment>) -> Self {
        let inside = since.is_none() && until.is_none();
        Self {
            since,
            until,
            span: if inside {
                Some((Time(i64::MIN), Time(i64::MAX)))
            } else {
                None
            },
            inside,
            outside: 0,
            latest_outside: None,
        }
    }

    /// The next record, of this time, stands in it.
    #[inline]
    pub(super) fn holds(&mut self, time: Option<Time>) -> bool {
        if let Some(time) = time {
            let (first, last) = self.span.unwrap_or_else(|| self.begin(time));
            self.inside = first <= time && time <= last;
        }
        if !self.inside {
            self.leave_out(time);
        }
        self.inside
    }

    /// The capture begins.
    #[cold]
    fn begin(&mut self, first: Time) -> (Time, Time) {
        let since = self.since.map(|since| since.in_capture(first));
        let until = self.until.map(|until| until.in_capture(first).plus(-1));
        let span = (
            since.unwrap_or(Time(i64::MIN)),
            until.unwrap_or(Time(i64::MAX)),
        );
        *self.span.insert(span)
    }

    #[cold]
    fn leave_out(&mut self, time: Option<Time>) {
        self.outside += 1;
        self.latest_outside = self.latest_outside.max(time);
    }
}
