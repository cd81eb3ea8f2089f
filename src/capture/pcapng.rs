//! The pcapng container: sections of either byte order, interfaces, packet blocks.
//! Format: draft-ietf-opsawg-pcapng.
//!
//! Each block is framed here before anything looks inside of it. Packet blocks are read here as
//! well: pcap-parser allocates a list of options for each, and has no obsolete packet block.

use super::interface::Interface;
use super::order::Order;
use super::pcap::cut;
use super::reader::Packet;
use super::source::Buffer;
use pcap_parser::{
    parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock,
};
use std::io::Read;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// The type, and the length at either end.
const FRAME: usize = 12;
/// The longest block that is believed; Wireshark's limit.
const MAX_BLOCK: usize = 16 * 1024 * 1024;
/// The most interfaces of one section that are kept.
const MAX_INTERFACES: usize = 65_536;

/// A pcapng file within a section.
pub(super) struct PcapNg {
    order: Order,
    /// Those of the present section.
    interfaces: Vec<Interface>,
    link_types: Vec<u16>,
}

impl PcapNg {
    /// The input begins with a section header, as far as it goes.
    pub(super) fn matches(start: &[u8]) -> bool {
        start.starts_with(&SECTION_HEADER.to_be_bytes())
    }

    /// Reads the first section header.
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Self, String> {
        let mut pcapng = Self {
            order: Order::Little,
            interfaces: Vec::new(),
            link_types: Vec::new(),
        };
        if let Some((_, size)) = pcapng.frame(buffer)? {
            pcapng.begin_section(buffer.bytes().get(..size).unwrap_or_default())?;
            buffer.consume(size);
        }
        Ok(pcapng)
    }

    /// The next packet, consumed from the buffer; `None` at the end of the file. Blocks that hold
    /// no packet are read or stepped over on the way.
    #[inline]
    pub(super) fn packet<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Packet>, String> {
        while let Some((kind, size)) = self.frame(buffer)? {
            let block = buffer.bytes().get(..size).unwrap_or_default();
            let packet = match kind {
                ENHANCED_PACKET => Some(self.enhanced(block)?),
                SIMPLE_PACKET => Some(self.simple(block)?),
                OBSOLETE_PACKET => Some(self.obsolete(block)?),
                SECTION_HEADER => self.begin_section(block).map(|()| None)?,
                INTERFACE_DESCRIPTION => self.add_interface(block).map(|()| None)?,
                _ => None,
            };
            buffer.consume(size);
            if packet.is_some() {
                return Ok(packet);
            }
        }
        Ok(None)
    }

    pub(super) fn link_types(&self) -> &[u16] {
        &self.link_types
    }

    /// Sees to it that the next block is in the buffer from end to end, and that both of its
    /// lengths agree. Gives its type and length; `None` at the end of the file.
    #[inline]
    fn frame<R: Read>(&mut self, buffer: &mut Buffer<R>) -> Result<Option<(u32, usize)>, String> {
        if !buffer.fill(FRAME) {
            return end_of_file(buffer);
        }
        let head = buffer.bytes();
        let kind = self.order.u32(head, 0);
        if kind == SECTION_HEADER {
            self.order = byte_order(head)?;
        }
        let size = self.order.u32(head, 4) as usize;
        if !(FRAME..=MAX_BLOCK).contains(&size) || !size.is_multiple_of(4) {
            return Err(bad_length(kind, size));
        }
        if !buffer.fill(size) {
            return Err(cut(&name(kind), size, buffer.bytes().len()));
        }
        let trailer = self.order.u32(buffer.bytes(), size - 4) as usize;
        if trailer != size {
            return Err(format!(
                "a {} of {size} bytes whose trailing length says {trailer}",
                name(kind)
            ));
        }
        Ok(Some((kind, size)))
    }

    #[cold]
    fn begin_section(&mut self, block: &[u8]) -> Result<(), String> {
        let (_, header) =
            parse_sectionheaderblock(block).map_err(|_| unreadable(SECTION_HEADER, block))?;
        if header.major_version != 1 {
            return Err(format!(
                "a section of pcapng version {}.{}, where 1.x was expected",
                header.major_version, header.minor_version
            ));
        }
        self.interfaces.clear();
        Ok(())
    }

    #[cold]
    fn add_interface(&mut self, block: &[u8]) -> Result<(), String> {
        if self.interfaces.len() == MAX_INTERFACES {
            return Err(format!(
                "more than {MAX_INTERFACES} interfaces in a section"
            ));
        }
        let parsed = match self.order {
            Order::Little => parse_interfacedescriptionblock_le(block),
            Order::Big => parse_interfacedescriptionblock_be(block),
        };
        let (_, described) = parsed.map_err(|_| unreadable(INTERFACE_DESCRIPTION, block))?;
        let interface = Interface::new(&described, self.order);
        if !self.link_types.contains(&interface.link) {
            self.link_types.push(interface.link);
        }
        self.interfaces.push(interface);
        Ok(())
    }

