//! How long each side was in which RFC 9293 state, derived from the events of a verdict.

use crate::close::facts::Facts;
use crate::close::states::{Passed, before, walk};
use crate::close::verdict::{Dwell, Dwells, PerSide, Side, State, Verdict};
use crate::flow::Seen;
use crate::stamp::Time;

/// The states of both sides in turn, those without a connection left out.
pub(super) fn dwells(facts: &Facts, verdict: &Verdict) -> PerSide<Dwells> {
    let (mut client, mut server) = (Line::default(), Line::default());
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
    PerSide {
        client: client.dwells,
        server: server.dwells,
    }
}

/// When the client's first segment after the SYN-ACK passed.
fn completed(facts: &Facts) -> Option<Time> {
    let answer = facts.half(Side::Server).opening.as_ref()?;
    let acks = |s: &&Seen| !s.flags.rst() && s.acks(answer.end);
    let first = facts.sent_by(Side::Client).find(acks)?;
    Some(first.at().time)
}

/// The states of one side.
#[derive(Default)]
struct Line {
    dwells: Dwells,
    /// It is still in the last of them.
    stays: bool,
}

impl Line {
    /// The side is in this state now, whether it was before or not.
    #[inline]
    fn enter(&mut self, state: State, time: Option<Time>) {
        let is_last = |last: &Dwell| last.state == state;
        if !self.stays || !self.dwells.last().is_some_and(is_last) {
            self.change(state, time);
        }
    }

    fn change(&mut self, state: State, time: Option<Time>) {
        let len = self.dwells.len();
        let again = self.dwells.iter().rposition(|d| d.state == state);
        if let Some(again) = again.filter(|again| again + 2 >= len) {
            // The step was undone, or there was none.
            let stayed = self.stays && again + 1 == len;
            self.dwells.truncate(again + 1);
            if let Some(last) = self.dwells.last_mut().filter(|_| !stayed) {
                last.to = None;
            }
            self.stays = true;
            return;
        }
        if let Some(last) = self.dwells.last_mut().filter(|_| self.stays) {
            last.to = time;
        }
        self.stays = !matches!(state, State::Closed | State::Listen | State::Unknown);
        if self.stays {
            self.dwells.push(Dwell {
                state,
                from: time,
                to: None,
            });
        }
    }
}
