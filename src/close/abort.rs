//! Aborts: which RST ended the flow, who sent it, why, and how sure that is.

use crate::close::facts::{Facts, SLACK};
use crate::close::reset::{Answered, Rst};
use crate::close::verdict::{AbortCause, AbortedBy, Confidence, RstFate, RstFit, RstForm, Side};
use crate::flow::Seen;
use crate::stamp::SECOND;

/// An effective RST and its reading.
#[derive(Clone, Debug)]
pub(super) struct Abort {
    pub(super) by: AbortedBy,
    pub(super) confidence: Confidence,
    pub(super) cause: AbortCause,
    pub(super) cause_confidence: Confidence,
    pub(super) alternatives: &'static [AbortCause],
    /// Index of the RST among the flow's.
    pub(super) rst: usize,
    /// The side whose address the RST bears.
    pub(super) from: Side,
    /// The RST's ACK covers the peer's FIN.
    pub(super) covers_fin: bool,
}

/// The abort that the RSTs amount to, if any of them ended the flow.
// Not in line: most flows have no RST, and the judgement needs the registers.
#[inline(never)]
pub(super) fn abort(facts: &Facts, resets: &[Rst]) -> Option<Abort> {
    let first = resets.iter().position(|r| r.fate == RstFate::Effective)?;
    let from = resets.get(first)?.from;
    // A side's several RSTs are one: the first active one speaks for it.
    let own = |(_, r): &(usize, &Rst)| r.from == from && r.form == RstForm::Active;
    let speaker = resets
        .iter()
        .enumerate()
        .find(|x| own(x) && resets.get(first).is_some_and(|f| f.signs.count() < 2))
        .map_or(first, |(i, _)| i);
    let rst = resets.get(speaker)?;
    let both = both_sides(facts, resets, rst);
    let foreign = rst.signs.count() >= 2 || forged_both_ways(facts, resets, rst);
    let by = if foreign {
        AbortedBy::Middlebox
    } else if both {
        AbortedBy::Both
    } else {
        side(from)
    };
    let (cause, cause_confidence, alternatives) = cause(facts, rst, foreign);
    let fin = facts.fin(from.peer());
    Some(Abort {
        by,
        confidence: confidence(facts, rst, other_aborts(resets, rst)),
        cause,
        cause_confidence,
        alternatives,
        rst: speaker,
        from,
        covers_fin: fin.is_some_and(|f| rst.seen().acks(f.seq.plus(1))),
    })
}

/// A RST in each side's name, less than a round trip apart, both with a TTL that is not that side's:
/// two RSTs of one device are two signs.
fn forged_both_ways(facts: &Facts, resets: &[Rst], rst: &Rst) -> bool {
    let rtt = |side| facts.half(side).rtt.unwrap_or(0);
    let longest = rtt(Side::Client).max(rtt(Side::Server)) + SLACK;
    let other = |r: &&Rst| {
        let apart = r.seen().at().time.since(rst.seen().at().time).abs();
        r.from != rst.from && r.signs.ttl && apart < longest
    };
    rst.signs.ttl && resets.iter().any(|r| other(&r))
}

/// Each side sent an active RST before it could have received the other's.
fn both_sides(facts: &Facts, resets: &[Rst], rst: &Rst) -> bool {
    if rst.form != RstForm::Active {
        return false;
    }
    let rtt = facts.half(rst.from.peer()).rtt;
    let crossed = |r: &&Rst| {
        let apart = r.seen().at().time.since(rst.seen().at().time).abs();
        r.from != rst.from
            && r.form == RstForm::Active
            && r.fate == RstFate::Effective
            && r.signs.count() < 2
            && rtt.is_some_and(|rtt| apart < rtt)
    };
    resets.iter().any(|r| crossed(&r))
}

const fn side(side: Side) -> AbortedBy {
    match side {
        Side::Client => AbortedBy::Client,
        Side::Server => AbortedBy::Server,
    }
}

/// The other side sent an active RST as well, so it had not received this one, whenever it came.
fn other_aborts(resets: &[Rst], rst: &Rst) -> bool {
    resets
        .iter()
        .any(|r| r.from != rst.from && r.form == RstForm::Active)
}

