//! Block after block, for those who want all of them.

use super::{ENHANCED_PACKET, OBSOLETE_PACKET, PcapNg, SIMPLE_PACKET};
use crate::capture::order::Order;
use crate::capture::reader::Packet;
use crate::capture::resume::Fault;
use crate::capture::source::Buffer;
use std::io::Read;

/// A block at the beginning of the buffer.
pub(in crate::capture) enum Block {
    Packet(Packet),
    /// One without a packet: its type and length.
    Other(u32, usize),
}

impl PcapNg {
    /// The next block, whatever it is. It is left where it stands.
    pub(in crate::capture) fn block<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Block>, Fault> {
        let Some((kind, size)) = self.frame(buffer)? else {
            return Ok(None);
        };
        let block = buffer.bytes().get(..size).unwrap_or_default();
        let packet = match kind {
            ENHANCED_PACKET | OBSOLETE_PACKET => self.timed(block, kind)?,
            SIMPLE_PACKET => self.simple(block)?,
            _ => {
                self.read_other(kind, block)?;
                None
            }
        };
        Ok(Some(packet.map_or(Block::Other(kind, size), Block::Packet)))
    }

    pub(in crate::capture) const fn order(&self) -> Order {
        self.order
    }

    /// How many interfaces the section has described so far.
    pub(in crate::capture) const fn interfaces(&self) -> usize {
        self.interfaces.len()
    }
}
