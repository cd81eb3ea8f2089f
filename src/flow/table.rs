//! Segments in, flows out.

use crate::flow::connection;
use crate::flow::key::Key;
use crate::flow::record::Flow;
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
    /// The lower half of the key's hash: most other keys are told apart here.
    hash: u32,
    flow: u32,
}

/// Every connection of a capture.
#[derive(Debug, Default)]
pub struct FlowTable {
    index: HashTable<Slot>,
    /// In the order of their first frames. One vector without boxes: growing moves no byte, as
    /// large blocks are mapped anew, and nothing is freed one by one.
    flows: Vec<Flow>,
    hasher: RandomState,
    reorder: Reorder,
    /// SYNs that turned out to be no connection.
    unused: Vec<u64>,
}

impl FlowTable {
    /// Takes in the segment that stands at `at`.
    pub fn push(&mut self, segment: &Segment, at: Stamp) {
        let (key, from) = Key::of(segment);
        if self.reorder.steps_back(at.time) {
            self.apply(self.reorder.len());
        }
        self.reorder.push(Arrival {
            key,
            hash: self.hasher.hash_one(key),
            seen: Seen::new(segment, from, at),
            flow: None,
        });
        if self.reorder.has_settled(BATCH) {
            self.apply(BATCH);
        }
    }

    /// Every flow, by number. Numbers are those of first frames, from 0, without gaps.
    pub fn finish(mut self) -> Vec<Flow> {
        while self.reorder.len() > 0 {
            self.apply(BATCH);
        }
        connection::finish(&mut self.flows);
        if !self.unused.is_empty() {
            close_gaps(&mut self.flows, self.unused);
        }
        self.flows
    }

    /// Looks the first segments up, touches their flows, and only then pushes them, in order. Each
    /// of the loops waits for one memory access per segment, and for all of a loop at once.
    fn apply(&mut self, count: usize) {
        for arrival in self.reorder.first(count) {
            let same = |slot: &Slot| slot.hash == arrival.hash as u32;
            arrival.flow = self.index.find(arrival.hash, same).map(|slot| slot.flow);
        }
        let flow_of = |arrival: &Arrival| self.flows.get(arrival.flow? as usize);
        let records = self.reorder.first(count).filter_map(|a| flow_of(a));
        let touched: u64 = records.map(Flow::touch).sum();
        let records = self.reorder.first(count).filter_map(|a| flow_of(a));
        let logs: u64 = records.map(|flow| flow.log.touch()).sum();
        black_box(touched ^ logs);
        let mut reorder = std::mem::take(&mut self.reorder);
        for arrival in reorder.first(count) {
            self.push_one(arrival);
        }
        reorder.forget(count);
        self.reorder = reorder;
    }

    fn push_one(&mut self, arrival: &Arrival) {
        let likely = arrival.flow.and_then(|at| self.flows.get_mut(at as usize));
        if let Some(flow) = likely
            && flow.key == arrival.key
            && flow.push_if_alone(&arrival.seen)
        {
            return;
        }
        let same = |slot: &Slot| {
            let flow = self.flows.get(slot.flow as usize);
            slot.hash == arrival.hash as u32 && flow.is_some_and(|f| f.key == arrival.key)
        };
        let Some(slot) = self.index.find_mut(arrival.hash, same) else {
            self.begin(arrival);
            return;
        };
        let current = slot.flow as usize;
        let current = connection::push(&mut self.flows, current, &arrival.seen, &mut self.unused);
        slot.flow = current as u32;
    }

    fn begin(&mut self, first: &Arrival) {
        let slot = Slot {
            hash: first.hash as u32,
            flow: self.flows.len() as u32,
        };
        let mut flow = Flow::new(first.key, first.seen.at, first.seen.from);
        flow.number = self.flows.len() as u64;
        flow.push(&first.seen);
        self.flows.push(flow);
        let (flows, hasher) = (&self.flows, &self.hasher);
        let rehash = |slot: &Slot| {
            let flow = flows.get(slot.flow as usize);
            flow.map_or(0, |flow| hasher.hash_one(flow.key))
        };
        self.index.insert_unique(first.hash, slot, rehash);
    }
}

/// Takes the numbers of SYNs that were no connection out of the count.
fn close_gaps(flows: &mut Vec<Flow>, mut unused: Vec<u64>) {
    unused.sort_unstable();
    flows.retain(|flow| unused.binary_search(&flow.number).is_err());
    let renumber = |n: u64| n - unused.partition_point(|&u| u < n) as u64;
    for flow in flows {
        flow.number = renumber(flow.number);
        if let Some(previous) = &mut flow.previous {
            previous.flow = renumber(previous.flow);
        }
        if let Some(next) = &mut flow.next {
            next.flow = renumber(next.flow);
        }
    }
}
