//! The sockets of a moment.

use super::{ends, spans};
use crate::close::verdict::{Confidence, Endpoint, Side, State, Verdict};
use crate::stamp::Time;
use serde::{Deserialize, Serialize};

/// A socket that a host held at some moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Socket {
    /// Version of this format.
    pub schema: u32,
    /// When.
    pub time: Time,
    /// Its state then.
    pub state: State,
    /// The host's end.
    pub local: Endpoint,
    /// The other end.
    pub peer: Endpoint,
    /// The flow it belongs to.
    pub flow: u64,
    /// Since when it is in that state.
    pub since: Time,
    /// How sure that is.
    pub confidence: Confidence,
}

/// The sockets that a flow's sides held at `time`: a step is taken when its segment passed the capture
/// point. Needs the verdict's states; TIME-WAIT lasts `time_wait` nanoseconds.
pub fn sockets_at(
    verdict: &Verdict,
    time: Time,
    time_wait: i64,
) -> impl Iterator<Item = Socket> + '_ {
    let sides = [Side::Client, Side::Server].into_iter();
    sides.filter_map(move |side| {
        let spans = spans(verdict, side, time_wait);
        let mut spans = spans.iter().rev();
        let span = spans.find(|span| span.from <= time && span.to.is_none_or(|to| time < to))?;
        let (local, peer) = ends(verdict, side);
        Some(Socket {
            schema: crate::close::SCHEMA,
            time,
            state: span.state,
            local: *local,
            peer: *peer,
            flow: verdict.flow,
            since: span.from,
            confidence: confidence(verdict, side, span.state),
        })
    })
}

/// A TIME-WAIT has a confidence of its own; what is told of other states rests on the whole verdict.
fn confidence(verdict: &Verdict, side: Side, state: State) -> Confidence {
    let mut waits = verdict.time_wait.iter();
    let wait = waits.find(|wait| wait.owner == side && state == State::TimeWait);
    wait.map_or(verdict.confidence, |wait| wait.confidence)
}
