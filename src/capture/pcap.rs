//! The pcap container in all its magics.
//! Format: draft-ietf-opsawg-pcap; "modified": Alexey Kuznetzov's records of 24-byte headers.

use super::order::Order;
use super::part::PcapHeader;
use super::reader::{Found, Packet, Record};
use super::resume::{Fault, search};
use super::source::Buffer;
use crate::stamp::{SECOND, Time};
use pcap_parser::parse_pcap_header;
use std::io::Read;
use std::ops::Range;

/// The part of the file's header that all magics share.
const HEADER: usize = 24;
/// The header of a record, as most files have it.
const RECORD: usize = 16;
/// The longest of the file's headers.
const LONGEST_HEADER: u64 = 28;
/// The most that libpcap and Wireshark accept of one packet (`MAXIMUM_SNAPLEN`).
const MAX_CAPTURED: u32 = 262_144;
/// The longest packet that a search believes: above every offload's.
const MAX_ORIGINAL: u32 = 1 << 24;
/// Records whose times are no further apart are neighbours, in seconds.
const NEAR: u32 = 86_400;
/// So many headers in a row make a search believe them.
const IN_A_ROW: usize = 4;
/// The same, where the first one's time is far from that of the last good record.
const IN_A_ROW_FAR: usize = 8;

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
    /// The second of the last record.
    last: u32,
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

    /// Reads the file header; tells its length.
    pub(super) fn open<R: Read>(buffer: &Buffer<R>) -> Result<(Self, usize), String> {
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
        let network = header.network.0.cast_unsigned();
        let pcap = Self {
            order: magic.order,
            unit: magic.unit,
            header: record,
            fcs: fcs_length(network),
            link: [network as u16],
            last: 0,
        };
        Ok((pcap, size))
    }

    pub(super) const fn order(&self) -> Order {
        self.order
    }

    /// What its header says of all records.
    pub(super) const fn header(&self) -> PcapHeader {
        PcapHeader {
            unit: self.unit,
            link: self.link[0],
            fcs: self.fcs,
        }
    }

    /// The next packet.
    ///
    /// The record's four fields are read here: the framing needs them, and pcap-parser has no
    /// function for modified records of big-endian files.
    #[inline]
    pub(super) fn packet<R: Read>(&mut self, buffer: &mut Buffer<R>) -> Found {
        let bytes = buffer.fill(self.header).then(|| buffer.bytes());
        let fields = bytes.and_then(|bytes| self.order.words(bytes));
        let Some([seconds, fraction, captured, original]) = fields else {
            return end_of_input(buffer, self.header).map_or(Ok(None), Err);
        };
        if captured > original.min(MAX_CAPTURED) || !near(self.last, seconds) {
            self.doubt(buffer, [seconds, fraction, captured, original])?;
        }
        let size = self.header + captured as usize;
        if !buffer.fill(size) {
            return Err(Fault::search(cut("a record", size, buffer.bytes().len())));
        }
        self.last = seconds;
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

    /// Shows the records of these bytes, one after another, which get these numbers: as long as each is
    /// there as a whole, is as most are, and is wanted. Gives how long those are that were, and how many.
    ///
    /// As [`Self::packet`], but where it stands is kept in no memory between two of them.
    #[inline]
    pub(super) fn run(
        &mut self,
        bytes: &[u8],
        frames: Range<u64>,
        mut see: impl FnMut(Record<'_>) -> bool,
    ) -> [usize; 2] {
        let (mut rest, mut next) = (bytes, frames.start);
        if self.header != RECORD || self.fcs != 0 {
            return [0; 2];
        }
        while next < frames.end
            && let Some((head, behind)) = rest.split_at_checked(RECORD)
            && let Some([seconds, fraction, captured, original]) = self.order.words(head)
            && captured <= original.min(MAX_CAPTURED)
            && near(self.last, seconds)
            && let Some((data, behind)) = behind.split_at_checked(captured as usize)
            && see(Record {
                frame: next,
                time: Some(self.time(seconds, fraction)),
                interface: 0,
                link: self.link[0],
                data,
                original_len: original,
            })
        {
            self.last = seconds;
            rest = behind;
            next += 1;
        }
        [bytes.len() - rest.len(), (next - frames.start) as usize]
    }

    /// A header with odd fields. Clocks step and lengths are wrong in sound captures as well; what
    /// stands behind the record decides: another header, or the end of the input.
    #[cold]
    fn doubt<R: Read>(&self, buffer: &mut Buffer<R>, fields: [u32; 4]) -> Result<(), Fault> {
        let [seconds, _, captured, original] = fields;
        if captured > MAX_CAPTURED {
            return Err(Fault::search(format!(
                "a record of {captured} captured bytes, where at most {MAX_CAPTURED} were expected"
            )));
        }
        // The first record's time is far from none.
        let first = buffer.offset() <= LONGEST_HEADER && self.is_plausible(fields);
        if first {
            return Ok(());
        }
        let shifted = !near(self.last, seconds) && is_shifted(fields);
        let size = self.header + captured as usize;
        buffer.fill(size + self.header);
        let Some(rest) = buffer.bytes().get(size..) else {
            let what = cut("a record", size, buffer.bytes().len());
            return Err(Fault::search(what));
        };
        // What is left of a cut header tells nothing.
        let Some(next) = self.order.words(rest) else {
            return Ok(());
        };
        let beside = near(seconds, next[0]) || near(self.last, next[0]);
        if !shifted && beside && next[2] <= MAX_CAPTURED && next != [0; 4] {
            return Ok(());
        }
        Err(Fault::search(format!(
            "a record of {captured} captured and {original} original bytes at second {seconds}, \
             and no record behind it"
        )))
    }

    /// Steps to the next place where records are, `from` bytes on or more.
    #[cold]
    pub(super) fn resume<R: Read>(&self, buffer: &mut Buffer<R>, from: usize) -> bool {
        let fields = self.order.words(buffer.bytes()).unwrap_or_default();
        let end = self.header + fields[2] as usize;
        if !self.is_plausible(fields) || !near(self.last, fields[0]) || end <= buffer.bytes().len()
        {
            return search(buffer, from, |buffer, at| self.is_record(buffer, at));
        }
        // The input is cut inside of this record, most likely. Its packet may be a piece of a
        // capture, which would be cut as well: only whole records up to the end tell of damage.
        let mut tried = false;
        search(buffer, from, |buffer, at| {
            if tried || !self.is_record(buffer, at) {
                return false;
            }
            tried = true;
            self.is_whole(buffer, at)
        })
    }

    /// From here to the end of the input there are whole records, and several.
    fn is_whole<R: Read>(&self, buffer: &Buffer<R>, mut at: usize) -> bool {
        let bytes = buffer.bytes();
        let mut found = 0;
        while let Some([_, _, captured, _]) = bytes.get(at..).and_then(|b| self.order.words(b)) {
            at += self.header + captured as usize;
            found += 1;
        }
        at == bytes.len() && found >= IN_A_ROW
    }

    /// Record headers stand here: several in a row, or as many as the input has.
    fn is_record<R: Read>(&self, buffer: &mut Buffer<R>, mut at: usize) -> bool {
        let mut last = self.last;
        let mut needed = IN_A_ROW;
        for found in 0..IN_A_ROW_FAR {
            if !buffer.look(at + self.header) {
                let whole = at == buffer.bytes().len();
                return found >= if whole { needed / 4 } else { needed / 2 };
            }
            let head = buffer.bytes().get(at..).unwrap_or_default();
            let fields = self.order.words(head);
            let Some(fields) = fields.filter(|&fields| self.is_plausible(fields)) else {
                return false;
            };
            if !near(last, fields[0]) {
                if found > 0 {
                    return false;
                }
                needed = IN_A_ROW_FAR;
            }
            if needed == IN_A_ROW_FAR && is_shifted(fields) {
                return false;
            }
            if found + 1 == needed {
                return true;
            }
            last = fields[0];
            at += self.header + fields[2] as usize;
        }
        true
    }

    /// These may be the fields of a record.
    fn is_plausible(&self, fields: [u32; 4]) -> bool {
        let [_, fraction, captured, original] = fields;
        captured <= original.min(MAX_CAPTURED)
            && original <= MAX_ORIGINAL
            && i64::from(fraction) * i64::from(self.unit) < SECOND
            && fields != [0; 4]
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

/// What is wrong with the end of the input, if anything.
#[cold]
fn end_of_input<R: Read>(buffer: &mut Buffer<R>, header: usize) -> Option<Fault> {
    match (buffer.bytes().len(), buffer.has_failed()) {
        (0, false) => None,
        (0, true) => Some(Fault::end("where a record was expected")),
        (found, _) => Some(Fault::end(cut("a record header", header, found))),
    }
}

/// The fields look like those of a whole packet's header four bytes on. A run of such packets is
/// as good a chain there as at its place; only the times betray it.
const fn is_shifted(fields: [u32; 4]) -> bool {
    let [_, captured, original, _] = fields;
    captured == original && captured > 0
}

/// The two seconds are no further apart than neighbours are.
#[inline]
const fn near(one: u32, other: u32) -> bool {
    other.wrapping_sub(one).wrapping_add(NEAR) <= 2 * NEAR
}

/// A thing of `size` bytes of which the input holds only `found`.
#[cold]
pub(super) fn cut(thing: &str, size: usize, found: usize) -> String {
    format!("{thing} of {size} bytes, but the input ends after {found} of them")
}