/// Certain only where nothing else fits: section by section of the conditions.
fn confidence(facts: &Facts, rst: &Rst, other_aborts: bool) -> Confidence {
    if refuses(facts, rst) {
        return Confidence::Certain;
    }
    let signs = rst.signs.count();
    if rst.fit != RstFit::Exact || signs == 1 {
        return Confidence::Possible;
    }
    let sure = rst.form == RstForm::Active
        && rst.seen().flags.ack()
        && signs == 0
        && !other_aborts
        && numbers_fit(facts, rst)
        && looks_like_its_sender(facts, rst)
        && no_fin_before(facts)
        && nothing_follows(facts, rst);
    if sure {
        Confidence::Certain
    } else {
        Confidence::Likely
    }
}

/// The answer of a closed port to a captured SYN: R+ACK, SEQ 0, ACK = ISN + 1 + SEG.LEN
/// (RFC 9293 section 3.10.7.1), and nothing else of that side.
fn refuses(facts: &Facts, rst: &Rst) -> bool {
    let (seen, half) = (rst.seen(), facts.half(rst.from));
    let syn_end = facts
        .half(rst.from.peer())
        .opening
        .as_ref()
        .filter(|o| !o.ack)
        .map(|o| o.end);
    seen.flags.ack()
        && seen.seq.0 == 0
        && Some(seen.ack) == syn_end
        && half.packets == u64::from(half.rsts)
        && facts.flow.is_syn_only()
}

/// SEQ is the highest number seen of its sender, without a hole; the ACK is possible and leaves
/// no hole of the peer below it.
fn numbers_fit(facts: &Facts, rst: &Rst) -> bool {
    let (seen, mine, peer) = (
        rst.seen(),
        facts.half(rst.from),
        facts.half(rst.from.peer()),
    );
    let (Some(next), Some(peer_next)) = (mine.next(), peer.next()) else {
        return false;
    };
    next == seen.seq
        && mine.whole_below(seen.seq)
        && seen.ack.at_or_before(peer_next)
        && mine.ack.is_none_or(|ack| seen.ack.at_or_after(ack))
        && peer.whole_below(seen.ack)
}

/// A side whose FIN is not shown had not sent it before the capture began: it opened the connection
/// or still sent payload.
fn no_fin_before(facts: &Facts) -> bool {
    [Side::Client, Side::Server].into_iter().all(|side| {
        let half = facts.half(side);
        half.fin.is_some() || half.opening.is_some() || half.payload > 0
    })
}

/// TTL, timestamps and IPv4 ID are those of its sender.
fn looks_like_its_sender(facts: &Facts, rst: &Rst) -> bool {
    let (seen, mine) = (rst.seen(), facts.half(rst.from));
    let ttl = mine
        .ttl
        .is_some_and(|(low, high)| (low..=high).contains(&seen.ttl));
    let timestamps = mine.tsval.is_none() || seen.timestamps().is_some();
    let before = &rst.reset.before;
    let id = before.next_id.is_none_or(|next| seen.ip_id() == Some(next)) || before.fresh_ids;
    ttl && timestamps && id
}

/// Neither side sends anything that it could have sent only after the RST.
fn nothing_follows(facts: &Facts, rst: &Rst) -> bool {
    let peer = rst.from.peer();
    let rtt = facts.half(peer).rtt.unwrap_or(0) + SLACK;
    let seen = rst.seen();
    let follows = |s: &Seen| seen.at().is_before(s.at()) && !s.flags.rst();
    !facts.sent_by(rst.from).any(follows)
        && !facts
            .sent_by(peer)
            .any(|s| follows(s) && s.at().time.since(seen.at().time) > rtt)
}

