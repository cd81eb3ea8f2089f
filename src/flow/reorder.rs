//! Records that stand a little out of order (several receive queues, several taps) in the order of
//! their times.

use crate::flow::key::Key;
use crate::flow::seen::Seen;
use crate::stamp::{REORDER_WINDOW, Time};

/// A segment on its way to its flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) key: Key,
    pub(super) hash: u64,
    pub(super) seen: Seen,
    /// The flow it seems to belong to, once that was looked up.
    pub(super) flow: Option<u32>,
    /// What its payload says is kept at the place before this one; 0 if it says nothing.
    pub(super) said: u16,
}

/// Holds segments until none that belongs before them can follow within [`REORDER_WINDOW`]. They
/// stay where they are until they are used: a copy of each costs as much as decoding it.
#[derive(Debug, Default)]
pub(super) struct Reorder {
    /// By time; those before `first` have been used.
    held: Vec<Arrival>,
    first: usize,
    /// The time of the last one.
    newest: Time,
    /// Before that nothing is still to come.
    horizon: Time,
}

impl Reorder {
    /// A step back by more than the window is no reordering but another clock: what is held comes
    /// first then.
    pub(super) fn steps_back(&self, time: Time) -> bool {
        time < self.horizon && self.len() > 0
    }

    /// The first one was held for more than `patience` at that time.
    #[inline]
    pub(super) fn is_late(&self, time: Time, patience: i64) -> bool {
        let first = self.held.get(self.first);
        first.is_some_and(|first| first.seen.at().time.plus(patience) < time)
    }

    /// Takes in a segment.
    #[inline]
    pub(super) fn push(&mut self, arrival: Arrival) {
        let time = arrival.seen.at().time;
        if self.newest <= time || self.len() == 0 {
            self.newest = time;
            self.horizon = time.plus(-REORDER_WINDOW);
            self.held.push(arrival);
            return;
        }
        let held = self.held.get(self.first..).unwrap_or_default();
        let place = held.partition_point(|h| h.seen.at().time <= time);
        self.held.insert(self.first + place, arrival);
    }

    /// Nothing that is still to come belongs before the last of the first `count`.
    #[inline]
    pub(super) fn has_settled(&self, count: usize) -> bool {
        let last = self.held.get(self.first + count - 1);
        last.is_some_and(|last| last.seen.at().time < self.horizon)
    }

    /// How many of the first ones nothing that is still to come belongs before.
    pub(super) fn settled(&self) -> usize {
        let held = self.held.get(self.first..).unwrap_or_default();
        held.partition_point(|h| h.seen.at().time < self.horizon)
    }

    pub(super) const fn len(&self) -> usize {
        self.held.len() - self.first
    }

    /// The first `count`.
    pub(super) fn first(&mut self, count: usize) -> &mut [Arrival] {
        let end = self.held.len().min(self.first + count);
        self.held.get_mut(self.first..end).unwrap_or_default()
    }

    /// Lets the first `count` go.
    pub(super) fn forget(&mut self, count: usize) {
        self.first = self.held.len().min(self.first + count);
        // Moved seldom, so that each is moved once at most.
        if self.first >= 256 && self.first * 2 >= self.held.len() {
            self.held.drain(..self.first);
            self.first = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Reorder};
    use crate::flow::key::Key;
    use crate::flow::seen::Seen;
    use crate::packet::Segment;
    use crate::stamp::{Stamp, Time};

    /// The frames in the order in which they come out, of records at these times.
    fn order(times: &[i64]) -> Vec<u64> {
        let (mut reorder, mut frames) = (Reorder::default(), Vec::new());
        let mut release = |reorder: &mut Reorder, count| {
            frames.extend(reorder.first(count).iter().map(|a| a.seen.at().frame));
            reorder.forget(count);
        };
        for (frame, &time) in (1..).zip(times) {
            let time = Time(time);
            let segment = Segment::default();
            let (key, from) = Key::of(&segment);
            let seen = Seen::new(&segment, from, Stamp { frame, time });
            if reorder.steps_back(time) {
                let all = reorder.len();
                release(&mut reorder, all);
            }
            reorder.push(Arrival {
                key,
                hash: 0,
                seen,
                flow: None,
                said: 0,
            });
            while reorder.has_settled(1) {
                release(&mut reorder, 1);
            }
        }
        let all = reorder.len();
        release(&mut reorder, all);
        frames
    }

    #[test]
    fn an_arrival_is_a_line_and_a_half() {
        assert_eq!(size_of::<Arrival>(), 96);
    }

    #[test]
    fn sorts_within_the_window_and_keeps_equal_times() {
        assert_eq!(order(&[10, 30, 20, 20, 40]), [1, 3, 4, 2, 5]);
        assert_eq!(order(&[0, 1_000_000, 1, 5_000_000]), [1, 3, 2, 4]);
    }

    #[test]
    fn a_step_of_the_clock_is_left_alone() {
        assert_eq!(order(&[5_000_000, 6_000_000, 1, 2]), [1, 2, 3, 4]);
    }
}
