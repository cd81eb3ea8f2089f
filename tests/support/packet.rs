//! A TCP segment in an IP packet, seen as fields that can be read and overwritten.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PSH: u8 = 8;
pub const ACK: u8 = 16;

/// An address and a port.
pub type End = (IpAddr, u16);

/// The fields of one segment.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// Where the TCP header begins in the IP packet.
    pub tcp: usize,
    pub src: End,
    pub dst: End,
    pub seq: u32,
    pub ack: u32,
    pub flags: u8,
    /// Length of the TCP header.
    pub header: usize,
    /// Bytes of payload by the IP header.
    pub payload: usize,
}

impl Fields {
    /// SEG.SEQ + SEG.LEN.
    pub fn end(&self) -> u32 {
        let space = self.payload as u32 + u32::from(self.has(SYN)) + u32::from(self.has(FIN));
        self.seq.wrapping_add(space)
    }

    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Both ends, the lesser first: the same for both directions.
    pub fn key(&self) -> (End, End) {
        (self.src.min(self.dst), self.src.max(self.dst))
    }
}

/// Reads the fields of an IP packet that carries TCP; `wire` is the packet's original length.
pub fn fields(ip: &[u8], wire: usize) -> Option<Fields> {
    let (tcp, src, dst) = match ip.first()? >> 4 {
        4 if *ip.get(9)? == 6 => (
            usize::from(ip[0] & 15) * 4,
            IpAddr::from(Ipv4Addr::from(array(ip, 12)?)),
            IpAddr::from(Ipv4Addr::from(array(ip, 16)?)),
        ),
        6 if *ip.get(6)? == 6 => (
            40,
            IpAddr::from(Ipv6Addr::from(array::<16>(ip, 8)?)),
            IpAddr::from(Ipv6Addr::from(array::<16>(ip, 24)?)),
        ),
        _ => return None,
    };
    let header = usize::from(ip.get(tcp + 12)? >> 4) * 4;
    Some(Fields {
        tcp,
        src: (src, u16::from_be_bytes(array(ip, tcp)?)),
        dst: (dst, u16::from_be_bytes(array(ip, tcp + 2)?)),
        seq: u32::from_be_bytes(array(ip, tcp + 4)?),
        ack: u32::from_be_bytes(array(ip, tcp + 8)?),
        flags: *ip.get(tcp + 13)?,
        header,
        payload: wire.saturating_sub(tcp + header),
    })
}

/// Overwrites bytes.
pub fn put(ip: &mut [u8], at: usize, bytes: &[u8]) {
    ip[at..at + bytes.len()].copy_from_slice(bytes);
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}
