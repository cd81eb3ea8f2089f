//! RSTs one by one: form, trigger, fit, foreign signs and fate (RFC 9293 sections 3.5.2 and
//! 3.10.7, RFC 5961 section 3).

use crate::close::facts::{Facts, SLACK};
use crate::close::verdict::{RstFate, RstFit, RstForm, Side};
use crate::flow::{ResetSeen, Seen};
use crate::seq::SeqNum;
use smallvec::SmallVec;

/// What a reply RST answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// A SYN.
    Syn,
    /// A SYN-ACK.
    SynAck,
    /// Payload.
    Payload,
    /// The first copy of a FIN.
    Fin,
    /// A FIN again.
    FinAgain,
    /// An empty ACK.
    Ack,
}

/// The segment a reply RST answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trigger<'a> {
    pub(super) seen: &'a Seen,
    pub(super) what: Answered,
}

/// Signs that a RST was not sent by the side whose address it bears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent signs, counted")]
pub(super) struct Signs {
    /// TTL unlike that of the side's other segments.
    pub(super) ttl: bool,
    /// IPv4 ID out of sequence.
    pub(super) ip_id: bool,
    /// Timestamps are missing although negotiated.
    pub(super) timestamps: bool,
    /// Window 0 with the ACK bit, although the side's window was open.
    pub(super) window: bool,
    /// A reply's form, and no segment that it could answer so soon.
    pub(super) unprovoked: bool,
    /// It answers a SYN sooner than that host ever answered.
    pub(super) early: bool,
    /// The side goes on as if it had sent nothing.
    pub(super) talks_on: bool,
}

impl Signs {
    /// How many.
    pub(super) fn count(self) -> u32 {
        let Self {
            ttl,
            ip_id,
            timestamps,
            window,
            unprovoked,
            early,
            talks_on,
        } = self;
        [ttl, ip_id, timestamps, window, unprovoked, early, talks_on]
            .into_iter()
            .map(u32::from)
            .sum()
    }

    /// The signs in words.
    pub(super) fn words(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.ttl, "its TTL is unlike that side's other segments'"),
            (self.ip_id, "its IP ID is out of sequence"),
            (self.timestamps, "it lacks the negotiated timestamps"),
            (self.window, "its window is 0"),
            (
                self.unprovoked,
                "nothing that side had received could have drawn it",
            ),
            (self.early, "it came sooner than that host ever answered"),
            (self.talks_on, "that side goes on as if it had sent nothing"),
        ];
        all.into_iter()
            .filter(|(holds, _)| *holds)
            .map(|(_, words)| words)
    }
}

/// A RST and what is said of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rst<'a> {
    pub(super) reset: &'a ResetSeen,
    pub(super) from: Side,
    pub(super) form: RstForm,
    pub(super) trigger: Option<Trigger<'a>>,
    pub(super) fit: RstFit,
    pub(super) signs: Signs,
    pub(super) fate: RstFate,
}

/// The RSTs of a flow. Most aborts have one.
pub(super) type Rsts<'a> = SmallVec<[Rst<'a>; 1]>;

impl Rst<'_> {
    pub(super) const fn seen(&self) -> &Seen {
        &self.reset.seen
    }
}

/// Every RST of a flow, in file order.
pub(super) fn resets<'a>(facts: &Facts<'a>) -> Rsts<'a> {
    let mut all = Rsts::new();
    for reset in &facts.flow.resets {
        let rst = examine(facts, reset, &all);
        all.push(rst);
    }
    all
}

// Not in line: most flows have no RST, and the judgement needs the registers.
#[inline(never)]
fn examine<'a>(facts: &Facts<'a>, reset: &'a ResetSeen, before: &[Rst<'a>]) -> Rst<'a> {
    let from = facts.side(reset.seen.from());
    let trigger = find_trigger(facts, reset, before);
    let form = form(facts, reset, trigger.as_ref());
    let fit = fit(facts, reset);
    let mut rst = Rst {
        reset,
        from,
        form,
        trigger,
        fit,
        signs: Signs::default(),
        fate: RstFate::Effective,
    };
    rst.signs = signs(facts, &rst);
    rst.fate = fate(facts, &rst);
    rst
}

/// R+ACK comes from a live connection, unless it answers a segment without ACK; R alone answers,
/// unless nothing drew it and its number and ID are its sender's next (RFC 9293 section 3.10.5).
fn form(facts: &Facts, reset: &ResetSeen, trigger: Option<&Trigger>) -> RstForm {
    let seen = &reset.seen;
    if seen.flags.ack() {
        let answers_syn = trigger.is_some_and(|t| t.what == Answered::Syn);
        return if answers_syn {
            RstForm::Reply
        } else {
            RstForm::Active
        };
    }
    let from = facts.side(seen.from());
    let next = facts.of(reset.before.next, from);
    let own_ttl = !other_ttl(facts, reset);
    let own_id = reset
        .before
        .next_id
        .is_none_or(|id| seen.ip_id() == Some(id));
    let numbered = seen.ip_id().is_none_or(|id| id != 0);
    let is_active = trigger.is_none() && next == Some(seen.seq) && own_ttl && own_id && numbered;
    if is_active {
        RstForm::Active
    } else {
        RstForm::Reply
    }
}

