//! TIME-WAIT: whose it was, from when to when, and how it ended (RFC 9293 section 3.6.1, RFC 1337,
//! RFC 6191).

use crate::close::case::Case;
use crate::close::facts::{Facts, SLACK};
use crate::close::reset::Answered;
use crate::close::verdict::{
    Basis, Confidence, EndedBy, Outcome, RstForm, Side, TimeWait, TimeWaits,
};
use crate::flow::{Copies, Seen, Successor, SynFacts};
use crate::stamp::{Stamp, Time};

/// One entry per owner.
pub(super) fn time_waits(case: &Case) -> TimeWaits {
    let mut all = TimeWaits::new();
    if !case.facts.both_fins() {
        return all;
    }
    for owner in [Side::Client, Side::Server] {
        if case.closer.includes(owner)
            && let Some(entry) = time_wait(case, owner)
        {
            all.push(entry);
        }
    }
    all
}

fn time_wait(case: &Case, owner: Side) -> Option<TimeWait> {
    let facts = &case.facts;
    facts.fin_was_acked(owner)?;
    if let Some(gone) = answered_by_reset(case, owner) {
        return (gone.what == Answered::FinAgain).then(|| gone_entry(facts, owner, &gone));
    }
    let holds = match case.outcome {
        Outcome::Graceful | Outcome::FinalAckMissing => true,
        Outcome::Simultaneous => case.both_acked() || facts.fin_was_acked(owner).is_some(),
        _ => false,
    };
    if !holds {
        return None;
    }
    Some(entry(case, owner))
}

/// A reply RST of the owner shows that it had no socket when the RST passed.
struct Gone<'a> {
    what: Answered,
    at: &'a Seen,
}

fn answered_by_reset<'a>(case: &'a Case, owner: Side) -> Option<Gone<'a>> {
    case.resets.iter().find_map(|r| {
        if r.from != owner || r.form != RstForm::Reply {
            return None;
        }
        let trigger = r.trigger?;
        let to_fin = trigger.seen.flags.fin();
        let to_ack = trigger.what == Answered::Ack;
        (to_fin || to_ack).then_some(Gone {
            what: trigger.what,
            at: &r.reset.seen,
        })
    })
}

fn gone_entry(facts: &Facts, owner: Side, gone: &Gone) -> TimeWait {
    let start = facts.acks_of_fin(owner.peer()).next();
    TimeWait {
        owner,
        start: start.map(|s| s.at().time),
        end: Some(gone.at.at().time),
        ended_by: EndedBy::Gone,
        basis: Basis::Rule,
        confidence: Confidence::Likely,
        restarts: 0,
        left_ns: None,
    }
}

fn entry(case: &Case, owner: Side) -> TimeWait {
    let facts = &case.facts;
    let acks = facts.acks_of_fin_or_resets(owner.peer());
    let at = acks.iter().position(|s| !s.flags.rst());
    // Mostly there is one, and nothing after it.
    let (first, later) = at
        .and_then(|at| acks.get(at..)?.split_first())
        .map_or((None, &[][..]), |(first, later)| (Some(*first), later));
    let later = later.iter().copied().filter(|s| s.is_empty_ack());
    let start = first.map(Seen::at);
    let to_syn = acks_to_next(facts, owner);
    let last = to_syn.map(|acks| acks.last);
    let last = last.or_else(|| later.clone().next_back().map(Seen::at));
    let (ended_by, end) = ending(case, owner, start, last);
    let left = end.map(|end| end.since(facts.end().time));
    let again = later.clone().count() as u32;
    TimeWait {
        owner,
        start: start.map(|s| s.time),
        end,
        ended_by,
        basis: basis(facts, owner, first, later),
        confidence: confidence(case, owner),
        restarts: again + to_syn.map_or(0, |acks| acks.count),
        left_ns: left.filter(|_| ended_by == EndedBy::CaptureEnd),
    }
}

