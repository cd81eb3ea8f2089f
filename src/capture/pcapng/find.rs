//! Finds the blocks behind damage.

use super::{
    BYTE_ORDER_MAGIC, ENHANCED_PACKET, FRAME, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS,
    NUMBERED, OBSOLETE_PACKET, PcapNg, SECTION_HEADER, SIMPLE_PACKET, words::smallest,
};
use crate::capture::order::Order;
use crate::capture::resume::search;
use crate::capture::source::Buffer;
use std::io::Read;

/// Further blocks that a search knows: names, statistics, secrets, Apple's process information.
const KNOWN: [u32; 4] = [4, INTERFACE_STATISTICS, 10, 0x8000_0001];

/// The longest block that a search believes; blocks of packets are shorter.
const MAX_FOUND: usize = 512 * 1024;
/// So many blocks in a row make a search believe them.
const IN_A_ROW: usize = 3;

impl PcapNg {
    /// Steps to the next place where blocks are, `from` bytes on or more.
    #[cold]
    pub(in crate::capture) fn resume<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
        from: usize,
    ) -> bool {
        let head = self.order.words(buffer.bytes());
        let [kind, size] = head.unwrap_or_default();
        if kind == SECTION_HEADER {
            // A section whose header cannot be read: its packets are of unknown interfaces.
            self.dropped = self.dropped();
            self.interfaces.clear();
        }
        self.torn = true;
        // Often only the length at the block's end is wrong.
        let size = size as usize;
        if (FRAME..=MAX_FOUND).contains(&size) && self.is_block(buffer, size) {
            buffer.consume(size);
            return true;
        }
        search(buffer, from, |buffer, at| self.is_block(buffer, at))
    }

    /// Blocks stand here: several in a row, as many as the input has, or a section header.
    fn is_block<R: Read>(&self, buffer: &mut Buffer<R>, mut at: usize) -> bool {
        let mut interfaces = self.interfaces.len();
        for found in 0..IN_A_ROW {
            if !buffer.look(at + FRAME) {
                let whole = at == buffer.bytes().len();
                return found >= if whole { 1 } else { 2 };
            }
            let Some((kind, size)) = self.plausible(buffer, at, interfaces) else {
                return false;
            };
            if !buffer.look(at + size) {
                return found >= 2;
            }
            let block = buffer.bytes().get(at..at + size).unwrap_or_default();
            if kind == SECTION_HEADER {
                return is_section(block);
            }
            let trailer = block.get(size - 4..).unwrap_or_default();
            if self.order.words(trailer) != Some([size as u32]) {
                return false;
            }
            interfaces += usize::from(kind == INTERFACE_DESCRIPTION);
            at += size;
        }
        true
    }

    /// The type and length of what may be a block; its packet is of one of so many interfaces.
    fn plausible<R: Read>(
        &self,
        buffer: &mut Buffer<R>,
        at: usize,
        interfaces: usize,
    ) -> Option<(u32, usize)> {
        let head = buffer.bytes().get(at..)?;
        let [kind, size, third] = self.order.words(head)?;
        if kind == SECTION_HEADER {
            let size = if third == BYTE_ORDER_MAGIC {
                size
            } else {
                size.swap_bytes()
            };
            let size = size as usize;
            return (28..=MAX_FOUND).contains(&size).then_some((kind, size));
        }
        let size = size as usize;
        if !(smallest(kind)..=MAX_FOUND).contains(&size) || !size.is_multiple_of(4) {
            return None;
        }
        let fits = match kind {
            ENHANCED_PACKET => (third as usize) < interfaces,
            OBSOLETE_PACKET => usize::from(self.order.first_half(third)) < interfaces,
            SIMPLE_PACKET => interfaces > 0,
            INTERFACE_DESCRIPTION => true,
            _ => KNOWN.contains(&kind) || NUMBERED.contains(&kind),
        };
        if !fits || !matches!(kind, ENHANCED_PACKET | OBSOLETE_PACKET) {
            return fits.then_some((kind, size));
        }
        buffer.look(at + 32);
        let head = buffer.bytes().get(at..)?;
        let [_, _, _, _, _, captured] = self.order.words(head)?;
        (captured as usize <= size - 32).then_some((kind, size))
    }
}

/// A section header from end to end, of either byte order and of a version that is read.
fn is_section(block: &[u8]) -> bool {
    [Order::Little, Order::Big].into_iter().any(|order| {
        let trailer = block.len().checked_sub(4).and_then(|at| block.get(at..));
        let trailer = trailer.and_then(|trailer| order.words(trailer));
        let head = order.words(block);
        let Some(([kind, size, magic, version], [trailer])) = head.zip(trailer) else {
            return false;
        };
        let lengths = size == trailer && size as usize == block.len() && size.is_multiple_of(4);
        lengths
            && (kind, magic) == (SECTION_HEADER, BYTE_ORDER_MAGIC)
            && order.first_half(version) == 1
    })
}
