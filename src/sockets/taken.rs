//! When a list was taken: what its TIME-WAIT timers say.

use crate::close::verdict::names;
use crate::stamp::{MILLISECOND, SECOND, Time};
use serde::{Deserialize, Serialize};

names! {
    /// How it is known when a list was taken.
    TakenFrom {
        /// The user says so.
        User = "user",
        /// Timers of TIME-WAIT sockets whose start the capture shows.
        Timers = "timers",
        /// It is not known: the end of the capture is taken for it.
        CaptureEnd = "capture-end",
    }
}

/// When a list was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Taken {
    /// The time; `None` where the capture has no times.
    pub at: Option<Time>,
    /// How it is known.
    pub from: TakenFrom,
    /// How many nanoseconds earlier or later it may have been.
    pub within_ns: i64,
    /// How many timers could be compared.
    pub timers: u64,
    /// How many of them agree with each other.
    pub agreeing: u64,
    /// What they say, where most of them agree.
    pub by_timers: Option<Time>,
}

/// A list was taken after the first and not after the second.
pub(super) type Bounds = (Time, Time);

/// The way of a segment between the capture and the host, and its clock.
const SLACK: i64 = 250 * MILLISECOND;
/// Timers agree that are no further apart.
const APART: i64 = SECOND;

/// The best that is known: what the user says, else what most timers say, else the end of the capture.
pub(super) fn taken(user: Option<Time>, timers: &[Bounds], end: Option<Time>) -> Taken {
    let told = agreement(timers);
    let by_timers = told.map(|told| told.at);
    let (at, from, within_ns) = match (user, told) {
        (Some(user), _) => (Some(user), TakenFrom::User, 2 * SLACK),
        (None, Some(told)) => (Some(told.at), TakenFrom::Timers, told.within + SLACK),
        (None, None) => (end, TakenFrom::CaptureEnd, SECOND),
    };
    Taken {
        at,
        from,
        within_ns,
        timers: timers.len() as u64,
        agreeing: told.map_or(0, |told| told.agreeing),
        by_timers,
    }
}

#[derive(Clone, Copy)]
struct Told {
    at: Time,
    within: i64,
    agreeing: u64,
}

/// What more than half of the timers say.
fn agreement(timers: &[Bounds]) -> Option<Told> {
    let mut middles: Vec<Time> = timers.iter().map(|t| middle(*t)).collect();
    middles.sort_unstable();
    let median = *middles.get(middles.len() / 2)?;
    let agree = |(first, last): &&Bounds| {
        first.plus(-APART / 2) <= median && median <= last.plus(APART / 2)
    };
    let agreeing = timers.iter().filter(agree);
    let count = agreeing.clone().count();
    if 2 * count <= timers.len() {
        return None;
    }
    let first = agreeing.clone().map(|t| t.0).max()?;
    let last = agreeing.map(|t| t.1).min()?;
    // Where they do not overlap, what lies between them is as good as any.
    let bounds = (first.min(last), first.max(last));
    Some(Told {
        at: middle(bounds),
        within: bounds.1.since(bounds.0) / 2,
        agreeing: count as u64,
    })
}

fn middle((first, last): Bounds) -> Time {
    first.plus(last.since(first) / 2)
}

#[cfg(test)]
mod tests {
    use super::{TakenFrom, taken};
    use crate::stamp::{MILLISECOND, SECOND, Time};

    const fn bounds(millis: i64, resolution: i64) -> (Time, Time) {
        let last = Time(millis * MILLISECOND);
        (last.plus(-resolution * MILLISECOND), last)
    }

    #[test]
    fn many_coarse_timers_are_one_fine_one() {
        let timers = [
            bounds(10_900, 1000),
            bounds(10_300, 1000),
            bounds(10_600, 1000),
        ];
        let told = taken(None, &timers, Some(Time(30 * SECOND)));
        assert_eq!(told.from, TakenFrom::Timers);
        assert_eq!(told.at, Some(Time(10_100 * MILLISECOND)));
        assert_eq!((told.timers, told.agreeing), (3, 3));
        assert!(told.within_ns < 500 * MILLISECOND);
    }

    #[test]
    fn one_that_is_off_is_left_out_and_what_contradicts_itself_says_nothing() {
        let timers = [
            bounds(10_900, 1000),
            bounds(10_300, 1000),
            bounds(99_000, 1000),
        ];
        assert_eq!(taken(None, &timers, None).agreeing, 2);
        let end = Some(Time(30 * SECOND));
        let told = taken(None, &timers[1..], end);
        assert_eq!((told.at, told.from), (end, TakenFrom::CaptureEnd));
        assert_eq!((told.timers, told.agreeing), (2, 0));
        assert_eq!(taken(end, &timers, None).from, TakenFrom::User);
        assert_eq!(taken(None, &[], None).at, None);
    }
}
