//! Which brief flows are not packed: those that began last. Those that were packed stay so.

use crate::stamp::Time;
use std::collections::VecDeque;

/// Flows whose segments are read ahead of their turn: their cache misses overlap.
pub(super) const AHEAD: usize = 16;
/// So many at most: packing a flow and reading it again takes a tenth of the time that a short one
/// takes in all.
const MOST: usize = 1 << 17;
/// So many where memory is dear.
const FEW: usize = 1 << 14;
/// For so long then: whoever answers does it sooner.
const PATIENCE: u32 = 15;
/// In units of an eighth of a second.
const UNIT: u32 = 27;

#[derive(Clone, Copy, Debug)]
struct Waiting {
    at: u32,
    since: u32,
}

/// The flows that are not packed, the longest waiting first.
#[derive(Debug)]
pub(super) struct Awake {
    waiting: VecDeque<Waiting>,
    most: usize,
    /// Memory is dear.
    sparing: bool,
}

impl Default for Awake {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            most: MOST,
            sparing: false,
        }
    }
}

impl Awake {
    /// So many at most.
    #[cfg(test)]
    pub(super) const fn limit(&mut self, most: usize) {
        self.most = most;
    }

    /// Memory is dear from now on. It stays so when there are fewer flows again: what packed ones
    /// have taken serves no others.
    pub(super) fn spare(&mut self) {
        self.sparing = true;
        self.most = self.most.min(FEW);
    }

    /// One more, at the place `at`.
    pub(super) fn add(&mut self, at: u32, now: Time) {
        let since = unit(now);
        self.waiting.push_back(Waiting { at, since });
    }

    /// Some have to be packed.
    pub(super) fn has_excess(&self, now: Time) -> bool {
        self.count(now) > 0
    }

    /// The first ones, if they have to be packed: several at once, so that their cache misses overlap.
    pub(super) fn excess(&mut self, now: Time) -> impl Iterator<Item = u32> {
        let count = self.count(now);
        self.waiting.drain(..count).map(|waiting| waiting.at)
    }

    fn count(&self, now: Time) -> usize {
        let len = self.waiting.len();
        if len >= self.most + self.most.min(AHEAD / 2) {
            // Two for one, so that there soon are fewer where there may be fewer.
            return (len - self.most).min(AHEAD);
        }
        let late = |waiting: &Waiting| unit(now).wrapping_sub(waiting.since) > PATIENCE;
        if self.sparing && self.waiting.get(AHEAD - 1).is_some_and(late) {
            return AHEAD;
        }
        0
    }
}

const fn unit(time: Time) -> u32 {
    (time.0.cast_unsigned() >> UNIT) as u32
}

#[cfg(test)]
mod tests {
    use super::{AHEAD, Awake, FEW};
    use crate::stamp::{SECOND, Time};

    #[test]
    fn the_longest_waiting_are_packed_first() {
        let mut awake = Awake::default();
        awake.limit(10);
        for at in 0..18 {
            assert!(!awake.has_excess(Time(0)));
            assert_eq!(awake.excess(Time(0)).count(), 0);
            awake.add(at, Time(0));
        }
        assert!(awake.has_excess(Time(0)));
        assert!(awake.excess(Time(0)).eq(0..8));
        assert_eq!(awake.excess(Time(0)).count(), 0);
    }

    #[test]
    fn where_memory_is_dear_nobody_waits_long() {
        let mut awake = Awake::default();
        (0..20).for_each(|at| awake.add(at, Time(0)));
        assert_eq!(awake.excess(Time(10 * SECOND)).count(), 0);
        awake.spare();
        assert_eq!(awake.most, FEW);
        assert_eq!(awake.excess(Time(SECOND)).count(), 0);
        assert_eq!(awake.excess(Time(3 * SECOND)).count(), AHEAD);
        assert_eq!(awake.excess(Time(3 * SECOND)).count(), 0);
    }
}
