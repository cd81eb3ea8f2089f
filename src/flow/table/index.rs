//! The index where many keys are looked for together: their cache misses overlap.

use super::{BATCH, FlowTable};
use crate::flow::pool::NONE;
use crate::flow::reorder::Arrival;
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::hash::BuildHasher;
use std::hint::black_box;

impl FlowTable {
    /// Looks segments up, and touches their flows before any of them is pushed. Each of the loops
    /// waits for one memory access per segment, and for all of a loop at once.
    pub(super) fn look_up(&self, batch: &mut [Arrival]) {
        for arrival in &mut *batch {
            // The first whose tag is that of the key: seven bits of the hash.
            let flow = self.index.find(arrival.hash, |_| true);
            arrival.flow = flow.copied().unwrap_or(NONE);
        }
        let mut touched = 0;
        for arrival in &*batch {
            touched ^= self.flows.touch(arrival.flow);
        }
        let (mut packed, mut count) = ([NONE; 2 * BATCH], 0);
        for arrival in &*batch {
            let mut link = NONE;
            touched ^= self.flows.touch_kept(arrival.flow, &mut link);
            // Written without a branch: any of them may be packed.
            if let Some(slot) = packed.get_mut(count) {
                *slot = link;
            }
            count += usize::from(link != NONE);
        }
        black_box(touched);
        if let Some(links @ [_, ..]) = packed.get_mut(..count) {
            self.flows.touch_packed(links);
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
