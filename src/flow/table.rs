//! Segments in, flows out.

mod index;
mod left;
mod run;

use crate::flow::arrivals::Arrivals;
use crate::flow::awake::AHEAD;
use crate::flow::flows::{Flows, Pushed};
use crate::flow::forgotten::Forgotten;
use crate::flow::pool::NONE;
use crate::flow::record::Flow;
use crate::flow::reorder::{Arrival, Reorder};
use crate::flow::slab::Slab;
use crate::packet::{Said, Segment};
use crate::stamp::{SECOND, Stamp, Time};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
pub use left::Left;
use run::Beside;
use std::hash::BuildHasher;

/// So many segments are waited for, and twice as many at most are looked up together: their cache
/// misses overlap.
const BATCH: usize = 32;
/// Room for so many flows from the beginning: to look for each again in a larger index takes as long
/// as two of its segments.
const AT_FIRST: usize = 100_000;
/// A TIME-WAIT is over so long before its flow is let go.
const SLACK: i64 = SECOND;
/// Where there are too many flows, a part of them goes at once: each time all must be looked through.
const PART: usize = 16;

/// How many flows are kept at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All of them.
    pub flows: usize,
    /// Those that are SYNs of one end only.
    pub half_open: usize,
}

impl Limits {
    /// What usual machines bear.
    pub const DEFAULT: Self = Self {
        flows: 2_000_000,
        half_open: 262_144,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Where segments come so far apart on average, the next one comes before so many times that.
const SLOW: i64 = 4;

/// Why a flow is to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was quiet so long that, if it is over, nothing more belongs to it.
    Quiet,
    /// A newer connection took its place.
    Superseded,
    /// There are too many flows.
    Evicted,
    /// The capture has ended.
    End,
}

/// A flow that is to be judged now.
#[derive(Debug)]
pub struct Due {
    at: u32,
    /// Why.
    pub why: Why,
}

/// The connections of a capture, from their first segments until nothing more belongs to them.
#[derive(Debug, Default)]
pub struct FlowTable {
    /// Where each key's current flow is.
    index: HashTable<u32>,
    flows: Flows,
    hasher: RandomState,
    reorder: Reorder,
    /// What the payloads of those that are held say.
    said: Slab<Option<Said>>,
    forgotten: Forgotten,
    limits: Limits,
    /// Flows that must go, the last one first.
    spared: Vec<u32>,
    /// What is left at the end of the capture, and how many of it were handed out.
    rest: Option<(Vec<u32>, usize)>,
}

impl FlowTable {
    /// A table for flows whose TIME-WAIT lasts so many nanoseconds.
    pub fn new(limits: Limits, time_wait: i64) -> Self {
        let mut table = Self {
            limits,
            index: HashTable::with_capacity(AT_FIRST.min(limits.flows)),
            ..Self::default()
        };
        let quiet = table.flows.quiet.max(time_wait);
        table.flows.quiet = quiet.saturating_add(SLACK);
        table
    }

    /// Waits longer for what may still come where the segments of a flow are far apart, at the price of
    /// memory: flows that are over leave later.
    pub fn be_patient(&mut self) {
        self.flows.slow = SLOW;
    }

    /// Nobody will ask for the histories of flows: most are made without.
    pub const fn forgo_histories(&mut self) {
        self.flows.forgo_histories();
    }

    /// Room for segments on their way to this table: so many.
    pub fn arrivals(&self, room: usize) -> Arrivals {
        Arrivals::new(self.hasher.clone(), room)
    }

    /// Takes back the room that segments carry along.
    pub fn take_room(&mut self, from: &mut Arrivals) {
        self.flows.take_room(&mut from.rooms);
    }

    /// Takes in the segment that stands at `at`, by itself: of many, [`Arrivals`] are faster.
    pub fn push(&mut self, segment: &Segment, at: Stamp) {
        let mut one = self.arrivals(1);
        one.push(segment, at);
        self.hold_all(&one);
    }

    /// The same, of a segment whose payload says something.
    pub fn push_said(&mut self, segment: &Segment, said: Said, at: Stamp) {
        let mut one = self.arrivals(1);
        one.push_said(segment, said, at);
        self.hold_all(&one);
    }

    fn hold_all(&mut self, batch: &Arrivals) {
        for arrival in batch.some(0..batch.len()) {
            self.hold(arrival, batch);
        }
    }

    fn hold(&mut self, arrival: &Arrival, batch: &Arrivals) {
        let time = arrival.time();
        if !self.reorder.is_next(time) {
            self.make_way(time);
        }
        let arrival = self.by_itself(arrival, batch);
        self.reorder.push(arrival);
        if self.reorder.is_full(0) {
            self.apply(self.reorder.settled());
        }
    }

