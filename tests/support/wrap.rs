//! Captures to lists of packets and back: what a container and a link layer put around them.

use super::packet;
use super::tunnel::Tunnel;

/// A TCP/IP packet of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Nanoseconds since 1970.
    pub time: i64,
    /// What was captured, from the IP header on.
    pub ip: Vec<u8>,
    /// Its length on the wire, from the IP header on.
    pub wire: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    Pcap { big: bool, nanos: bool },
    Pcapng { big: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Ethernet,
    Vlan,
    QinQ,
    Sll,
    Sll2,
    Raw,
    Null,
    /// Every other frame has a VLAN tag: a port that mirrors both sides of a bridge.
    TaggedByTurns,
    /// Every other frame is in a tunnel: a host's capture of all of its interfaces.
    TunnelledByTurns,
    Tunnel(Tunnel),
}

impl Link {
    pub const ALL: [Self; 7] = [
        Self::Ethernet,
        Self::Vlan,
        Self::QinQ,
        Self::Sll,
        Self::Sll2,
        Self::Raw,
        Self::Null,
    ];

    /// LINKTYPE_ value.
    const fn number(self) -> u32 {
        match self {
            Self::Ethernet
            | Self::Vlan
            | Self::QinQ
            | Self::TaggedByTurns
            | Self::TunnelledByTurns => 1,
            Self::Sll => 113,
            Self::Sll2 => 276,
            Self::Raw => 101,
            Self::Null => 0,
            Self::Tunnel(tunnel) => tunnel.number(),
        }
    }

    /// The link layer of the record at this place.
    fn at(self, index: usize) -> Self {
        match self {
            Self::TaggedByTurns if !index.is_multiple_of(2) => Self::Vlan,
            Self::TunnelledByTurns if !index.is_multiple_of(2) => Self::Tunnel(Tunnel::Vxlan),
            Self::TaggedByTurns | Self::TunnelledByTurns => Self::Ethernet,
            same => same,
        }
    }
}

/// What nearly every test writes: little endian, nanoseconds, no link layer.
pub const PLAIN: (Container, Link) = (
    Container::Pcap {
        big: false,
        nanos: true,
    },
    Link::Raw,
);

/// The bytes of a capture file.
pub fn write(packets: &[Packet], (container, link): (Container, Link)) -> Vec<u8> {
    match container {
        Container::Pcap { big, nanos } => pcap(packets, link, big, nanos),
        Container::Pcapng { big } => pcapng(packets, link, big),
    }
}

/// The TCP/IP packets of a capture file, any container and link type of the lab.
pub fn read(file: &[u8]) -> Vec<Packet> {
    let magic: [u8; 4] = file[..4].try_into().expect("a magic number");
    match u32::from_le_bytes(magic) {
        0xa1b2_c3d4 => read_pcap(file, false, 1000),
        0xa1b2_3c4d => read_pcap(file, false, 1),
        0xd4c3_b2a1 => read_pcap(file, true, 1000),
        0x4d3c_b2a1 => read_pcap(file, true, 1),
        0x0a0d_0d0a => read_pcapng(file),
        other => panic!("no capture: {other:#x}"),
    }
}

struct Out {
    bytes: Vec<u8>,
    big: bool,
}

impl Out {
    fn u16(&mut self, value: u16) {
        let bytes = if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.bytes.extend(bytes);
    }

    fn u32(&mut self, value: u32) {
        let bytes = if self.big {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        };
        self.bytes.extend(bytes);
    }

