//! Both sides' RFC 9293 states while a connection closes, derived from the events of its verdict.
//!
//! The rule is that of the report's `final_states`: a step caused by a segment is taken when that
//! segment passed the capture point, and undone if its receiver later shows otherwise (a repeat).
//! The states are told, never decided: the judgement rests on acknowledgement numbers.

use crate::close::verdict::{
    AbortCause, AbortedBy, CloseEntry, CloseEvent, Dwells, EndedBy, Event, FinalAck, Outcome,
    PerSide, Reset, RstFate, Side, State, TimeWait, Verdict,
};
use crate::seq::SeqNum;

/// The states of both sides from before the first event to the end of the capture.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Timeline<'a> {
    /// Before the first event.
    pub before: PerSide<State>,
    /// That the handshake was completed, where the list of events holds the opening.
    pub opened: Option<Opened>,
    /// Each event in turn, and the states after it.
    pub steps: Vec<Step<'a>>,
    /// At the end of the capture: the verdict's own `final_states`.
    pub end: PerSide<State>,
}

/// The handshake was completed by a segment that is no event of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// The event before which that happened; `None`: behind the last one.
    pub before: Option<u64>,
    /// The states then.
    pub states: PerSide<State>,
}

/// An event and the states after it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step<'a> {
    /// What passed the capture point.
    pub event: &'a CloseEvent,
    /// The states then.
    pub states: PerSide<State>,
}

/// Derives the states. Where the list of events was cut, the last step is not the end.
pub fn timeline(verdict: &Verdict) -> Timeline<'_> {
    let course = Course::of(verdict);
    let before = before(&course);
    let mut timeline = Timeline {
        before,
        opened: None,
        steps: Vec::new(),
        end: verdict.final_states,
    };
    walk(&course, before, |passed| match passed {
        Passed::Event(step) => timeline.steps.push(step),
        Passed::Opened(opened) => timeline.opened = Some(opened),
    });
    timeline
}

/// What of a verdict the states follow from.
pub(super) struct Course<'a> {
    outcome: Outcome,
    abort_cause: Option<AbortCause>,
    aborted_by: Option<AbortedBy>,
    final_ack: FinalAck,
    pub(super) final_states: PerSide<State>,
    pub(super) time_wait: &'a [TimeWait],
    close: &'a [CloseEntry],
    resets: &'a [Reset],
}

impl<'a> Course<'a> {
    pub(super) fn of(verdict: &'a Verdict) -> Self {
        Self {
            outcome: verdict.outcome,
            abort_cause: verdict.abort_cause,
            aborted_by: verdict.aborted_by,
            final_ack: verdict.final_ack,
            final_states: verdict.final_states,
            time_wait: &verdict.time_wait,
            close: &verdict.close,
            resets: &verdict.resets,
        }
    }

    /// The same, and where the states of its sides are to stand: too many bytes to be moved.
    pub(super) fn beside(verdict: &'a mut Verdict) -> (Self, &'a mut Option<PerSide<Dwells>>) {
        let Verdict {
            outcome,
            abort_cause,
            aborted_by,
            final_ack,
            final_states,
            time_wait,
            close,
            resets,
            states,
            ..
        } = verdict;
        let course = Self {
            outcome: *outcome,
            abort_cause: *abort_cause,
            aborted_by: *aborted_by,
            final_ack: *final_ack,
            final_states: *final_states,
            time_wait,
            close,
            resets,
        };
        (course, states)
    }
}

/// What changes the states.
pub(super) enum Passed<'a> {
    /// An event.
    Event(Step<'a>),
    /// The handshake was completed.
    Opened(Opened),
}

