//! What happened to FINs, the last ACK and TIME-WAIT.

use super::{Found, Founds, as_seconds, seconds, times};
use crate::close::abort::Abort;
use crate::close::case::Case;
use crate::close::last_ack::Detail;
use crate::close::phrase::Sentence;
use crate::close::verdict::{AbortCause, Confidence, EndedBy, FinalAck, Outcome, Side};
use crate::flow::Seen;
use crate::stamp::{SECOND, Stamp};
use serde_json::Value;
use smallvec::smallvec;

pub(in crate::close) fn final_ack_lost(case: &Case) -> Founds {
    let (Some(side), Some(detail)) = (case.last_ack.side, &case.last_ack.detail) else {
        return Founds::new();
    };
    let value = case.last_ack.value;
    if !matches!(value, FinalAck::LostAfter | FinalAck::LostBefore) {
        return Founds::new();
    }
    let confidence = if detail.rtt_known {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    let found = Found::likely(Some(side), case.last_ack.frames(case.facts), "").sure(confidence);
    let found = found.with("seconds", as_seconds(detail.span));
    if !case.facts.context.reasons {
        return smallvec![found];
    }
    smallvec![
        found
            .saying(lost(value, side, detail))
            .with("place", value.name())
            .with("fin_copies", detail.copies as u64)
    ]
}

/// Where the ACK of the side's FIN was lost.
fn lost(value: FinalAck, side: Side, detail: &Detail) -> String {
    let text = Sentence::long("the ACK of the ").side(side);
    let text = text.words("'s FIN was lost ");
    let text = if value == FinalAck::LostAfter {
        text.words("between the capture point and the ").side(side)
    } else {
        let text = text.words("on the ").side(side.peer());
        text.words("'s side of the capture point (or the FIN was)")
    };
    let text = text.words("; the ").side(side).words(" sent its FIN ");
    let text = text.times(detail.copies as u64).words(" over ");
    text.seconds(detail.span).done()
}

pub(in crate::close) fn fin_retransmitted(case: &Case) -> Founds {
    let (Some(side), Some(detail)) = (case.last_ack.side, &case.last_ack.detail) else {
        return Founds::new();
    };
    if !detail.crossed || case.last_ack.value == FinalAck::LostAfter {
        return Founds::new();
    }
    let message = format!("the {side} sent its FIN again while the ACK of it was on its way");
    smallvec![Found::likely(
        Some(side),
        case.last_ack.frames(case.facts),
        message,
    )]
}

pub(in crate::close) fn last_ack_stuck(case: &Case) -> Founds {
    let (Some(side), Some(detail)) = (case.last_ack.side, &case.last_ack.detail) else {
        return Founds::new();
    };
    if case.last_ack.value != FinalAck::Never || detail.owner_gone {
        return Founds::new();
    }
    let copies = case.facts.fin_copies(side);
    stuck(case, side, copies, "LAST-ACK").into_iter().collect()
}

/// A FIN that was sent again and again, and never acknowledged.
fn stuck(case: &Case, side: Side, copies: &[&Seen], state: &str) -> Option<Found> {
    let (first, last) = (copies.first()?, copies.last()?);
    let between = |pair: &[&Seen]| match pair {
        [a, b] => b.at().time.since(a.at().time),
        _ => 0,
    };
    let intervals: Vec<i64> = copies.windows(2).map(between).collect();
    let longest = *intervals.iter().max()?;
    let span = last.at().time.since(first.at().time);
    // The timer doubles (RFC 6298 section 5.5): one that is overdue will not come. A minute is enough
    // in any case: no flow is waited for longer.
    let next = case.facts.flow.next.as_ref().map(|next| next.first.time);
    let end = next.unwrap_or(case.facts.end().time);
    let gave_up = end.since(last.at().time) > (3 * longest).min(60 * SECOND);
    let end = if gave_up { ", and it gave up" } else { "" };
    let message = format!(
        "the {side} sent its FIN {} over {} and never got an ACK: it stayed in {state}{end}",
        times(copies.len() as u64),
        seconds(span)
    );
    let frames = copies.iter().map(|c| c.at().frame);
    let intervals: Vec<Value> = intervals.into_iter().map(as_seconds).collect();
    let found = Found::likely(Some(side), frames, message)
        .with("fin_copies", copies.len() as u64)
        .with("seconds", as_seconds(span))
        .with("intervals_seconds", intervals)
        .with("gave_up", gave_up);
    Some(found)
}

pub(in crate::close) fn fin_wait_1_stuck(case: &Case) -> Founds {
    if case.outcome != Outcome::FinUnacked {
        return Founds::new();
    }
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(|side| stuck(case, side, case.facts.fin_copies(side), "FIN-WAIT-1"))
        .collect()
}

pub(in crate::close) fn owner_gone(case: &Case) -> Founds {
    let (Some(side), Some(detail)) = (case.last_ack.side, &case.last_ack.detail) else {
        return Founds::new();
    };
    if !detail.owner_gone || aborted_before(case, side) {
        return Founds::new();
    }
    let owner = side.peer();
    let message = format!(
        "the {owner} had closed first but kept no socket: the {side}'s FIN was answered by a RST"
    );
    smallvec![Found::likely(
        Some(owner),
        case.last_ack.frames(case.facts),
        message,
    )]
}

/// The RST had passed before the side sent its FIN, or answers its data: that its FIN met no socket
/// is no news.
fn aborted_before(case: &Case, side: Side) -> bool {
    let by_data = |a: &Abort| a.cause == AbortCause::DataAfterClose && a.from == side.peer();
    if case.abort.as_ref().is_some_and(by_data) {
        return true;
    }
    let rst = case.abort.as_ref().and_then(|a| case.resets.get(a.rst));
    let fin = case.facts.fin(side).map(|fin| fin.copies.first);
    rst.zip(fin)
        .is_some_and(|(rst, fin)| rst.seen().at().is_before(fin))
}

pub(in crate::close) fn time_wait_reset(case: &Case) -> Founds {
    let ended = case
        .time_wait
        .iter()
        .filter(|t| t.ended_by == EndedBy::Reset);
    ended
        .map(|entry| {
            let lived = entry
                .end
                .zip(entry.start)
                .map_or(0, |(end, start)| end.since(start));
            let message = format!(
                "a RST ended the {}'s TIME-WAIT after {} (Linux obeys it unless tcp_rfc1337=1)",
                entry.owner,
                seconds(lived)
            );
            Found::likely(
                Some(entry.owner),
                frames_of_resets(case, entry.owner.peer()),
                message,
            )
            .with("seconds", as_seconds(lived))
        })
        .collect()
}

fn frames_of_resets(case: &Case, from: Side) -> Vec<u64> {
    let own = case
        .resets
        .iter()
        .filter(|r| r.from == from)
        .map(|r| r.seen().at().frame);
    let next = case
        .facts
        .flow
        .next
        .as_ref()
        .and_then(|n| n.old_rst)
        .map(|at| at.frame);
    own.chain(next).collect()
}

pub(in crate::close) fn half_close_used(case: &Case) -> Founds {
    let refused = |a: &Abort| a.cause == AbortCause::DataAfterClose;
    if case.abort.as_ref().is_some_and(refused) {
        return Founds::new(); // the other side had closed for good
    }
    let used = |side: Side| {
        let sent = case.facts.half(side).rare.as_ref()?.after_peer_fin?;
        let frames = [sent.first.frame, sent.last.frame];
        let found = Found::likely(Some(side), frames, "");
        if !case.facts.context.reasons {
            return Some(found);
        }
        let text = Sentence::new("the ").side(side).words(" sent ");
        let text = text.number(sent.bytes);
        let text = text.words(" more bytes after it had received the ");
        let message = text.side(side.peer()).words("'s FIN").done();
        Some(found.saying(message).with("bytes", sent.bytes))
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(used)
        .collect()
}

pub(in crate::close) fn close_wait_leak(case: &Case) -> Founds {
    if case.outcome != Outcome::HalfClosed || case.hidden_fin() {
        return Founds::new();
    }
    let leak = |side: Side| {
        let acked = case.facts.fin_acked(side.peer())?;
        let fin = case.facts.fin(side.peer())?.copies.first;
        let dwell = case.facts.end().time.since(fin.time);
        let silent = silent_since(case, side, fin).time;
        if case.facts.end().time.since(silent) < case.facts.context.close_wait {
            return None;
        }
        let message = format!(
            "the {side} received the {}'s FIN {} ago and has not closed: still so at the end of \
             the capture",
            side.peer(),
            seconds(dwell)
        );
        let fin_wait_2 = case.facts.end().time.since(acked.time);
        Some(
            Found::likely(Some(side), [fin.frame, acked.frame], message)
                .with("seconds", as_seconds(dwell))
                .with("fin_wait_2_seconds", as_seconds(fin_wait_2))
                .with("still_open", true),
        )
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(leak)
        .collect()
}

/// Since when a side of which the peer's FIN is known says nothing: it may go on sending on purpose.
fn silent_since(case: &Case, side: Side, fin: Stamp) -> Stamp {
    let rare = case.facts.half(side).rare.as_ref();
    let sent = rare.and_then(|rare| rare.after_peer_fin);
    sent.map_or(fin, |sent| sent.last)
}

/// From the peer's FIN to the side's own, where the side was silent for as long as the threshold.
pub(in crate::close) fn close_wait_dwell(case: &Case, side: Side) -> Option<i64> {
    if case.closer.includes(side) {
        return None;
    }
    let facts = case.facts;
    let (mine, peers) = (facts.fin(side)?, facts.fin(side.peer())?);
    let (own, received) = (mine.copies.first, peers.copies.first);
    let silent = own.time.since(silent_since(case, side, received).time);
    let slow = silent >= facts.context.close_wait;
    slow.then(|| own.time.since(received.time))
}

pub(in crate::close) fn slow_close(case: &Case) -> Founds {
    let slow = |side: Side| {
        let dwell = close_wait_dwell(case, side)?;
        let (facts, peer) = (case.facts, side.peer());
        let fins = [peer, side].map(|s| facts.fin(s).map(|fin| fin.copies.first));
        let frames = fins.iter().flatten().map(|at| at.frame);
        let found = Found::likely(Some(side), frames, "").with("seconds", as_seconds(dwell));
        if !facts.context.reasons {
            return Some(found);
        }
        let found = found.saying(format!(
            "the {side} closed {} after it had received the {peer}'s FIN: so long it was in \
             CLOSE-WAIT, and the {peer} in FIN-WAIT-2",
            seconds(dwell)
        ));
        let [_, closed] = fins;
        let fin_wait_2 = closed
            .zip(facts.fin_acked(peer))
            .map(|(closed, acked)| closed.time.since(acked.time));
        Some(match fin_wait_2 {
            Some(ns) => found.with("fin_wait_2_seconds", as_seconds(ns)),
            None => found,
        })
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(slow)
        .collect()
}
