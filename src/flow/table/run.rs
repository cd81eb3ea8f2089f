//! Arrivals that are taken in where they lie: most come in order, and are not copied.

use super::{BATCH, FlowTable};
use crate::flow::arrivals::Arrivals;
use crate::flow::clock::Clock;
use crate::flow::key::Key;
use crate::flow::reorder::Arrival;
use crate::flow::slab::Slab;
use crate::packet::Said;
use crate::stamp::Time;
use std::ops::Range;

/// Where is what arrivals have beside: a key that is not short, and what they say.
#[derive(Clone, Copy)]
pub(super) enum Beside<'a> {
    /// With those that are held.
    Held(&'a Slab<Key>),
    /// With others of their batch.
    Batch(&'a Arrivals),
}

impl<'a> Beside<'a> {
    pub(super) fn key(self, place: u32) -> Option<&'a Key> {
        match self {
            Self::Held(keys) => keys.get(place),
            Self::Batch(arrivals) => arrivals.key(place),
        }
    }
}

impl FlowTable {
    /// Takes in the arrivals of these numbers until a flow may be due by the clock, which ticks for each
    /// of them. Gives the number of the next one, and whether a flow may be due.
    pub fn push_arrivals(
        &mut self,
        arrivals: &Arrivals,
        numbers: Range<usize>,
        clock: &mut Clock,
    ) -> (usize, bool) {
        // Those from `first` to `next` have come: they follow what is held.
        let (mut first, mut next) = (numbers.start, numbers.start);
        let end = numbers.end.min(arrivals.len());
        let mut is_due = false;
        while next < end && !is_due {
            let some = arrivals.in_order(next, end);
            let mut count = self.reorder.may_follow(next - first, some);
            if let [one, ..] = some
                && count == 0
                && self.reorder.is_last_and_late(one.time())
            {
                first += self.make_way_for(one.time(), arrivals.some(first..next), arrivals);
                count = 1;
            }
            if let Some(some @ [begin, ..]) = some.get(..count) {
                next += clock.tick_some(begin.time(), some.len());
                first += self.follow(arrivals.some(first..next), arrivals);
            } else if let [one] = arrivals.some(next..next + 1) {
                self.lay(arrivals.some(first..next), arrivals);
                clock.tick(one.time());
                self.hold(one, arrivals);
                next += 1;
                first = next;
            }
            is_due = self.has_due(clock.now());
        }
        self.lay(arrivals.some(first..next), arrivals);
        (next, is_due)
    }

    /// These follow what is held. How many of them were used.
    fn follow(&mut self, following: &[Arrival], batch: &Arrivals) -> usize {
        if let Some(last) = following.last() {
            self.reorder.follow(last.time());
        }
        if self.reorder.is_full(following.len()) {
            self.use_settled(following, batch)
        } else {
            0
        }
    }

    /// As [`Self::make_way`], where these follow what is held. How many of them were used.
    fn make_way_for(&mut self, time: Time, following: &[Arrival], batch: &Arrivals) -> usize {
        let used = self.use_settled(following, batch);
        if following.is_empty() {
            self.reorder.begin(time);
        }
        used
    }

    /// Pushes what has settled to its flows: of what is held, and of these that follow it. How many of them
    /// were used.
    fn use_settled(&mut self, following: &[Arrival], batch: &Arrivals) -> usize {
        let mut used = 0;
        let settled = self.reorder.settled();
        if settled > 0 {
            self.apply_held(settled);
        }
        if settled == self.reorder.len() {
            used = self.reorder.settled_of(following);
            let (these, _) = following.split_at_checked(used).unwrap_or_default();
            self.apply_some(these, Beside::Batch(batch));
        }
        let rest = following.get(used..).unwrap_or_default();
        self.reorder.forget(settled, rest, BATCH);
        used
    }

    /// Copies arrivals that follow what is held behind that.
    fn lay(&mut self, following: &[Arrival], batch: &Arrivals) {
        if batch.is_short() {
            return self.reorder.lay(following);
        }
        for arrival in following {
            let arrival = self.by_itself(arrival, batch);
            self.reorder.lay(&[arrival]);
        }
    }

    /// An arrival that does not need its batch.
    pub(super) fn by_itself(&mut self, arrival: &Arrival, batch: &Arrivals) -> Arrival {
        let mut arrival = *arrival;
        if arrival.said != 0 || arrival.key.place().is_some() {
            self.keep_beside(&mut arrival, batch);
        }
        arrival
    }

    #[inline(never)]
    fn keep_beside(&mut self, arrival: &mut Arrival, batch: &Arrivals) {
        let key = arrival.key.place().and_then(|place| batch.key(place));
        if let Some(&key) = key {
            arrival.key = self.reorder.keep(key);
        }
        arrival.said = batch.said(arrival).map_or(0, |said| self.keep_said(said));
    }

