//! The parts of a capture as their bytes stand in it, for those who write it anew.

use super::order::Order;
use super::reader::Record;

/// A part of a capture.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    /// The byte order of its numbers.
    pub(crate) order: Order,
    /// All of its bytes.
    pub(crate) raw: &'a [u8],
    pub(crate) what: What<'a>,
}

/// What a part is.
#[derive(Clone, Copy)]
pub(crate) enum What<'a> {
    /// The header of a pcap file.
    PcapHeader(PcapHeader),
    /// A section header of pcapng.
    Section,
    /// The description of the interface of this number in its section.
    Interface(u32),
    /// A further block of this type.
    Other(u32),
    /// A packet, and where its bytes begin in the part.
    Packet(Record<'a>, usize),
}

/// What the header of a pcap file says of all records.
#[derive(Clone, Copy)]
pub(crate) struct PcapHeader {
    /// Nanoseconds of one unit of the times' fractions.
    pub(crate) unit: u32,
    pub(crate) link: u16,
    /// Bytes of the frame check sequence at the end of each packet.
    pub(crate) fcs: u32,
}

impl What<'_> {
    /// A block without a packet, in a section that has so many interfaces with it.
    pub(super) const fn of_block(kind: u32, interfaces: usize) -> Self {
        match kind {
            super::pcapng::SECTION_HEADER => Self::Section,
            super::pcapng::INTERFACE_DESCRIPTION => {
                Self::Interface(interfaces.saturating_sub(1) as u32)
            }
            kind => Self::Other(kind),
        }
    }
}
