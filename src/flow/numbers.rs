//! The sequence space one side has used, as far as the capture shows it.

use crate::seq::SeqNum;

/// Most holes kept; a side with more is no longer known in detail.
const HOLES: usize = 4;

/// From the lowest number seen to SND.NXT as seen, and the holes between.
///
/// Monotone: a segment twice changes nothing, a segment missing leaves a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Numbers {
    holes: [(SeqNum, SeqNum); HOLES],
    /// The lowest number seen.
    pub base: SeqNum,
    /// The highest SEG.SEQ+LEN seen: SND.NXT as far as the capture shows.
    pub next: SeqNum,
    count: u8,
    /// There were more holes than are kept.
    pub overflow: bool,
}

impl Numbers {
    /// The space of a first segment.
    pub const fn new(start: SeqNum, end: SeqNum) -> Self {
        let nothing = (SeqNum(0), SeqNum(0));
        Self {
            base: start,
            next: end,
            holes: [nothing; HOLES],
            count: 0,
            overflow: false,
        }
    }

    /// Takes in `start..end` if it begins where what was seen ends: all of it is new.
    pub(super) fn go_on(&mut self, start: SeqNum, end: SeqNum) -> bool {
        let follows = start == self.next;
        if follows {
            self.next = end;
        }
        follows
    }

    /// Takes in `start..end` and returns how many numbers of it are new. An empty range beyond
    /// `next` moves `next` there: an empty segment carries SND.NXT (RFC 9293 section 3.10.7.4).
    pub fn add(&mut self, start: SeqNum, end: SeqNum) -> u32 {
        if start.at_or_after(self.next) {
            if start != self.next {
                self.push_hole(self.next, start);
            }
            self.next = end;
            return end.distance(start);
        }
        self.add_before(start, end)
    }

    /// The same, of a range that begins before `next`.
    #[inline(never)]
    fn add_before(&mut self, start: SeqNum, end: SeqNum) -> u32 {
        let mut new = self.fill(start, end);
        if end.after(self.next) {
            new = new.saturating_add(end.distance(self.next));
            self.next = end;
        }
        if start.before(self.base) {
            new = new.saturating_add(self.base.earliest(end).distance(start));
            if end.before(self.base) {
                self.push_hole(end, self.base);
            }
            self.base = start;
        }
        new
    }

    /// There are holes.
    pub(super) const fn has_holes(&self) -> bool {
        self.count > 0
    }

    /// The holes, in the order in which they were found.
    pub fn holes(&self) -> &[(SeqNum, SeqNum)] {
        self.holes
            .get(..usize::from(self.count))
            .unwrap_or_default()
    }

    /// No number below `limit` is missing.
    pub fn whole_below(&self, limit: SeqNum) -> bool {
        !self.overflow
            && self
                .holes()
                .iter()
                .all(|&(from, _)| from.at_or_after(limit))
    }

    /// The length of the hole that ends at `next`, 0 if there is none.
    pub fn hole_at_end(&self) -> u32 {
        let last = self.holes().iter().find(|&&(_, to)| to == self.next);
        last.map_or(0, |&(from, to)| to.distance(from))
    }

    /// The way from `number` to the nearest number of the space; 0 inside of it.
    pub fn distance(&self, number: SeqNum) -> u32 {
        if number.at_or_after(self.base) && number.at_or_before(self.next) {
            return 0;
        }
        number.distance(self.base).min(number.distance(self.next))
    }

    /// Takes in a later part's space: missing is what neither part holds. Returns how many numbers
    /// were new.
    pub fn merge(&mut self, later: &Self) -> u32 {
        let mut new = 0;
        let mut holes = later.holes;
        let holes = holes
            .get_mut(..usize::from(later.count))
            .unwrap_or_default();
        holes.sort_unstable_by_key(|(from, _)| from.since(later.base));
        let mut start = later.base;
        for &(from, to) in holes.iter() {
            new = u32::saturating_add(new, self.add(start, from));
            start = to;
        }
        new = new.saturating_add(self.add(start, later.next));
        self.overflow |= later.overflow;
        new
    }

    /// Takes `start..end` out of the holes; returns how much of them it filled.
    fn fill(&mut self, start: SeqNum, end: SeqNum) -> u32 {
        if self.count == 0 {
            return 0;
        }
        let (old, count) = (self.holes, usize::from(self.count));
        self.count = 0;
        let mut filled = 0;
        for &(from, to) in old.iter().take(count) {
            let (low, high) = (from.latest(start), to.earliest(end));
            if !low.before(high) {
                self.push_hole(from, to);
                continue;
            }
            // Hostile numbers make holes that overlap: together more than the circle.
            filled = u32::saturating_add(filled, high.distance(low));
            if from.before(low) {
                self.push_hole(from, low);
            }
            if high.before(to) {
                self.push_hole(high, to);
            }
        }
        filled
    }