    /// Keeps what a segment says until it is pushed; gives the place behind its own, or 0.
    fn keep_said(&mut self, said: Said) -> u16 {
        let place = self.said.insert(Some(said));
        let said = u16::try_from(place + 1).unwrap_or(0);
        if said == 0 {
            // More are held than a capture in order ever needs.
            self.said.remove(place);
            self.flows.unheard += 1;
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use crate::flow::{Arrivals, Clock, Flow, FlowTable, Limits};
    use crate::packet::{End, Flags, Said, Segment};
    use crate::stamp::{MILLISECOND, SECOND, Stamp, Time};
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        flows: 12,
        half_open: 6,
    };

    /// What was told of flows, and by which arrival.
    type Told = Vec<(usize, Flow)>;

    /// Judges what is due by the arrival before this number.
    fn judge(table: &mut FlowTable, number: usize, now: Time, told: &mut Told) {
        while let Some(due) = table.due(now) {
            if let Some(flow) = table.facts(&due) {
                told.push((number, flow.clone()));
            }
            table.forget(&due, true);
        }
    }

    /// Each by itself.
    fn one_by_one(arrivals: &[(Segment, bool, Stamp)], live: bool) -> Told {
        let mut table = FlowTable::new(LIMITS, SECOND);
        let (mut clock, mut told) = (Clock::new(live), Told::new());
        for (number, (segment, speaks, at)) in arrivals.iter().enumerate() {
            if *speaks {
                table.push_said(segment, said(), *at);
            } else {
                table.push(segment, *at);
            }
            let now = clock.tick(at.time);
            if table.has_due(now) {
                judge(&mut table, number + 1, now, &mut told);
            }
        }
        table.finish();
        judge(&mut table, arrivals.len(), clock.now(), &mut told);
        told
    }

    /// In batches of so many.
    fn in_batches(arrivals: &[(Segment, bool, Stamp)], live: bool, size: usize) -> Told {
        let mut table = FlowTable::new(LIMITS, SECOND);
        let (mut clock, mut told) = (Clock::new(live), Told::new());
        let mut batch: Arrivals = table.arrivals(size);
        let mut taken = 0;
        for some in arrivals.chunks(size) {
            batch.clear();
            for (segment, speaks, at) in some {
                batch.turn_to(at.time);
                if *speaks {
                    batch.push_said(segment, said(), *at);
                } else {
                    batch.push_next(segment, *at);
                }
            }
            let mut next = 0;
            while next < batch.len() {
                let is_due;
                (next, is_due) = table.push_arrivals(&batch, next..batch.len(), &mut clock);
                if is_due {
                    judge(&mut table, taken + next, clock.now(), &mut told);
                }
            }
            taken += batch.len();
        }
        table.finish();
        judge(&mut table, arrivals.len(), clock.now(), &mut told);
        told
    }

    fn said() -> Said {
        Said::Http2(None)
    }

    /// Steps of time: mostly forward, within the reorder window or beyond it, sometimes back.
    fn step() -> impl Strategy<Value = i64> {
        prop_oneof![
            20 => 0..MILLISECOND / 8,
            4 => 0..MILLISECOND * 40,
            1 => -MILLISECOND..0,
            1 => prop::sample::select(vec![-SECOND, SECOND / 3, 70 * SECOND]),
        ]
    }

    fn end(v6: bool, host: u8) -> End {
        if v6 {
            End::v6([host; 16], 80)
        } else {
            End::v4([10, 0, 0, host], 80)
        }
    }

    prop_compose! {
        fn arrivals()(
            some in prop::collection::vec(
                (step(), 0_u8..16, any::<bool>(), prop::sample::select(vec![2_u8, 16, 17, 4]), 0_u8..16),
                1..400,
            ),
        ) -> Vec<(Segment, bool, Stamp)> {
            let mut time = Time(SECOND);
            let numbered = (1..).zip(some);
            let with_stamps = numbered.map(|(frame, (step, host, back, flags, kind))| {
                time = time.plus(step);
                let ends = [end(host % 8 == 0, host), end(host % 8 == 0, 99)];
                let segment = Segment {
                    src: ends[usize::from(back)],
                    dst: ends[usize::from(!back)],
                    flags: Flags(flags),
                    len: 4,
                    ..Segment::default()
                };
                (segment, kind == 0, Stamp { frame, time })
            });
            with_stamps.collect()
        }
    }

    proptest! {
        #[test]
        fn batches_tell_what_single_arrivals_do(
            arrivals in arrivals(),
            live: bool,
            size in prop::sample::select(vec![1_usize, 7, 40, 512]),
        ) {
            let told = one_by_one(&arrivals, live);
            prop_assert_eq!(in_batches(&arrivals, live, size), told);
        }
    }
}
