//! The reader: sniffs the container, numbers the frames, goes on behind damage and remembers it.

mod run;

use super::ahead::Ahead;
use super::apart::Decompression;
use super::error::{Damage, OpenError, START, looks_like};
use super::meter::Meter;
use super::part::{Part, What};
use super::pcap::Pcap;
use super::pcapng::{Block, PcapNg};
use super::resume::{Fault, Then};
use super::source::Buffer;
use crate::stamp::Time;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// One captured packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// 1-based, as Wireshark counts: packets, and of pcapng's other blocks those few that it shows
    /// in its list (journal entries, custom blocks, system calls).
    pub frame: u64,
    /// When it was captured; `None` where the container has no time (pcapng simple packet blocks)
    /// or one outside of 1677..2262.
    pub time: Option<Time>,
    /// The interface's number in its section; 0 in pcap.
    pub interface: u32,
    /// The LINKTYPE of the packet's first header.
    pub link: u16,
    /// The captured bytes, without a frame check sequence.
    pub data: &'a [u8],
    /// The packet's length on the wire, without a frame check sequence; never below that of
    /// `data`.
    pub original_len: u32,
}

/// Places of damage that are described; further ones are counted.
const LISTED: usize = 16;

/// The records of a capture, one after another; where it is damaged, those that can still be found.
pub struct Reader<R: Read> {
    buffer: Buffer<R>,
    format: Format,
    /// The file's header or first section header as it stands there.
    head: Vec<u8>,
    /// That was asked for.
    head_given: bool,
    strict: bool,
    packets: u64,
    /// Those of them that could not be read.
    lost: u64,
    damage: Vec<Damage>,
    unlisted: u64,
    skipped: u64,
    torn: Option<[u64; 2]>,
    /// The offset of the damage that ended reading.
    end: Option<u64>,
}

/// The container.
enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

/// The next packet of the buffer; `Ok(None)` at the end of the input.
pub(super) type Found = Result<Option<Packet>, Fault>;

/// A packet that was found at the beginning of the buffer: its place there, and the rest of
/// [`Record`].
pub(super) struct Packet {
    /// Bytes of the record or block that holds it.
    pub(super) size: usize,
    /// Where the packet begins in it.
    pub(super) at: usize,
    pub(super) len: usize,
    pub(super) time: Option<Time>,
    pub(super) interface: u32,
    pub(super) link: u16,
    pub(super) original_len: u32,
}

impl<R: Read> Reader<R> {
    /// Reads the header and tells the container by its first four bytes. Where the input is
    /// compressed (gzip, Zstandard, LZ4; xz with the feature of that name) it is decompressed
    /// first, and everything counts decompressed bytes.
    ///
    /// Fails where the input is empty, is no capture, or ends inside of its header.
    pub fn new(read: R) -> Result<Self, OpenError> {
        let mut buffer = Buffer::new(read);
        let (format, size) = open(&mut buffer).map_err(|error| match buffer.take_error() {
            Some(source) => OpenError::Io {
                offset: buffer.offset() + buffer.bytes().len() as u64,
                source,
            },
            None => error,
        })?;
        let head = buffer.take(size, 0, size).to_vec();
        Ok(Self {
            buffer,
            format,
            head,
            head_given: false,
            strict: false,
            packets: 0,
            lost: 0,
            damage: Vec::new(),
            unlisted: 0,
            skipped: 0,
            torn: None,
            end: None,
        })
    }

    /// The input is compressed.
    pub(crate) fn is_compressed(&self) -> bool {
        self.buffer.compression().is_some()
    }

    /// Lets another thread decompress what is left, if the input is compressed: the work for that.
    pub(crate) fn split(&mut self) -> Option<Decompression<R>> {
        self.buffer.split()
    }

    /// Lets several threads read what is left from this file, which is the input, if that is not
    /// compressed: who has the time may help then.
    pub(crate) fn read_ahead(
        &mut self,
        file: Arc<File>,
        meter: Option<Arc<Meter>>,
    ) -> Option<Arc<Ahead>> {
        self.buffer.read_ahead(file, meter)
    }

