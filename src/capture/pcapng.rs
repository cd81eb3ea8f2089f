//! The pcapng container: sections of either byte order, interfaces, packet blocks.
//! Format: draft-ietf-opsawg-pcapng.
//!
//! Each block is framed here before anything looks inside of it. Packet blocks are read here as
//! well: pcap-parser allocates a list of options for each, and has no obsolete packet block.

mod block;
mod find;
mod words;

pub(super) use block::Block;

use super::interface::Interface;
use super::order::Order;
use super::pcap::cut;
use super::reader::{Found, Packet, Record};
use super::resume::{Fault, Then};
use super::source::Buffer;
use pcap_parser::{
    parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock,
};
use std::io::Read;
use std::ops::Range;
use words::{bad_captured, bad_length, bad_trailer, name, unknown_byte_order, unreadable};

pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// Blocks without a packet to which Wireshark gives frame numbers nevertheless: entries of the
/// systemd journal, custom blocks of either kind, system calls of sysdig.
const NUMBERED: [u32; 6] = [9, 0x0bad, 0x4000_0bad, 0x204, 0x216, 0x221];

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// The type, and the length at either end.
const FRAME: usize = 12;
/// The longest block that is believed; Wireshark's limit.
const MAX_BLOCK: usize = 16 * 1024 * 1024;
/// The most bytes of a packet's options that are believed of a block whose end is not there.
const MAX_OPTIONS: usize = 64 * 1024;
/// The most interfaces of one section that are kept.
const MAX_INTERFACES: usize = 65_536;

/// The most names of interfaces that are kept.
const MAX_NAMES: usize = 64;

/// A pcapng file within a section.
pub(super) struct PcapNg {
    order: Order,
    /// Those of the present section; `None` where the description cannot be read.
    interfaces: Vec<Option<Interface>>,
    /// Bytes of this section were skipped: descriptions of interfaces may have been among them.
    torn: bool,
    link_types: Vec<u16>,
    /// The names of interfaces, each once.
    names: Vec<String>,
    passed: u64,
    /// Packets dropped in the sections before.
    dropped: Option<u64>,
}

impl PcapNg {
    /// The input begins with a section header, as far as it goes.
    pub(super) fn matches(start: &[u8]) -> bool {
        start.starts_with(&SECTION_HEADER.to_be_bytes())
    }

    /// Reads the first section header; tells its length.
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<(Self, usize), String> {
        let mut pcapng = Self {
            order: Order::Little,
            interfaces: Vec::new(),
            torn: false,
            link_types: Vec::new(),
            names: Vec::new(),
            passed: 0,
            dropped: None,
        };
        let Some((_, size)) = pcapng.frame(buffer).map_err(|fault| fault.0.what)? else {
            return Ok((pcapng, 0));
        };
        pcapng.begin_section(buffer.bytes().get(..size).unwrap_or_default())?;
        Ok((pcapng, size))
    }

    /// The next packet. Blocks that hold none are read or stepped over on the way.
    #[inline]
    pub(super) fn packet<R: Read>(&mut self, buffer: &mut Buffer<R>) -> Found {
        while let Some((kind, size)) = self.frame(buffer)? {
            let block = buffer.bytes().get(..size).unwrap_or_default();
            match kind {
                ENHANCED_PACKET | OBSOLETE_PACKET => return self.timed(block, kind),
                SIMPLE_PACKET => return self.simple(block),
                _ => self.read_other(kind, block)?,
            }
            buffer.consume(size);
        }
        Ok(None)
    }

    /// Shows the records of these bytes, one after another, which get these numbers: as long as each is
    /// there as a whole, is as most are, and is wanted. Gives how long those are that were, and how many.
    ///
    /// As [`Self::packet`], but where it stands is kept in no memory between two of them.
    #[inline]
    pub(super) fn run(
        &self,
        bytes: &[u8],
        frames: Range<u64>,
        mut see: impl FnMut(Record<'_>) -> bool,
    ) -> [usize; 2] {
        let (mut rest, mut next) = (bytes, frames.start);
        while next < frames.end
            && let Some((block, behind)) = self.enhanced(rest)
            && let Ok(Some(packet)) = self.timed(block, ENHANCED_PACKET)
            && let Some(data) = block.get(packet.at..)
            && let Some(data) = data.get(..packet.len)
            && see(Record {
                frame: next,
                time: packet.time,
                interface: packet.interface,
                link: packet.link,
                data,
                original_len: packet.original_len,
            })
        {
            rest = behind;
            next += 1;
        }
        [bytes.len() - rest.len(), (next - frames.start) as usize]
    }

    /// The enhanced packet block that these bytes begin with, if it is sound, and what stands behind it.
    #[inline]
    fn enhanced<'a>(&self, bytes: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let [kind, size] = self.order.words(bytes)?;
        let size = size as usize;
        if kind != ENHANCED_PACKET || size < FRAME || !size.is_multiple_of(4) {
            return None;
        }
        let (block, behind) = bytes.split_at_checked(size)?;
        let [trailer] = self.order.words(block.get(size - 4..)?)?;
        (trailer as usize == size && size <= MAX_BLOCK).then_some((block, behind))
    }

