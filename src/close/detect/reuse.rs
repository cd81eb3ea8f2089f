//! The same addresses and ports again: what let the SYN in, or refused it, and what that cost
//! (RFC 6191, RFC 9293 sections 3.6.1 and 3.10.7.4).

use super::{Found, Founds, as_seconds, seconds, times};
use crate::close::case::Case;
use crate::close::facts::Facts;
use crate::close::verdict::{Confidence, EndedBy, Outcome, Side};
use crate::flow::{Opening, Predecessor, Successor, SynFacts};
use crate::seq::TsVal;
use crate::stamp::{Stamp, Time};
use smallvec::smallvec;

pub(in crate::close) fn time_wait_reused(case: &Case) -> Founds {
    let ended = case
        .time_wait
        .iter()
        .filter(|t| t.ended_by == EndedBy::Reused);
    ended
        .filter_map(|entry| reused(case, entry.owner, entry.start))
        .collect()
}

fn reused(case: &Case, owner: Side, start: Option<Time>) -> Option<Found> {
    let facts = &case.facts;
    let next = facts.flow.next.as_ref()?;
    let (syn, opener) = (next.syn?, facts.side(next.opener?));
    let half = facts.half(opener);
    let isn_step = half.next().map(|end| syn.isn.since(end));
    let tsval_step = syn.tsval.zip(half.tsval);
    let tsval_step = tsval_step.map(|(new, (old, _))| new.since(old));
    let higher_isn = isn_step.is_some_and(|step| step > 0);
    let newer = tsval_step.is_some_and(|step| step > 0);
    let by_owner = opener == owner && syn.tsecr.is_some_and(|e| e != TsVal(0));
    let loopback = facts.endpoint(owner).addr.is_loopback();
    let (name, test) = match (by_owner, newer, higher_isn) {
        (true, _, _) if loopback => (
            "tcp_tw_reuse",
            "the owner took its own port again (its SYN's TSecr is not 0: tcp_tw_reuse, on \
             loopback by default since Linux 4.19)",
        ),
        (true, _, _) => (
            "tcp_tw_reuse",
            "the owner took its own port again (tcp_tw_reuse: its SYN's TSecr is not 0)",
        ),
        (_, true, _) => ("tsval", "its TSval is newer (RFC 6191)"),
        (_, _, true) => ("isn", "its ISN is higher (RFC 9293 section 3.10.7.4)"),
        _ => ("neither", "neither its TSval nor its ISN is higher"),
    };
    let after = start.map_or(0, |start| syn.at.time.since(start));
    let again = match syn.count {
        0 | 1 => String::new(),
        count => format!("; its SYN was sent {}", times(count)),
    };
    let message = format!(
        "a new connection took the place of the {owner}'s TIME-WAIT after {}: {test}{again}",
        seconds(after)
    );
    let frames = std::iter::once(syn.at.frame).chain(next.syn_ack.map(|s| s.frame));
    let found = Found::likely(Some(owner), frames, message)
        .with("seconds", as_seconds(after))
        .with(
            "interval_s",
            as_seconds(syn.at.time.since(last(facts, &syn))),
        )
        .with("next_flow", next.flow)
        .with("let_in_by", name)
        .with("tcp_tw_reuse", by_owner)
        .with("newer_tsval", newer)
        .with("higher_isn", higher_isn)
        .with("isn_step", isn_step)
        .with("tsval_step", tsval_step)
        .with("syns", syn.count);
    Some(with_cost(
        with_fin(found, facts, &syn),
        stood(next, &syn),
        facts.half(opener.peer()).rtt,
    ))
}

/// The old connection's last segment before the SYN.
fn last(facts: &Facts, syn: &SynFacts) -> Time {
    let mut before = facts.flow.log.iter().rev();
    let last = before.find(|seen| seen.at().is_before(syn.at));
    last.map_or(facts.flow.last.time, |seen| seen.at().time)
}

fn with_fin(found: Found, facts: &Facts, syn: &SynFacts) -> Found {
    let fins = [Side::Client, Side::Server].map(|side| facts.fin(side));
    let last = fins.into_iter().flatten().map(|fin| fin.copies.last.time);
    match last.max() {
        Some(fin) => found.with("since_fin_s", as_seconds(syn.at.time.since(fin))),
        None => found,
    }
}

/// From the first SYN to the SYN-ACK, in nanoseconds.
fn stood(next: &Successor, syn: &SynFacts) -> Option<i64> {
    Some(next.syn_ack?.time.since(syn.at.time))
}

