//! The pcap container in all its magics.
//! Format: draft-ietf-opsawg-pcap; "modified": Alexey Kuznetzov's records of 24-byte headers.

use super::order::Order;
use super::reader::{Found, Packet};
use super::source::Buffer;
use crate::stamp::{SECOND, Time};
use pcap_parser::parse_pcap_header;
use std::io::Read;

/// The part of the file's header that all magics share.
const HEADER: usize = 24;
/// The most that libpcap and Wireshark accept of one packet (`MAXIMUM_SNAPLEN`).
const MAX_CAPTURED: u32 = 262_144;

/// A pcap file after its header.
pub(super) struct Pcap {
    order: Order,
    /// Nanoseconds of one unit of the time's fraction.
    unit: u32,
    /// Bytes of a record's header.
    header: usize,
    /// Bytes of the frame check sequence at the end of each packet.
    fcs: u32,
    link: [u16; 1],
}

/// One row per magic as its four bytes stand in the file.
struct Magic {
    bytes: [u8; 4],
    order: Order,
    unit: u32,
    /// Bytes of the file's header and of a record's.
    headers: [usize; 2],
}

const MAGICS: [Magic; 10] = [
    magic(0xa1b2_c3d4, Order::Little, 1000, [24, 16]),
    magic(0xa1b2_c3d4, Order::Big, 1000, [24, 16]),
    magic(0xa1b2_3c4d, Order::Little, 1, [24, 16]),
    magic(0xa1b2_3c4d, Order::Big, 1, [24, 16]),
    magic(0xa1b2_cd34, Order::Little, 1000, [24, 24]),
    magic(0xa1b2_cd34, Order::Big, 1000, [24, 24]),
    // Ixia's "lcap", by hardware and by software: the length of all records follows the header.
    magic(0x1c00_01ac, Order::Little, 1000, [28, 16]),
    magic(0x1c00_01ac, Order::Big, 1000, [28, 16]),
    magic(0x1c00_01ab, Order::Little, 1000, [28, 16]),
    magic(0x1c00_01ab, Order::Big, 1000, [28, 16]),
];

const fn magic(number: u32, order: Order, unit: u32, headers: [usize; 2]) -> Magic {
    let bytes = match order {
        Order::Little => number.to_le_bytes(),
        Order::Big => number.to_be_bytes(),
    };
    Magic {
        bytes,
        order,
        unit,
        headers,
    }
}

impl Pcap {
    /// The input begins with a pcap magic, as far as it goes.
    pub(super) fn matches(start: &[u8]) -> bool {
        MAGICS.iter().any(|magic| start.starts_with(&magic.bytes))
    }

    /// Reads the file header.
    pub(super) fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Self, String> {
        let start = buffer.bytes();
        let magic = MAGICS.iter().find(|magic| start.starts_with(&magic.bytes));
        let magic = magic.ok_or("an unknown pcap magic")?;
        let [size, record] = magic.headers;
        let head = start.first_chunk::<HEADER>().copied();
        let Some(mut head) = head.filter(|_| start.len() >= size) else {
            return Err(cut("a pcap header", size, start.len()));
        };
        // pcap-parser knows only four of the ten magics, and the fields are the same.
        let plain = match magic.order {
            Order::Little => 0xa1b2_c3d4_u32.to_le_bytes(),
            Order::Big => 0xa1b2_c3d4_u32.to_be_bytes(),
        };
        head[..4].copy_from_slice(&plain);
        let (_, header) = parse_pcap_header(&head).map_err(|_| "an unreadable pcap header")?;
        if header.version_major != 2 {
            return Err(format!(
                "a pcap header of version {}.{}, where 2.x was expected",
                header.version_major, header.version_minor
            ));
        }
        buffer.consume(size);
        let network = header.network.0.cast_unsigned();
        Ok(Self {
            order: magic.order,
            unit: magic.unit,
            header: record,
            fcs: fcs_length(network),
            link: [network as u16],
        })
    }

    /// The next packet.
    ///
    /// The record's four fields are read here: the framing needs them, and pcap-parser has no
    /// function for modified records of big-endian files.
    #[inline]
    pub(super) fn packet<R: Read>(&self, buffer: &mut Buffer<R>) -> Found {
        buffer.fill(self.header);
        let head = buffer.bytes();
        let fields = self.order.words(head).filter(|_| head.len() >= self.header);
        let Some([seconds, fraction, captured, original]) = fields else {
            return end_of_input(buffer, self.header);
        };
        if captured > MAX_CAPTURED {
            return Err(format!(
                "a record of {captured} captured bytes, where at most {MAX_CAPTURED} were expected"
            ));
        }
        let size = self.header + captured as usize;
        if !buffer.fill(size) {
            return Err(cut("a record", size, buffer.bytes().len()));
        }
        let original = original.max(captured).saturating_sub(self.fcs);
        Ok(Some(Packet {
            size,
            at: self.header,
            len: captured.min(original) as usize,
            time: Some(self.time(seconds, fraction)),
            interface: 0,
            link: self.link[0],
            original_len: original,
        }))
    }

    /// A fraction of a second or more stands in damaged files only; it becomes the second's last
    /// nanosecond.
    fn time(&self, seconds: u32, fraction: u32) -> Time {
        let nanos = i64::from(fraction) * i64::from(self.unit);
        Time(i64::from(seconds) * SECOND + nanos.min(SECOND - 1))
    }

    pub(super) const fn link_types(&self) -> &[u16] {
        &self.link
    }
}

/// Bytes of the frame check sequence that the link field announces: bit 26 says that the four
/// highest bits count its 16-bit words. None is longer than four bytes; some writers count bytes.
fn fcs_length(network: u32) -> u32 {
    if network & 0x0400_0000 == 0 {
        return 0;
    }
    ((network >> 28) * 2).min(4)
}

#[cold]
fn end_of_input<R: Read>(buffer: &mut Buffer<R>, header: usize) -> Found {
    match (buffer.bytes().len(), buffer.has_failed()) {
        (0, false) => Ok(None),
        (0, true) => Err("where a record was expected".into()),
        (found, _) => Err(cut("a record header", header, found)),
    }
}

/// A thing of `size` bytes of which the input holds only `found`.
#[cold]
pub(super) fn cut(thing: &str, size: usize, found: usize) -> String {
    format!("{thing} of {size} bytes, but the input ends after {found} of them")
}
