//! The index where many keys are looked for together: their cache misses overlap.

use super::{BATCH, FlowTable};
use crate::flow::pool::NONE;
use crate::flow::reorder::Arrival;
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::hash::BuildHasher;
use std::hint::black_box;

impl FlowTable {
    /// Looks segments up, and touches their flows before any of them is pushed: the flow that each seems
    /// to belong to. Each of the loops waits for one memory access per segment, and for all of a loop at
    /// once.
    #[inline]
    pub(super) fn look_up(&self, batch: &[Arrival], flows: &mut [u32; 2 * BATCH]) {
        for (arrival, to) in batch.iter().zip(&mut *flows) {
            // The first whose tag is that of the key: seven bits of the hash.
            let flow = self.index.find(arrival.hash, |_| true);
            *to = flow.copied().unwrap_or(NONE);
        }
        let found = flows.get(..batch.len()).unwrap_or(flows);
        let mut touched = 0;
        for &flow in found {
            touched ^= self.flows.touch(flow);
        }
        let mut packed = SmallVec::<[u32; 2 * BATCH]>::new();
        for &flow in found {
            if !self.flows.needs_more(flow) {
                continue;
            }
            match self.flows.touch_kept(flow) {
                Ok(word) => touched ^= word,
                Err(link) => packed.push(link),
            }
        }
        black_box(touched);
        if !packed.is_empty() {
            self.flows.touch_packed(&mut packed);
        }
    }

    /// Moves to a larger index. It would grow by itself, but read one flow after another for their
    /// hashes.
    #[cold]
    pub(super) fn grow(&mut self) {
        let room = self.index.capacity() + 1;
        let old = std::mem::replace(&mut self.index, HashTable::with_capacity(room));
        let mut flows = old.into_iter();
        loop {
            let mut batch = SmallVec::<[u32; 2 * BATCH]>::new();
            batch.extend(flows.by_ref().take(2 * BATCH));
            if batch.is_empty() {
                return;
            }
            let touched = batch.iter().map(|&flow| self.flows.touch(flow));
            black_box(touched.fold(0, |all, word| all ^ word));
            for flow in batch {
                let hash = self.flows.key(flow).map(|key| self.hasher.hash_one(key));
                // None has to be asked for its hash: there is room.
                self.index.insert_unique(hash.unwrap_or(0), flow, |_| 0);
            }
        }
    }
}
