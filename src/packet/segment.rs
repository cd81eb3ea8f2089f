//! A decoded TCP segment: all that the flow table needs, and nothing borrowed.

use super::Mptcp;
use crate::seq::{SeqNum, TsVal};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The control bits of a TCP header (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(
    /// The low eight bits of the field.
    pub u8,
);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement field is significant.
    pub const ACK: Self = Self(0x10);

    /// FIN is set.
    pub const fn fin(self) -> bool {
        self.0 & Self::FIN.0 != 0
    }
    /// SYN is set.
    pub const fn syn(self) -> bool {
        self.0 & Self::SYN.0 != 0
    }
    /// RST is set.
    pub const fn rst(self) -> bool {
        self.0 & Self::RST.0 != 0
    }
    /// ACK is set.
    pub const fn ack(self) -> bool {
        self.0 & Self::ACK.0 != 0
    }
    /// Of SYN, FIN, RST and ACK, these and no other are set.
    pub const fn are(self, these: Self) -> bool {
        const ALL: u8 = Flags::SYN.0 | Flags::FIN.0 | Flags::RST.0 | Flags::ACK.0;
        self.0 & ALL == these.0
    }
    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// An IP address and a TCP port. IPv4 addresses stand as IPv4-mapped IPv6 addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// The address, IPv4 as `::ffff:a.b.c.d`.
    pub addr: [u8; 16],
    /// The port.
    pub port: u16,
}

impl End {
    /// An end with an IPv4 address.
    pub const fn v4(addr: [u8; 4], port: u16) -> Self {
        Self {
            addr: Ipv4Addr::new(addr[0], addr[1], addr[2], addr[3])
                .to_ipv6_mapped()
                .octets(),
            port,
        }
    }

    /// An end with an IPv6 address.
    pub const fn v6(addr: [u8; 16], port: u16) -> Self {
        Self { addr, port }
    }

    /// The address in its own family.
    pub fn ip(&self) -> IpAddr {
        // As a number: `to_ipv4_mapped` looks at each byte.
        let number = u128::from_be_bytes(self.addr);
        if number >> 32 == 0xffff {
            IpAddr::V4(Ipv4Addr::from_bits(number as u32))
        } else {
            IpAddr::V6(Ipv6Addr::from_bits(number))
        }
    }
}

/// The timestamps option (RFC 7323 section 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timestamps {
    /// The sender's clock.
    pub val: TsVal,
    /// The peer's clock as last seen by the sender; 0 in a SYN.
    pub ecr: TsVal,
}

/// One TCP segment as a capture shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// The sender.
    pub src: End,
    /// The receiver.
    pub dst: End,
    /// SEG.SEQ.
    pub seq: SeqNum,
    /// SEG.ACK; meaningful only with the ACK bit.
    pub ack: SeqNum,
    /// Bytes of payload by the IP header's length, never by what was captured.
    pub len: u32,
    /// The control bits.
    pub flags: Flags,
    /// SEG.WND as it stands in the header, not scaled.
    pub window: u16,
    /// Timestamps, if the option was captured.
    pub timestamps: Option<Timestamps>,
    /// The window scale option of a SYN (RFC 7323 section 2.2), at most 14.
    pub window_scale: Option<u8>,
    /// TTL or hop limit.
    pub ttl: u8,
    /// The identification field of IPv4; IPv6 has none.
    pub ip_id: Option<u16>,
    /// Some of the TCP header's options were cut off by the snaplen or malformed: what is absent
    /// may only not have been captured.
    pub options_cut: bool,
    /// The window field itself was cut off: `window` is 0 and says nothing.
    pub window_cut: bool,
    /// The first fragment of a larger segment: `len` counts this fragment's payload only.
    pub fragment: bool,
    /// The network that the addresses belong to, by the VLANs and tunnels that the packet came
    /// through; 0 where those do not count, or there are none.
    pub domain: u16,
    /// What it says of a Multipath TCP connection.
    pub mptcp: Mptcp,
}

impl Segment {
    /// The sequence space it occupies: payload, and one each for SYN and FIN (RFC 9293 3.4).
    pub const fn space(&self) -> u32 {
        self.len
            .wrapping_add(self.flags.syn() as u32)
            .wrapping_add(self.flags.fin() as u32)
    }

    /// SEG.SEQ + SEG.LEN: the number after the last it occupies.
    pub const fn end(&self) -> SeqNum {
        self.seq.plus(self.space())
    }
}
