//! Where the segments of brief flows are.

use crate::flow::bytes::Bytes;
use crate::flow::loose::Loose;
use crate::flow::packed::{Packed, Packing, ROOM};
use crate::flow::pool::NONE;
use crate::flow::seen::Seen;
use crate::stamp::Stamp;

/// Memory for brief flows.
#[derive(Debug)]
pub(in crate::flow) struct Memory {
    pub(in crate::flow) loose: Loose,
    pub(in crate::flow) packed: Bytes,
    /// Bytes on their way.
    pub(super) bytes: Box<Packed>,
    /// The packed segments that were read last, and the link to them: a flow that is over is asked for
    /// its last one, and then for all.
    read: Vec<Seen>,
    pub(super) read_of: u32,
    /// Where the times and frames of packed flows begin.
    pub(super) epoch: Option<Stamp>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            loose: Loose::default(),
            packed: Bytes::default(),
            bytes: Box::new([0; ROOM]),
            read: Vec::new(),
            read_of: NONE,
            epoch: None,
        }
    }
}

impl Memory {
    pub(super) fn pack(&mut self, last: u32, len: u8) -> u32 {
        let (mut packing, bytes) = (self.packing(), &mut self.bytes);
        self.loose.each(last, len, |seen| packing.add(bytes, seen));
        self.loose.release(last);
        self.packed.store(&self.bytes, packing.len())
    }

    /// The packed segments of a flow.
    pub(super) fn read(&mut self, link: u32, len: u8) -> &[Seen] {
        if self.read_of != link {
            self.packed.read(link, &mut self.bytes);
            let mut packing = self.packing();
            self.read.clear();
            let segments = (0..len).filter_map(|_| packing.next(&self.bytes));
            self.read.extend(segments);
            self.read_of = link;
        }
        &self.read
    }

    pub(super) fn packing(&self) -> Packing {
        Packing::new(self.epoch.unwrap_or_default())
    }

    /// Blocks that were ever taken: of loose segments, of packed ones, and tails of those.
    #[cfg(test)]
    pub(in crate::flow) fn blocks(&self) -> [usize; 3] {
        let [blocks, tails] = self.packed.blocks();
        [self.loose.blocks(), blocks, tails]
    }
}
