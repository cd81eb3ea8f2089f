//! How long flows were in what a rule limits.

use crate::check::policy::rules::Moment;
use crate::close::verdict::{
    CloseEntry, CloseEvent, Event, Outcome, RstFate, Side, State, Verdict,
};
use crate::ledger::spans;
use crate::stamp::Time;
use smallvec::SmallVec;

/// A time that a flow spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Nanoseconds, as far as was seen; `None`: the capture has no times.
    pub nanos: Option<i64>,
    /// It was not over yet.
    pub goes_on: bool,
    /// What it was spent on, before the time.
    pub what: &'static str,
    /// The frames from which and to which it was.
    pub frames: SmallVec<[u64; 2]>,
}

/// The times of a flow; none: the rule is not about it.
pub type Spent = SmallVec<[Stretch; 1]>;

/// How long each side was in CLOSE-WAIT.
pub(super) fn close_wait(verdict: &Verdict, moment: Moment) -> Spent {
    let mut spent = Spent::new();
    for side in [Side::Client, Side::Server] {
        let frames = [side.peer(), side].map(|from| first(verdict, Event::Fin, Some(from)));
        let frames = frames.iter().flatten().map(|event| event.frame);
        let frames: SmallVec<[u64; 2]> = frames.collect();
        let what = match side {
            Side::Client => "the client was in CLOSE-WAIT for",
            Side::Server => "the server was in CLOSE-WAIT for",
        };
        if verdict.start.is_none() || verdict.states.is_none() {
            let waits = *verdict.final_states.of(side) == State::CloseWait;
            let waits = waits || frames.len() == 2;
            spent.extend(waits.then_some((None, waits, what, frames)).map(stretch));
            continue;
        }
        let spans = spans(verdict, side, moment.time_wait);
        let waits = spans.iter().filter(|span| span.state == State::CloseWait);
        spent.extend(waits.map(|span| {
            let nanos = span.to.unwrap_or(moment.now).since(span.from);
            let goes_on = span.to.is_none();
            stretch((Some(nanos), goes_on, what, frames.clone()))
        }));
    }
    spent
}

/// How long the close took.
pub(super) fn close_time(verdict: &Verdict, moment: Moment) -> Spent {
    let Some(fin) = first(verdict, Event::Fin, None) else {
        return Spent::new();
    };
    let end = over(verdict);
    let goes_on = end.is_none();
    let to = end.map_or(Some(moment.now), |(_, time)| time);
    let nanos = fin.time.zip(to).map(|(from, to)| to.since(from).max(0));
    let frames = [Some(fin.frame), end.map(|(frame, _)| frame)];
    let frames = frames.into_iter().flatten().collect();
    [stretch((nanos, goes_on, "the close took", frames))]
        .into_iter()
        .collect()
}

/// The frame with which the close was over, and its time.
fn over(verdict: &Verdict) -> Option<(u64, Option<Time>)> {
    match verdict.outcome {
        Outcome::Graceful | Outcome::Simultaneous => {
            let mut acked = events(verdict).filter(|event| event.event == Event::FinAcked);
            let cut = matches!(verdict.close.last(), Some(CloseEntry::More { .. }));
            match (acked.next(), acked.last()) {
                (Some(_), Some(last)) => Some((last.frame, last.time)),
                // The list of events was cut: it may have taken until the last frame.
                _ if cut => Some((verdict.last_frame, verdict.end)),
                _ => { events(verdict).last() }.map(|event| (event.frame, event.time)),
            }
        }
        Outcome::AbortedAfterFin => {
            let mut resets = verdict.resets.iter();
            let end = resets.find(|reset| reset.fate == RstFate::Effective);
            end.map(|reset| (reset.frame, reset.time))
        }
        _ => None,
    }
}

fn first(verdict: &Verdict, event: Event, from: Option<Side>) -> Option<&CloseEvent> {
    let is_it = |e: &&CloseEvent| e.event == event && from.is_none_or(|from| from == e.from);
    events(verdict).find(is_it)
}

fn events(verdict: &Verdict) -> impl Iterator<Item = &CloseEvent> {
    verdict.close.iter().filter_map(|entry| match entry {
        CloseEntry::Event(event) => Some(event),
        CloseEntry::More { .. } => None,
    })
}

type Parts = (Option<i64>, bool, &'static str, SmallVec<[u64; 2]>);

fn stretch((nanos, goes_on, what, frames): Parts) -> Stretch {
    Stretch {
        nanos,
        goes_on,
        what,
        frames,
    }
}