/// What the handshake took, and what of it is more than the round trip.
fn with_cost(found: Found, handshake: Option<i64>, rtt: Option<i64>) -> Found {
    let Some(handshake) = handshake else {
        return found;
    };
    let cost = rtt.map(|rtt| handshake.saturating_sub(rtt).max(0));
    found
        .with("handshake_s", as_seconds(handshake))
        .with("cost_s", cost.map(as_seconds))
}

/// A SYN soon after the connection before, on the same addresses and ports.
struct Again<'a> {
    previous: &'a Predecessor,
    syn: &'a Opening,
    /// The SYN-ACK that answered in the end.
    answer: Option<Stamp>,
    /// Since the old connection's last segment.
    since: i64,
    /// How far the ISN lies above the old connection's last number, the TSval above its last one.
    isn_step: Option<i32>,
    tsval_step: Option<i32>,
}

impl<'a> Again<'a> {
    fn of(facts: &Facts<'a>) -> Option<Self> {
        let previous = facts.flow.previous.as_deref()?;
        let client = facts.half(Side::Client);
        let syn = client.opening.as_ref().filter(|o| !o.ack)?;
        let answer = facts.half(Side::Server).opening.as_ref();
        let old = facts.of(previous.tsval, Side::Client);
        let next = facts.of(previous.next, Side::Client);
        Some(Self {
            previous,
            syn,
            answer: answer.filter(|o| o.ack).map(|o| o.copies.first),
            since: syn.copies.first.time.since(previous.last.time),
            isn_step: client.isn.zip(next).map(|(isn, next)| isn.since(next)),
            tsval_step: syn.tsval.zip(old).map(|(new, (old, _))| new.since(old)),
        })
    }

    /// Both ends had closed, no RST ended anything, and TIME-WAIT would still run.
    fn within_time_wait(&self, facts: &Facts) -> bool {
        let previous = self.previous;
        previous.fins == [true, true] && !previous.reset && self.since < facts.context.time_wait
    }

    /// The server closed actively, so that TIME-WAIT was its own.
    fn server_owned(&self, facts: &Facts) -> bool {
        let of = |pair| facts.of(pair, Side::Server);
        of(self.previous.active) && of(self.previous.acked)
    }

    fn handshake(&self) -> Option<i64> {
        Some(self.answer?.time.since(self.syn.copies.first.time))
    }

    /// The figures that are told of every such SYN.
    fn figures(&self, found: Found, facts: &Facts) -> Found {
        let syn = &self.syn.copies;
        let found = found
            .with("interval_s", as_seconds(self.since))
            .with("isn_step", self.isn_step)
            .with("tsval_step", self.tsval_step)
            .with("syns", syn.count);
        let found = match self.previous.fin {
            Some(fin) => found.with("since_fin_s", as_seconds(syn.first.time.since(fin))),
            None => found,
        };
        with_cost(found, self.handshake(), facts.half(Side::Server).rtt)
    }
}

/// What met a SYN instead of a SYN-ACK.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    OldAck,
    Reset,
    Silence,
}

impl Refusal {
    const fn name(self) -> &'static str {
        match self {
            Self::OldAck => "old-ack",
            Self::Reset => "rst",
            Self::Silence => "silence",
        }
    }
}

pub(in crate::close) fn time_wait_syn_rejected(case: &Case) -> Founds {
    let facts = &case.facts;
    let again = Again::of(facts);
    if facts.flow.old_ack().is_some() {
        return smallvec![met_old(case, again.as_ref())];
    }
    let Some(again) = again.filter(|again| again.within_time_wait(facts)) else {
        return Founds::new();
    };
    refusal(case, &again)
        .map(|by| refused(facts, &again, by))
        .into_iter()
        .collect()
}