fn find_trigger<'a>(
    facts: &Facts<'a>,
    reset: &ResetSeen,
    before: &[Rst<'a>],
) -> Option<Trigger<'a>> {
    let seen = &reset.seen;
    let from = facts.side(seen.from());
    let rtt = facts.half(from).rtt;
    let age = |s: &Seen| seen.at().time.since(s.at().time);
    let asked = |s: &&Seen| s.at().is_before(seen.at()) && !s.flags.rst();
    let asked = facts.sent_by(from.peer()).filter(asked);
    if seen.flags.ack() {
        let answers = |s: &&Seen| s.flags.syn() && !s.flags.ack() && seen.ack == s.end();
        // A side that has opened a connection resets it at its own number, 0 or not.
        if seen.seq.0 != 0 || facts.half(from).numbers.is_some() {
            return None;
        }
        let syn = { asked }.find(answers)?;
        return Some(Trigger {
            seen: syn,
            what: Answered::Syn,
        });
    }
    let numbered = |s: &&Seen| s.flags.ack() && s.ack == seen.seq;
    let old_enough = |s: &&Seen| rtt.is_none_or(|rtt| age(s) + SLACK >= rtt);
    let open = |s: &&Seen| !is_answered(facts, s, reset, before);
    let mut candidates = asked.filter(numbered).filter(old_enough);
    if let Some(first) = candidates.clone().filter(|s| s.end() != s.seq).find(open) {
        return Some(Trigger {
            seen: first,
            what: answered(facts, first, reset),
        });
    }
    let recent = |s: &&Seen| rtt.is_none_or(|rtt| age(s) <= 2 * rtt + 2 * SLACK);
    let empty = candidates.rfind(|s| s.is_empty_ack() && recent(s))?;
    Some(Trigger {
        seen: empty,
        what: Answered::Ack,
    })
}

/// The segment was answered before the RST passed: by an ACK, or by a RST of its own.
fn is_answered(facts: &Facts, segment: &Seen, reset: &ResetSeen, before: &[Rst]) -> bool {
    let between = |s: &&Seen| segment.at().is_before(s.at()) && s.at().is_before(reset.seen.at());
    let acked = facts
        .sent_by(facts.side(segment.from()).peer())
        .filter(between)
        .any(|s| !s.flags.rst() && s.acks(segment.end()));
    acked
        || before
            .iter()
            .any(|r| r.trigger.is_some_and(|t| t.seen.at() == segment.at()))
}

fn answered(facts: &Facts, trigger: &Seen, reset: &ResetSeen) -> Answered {
    let f = trigger.flags;
    if f.syn() {
        return if f.ack() {
            Answered::SynAck
        } else {
            Answered::Syn
        };
    }
    if !f.fin() {
        return Answered::Payload;
    }
    if !trigger.is_empty() || unanswered_payload(facts, trigger) {
        return Answered::Payload;
    }
    let sender = facts.side(trigger.from());
    let rtt = facts.half(sender.peer()).rtt.unwrap_or(0);
    let copies = facts.fin_copies(sender);
    let received = |c: &&&Seen| {
        c.at().is_before(reset.seen.at()) && reset.seen.at().time.since(c.at().time) + SLACK >= rtt
    };
    if copies.iter().filter(received).count() > 1 {
        Answered::FinAgain
    } else {
        Answered::Fin
    }
}

/// Payload before a FIN that the peer had not acknowledged.
fn unanswered_payload(facts: &Facts, fin: &Seen) -> bool {
    let sender = facts.side(fin.from());
    let acked_before = |end: SeqNum| {
        facts
            .sent_by(sender.peer())
            .any(|a| !a.flags.rst() && a.acks(end))
    };
    let has_payload = |s: &&Seen| !s.is_empty() && s.at().is_before(fin.at());
    facts
        .sent_by(sender)
        .filter(has_payload)
        .any(|s| !acked_before(s.end()))
}

/// SEQ against its receiver's RCV.NXT: the highest ACK of the receiver, or what its sender had
/// sent without a hole.
fn fit(facts: &Facts, reset: &ResetSeen) -> RstFit {
    let seen = &reset.seen;
    let from = facts.side(seen.from());
    if seen.flags.ack() && seen.seq.0 == 0 && facts.half(from).isn.is_none() {
        // It answers a SYN: the ACK alone decides (RFC 9293 section 3.10.7.3).
        let next = facts.of(reset.before.next, from.peer());
        return match next {
            Some(next) if next == seen.ack => RstFit::Exact,
            Some(_) => RstFit::Outside,
            None => RstFit::Unknown,
        };
    }
    let next = facts.of(reset.before.next, from);
    let ack = facts.of(reset.before.ack, from.peer());
    if next == Some(seen.seq) || ack == Some(seen.seq) {
        return RstFit::Exact;
    }
    let (Some(low), edge) = (ack.or(next), facts.of(reset.before.right_edge, from.peer())) else {
        return RstFit::Unknown;
    };
    let high = edge.unwrap_or(low).latest(next.unwrap_or(low));
    if seen.seq.at_or_after(low) && seen.seq.before(high) {
        RstFit::InWindow
    } else {
        RstFit::Outside
    }
}

