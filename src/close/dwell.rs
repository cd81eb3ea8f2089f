//! How long each side was in which RFC 9293 state, derived from the events of a verdict.

use crate::close::facts::Facts;
use crate::close::states::{Course, Passed, before, walk};
use crate::close::verdict::{Dwell, Dwells, PerSide, Side, State, Verdict};
use crate::flow::Seen;
use crate::stamp::Time;

/// Tells the verdict the states of both sides in turn, those without a connection left out.
pub(super) fn tell(facts: &Facts, verdict: &mut Verdict) {
    let (course, told) = Course::beside(verdict);
    let PerSide { client, server } = told.get_or_insert_default();
    let states = before(&course);
    let mut client = Line::new(client, states.client);
    let mut server = Line::new(server, states.server);
    walk(&course, states, |passed| {
        let (states, time) = match passed {
            Passed::Event(step) => (step.states, step.event.time),
            Passed::Opened(opened) => (opened.states, completed(facts)),
        };
        client.enter(states.client, time);
        server.enter(states.server, time);
    });
    for (line, side) in [(client, Side::Client), (server, Side::Server)] {
        let over = || expiry(&course, side).or_else(|| replaced(facts, side));
        line.end(*course.final_states.of(side), over);
    }
}

/// When the TIME-WAIT of `side` ended.
fn expiry(course: &Course, side: Side) -> Option<Time> {
    let wait = course.time_wait.iter().find(|wait| wait.owner == side);
    wait.and_then(|wait| wait.end)
}

/// When the connection that follows on the same ends took the place of `side`'s socket: its opener has
/// none when it sends the SYN; the other host's is ended by the opener's RST, or by the SYN itself.
fn replaced(facts: &Facts, side: Side) -> Option<Time> {
    let next = facts.flow.next.as_ref()?;
    let (syn, answer) = (next.syn?.at, next.syn_ack?);
    if facts.side(next.opener?) == side {
        return Some(syn.time);
    }
    Some(next.old_rst.unwrap_or(answer).time)
}

/// When the client's first segment after the SYN-ACK passed.
fn completed(facts: &Facts) -> Option<Time> {
    let answer = facts.half(Side::Server).opening.as_ref()?;
    let acks = |s: &&Seen| !s.flags.rst() && s.acks(answer.end);
    let first = facts.sent_by(Side::Client).find(acks)?;
    Some(first.at().time)
}

/// The states of one side.
struct Line<'a> {
    /// Those that are over, the ones without a connection left out.
    over: &'a mut Dwells,
    /// The last of those.
    before: Option<State>,
    /// The state it is in, with a connection or without, and since when.
    state: State,
    from: Option<Time>,
}

impl<'a> Line<'a> {
    const fn new(over: &'a mut Dwells, state: State) -> Self {
        let (before, from) = (None, None);
        Self {
            over,
            before,
            state,
            from,
        }
    }

    /// The side is in this state now, whether it was before or not.
    #[inline]
    fn enter(&mut self, state: State, time: Option<Time>) {
        if self.state != state {
            self.change(state, time);
        }
    }

    /// The state at the end of the capture. Mostly that of the last event: then nobody asks when.
    #[inline]
    fn end(mut self, state: State, time: impl FnOnce() -> Option<Time>) {
        if self.state != state {
            self.change(state, time());
        }
        self.leave(None);
    }

    fn change(&mut self, state: State, time: Option<Time>) {
        if self.before == Some(state) || !has_connection(self.state) && self.came_from(state) {
            return self.go_back();
        }
        self.leave(time);
        (self.state, self.from) = (state, time);
    }

    /// The last state with a connection but one was this one. Then the last one is taken back.
    fn came_from(&mut self, state: State) -> bool {
        let came = matches!(self.over.as_slice(), [.., before, _] if before.state == state);
        if came {
            self.over.pop();
        }
        came
    }

    /// The step into the state was undone, or there was none: the one before goes on.
    #[cold]
    fn go_back(&mut self) {
        if let Some(before) = self.over.pop() {
            (self.state, self.from) = (before.state, before.from);
        }
        self.before = self.over.last().map(|dwell| dwell.state);
    }

    #[inline]
    fn leave(&mut self, to: Option<Time>) {
        let (state, from) = (self.state, self.from);
        if has_connection(state) {
            self.over.push(Dwell { state, from, to });
            self.before = Some(state);
        }
    }
}

const fn has_connection(state: State) -> bool {
    !matches!(state, State::Closed | State::Listen | State::Unknown)
}