    #[inline]
    fn enhanced(&self, block: &[u8]) -> Result<Packet, String> {
        let interface = self.order.u32(block, 8);
        self.timed(block, interface, ENHANCED_PACKET)
    }

    /// Its interface has 16 bits, the other 16 count drops.
    #[cold]
    fn obsolete(&self, block: &[u8]) -> Result<Packet, String> {
        let interface = u32::from(self.order.u16(block, 8));
        self.timed(block, interface, OBSOLETE_PACKET)
    }

    #[inline]
    fn timed(&self, block: &[u8], number: u32, kind: u32) -> Result<Packet, String> {
        const DATA: usize = 28;
        let size = block.len();
        if size < DATA + 4 {
            return Err(bad_length(kind, size));
        }
        let interface = self.interface(number)?;
        let (high, low) = (self.order.u32(block, 12), self.order.u32(block, 16));
        let (captured, original) = (self.order.u32(block, 20), self.order.u32(block, 24));
        if captured as usize > size - DATA - 4 {
            return Err(format!(
                "{} of {size} bytes that claims {captured} captured bytes",
                with_article(kind)
            ));
        }
        let ticks = u64::from(high) << 32 | u64::from(low);
        Ok(Packet {
            back: size - DATA,
            len: captured as usize,
            time: interface.time(ticks),
            interface: number,
            link: interface.link,
            original_len: original.max(captured),
        })
    }

    /// It has neither a time nor a captured length: that is the least of the original length, the
    /// interface's limit and the room in the block.
    #[cold]
    fn simple(&self, block: &[u8]) -> Result<Packet, String> {
        const DATA: usize = 12;
        let size = block.len();
        if size < DATA + 4 {
            return Err(bad_length(SIMPLE_PACKET, size));
        }
        let interface = self.interface(0)?;
        let original = self.order.u32(block, 8);
        let captured = interface.limit(original);
        let room = size - DATA - 4;
        if captured as usize > room {
            return Err(format!(
                "{} of {size} bytes for a packet of {captured} captured bytes",
                with_article(SIMPLE_PACKET)
            ));
        }
        Ok(Packet {
            back: size - DATA,
            len: captured as usize,
            time: None,
            interface: 0,
            link: interface.link,
            original_len: original,
        })
    }

    #[inline]
    fn interface(&self, number: u32) -> Result<&Interface, String> {
        self.interfaces.get(number as usize).ok_or_else(|| {
            format!(
                "a packet of interface {number}, where the section describes {} so far",
                self.interfaces.len()
            )
        })
    }
}

/// The byte order of the section that begins with `head`.
fn byte_order(head: &[u8]) -> Result<Order, String> {
    let magic = Order::Little.u32(head, 8);
    if magic == BYTE_ORDER_MAGIC {
        return Ok(Order::Little);
    }
    if magic.swap_bytes() == BYTE_ORDER_MAGIC {
        return Ok(Order::Big);
    }
    Err(format!(
        "a section header with the byte-order magic {magic:08x}, where {BYTE_ORDER_MAGIC:08x} of either byte order was expected"
    ))
}

#[cold]
fn end_of_file<R: Read>(buffer: &Buffer<R>) -> Result<Option<(u32, usize)>, String> {
    match (buffer.bytes().len(), buffer.has_failed()) {
        (0, false) => Ok(None),
        (0, true) => Err("where a block was expected".into()),
        (found, _) => Err(cut("block header", FRAME, found)),
    }
}

#[cold]
fn bad_length(kind: u32, size: usize) -> String {
    format!(
        "{} of length {size}, where a multiple of 4 from {} to {MAX_BLOCK} was expected",
        with_article(kind),
        smallest(kind)
    )
}

#[cold]
fn unreadable(kind: u32, block: &[u8]) -> String {
    format!(
        "{} of {} bytes that cannot be read",
        with_article(kind),
        block.len()
    )
}

/// The least length of a block, by what it must hold.
const fn smallest(kind: u32) -> usize {
    match kind {
        SECTION_HEADER => 28,
        INTERFACE_DESCRIPTION => 20,
        SIMPLE_PACKET => 16,
        ENHANCED_PACKET | OBSOLETE_PACKET => 32,
        _ => FRAME,
    }
}

fn with_article(kind: u32) -> String {
    let name = name(kind);
    let article = if name.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}

fn name(kind: u32) -> String {
    match kind {
        SECTION_HEADER => "section header".into(),
        INTERFACE_DESCRIPTION => "interface description".into(),
        OBSOLETE_PACKET => "obsolete packet block".into(),
        SIMPLE_PACKET => "simple packet block".into(),
        ENHANCED_PACKET => "enhanced packet block".into(),
        other => format!("block of type {other:#x}"),
    }
}
