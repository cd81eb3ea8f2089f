//! Aborts: which RST ended the flow, who sent it, and how sure that is.

use crate::close::facts::{Facts, SLACK};
use crate::close::reading::cause;
use crate::close::reset::Rst;
use crate::close::verdict::{AbortCause, AbortedBy, Confidence, RstFate, RstFit, RstForm, Side};
use crate::flow::Seen;

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
    let signs = rst.signs.count();
    if signs == 0 && refuses(facts, rst) {
        // That the connection was refused is plain, by whom is not: the RST is all that its sender
        // shows here, and a firewall that answers in its name makes the same one.
        return match facts.context.server {
            Some(_) => Confidence::Certain,
            None => Confidence::Likely,
        };
    }
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
