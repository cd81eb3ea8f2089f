//! What Ethernet's numbers announce, whatever header they stand in.

use super::NotDecoded;
use super::bytes::{Bytes, Header, Inside, by_version};
use super::layers::{Layers, TunnelKind};
use etherparse::{EtherType, Ethernet2HeaderSlice, SingleVlanHeaderSlice};

const ARP: u16 = 0x0806;
const RARP: u16 = 0x8035;
/// Ethernet within something else (RFC 1701).
const BRIDGED: u16 = 0x6558;
const PPP: u16 = 0x880b;
const MPLS: u16 = 0x8847;
/// MPLS of which the label is the upstream router's choice; multicast once (RFC 5332).
const MPLS_UPSTREAM: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;
/// IEEE 802.3: up to here the field is a length (and in a cooked header a kind of frame).
const MAX_802_3_LENGTH: u16 = 1500;
/// Ethernet's addresses.
const ADDRESSES: usize = 12;

pub(super) fn frame(bytes: Bytes<'_>) -> Inside<'_> {
    let header = Ethernet2HeaderSlice::from_slice(bytes.data).map_err(|_| NotDecoded::HeaderCut)?;
    let behind = bytes.behind(header.slice().len())?;
    Ok((Header::Type(header.ether_type()), behind))
}

/// What follows a number, through any number of VLAN tags.
#[inline]
pub(super) fn announced<'a>(kind: EtherType, bytes: Bytes<'a>, layers: &mut Layers) -> Inside<'a> {
    let (mut kind, mut bytes) = (kind, bytes);
    loop {
        match kind {
            EtherType::IPV4 => return Ok((Header::Ipv4, bytes)),
            EtherType::IPV6 => return Ok((Header::Ipv6, bytes)),
            EtherType::VLAN_TAGGED_FRAME
            | EtherType::PROVIDER_BRIDGING
            | EtherType::VLAN_DOUBLE_TAGGED_FRAME => {
                let tag = SingleVlanHeaderSlice::from_slice(bytes.data);
                let tag = tag.map_err(|_| NotDecoded::HeaderCut)?;
                layers.add_vlan(tag.vlan_identifier().value());
                kind = tag.ether_type();
                bytes = bytes.behind(tag.slice().len())?;
            }
            EtherType(number) => return other(number, bytes),
        }
    }
}

fn other(number: u16, bytes: Bytes<'_>) -> Inside<'_> {
    let header = match number {
        ARP | RARP => return Err(NotDecoded::Arp),
        ..=MAX_802_3_LENGTH => return snap(bytes),
        BRIDGED => Header::Ethernet,
        PPP => Header::Ppp,
        PPPOE_SESSION => Header::Pppoe,
        MPLS | MPLS_UPSTREAM => Header::Mpls,
        _ => return Err(NotDecoded::NotIp),
    };
    Ok((header, bytes))
}

/// An LLC header with SNAP and no organization is followed by an `EtherType` (RFC 1042).
fn snap(bytes: Bytes<'_>) -> Inside<'_> {
    let llc: &[u8; 6] = bytes.head()?;
    if *llc != [0xaa, 0xaa, 3, 0, 0, 0] {
        return Err(NotDecoded::NotIp);
    }
    Ok((Header::Type(EtherType(bytes.u16_at(6)?)), bytes.behind(8)?))
}

/// A stack of labels (RFC 3032); nothing in it tells what follows, only the ends of its path know.
/// IP shows by its version. Else it is Ethernet (RFC 4448), with a control word or without.
pub(super) fn mpls(bytes: Bytes<'_>) -> Inside<'_> {
    const BOTTOM: u8 = 1;
    const CONTROL_WORD: usize = 4;
    let mut bytes = bytes;
    loop {
        let label: &[u8; 4] = bytes.head()?;
        bytes = bytes.behind(4)?;
        if label[2] & BOTTOM != 0 {
            break;
        }
    }
    let by_version = by_version(bytes);
    if by_version.is_ok() {
        return by_version;
    }
    let word: &[u8; 1] = bytes.head()?;
    let begins_frame = |at: usize| bytes.u16_at(at + ADDRESSES).is_ok_and(is_familiar);
    if word[0] >> 4 == 0 && (begins_frame(CONTROL_WORD) || !begins_frame(0)) {
        bytes = bytes.behind(CONTROL_WORD)?;
    }
    Ok((Header::Ethernet, bytes))
}

/// A number that frames with IP in them begin with.
fn is_familiar(number: u16) -> bool {
    let is_tag = matches!(number, 0x8100 | 0x88a8 | 0x9100);
    let is_ip = matches!(EtherType(number), EtherType::IPV4 | EtherType::IPV6);
    is_ip || is_tag || matches!(number, ARP | MPLS | PPPOE_SESSION)
}

/// PPP over Ethernet (RFC 2516); a session's number is the same in both directions.
pub(super) fn pppoe<'a>(bytes: Bytes<'a>, layers: &mut Layers) -> Inside<'a> {
    let &[version, code, a, b, _, _] = bytes.head()?;
    if (version, code) != (0x11, 0) {
        return Err(NotDecoded::NotIp);
    }
    layers.add_tunnel(TunnelKind::Pppoe, u16::from_be_bytes([a, b]).into());
    Ok((Header::Ppp, bytes.behind(6)?))
}

/// PPP with its address and control fields or without them, and with a protocol of two bytes or of
/// one (RFC 1661 sections 2 and 6.5, RFC 1662 section 3.1).
pub(super) fn ppp(bytes: Bytes<'_>) -> Inside<'_> {
    const ADDRESS_AND_CONTROL: u16 = 0xff03;
    let is_framed = bytes.u16_at(0)? == ADDRESS_AND_CONTROL;
    let bytes = bytes.behind(if is_framed { 2 } else { 0 })?;
    let [first] = *bytes.head()?;
    // The last bit of the number's last byte is set, that of its first byte is not.
    let (number, len) = match first & 1 {
        1 => (u16::from(first), 1),
        _ => (bytes.u16_at(0)?, 2),
    };
    let header = match number {
        0x0021 => Header::Ipv4,
        0x0057 => Header::Ipv6,
        0x0281 | 0x0283 => Header::Mpls,
        _ => return Err(NotDecoded::NotIp),
    };
    Ok((header, bytes.behind(len)?))
}
