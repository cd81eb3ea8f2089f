//! Records that stand a little out of order (several receive queues, several taps) in the order of
//! their times.

use crate::flow::key::{Key, ShortKey};
use crate::flow::seen::Seen;
use crate::flow::slab::Slab;
use crate::stamp::{REORDER_WINDOW, SECOND, Time};

/// A segment is waited for so long at most: a live capture may be slow.
const PATIENCE: i64 = SECOND / 4;

/// From so many used ones on those that are held are moved to the front: seldom, and while what is
/// written again lies in a near cache.
const SEVERAL: usize = 1024;

/// A segment on its way to its flow.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arrival {
    /// Or where it is kept: [`Reorder::keep`].
    pub(super) key: ShortKey,
    pub(super) hash: u64,
    pub(super) seen: Seen,
    /// What its payload says is kept at the place before this one; 0 if it says nothing.
    pub(super) said: u16,
}

impl Arrival {
    pub(super) const fn new(key: ShortKey, hash: u64, seen: Seen) -> Self {
        Self {
            key,
            hash,
            seen,
            said: 0,
        }
    }

    /// When it was captured.
    #[inline]
    pub(super) const fn time(&self) -> Time {
        self.seen.time
    }

    /// What it says is kept there.
    pub(super) const fn saying(self, said: u16) -> Self {
        Self { said, ..self }
    }
}

/// Holds segments until none that belongs before them can follow within [`REORDER_WINDOW`]. They
/// stay where they are until they are used: a copy of each costs as much as decoding it. For the same
/// reason those that come in order are not taken in at once: they *follow*, and lie elsewhere as long
/// as they do.
#[derive(Debug)]
pub(super) struct Reorder {
    /// By time; those before `first` have been used.
    held: Vec<Arrival>,
    first: usize,
    /// The time of the last one, and the last at which the first one was not held for too long. No time
    /// lies between them where none is held.
    newest: Time,
    late: Time,
    /// From so many on, those before `first` among them, it is asked how many have settled.
    full: usize,
    /// The keys that arrivals have no room for.
    keys: Slab<Key>,
}

impl Default for Reorder {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            first: 0,
            newest: Time(i64::MIN),
            late: Time(i64::MIN),
            full: 0,
            keys: Slab::default(),
        }
    }
}

impl Reorder {
    /// A segment at that time comes last, and the first one was not held for too long by then.
    #[inline]
    pub(super) fn is_next(&self, time: Time) -> bool {
        self.newest <= time && time <= self.late
    }

    /// What is next begins at that time, if nothing is held.
    pub(super) fn begin(&mut self, time: Time) {
        if self.len() == 0 {
            self.late = time.plus(PATIENCE);
        }
    }

    /// A step back by more than the window is no reordering but another clock: what is held comes
    /// first then.
    pub(super) fn steps_back(&self, time: Time) -> bool {
        time < self.horizon()
    }

    /// The first one was held for too long at that time.
    pub(super) fn is_late(&self, time: Time) -> bool {
        time > self.late
    }

    /// The same, and a segment at that time comes last.
    pub(super) fn is_last_and_late(&self, time: Time) -> bool {
        self.newest <= time && self.is_late(time)
    }

    /// Keeps the key of an arrival that has no room for it.
    pub(super) fn keep(&mut self, key: Key) -> ShortKey {
        ShortKey::kept_at(self.keys.insert(key))
    }

    /// Takes in a segment. It is laid where it stays, and moved there if it came late: elsewhere it
    /// would be laid in memory twice.
    #[inline]
    pub(super) fn push(&mut self, arrival: Arrival) {
        let time = arrival.time();
        self.held.push(arrival);
        if self.newest <= time {
            self.newest = time;
        } else {
            self.put_in_order(time);
        }
    }

    /// Moves the last one, which is of this time, before those that are later.
    #[cold]
    fn put_in_order(&mut self, time: Time) {
        let held = self.held.get_mut(self.first..).unwrap_or_default();
        let before = held.split_last().map_or(&[][..], |(_, before)| before);
        let place = before.partition_point(|h| h.time() <= time);
        if let Some(moved @ [_, ..]) = held.get_mut(place..) {
            moved.rotate_right(1);
        }
        self.late = self.late.min(time.plus(PATIENCE));
    }

    /// How many of those that come next, which are in order, may follow what is held: nothing has to be
    /// done for one of them but the last. `following`: so many do already.
    pub(super) fn may_follow(&self, following: usize, next: &[Arrival]) -> usize {
        let room = self.full.saturating_sub(self.held.len() + following);
        let next = next.get(..room).unwrap_or(next);
        let [first, .., last] = next else {
            return next.iter().filter(|a| self.is_next(a.time())).count();
        };
        if first.time() < self.newest {
            0
        } else if last.time() <= self.late {
            next.len()
        } else {
            next.partition_point(|a| a.time() <= self.late)
        }
    }