/// Tells every change in turn, from the states [`before`].
pub(super) fn walk<'a>(
    course: &Course<'a>,
    states: PerSide<State>,
    mut see: impl FnMut(Passed<'a>),
) {
    let mut walk = Walk {
        course,
        states,
        fin_ends: PerSide::default(),
    };
    let events = course.close;
    // A RST before the last SYN answers an older connection.
    let opening = events.iter().rposition(opens).map_or(0, |last| last + 1);
    let (opening, rest) = events.split_at(opening);
    for (events, behind) in [(opening, Some(rest)), (rest, None)] {
        for event in events.iter().filter_map(event) {
            see(Passed::Event(walk.step(event)));
        }
        if let Some(rest) = behind
            && !opening.is_empty()
            && let Some(opened) = walk.open(rest.iter().find_map(event).map(|event| event.frame))
        {
            see(Passed::Opened(opened));
        }
    }
}

const fn event(entry: &CloseEntry) -> Option<&CloseEvent> {
    match entry {
        CloseEntry::Event(event) => Some(event),
        CloseEntry::More { .. } => None,
    }
}

fn opens(entry: &CloseEntry) -> bool {
    event(entry).is_some_and(|event| matches!(event.event, Event::Syn | Event::SynAck))
}

/// The states before the first event.
pub(super) fn before(course: &Course) -> PerSide<State> {
    let server = match (course.outcome, course.final_states.server) {
        (Outcome::Refused, _) => State::Closed,
        (_, State::Unknown) => State::Unknown,
        _ => State::Listen,
    };
    let opened = |end| match end {
        State::Unknown => State::Unknown,
        _ => State::Established,
    };
    let end = course.final_states;
    match (course.close.first(), course.outcome) {
        (Some(CloseEntry::Event(event)), _) if event.event == Event::Syn => PerSide {
            client: State::Closed,
            server,
        },
        (Some(CloseEntry::Event(event)), _) if event.event == Event::SynAck => PerSide {
            client: State::SynSent,
            server,
        },
        (_, Outcome::Refused | Outcome::Unanswered | Outcome::HandshakeIncomplete) => PerSide {
            client: State::SynSent,
            server,
        },
        _ => PerSide {
            client: opened(end.client),
            server: opened(end.server),
        },
    }
}

/// The way through the events.
struct Walk<'w, 'a> {
    course: &'w Course<'a>,
    states: PerSide<State>,
    /// The number behind each side's FIN, once it was seen.
    fin_ends: PerSide<Option<SeqNum>>,
}

