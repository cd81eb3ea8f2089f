//! Tunnels over IP: by its protocol, or by the port of UDP.

use super::NotDecoded;
use super::bytes::{Bytes, Header, Inside, by_version};
use super::layers::{Layers, TunnelKind};
use etherparse::{EtherType, IpNumber};

/// What an IP header's protocol announces; `None` for what is no tunnel.
#[inline]
pub(super) const fn over_ip(protocol: IpNumber) -> Option<Header> {
    match protocol {
        IpNumber(4) => Some(Header::Ipv4),
        IpNumber::UDP => Some(Header::Udp),
        IpNumber(41) => Some(Header::Ipv6),
        IpNumber(47) => Some(Header::Gre),
        IpNumber(137) => Some(Header::Mpls),
        _ => None,
    }
}

/// What stands behind the UDP header; anything that is no tunnel's is [`NotDecoded::Udp`].
type OverUdp = for<'a> fn(Bytes<'a>, &mut Layers) -> Inside<'a>;

/// The tunnels over UDP, by destination port: the source port only spreads flows over paths.
const OVER_UDP: &[(u16, OverUdp)] = &[
    (4789, vxlan),
    // Linux's own, before there was a number for it.
    (8472, vxlan),
    (6081, geneve),
    (2152, gtp),
];

/// Each of those headers without its options.
const LEAST: u32 = 8;

pub(super) fn udp<'a>(bytes: Bytes<'a>, layers: &mut Layers) -> Inside<'a> {
    let port = bytes.u16_at(2).map_err(|_| NotDecoded::Udp)?;
    let row = OVER_UDP.iter().find(|row| row.0 == port);
    let (_, inside) = row.ok_or(NotDecoded::Udp)?;
    if bytes.on_wire < 8 + LEAST {
        return Err(NotDecoded::Udp);
    }
    inside(bytes.behind(8)?, layers)
}

/// RFC 7348 section 5: one flag, and nothing in what is reserved; or that of the group policy
/// extension besides, with its fields.
fn vxlan<'a>(bytes: Bytes<'a>, layers: &mut Layers) -> Inside<'a> {
    let &[flags, ref policy @ .., _, _, _, reserved] = bytes.head::<8>()?;
    let is_plain = flags == 0x08 && *policy == [0; 3];
    let has_policy = flags == 0x88 && policy[0] & !0x48 == 0;
    if !(is_plain || has_policy) || reserved != 0 {
        return Err(NotDecoded::Udp);
    }
    layers.add_tunnel(TunnelKind::Vxlan, network_identifier(bytes)?);
    Ok((Header::Ethernet, bytes.behind(8)?))
}

/// The 24 bits that VXLAN and Geneve have in the same place.
fn network_identifier(bytes: Bytes<'_>) -> Result<u32, NotDecoded> {
    let &[.., high, middle, low, _] = bytes.head::<8>()?;
    Ok(u32::from_be_bytes([0, high, middle, low]))
}

/// RFC 8926 section 3.4. Its control packets carry no one's data.
fn geneve<'a>(bytes: Bytes<'a>, layers: &mut Layers) -> Inside<'a> {
    const CRITICAL: u8 = 0x40;
    const LEAST_ETHER_TYPE: u8 = 0x06; // its high byte
    let &[version_and_len, flags, kind, .., reserved] = bytes.head::<8>()?;
    let is_known = version_and_len >> 6 == 0 && flags & !CRITICAL == 0 && reserved == 0;
    if !is_known || kind < LEAST_ETHER_TYPE {
        return Err(NotDecoded::Udp);
    }
    layers.add_tunnel(TunnelKind::Geneve, network_identifier(bytes)?);
    let kind = EtherType(bytes.u16_at(2)?);
    let behind = bytes.behind(8 + usize::from(version_and_len) * 4)?;
    Ok((Header::Type(kind), behind))
}

/// A user's packet in GTP version 1 (3GPP TS 29.281 section 5). Its endpoint number is another one in
/// each direction.
fn gtp<'a>(bytes: Bytes<'a>, _: &mut Layers) -> Inside<'a> {
    const VERSION_1: u8 = 0x30;
    const OPTIONAL_FIELDS: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    const USER_PACKET: u8 = 255;
    let &[flags, kind] = bytes.head()?;
    if flags & !OPTIONAL_FIELDS != VERSION_1 || kind != USER_PACKET {
        return Err(NotDecoded::Udp);
    }
    if flags & OPTIONAL_FIELDS == 0 {
        return by_version(bytes.behind(8)?);
    }
    let &[.., next] = bytes.head::<12>()?;
    let mut rest = bytes.behind(12)?;
    let mut has_more = flags & EXTENSION != 0 && next != 0;
    while has_more {
        let [words] = *rest.head()?;
        let len = usize::from(words) * 4;
        let last = len.checked_sub(1).ok_or(NotDecoded::Udp)?;
        has_more = *rest.data.get(last).ok_or(NotDecoded::HeaderCut)? != 0;
        rest = rest.behind(len)?;
    }
    by_version(rest)
}