/// ACKs with which the owner answered the next connection's SYN.
fn acks_to_next(facts: &Facts, owner: Side) -> Option<Copies> {
    let next = facts.flow.next.as_ref()?;
    let opener = facts.side(next.opener?);
    next.old_acks.filter(|_| opener != owner)
}

/// How it ended, and when.
fn ending(
    case: &Case,
    owner: Side,
    start: Option<Stamp>,
    last: Option<Stamp>,
) -> (EndedBy, Option<Time>) {
    let facts = &case.facts;
    let taken = taken(facts, owner);
    let Some(begun) = last.or(start) else {
        if let Some(syn) = taken {
            return (EndedBy::Reused, Some(syn.time));
        }
        // The last ACK was not seen: it answered the peer's FIN, at the earliest.
        let fin = facts.fin(owner.peer()).map(|f| f.copies.last.time);
        let runs = fin.is_some_and(|at| at.plus(facts.context.time_wait) > facts.end().time);
        let ended_by = if runs {
            EndedBy::CaptureEnd
        } else {
            EndedBy::Expiry
        };
        return (ended_by, None);
    };
    let expiry = begun.time.plus(facts.context.time_wait);
    let in_time = |at: &Stamp| at.time <= expiry;
    if let Some(reset) = assassinated(case, owner, start).filter(in_time) {
        return (EndedBy::Reset, Some(reset.time));
    }
    if let Some(next) = &facts.flow.next {
        let own = next.opener.is_some_and(|i| facts.side(i) == owner);
        let to_owner = next.old_rst.filter(|_| !own && !survived(next));
        if let Some(rst) = to_owner.filter(in_time) {
            return (EndedBy::Reset, Some(rst.time));
        }
    }
    if let Some(syn) = taken.filter(in_time) {
        return (EndedBy::Reused, Some(syn.time));
    }
    let ended_by = if expiry > facts.end().time {
        EndedBy::CaptureEnd
    } else {
        EndedBy::Expiry
    };
    (ended_by, Some(expiry))
}

/// The SYN that took the place of the owner's TIME-WAIT: one that was answered with SYN-ACK, or the
/// owner's own, answered or not: a TSecr of 0 would be another host's behind the same address.
fn taken(facts: &Facts, owner: Side) -> Option<Stamp> {
    let next = facts.flow.next.as_ref()?;
    let own = next.opener.is_some_and(|i| facts.side(i) == owner);
    let reused = |s: &SynFacts| own && s.tsecr.is_none_or(|t| t.0 != 0);
    let syn = next.syn.filter(|s| next.syn_ack.is_some() || reused(s))?;
    Some(syn.at)
}

/// The owner answered once more after the RST: it withstood it (`tcp_rfc1337`).
fn survived(next: &Successor) -> bool {
    let acks = next.old_acks.zip(next.old_rst);
    acks.is_some_and(|(acks, rst)| rst.is_before(acks.last))
}

/// A RST of the peer at exactly RCV.NXT of the owner, after TIME-WAIT had begun (RFC 1337), with
/// no later sign of it.
fn assassinated(case: &Case, owner: Side, start: Option<Stamp>) -> Option<Stamp> {
    let facts = &case.facts;
    if !facts.any_reset {
        return None;
    }
    let (start, end) = (start?, facts.half(owner.peer()).fin_end()?);
    let reset = facts
        .sent_by(owner.peer())
        .find(|s| s.flags.rst() && s.seq == end && start.is_before(s.at()))?;
    let rtt = facts.half(owner).rtt.unwrap_or(0);
    let lives = facts.sent_by(owner).any(|s| {
        s.is_empty_ack() && reset.at().is_before(s.at()) && s.at().time.since(reset.at().time) > rtt
    });
    (!lives).then_some(reset.at())
}