type Reading = (AbortCause, Confidence, &'static [AbortCause]);

fn cause(facts: &Facts, rst: &Rst, foreign: bool) -> Reading {
    if foreign {
        let other = &[AbortCause::NoConnection];
        return (AbortCause::Injected, Confidence::Likely, other);
    }
    if rst.signs.count() == 1 {
        let other = &[AbortCause::Injected];
        return (AbortCause::Unknown, Confidence::Possible, other);
    }
    match rst.form {
        RstForm::Reply => cause_of_reply(facts, rst),
        RstForm::Active => cause_of_active(facts, rst),
    }
}

fn cause_of_reply(facts: &Facts, rst: &Rst) -> Reading {
    let closed = facts
        .fin(rst.from)
        .filter(|f| f.copies.first.is_before(rst.seen().at()));
    let Some(trigger) = rst.trigger else {
        let alternatives = &[AbortCause::NoConnection, AbortCause::Injected];
        return (AbortCause::Unknown, Confidence::Possible, alternatives);
    };
    let half = facts.half(rst.from);
    let only_opened = rst.from == Side::Server && half.opening.is_some() && !half.spoke;
    match trigger.what {
        Answered::Syn => (AbortCause::Refused, Confidence::Likely, &[]),
        Answered::SynAck => (AbortCause::HandshakeRejected, Confidence::Likely, &[]),
        _ if only_opened && closed.is_none() => (
            AbortCause::HandshakeRejected,
            Confidence::Likely,
            &[AbortCause::NoConnection],
        ),
        Answered::Payload if closed.is_some() => {
            (AbortCause::DataAfterClose, Confidence::Likely, &[])
        }
        Answered::FinAgain if closed.is_some() => {
            (AbortCause::TimeWaitGone, Confidence::Likely, &[])
        }
        Answered::Fin if closed.is_some() => expired(facts, rst),
        Answered::Ack if closed.is_some_and(|f| trigger.seen.acks(f.seq.plus(1))) => (
            AbortCause::AppAbort,
            Confidence::Likely,
            &[AbortCause::NoConnection],
        ),
        _ => (AbortCause::NoConnection, Confidence::Likely, &[]),
    }
}

/// The peer's first FIN met no socket: how long the sender had been in FIN-WAIT-2 tells how sure
/// it is that the timer ended it.
fn expired(facts: &Facts, rst: &Rst) -> Reading {
    let since = facts
        .fin_acked(rst.from)
        .map(|acked| rst.seen().at().time.since(acked.time));
    let long = since.is_some_and(|ns| ns >= SECOND);
    let confidence = if long {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    (AbortCause::FinWait2Expired, confidence, &[])
}

fn cause_of_active(facts: &Facts, rst: &Rst) -> Reading {
    let before = &rst.reset.before;
    if !rst.seen().flags.ack() && facts.fin(rst.from).is_some() && has_unanswered(facts, rst) {
        return (
            AbortCause::DataAfterClose,
            Confidence::Likely,
            &[AbortCause::AppAbort],
        );
    }
    if before.probes >= 2 {
        return (
            AbortCause::KeepaliveTimeout,
            Confidence::Likely,
            &[AbortCause::AppAbort],
        );
    }
    if before.repeats >= 3 {
        let others = &[AbortCause::AppAbort, AbortCause::UnreadData];
        return (
            AbortCause::RetransmissionTimeout,
            Confidence::Possible,
            others,
        );
    }
    if !facts.sent_payload(rst.from.peer()) {
        return (AbortCause::AppAbort, Confidence::Likely, &[]);
    }
    if window_grew(rst) {
        return (
            AbortCause::UnreadData,
            Confidence::Likely,
            &[AbortCause::AppAbort],
        );
    }
    (
        AbortCause::AppAbort,
        Confidence::Possible,
        &[AbortCause::UnreadData],
    )
}

/// The peer's payload that the RST's sender had not acknowledged.
fn has_unanswered(facts: &Facts, rst: &Rst) -> bool {
    let (mine, peer) = (facts.half(rst.from), facts.half(rst.from.peer()));
    peer.payload > 0
        && mine
            .ack
            .zip(peer.next())
            .is_some_and(|(ack, next)| ack.before(next))
}

/// Closing frees the receive queue: the RST's window is larger than the last one.
fn window_grew(rst: &Rst) -> bool {
    let before = &rst.reset.before;
    before.window.is_some_and(|last| rst.seen().window > last)
}