    /// For a segment that is not simply the next one.
    #[cold]
    fn make_way(&mut self, time: Time) {
        if self.reorder.steps_back(time) {
            self.apply(self.reorder.len());
        } else if self.reorder.is_late(time) {
            self.apply(self.reorder.settled());
        }
        self.reorder.begin(time);
    }

    /// No flow is due before that time, as far as is known; none is in any case where more of them
    /// are kept than may be.
    #[inline]
    pub fn has_due(&self, now: Time) -> bool {
        now >= self.flows.next_due() || self.is_full()
    }

    /// A flow that is to be judged now. It is kept on unless it is let go: [`Self::forget`].
    pub fn due(&mut self, now: Time) -> Option<Due> {
        if self.rest.is_some() {
            return self.rest();
        }
        if now >= self.flows.next_due() {
            self.apply(self.reorder.settled());
        }
        if let Some(at) = self.flows.due(now) {
            let superseded = self.flows.facts(at).is_some_and(|flow| flow.superseded);
            let why = if superseded {
                Why::Superseded
            } else {
                Why::Quiet
            };
            return Some(Due { at, why });
        }
        self.evict()
    }

    /// The facts of a flow that is due.
    pub fn facts(&mut self, due: &Due) -> Option<&Flow> {
        if due.why == Why::Evicted {
            self.end(due.at);
        }
        self.flows.facts(due.at)
    }

    /// Lets a flow go. `is_over`: nothing more was to come of it.
    pub fn forget(&mut self, due: &Due, is_over: bool) {
        if due.why == Why::End {
            return;
        }
        self.end(due.at);
        let Some(key) = self.flows.key(due.at) else {
            return;
        };
        let hash = self.hasher.hash_one(key);
        let same = |&flow: &u32| flow == due.at;
        if let Ok(slot) = self.index.find_entry(hash, same) {
            slot.remove();
            if let Some(flow) = self.flows.facts(due.at) {
                self.forgotten.remember(flow, hash, is_over);
            }
        }
        self.flows.remove(due.at);
    }

    /// No more segments: every flow is due.
    pub fn finish(&mut self) {
        self.apply(self.reorder.len());
        let rest = self.flows.in_order();
        self.flows.end_all(&rest);
        self.rest = Some((rest, 0));
    }

    /// Segments so far that belonged to flows which had been let go.
    pub const fn late(&self) -> u64 {
        self.forgotten.late()
    }

    /// Messages so far that were not kept: too many flows had said something.
    pub const fn unheard(&self) -> u64 {
        self.flows.unheard
    }

    #[cfg(test)]
    pub(super) const fn keep_brief(&mut self, most: u8, awake: usize) {
        self.flows.keep_brief(most, awake);
    }

    #[cfg(test)]
    pub(super) const fn whole(&self) -> usize {
        self.flows.whole()
    }

    /// How many flows are kept now.
    pub const fn live(&self) -> usize {
        self.flows.live()
    }

    #[cfg(test)]
    pub(super) const fn half_open(&self) -> usize {
        self.flows.half_open()
    }

    /// The flows that are left once the capture has ended, and were not handed out.
    pub fn left(&self) -> Left<'_> {
        let rest = self.rest.as_ref();
        let places = rest.and_then(|(places, next)| places.get(*next..));
        Left {
            flows: &self.flows,
            places: places.unwrap_or_default(),
        }
    }

    /// None of them is handed out any more: what they took serves what is made of them.
    pub fn forget_left(&mut self) {
        let unheard = self.flows.unheard;
        self.flows = Flows::default();
        self.flows.unheard = unheard;
        self.index = HashTable::new();
        if let Some((places, next)) = &mut self.rest {
            *next = places.len();
        }
    }

    fn rest(&mut self) -> Option<Due> {
        let (rest, next) = self.rest.as_mut()?;
        if next.is_multiple_of(AHEAD) {
            self.flows
                .touch_ahead(rest.get(*next..).unwrap_or_default());
        }
        let Some(&at) = rest.get(*next) else {
            self.forget_left();
            return None;
        };
        *next += 1;
        let why = Why::End;
        Some(Due { at, why })
    }

    fn is_full(&self) -> bool {
        self.flows.live() > self.limits.flows || self.flows.half_open() > self.limits.half_open
    }

    /// A flow that must go, if there are too many. A part of all goes then.
    fn evict(&mut self) -> Option<Due> {
        if self.spared.is_empty() {
            if !self.is_full() {
                return None;
            }
            let (half_open, most) = (self.flows.half_open(), self.limits.half_open);
            let part = if half_open > most {
                most
            } else {
                self.limits.flows
            };
            let part = part / PART + 1;
            self.spared = self.flows.spare(half_open > 0, part);
            self.spared.reverse();
        }
        let at = self.spared.pop()?;
        let why = Why::Evicted;
        Some(Due { at, why })
    }

