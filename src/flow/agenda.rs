//! Which flow is to be looked at when.

use crate::stamp::{SECOND, Time};
use std::collections::{BTreeMap, VecDeque};

/// A flow's place, and the lower half of its number: the place may be another flow's by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) at: u32,
    pub(super) number: u32,
}

/// Flows by the second in which they are due.
#[derive(Debug)]
pub(super) struct Agenda {
    seconds: BTreeMap<i64, VecDeque<Ticket>>,
    /// When the next one is due: asked at every record.
    next: Time,
}

impl Default for Agenda {
    fn default() -> Self {
        Self {
            seconds: BTreeMap::new(),
            next: Time(i64::MAX),
        }
    }
}

impl Agenda {
    /// Notes a flow for the first whole second after `due`.
    pub(super) fn add(&mut self, due: Time, ticket: Ticket) {
        let second = due.0.div_euclid(SECOND).saturating_add(1);
        // Most are due in the last second of all.
        match self.seconds.last_entry() {
            Some(mut last) if *last.key() == second => last.get_mut().push_back(ticket),
            last => {
                if let Some(mut last) = last
                    && *last.key() < second
                {
                    // Little is added to it from now on, and it is kept for a minute.
                    last.get_mut().shrink_to_fit();
                }
                self.seconds.entry(second).or_default().push_back(ticket);
            }
        }
        self.next = self.next.min(begin(second));
    }

    /// When the next one is due; the end of all times if there is none.
    #[inline]
    pub(super) const fn next(&self) -> Time {
        self.next
    }

    /// Some of those that are due next, in order.
    pub(super) fn upcoming(&self) -> impl Iterator<Item = u32> {
        let first = self.seconds.first_key_value();
        first
            .into_iter()
            .flat_map(|(_, tickets)| tickets.iter().map(|ticket| ticket.at))
    }

    /// Takes out one that is due.
    pub(super) fn pop(&mut self, now: Time) -> Option<Ticket> {
        if self.next > now {
            return None;
        }
        let mut first = self.seconds.first_entry()?;
        let ticket = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
            let next = self.seconds.first_key_value();
            self.next = next.map_or(Time(i64::MAX), |(&second, _)| begin(second));
        }
        ticket
    }
}

const fn begin(second: i64) -> Time {
    Time(second.saturating_mul(SECOND))
}

#[cfg(test)]
mod tests {
    use super::{Agenda, Ticket};
    use crate::stamp::{SECOND, Time};

    #[test]
    fn by_the_second() {
        let mut agenda = Agenda::default();
        let ticket = |at| Ticket { at, number: 0 };
        agenda.add(Time(3 * SECOND + 1), ticket(1));
        agenda.add(Time(-SECOND * 3 / 2), ticket(2));
        assert_eq!(agenda.next(), Time(-SECOND));
        assert_eq!(agenda.pop(Time(-SECOND - 1)), None);
        assert_eq!(agenda.pop(Time(-SECOND)), Some(ticket(2)));
        assert_eq!(agenda.pop(Time(4 * SECOND - 1)), None);
        assert_eq!(agenda.pop(Time(4 * SECOND)), Some(ticket(1)));
        assert_eq!(agenda.pop(Time(i64::MAX)), None);
        agenda.add(Time(i64::MAX), ticket(3));
        assert_eq!(agenda.pop(Time(i64::MAX)), Some(ticket(3)));
    }
}
