//! Defects of the capture, told apart from events of the network.

use super::{Found, Founds};
use crate::close::case::Case;
use crate::close::verdict::{Confidence, FinalAck, RolesFrom, Side};
use crate::flow::Copies;
use crate::stamp::{MILLISECOND, SECOND};
use smallvec::smallvec;

/// A step back of the clock by so much is no reordering: queues are emptied within milliseconds.
const CLOCK_STEP: i64 = 100 * MILLISECOND;
/// A flow of which nothing was seen for so long before the end of the capture did not end with it.
const NEAR_END: i64 = 3 * SECOND;

pub(in crate::close) fn duplicates(case: &Case) -> Founds {
    let Some(copies) = case.facts.flow.odd().and_then(|odd| odd.duplicates) else {
        return Founds::new();
    };
    let message = format!("{} records of this flow were there twice", copies.count);
    let found = Found::likely(None, [copies.first.frame], message);
    smallvec![found.with("count", copies.count)]
}

pub(in crate::close) fn reordered(case: &Case) -> Founds {
    let Some((copies, step)) = out_of_order(case).filter(|&(_, step)| step < CLOCK_STEP) else {
        return Founds::new();
    };
    let message = format!(
        "{} records of this flow stand after later ones",
        copies.count
    );
    let found = Found::likely(None, [copies.first.frame], message);
    smallvec![found.with("count", copies.count).with("nanoseconds", step)]
}

pub(in crate::close) fn clock_step(case: &Case) -> Founds {
    let Some((copies, step)) = out_of_order(case).filter(|&(_, step)| step >= CLOCK_STEP) else {
        return Founds::new();
    };
    let (step, frame) = (super::seconds(step), copies.first.frame);
    let message = if case.facts.context.clocks_differ {
        format!(
            "the clocks of the capture's interfaces differ by up to {step} (frame {frame}): \
             durations cannot be trusted"
        )
    } else {
        format!(
            "the capture's clock went back by {step} at frame {frame}: durations cannot be trusted"
        )
    };
    let found = Found::likely(None, [copies.first.frame], message);
    smallvec![found.with("nanoseconds", step)]
}

/// Records that stand behind later ones, and the largest step back of their times.
fn out_of_order(case: &Case) -> Option<(Copies, i64)> {
    let odd = case.facts.flow.odd()?;
    Some((odd.reordered?, odd.step_back))
}

pub(in crate::close) fn gap(case: &Case) -> Founds {
    let facts = &case.facts;
    let hidden = [Side::Client, Side::Server]
        .into_iter()
        .filter(|&s| facts.possible_fin(s));
    let mut all: Founds = hidden
        .map(|side| {
            let message = format!(
                "one number at the end of the {side}'s data is missing and counted as sent: a FIN \
                 may not have been captured"
            );
            Found::likely(Some(side), [], message).sure(Confidence::Possible)
        })
        .collect();
    if let (FinalAck::Unseen, Some(side)) = (case.last_ack.value, case.last_ack.side) {
        let message = format!(
            "no ACK of the {side}'s FIN was captured, and yet the {side} did not send it again: \
             the ACK was sent, most likely"
        );
        let frames = case.last_ack.frames(case.facts);
        all.push(Found::likely(Some(side), frames, message));
    }
    all
}

/// Bytes that were acknowledged and never seen.
pub(in crate::close) fn drops(case: &Case) -> Founds {
    let facts = &case.facts;
    if facts.one_direction() {
        return Founds::new();
    }
    let dropped = |side: Side| {
        let numbers = facts.half(side).numbers.as_ref()?;
        let ack = facts.half(side.peer()).ack?;
        let holes: u32 = numbers
            .holes()
            .iter()
            .filter(|(_, to)| to.at_or_before(ack))
            .map(|(from, to)| to.distance(*from))
            .fold(0, u32::saturating_add);
        let beyond = ack.since(numbers.next).max(0).unsigned_abs();
        let missing = holes.saturating_add(beyond);
        if missing == 0 || (missing == 1 && facts.possible_fin(side)) {
            return None;
        }
        let message = format!(
            "{missing} bytes of the {side} were acknowledged and never seen: the capture dropped \
             records"
        );
        Some(Found::likely(Some(side), [], message).with("bytes", missing))
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(dropped)
        .collect()
}

pub(in crate::close) fn one_direction(case: &Case) -> Founds {
    let facts = &case.facts;
    if !facts.one_direction() || facts.is_syn_series() {
        return Founds::new();
    }
    let seen = if facts.half(Side::Client).packets > 0 {
        Side::Client
    } else {
        Side::Server
    };
    let message = format!("only segments of the {seen} were captured");
    smallvec![Found::likely(Some(seen), [facts.flow.first.frame], message,)]
}

pub(in crate::close) fn starts_inside(case: &Case) -> Founds {
    let facts = &case.facts;
    let opened = [Side::Client, Side::Server]
        .iter()
        .any(|&s| facts.half(s).opening.is_some());
    if opened {
        return Founds::new();
    }
    let message = "the capture begins inside the connection: no handshake was seen";
    smallvec![Found::likely(None, [facts.flow.first.frame], message)]
}

/// The flow was not over, and the capture ended soon after its last segment.
fn unfinished(case: &Case) -> bool {
    let may_end = !case.outcome.is_over() && !case.facts.context.evicted;
    may_end && case.facts.end().time.since(case.facts.flow.last.time) < NEAR_END
}

pub(in crate::close) fn ends_inside(case: &Case) -> Founds {
    if !unfinished(case) {
        return Founds::new();
    }
    let message = "the capture ends inside the connection";
    smallvec![Found::likely(None, [case.facts.flow.last.frame], message,)]
}

pub(in crate::close) fn snaplen(case: &Case) -> Founds {
    let cut = case
        .facts
        .flow
        .half
        .iter()
        .filter_map(|h| h.rare.as_ref()?.cut)
        .min_by_key(|at| at.frame);
    let Some(at) = cut else { return Founds::new() };
    let message = "TCP headers were cut: timestamps and other options may be missing";
    smallvec![Found::likely(None, [at.frame], message).sure(Confidence::Certain)]
}

pub(in crate::close) fn cut(case: &Case) -> Founds {
    if !case.facts.context.cut || !unfinished(case) {
        return Founds::new();
    }
    let message = "the capture's last record is cut: what followed is unknown";
    smallvec![Found::likely(None, [case.facts.end().frame], message).sure(Confidence::Certain)]
}

pub(in crate::close) fn evicted(case: &Case) -> Founds {
    if !case.facts.context.evicted {
        return Founds::new();
    }
    let last = case.facts.flow.last.frame;
    let message = format!(
        "too many flows were open at once: what followed frame {last} of this one was not looked at"
    );
    smallvec![Found::likely(None, [last], message).sure(Confidence::Certain)]
}

/// Bytes of the capture were skipped before the flow was over.
pub(in crate::close) fn damaged(case: &Case) -> Founds {
    let Some([first, last]) = case.facts.context.torn else {
        return Founds::new();
    };
    let flow = case.facts.flow;
    let over_before = case.outcome.is_over() && flow.last.frame < first;
    let begun_after = flow.first.frame >= last && case.facts.roles_from == RolesFrom::Syn;
    if over_before || begun_after {
        return Founds::new();
    }
    let message = format!(
        "the capture cannot be read at frame {first}: records of this flow may be missing there"
    );
    smallvec![Found::likely(None, [], message).sure(Confidence::Possible)]
}