    /// A flow gets no more segments.
    fn end(&mut self, at: u32) {
        let Some(current) = self.flows.end(at) else {
            return;
        };
        let Some(key) = self.flows.key(at) else {
            return;
        };
        let hash = self.hasher.hash_one(key);
        if let Some(flow) = self.index.find_mut(hash, |&flow| flow == at) {
            *flow = current;
        }
    }

    /// Pushes the first segments that are held to their flows.
    fn apply(&mut self, count: usize) {
        self.apply_held(count);
        self.reorder.forget(count, &[], BATCH);
    }

    /// The same, and holds them still.
    fn apply_held(&mut self, count: usize) {
        let reorder = std::mem::take(&mut self.reorder);
        let (arrivals, keys) = reorder.first(count);
        self.apply_some(arrivals, Beside::Held(keys));
        self.reorder = reorder;
    }

    /// Pushes segments to their flows.
    fn apply_some(&mut self, arrivals: &[Arrival], beside: Beside<'_>) {
        self.flows.change();
        let mut flows = [NONE; 2 * BATCH];
        for batch in arrivals.chunks(2 * BATCH) {
            self.look_up(batch, &mut flows);
            for (arrival, &at) in batch.iter().zip(&flows) {
                let which = (arrival.key, &arrival.seen);
                match self.flows.push_plain(at, which, |place| beside.key(place)) {
                    Some(true) => {}
                    Some(false) => self.push_any(arrival, at, beside),
                    None => self.find_and_push(arrival, beside),
                }
                if arrival.said != 0 {
                    self.hear(arrival, beside);
                }
            }
        }
    }

    /// Pushes a segment that is not as most are, or to a flow that is not: that at `at`, of its key.
    fn push_any(&mut self, arrival: &Arrival, at: u32, beside: Beside<'_>) {
        match self.flows.push_any(at, &arrival.seen) {
            Pushed::Current(current) if current == at => {}
            Pushed::Current(current) => self.turn_to(arrival, beside, current),
            Pushed::NotCurrent => self.find_and_push(arrival, beside),
        }
    }

    /// What a segment says is kept with the flow that has it now.
    #[inline(never)]
    fn hear(&mut self, arrival: &Arrival, beside: Beside<'_>) {
        let said = match beside {
            Beside::Batch(arrivals) => arrivals.said(arrival),
            Beside::Held(_) => {
                let place = u32::from(arrival.said - 1);
                let said = self.said.get(place).copied().flatten();
                self.said.remove(place);
                said
            }
        };
        if let Some((&mut at, said)) = self.slot(arrival, beside).zip(said) {
            self.flows.hear(at, &arrival.seen, &said);
        }
    }

    /// What was looked up is not the key's current flow: that began since, or the hash is another
    /// key's as well.
    #[inline(never)]
    fn find_and_push(&mut self, arrival: &Arrival, beside: Beside<'_>) {
        match self.slot(arrival, beside).copied() {
            None => self.begin(arrival, beside),
            Some(at) => {
                if let Pushed::Current(current) = self.flows.push_any(at, &arrival.seen) {
                    self.turn_to(arrival, beside, current);
                }
            }
        }
    }

    /// The key's current flow is now this one.
    fn turn_to(&mut self, arrival: &Arrival, beside: Beside<'_>, current: u32) {
        if let Some(flow) = self.slot(arrival, beside) {
            *flow = current;
        }
    }

    fn slot(&mut self, arrival: &Arrival, beside: Beside<'_>) -> Option<&mut u32> {
        let kept = |place| beside.key(place);
        let same = |&flow: &u32| self.flows.is_of(flow, arrival.key, kept);
        self.index.find_mut(arrival.hash, same)
    }

    fn begin(&mut self, first: &Arrival, beside: Beside<'_>) {
        let Ok(previous) = self.forgotten.meets(first.hash, &first.seen) else {
            return;
        };
        let key = first.key.whole();
        let Some(key) = key
            .or_else(|place| beside.key(place).copied().ok_or(()))
            .ok()
        else {
            return;
        };
        let flow = self.flows.begin(key, &first.seen, previous);
        if self.index.len() == self.index.capacity() {
            self.grow();
        }
        let (flows, hasher) = (&self.flows, &self.hasher);
        let hash = |&flow: &u32| flows.key(flow).map_or(0, |key| hasher.hash_one(key));
        self.index.insert_unique(first.hash, flow, hash);
    }
}