    fn padded(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// A capture file of whole frames of this link type.
pub fn pcap_of(frames: &[(i64, Vec<u8>)], link: u32) -> Vec<u8> {
    let mut out = pcap_head(link, false, true, frames.len());
    for (time, frame) in frames {
        out.u32(time.div_euclid(1_000_000_000) as u32);
        out.u32(time.rem_euclid(1_000_000_000) as u32);
        out.u32(frame.len() as u32);
        out.u32(frame.len() as u32);
        out.bytes.extend(frame);
    }
    out.bytes
}

fn pcap_head(link: u32, big: bool, nanos: bool, records: usize) -> Out {
    let bytes = Vec::with_capacity(records * 120 + 24);
    let mut out = Out { bytes, big };
    out.u32(if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 });
    out.u16(2);
    out.u16(4);
    out.u32(0);
    out.u32(0);
    out.u32(262_144);
    out.u32(link);
    out
}

fn pcap(packets: &[Packet], link: Link, big: bool, nanos: bool) -> Vec<u8> {
    let mut out = pcap_head(link.number(), big, nanos, packets.len());
    for (index, packet) in packets.iter().enumerate() {
        let (frame, wire) = framed(packet, link.at(index), big);
        let fraction = packet.time.rem_euclid(1_000_000_000) as u32;
        out.u32(packet.time.div_euclid(1_000_000_000) as u32);
        out.u32(if nanos { fraction } else { fraction / 1000 });
        out.u32(frame.len() as u32);
        out.u32(wire as u32);
        out.bytes.extend(frame);
    }
    out.bytes
}

fn pcapng(packets: &[Packet], link: Link, big: bool) -> Vec<u8> {
    let mut out = Out {
        bytes: Vec::new(),
        big,
    };
    out.u32(0x0a0d_0d0a);
    out.u32(28);
    out.u32(0x1a2b_3c4d);
    out.u16(1);
    out.u16(0);
    out.bytes.extend([0xff; 8]);
    out.u32(28);
    out.u32(1);
    out.u32(32);
    out.u16(link.number() as u16);
    out.u16(0);
    out.u32(262_144);
    out.u16(9); // if_tsresol: 10^-9
    out.u16(1);
    out.padded(&[9]);
    out.u32(0);
    out.u32(32);
    for (index, packet) in packets.iter().enumerate() {
        let (frame, wire) = framed(packet, link.at(index), big);
        let total = 32 + frame.len().next_multiple_of(4);
        out.u32(6);
        out.u32(total as u32);
        out.u32(0);
        out.u32((packet.time >> 32) as u32);
        out.u32(packet.time as u32);
        out.u32(frame.len() as u32);
        out.u32(wire as u32);
        out.padded(&frame);
        out.u32(total as u32);
    }
    out.bytes
}

/// The captured bytes with their link header, and the length on the wire. Short Ethernet frames
/// are padded to 60 bytes, as on a wire.
pub fn framed(packet: &Packet, link: Link, big: bool) -> (Vec<u8>, usize) {
    let v6 = packet.ip[0] >> 4 == 6;
    let ethertype: [u8; 2] = if v6 { [0x86, 0xdd] } else { [8, 0] };
    let mut frame = vec![2, 0, 0, 0, 5, 1, 2, 0, 0, 0, 12, 1];
    match link {
        Link::Ethernet | Link::TaggedByTurns | Link::TunnelledByTurns => frame.extend(ethertype),
        Link::Vlan => frame.extend([0x81, 0, 0, 100, ethertype[0], ethertype[1]]),
        Link::QinQ => {
            frame.extend([
                0x88,
                0xa8,
                0,
                7,
                0x81,
                0,
                0,
                100,
                ethertype[0],
                ethertype[1],
            ]);
        }
        Link::Sll => {
            frame = vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 12, 1, 0, 0];
            frame.extend(ethertype);
        }
        Link::Sll2 => {
            frame = ethertype.to_vec();
            frame.extend([0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 12, 1, 0, 0]);
        }
        Link::Raw => frame.clear(),
        Link::Tunnel(tunnel) => frame = tunnel.before(v6, packet.wire),
        Link::Null => {
            let family: u32 = if v6 { 30 } else { 2 };
            frame = if big {
                family.to_be_bytes().to_vec()
            } else {
                family.to_le_bytes().to_vec()
            };
        }
    }
    let wire = frame.len() + packet.wire;
    frame.extend(&packet.ip);
    let padded = matches!(link, Link::Ethernet | Link::Vlan | Link::QinQ) && wire < 60;
    if padded && packet.ip.len() == packet.wire {
        frame.resize(60, 0);
        return (frame, 60);
    }
    (frame, wire)
}