impl<'a> Walk<'_, 'a> {
    /// The handshake was completed between two events, unless the verdict denies that.
    fn open(&mut self, before: Option<u64>) -> Option<Opened> {
        use Outcome::{HandshakeIncomplete, Indeterminate, Refused, Unanswered};
        let course = self.course;
        let never = [Refused, Unanswered, HandshakeIncomplete, Indeterminate];
        let rejected = course.abort_cause == Some(AbortCause::HandshakeRejected);
        if rejected || never.contains(&course.outcome) {
            return None;
        }
        self.states = PerSide {
            client: State::Established,
            server: State::Established,
        };
        let states = self.states;
        Some(Opened { before, states })
    }

    fn step(&mut self, event: &'a CloseEvent) -> Step<'a> {
        match event.event {
            Event::Syn => self.syn(event.from),
            Event::SynAck => self.syn_ack(event.from),
            Event::Rst => self.rst(event),
            _ => self.established(event),
        }
        let states = self.states;
        Step { event, states }
    }

    /// An event of a connection that is open, or was.
    fn established(&mut self, event: &CloseEvent) {
        for side in [Side::Client, Side::Server] {
            let state = slot(&mut self.states, side);
            if matches!(*state, State::SynSent | State::SynReceived) {
                *state = State::Established;
            }
        }
        let covers_peer = self.covers_peer(event);
        match event.event {
            Event::Fin => self.fin_sent(event, !covers_peer),
            Event::FinAgain => self.repeated(event.from),
            _ => {}
        }
        if event.event == Event::FinAcked || covers_peer {
            self.fin_acknowledged(event.from.peer());
        }
        if event.event == Event::Fin {
            self.fin_received(event.from.peer());
        }
    }

    fn syn(&mut self, from: Side) {
        let peer = slot(&mut self.states, from.peer());
        if *peer == State::SynSent {
            *peer = State::SynReceived;
        }
        let own = slot(&mut self.states, from);
        if matches!(*own, State::Closed | State::Listen | State::Unknown) {
            *own = State::SynSent;
        }
    }

    fn syn_ack(&mut self, from: Side) {
        *slot(&mut self.states, from) = State::SynReceived;
        let peer = slot(&mut self.states, from.peer());
        if *peer == State::SynSent && self.course.outcome != Outcome::HandshakeIncomplete {
            *peer = State::Established;
        }
    }

    /// The sender's step. A FIN that does not cover the peer's, though that has passed, was sent
    /// before it arrived: the two crossed.
    fn fin_sent(&mut self, event: &CloseEvent, crossed: bool) {
        let fin = SeqNum(event.seq).plus(event.len);
        *slot(&mut self.fin_ends, event.from) = Some(fin.plus(1));
        let state = slot(&mut self.states, event.from);
        *state = match *state {
            State::CloseWait if crossed => State::Closing,
            State::CloseWait => State::LastAck,
            State::Established => State::FinWait1,
            other => other,
        };
    }

    /// Does the event acknowledge the FIN of its receiver?
    fn covers_peer(&self, event: &CloseEvent) -> bool {
        let fin_end = *self.fin_ends.of(event.from.peer());
        fin_end.is_some_and(|end| event.ack.is_some_and(|ack| SeqNum(ack).at_or_after(end)))
    }

    /// The FIN of `side` was acknowledged.
    fn fin_acknowledged(&mut self, side: Side) {
        let state = slot(&mut self.states, side);
        *state = match *state {
            State::FinWait1 => State::FinWait2,
            State::Closing => State::TimeWait,
            State::LastAck => State::Closed,
            other => other,
        };
    }

    /// The peer's FIN reached `side`.
    fn fin_received(&mut self, side: Side) {
        // Never acknowledged: as far as the capture shows it did not arrive.
        let arrived = self.course.outcome != Outcome::FinUnacked;
        let state = slot(&mut self.states, side);
        *state = match *state {
            State::Established if arrived => State::CloseWait,
            State::FinWait1 => State::Closing,
            State::FinWait2 => State::TimeWait,
            other => other,
        };
    }

    /// `side` sent its FIN again: the ACK of it had not arrived.
    fn repeated(&mut self, side: Side) {
        let crossed = self.course.final_ack == FinalAck::Seen;
        let state = slot(&mut self.states, side);
        *state = match *state {
            State::FinWait2 => State::FinWait1,
            State::Closed if !crossed => State::LastAck,
            other => other,
        };
    }

    fn rst(&mut self, event: &CloseEvent) {
        let known = self.course.resets.iter().rev();
        let mut known = known.filter(|rst| rst.from == event.from && rst.frame <= event.frame);
        let effective = known
            .next()
            .is_some_and(|rst| rst.fate == RstFate::Effective);
        if effective && self.course.aborted_by.is_some() {
            self.states = PerSide {
                client: State::Closed,
                server: State::Closed,
            };
        }
        for wait in self.course.time_wait {
            // Its peer's RST ended it, or its owner answers without a socket.
            let over = match wait.ended_by {
                EndedBy::Reset => wait.owner != event.from,
                EndedBy::Gone => wait.owner == event.from,
                _ => false,
            };
            let state = slot(&mut self.states, wait.owner);
            if over && *state == State::TimeWait {
                *state = State::Closed;
            }
            // The answer of a host that has none ends its peer's state, too (RFC 9293 section 3.10.7.4).
            let peer = slot(&mut self.states, wait.owner.peer());
            if over && wait.ended_by == EndedBy::Gone && *peer == State::LastAck {
                *peer = State::Closed;
            }
        }
    }
}