    #[cold]
    #[inline(never)]
    fn push_hole(&mut self, from: SeqNum, to: SeqNum) {
        match self.holes.get_mut(usize::from(self.count)) {
            Some(slot) => {
                *slot = (from, to);
                self.count += 1;
            }
            None => self.overflow = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Numbers;
    use crate::seq::SeqNum;
    use proptest::prelude::*;

    fn n(start: u32, end: u32) -> Numbers {
        Numbers::new(SeqNum(start), SeqNum(end))
    }

    #[test]
    fn a_gap_is_a_hole_until_it_is_filled() {
        let mut numbers = n(10, 20);
        assert_eq!(numbers.add(SeqNum(30), SeqNum(40)), 10);
        assert_eq!(numbers.holes(), [(SeqNum(20), SeqNum(30))]);
        assert!(numbers.whole_below(SeqNum(20)) && !numbers.whole_below(SeqNum(21)));
        assert_eq!(numbers.add(SeqNum(22), SeqNum(25)), 3);
        assert_eq!(
            numbers.holes(),
            [(SeqNum(20), SeqNum(22)), (SeqNum(25), SeqNum(30))]
        );
        assert_eq!(numbers.add(SeqNum(15), SeqNum(35)), 7);
        assert!(numbers.holes().is_empty());
        assert_eq!(numbers.next, SeqNum(40));
    }

    #[test]
    fn an_empty_segment_beyond_next_leaves_a_hole_at_the_end() {
        let mut numbers = n(10, 20);
        assert_eq!(numbers.add(SeqNum(21), SeqNum(21)), 0);
        assert_eq!(numbers.hole_at_end(), 1);
        assert_eq!(numbers.next, SeqNum(21));
        assert_eq!(n(10, 20).hole_at_end(), 0);
    }

    #[test]
    fn numbers_before_the_first_are_taken_in() {
        let mut numbers = n(10, 20);
        assert_eq!(numbers.add(SeqNum(2), SeqNum(5)), 3);
        assert_eq!(numbers.base, SeqNum(2));
        assert_eq!(numbers.holes(), [(SeqNum(5), SeqNum(10))]);
        assert_eq!(numbers.add(SeqNum(1), SeqNum(12)), 6);
        assert!(numbers.holes().is_empty());
    }

    #[test]
    fn more_holes_than_fit_are_not_forgotten() {
        let mut numbers = n(0, 1);
        for i in 1..=5 {
            numbers.add(SeqNum(i * 10), SeqNum(i * 10 + 1));
        }
        assert!(numbers.overflow && !numbers.whole_below(SeqNum(0)));
    }

    #[test]
    fn merged_spaces_miss_what_neither_holds() {
        let (mut earlier, mut later) = (n(0, 10), n(15, 20));
        earlier.add(SeqNum(20), SeqNum(30)); // misses 10..20
        later.add(SeqNum(40), SeqNum(50)); // misses 20..40 and what is before 15
        earlier.merge(&later);
        let missing = [(SeqNum(10), SeqNum(15)), (SeqNum(30), SeqNum(40))];
        assert_eq!(earlier.holes(), missing);
        assert_eq!(earlier.next, SeqNum(50));
    }

    #[test]
    fn distance_is_zero_inside() {
        let numbers = n(10, 20);
        assert_eq!(
            [5, 10, 15, 20, 27].map(|x| numbers.distance(SeqNum(x))),
            [5, 0, 0, 0, 7]
        );
    }

    proptest! {
        /// Against a set of numbers, in any order, anywhere on the circle.
        #[test]
        fn new_numbers_are_counted_once(
            origin: u32,
            parts in proptest::collection::vec((0_u32..60, 1_u32..12), 1..12),
        ) {
            let at = |x: u32| SeqNum(origin).plus(x);
            let mut seen = std::collections::BTreeSet::new();
            let mut numbers: Option<Numbers> = None;
            for (start, len) in parts {
                let before = seen.len();
                seen.extend(start..start + len);
                let (from, to) = (at(start), at(start + len));
                match &mut numbers {
                    None => numbers = Some(Numbers::new(from, to)),
                    Some(have) => {
                        let new = have.add(from, to);
                        if !have.overflow {
                            prop_assert_eq!(new as usize, seen.len() - before);
                        }
                    }
                }
            }
            let have = numbers.unwrap();
            prop_assert_eq!(have.next, at(seen.last().unwrap() + 1));
            prop_assert_eq!(have.base, at(*seen.first().unwrap()));
        }
    }
}