    pub(super) fn link_types(&self) -> &[u16] {
        &self.link_types
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Sees to it that the next block is in the buffer from end to end, and that both of its
    /// lengths agree. Gives its type and length; `None` at the end of the input.
    #[inline]
    fn frame<R: Read>(&mut self, buffer: &mut Buffer<R>) -> Result<Option<(u32, usize)>, Fault> {
        buffer.fill(FRAME);
        let Some([kind, mut size, next]) = self.order.words(buffer.bytes()) else {
            return end_of_input(buffer).map_or(Ok(None), Err);
        };
        if kind == SECTION_HEADER && next != BYTE_ORDER_MAGIC {
            if next.swap_bytes() != BYTE_ORDER_MAGIC {
                return Err(Fault::search(unknown_byte_order(next)));
            }
            self.order = self.order.other();
            size = size.swap_bytes();
        }
        let size = size as usize;
        if !(FRAME..=MAX_BLOCK).contains(&size) || !size.is_multiple_of(4) {
            return Err(Fault::search(bad_length(kind, size)));
        }
        if !buffer.fill(size) {
            return Err(self.cut_block(kind, size, buffer.bytes()));
        }
        let trailer = buffer.bytes().get(size - 4..).unwrap_or_default();
        match self.order.words(trailer) {
            Some([trailer]) if trailer as usize != size => {
                Err(Fault::search(bad_trailer(kind, size, trailer)))
            }
            _ => Ok(Some((kind, size))),
        }
    }

    /// The input ends inside of a block, or its length is wrong: then others follow, but not
    /// within the packet that it holds, which may itself be a piece of a capture.
    #[cold]
    fn cut_block(&self, kind: u32, size: usize, block: &[u8]) -> Fault {
        let what = cut(&name(kind), size, block.len());
        let timed = matches!(kind, ENHANCED_PACKET | OBSOLETE_PACKET);
        let fields = self.order.words(block).filter(|_| timed);
        let data = fields.and_then(|[_, _, number, _, _, captured, original]| {
            let data = captured as usize;
            let options = size.checked_sub(32 + data)?;
            let known = kind == OBSOLETE_PACKET || self.interface(number).is_some();
            let credible = known && captured <= original && options <= MAX_OPTIONS;
            credible.then_some(data)
        });
        Fault::new(what, Then::Search(data.map_or(1, |data| 28 + data)))
    }

    /// A block that holds no packet.
    #[cold]
    fn read_other(&mut self, kind: u32, block: &[u8]) -> Result<(), Fault> {
        let read = match kind {
            SECTION_HEADER => self.begin_section(block),
            INTERFACE_DESCRIPTION => self.add_interface(block),
            INTERFACE_STATISTICS => {
                self.add_statistics(block);
                Ok(())
            }
            _ => {
                self.passed += u64::from(NUMBERED.contains(&kind));
                Ok(())
            }
        };
        read.map_err(|what| Fault::new(what, Then::Pass(block.len(), 0)))
    }

    /// Blocks passed so far that hold no packet and have a frame number.
    pub(super) const fn passed(&self) -> u64 {
        self.passed
    }

    /// Packets that the interfaces' statistics call dropped.
    pub(super) fn dropped(&self) -> Option<u64> {
        let interfaces = self.interfaces.iter().flatten();
        let counts = interfaces.filter_map(|interface| interface.dropped);
        counts.chain(self.dropped).reduce(u64::saturating_add)
    }

    /// Nothing of the section before holds in this one, even if its header cannot be read.
    fn begin_section(&mut self, block: &[u8]) -> Result<(), String> {
        self.dropped = self.dropped();
        self.interfaces.clear();
        self.torn = true;
        let (_, header) =
            parse_sectionheaderblock(block).map_err(|_| unreadable(SECTION_HEADER, block))?;
        if header.major_version != 1 {
            return Err(format!(
                "a section of pcapng version {}.{}, where 1.x was expected",
                header.major_version, header.minor_version
            ));
        }
        self.torn = false;
        Ok(())
    }

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
        let Ok((_, described)) = parsed else {
            self.interfaces.push(None);
            return Err(unreadable(INTERFACE_DESCRIPTION, block));
        };
        let mut interface = Interface::new(&described, self.order);
        if self.torn && !self.is_like_all(&interface) {
            // Which number it has is unknown, and whether the others' section still lasts.
            self.dropped = self.dropped();
            self.interfaces.clear();
            return Err("an interface description behind damage: its number is unknown".into());
        }
        if !self.link_types.contains(&interface.link) {
            self.link_types.push(interface.link);
        }
        let name = interface.name.take();
        let name = name.filter(|name| self.names.len() < MAX_NAMES && !self.names.contains(name));
        self.names.extend(name);
        self.interfaces.push(Some(interface));
        Ok(())
    }