fn slot<T>(sides: &mut PerSide<T>, side: Side) -> &mut T {
    match side {
        Side::Client => &mut sides.client,
        Side::Server => &mut sides.server,
    }
}

#[cfg(test)]
mod tests {
    use super::timeline;
    use crate::close::verdict::{PerSide, State, Verdict};
    use serde_json::{Value, json};

    const FILTER: &str = "ip.addr == 10.0.0.1 && ip.addr == 10.0.0.2 && tcp.port == 40000 && \
        tcp.port == 80 && frame.number >= 1 && frame.number <= 9";

    /// A verdict with these events: sender, event, SEQ, ACK, length.
    fn verdict(changes: &Value, events: &[(&str, &str, u32, u32, u32)]) -> Verdict {
        let events = events
            .iter()
            .zip(1..)
            .map(|(&(from, event, seq, ack, len), frame)| {
                json!({"frame":frame,"time":null,"from":from,"event":event,"seq":seq,"ack":ack,
                "len":len})
            });
        let mut verdict = json!({"schema":1,"flow":0,"source":"-",
            "client":{"addr":"10.0.0.1","port":40000},"server":{"addr":"10.0.0.2","port":80},
            "roles_from":"syn","start":null,"end":null,"first_frame":1,"last_frame":9,
            "packets":{"client":1,"server":1},"payload_bytes":{"client":0,"server":0},
            "outcome":"graceful","active_closer":"client","aborted_by":null,"abort_cause":null,
            "cause_confidence":null,"cause_alternatives":[],"final_ack":"seen",
            "confidence":"likely","reason":"","time_wait":[],
            "final_states":{"client":"CLOSED","server":"CLOSED"},
            "close":events.collect::<Vec<_>>(),"resets":[],"findings":[],"previous_flow":null,
            "wireshark_filter":FILTER,"zeek":{"conn_state":"OTH","history":""}});
        for (name, value) in changes.as_object().unwrap() {
            verdict[name] = value.clone();
        }
        serde_json::from_value(verdict).unwrap()
    }

    /// The states before the first event and after each, as `client/server`.
    fn states(verdict: &Verdict) -> Vec<String> {
        let text = |s: PerSide<State>| format!("{}/{}", s.client, s.server);
        let timeline = timeline(verdict);
        assert_eq!(timeline.end, verdict.final_states);
        let steps = timeline.steps.iter().map(|step| text(step.states));
        std::iter::once(text(timeline.before))
            .chain(steps)
            .collect()
    }

    #[test]
    fn four_segments() {
        let verdict = verdict(
            &json!({}),
            &[
                ("client", "fin", 121, 5401, 0),
                ("server", "fin-acked", 5401, 122, 0),
                ("server", "fin", 5401, 122, 0),
                ("client", "fin-acked", 122, 5402, 0),
            ],
        );
        assert_eq!(
            states(&verdict),
            [
                "ESTABLISHED/ESTABLISHED",
                "FIN-WAIT-1/CLOSE-WAIT",
                "FIN-WAIT-2/CLOSE-WAIT",
                "TIME-WAIT/LAST-ACK",
                "TIME-WAIT/CLOSED",
            ]
        );
    }

    #[test]
    fn three_segments_with_data_in_a_fin_that_wraps() {
        let verdict = verdict(
            &json!({}),
            &[
                ("server", "fin", u32::MAX - 9, 50, 10),
                ("client", "fin", 50, 1, 0),
                ("server", "fin-acked", 1, 51, 0),
            ],
        );
        assert_eq!(
            states(&verdict)[1..],
            [
                "CLOSE-WAIT/FIN-WAIT-1",
                "LAST-ACK/TIME-WAIT",
                "CLOSED/TIME-WAIT",
            ]
        );
    }

