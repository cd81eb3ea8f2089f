//! Segments in, flows out.

use crate::flow::flows::Flows;
use crate::flow::key::Key;
use crate::flow::reorder::{Arrival, Reorder};
use crate::flow::seen::Seen;
use crate::packet::Segment;
use crate::stamp::Stamp;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::hint::black_box;

/// Segments looked up together: their cache misses overlap.
const BATCH: usize = 32;

/// Where a key's current flow is.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Of the key: most other keys are told apart here.
    hash: u32,
    flow: u32,
}

/// Every connection of a capture.
#[derive(Debug, Default)]
pub struct FlowTable {
    index: HashTable<Slot>,
    flows: Flows,
    hasher: RandomState,
    reorder: Reorder,
}

impl FlowTable {
    /// The same as [`Self::push`], by itself: that one is part of where it is called, for the segment
    /// of the usual kind.
    #[inline(never)]
    pub(crate) fn push_other(&mut self, segment: &Segment, at: Stamp) {
        self.push(segment, at);
    }

    /// Takes in the segment that stands at `at`.
    #[expect(
        clippy::inline_always,
        reason = "else the usual segment goes through memory twice"
    )]
    #[inline(always)]
    pub fn push(&mut self, segment: &Segment, at: Stamp) {
        let (key, from) = Key::of(segment);
        if self.reorder.steps_back(at.time) {
            self.apply(self.reorder.len());
        }
        self.reorder.push(Arrival {
            key,
            hash: self.hasher.hash_one(key) as u32,
            seen: Seen::new(segment, from, at),
            flow: None,
        });
        if self.reorder.has_settled(BATCH) {
            self.apply(BATCH);
        }
    }

    /// Every flow.
    pub fn finish(mut self) -> Flows {
        while self.reorder.len() > 0 {
            self.apply(BATCH);
        }
        self.flows.finish();
        self.flows
    }

    #[cfg(test)]
    pub(super) const fn keep_brief(&mut self, most: u8) {
        self.flows.keep_brief(most);
    }

    /// Looks the first segments up, touches their flows, and only then pushes them, in order. Each
    /// of the loops waits for one memory access per segment, and for all of a loop at once.
    fn apply(&mut self, count: usize) {
        for arrival in self.reorder.first(count) {
            let same = |slot: &Slot| slot.hash == arrival.hash;
            let slot = self.index.find(spread(arrival.hash), same);
            arrival.flow = slot.map(|slot| slot.flow);
        }
        let known = self.reorder.first(count).iter().filter_map(|a| a.flow);
        let touched = known.fold(0, |all, at| all ^ self.flows.touch(at as usize));
        let known = self.reorder.first(count).iter().filter_map(|a| a.flow);
        let kept = known.fold(0, |all, at| all ^ self.flows.touch_kept(at as usize));
        black_box(touched ^ kept);
        let mut reorder = std::mem::take(&mut self.reorder);
        for arrival in reorder.first(count) {
            self.push_one(arrival);
        }
        reorder.forget(count);
        self.reorder = reorder;
    }

    fn push_one(&mut self, arrival: &Arrival) {
        let likely = arrival.flow.map(|at| at as usize);
        let likely = likely.filter(|&at| self.flows.is_of(at, &arrival.key));
        if let Some(at) = likely
            && let Some(current) = self.flows.push(at, &arrival.seen)
        {
            if current != at {
                self.turn_to(arrival, current);
            }
            return;
        }
        self.find_and_push(arrival);
    }

    /// What was looked up is not the key's current flow: that began since, or the hash is another
    /// key's as well.
    fn find_and_push(&mut self, arrival: &Arrival) {
        match self.slot(arrival).map(|slot| slot.flow as usize) {
            None => self.begin(arrival),
            Some(at) => {
                if let Some(current) = self.flows.push(at, &arrival.seen) {
                    self.turn_to(arrival, current);
                }
            }
        }
    }

    /// The key's current flow is now this one.
    fn turn_to(&mut self, arrival: &Arrival, current: usize) {
        if let Some(slot) = self.slot(arrival) {
            slot.flow = current as u32;
        }
    }

    fn slot(&mut self, arrival: &Arrival) -> Option<&mut Slot> {
        let same = |slot: &Slot| {
            slot.hash == arrival.hash && self.flows.is_of(slot.flow as usize, &arrival.key)
        };
        self.index.find_mut(spread(arrival.hash), same)
    }

    fn begin(&mut self, first: &Arrival) {
        let slot = Slot {
            hash: first.hash,
            flow: self.flows.len() as u32,
        };
        self.flows.begin(first.key, &first.seen);
        let rehash = |slot: &Slot| spread(slot.hash);
        self.index.insert_unique(spread(first.hash), slot, rehash);
    }
}

/// The table tells its slots apart by the highest bits too.
const fn spread(hash: u32) -> u64 {
    (hash as u64) << 32 | hash as u64
}