/// Linux's timewait socket answers with IP ID 0 where the full socket's IDs count, and echoes the
/// first FIN's TSval whatever comes later.
fn basis<'a>(
    facts: &Facts,
    owner: Side,
    first: Option<&'a Seen>,
    mut later: impl Iterator<Item = &'a Seen> + Clone,
) -> Basis {
    let counts = facts.half(owner).ids.count();
    let zero = |s: &Seen| s.is_empty_ack() && s.ip_id() == Some(0);
    let zero_id = counts && first.into_iter().chain(later.clone()).any(zero);
    let copies = facts.fin_copies(owner.peer());
    let tsval = |s: &Seen| s.timestamps().map(|t| t.val);
    let echoes_first = later.any(|ack| {
        let first_tsval = copies.first().and_then(|c| tsval(c));
        let newer = copies
            .iter()
            .any(|c| c.at().is_before(ack.at()) && tsval(c) != first_tsval);
        newer && ack.timestamps().map(|t| t.ecr) == first_tsval
    });
    if zero_id || echoes_first {
        Basis::Minisocket
    } else {
        Basis::Rule
    }
}

fn confidence(case: &Case, owner: Side) -> Confidence {
    let facts = &case.facts;
    let sure = case.outcome != Outcome::FinalAckMissing
        && case.closer.confidence >= Confidence::Likely
        && !facts.may_be_two()
        && case.closer.shown_active(owner)
        && fin_with_ack_answered(case, owner);
    if sure {
        Confidence::Certain
    } else {
        Confidence::Likely
    }
}

/// A FIN of the peer that acknowledges the owner's, and an ACK of the owner that answers it. Of a
/// passive peer every FIN acknowledges the owner's; of another one an earlier FIN may not have and
/// may be what is answered, late: so the ACK echoes that FIN's TSval, or is not the first one, comes
/// no sooner than a round trip and was not held up on its way.
fn fin_with_ack_answered(case: &Case, owner: Side) -> bool {
    let facts = &case.facts;
    let peer = owner.peer();
    let (Some(end), Some(peer_end)) = (facts.half(owner).fin_end(), facts.half(peer).fin_end())
    else {
        return false;
    };
    let (rtt, passive) = (facts.half(owner).rtt, case.closer.shown_passive(peer));
    let carries = |s: &&&Seen| s.flags.fin() && s.end() == peer_end;
    let acked_before = |fin: &Seen| {
        let mut acks = facts.acks_of_fin(peer);
        acks.any(|s| s.acks_fin(peer_end) && s.at().is_before(fin.at()))
    };
    let answers = |fin: &Seen, ack: &Seen| {
        let late = || rtt.is_some_and(|rtt| ack.at().time.since(fin.at().time) + SLACK >= rtt);
        let pair = || ack.timestamps().zip(fin.timestamps());
        let echoes = || pair().is_some_and(|(a, f)| a.ecr == f.val);
        let again = || late() && acked_before(fin) && in_order(facts, owner, ack);
        fin.at().is_before(ack.at()) && (echoes() || again())
    };
    // What repeats its FIN has not received the ACK of it yet.
    let re_acks = |s: &&Seen| s.is_empty_ack() && (s.seq, s.ack) == (end, peer_end);
    let mut re_acks = facts.acks_of_fin(peer).filter(re_acks);
    let mut fins = facts.acks_of_fin_or_resets(owner).iter().filter(carries);
    if passive {
        return fins.next().is_some() && re_acks.next().is_some();
    }
    fins.any(|fin| re_acks.clone().any(|ack| answers(fin, ack)))
}

/// IPv4 IDs show that the side sent the ACK behind all that was captured before it: it is the next
/// of those that count, or a timewait socket's.
fn in_order(facts: &Facts, side: Side, ack: &Seen) -> bool {
    let Some(id) = ack.ip_id().filter(|_| facts.half(side).ids.count()) else {
        return false;
    };
    let before = facts.sent_by(side).filter(|s| s.at().is_before(ack.at()));
    let mut ids = before.filter_map(Seen::ip_id).filter(|&id| id != 0);
    id == 0 || ids.all(|earlier| (1..0x8000).contains(&id.wrapping_sub(earlier)))
}