    /// There are interfaces, and it does not matter which of them a packet means.
    fn is_like_all(&self, one: &Interface) -> bool {
        let mut all = self.interfaces.iter();
        let like = |other: &Option<Interface>| other.as_ref().is_some_and(|o| o.is_like(one));
        !self.interfaces.is_empty() && all.all(like)
    }

    /// Statistics of an unknown interface tell nothing.
    fn add_statistics(&mut self, block: &[u8]) {
        let order = self.order;
        let Some([_, _, number]) = order.words(block) else {
            return;
        };
        let interface = self.interfaces.get_mut(number as usize);
        if let Some(interface) = interface.and_then(Option::as_mut) {
            interface.count_dropped(block, order);
        }
    }

    /// An enhanced packet block, or an obsolete one: that one's interface has 16 bits, the other 16
    /// count drops.
    #[inline]
    fn timed(&self, block: &[u8], kind: u32) -> Found {
        const DATA: usize = 28;
        let size = block.len();
        let fields = self.order.words(block).filter(|_| size >= DATA + 4);
        let Some([_, _, mut number, high, low, captured, original]) = fields else {
            return Err(lost_packet(block, bad_length(kind, size)));
        };
        if kind == OBSOLETE_PACKET {
            number = u32::from(self.order.first_half(number));
        }
        let Some(interface) = self.interface(number) else {
            return Err(lost_packet(block, self.unknown_interface(number)));
        };
        if captured as usize > size - DATA - 4 {
            return Err(lost_packet(block, bad_captured(kind, size, captured)));
        }
        Ok(Some(Packet {
            size,
            at: DATA,
            len: captured as usize,
            time: interface.time(u64::from(high) << 32 | u64::from(low)),
            interface: number,
            link: interface.link,
            original_len: original.max(captured),
        }))
    }

    /// It has neither a time nor a captured length: that is the original length, but at most the
    /// interface's limit.
    #[cold]
    fn simple(&self, block: &[u8]) -> Found {
        const DATA: usize = 12;
        let size = block.len();
        let fields = self.order.words(block).filter(|_| size >= DATA + 4);
        let Some([_, _, original]) = fields else {
            return Err(lost_packet(block, bad_length(SIMPLE_PACKET, size)));
        };
        let Some(interface) = self.interface(0) else {
            return Err(lost_packet(block, self.unknown_interface(0)));
        };
        let captured = interface.limit(original);
        let room = size - DATA - 4;
        if captured as usize > room {
            let what = format!(
                "{} of {size} bytes for a packet of {captured} captured bytes",
                name(SIMPLE_PACKET)
            );
            return Err(lost_packet(block, what));
        }
        Ok(Some(Packet {
            size,
            at: DATA,
            len: captured as usize,
            time: None,
            interface: 0,
            link: interface.link,
            original_len: original,
        }))
    }

    #[inline]
    fn interface(&self, number: u32) -> Option<&Interface> {
        self.interfaces.get(number as usize)?.as_ref()
    }

    #[cold]
    fn unknown_interface(&self, number: u32) -> String {
        let described = self.interfaces.len();
        if (number as usize) < described {
            return format!("a packet of interface {number}, whose description cannot be read");
        }
        format!("a packet of interface {number}, where the section describes {described} so far")
    }
}

/// A whole block whose packet cannot be read. It is still a frame.
#[cold]
fn lost_packet(block: &[u8], what: String) -> Fault {
    Fault::new(what, Then::Pass(block.len(), 1))
}

/// What is wrong with the end of the input, if anything.
#[cold]
fn end_of_input<R: Read>(buffer: &Buffer<R>) -> Option<Fault> {
    match (buffer.bytes().len(), buffer.has_failed()) {
        (0, false) => None,
        (0, true) => Some(Fault::end("where a block was expected")),
        (found, _) => Some(Fault::end(cut("a block header", FRAME, found))),
    }
}