/// GRE's flags (RFC 2784, RFC 2890, and RFC 2637 for PPTP's version 1).
mod flag {
    pub(super) const CHECKSUM: u16 = 0x8000;
    pub(super) const ROUTING: u16 = 0x4000;
    pub(super) const KEY: u16 = 0x2000;
    pub(super) const SEQUENCE: u16 = 0x1000;
    pub(super) const ACK: u16 = 0x0080;
    pub(super) const VERSION: u16 = 0x0007;
}

const PPP: u16 = 0x880b;
const ERSPAN: u16 = 0x88be;
const ERSPAN_3: u16 = 0x22eb;

pub(super) fn gre<'a>(bytes: Bytes<'a>, layers: &mut Layers) -> Inside<'a> {
    let (flags, kind) = (bytes.u16_at(0)?, bytes.u16_at(2)?);
    let has = |flag: u16| flags & flag != 0;
    let is_pptp = match (flags & flag::VERSION, kind) {
        (0, _) => false,
        (1, PPP) => true,
        _ => return Err(NotDecoded::OtherProtocol),
    };
    // The list of routes is of no known length (RFC 1701); without a number it is PPTP's ACK alone.
    if has(flag::ROUTING) || is_pptp && !has(flag::SEQUENCE) {
        return Err(NotDecoded::OtherProtocol);
    }
    let mut rest = bytes.behind(if has(flag::CHECKSUM) { 8 } else { 4 })?;
    if has(flag::KEY) {
        let key = u32::from_be_bytes(*rest.head()?);
        rest = rest.behind(4)?;
        // PPTP's is a length and a call, another one in each direction.
        if !is_pptp {
            layers.add_tunnel(TunnelKind::Gre, key);
        }
    }
    let words = usize::from(has(flag::SEQUENCE)) + usize::from(is_pptp && has(flag::ACK));
    let rest = rest.behind(words * 4)?;
    match kind {
        ERSPAN if has(flag::SEQUENCE) => erspan(rest, layers),
        ERSPAN => Ok((Header::Ethernet, rest)), // type I has no header
        ERSPAN_3 => erspan_3(rest, layers),
        kind => Ok((Header::Type(EtherType(kind)), rest)),
    }
}

/// ERSPAN type II (draft-foschiano-erspan section 4.2): a mirrored frame.
fn erspan<'a>(bytes: Bytes<'a>, layers: &mut Layers) -> Inside<'a> {
    const VERSION: u8 = 1;
    let head: &[u8; 8] = bytes.head()?;
    mirrored(head, VERSION, layers)?;
    Ok((Header::Ethernet, bytes.behind(8)?))
}

/// ERSPAN type III (draft-foschiano-erspan section 4.3), which may have a subheader.
fn erspan_3<'a>(bytes: Bytes<'a>, layers: &mut Layers) -> Inside<'a> {
    const VERSION: u8 = 2;
    const SUBHEADER: u8 = 1;
    const FRAME_TYPE: u8 = 0x7c;
    const IP: u8 = 2 << 2;
    let head: &[u8; 12] = bytes.head()?;
    mirrored(head, VERSION, layers)?;
    let has_more = head[11] & SUBHEADER != 0;
    let rest = bytes.behind(if has_more { 20 } else { 12 })?;
    match head[10] & FRAME_TYPE {
        0 => Ok((Header::Ethernet, rest)),
        IP => by_version(rest),
        _ => Err(NotDecoded::NotIp),
    }
}

/// The version and the session of a mirrored frame.
fn mirrored(head: &[u8], version: u8, layers: &mut Layers) -> Result<(), NotDecoded> {
    let &[v, _, s, n, ..] = head else {
        return Err(NotDecoded::HeaderCut);
    };
    if v >> 4 != version {
        return Err(NotDecoded::OtherProtocol);
    }
    layers.add_tunnel(TunnelKind::Erspan, u32::from_be_bytes([0, 0, s & 3, n]));
    Ok(())
}