    /// What follows ends at that time.
    pub(super) const fn follow(&mut self, time: Time) {
        self.newest = time;
    }

    /// Takes in what followed so far.
    #[inline]
    pub(super) fn lay(&mut self, following: &[Arrival]) {
        self.held.extend_from_slice(following);
    }

    /// So many came that some of them may have settled. `following`: so many are not held.
    #[inline]
    pub(super) const fn is_full(&self, following: usize) -> bool {
        self.held.len() + following >= self.full
    }

    /// How many of the first ones nothing that is still to come belongs before.
    pub(super) fn settled(&self) -> usize {
        self.settled_of(self.held.get(self.first..).unwrap_or_default())
    }

    /// The same of others.
    pub(super) fn settled_of(&self, arrivals: &[Arrival]) -> usize {
        let horizon = self.horizon();
        arrivals.partition_point(|a| a.time() < horizon)
    }

    pub(super) const fn len(&self) -> usize {
        self.held.len() - self.first
    }

    /// The first `count`, and the keys that they have no room for.
    pub(super) fn first(&self, count: usize) -> (&[Arrival], &Slab<Key>) {
        let end = self.held.len().min(self.first + count);
        let first = self.held.get(self.first..end);
        (first.unwrap_or_default(), &self.keys)
    }

    /// Lets the first `count` go; `following` are not held. It is full again when `more` have come.
    pub(super) fn forget(&mut self, count: usize, following: &[Arrival], more: usize) {
        let end = self.held.len().min(self.first + count);
        if !self.keys.is_empty() {
            let gone = self.held.get(self.first..end).unwrap_or_default();
            for place in gone.iter().filter_map(|arrival| arrival.key.place()) {
                self.keys.remove(place);
            }
        }
        self.first = end;
        // Moved seldom, so that each is moved once at most, and most are not.
        if self.first >= SEVERAL && self.first * 2 >= self.held.len() {
            self.held.drain(..self.first);
            self.first = 0;
        }
        self.full = self.held.len() + following.len() + more;
        if let Some(first) = self.held.get(self.first).or(following.first()) {
            self.late = first.time().plus(PATIENCE);
        } else {
            (self.newest, self.late) = (Time(i64::MIN), Time(i64::MIN));
        }
    }

    /// Before that nothing is still to come.
    const fn horizon(&self) -> Time {
        self.newest.plus(-REORDER_WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrival, Reorder, SEVERAL};
    use crate::flow::key::Key;
    use crate::flow::seen::Seen;
    use crate::packet::Segment;
    use crate::stamp::{MILLISECOND, Stamp, Time};

    /// The frames in the order in which they come out, of records at these times.
    fn order(times: &[i64]) -> Vec<u64> {
        let (mut reorder, mut frames) = (Reorder::default(), Vec::new());
        let mut release = |reorder: &mut Reorder, count| {
            frames.extend(reorder.first(count).0.iter().map(|a| a.seen.at().frame));
            reorder.forget(count, &[], 1);
        };
        for (frame, &time) in (1..).zip(times) {
            let time = Time(time);
            let segment = Segment::default();
            let (key, from) = Key::of(&segment);
            let key = reorder.keep(key);
            let seen = Seen::new(&segment, from, Stamp { frame, time });
            if reorder.steps_back(time) {
                let all = reorder.len();
                release(&mut reorder, all);
            }
            reorder.push(Arrival::new(key, 0, seen));
            let settled = reorder.settled();
            release(&mut reorder, settled);
        }
        let all = reorder.len();
        release(&mut reorder, all);
        frames
    }

    #[test]
    fn an_arrival_is_small() {
        assert_eq!(size_of::<Arrival>(), 72);
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

    #[test]
    fn what_was_used_is_let_go() {
        let (mut reorder, segment) = (Reorder::default(), Segment::default());
        let (key, from) = Key::of(&segment);
        for frame in 0..10_000_u64 {
            let time = Time(frame.cast_signed() * MILLISECOND);
            let seen = Seen::new(&segment, from, Stamp { frame, time });
            let key = reorder.keep(key);
            reorder.begin(time);
            reorder.push(Arrival::new(key, 0, seen));
            let settled = reorder.settled();
            reorder.forget(settled, &[], 1);
            assert!(reorder.len() < 100 && reorder.held.len() < 3 * SEVERAL);
            assert_eq!(reorder.keys.len(), reorder.len());
        }
        let rest = reorder.len();
        reorder.forget(rest, &[], 1);
        assert!(reorder.keys.is_empty());
    }
}