struct In<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl In<'_> {
    fn u16(&self, at: usize) -> u16 {
        let bytes = self.bytes[at..at + 2].try_into().expect("two bytes");
        if self.big {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        }
    }

    fn u32(&self, at: usize) -> u32 {
        let bytes = self.bytes[at..at + 4].try_into().expect("four bytes");
        if self.big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        }
    }
}

fn read_pcap(file: &[u8], big: bool, scale: i64) -> Vec<Packet> {
    let input = In { bytes: file, big };
    let link = input.u32(20) & 0xffff;
    let mut packets = Vec::new();
    let mut at = 24;
    while at + 16 <= file.len() {
        let time = i64::from(input.u32(at)) * 1_000_000_000 + i64::from(input.u32(at + 4)) * scale;
        let (captured, wire) = (input.u32(at + 8) as usize, input.u32(at + 12) as usize);
        let frame = &file[at + 16..at + 16 + captured];
        packets.extend(unframed(frame, wire, link, time));
        at += 16 + captured;
    }
    packets
}

fn read_pcapng(file: &[u8]) -> Vec<Packet> {
    let mut input = In {
        bytes: file,
        big: false,
    };
    let mut interfaces: Vec<(u32, i64)> = Vec::new();
    let mut packets = Vec::new();
    let mut at = 0;
    while at + 12 <= file.len() {
        let kind = input.u32(at);
        if kind == 0x0a0d_0d0a {
            input.big = file[at + 8..at + 12] == [0x1a, 0x2b, 0x3c, 0x4d];
            interfaces.clear();
        }
        let total = input.u32(at + 4) as usize;
        match kind {
            1 => interfaces.push((u32::from(input.u16(at + 8)), scale(&input, at, total))),
            6 => {
                let (link, scale) = interfaces[input.u32(at + 8) as usize];
                let ticks = i64::from(input.u32(at + 12)) << 32 | i64::from(input.u32(at + 16));
                let (captured, wire) = (input.u32(at + 20) as usize, input.u32(at + 24) as usize);
                let frame = &file[at + 28..at + 28 + captured];
                packets.extend(unframed(frame, wire, link, ticks * scale));
            }
            _ => {}
        }
        at += total;
    }
    packets
}

/// Nanoseconds per tick of the interface block at `at`; only powers of ten.
fn scale(input: &In<'_>, at: usize, total: usize) -> i64 {
    let mut option = at + 16;
    while option + 4 <= at + total - 4 {
        let (code, length) = (input.u16(option), usize::from(input.u16(option + 2)));
        if code == 9 {
            let power = input.bytes[option + 4];
            assert!(power <= 9, "a resolution of 10^-{power}");
            return 10_i64.pow(u32::from(9 - power));
        }
        option += 4 + length.next_multiple_of(4);
    }
    1000
}

/// The TCP/IP packet in a frame; `None` if it holds none.
fn unframed(frame: &[u8], wire: usize, link: u32, time: i64) -> Option<Packet> {
    let (mut ethertype, mut at) = match link {
        1 => (tag(frame, 12)?, 14),
        113 => (tag(frame, 14)?, 16),
        276 => (tag(frame, 0)?, 20),
        0 => (0x0800, 4),
        12 | 101 | 228 | 229 => (0x0800, 0),
        other => panic!("link type {other}"),
    };
    while matches!(ethertype, 0x8100 | 0x88a8 | 0x9100) {
        ethertype = tag(frame, at + 2)?;
        at += 4;
    }
    if !matches!(ethertype, 0x0800 | 0x86dd) {
        return None;
    }
    let ip = frame.get(at..)?;
    let stated = match ip.first()? >> 4 {
        4 => usize::from(tag(ip, 2)?),
        _ => 40 + usize::from(tag(ip, 4)?),
    };
    let wire = if stated == 0 { wire - at } else { stated };
    packet::fields(ip, wire)?;
    let ip = ip[..ip.len().min(wire)].to_vec();
    Some(Packet { time, ip, wire })
}

fn tag(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}
