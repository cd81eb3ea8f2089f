//! Segments in, flows out.

use crate::flow::connection::{Connection, Effects};
use crate::flow::record::{Flow, Key};
use crate::flow::seen::Seen;
use crate::packet::Segment;
use crate::stamp::Stamp;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Every connection of a capture.
#[derive(Debug, Default)]
pub struct FlowTable {
    index: HashTable<u32>,
    connections: Vec<Connection>,
    hasher: RandomState,
    /// What segments have settled.
    effects: Effects,
    /// The number of the next flow.
    next_number: u64,
}

impl FlowTable {
    /// Takes in the segment that stands at `at`.
    pub fn push(&mut self, segment: &Segment, at: Stamp) {
        let (key, from) = Key::of(segment);
        let seen = Seen::new(segment, from, at);
        let hash = self.hasher.hash_one(key);
        let known = self.index.find(hash, |&i| {
            self.connections
                .get(i as usize)
                .is_some_and(|c| c.key == key)
        });
        let Some(connection) = known.and_then(|&i| self.connections.get_mut(i as usize)) else {
            self.begin(key, seen, hash);
            return;
        };
        if connection.push(seen, self.next_number, &mut self.effects) {
            self.next_number += 1;
        }
    }

    /// Every flow, by number. Numbers are those of first frames, from 0, without gaps.
    pub fn finish(mut self) -> Vec<Box<Flow>> {
        for connection in std::mem::take(&mut self.connections) {
            connection.finish(&mut self.effects);
        }
        let Effects {
            mut settled,
            mut unused,
        } = self.effects;
        unused.sort_unstable();
        let renumber = |n: u64| n - unused.partition_point(|&u| u < n) as u64;
        for flow in &mut settled {
            flow.number = renumber(flow.number);
            if let Some(previous) = &mut flow.previous {
                previous.flow = renumber(previous.flow);
            }
            if let Some(next) = &mut flow.next {
                next.flow = renumber(next.flow);
            }
        }
        settled.sort_unstable_by_key(|flow| flow.number);
        settled
    }

    fn begin(&mut self, key: Key, seen: Seen, hash: u64) {
        let mut flow = Box::new(Flow::new(key, seen.at, seen.from));
        flow.number = self.next_number;
        self.next_number += 1;
        flow.push(seen);
        let (connections, hasher) = (&self.connections, &self.hasher);
        let rehash = |&i: &u32| {
            connections
                .get(i as usize)
                .map_or(0, |c| hasher.hash_one(c.key))
        };
        self.index
            .insert_unique(hash, connections.len() as u32, rehash);
        self.connections.push(Connection::new(flow));
    }
}
