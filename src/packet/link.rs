//! The link types as one table: number, name, and where the IP header begins.
//! Numbers and names: <https://www.tcpdump.org/linktypes.html>.

use super::NotDecoded;
use etherparse::{EtherType, Ethernet2HeaderSlice, SingleVlanHeaderSlice};
use std::borrow::Cow;

/// The IP header of a packet; small enough to be returned in registers.
pub(super) struct Network {
    pub(super) version: Version,
    /// Where it begins.
    pub(super) offset: u32,
}

/// The IP version that the link header announces.
pub(super) enum Version {
    V4,
    V6,
}

type Decode = fn(&[u8]) -> Result<Network, NotDecoded>;

struct LinkType {
    number: u16,
    name: &'static str,
    /// `None`: known by name only.
    decode: Option<Decode>,
}

const LINK_TYPES: &[LinkType] = &[
    decoded(1, "EN10MB", ethernet),
    decoded(276, "LINUX_SLL2", sll2),
    decoded(113, "LINUX_SLL", sll),
    decoded(101, "RAW", raw),
    // The numbers that DLT_RAW has on OpenBSD and elsewhere, found in old files.
    decoded(12, "RAW", raw),
    decoded(14, "RAW", raw),
    decoded(228, "IPV4", |_| Ok(at(Version::V4, 0))),
    decoded(229, "IPV6", |_| Ok(at(Version::V6, 0))),
    decoded(0, "NULL", null),
    decoded(108, "LOOP", null),
    known(6, "IEEE802_5"),
    known(8, "SLIP"),
    known(9, "PPP"),
    known(50, "PPP_HDLC"),
    known(51, "PPP_ETHER"),
    known(104, "C_HDLC"),
    known(105, "IEEE802_11"),
    known(107, "FRELAY"),
    known(119, "PRISM_HEADER"),
    known(127, "IEEE802_11_RADIOTAP"),
    known(189, "USB_LINUX"),
    known(192, "PPI"),
    known(197, "ERF"),
    known(219, "MPLS"),
    known(220, "USB_LINUX_MMAPPED"),
    known(239, "NFLOG"),
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

/// Finds the IP header of a packet of this link type.
#[inline]
pub(super) fn network(link: u16, data: &[u8]) -> Result<Network, NotDecoded> {
    let row = LINK_TYPES.iter().find(|row| row.number == link);
    let decode = row.and_then(|row| row.decode);
    decode.ok_or(NotDecoded::UnknownLinkType)?(data)
}

const fn at(version: Version, offset: usize) -> Network {
    let offset = offset as u32;
    Network { version, offset }
}

fn ethernet(data: &[u8]) -> Result<Network, NotDecoded> {
    let header = Ethernet2HeaderSlice::from_slice(data).map_err(|_| NotDecoded::HeaderCut)?;
    ether_type(header.ether_type(), data, header.slice().len())
}

/// Linux "cooked" capture. The hardware type is of no account: loopback, tunnels and PPP give the
/// same protocol numbers.
fn sll(data: &[u8]) -> Result<Network, NotDecoded> {
    ether_type(EtherType(u16_at(data, 14)?), data, 16)
}

/// Linux "cooked" capture, version 2: what `tcpdump -i any` writes today.
fn sll2(data: &[u8]) -> Result<Network, NotDecoded> {
    ether_type(EtherType(u16_at(data, 0)?), data, 20)
}

fn raw(data: &[u8]) -> Result<Network, NotDecoded> {
    match data.first().ok_or(NotDecoded::HeaderCut)? >> 4 {
        4 => Ok(at(Version::V4, 0)),
        6 => Ok(at(Version::V6, 0)),
        _ => Err(NotDecoded::NotIp),
    }
}

/// BSD loopback: an address family in the byte order of the host that captured (NULL) or of the
/// network (LOOP). Systems differ in their number for IPv6.
fn null(data: &[u8]) -> Result<Network, NotDecoded> {
    let head = *data.first_chunk().ok_or(NotDecoded::HeaderCut)?;
    let family = u32::from_le_bytes(head).min(u32::from_be_bytes(head));
    match family {
        2 => Ok(at(Version::V4, 4)),
        10 | 24 | 28 | 30 => Ok(at(Version::V6, 4)),
        _ => Err(NotDecoded::NotIp),
    }
}

/// What follows at `offset`, through any number of VLAN tags.
#[inline]
fn ether_type(kind: EtherType, data: &[u8], offset: usize) -> Result<Network, NotDecoded> {
    let (mut kind, mut offset) = (kind, offset);
    loop {
        match kind {
            EtherType::IPV4 => return Ok(at(Version::V4, offset)),
            EtherType::IPV6 => return Ok(at(Version::V6, offset)),
            EtherType::VLAN_TAGGED_FRAME
            | EtherType::PROVIDER_BRIDGING
            | EtherType::VLAN_DOUBLE_TAGGED_FRAME => {
                let rest = data.get(offset..).unwrap_or_default();
                let tag = SingleVlanHeaderSlice::from_slice(rest);
                let tag = tag.map_err(|_| NotDecoded::HeaderCut)?;
                kind = tag.ether_type();
                offset += tag.slice().len();
            }
            EtherType(ARP | RARP) => return Err(NotDecoded::Arp),
            EtherType(length) if length <= MAX_802_3_LENGTH => return snap(data, offset),
            _ => return Err(NotDecoded::NotIp),
        }
    }
}

const ARP: u16 = 0x0806;
const RARP: u16 = 0x8035;
/// IEEE 802.3: up to here the field is a length (and in a cooked header a kind of frame).
const MAX_802_3_LENGTH: u16 = 1500;

/// An LLC header with SNAP and no organization is followed by an `EtherType` (RFC 1042).
fn snap(data: &[u8], offset: usize) -> Result<Network, NotDecoded> {
    let llc = data.get(offset..offset + 6).ok_or(NotDecoded::HeaderCut)?;
    if llc != [0xaa, 0xaa, 3, 0, 0, 0] {
        return Err(NotDecoded::NotIp);
    }
    let offset = offset + 8;
    match EtherType(u16_at(data, offset - 2)?) {
        EtherType::IPV4 => Ok(at(Version::V4, offset)),
        EtherType::IPV6 => Ok(at(Version::V6, offset)),
        EtherType(ARP | RARP) => Err(NotDecoded::Arp),
        _ => Err(NotDecoded::NotIp),
    }
}

fn u16_at(data: &[u8], at: usize) -> Result<u16, NotDecoded> {
    let raw = data.get(at..).and_then(<[u8]>::first_chunk);
    raw.copied()
        .map(u16::from_be_bytes)
        .ok_or(NotDecoded::HeaderCut)
}
