//! The link types as one table: number, name, and what their header announces.
//! Numbers and names: <https://www.tcpdump.org/linktypes.html>.

use super::NotDecoded;
use super::bytes::{Bytes, Header, Inside, by_version};
use super::ethernet::frame;
use etherparse::EtherType;
use std::borrow::Cow;

type Decode = for<'a> fn(Bytes<'a>) -> Inside<'a>;

struct LinkType {
    number: u16,
    name: &'static str,
    /// `None`: known by name only.
    decode: Option<Decode>,
}

const LINK_TYPES: &[LinkType] = &[
    decoded(1, "EN10MB", frame),
    decoded(276, "LINUX_SLL2", sll2),
    decoded(113, "LINUX_SLL", sll),
    decoded(101, "RAW", by_version),
    // The numbers that DLT_RAW has on OpenBSD and elsewhere, found in old files.
    decoded(12, "RAW", by_version),
    decoded(14, "RAW", by_version),
    decoded(228, "IPV4", |bytes| Ok((Header::Ipv4, bytes))),
    decoded(229, "IPV6", |bytes| Ok((Header::Ipv6, bytes))),
    decoded(0, "NULL", null),
    decoded(108, "LOOP", null),
    decoded(9, "PPP", |bytes| Ok((Header::Ppp, bytes))),
    decoded(50, "PPP_HDLC", hdlc),
    decoded(51, "PPP_ETHER", |bytes| Ok((Header::Pppoe, bytes))),
    decoded(104, "C_HDLC", hdlc),
    decoded(219, "MPLS", |bytes| Ok((Header::Mpls, bytes))),
    decoded(239, "NFLOG", nflog),
    known(6, "IEEE802_5"),
    known(8, "SLIP"),
    known(105, "IEEE802_11"),
    known(107, "FRELAY"),
    known(119, "PRISM_HEADER"),
    known(127, "IEEE802_11_RADIOTAP"),
    known(189, "USB_LINUX"),
    known(192, "PPI"),
    known(197, "ERF"),
    known(220, "USB_LINUX_MMAPPED"),
    known(249, "USBPCAP"),
    known(253, "NETLINK"),
];

const fn decoded(number: u16, name: &'static str, decode: Decode) -> LinkType {
    LinkType {
        number,
        name,
        decode: Some(decode),
    }
}

const fn known(number: u16, name: &'static str) -> LinkType {
    LinkType {
        number,
        name,
        decode: None,
    }
}

/// The name of a LINKTYPE number, as in the list of tcpdump.org; `LINKTYPE_n` for others.
pub fn link_type_name(link: u16) -> Cow<'static, str> {
    let row = LINK_TYPES.iter().find(|row| row.number == link);
    row.map_or_else(|| format!("LINKTYPE_{link}").into(), |row| row.name.into())
}

/// What the header of this link type announces.
#[inline]
pub(super) fn first(link: u16, bytes: Bytes<'_>) -> Inside<'_> {
    let row = LINK_TYPES.iter().find(|row| row.number == link);
    let decode = row.and_then(|row| row.decode);
    decode.ok_or(NotDecoded::UnknownLinkType)?(bytes)
}

/// Linux "cooked" capture. The hardware type is of no account: loopback, tunnels and PPP give the
/// same protocol numbers.
fn sll(bytes: Bytes<'_>) -> Inside<'_> {
    typed(bytes, 14, 16)
}

/// Linux "cooked" capture, version 2: what `tcpdump -i any` writes today.
fn sll2(bytes: Bytes<'_>) -> Inside<'_> {
    typed(bytes, 0, 20)
}

/// A header of `len` bytes with one of Ethernet's numbers `at` a place of it.
fn typed(bytes: Bytes<'_>, at: usize, len: usize) -> Inside<'_> {
    let kind = EtherType(bytes.u16_at(at)?);
    Ok((Header::Type(kind), bytes.behind(len)?))
}

/// BSD loopback: an address family in the byte order of the host that captured (NULL) or of the
/// network (LOOP). Systems differ in their number for IPv6.
fn null(bytes: Bytes<'_>) -> Inside<'_> {
    let head = *bytes.head()?;
    let family = u32::from_le_bytes(head).min(u32::from_be_bytes(head));
    let header = match family {
        2 => Header::Ipv4,
        10 | 24 | 28 | 30 => Header::Ipv6,
        _ => return Err(NotDecoded::NotIp),
    };
    Ok((header, bytes.behind(4)?))
}

/// PPP in HDLC's framing (RFC 1662), or Cisco's HDLC: unicast or broadcast, and one of Ethernet's
/// numbers.
fn hdlc(bytes: Bytes<'_>) -> Inside<'_> {
    match bytes.u16_at(0)? {
        0x0f00 | 0x8f00 => typed(bytes, 2, 4),
        _ => Ok((Header::Ppp, bytes)),
    }
}

/// Netfilter's log: fields of a type and a length, in the byte order of the host that captured. The
/// packet is in one of them.
fn nflog(bytes: Bytes<'_>) -> Inside<'_> {
    const PACKET: u16 = 9;
    let mut rest = bytes.behind(4)?;
    loop {
        let &[a, b, c, d] = rest.head()?;
        // No type is so high that it takes both bytes.
        let (len, kind) = match c {
            0 => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
            _ => (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])),
        };
        let value = rest.behind(4)?;
        let value_len = len.checked_sub(4).ok_or(NotDecoded::NotIp)?;
        if kind == PACKET {
            return by_version(value.within(value_len.into()));
        }
        rest = value.behind(usize::from(value_len).next_multiple_of(4))?;
    }
}
