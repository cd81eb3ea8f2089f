//! How many of something there are over time.

use crate::stamp::{MILLISECOND, SECOND, Time};

/// The instants at which numbers are exact, at every multiple of a unit since the epoch. Each unit is
/// a multiple of the one before, so that the instants of a coarser grid are instants of a finer one.
const UNITS: [i64; 10] = [
    1,
    1_000,
    MILLISECOND,
    10 * MILLISECOND,
    100 * MILLISECOND,
    SECOND,
    10 * SECOND,
    60 * SECOND,
    600 * SECOND,
    3600 * SECOND,
];

/// Which of the grids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    level: usize,
}

impl Grid {
    pub(super) const FINEST: Self = Self { level: 0 };

    /// Nanoseconds between instants.
    pub(super) const fn unit(self) -> i64 {
        if self.level < UNITS.len() {
            UNITS[self.level]
        } else {
            1
        }
    }

    /// The next grid, and how many times as coarse it is.
    pub(super) fn coarser(self) -> Option<(Self, i64)> {
        let next = UNITS.get(self.level + 1)?;
        let factor = next / self.unit();
        let level = self.level + 1;
        Some((Self { level }, factor))
    }

    /// The first instant that is not before `time`: what is held from A to B is held at just those
    /// instants that lie from A's to before B's.
    const fn tick(self, time: Time) -> i64 {
        ceil(time.0, self.unit())
    }

    const fn time(self, tick: i64) -> Time {
        Time(tick.saturating_mul(self.unit()))
    }
}

const fn ceil(number: i64, by: i64) -> i64 {
    number.div_euclid(by) + (number.rem_euclid(by) != 0) as i64
}

/// Numbers of several kinds, as the changes of each.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    changes: Vec<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    kind: u32,
    tick: i64,
    by: i32,
}

impl Series {
    /// One more of the kind from one time to another, or for good. Gives how many changes that takes.
    pub(super) fn add(&mut self, kind: u32, span: (Time, Option<Time>), grid: Grid) -> usize {
        let from = grid.tick(span.0);
        let to = span.1.map(|to| grid.tick(to));
        if to.is_some_and(|to| to <= from) {
            return 0;
        }
        let tick = from;
        self.changes.push(Change { kind, tick, by: 1 });
        let Some(tick) = to else { return 1 };
        self.changes.push(Change { kind, tick, by: -1 });
        2
    }

    /// Joins the changes of each instant. Gives how many are left.
    pub(super) fn settle(&mut self) -> usize {
        self.changes.sort_unstable();
        self.changes.dedup_by(|next, kept| {
            let same = (next.kind, next.tick) == (kept.kind, kept.tick);
            if same {
                kept.by = kept.by.saturating_add(next.by);
            }
            same
        });
        self.changes.retain(|change| change.by != 0);
        self.changes.shrink_to_fit();
        self.changes.len()
    }

    /// Moves the changes to a grid so many times as coarse.
    pub(super) fn coarsen(&mut self, factor: i64) -> usize {
        for change in &mut self.changes {
            change.tick = ceil(change.tick, factor);
        }
        self.changes.len()
    }

    /// The numbers of these kinds together.
    pub(super) fn held(&self, kinds: &[u32], grid: Grid) -> Held {
        let wanted = self.changes.iter().filter(|c| kinds.contains(&c.kind));
        let mut changes: Vec<(i64, i64)> = wanted.map(|c| (c.tick, c.by.into())).collect();
        changes.sort_unstable();
        let mut levels: Vec<(Time, u64)> = Vec::new();
        let mut held: i64 = 0;
        for (tick, by) in changes {
            held += by;
            let (time, count) = (grid.time(tick), u64::try_from(held).unwrap_or(0));
            match levels.last_mut() {
                Some(last) if last.0 == time => last.1 = count,
                _ => levels.push((time, count)),
            }
        }
        Held { levels }
    }
}

/// How many there are over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// From each of these times on so many.
    levels: Vec<(Time, u64)>,
}

/// The most there are at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    /// How many.
    pub count: u64,
    /// When there are so many for the first time; `None` if there never is one.
    pub time: Option<Time>,
}

impl Held {
    /// How many there are at that time.
    pub fn at(&self, time: Time) -> u64 {
        let after = self.levels.partition_point(|level| level.0 <= time);
        let level = after.checked_sub(1).and_then(|at| self.levels.get(at));
        level.map_or(0, |level| level.1)
    }

