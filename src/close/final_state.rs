//! Both sides' RFC 9293 states at the end of the capture, derived from the facts.
//!
//! A step caused by a segment is taken when that segment passed the capture point, and undone if
//! its receiver later shows otherwise.

use crate::close::case::Case;
use crate::close::verdict::{EndedBy, FinalAck, Outcome, PerSide, Side, State};

/// The states at the end of the capture.
pub(super) fn final_states(case: &Case) -> PerSide<State> {
    let next = case.facts.flow.next.as_ref();
    if next.is_some_and(|n| n.syn.is_some() && n.syn_ack.is_some()) {
        // A handshake on the same ends: neither holds a socket of the old connection.
        return PerSide {
            client: State::Closed,
            server: State::Closed,
        };
    }
    let (client, server) = match case.outcome {
        Outcome::Refused | Outcome::Aborted | Outcome::AbortedAfterFin => {
            (State::Closed, State::Closed)
        }
        Outcome::Unanswered => (State::SynSent, State::Unknown),
        Outcome::HandshakeIncomplete => (State::SynSent, State::SynReceived),
        Outcome::Open => (State::Established, State::Established),
        Outcome::Graceful | Outcome::Simultaneous | Outcome::FinalAckMissing => {
            (closed(case, Side::Client), closed(case, Side::Server))
        }
        Outcome::HalfClosed | Outcome::FinUnacked | Outcome::Indeterminate => {
            (by_fins(case, Side::Client), by_fins(case, Side::Server))
        }
    };
    PerSide { client, server }
}

/// Both FINs are shown.
fn closed(case: &Case, side: Side) -> State {
    if let Some(entry) = case.time_wait.iter().find(|t| t.owner == side) {
        let running = entry.ended_by == EndedBy::CaptureEnd;
        return if running {
            State::TimeWait
        } else {
            State::Closed
        };
    }
    let acked = case.facts.fin_was_acked(side).is_some();
    if case.closer.includes(side) {
        return if acked { State::Closed } else { State::Closing };
    }
    if !acked || repeated_after_the_ack(case, side) && !is_gone(case, side.peer()) {
        State::LastAck
    } else {
        State::Closed
    }
}

/// The side answered the last FIN with a RST, since it had no TIME-WAIT any more: that ends its peer's
/// LAST-ACK.
fn is_gone(case: &Case, side: Side) -> bool {
    let mut waits = case.time_wait.iter();
    waits.any(|wait| wait.owner == side && wait.ended_by == EndedBy::Gone)
}

/// The side sent its FIN once more after the last ACK had passed: it did not get it.
fn repeated_after_the_ack(case: &Case, side: Side) -> bool {
    let facts = &case.facts;
    let not_received =
        case.last_ack.side == Some(side) && case.last_ack.value == FinalAck::LostAfter;
    if !not_received {
        return false;
    }
    let Some(last) = facts.fin_copies(side).last().map(|c| c.at()) else {
        return false;
    };
    !facts.acks_of_fin(side).any(|s| last.is_before(s.at()))
}

/// At most one FIN is shown.
fn by_fins(case: &Case, side: Side) -> State {
    let facts = &case.facts;
    let received = facts.fin(side.peer()).is_some() && facts.fin_was_acked(side.peer()).is_some();
    match (facts.fin(side).is_some(), received) {
        (true, _) if facts.fin_was_acked(side).is_some() => State::FinWait2,
        // Whether the peer had closed before is in the other direction.
        (true, _) if facts.one_direction() => State::Unknown,
        (true, _) => State::FinWait1,
        (false, true) => State::CloseWait,
        (false, false) if facts.half(side).spoke => State::Established,
        (false, false) if case.outcome != Outcome::Indeterminate => State::Established,
        (false, false) => State::Unknown,
    }
}