    #[test]
    fn crossing_fins() {
        let verdict = verdict(
            &json!({"outcome":"simultaneous"}),
            &[
                ("client", "fin", 10, 20, 0),
                ("server", "fin", 20, 10, 0),
                ("client", "fin-acked", 11, 21, 0),
                ("server", "fin-acked", 21, 11, 0),
            ],
        );
        assert_eq!(
            states(&verdict)[1..],
            [
                "FIN-WAIT-1/CLOSE-WAIT",
                "CLOSING/CLOSING",
                "CLOSING/TIME-WAIT",
                "TIME-WAIT/TIME-WAIT",
            ]
        );
    }

    #[test]
    fn a_repeat_undoes_what_its_sender_had_not_received() {
        let events = [
            ("client", "fin", 10, 20, 0),
            ("server", "fin", 20, 11, 0),
            ("client", "fin-acked", 11, 21, 0),
            ("server", "fin-again", 20, 11, 0),
            ("client", "time-wait-ack", 11, 21, 0),
        ];
        let lost = verdict(&json!({"final_ack":"lost-after"}), &events);
        assert_eq!(
            states(&lost)[3..],
            ["TIME-WAIT/CLOSED", "TIME-WAIT/LAST-ACK", "TIME-WAIT/CLOSED",]
        );
        let crossed = verdict(&json!({}), &events);
        assert_eq!(states(&crossed)[4], "TIME-WAIT/CLOSED");
        let first = verdict(
            &json!({}),
            &[
                ("client", "fin", 10, 20, 0),
                ("server", "fin-acked", 20, 11, 0),
                ("client", "fin-again", 10, 20, 0),
                ("server", "fin", 20, 11, 0),
            ],
        );
        assert_eq!(
            states(&first)[2..],
            [
                "FIN-WAIT-2/CLOSE-WAIT",
                "FIN-WAIT-1/CLOSE-WAIT",
                "TIME-WAIT/LAST-ACK",
            ]
        );
    }

    #[test]
    fn only_an_effective_reset_ends_it() {
        let rst = |fate: &str| {
            let rst = json!([{"frame":2,"time":null,"from":"server","form":"active",
                "fit":"exact","fate":fate,"copies":2}]);
            let events = [
                ("client", "fin", 10, 20, 0),
                ("server", "rst", 20, 10, 0),
                ("server", "rst", 20, 10, 0),
            ];
            states(&verdict(
                &json!({"outcome":"aborted-after-fin","aborted_by":"server","resets":rst}),
                &events,
            ))
        };
        assert_eq!(rst("effective")[2..], ["CLOSED/CLOSED", "CLOSED/CLOSED"]);
        assert_eq!(rst("ignored")[2], "FIN-WAIT-1/CLOSE-WAIT");
    }

    #[test]
    fn a_reset_may_end_time_wait() {
        let wait = json!([{"owner":"client","start":null,"end":null,"ended_by":"reset",
            "basis":"rule","confidence":"likely","restarts":0}]);
        let events = [
            ("client", "fin", 10, 20, 0),
            ("server", "fin", 20, 11, 0),
            ("client", "fin-acked", 11, 21, 0),
            ("server", "rst", 21, 0, 0),
        ];
        let reset = states(&verdict(&json!({"time_wait":wait}), &events));
        assert_eq!(reset[4], "CLOSED/CLOSED");
        assert_eq!(states(&verdict(&json!({}), &events))[4], "TIME-WAIT/CLOSED");
    }

