//! ICMP (RFC 792) and `ICMPv6` (RFC 4443) errors that quote a TCP segment.

use super::ip::{Packet, mapped};
use super::{End, NotDecoded};
use crate::seq::SeqNum;
use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice};

/// Where what it quotes begins.
const QUOTE: usize = 8;

/// What an ICMP error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IcmpKind {
    /// A network or host cannot be reached, or does not exist.
    HostUnreachable,
    /// A port cannot be reached.
    PortUnreachable,
    /// A filter forbids it.
    Prohibited,
    /// The hop limit ran out on the way.
    TimeExceeded,
}

impl IcmpKind {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HostUnreachable => "host-unreachable",
            Self::PortUnreachable => "port-unreachable",
            Self::Prohibited => "prohibited",
            Self::TimeExceeded => "time-exceeded",
        }
    }

    /// That of a type and code. A packet that is too big is no failure: the sender makes it smaller
    /// (RFC 1191, RFC 8201).
    const fn of(v6: bool, kind: u8, code: u8) -> Option<Self> {
        Some(match (v6, kind, code) {
            (false, 3, 3) | (true, 1, 4) => Self::PortUnreachable,
            (false, 3, 9 | 10 | 13) | (true, 1, 1 | 5 | 6) => Self::Prohibited,
            (false, 3, 4) => return None,
            (false, 3, _) | (true, 1, _) => Self::HostUnreachable,
            (false, 11, _) | (true, 3, _) => Self::TimeExceeded,
            _ => return None,
        })
    }
}

/// An ICMP error, and what it quotes of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// What it says.
    pub kind: IcmpKind,
    /// Its type.
    pub icmp_type: u8,
    /// Its code.
    pub icmp_code: u8,
    /// Its sender; the port is 0.
    pub reporter: End,
    /// The sender of the segment.
    pub src: End,
    /// Whom the segment was for.
    pub dst: End,
    /// The segment's number.
    pub seq: SeqNum,
}

/// What an ICMP packet quotes, if it is an error about a TCP segment.
pub(super) fn quoted(packet: &Packet) -> Result<Quoted, NotDecoded> {
    let v6 = packet.protocol == IpNumber::IPV6_ICMP;
    let [icmp_type, icmp_code] = *packet.payload.head::<2>()?;
    let kind = IcmpKind::of(v6, icmp_type, icmp_code).ok_or(NotDecoded::Icmp)?;
    let quote = packet.payload.behind(QUOTE)?.data;
    let (src, dst, tcp) =
        if v6 { inner_v6(quote) } else { inner_v4(quote) }.ok_or(NotDecoded::Icmp)?;
    // An error holds so much of it at least (RFC 792).
    let head: &[u8; 8] = tcp.first_chunk().ok_or(NotDecoded::HeaderCut)?;
    let [a, b, c, d, seq @ ..] = *head;
    Ok(Quoted {
        kind,
        icmp_type,
        icmp_code,
        reporter: end(packet.carrier.src, 0),
        src: end(src, u16::from_be_bytes([a, b])),
        dst: end(dst, u16::from_be_bytes([c, d])),
        seq: SeqNum(u32::from_be_bytes(seq)),
    })
}

const fn end(addr: u128, port: u16) -> End {
    End::v6(addr.to_be_bytes(), port)
}

fn inner_v4(quote: &[u8]) -> Option<(u128, u128, &[u8])> {
    let header = Ipv4HeaderSlice::from_slice(quote).ok()?;
    let whole = header.protocol() == IpNumber::TCP && header.fragments_offset().value() == 0;
    let behind = quote.get(header.slice().len()..).filter(|_| whole)?;
    let addr = |raw| mapped(u32::from_be_bytes(raw));
    Some((addr(header.source()), addr(header.destination()), behind))
}

fn inner_v6(quote: &[u8]) -> Option<(u128, u128, &[u8])> {
    let header = Ipv6HeaderSlice::from_slice(quote).ok()?;
    let is_tcp = header.next_header() == IpNumber::TCP;
    let behind = quote.get(header.slice().len()..).filter(|_| is_tcp)?;
    let addr = u128::from_be_bytes;
    Some((addr(header.source()), addr(header.destination()), behind))
}

#[cfg(test)]
mod tests {
    use super::IcmpKind;

    #[test]
    fn what_is_too_big_is_no_failure() {
        assert_eq!(IcmpKind::of(false, 3, 4), None);
        assert_eq!(IcmpKind::of(true, 2, 0), None);
        assert_eq!(IcmpKind::of(false, 0, 0), None);
        assert_eq!(IcmpKind::of(false, 3, 3), Some(IcmpKind::PortUnreachable));
        assert_eq!(IcmpKind::of(true, 1, 4), Some(IcmpKind::PortUnreachable));
        assert_eq!(IcmpKind::of(true, 1, 1), Some(IcmpKind::Prohibited));
    }
}
