//! Records that stand a little out of order (several receive queues, several taps) in the order of
//! their times.

use crate::packet::Segment;
use crate::stamp::{REORDER_WINDOW, Stamp};
use std::collections::VecDeque;

/// Holds segments until none that belongs before them can follow within [`REORDER_WINDOW`].
#[derive(Debug, Default)]
pub struct Reorder {
    held: VecDeque<(Segment, Stamp)>,
}

impl Reorder {
    /// Takes in a segment. A step back by more than the window is no reordering but another clock:
    /// what is held comes first then.
    pub fn push(&mut self, segment: Segment, at: Stamp, mut out: impl FnMut(&Segment, Stamp)) {
        let newest = self.held.back().map_or(at.time, |(_, last)| last.time);
        if at.time >= newest {
            self.held.push_back((segment, at));
        } else if newest.since(at.time) > REORDER_WINDOW {
            self.flush(&mut out);
            self.held.push_back((segment, at));
        } else {
            let place = self.held.partition_point(|(_, held)| held.time <= at.time);
            self.held.insert(place, (segment, at));
        }
        let settled = at.time.max(newest).plus(-REORDER_WINDOW);
        while let Some((segment, at)) = self.held.front().filter(|(_, at)| at.time < settled) {
            out(segment, *at);
            self.held.pop_front();
        }
    }

    /// Lets everything go.
    pub fn flush(&mut self, mut out: impl FnMut(&Segment, Stamp)) {
        for (segment, at) in self.held.drain(..) {
            out(&segment, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Reorder;
    use crate::packet::Segment;
    use crate::stamp::{Stamp, Time};

    /// The frames in the order in which they come out, of records at these times.
    fn order(times: &[i64]) -> Vec<u64> {
        let (mut reorder, mut frames) = (Reorder::default(), Vec::new());
        for (frame, &time) in (1..).zip(times) {
            let at = Stamp {
                frame,
                time: Time(time),
            };
            reorder.push(Segment::default(), at, |_, at| frames.push(at.frame));
        }
        reorder.flush(|_, at| frames.push(at.frame));
        frames
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
