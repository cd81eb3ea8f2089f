//! Some of a capture's flows, as a capture.

use super::blocks::{
    HEAD, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS, SECTION_HEADER, SIMPLE_PACKET, Sections,
    block, copy_options, pad, within,
};
use super::choice::Chooser;
use super::{Choice, Written};
use crate::capture::{Order, Part, PcapHeader, Reader, Record, What};
use crate::packet::{AnonymizeKey, Anonymizer, scrub};
use std::io::{self, Read, Write};

/// Blocks without a packet that are copied: names, statistics of interfaces, secrets to decrypt with,
/// Apple's processes.
const COPIED: [u32; 4] = [4, INTERFACE_STATISTICS, 10, 0x8000_0001];

/// Options that tell nothing of anybody. Of an interface: its clock, the length of a check sequence.
const OF_INTERFACE: &[u16] = &[9, 13, 14];
/// Of its statistics: times and counts.
const OF_STATISTICS: &[u16] = &[2, 3, 4, 5, 6, 7, 8];
/// Of a packet: flags, drops, its queue.
const OF_PACKET: &[u16] = &[2, 4, 6];

/// Header of a pcap file.
const PCAP_HEADER: usize = 24;

/// Copies the packets of the chosen flows: a pcap stays one, as does a pcapng.
///
/// With a key, addresses become others by it, payloads become zeros, and what else could tell of
/// anybody goes. Fails where `out` does. What could not be read is told by the reader.
pub fn extract<R: Read>(
    reader: &mut Reader<R>,
    choice: &Choice,
    key: Option<AnonymizeKey>,
    out: &mut dyn Write,
) -> io::Result<Written> {
    let mut extract = Extract {
        sections: Sections::new(out),
        chooser: Chooser::new(choice),
        anonymizer: key.map(Anonymizer::new),
        is_pcap: false,
        written: Written::default(),
    };
    while let Some(part) = reader.next_part() {
        extract.part(&part)?;
    }
    extract.sections.out.flush()?;
    let lost = reader.lost();
    Ok(Written {
        lost,
        ..extract.written
    })
}

struct Extract<'a> {
    sections: Sections<&'a mut dyn Write>,
    chooser: Chooser<'a>,
    anonymizer: Option<Anonymizer>,
    is_pcap: bool,
    written: Written,
}

impl Extract<'_> {
    fn part(&mut self, part: &Part<'_>) -> io::Result<()> {
        let (order, raw) = (part.order, part.raw);
        let hides = self.anonymizer.is_some();
        match part.what {
            What::PcapHeader(header) => {
                self.is_pcap = true;
                self.sections
                    .out
                    .write_all(&pcap_header(order, raw, header))
            }
            What::Section if hides => self.sections.begin(order, &section(order, raw)),
            What::Section => self.sections.begin(order, raw),
            What::Interface(number) if hides => {
                let only = only(order, INTERFACE_DESCRIPTION, raw, (HEAD + 8, OF_INTERFACE));
                self.sections.interface(number, order, &only)
            }
            What::Interface(number) => self.sections.interface(number, order, raw),
            What::Other(INTERFACE_STATISTICS) if hides => {
                let only = only(order, INTERFACE_STATISTICS, raw, (HEAD + 12, OF_STATISTICS));
                self.sections.other(order, &only)
            }
            What::Other(kind) if COPIED.contains(&kind) && !hides => {
                self.sections.other(order, raw)
            }
            What::Other(_) => Ok(()),
            What::Packet(record, at) => self.packet(part, &record, at),
        }
    }

    fn packet(&mut self, part: &Part<'_>, record: &Record<'_>, at: usize) -> io::Result<()> {
        if !self.chooser.chooses(record) {
            return Ok(());
        }
        self.written.packets += 1;
        let Some(anonymizer) = &mut self.anonymizer else {
            return self.write(part.order, part.raw);
        };
        let packet = scrub(anonymizer, record.link, record.data, record.original_len);
        // What belongs to a flow can be read; what cannot is not shown.
        let Ok(packet) = packet else {
            self.written.packets -= 1;
            return Ok(());
        };
        let kind = part.order.words(part.raw).map_or(0, |[kind]| kind);
        if self.is_pcap || kind == SIMPLE_PACKET {
            return self.write(part.order, &replaced(part.raw, at, &packet, self.is_pcap));
        }
        let mut body = part.raw.get(HEAD..at).unwrap_or_default().to_vec();
        body.extend(&packet);
        pad(&mut body);
        let options = within(part.raw, HEAD + body.len());
        copy_options(&mut body, part.order, options, OF_PACKET);
        self.write(part.order, &block(part.order, kind, &body))
    }

    fn write(&mut self, order: Order, raw: &[u8]) -> io::Result<()> {
        if self.is_pcap {
            return self.sections.out.write_all(raw);
        }
        self.sections.other(order, raw)
    }
}

/// The record or block with another packet of the same length; padding and check sequence are zeros.
fn replaced(raw: &[u8], at: usize, packet: &[u8], is_pcap: bool) -> Vec<u8> {
    let tail = if is_pcap { 0 } else { 4 };
    let end = raw.len().saturating_sub(tail);
    let mut replaced = raw.get(..at).unwrap_or_default().to_vec();
    replaced.extend(packet);
    replaced.resize(end, 0);
    replaced.extend(raw.get(end..).unwrap_or_default());
    replaced
}

/// A section header of this byte order without what it tells of the machine.
fn section(order: Order, raw: &[u8]) -> Vec<u8> {
    let mut body = raw.get(HEAD..HEAD + 8).unwrap_or_default().to_vec();
    body.extend([0xff; 8]);
    block(order, SECTION_HEADER, &body)
}

/// A block, and of its options, which begin at a place, only some.
fn only(order: Order, kind: u32, raw: &[u8], (at, codes): (usize, &[u16])) -> Vec<u8> {
    let mut body = raw.get(HEAD..at).unwrap_or_default().to_vec();
    copy_options(&mut body, order, within(raw, at), codes);
    block(order, kind, &body)
}

/// The header of a pcap file. That of Ixia's files tells the length of all records: the plain one with
/// the same clock goes in its place.
fn pcap_header(order: Order, raw: &[u8], header: PcapHeader) -> Vec<u8> {
    let mut plain = raw.get(..PCAP_HEADER).unwrap_or(raw).to_vec();
    if raw.len() > PCAP_HEADER {
        let magic = if header.unit == 1 {
            0xa1b2_3c4d
        } else {
            0xa1b2_c3d4
        };
        if let Some(start) = plain.first_chunk_mut() {
            *start = order.bytes_of_u32(magic);
        }
    }
    plain
}