fn other_ttl(facts: &Facts, reset: &ResetSeen) -> bool {
    let ttl = facts.usual_ttl(facts.side(reset.seen.from()));
    ttl.is_some_and(|(low, high)| !(low..=high).contains(&reset.seen.ttl))
}

fn signs(facts: &Facts, rst: &Rst) -> Signs {
    let (reset, seen) = (rst.reset, rst.seen());
    let half = facts.half(rst.from);
    let with_ack = seen.flags.ack() && rst.form == RstForm::Active;
    let alone = !facts.one_direction();
    Signs {
        ttl: other_ttl(facts, reset),
        ip_id: foreign_id(reset, with_ack),
        timestamps: with_ack && seen.timestamps().is_none() && !seen.cut() && half.tsval.is_some(),
        window: with_ack && seen.window == 0 && reset.before.window.is_some_and(|w| w != 0),
        unprovoked: alone
            && rst.form == RstForm::Reply
            && rst.trigger.is_none()
            && !facts.flow.log.lacks_before(),
        early: is_early(facts, rst),
        talks_on: alone && talks_on(facts, rst),
    }
}

/// It came sooner after the SYN than its host ever answered in its connections before.
fn is_early(facts: &Facts, rst: &Rst) -> bool {
    let trigger = rst.trigger.as_ref();
    let usual = facts.context.server.and_then(|server| server.rtt);
    let took = trigger.map(|t| rst.seen().at().time.since(t.seen.at().time));
    took.zip(usual)
        .is_some_and(|(took, rtt)| took + SLACK < rtt)
}

/// Neither 0 in a bare RST, nor the sender's next ID, nor a few after it.
fn foreign_id(reset: &ResetSeen, with_ack: bool) -> bool {
    let (Some(id), Some(next)) = (reset.seen.ip_id(), reset.before.next_id) else {
        return false;
    };
    let near = id.wrapping_sub(next) <= 64;
    !near && (with_ack || id != 0)
}

/// The RST's sender sends something else after it.
fn talks_on(facts: &Facts, rst: &Rst) -> bool {
    facts
        .sent_by(rst.from)
        .any(|s| rst.seen().at().is_before(s.at()) && !s.flags.rst())
}

/// The receiver alone decides whether a RST was ignored or challenged.
fn fate(facts: &Facts, rst: &Rst) -> RstFate {
    let exact_and_silent =
        rst.form == RstForm::Active && rst.fit == RstFit::Exact && !rst.signs.talks_on;
    if exact_and_silent {
        return RstFate::Effective;
    }
    let seen = rst.seen();
    if rst.fit != RstFit::Exact && follows_the_close(facts, seen) {
        return RstFate::Ignored; // TIME-WAIT obeys RCV.NXT alone (tcp_timewait_state_process)
    }
    let peer = rst.from.peer();
    let rtt = facts.half(peer).rtt.unwrap_or(0);
    // Conforming receivers answer one in the window at once (RFC 5961 section 3.2): no need to be
    // strict with the measured round trip. An exact one ends the connection, and what was on its
    // way then must not count.
    let slack = if rst.fit == RstFit::InWindow {
        SLACK
    } else {
        0
    };
    let sent_before = facts.of(rst.reset.before.next, rst.from);
    let later = |s: &&Seen| {
        seen.at().is_before(s.at())
            && !s.flags.rst()
            && s.at().time.since(seen.at().time) + slack >= rtt
    };
    let counts = |s: &&Seen| later(s) && !answered_by_reset(facts, s, rst.from);
    let goes_on = |s: &Seen| {
        sent_before.is_some_and(|next| s.acks(next.plus(1)))
            && facts
                .half(rst.from)
                .next()
                .is_some_and(|next| s.ack.at_or_before(next))
    };
    if let Some(challenge) = facts.sent_by(peer).find(counts)
        && challenge.is_empty_ack()
        && !goes_on(challenge)
    {
        // One outside of the window is dropped without a word (RFC 5961 section 3.2).
        return if rst.fit == RstFit::Outside {
            RstFate::Ignored
        } else {
            RstFate::Challenged
        };
    }
    if facts.sent_by(peer).filter(counts).any(goes_on) {
        return RstFate::Ignored;
    }
    RstFate::Effective
}

/// Both FINs had been acknowledged when the segment passed.
pub(super) fn follows_the_close(facts: &Facts, seen: &Seen) -> bool {
    let over = |side| {
        facts
            .fin_acked(side)
            .is_some_and(|at| at.is_before(seen.at()))
    };
    over(Side::Client) && over(Side::Server)
}

/// A RST of `by` answers the segment.
fn answered_by_reset(facts: &Facts, segment: &Seen, by: Side) -> bool {
    facts
        .sent_by(by)
        .any(|r| r.flags.rst() && segment.at().is_before(r.at()) && r.seq == segment.ack)
}
