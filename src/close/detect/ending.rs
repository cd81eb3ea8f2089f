//! What happened to FINs, the last ACK and TIME-WAIT.

use super::{Found, as_seconds, seconds, times};
use crate::close::abort::Abort;
use crate::close::case::Case;
use crate::close::phrase::Sentence;
use crate::close::verdict::{AbortCause, Confidence, EndedBy, FinalAck, Outcome, Side};
use crate::seq::TsVal;
use crate::stamp::SECOND;

/// A side that stays in CLOSE-WAIT for so long has forgotten to close.
const LEAK: i64 = 5 * SECOND;

pub(in crate::close) fn final_ack_lost(case: &Case) -> Vec<Found> {
    let (Some(side), Some(detail)) = (case.last_ack.side, &case.last_ack.detail) else {
        return Vec::new();
    };
    let text = Sentence::new("the ACK of the ").side(side);
    let text = text.words("'s FIN was lost ");
    let text = match case.last_ack.value {
        FinalAck::LostAfter => text.words("between the capture point and the ").side(side),
        FinalAck::LostBefore => {
            let text = text.words("on the ").side(side.peer());
            text.words("'s side of the capture point (or the FIN was)")
        }
        _ => return Vec::new(),
    };
    let text = text.words("; the ").side(side).words(" sent its FIN ");
    let text = text.times(detail.copies as u64).words(" over ");
    let message = text.seconds(detail.span).done();
    let confidence = if detail.rtt_known {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    let found =
        Found::likely(Some(side), case.last_ack.frames(case.facts), message).sure(confidence);
    vec![
        found
            .with("place", case.last_ack.value.name())
            .with("fin_copies", detail.copies as u64)
            .with("seconds", as_seconds(detail.span)),
    ]
}

pub(in crate::close) fn fin_retransmitted(case: &Case) -> Vec<Found> {
    let (Some(side), Some(detail)) = (case.last_ack.side, &case.last_ack.detail) else {
        return Vec::new();
    };
    if !detail.crossed || case.last_ack.value == FinalAck::LostAfter {
        return Vec::new();
    }
    let message = format!("the {side} sent its FIN again while the ACK of it was on its way");
    vec![Found::likely(
        Some(side),
        case.last_ack.frames(case.facts),
        message,
    )]
}

pub(in crate::close) fn last_ack_stuck(case: &Case) -> Vec<Found> {
    let (Some(side), Some(detail)) = (case.last_ack.side, &case.last_ack.detail) else {
        return Vec::new();
    };
    if case.last_ack.value != FinalAck::Never || detail.owner_gone {
        return Vec::new();
    }
    let message = format!(
        "the {side} sent its FIN {} over {} and never got an ACK: it stayed in LAST-ACK",
        times(detail.copies as u64),
        seconds(detail.span)
    );
    vec![
        Found::likely(Some(side), case.last_ack.frames(case.facts), message)
            .with("fin_copies", detail.copies as u64)
            .with("seconds", as_seconds(detail.span)),
    ]
}

pub(in crate::close) fn fin_wait_1_stuck(case: &Case) -> Vec<Found> {
    if case.outcome != Outcome::FinUnacked {
        return Vec::new();
    }
    let stuck = |side: Side| {
        let copies = case.facts.fin_copies(side);
        let (first, last) = (copies.first()?, copies.last()?);
        let span = last.at().time.since(first.at().time);
        let frames = copies.iter().map(|c| c.at().frame).collect();
        let message = format!(
            "the {side} sent its FIN {} over {} and never got an ACK: it stayed in FIN-WAIT-1",
            times(copies.len() as u64),
            seconds(span)
        );
        let found = Found::likely(Some(side), frames, message)
            .with("fin_copies", copies.len() as u64)
            .with("seconds", as_seconds(span));
        (copies.len() > 1).then_some(found)
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(stuck)
        .collect()
}

pub(in crate::close) fn owner_gone(case: &Case) -> Vec<Found> {
    let (Some(side), Some(detail)) = (case.last_ack.side, &case.last_ack.detail) else {
        return Vec::new();
    };
    if !detail.owner_gone {
        return Vec::new();
    }
    let owner = side.peer();
    let message = format!(
        "the {owner} had closed first but kept no socket: the {side}'s FIN was answered by a RST"
    );
    vec![Found::likely(
        Some(owner),
        case.last_ack.frames(case.facts),
        message,
    )]
}

pub(in crate::close) fn time_wait_reset(case: &Case) -> Vec<Found> {
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

pub(in crate::close) fn time_wait_reused(case: &Case) -> Vec<Found> {
    let ended = case
        .time_wait
        .iter()
        .filter(|t| t.ended_by == EndedBy::Reused);
    ended
        .filter_map(|entry| reused(case, entry.owner, entry.start))
        .collect()
}

fn reused(case: &Case, owner: Side, start: Option<crate::stamp::Time>) -> Option<Found> {
    let facts = &case.facts;
    let next = facts.flow.next.as_ref()?;
    let (syn, opener) = (next.syn?, facts.side(next.opener?));
    let half = facts.half(opener);
    let higher_isn = half.next().is_some_and(|end| syn.isn.after(end));
    let newer = syn
        .tsval
        .zip(half.tsval)
        .is_some_and(|(new, (old, _))| new.after(old));
    let by_owner = opener == owner && syn.tsecr.is_some_and(|e| e != TsVal(0));
    let test = match (by_owner, newer, higher_isn) {
        (true, _, _) => {
            "the owner took its own port again (tcp_tw_reuse: its SYN's TSecr is not 0)"
        }
        (_, true, _) => "its TSval is newer (RFC 6191)",
        (_, _, true) => "its ISN is higher (RFC 9293 section 3.10.7.4)",
        _ => "neither its TSval nor its ISN is higher",
    };
    let after = start.map_or(0, |start| syn.at.time.since(start));
    let message = format!(
        "a new connection took the place of the {owner}'s TIME-WAIT after {}: {test}",
        seconds(after)
    );
    let frames = std::iter::once(syn.at.frame)
        .chain(next.syn_ack.map(|s| s.frame))
        .collect();
    Some(
        Found::likely(Some(owner), frames, message)
            .with("seconds", as_seconds(after))
            .with("next_flow", next.flow)
            .with("tcp_tw_reuse", by_owner)
            .with("newer_tsval", newer)
            .with("higher_isn", higher_isn),
    )
}

pub(in crate::close) fn half_close_used(case: &Case) -> Vec<Found> {
    let refused = |a: &Abort| a.cause == AbortCause::DataAfterClose;
    if case.abort.as_ref().is_some_and(refused) {
        return Vec::new(); // the other side had closed for good
    }
    let used = |side: Side| {
        let sent = case.facts.half(side).rare.as_ref()?.after_peer_fin?;
        let peer = side.peer();
        let text = Sentence::new("the ").side(side).words(" sent ");
        let text = text.number(sent.bytes);
        let text = text.words(" more bytes after it had received the ");
        let message = text.side(peer).words("'s FIN").done();
        let frames = vec![sent.first.frame, sent.last.frame];
        Some(Found::likely(Some(side), frames, message).with("bytes", sent.bytes))
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(used)
        .collect()
}

pub(in crate::close) fn close_wait_leak(case: &Case) -> Vec<Found> {
    if case.outcome != Outcome::HalfClosed || case.hidden_fin() {
        return Vec::new();
    }
    let leak = |side: Side| {
        let acked = case.facts.fin_acked(side.peer())?;
        let dwell = case.facts.end().time.since(acked.time);
        let message = format!(
            "the {side} has known of the {}'s FIN for {} and has not closed: still so at the end \
             of the capture",
            side.peer(),
            seconds(dwell)
        );
        let fin = case.facts.fin(side.peer())?.copies.first.frame;
        let found = Found::likely(Some(side), vec![fin, acked.frame], message)
            .with("seconds", as_seconds(dwell));
        (dwell >= LEAK).then_some(found)
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(leak)
        .collect()
}
