//! The reading of a RST: why it was sent, and what else it may have been.

use crate::close::facts::Facts;
use crate::close::reset::{Answered, Rst};
use crate::close::verdict::{AbortCause, Confidence, RolesFrom, RstForm, Side};
use crate::flow::Seen;
use crate::stamp::SECOND;

/// A cause, how sure it is, and what else it may have been.
type Reading = (AbortCause, Confidence, &'static [AbortCause]);

/// Why the RST was sent, how sure that is, and what else it may have been.
pub(super) fn cause(facts: &Facts, rst: &Rst, foreign: bool) -> Reading {
    if foreign {
        let answers_syn = rst
            .trigger
            .as_ref()
            .is_some_and(|t| t.what == Answered::Syn);
        let other: &[AbortCause] = if answers_syn {
            &[AbortCause::Refused]
        } else {
            &[AbortCause::NoConnection]
        };
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
        Answered::Syn if facts.context.server.is_some() => {
            (AbortCause::Refused, Confidence::Likely, &[])
        }
        Answered::Syn => (
            AbortCause::Refused,
            Confidence::Likely,
            &[AbortCause::Injected],
        ),
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
    if follows_probes(facts, rst) {
        return (
            AbortCause::KeepaliveTimeout,
            Confidence::Possible,
            &[AbortCause::AppAbort],
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
    if unread_hint(facts, rst).is_some() {
        return (
            AbortCause::UnreadData,
            Confidence::Possible,
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
pub(super) fn window_grew(rst: &Rst) -> bool {
    let before = &rst.reset.before;
    before.window.is_some_and(|last| rst.seen().window > last)
}

/// It came as long after a keepalive probe as that after the one before, though they were answered:
/// the answers were lost between the capture point and the RST's sender.
fn follows_probes(facts: &Facts, rst: &Rst) -> bool {
    let next = facts.of(rst.reset.before.next, rst.from);
    let mut own = before_it(facts, rst, rst.from).rev();
    let probe =
        |s: &&Seen| s.len() <= 1 && !s.flags.syn() && !s.flags.fin() && Some(s.seq.plus(1)) == next;
    let (Some(last), Some(first)) = (own.next().filter(probe), own.next().filter(probe)) else {
        return false;
    };
    let every = last.at().time.since(first.at().time);
    let after = rst.seen().at().time.since(last.at().time);
    every >= SECOND / 2 && (after - every).abs() <= every / 20
}

/// The segments of a side that passed before the RST, without RSTs.
fn before_it<'f, 'a>(
    facts: &'f Facts<'a>,
    rst: &Rst,
    side: Side,
) -> impl DoubleEndedIterator<Item = &'a Seen> + Clone + use<'f, 'a> {
    let at = rst.seen().at();
    facts
        .sent_by(side)
        .filter(move |s| s.at().is_before(at) && !s.flags.rst())
}

/// It is the side that answers, and that is no guess.
fn serves(facts: &Facts, side: Side) -> bool {
    side == Side::Server && facts.roles_from != RolesFrom::PortGuess
}

/// Why bytes may have lain unread when the RST was sent, and the frame of the last of them.
pub(super) fn unread_hint(facts: &Facts, rst: &Rst) -> Option<(&'static str, u64)> {
    let exchange = Exchange::before(facts, rst)?;
    let hints = [
        (
            exchange.came_after_its_fin(facts, rst),
            "which came after its own FIN",
        ),
        (
            exchange.never_answered(facts, rst),
            "which it never answered",
        ),
        (
            exchange.came_unasked(facts, rst),
            "for which it had not asked",
        ),
        (
            exchange.answered_before_the_end(facts, rst),
            "which it may have answered before it had read all",
        ),
    ];
    let (_, words) = hints.into_iter().find(|(holds, _)| *holds)?;
    Some((words, exchange.last.at().frame))
}

/// What both sides had said last when a RST passed. No window tells whether a few bytes lay unread
/// (Linux frees them in steps), but an application reads what it waits for: so what nobody waited
/// for hints at it, and no more.
struct Exchange<'a> {
    /// The last payload of the peer that the RST's sender had acknowledged.
    last: &'a Seen,
    /// The last payload of the RST's sender.
    own: Option<&'a Seen>,
}

impl<'a> Exchange<'a> {
    fn before(facts: &Facts<'a>, rst: &Rst) -> Option<Self> {
        let payload = |s: &&Seen| !s.is_empty();
        let received = |s: &&Seen| rst.seen().acks(s.end());
        let last = before_it(facts, rst, rst.from.peer())
            .filter(payload)
            .rfind(received)?;
        let own = before_it(facts, rst, rst.from).rfind(payload);
        Some(Self { last, own })
    }

    /// It came after its receiver had sent its FIN.
    fn came_after_its_fin(&self, facts: &Facts, rst: &Rst) -> bool {
        let fin = facts.fin(rst.from);
        fin.is_some_and(|fin| fin.copies.first.is_before(self.last.at()))
    }

    fn is_answered(&self) -> bool {
        let after = |own: &Seen| self.last.at().is_before(own.at());
        self.own.is_some_and(after)
    }

    /// A server has answered nothing to it.
    fn never_answered(&self, facts: &Facts, rst: &Rst) -> bool {
        serves(facts, rst.from) && !self.is_answered()
    }

    /// A client had its answer, and more came after a pause that is no round trip, though it had
    /// asked for nothing else.
    fn came_unasked(&self, facts: &Facts, rst: &Rst) -> bool {
        let peer = rst.from.peer();
        let payload = |s: &&Seen| !s.is_empty() && s.at().is_before(self.last.at());
        let Some(earlier) = before_it(facts, rst, peer).rfind(payload) else {
            return false;
        };
        let asked = self.own.is_some_and(|own| earlier.at().is_before(own.at()));
        let round_trip = facts.half(rst.from).rtt.zip(facts.half(peer).rtt);
        let pause = self.last.at().time.since(earlier.at().time);
        !asked && round_trip.is_some_and(|(a, b)| pause > 2 * (a + b))
    }

    /// A server answered and closed without waiting for the ACK, and what it had been sent was more
    /// than one segment: a head that it read, and a body that it may not have.
    fn answered_before_the_end(&self, facts: &Facts, rst: &Rst) -> bool {
        let peer = rst.from.peer();
        let sent = |s: &&Seen| !s.is_empty();
        let round_trip = facts.half(rst.from).rtt.zip(facts.half(peer).rtt);
        let after = |own: &Seen| rst.seen().at().time.since(own.at().time);
        let waited = self.own.map(after).zip(round_trip);
        let waited = waited.is_none_or(|(after, (a, b))| after >= a + b);
        serves(facts, rst.from)
            && self.is_answered()
            && !waited
            && before_it(facts, rst, peer).filter(sent).count() > 1
    }
}