    /// When that changes.
    pub fn changes(&self) -> impl Iterator<Item = Time> + '_ {
        self.levels.iter().map(|level| level.0)
    }

    /// The most there are.
    pub fn peak(&self) -> Peak {
        let mut peak = Peak::default();
        for &(time, count) in &self.levels {
            if count > peak.count {
                let time = Some(time);
                peak = Peak { count, time };
            }
        }
        peak
    }

    /// The most there are from one time to before another.
    pub fn most(&self, from: Time, to: Time) -> u64 {
        let within = self.pieces(from, to).map(|piece| piece.0);
        within.max().unwrap_or(0)
    }

    /// The most there are in each slot that begins at one of these times and ends before the next, and
    /// at which instant of the slot.
    pub fn peaks(&self, bounds: &[Time]) -> Vec<Peak> {
        let mut levels = self.levels.iter().peekable();
        let mut count = 0;
        let slots = bounds.iter().zip(bounds.iter().skip(1));
        let slot = |(from, to): (&Time, &Time)| {
            while let Some(level) = levels.next_if(|level| level.0 <= *from) {
                count = level.1;
            }
            let mut peak = Peak {
                count,
                time: Some(*from),
            };
            while let Some(level) = levels.next_if(|level| level.0 < *to) {
                count = level.1;
                if count > peak.count {
                    let time = Some(level.0);
                    peak = Peak { count, time };
                }
            }
            peak
        };
        slots.map(slot).collect()
    }

    /// How many there are on average from one time to another; `None` if that is no time.
    pub fn mean(&self, from: Time, to: Time) -> Option<f64> {
        let length = to.since(from);
        let sum = self.pieces(from, to);
        let sum: i128 = sum
            .map(|(count, ns)| i128::from(count) * i128::from(ns))
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        (length > 0).then(|| sum as f64 / length as f64)
    }

    /// For how many nanoseconds there are so many or more, and since when.
    pub fn at_least(&self, count: u64, from: Time, to: Time) -> (i64, Option<Time>) {
        let full = self.pieces(from, to).filter(|piece| piece.0 >= count);
        let since = self.levels.iter().find(|level| level.1 >= count);
        (full.map(|piece| piece.1).sum(), since.map(|level| level.0))
    }

    /// The numbers from one time to another, and for how many nanoseconds each.
    fn pieces(&self, from: Time, to: Time) -> impl Iterator<Item = (u64, i64)> + '_ {
        let ends = self.levels.iter().skip(1).map(|level| level.0);
        let ends = ends.chain([Time(i64::MAX)]);
        self.levels
            .iter()
            .zip(ends)
            .filter_map(move |(level, end)| {
                let length = end.min(to).since(level.0.max(from));
                (length > 0).then_some((level.1, length))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{Grid, Series, UNITS, ceil};
    use crate::stamp::Time;
    use proptest::prelude::*;

    #[test]
    fn every_unit_is_a_multiple_of_the_one_before() {
        assert!(UNITS.windows(2).all(|units| units[1] % units[0] == 0));
    }

    #[test]
    fn the_end_of_all_times_is_no_trouble() {
        for number in [i64::MIN, -1, 0, 1, i64::MAX] {
            for unit in UNITS {
                ceil(number, unit);
            }
        }
        let mut series = Series::default();
        series.add(0, (Time(i64::MIN), Some(Time(i64::MAX))), Grid::FINEST);
        let held = series.held(&[0], Grid::FINEST);
        assert_eq!(held.at(Time(0)), 1);
        assert!(held.mean(Time(i64::MIN), Time(i64::MAX)).is_some());
    }

    proptest! {
        /// At the instants of any grid the numbers are those of a count one by one.
        #[test]
        fn numbers_are_exact_at_every_instant(
            spans in prop::collection::vec((-5_000_i64..5_000, 0_i64..4_000, 0..2_u32), 0..40),
            settle in any::<bool>(),
        ) {
            let mut series = Series::default();
            let mut grid = Grid::FINEST;
            for &(from, length, kind) in &spans {
                series.add(kind, (Time(from), Some(Time(from + length))), grid);
            }
            if settle {
                series.settle();
            }
            for _ in 0..2 {
                for tick in -6..10 {
                    let time = Time(tick * grid.unit().max(487));
                    let open = |s: &&(i64, i64, u32)| s.2 == 1 && s.0 <= time.0 && time.0 < s.0 + s.1;
                    let count = spans.iter().filter(open).count() as u64;
                    prop_assert_eq!(series.held(&[1], grid).at(time), count);
                }
                let held = series.held(&[1], grid);
                let bounds: Vec<Time> = (-6..10).map(|slot| Time(slot * 977)).collect();
                for (slot, peak) in held.peaks(&bounds).iter().enumerate() {
                    prop_assert_eq!(peak.count, held.most(bounds[slot], bounds[slot + 1]));
                    prop_assert_eq!(peak.time.map(|time| held.at(time)), Some(peak.count));
                }
                let (coarser, factor) = grid.coarser().unwrap();
                series.coarsen(factor);
                grid = coarser;
            }
        }
    }
}
