//! How long each side was in which RFC 9293 state, derived from the events of a verdict.

use crate::close::facts::Facts;
use crate::close::states::{Passed, before, walk};
use crate::close::verdict::{Dwell, Dwells, PerSide, Side, State, Verdict};
use crate::flow::Seen;
use crate::stamp::Time;

/// The states of both sides in turn, those without a connection left out.
pub(super) fn dwells(facts: &Facts, verdict: &Verdict) -> Box<PerSide<Dwells>> {
    // Where they are to stay: they are too many bytes to be moved.
    let mut dwells = Box::<PerSide<Dwells>>::default();
    let PerSide { client, server } = &mut *dwells;
    let (mut client, mut server) = (Line::new(client), Line::new(server));
    let mut enter = |states: PerSide<State>, times: PerSide<Option<Time>>| {
        client.enter(states.client, times.client);
        server.enter(states.server, times.server);
    };
    let both = |time| PerSide {
        client: time,
        server: time,
    };
    enter(before(verdict), PerSide::default());
    walk(verdict, |passed| match passed {
        Passed::Event(step) => enter(step.states, both(step.event.time)),
        Passed::Opened(opened) => enter(opened.states, both(completed(facts))),
    });
    let expiry = |side| {
        let wait = verdict.time_wait.iter().find(|wait| wait.owner == side);
        wait.and_then(|wait| wait.end)
    };
    let expiries = PerSide {
        client: expiry(Side::Client),
        server: expiry(Side::Server),
    };
    enter(verdict.final_states, expiries);
    dwells
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
    last: Option<State>,
}

impl<'a> Line<'a> {
    const fn new(dwells: &'a mut Dwells) -> Self {
        Self { dwells, last: None }
    }

    /// The side is in this state now, whether it was before or not.
    #[inline]
    fn enter(&mut self, state: State, time: Option<Time>) {
        if self.last != Some(state) {
            self.change(state, time);
            self.last = Some(state);
        }
    }

    fn change(&mut self, state: State, time: Option<Time>) {
        let stays = self.last.is_some_and(has_connection);
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
