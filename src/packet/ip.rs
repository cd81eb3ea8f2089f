//! IPv4 (RFC 791) and IPv6 (RFC 8200) down to the transport protocol.

use super::NotDecoded;
use super::bytes::{Bytes, Inside};
use super::tunnel;
use etherparse::err::{ipv4, ipv6};
use etherparse::{IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice};

/// An Ethernet frame of 60 bytes is padded up to this many behind its header.
const MAX_PADDED: u32 = 46;

/// What the IP header says of a segment. Addresses are numbers, so that they stay in registers.
#[derive(Clone, Copy)]
pub(super) struct Carrier {
    pub(super) src: u128,
    pub(super) dst: u128,
    pub(super) ttl: u8,
    pub(super) ip_id: Option<u16>,
    /// It is the first of several fragments.
    pub(super) fragment: bool,
    /// Its length is that of a frame that may be padded: it is taken to have no payload.
    pub(super) is_padded: bool,
}

/// The place of a packet in a fragmented one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fragment {
    Whole,
    First,
    Later,
}

impl Fragment {
    const fn new(offset: u16, more: bool) -> Self {
        match (offset, more) {
            (0, false) => Self::Whole,
            (0, true) => Self::First,
            _ => Self::Later,
        }
    }

    /// Sees to it that the header of this protocol follows; true if the rest of its payload is in
    /// other fragments.
    #[inline]
    fn begins(self, protocol: IpNumber) -> Result<bool, NotDecoded> {
        match self {
            Self::Later => Err(later(protocol)),
            first_or_whole => Ok(first_or_whole == Self::First),
        }
    }
}

/// A fragment without its protocol's header. Of UDP it is one whatever that carries.
#[cold]
const fn later(protocol: IpNumber) -> NotDecoded {
    match protocol {
        IpNumber::TCP => NotDecoded::LaterFragment,
        IpNumber::UDP => NotDecoded::Udp,
        IpNumber::ICMP | IpNumber::IPV6_ICMP => NotDecoded::Icmp,
        other if tunnel::over_ip(other).is_some() => NotDecoded::LaterFragment,
        _ => NotDecoded::OtherProtocol,
    }
}

/// An IP packet taken apart.
pub(super) struct Packet<'a> {
    pub(super) carrier: Carrier,
    pub(super) protocol: IpNumber,
    /// Its payload, which in a fragment is that fragment's.
    pub(super) payload: Bytes<'a>,
}

impl<'a> Packet<'a> {
    /// What it carries besides TCP and ICMP, if that is a tunnel.
    pub(super) fn inside(&self) -> Inside<'a> {
        let header = tunnel::over_ip(self.protocol).ok_or(NotDecoded::OtherProtocol)?;
        Ok((header, self.payload))
    }
}

