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
    /// Where the times and frames of packed flows begin.
    pub(super) epoch: Option<Stamp>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            loose: Loose::default(),
            packed: Bytes::default(),
            bytes: Box::new([0; ROOM]),
            epoch: None,
        }
    }
}

/// Packed segments that were read last. Whoever reads has one: several may do so at once.
#[derive(Debug)]
pub struct Unpacked {
    bytes: Box<Packed>,
    segments: Vec<Seen>,
    /// The link to them: a flow that is over is asked for its last segment, and then for all.
    of: u32,
}

impl Default for Unpacked {
    fn default() -> Self {
        Self {
            bytes: Box::new([0; ROOM]),
            segments: Vec::new(),
            of: NONE,
        }
    }
}

impl Unpacked {
    /// What was read stands there no more.
    pub(in crate::flow) const fn forget(&mut self) {
        self.of = NONE;
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
    pub(super) fn read<'a>(&self, link: u32, len: u8, to: &'a mut Unpacked) -> &'a [Seen] {
        if to.of != link {
            self.packed.read(link, &mut to.bytes);
            let mut packing = self.packing();
            to.segments.clear();
            let segments = (0..len).filter_map(|_| packing.next(&to.bytes));
            to.segments.extend(segments);
            to.of = link;
        }
        &to.segments
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