    /// No more is wanted of that thread, which ends then.
    pub(crate) fn close(&mut self) {
        self.buffer.close();
    }

    /// Whether reading ends at the first damage, instead of going on behind it.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// The next record; `None` at the end of the input and at damage behind which nothing can be
    /// read.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "a record borrows the reader's buffer, which no Iterator's item can"
    )]
    pub fn next(&mut self) -> Option<Record<'_>> {
        if self.end.is_some() {
            return None;
        }
        loop {
            // Taken in either arm: where both meet, the packet would go through memory.
            let fault = match &mut self.format {
                Format::Pcap(pcap) => match pcap.packet(&mut self.buffer) {
                    Ok(found) => return found.map(|packet| self.take(&packet, 0)),
                    Err(fault) => fault,
                },
                Format::PcapNg(pcapng) => match pcapng.packet(&mut self.buffer) {
                    Ok(found) => {
                        let passed = pcapng.passed();
                        return found.map(|packet| self.take(&packet, passed));
                    }
                    Err(fault) => fault,
                },
            };
            if !self.pass(&fault) {
                return None;
            }
        }
    }

    /// The next part of the input as its bytes stand there, what holds no packet included; `None`
    /// where [`Reader::next`] gives none. Bytes that cannot be read are in no part.
    pub(crate) fn next_part(&mut self) -> Option<Part<'_>> {
        if !self.head_given {
            self.head_given = true;
            return Some(self.head());
        }
        while self.end.is_none() {
            let found = match &mut self.format {
                Format::Pcap(pcap) => {
                    let found = pcap.packet(&mut self.buffer);
                    found.map(|packet| packet.map(Block::Packet))
                }
                Format::PcapNg(pcapng) => pcapng.block(&mut self.buffer),
            };
            match found {
                Ok(block) => return block.map(|block| self.part(&block)),
                Err(fault) if self.pass(&fault) => {}
                Err(_) => break,
            }
        }
        None
    }

    /// The first part.
    fn head(&self) -> Part<'_> {
        let (order, what) = match &self.format {
            Format::Pcap(pcap) => (pcap.order(), What::PcapHeader(pcap.header())),
            Format::PcapNg(pcapng) => (pcapng.order(), What::Section),
        };
        let raw = &self.head;
        Part { order, raw, what }
    }

    fn part(&mut self, block: &Block) -> Part<'_> {
        let passed = self.frames() - self.packets;
        let (order, interfaces) = match &self.format {
            Format::Pcap(pcap) => (pcap.order(), 0),
            Format::PcapNg(pcapng) => (pcapng.order(), pcapng.interfaces()),
        };
        let packet = match block {
            Block::Packet(packet) => packet,
            &Block::Other(kind, size) => {
                let raw = self.buffer.take(size, 0, size);
                let what = What::of_block(kind, interfaces);
                return Part { order, raw, what };
            }
        };
        self.packets += 1;
        let frame = self.packets + passed;
        let raw = self.buffer.take(packet.size, 0, packet.size);
        let data = raw.get(packet.at..).and_then(|data| data.get(..packet.len));
        let record = Record {
            frame,
            time: packet.time,
            interface: packet.interface,
            link: packet.link,
            data: data.unwrap_or_default(),
            original_len: packet.original_len,
        };
        let what = What::Packet(record, packet.at);
        Part { order, raw, what }
    }

    /// `passed`: frames that are no packets.
    #[inline]
    fn take(&mut self, packet: &Packet, passed: u64) -> Record<'_> {
        self.packets += 1;
        let data = self.buffer.take(packet.size, packet.at, packet.len);
        Record {
            frame: self.packets + passed,
            time: packet.time,
            interface: packet.interface,
            link: packet.link,
            data,
            original_len: packet.original_len,
        }
    }

    /// Remembers the damage and steps behind it; false if reading ends here.
    #[cold]
    fn pass(&mut self, fault: &Fault) -> bool {
        let (frame, offset) = (self.frames() + 1, self.buffer.offset());
        let resumed = !self.strict && self.step_behind(fault.0.then);
        let skipped = resumed.then(|| self.buffer.offset() - offset);
        self.skipped += skipped.unwrap_or_default();
        // An error of the input belongs to the place where reading ends.
        let failure = self.buffer.take_failure_if(!resumed);
        let what = failure.map_or_else(
            || fault.0.what.clone(),
            |failure| format!("{failure} ({})", fault.0.what),
        );
        if resumed {
            self.torn = Some([self.torn.map_or(frame, |[first, _]| first), frame]);
        } else {
            self.end = Some(offset);
        }
        if resumed && self.damage.len() >= LISTED {
            self.unlisted += 1;
        } else {
            self.damage.push(Damage {
                frame,
                offset,
                what,
                skipped,
            });
        }
        resumed
    }

    fn step_behind(&mut self, then: Then) -> bool {
        match (then, &mut self.format) {
            (Then::End, _) => false,
            (Then::Pass(size, frames), _) => {
                self.buffer.consume(size);
                self.packets += frames;
                self.lost += frames;
                true
            }
            (Then::Search(from), Format::Pcap(pcap)) => pcap.resume(&mut self.buffer, from),
            (Then::Search(from), Format::PcapNg(pcapng)) => pcapng.resume(&mut self.buffer, from),
        }
    }

    /// The places that could not be read. Of those behind which reading went on only the first 16
    /// are listed.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// How many more places could not be read than are listed.
    pub const fn unlisted_damage(&self) -> u64 {
        self.unlisted
    }

    /// Bytes that were stepped over because of damage.
    pub const fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The frame numbers of the first and of the last damage behind which reading went on.
    pub const fn torn(&self) -> Option<[u64; 2]> {
        self.torn
    }

    /// Reading ended by damage: the last record is cut, or nothing behind it can be read.
    pub const fn is_cut(&self) -> bool {
        self.end.is_some()
    }

    /// Frames read so far, as Wireshark counts them. Packets in whole pcapng blocks that cannot be
    /// read count as well.
    pub const fn frames(&self) -> u64 {
        let passed = match &self.format {
            Format::Pcap(_) => 0,
            Format::PcapNg(pcapng) => pcapng.passed(),
        };
        self.packets + passed
    }

    /// Packets in whole pcapng blocks that cannot be read, so far.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Packets that the capture says it dropped (pcapng interface statistics), so far; `None` where
    /// it does not say.
    pub fn dropped(&self) -> Option<u64> {
        match &self.format {
            Format::Pcap(_) => None,
            Format::PcapNg(pcapng) => pcapng.dropped(),
        }
    }

    /// The LINKTYPEs that the capture has announced so far, each once, in order of appearance.
    pub fn link_types(&self) -> &[u16] {
        match &self.format {
            Format::Pcap(pcap) => pcap.link_types(),
            Format::PcapNg(pcapng) => pcapng.link_types(),
        }
    }

    /// The names of the interfaces that the capture has described so far, each once; at most 64. pcap
    /// has none.
    pub fn interfaces(&self) -> &[String] {
        match &self.format {
            Format::Pcap(_) => &[],
            Format::PcapNg(pcapng) => pcapng.names(),
        }
    }

    /// Bytes of the (decompressed) input up to the place where reading stands or ended, headers
    /// and skipped bytes included.
    pub fn bytes(&self) -> u64 {
        self.end.unwrap_or(self.buffer.offset())
    }
}

/// Reads the file header or the first section header; tells its length.
fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<(Format, usize), OpenError> {
    buffer.fill(32);
    if buffer.bytes().is_empty() {
        return Err(OpenError::Empty);
    }
    let opened = if PcapNg::matches(buffer.bytes()) {
        PcapNg::open(buffer).map(|(pcapng, size)| (Format::PcapNg(pcapng), size))
    } else if Pcap::matches(buffer.bytes()) {
        Pcap::open(buffer).map(|(pcap, size)| (Format::Pcap(pcap), size))
    } else {
        buffer.fill(START);
        let looks = looks_like(buffer.bytes());
        let looks = match buffer.compression() {
            Some(archive) => format!("{looks}, inside of a {archive} archive").into(),
            None => looks,
        };
        return Err(OpenError::NotACapture { looks });
    };
    opened.map_err(|what| OpenError::Header { what })
}
