//! A capture with comments on its packets, as pcapng.

use super::blocks::{
    COMMENT, ENHANCED_PACKET, HEAD, INTERFACE_DESCRIPTION, SECTION_HEADER, SIMPLE_PACKET, Sections,
    add_option, block, end_options, pad, within,
};
use super::{Comments, Written};
use crate::capture::{Order, Part, PcapHeader, Reader, Record, What};
use std::io::{self, Read, Write};

/// Options: the unit of an interface's times as a power of ten, a packet's flags.
const TIME_RESOLUTION: u16 = 9;
const FLAGS: u16 = 2;
/// Where a packet's flags tell the bytes of its frame check sequence.
const CHECK_SEQUENCE: u32 = 5;
/// The order of what was a pcap file.
const ORDER: Order = Order::Little;

/// Copies the capture, with comments on its packets (`opt_comment`). A pcap becomes a pcapng of the same
/// packets, times and lengths.
///
/// Fails where `out` does. What could not be read is told by the reader.
pub fn annotate<R: Read>(
    reader: &mut Reader<R>,
    comments: &Comments,
    out: &mut dyn Write,
) -> io::Result<Written> {
    let mut annotate = Annotate {
        sections: Sections::new(out),
        comments,
        pcap: None,
        written: Written::default(),
    };
    while let Some(part) = reader.next_part() {
        annotate.part(&part)?;
    }
    annotate.sections.out.flush()?;
    let lost = reader.lost();
    Ok(Written {
        lost,
        ..annotate.written
    })
}

struct Annotate<'a> {
    sections: Sections<&'a mut dyn Write>,
    comments: &'a Comments,
    /// What the header of a pcap file says.
    pcap: Option<PcapHeader>,
    written: Written,
}

impl Annotate<'_> {
    fn part(&mut self, part: &Part<'_>) -> io::Result<()> {
        let (order, raw) = (part.order, part.raw);
        match part.what {
            What::PcapHeader(header) => {
                self.pcap = Some(header);
                self.sections.begin(ORDER, &section())?;
                let snaplen = order.words(raw).map_or(0, |[_, _, _, _, snaplen]| snaplen);
                let interface = interface(header, snaplen);
                self.sections.interface(0, ORDER, &interface)
            }
            What::Section => self.sections.begin(order, raw),
            What::Interface(number) => self.sections.interface(number, order, raw),
            What::Other(_) => self.sections.other(order, raw),
            What::Packet(record, at) => self.packet(part, &record, at),
        }
    }

    fn packet(&mut self, part: &Part<'_>, record: &Record<'_>, at: usize) -> io::Result<()> {
        self.written.packets += 1;
        let comment = self.comments.of(record.frame);
        self.written.comments += u64::from(comment.is_some());
        let data = part.raw.get(at..).unwrap_or_default();
        if let Some(header) = self.pcap {
            let block = enhanced(header, record, data, comment);
            return self.sections.other(ORDER, &block);
        }
        let order = part.order;
        let kind = order.words(part.raw).map_or(0, |[kind]| kind);
        let Some(comment) = comment.filter(|_| kind != SIMPLE_PACKET) else {
            let left_out = u64::from(comment.is_some());
            self.written.comments -= left_out;
            self.written.left_out += left_out;
            return self.sections.other(order, part.raw);
        };
        let options = at + record.data.len().next_multiple_of(4);
        let mut body = part.raw.get(HEAD..options).unwrap_or_default().to_vec();
        add_option(&mut body, order, COMMENT, comment.as_bytes());
        match within(part.raw, options) {
            [] => end_options(&mut body, order),
            more => body.extend(more),
        }
        self.sections.other(order, &block(order, kind, &body))
    }
}

fn section() -> Vec<u8> {
    const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
    const VERSION: [u8; 4] = [1, 0, 0, 0];
    let magic = ORDER.bytes_of_u32(BYTE_ORDER_MAGIC);
    block(
        ORDER,
        SECTION_HEADER,
        &[&magic[..], &VERSION, &[0xff; 8]].concat(),
    )
}

/// The only interface of what was a pcap file.
fn interface(header: PcapHeader, snaplen: u32) -> Vec<u8> {
    let mut body = ORDER.bytes_of_u16(header.link).to_vec();
    body.extend([0; 2]);
    body.extend(ORDER.bytes_of_u32(snaplen));
    let resolution = if header.unit == 1 { 9 } else { 6 };
    add_option(&mut body, ORDER, TIME_RESOLUTION, &[resolution]);
    end_options(&mut body, ORDER);
    block(ORDER, INTERFACE_DESCRIPTION, &body)
}

/// A record of a pcap file. `data` has the frame check sequence that the record is without.
fn enhanced(
    header: PcapHeader,
    record: &Record<'_>,
    data: &[u8],
    comment: Option<&str>,
) -> Vec<u8> {
    let nanos = record.time.map_or(0, |time| time.0.cast_unsigned());
    let ticks = nanos / u64::from(header.unit.max(1));
    let words = [
        0,
        (ticks >> 32) as u32,
        ticks as u32,
        data.len() as u32,
        record.original_len + header.fcs,
    ];
    let mut body = words.map(|word| ORDER.bytes_of_u32(word)).concat();
    body.extend(data);
    pad(&mut body);
    if header.fcs > 0 {
        let flags = ORDER.bytes_of_u32(header.fcs << CHECK_SEQUENCE);
        add_option(&mut body, ORDER, FLAGS, &flags);
    }
    if let Some(comment) = comment {
        add_option(&mut body, ORDER, COMMENT, comment.as_bytes());
    }
    if header.fcs > 0 || comment.is_some() {
        end_options(&mut body, ORDER);
    }
    block(ORDER, ENHANCED_PACKET, &body)
}