/// The packet that `bytes` begin with.
#[inline]
pub(super) fn v4(bytes: Bytes<'_>) -> Result<Packet<'_>, NotDecoded> {
    let header = Ipv4HeaderSlice::from_slice(bytes.data).map_err(|error| match error {
        ipv4::HeaderSliceError::Len(_) => NotDecoded::HeaderCut,
        ipv4::HeaderSliceError::Content(_) => NotDecoded::MalformedIp,
    })?;
    let header_len = header.slice().len();
    let total = match header.total_len() {
        // Segmentation offload (or BIG TCP) had yet to write it.
        0 => bytes.on_wire,
        total => u32::from(total),
    };
    let len = total.checked_sub(header_len as u32);
    let len = len.ok_or(NotDecoded::MalformedIp)?;
    let fragment = Fragment::new(header.fragments_offset().value(), header.more_fragments());
    let protocol = header.protocol();
    let carrier = Carrier {
        src: mapped(u32::from_be_bytes(header.source())),
        dst: mapped(u32::from_be_bytes(header.destination())),
        ttl: header.ttl(),
        ip_id: Some(header.identification()),
        fragment: fragment.begins(protocol)?,
        is_padded: header.total_len() == 0 && bytes.on_wire <= MAX_PADDED,
    };
    Ok(Packet {
        carrier,
        protocol,
        payload: bytes.behind(header_len)?.within(len),
    })
}

/// The IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2).
pub(super) const fn mapped(addr: u32) -> u128 {
    0xffff_0000_0000 | addr as u128
}

/// The packet that `bytes` begin with.
#[inline]
pub(super) fn v6(bytes: Bytes<'_>) -> Result<Packet<'_>, NotDecoded> {
    let header = Ipv6HeaderSlice::from_slice(bytes.data).map_err(|error| match error {
        ipv6::HeaderSliceError::Len(_) => NotDecoded::HeaderCut,
        ipv6::HeaderSliceError::Content(_) => NotDecoded::MalformedIp,
    })?;
    let behind = bytes.behind(header.slice().len())?;
    let len = match header.payload_length() {
        0 => behind.on_wire,
        len => u32::from(len),
    };
    let is_jumbo = header.payload_length() == 0;
    let mut payload = Payload {
        protocol: header.next_header(),
        bytes: behind.data,
        len,
        fragment: Fragment::Whole,
    };
    while let Some(unit) = extension_unit(payload.protocol) {
        payload = behind_extension(&payload, unit, is_jumbo)?;
        if payload.fragment == Fragment::Later {
            break;
        }
    }
    let protocol = payload.protocol;
    let carrier = Carrier {
        src: u128::from_be_bytes(header.source()),
        dst: u128::from_be_bytes(header.destination()),
        ttl: header.hop_limit(),
        ip_id: None,
        fragment: payload.fragment.begins(protocol)?,
        is_padded: false,
    };
    let (data, on_wire) = (payload.bytes, payload.len);
    Ok(Packet {
        carrier,
        protocol,
        payload: Bytes { data, on_wire }.within(on_wire),
    })
}

/// The payload of an IPv6 packet.
struct Payload<'a> {
    protocol: IpNumber,
    /// What was captured of it.
    bytes: &'a [u8],
    /// How long it was on the wire, by the header.
    len: u32,
    fragment: Fragment,
}

/// The unit of an extension header's length, in bytes; `None` for what is no extension header.
#[inline]
const fn extension_unit(protocol: IpNumber) -> Option<usize> {
    match protocol {
        IpNumber::IPV6_HEADER_HOP_BY_HOP
        | IpNumber::IPV6_ROUTE_HEADER
        | IpNumber::IPV6_DESTINATION_OPTIONS
        | IpNumber::IPV6_FRAGMENTATION_HEADER => Some(8),
        IpNumber::AUTHENTICATION_HEADER => Some(4),
        _ => None,
    }
}

/// Steps over one extension header, whose length counts units of 8 bytes after the first, or in
/// an authentication header units of 4 after the first two (RFC 4302).
fn behind_extension<'a>(
    payload: &Payload<'a>,
    unit: usize,
    is_jumbo: bool,
) -> Result<Payload<'a>, NotDecoded> {
    let head: &[u8; 8] = payload.bytes.first_chunk().ok_or(NotDecoded::HeaderCut)?;
    let is_fragment = payload.protocol == IpNumber::IPV6_FRAGMENTATION_HEADER;
    let size = match unit {
        _ if is_fragment => 8,
        4 => (usize::from(head[1]) + 2) * 4,
        unit => (usize::from(head[1]) + 1) * unit,
    };
    let fragment = if is_fragment && payload.fragment == Fragment::Whole {
        let place = u16::from_be_bytes([head[2], head[3]]);
        Fragment::new(place >> 3, place & 1 != 0)
    } else {
        payload.fragment
    };
    let header = payload.bytes.get(..size).ok_or(NotDecoded::HeaderCut)?;
    let is_hop_by_hop = payload.protocol == IpNumber::IPV6_HEADER_HOP_BY_HOP;
    // A jumbogram's length stands in its hop-by-hop header (RFC 2675).
    let jumbo = jumbo_length(header).filter(|_| is_jumbo && is_hop_by_hop);
    let len = jumbo.unwrap_or(payload.len).checked_sub(size as u32);
    Ok(Payload {
        protocol: IpNumber(head[0]),
        bytes: payload.bytes.get(size..).unwrap_or_default(),
        len: len.ok_or(NotDecoded::MalformedIp)?,
        fragment,
    })
}

/// The jumbo payload option of a hop-by-hop header.
fn jumbo_length(header: &[u8]) -> Option<u32> {
    const PAD1: u8 = 0;
    const JUMBO: u8 = 0xc2;
    let mut rest = header.get(2..)?;
    loop {
        rest = match *rest {
            [PAD1, ref rest @ ..] => rest,
            [JUMBO, 4, a, b, c, d, ..] => return Some(u32::from_be_bytes([a, b, c, d])),
            [_, len, ref rest @ ..] => rest.get(usize::from(len)..)?,
            _ => return None,
        };
    }
}
