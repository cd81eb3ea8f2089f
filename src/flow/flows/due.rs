//! When a kept flow is looked at again.

use super::{Flows, Kept};
use crate::flow::agenda::Ticket;
use crate::flow::awake::AHEAD;
use crate::stamp::Time;
use smallvec::SmallVec;

impl Flows {
    /// When the next flow is to be looked at.
    #[inline]
    pub(in crate::flow) const fn next_due(&self) -> Time {
        self.agenda.next()
    }

    /// A flow that was quiet for so long that it may be over.
    pub(in crate::flow) fn due(&mut self, now: Time) -> Option<u32> {
        let mut later = SmallVec::<[(Time, Ticket); 4]>::new();
        let mut found = None;
        while let Some(ticket) = self.agenda.pop(now) {
            if self.ahead == 0 {
                self.look_ahead(ticket.at);
            }
            self.ahead -= 1;
            if !self.is_valid(ticket) {
                continue;
            }
            let mut due = self.quiet_since(ticket.at).plus(self.quiet);
            if due <= now {
                due = due.plus(self.patience(ticket.at));
            }
            if due <= now && !self.waits(ticket.at) {
                self.set_noted(ticket.at, false);
                found = Some(ticket.at);
                break;
            }
            // Not at once: at the end of all times it would be due again.
            later.push((due.max(now), ticket));
        }
        for (due, ticket) in later {
            self.agenda.add(due, ticket);
        }
        found
    }

    /// Reads what will be looked at together with this one.
    fn look_ahead(&mut self, first: u32) {
        let next = std::iter::once(first).chain(self.agenda.upcoming());
        let next: SmallVec<[u32; AHEAD]> = next.take(AHEAD).collect();
        self.touch_ahead(&next);
        self.ahead = next.len();
    }

    /// How much longer than others a flow is waited for: nothing is repeated sooner than a round trip
    /// later (RFC 6298 section 2), and where all came slowly what is missing may.
    fn patience(&mut self, at: u32) -> i64 {
        let slow = self.slow;
        let Some(flow) = self.facts(at) else {
            return 0;
        };
        let [a, b] = &flow.half;
        let rtt = a.rtt.unwrap_or(0).saturating_add(b.rtt.unwrap_or(0));
        let packets = i64::try_from(a.packets.saturating_add(b.packets)).unwrap_or(i64::MAX);
        let spacing = flow.last.time.since(flow.first.time) / packets.max(1);
        rtt.saturating_mul(2).max(spacing.saturating_mul(slow))
    }

    /// Puts a flow on the agenda if it may be over.
    pub(super) fn note(&mut self, at: u32, time: Time) {
        let Some(number) = self.number_of(at) else {
            return;
        };
        let entry = self.entries.get(at as usize);
        let wants = match entry.map(|entry| &entry.kept) {
            Some(Kept::Brief(brief)) => brief.may_be_over() && !brief.is_noted(),
            Some(Kept::Whole(place)) => {
                let flow = self.whole.get(*place);
                flow.is_some_and(|flow| flow.may_be_over() && !flow.noted && !flow.pending)
            }
            _ => false,
        };
        if wants {
            self.set_noted(at, true);
            let number = number as u32;
            self.agenda
                .add(time.plus(self.quiet), Ticket { at, number });
        }
    }

    fn set_noted(&mut self, at: u32, noted: bool) {
        match self.entries.get_mut(at as usize).map(|e| &mut e.kept) {
            Some(Kept::Brief(brief)) => brief.set_noted(noted),
            Some(Kept::Whole(place)) => {
                if let Some(flow) = self.whole.get_mut(*place) {
                    flow.noted = noted;
                }
            }
            _ => {}
        }
    }

    /// It is not known yet whether a SYN on its key is a new connection's.
    fn waits(&self, at: u32) -> bool {
        let Some(Kept::Whole(place)) = self.entries.get(at as usize).map(|entry| entry.kept) else {
            return false;
        };
        let flow = self.whole.get(place);
        flow.is_some_and(|flow| flow.beside.pending.is_some())
    }

    /// The time of its last segment, or of the first one of the connection that took its place.
    fn quiet_since(&mut self, at: u32) -> Time {
        match self.entries.get(at as usize).map(|entry| &entry.kept) {
            Some(Kept::Brief(brief)) => brief.last(&self.memory, &mut self.unpacked).time,
            Some(Kept::Whole(place)) => {
                let flow = self.whole.get(*place);
                let newer = flow.and_then(|flow| self.whole.get(flow.beside.newer?));
                let last = flow.map_or_else(Time::default, |flow| flow.last.time);
                newer.map_or(last, |newer| last.max(newer.first.time))
            }
            _ => Time::default(),
        }
    }

    fn is_valid(&self, ticket: Ticket) -> bool {
        self.number_of(ticket.at)
            .is_some_and(|number| number as u32 == ticket.number)
    }
}
