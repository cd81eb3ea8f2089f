//! What the connection before on the same addresses and ports had to do with this one.

use super::{Found, as_seconds, seconds, times};
use crate::close::case::Case;
use crate::close::verdict::Side;
use crate::flow::Seen;

pub(in crate::close) fn old_duplicate_syn(case: &Case) -> Vec<Found> {
    let Some(old) = case.facts.flow.odd().and_then(|odd| odd.old_syn) else {
        return Vec::new();
    };
    let side = case.facts.side(old.from);
    let message = format!("a SYN of another connection of the {side} reached this one");
    let frames = vec![old.copies.first.frame];
    vec![Found::likely(Some(side), frames, message).with("count", old.copies.count)]
}

pub(in crate::close) fn old_duplicate_segment(case: &Case) -> Vec<Found> {
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(|side| late(case, side))
        .collect()
}

/// Segments that came after the connection was over: after a newer one had begun, or payload that
/// had been acknowledged, after the FIN that followed it was.
fn late(case: &Case, side: Side) -> Option<Found> {
    let facts = &case.facts;
    let half = facts.half(side);
    if let Some(copies) = half.rare.as_ref().and_then(|rare| rare.late) {
        let message = format!(
            "segments of the {side} arrived {} after a newer connection had begun on the same \
             addresses and ports",
            times(copies.count)
        );
        let frames = vec![copies.first.frame];
        return Some(Found::likely(Some(side), frames, message).with("count", copies.count));
    }
    let (fin, acked) = (facts.fin(side)?, facts.fin_acked(side)?);
    let is_late = |s: &&Seen| {
        !s.is_empty() && acked.is_before(s.at()) && !s.flags.fin() && s.end().at_or_before(fin.seq)
    };
    let first = facts.sent_by(side).find(is_late)?;
    let message = format!("a copy of the {side}'s data arrived after its FIN was acknowledged");
    Some(Found::likely(Some(side), vec![first.at().frame], message))
}

pub(in crate::close) fn time_wait_syn_rejected(case: &Case) -> Vec<Found> {
    let flow = case.facts.flow;
    let Some((acks, _)) = flow.old_ack() else {
        return Vec::new();
    };
    let syn = case
        .facts
        .half(Side::Client)
        .opening
        .as_ref()
        .map(|o| o.copies.first);
    let lost = case
        .facts
        .half(Side::Server)
        .opening
        .as_ref()
        .zip(syn)
        .map(|(answer, syn)| answer.copies.first.time.since(syn.time));
    let cost = match lost {
        Some(ns) => format!("; the SYN-ACK came {} after the first SYN", seconds(ns)),
        None => "; no SYN-ACK came".to_owned(),
    };
    let reset = if flow.old_rst().is_some() {
        ", which the client reset"
    } else {
        ""
    };
    let message = format!(
        "the SYN met an older connection on the same addresses and ports (TIME-WAIT or LAST-ACK) \
         and was answered with its ACK{reset}{cost}"
    );
    let frames = [syn, Some(acks.first), flow.old_rst().map(|r| r.first)];
    let frames = frames.into_iter().flatten().map(|at| at.frame).collect();
    let found = Found::likely(Some(Side::Server), frames, message).with("acks", acks.count);
    vec![match lost {
        Some(ns) => found.with("seconds", as_seconds(ns)),
        None => found,
    }]
}

/// A SYN within the older connection's TIME-WAIT that passes neither test of RFC 6191, and was
/// taken all the same.
pub(in crate::close) fn port_reused_too_soon(case: &Case) -> Vec<Found> {
    let facts = &case.facts;
    let Some(previous) = facts.flow.previous.as_ref() else {
        return Vec::new();
    };
    let taken = facts
        .half(Side::Server)
        .opening
        .as_ref()
        .is_some_and(|o| o.ack);
    let client = facts.half(Side::Client);
    let (Some(opening), Some(isn)) = (client.opening.as_ref().filter(|o| !o.ack), client.isn)
    else {
        return Vec::new();
    };
    let since = opening.copies.first.time.since(previous.last.time);
    let closed = previous.fins == [true, true] && since < facts.context.time_wait;
    if !taken || !closed || facts.flow.old_ack().is_some() {
        return Vec::new();
    }
    let higher = facts
        .of(previous.next, Side::Client)
        .is_none_or(|next| isn.after(next));
    let old = facts.of(previous.tsval, Side::Client);
    let newer = opening
        .tsval
        .zip(old)
        .is_some_and(|(new, (old, _))| new.after(old));
    if higher || newer {
        return Vec::new();
    }
    let message = format!(
        "the client took the port again {} after flow {} with neither a higher ISN nor a newer \
         TSval, within TIME-WAIT (RFC 6191)",
        seconds(since),
        previous.flow
    );
    let frames = vec![previous.last.frame, opening.copies.first.frame];
    vec![Found::likely(Some(Side::Client), frames, message).with("seconds", as_seconds(since))]
}