/// The SYN was answered by an ACK of the old connection: TIME-WAIT's or LAST-ACK's.
fn met_old(case: &Case, again: Option<&Again>) -> Found {
    let (facts, flow) = (&case.facts, case.facts.flow);
    let syn = facts.half(Side::Client).opening.as_ref();
    let lost = again.and_then(Again::handshake);
    let cost = match lost {
        Some(ns) => format!("; the SYN-ACK came {} after the first SYN", seconds(ns)),
        None => "; no SYN-ACK came".to_owned(),
    };
    let reset = if flow.old_rst().is_some() {
        ", which the client reset"
    } else {
        ""
    };
    let state = again.and_then(|again| old_state(facts, again.previous));
    let told = state.unwrap_or("TIME-WAIT or LAST-ACK");
    let message = format!(
        "the SYN met an older connection on the same addresses and ports ({told}) and was answered \
         with its ACK{reset}{cost}"
    );
    let (acks, rsts) = (flow.old_ack().map(|(acks, _)| acks), flow.old_rst());
    let frames = [syn.map(|o| o.copies), acks, rsts];
    let frames = frames.into_iter().flatten().map(|of| of.first.frame);
    let found = Found::likely(Some(Side::Server), frames, message)
        .with("refused_by", Refusal::OldAck.name())
        .with("old_state", state)
        .with("acks", acks.map_or(0, |acks| acks.count))
        .with("rsts", rsts.map_or(0, |rsts| rsts.count));
    let found = match lost {
        Some(ns) => found.with("seconds", as_seconds(ns)),
        None => found,
    };
    match again {
        Some(again) => again.figures(found, facts),
        None => found,
    }
}

/// The state in which the server answered for the old connection: a passive closer is never in
/// TIME-WAIT (RFC 9293 section 3.6), whatever ACK of its FIN passed the capture.
fn old_state(facts: &Facts, previous: &Predecessor) -> Option<&'static str> {
    let of = |pair| facts.of(pair, Side::Server);
    match (of(previous.fins), of(previous.active), of(previous.acked)) {
        (true, false, _) => Some("LAST-ACK"),
        (true, true, true) if previous.fins == [true, true] => Some("TIME-WAIT"),
        _ => None,
    }
}

/// A RST or silence, where nothing but the older connection stands against the SYN. An older TSval
/// is a reason of its own.
fn refusal(case: &Case, again: &Again) -> Option<Refusal> {
    if case.outcome == Outcome::Refused {
        // Without a TIME-WAIT of its own the server refused for another reason.
        let owned = again.server_owned(case.facts);
        return owned.then_some(Refusal::Reset);
    }
    // Options that were cut might have told.
    let older = again.tsval_step.is_some_and(|step| step < 0) || again.syn.timestamps.is_none();
    let syns = &again.syn.copies;
    let waited = syns.count > 1 && again.answer.is_none_or(|at| syns.last.is_before(at));
    let silent = again.answer.is_some() || case.outcome == Outcome::Unanswered;
    (waited && silent && !older).then_some(Refusal::Silence)
}

fn refused(facts: &Facts, again: &Again, by: Refusal) -> Found {
    let syns = &again.syn.copies;
    let what = match by {
        Refusal::Reset => "was refused by a RST",
        _ => "went unanswered",
    };
    let end = match again.handshake() {
        Some(ns) => format!(
            "the SYN-ACK came {} after the first of {} SYNs",
            seconds(ns),
            syns.count
        ),
        None => format!("the SYN was sent {}", times(syns.count)),
    };
    let message = format!(
        "a SYN {} after flow {} on the same addresses and ports {what}: something may still hold \
         the old connection; {end}",
        seconds(again.since),
        again.previous.flow
    );
    let frames = [Some(syns.first), again.answer];
    let frames = frames.into_iter().flatten().map(|at| at.frame);
    let found = Found::likely(Some(Side::Server), frames, message)
        .sure(Confidence::Possible)
        .with("refused_by", by.name());
    again.figures(found, facts)
}

/// A SYN within the server's TIME-WAIT that passes neither test of RFC 6191, and was taken all the
/// same.
pub(in crate::close) fn port_reused_too_soon(case: &Case) -> Founds {
    let facts = &case.facts;
    let Some(again) = Again::of(facts).filter(|again| again.within_time_wait(facts)) else {
        return Founds::new();
    };
    let previous = again.previous;
    let owned = again.server_owned(facts);
    let Some(answer) = again
        .answer
        .filter(|_| owned && facts.flow.old_ack().is_none())
    else {
        return Founds::new();
    };
    let higher = again.isn_step.is_none_or(|step| step > 0);
    let newer = again.tsval_step.is_some_and(|step| step > 0);
    if higher || newer {
        return Founds::new();
    }
    let message = format!(
        "the server took a SYN {} after flow {}, while its own TIME-WAIT should have run, with \
         neither a higher ISN nor a newer TSval (RFC 6191)",
        seconds(again.since),
        previous.flow
    );
    let frames = [
        previous.last.frame,
        again.syn.copies.first.frame,
        answer.frame,
    ];
    let found =
        Found::likely(Some(Side::Server), frames, message).with("seconds", as_seconds(again.since));
    smallvec![again.figures(found, facts)]
}
