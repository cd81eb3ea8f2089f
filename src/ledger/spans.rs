//! From when to when a side of a flow held a socket in which state.

use crate::close::finding::Code;
use crate::close::verdict::{Dwell, EndedBy, Outcome, Side, State, TimeWait, Verdict};
use crate::stamp::{SECOND, Time};
use smallvec::SmallVec;

/// A socket in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The state.
    pub state: State,
    /// Since when.
    pub from: Time,
    /// Until when, TIME-WAIT beyond the end of the capture; `None`: still at the end.
    pub to: Option<Time>,
}

/// The states of a side in turn, those without a socket left out. None without the verdict's states,
/// or without times.
pub fn spans(verdict: &Verdict, side: Side, time_wait: i64) -> SmallVec<[Span; 5]> {
    let mut all = SmallVec::new();
    let (Some(states), Some(start), Some(end)) = (&verdict.states, verdict.start, verdict.end)
    else {
        return all;
    };
    let dwells = states.of(side);
    let wait = verdict.time_wait.iter().find(|wait| wait.owner == side);
    let wait = wait.map(|wait| of_time_wait(wait, dwells, end, time_wait));
    let limit = wait.map(|wait| wait.from);
    let mut from = start;
    for (at, dwell) in dwells.iter().enumerate() {
        from = dwell.from.unwrap_or(from);
        let next = dwells.get(at + 1);
        let to = dwell.to.or_else(|| match next {
            Some(next) => Some(next.from.unwrap_or(end)),
            None => over(verdict, dwell.state),
        });
        // Until TIME-WAIT begins the socket is in the state before.
        let is_last = next.is_none_or(|next| next.state == State::TimeWait);
        let to = match limit {
            Some(limit) if is_last => Some(limit),
            Some(limit) => Some(to.map_or(limit, |to| to.min(limit))),
            None => to,
        };
        if dwell.state != State::TimeWait && to.is_none_or(|to| to > from) {
            let state = dwell.state;
            all.push(Span { state, from, to });
        }
        from = to.unwrap_or(end);
    }
    all.extend(wait);
    all
}

/// TIME-WAIT is what the verdict says of it. Where its beginning was not captured the owner's state
/// tells it, and where FINs crossed: the owner waits in CLOSING for the ACK of its own.
fn of_time_wait(wait: &TimeWait, dwells: &[Dwell], end: Time, time_wait: i64) -> Span {
    let find = |state| dwells.iter().find(|dwell| dwell.state == state);
    let by_state = find(State::TimeWait).and_then(|dwell| dwell.from);
    let closing = by_state.filter(|_| find(State::Closing).is_some());
    let from = wait.start.max(closing).or(by_state).unwrap_or(end);
    let expiry = from.plus(time_wait);
    let runs_out = matches!(wait.ended_by, EndedBy::Expiry | EndedBy::CaptureEnd);
    let to = match wait.end {
        Some(end) if runs_out => end.max(expiry),
        Some(end) => end,
        None => expiry,
    };
    Span {
        state: State::TimeWait,
        from,
        to: Some(to),
    }
}

/// When the last state of a flow was over before the end of the capture, though nothing showed it.
fn over(verdict: &Verdict, state: State) -> Option<Time> {
    let (start, end) = (verdict.start?, verdict.end?);
    if verdict.findings.iter().any(|f| f.code == Code::Evicted) {
        // Forgotten: what became of it is not known.
        return Some(end);
    }
    // A SYN is repeated after twice the time (RFC 6298 section 5.5), first after a second; one that is
    // not was given up.
    let given_up = end.plus(end.since(start)).plus(SECOND);
    (verdict.outcome == Outcome::Unanswered && state == State::SynSent).then_some(given_up)
}
