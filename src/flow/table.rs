//! Segments in, flows out.

use crate::flow::connection::{Connection, Effects};
use crate::flow::record::{Flow, Key};
use crate::flow::seen::Seen;
use crate::packet::Segment;
use crate::stamp::Stamp;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::hint::black_box;

/// Segments looked up together: their cache misses overlap.
const BATCH: usize = 32;

/// Where a key's connections are.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The lower half of the key's hash: most other keys are told apart here.
    hash: u32,
    connection: u32,
}

/// A segment that waits for its batch to be full.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    key: Key,
    hash: u64,
    seen: Seen,
}

/// Every connection of a capture.
#[derive(Debug, Default)]
pub struct FlowTable {
    index: HashTable<Slot>,
    connections: Vec<Connection>,
    hasher: RandomState,
    waiting: Vec<Waiting>,
    /// What segments have settled.
    effects: Effects,
    /// The number of the next flow.
    next_number: u64,
}

impl FlowTable {
    /// Takes in the segment that stands at `at`.
    pub fn push(&mut self, segment: &Segment, at: Stamp) {
        let (key, from) = Key::of(segment);
        let hash = self.hasher.hash_one(key);
        let seen = Seen::new(segment, from, at);
        self.waiting.push(Waiting { key, hash, seen });
        if self.waiting.len() >= BATCH {
            self.apply();
        }
    }

    /// Every flow, by number. Numbers are those of first frames, from 0, without gaps.
    pub fn finish(mut self) -> Vec<Box<Flow>> {
        self.apply();
        for connection in std::mem::take(&mut self.connections) {
            connection.finish(&mut self.effects);
        }
        let Effects {
            mut settled,
            unused,
        } = self.effects;
        if !unused.is_empty() {
            close_gaps(&mut settled, unused);
        }
        // Stable: the flows are nearly in order already.
        settled.sort_by_key(|flow| flow.number);
        settled
    }

    /// Looks all waiting segments up, touches their flows, and only then pushes them, in order.
    fn apply(&mut self) {
        let touched = self.waiting.iter().filter_map(|w| {
            let slot = find(&self.index, &self.connections, w)?;
            self.connections.get(slot)
        });
        let touched: u64 = touched.map(Connection::touch).sum();
        black_box(touched);
        let mut waiting = std::mem::take(&mut self.waiting);
        for segment in waiting.drain(..) {
            self.push_one(&segment);
        }
        self.waiting = waiting;
    }

    fn push_one(&mut self, segment: &Waiting) {
        let known = find(&self.index, &self.connections, segment);
        let Some(connection) = known.and_then(|at| self.connections.get_mut(at)) else {
            self.begin(segment);
            return;
        };
        if connection.push(segment.seen, self.next_number, &mut self.effects) {
            self.next_number += 1;
        }
    }

    fn begin(&mut self, first: &Waiting) {
        let mut flow = Box::new(Flow::new(first.key, first.seen.at, first.seen.from));
        flow.number = self.next_number;
        self.next_number += 1;
        flow.push(first.seen);
        let slot = Slot {
            hash: first.hash as u32,
            connection: self.connections.len() as u32,
        };
        let (connections, hasher) = (&self.connections, &self.hasher);
        let rehash = |slot: &Slot| {
            let connection = connections.get(slot.connection as usize);
            connection.map_or(0, |c| hasher.hash_one(c.key))
        };
        self.index.insert_unique(first.hash, slot, rehash);
        self.connections.push(Connection::new(flow));
    }
}

/// The place of a key's connections.
fn find(index: &HashTable<Slot>, connections: &[Connection], wanted: &Waiting) -> Option<usize> {
    let same = |slot: &Slot| {
        let connection = connections.get(slot.connection as usize);
        slot.hash == wanted.hash as u32 && connection.is_some_and(|c| c.key == wanted.key)
    };
    index
        .find(wanted.hash, same)
        .map(|slot| slot.connection as usize)
}

/// Takes the numbers of SYNs that were no connection out of the count.
fn close_gaps(flows: &mut [Box<Flow>], mut unused: Vec<u64>) {
    unused.sort_unstable();
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