    #[test]
    fn the_opening() {
        let syn = ("client", "syn", 0, 0, 0);
        let unanswered = json!({"outcome":"unanswered",
            "final_states":{"client":"SYN-SENT","server":"unknown"}});
        assert_eq!(
            states(&verdict(&unanswered, &[syn, syn])),
            ["CLOSED/unknown", "SYN-SENT/unknown", "SYN-SENT/unknown",]
        );
        let rst = json!([{"frame":2,"time":null,"from":"server","form":"reply","fit":"exact",
            "fate":"effective","copies":1}]);
        let refused = json!({"outcome":"refused","aborted_by":"server","resets":rst});
        assert_eq!(
            states(&verdict(&refused, &[syn, ("server", "rst", 0, 1, 0)])),
            ["CLOSED/CLOSED", "SYN-SENT/CLOSED", "CLOSED/CLOSED",]
        );
        let syn_ack = ("server", "syn-ack", 0, 1, 0);
        let incomplete = json!({"outcome":"handshake-incomplete"});
        assert_eq!(
            states(&verdict(&incomplete, &[syn, syn_ack]))[2],
            "SYN-SENT/SYN-RECEIVED"
        );
        let closed = [syn, syn_ack, ("server", "fin", 1, 1, 0)];
        assert_eq!(
            states(&verdict(&json!({}), &closed)),
            [
                "CLOSED/LISTEN",
                "SYN-SENT/LISTEN",
                "ESTABLISHED/SYN-RECEIVED",
                "CLOSE-WAIT/FIN-WAIT-1",
            ]
        );
        assert_eq!(
            states(&verdict(&json!({}), &[syn_ack]))[0],
            "SYN-SENT/LISTEN"
        );
        assert_eq!(states(&verdict(&incomplete, &[]))[0], "SYN-SENT/LISTEN");
    }

    #[test]
    fn a_reset_between_two_syns_opens_nothing() {
        let events = [
            ("client", "syn", 0, 0, 0),
            ("client", "rst", 4_000_000_000, 0, 0),
            ("client", "syn", 0, 0, 0),
            ("server", "syn-ack", 0, 1, 0),
            ("client", "fin", 1, 1, 0),
        ];
        let verdict = verdict(&json!({}), &events);
        assert_eq!(states(&verdict)[2], "SYN-SENT/LISTEN");
        let opened = timeline(&verdict).opened.unwrap();
        assert_eq!(opened.before, Some(5));
        assert_eq!(opened.states.server, State::Established);
    }

    #[test]
    fn both_open_at_once() {
        let events = [("client", "syn", 0, 0, 0), ("server", "syn", 0, 0, 0)];
        assert_eq!(
            states(&verdict(&json!({}), &events))[1..],
            ["SYN-SENT/LISTEN", "SYN-RECEIVED/SYN-SENT",]
        );
    }

    #[test]
    fn a_side_never_seen_stays_unknown() {
        let one_way = json!({"final_states":{"client":"unknown","server":"ESTABLISHED"}});
        assert_eq!(states(&verdict(&one_way, &[])), ["unknown/ESTABLISHED"]);
    }

    #[test]
    fn a_reset_before_the_effective_one_ends_nothing() {
        let resets = json!([
            {"frame":2,"time":null,"from":"server","form":"reply","fit":"outside",
                "fate":"ignored","copies":1},
            {"frame":3,"time":null,"from":"server","form":"active","fit":"exact",
                "fate":"effective","copies":1}]);
        let events = [
            ("client", "fin", 10, 20, 0),
            ("server", "rst", 99, 0, 0),
            ("server", "rst", 20, 10, 0),
        ];
        let verdict = verdict(&json!({"aborted_by":"server","resets":resets}), &events);
        assert_eq!(
            states(&verdict)[2..],
            ["FIN-WAIT-1/CLOSE-WAIT", "CLOSED/CLOSED"]
        );
    }

    #[test]
    fn an_owner_that_answers_without_a_socket_has_no_time_wait() {
        let wait = json!([{"owner":"client","start":null,"end":null,"ended_by":"gone",
            "basis":"rule","confidence":"likely","restarts":0}]);
        let of = |from| {
            let events = [
                ("client", "fin", 10, 20, 0),
                ("server", "fin", 20, 11, 0),
                ("client", "fin-acked", 11, 21, 0),
                (from, "rst", 21, 0, 0),
            ];
            states(&verdict(&json!({"time_wait":wait}), &events)).remove(4)
        };
        assert_eq!(of("client"), "CLOSED/CLOSED");
        assert_eq!(of("server"), "TIME-WAIT/CLOSED");
    }
}
