//! The reader: sniffs the container, numbers the frames, remembers the first damage.

use super::error::{Damage, OpenError, looks_like};
use super::pcap::Pcap;
use super::pcapng::PcapNg;
use super::source::Buffer;
use crate::stamp::Time;
use std::io::Read;

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

/// The records of a capture, one after another.
pub struct Reader<R> {
    buffer: Buffer<R>,
    format: Format,
    packets: u64,
    damage: Option<Damage>,
}

/// The container.
enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

/// The next packet of the buffer; `Ok(None)` at the end of the input.
pub(super) type Found = Result<Option<Packet>, String>;

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
    /// Reads the header and tells the container by its first four bytes.
    ///
    /// Fails where the input is empty, is no capture, or ends inside of its header.
    pub fn new(read: R) -> Result<Self, OpenError> {
        let mut buffer = Buffer::new(read);
        let format = open(&mut buffer).map_err(|error| match buffer.take_error() {
            Some(source) => OpenError::Io {
                offset: buffer.offset() + buffer.bytes().len() as u64,
                source,
            },
            None => error,
        })?;
        Ok(Self {
            buffer,
            format,
            packets: 0,
            damage: None,
        })
    }

    /// The next record; `None` at the end of the input and at damage.
    #[inline]
    #[expect(
        clippy::should_implement_trait,
        reason = "a record borrows the reader's buffer, which no Iterator's item can"
    )]
    pub fn next(&mut self) -> Option<Record<'_>> {
        if self.damage.is_some() {
            return None;
        }
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.packet(&mut self.buffer),
            Format::PcapNg(pcapng) => pcapng.packet(&mut self.buffer),
        };
        // By reference: moving the packet out costs as much as finding it did.
        let packet = match &found {
            Ok(found) => found.as_ref()?,
            Err(what) => {
                self.stop(what);
                return None;
            }
        };
        self.packets += 1;
        let frame = self.frames();
        let block = self.buffer.consume(packet.size);
        Some(Record {
            frame,
            time: packet.time,
            interface: packet.interface,
            link: packet.link,
            data: block
                .get(packet.at..packet.at + packet.len)
                .unwrap_or_default(),
            original_len: packet.original_len,
        })
    }

    #[cold]
    fn stop(&mut self, what: &str) {
        let what = match self.buffer.take_error() {
            Some(error) => format!("reading failed: {error} ({what})"),
            None => what.into(),
        };
        self.damage = Some(Damage {
            frame: self.frames() + 1,
            offset: self.buffer.offset(),
            what,
        });
    }
}

impl<R> Reader<R> {
    /// Why reading stopped before the end of the input, if it did.
    pub const fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Frames read so far, as Wireshark counts them.
    pub const fn frames(&self) -> u64 {
        let passed = match &self.format {
            Format::Pcap(_) => 0,
            Format::PcapNg(pcapng) => pcapng.passed(),
        };
        self.packets + passed
    }

    /// The LINKTYPEs that the capture has announced so far, each once, in order of appearance.
    pub fn link_types(&self) -> &[u16] {
        match &self.format {
            Format::Pcap(pcap) => pcap.link_types(),
            Format::PcapNg(pcapng) => pcapng.link_types(),
        }
    }

    /// Bytes of the input that were understood so far, headers included.
    pub const fn bytes(&self) -> u64 {
        self.buffer.offset()
    }
}

/// Reads the file header or the first section header.
fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Format, OpenError> {
    buffer.fill(32);
    if buffer.bytes().is_empty() {
        return Err(OpenError::Empty);
    }
    let opened = if PcapNg::matches(buffer.bytes()) {
        PcapNg::open(buffer).map(Format::PcapNg)
    } else if Pcap::matches(buffer.bytes()) {
        Pcap::open(buffer).map(Format::Pcap)
    } else {
        buffer.fill(64);
        let looks = looks_like(buffer.bytes().get(..64).unwrap_or(buffer.bytes()));
        return Err(OpenError::NotACapture { looks });
    };
    opened.map_err(|what| OpenError::Header { what })
}
