//! How long each side was in which RFC 9293 state, derived from the events of a verdict.

use crate::close::facts::Facts;
use crate::close::states::{Course, Passed, before, walk};
use crate::close::verdict::{Dwell, Dwells, PerSide, Side, State, Verdict};
use crate::flow::Seen;
use crate::stamp::Time;
use std::mem::replace;

/// Tells the verdict the states of both sides in turn, those without a connection left out.
pub(super) fn tell(facts: &Facts, verdict: &mut Verdict) {
    let (course, dwells) = Course::and_states(verdict);
    let PerSide { client, server } = dwells.insert(PerSide::default());
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
        line.end(*course.final_states.of(side), || expiry(&course, side));
    }
}

/// When the TIME-WAIT of `side` ended.
fn expiry(course: &Course, side: Side) -> Option<Time> {
    let wait = course.time_wait.iter().find(|wait| wait.owner == side);
    wait.and_then(|wait| wait.end)
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
    dwells: &'a mut Dwells,
    /// The last state it was in, with a connection or without.
    last: State,
}

impl<'a> Line<'a> {
    #[inline]
    fn new(dwells: &'a mut Dwells, state: State) -> Self {
        let mut line = Self {
            dwells,
            last: state,
        };
        line.begin(state, None);
        line
    }

    /// The side is in this state now, whether it was before or not.
    #[inline]
    fn enter(&mut self, state: State, time: Option<Time>) {
        if self.last != state {
            self.change(state, time);
        }
    }

    /// The state at the end of the capture. Mostly that of the last event: then nobody asks when.
    #[inline]
    fn end(mut self, state: State, time: impl FnOnce() -> Option<Time>) {
        if self.last != state {
            self.change(state, time());
        }
    }

    fn change(&mut self, state: State, time: Option<Time>) {
        let stays = has_connection(replace(&mut self.last, state));
        match self.dwells.as_mut_slice() {
            // The step was undone, or there was none.
            [.., last] if last.state == state => {
                last.to = None;
                return;
            }
            [.., before, _] if before.state == state => {
                before.to = None;
                self.dwells.pop();
                return;
            }
            [.., last] if stays => last.to = time,
            _ => {}
        }
        self.begin(state, time);
    }

    #[inline]
    fn begin(&mut self, state: State, time: Option<Time>) {
        if has_connection(state) {
            self.dwells.push(Dwell {
                state,
                from: time,
                to: None,
            });
        }
    }
}

const fn has_connection(state: State) -> bool {
    !matches!(state, State::Closed | State::Listen | State::Unknown)
}
