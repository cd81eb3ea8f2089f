//! Link, IP and TCP headers: from the bytes of a record to a [`Segment`].
//!
//! One function per layer, each handing on the bytes behind its header together with how many
//! there were on the wire, and with what its header says comes next. So a tunnel is one layer more:
//! the innermost TCP segment counts. Lengths come from headers, never from what was captured; nothing
//! here allocates.

mod anonymize;
mod app;
mod bytes;
mod checksum;
mod domains;
mod ethernet;
mod filter;
mod icmp;
mod ip;
mod layers;
mod link;
mod mptcp;
mod reason;
mod scrub;
mod segment;
mod tcp;
mod tunnel;
mod usual;

pub use anonymize::{AnonymizeKey, Anonymizer, KeyError};
pub use app::{
    Alert, Body, Connection, GoAway, Method, Path, Request, Requests, Response, Responses, Said,
    Tls,
};
pub use filter::{Filter, FilterError};
pub use icmp::{IcmpKind, Quoted};
pub use layers::{Layers, Tunnel, TunnelKind};
pub use link::link_type_name;
pub use mptcp::Mptcp;
pub use reason::NotDecoded;
pub use segment::{End, Flags, Segment, Timestamps};

pub(crate) use domains::{Domains, Keys};
pub(crate) use scrub::scrub;
pub(crate) use usual::Usual;

use bytes::{Bytes, Header, Inside};
use etherparse::IpNumber;
use ip::Packet;

/// Headers of one packet at most, VLAN tags not counted: those of eight tunnels.
const MAX_HEADERS: usize = 36;

/// The TCP segment of a captured packet.
///
/// `link` is the LINKTYPE of the first header, `data` what was captured and `original_len` the
/// packet's length on the wire. Needs the first 14 bytes of the TCP header, ports to flags; says
/// why there is no segment otherwise.
#[inline]
pub fn decode(link: u16, data: &[u8], original_len: u32) -> Result<Segment, NotDecoded> {
    if let Some(usual) = Usual::v4_any(link, data) {
        return Ok(usual.segment());
    }
    decode_by_layers(link, data, original_len, &mut Around::default())
}

/// What is around the header of a segment.
#[derive(Debug, Default)]
pub(crate) struct Around<'a> {
    pub(crate) layers: Layers,
    /// What was captured of the payload, if that is known.
    pub(crate) payload: &'a [u8],
}

/// The same, layer by layer; what there was besides.
#[inline(never)]
pub(crate) fn decode_by_layers<'a>(
    link: u16,
    data: &'a [u8],
    original_len: u32,
    around: &mut Around<'a>,
) -> Result<Segment, NotDecoded> {
    let packet = innermost(link, data, original_len, &mut around.layers)?;
    if packet.protocol == IpNumber::TCP {
        around.payload = tcp::payload(packet.payload.data);
        return tcp::segment(packet.carrier, packet.payload);
    }
    Err(NotDecoded::Icmp)
}

/// What a packet that gave [`NotDecoded::Icmp`] quotes of a TCP segment, if it is an error.
#[cold]
pub fn quoted_by_icmp(link: u16, data: &[u8], original_len: u32) -> Result<Quoted, NotDecoded> {
    let packet = innermost(link, data, original_len, &mut Layers::default())?;
    icmp::quoted(&packet)
}

/// The innermost IP packet: of TCP or ICMP.
#[inline]
fn innermost<'a>(
    link: u16,
    data: &'a [u8],
    original_len: u32,
    layers: &mut Layers,
) -> Result<Packet<'a>, NotDecoded> {
    let on_wire = original_len;
    let (mut header, mut bytes) = link::first(link, Bytes { data, on_wire })?;
    for _ in 0..MAX_HEADERS {
        let packet = match header {
            Header::Ipv4 => ip::v4(bytes)?,
            Header::Ipv6 => ip::v6(bytes)?,
            other => {
                (header, bytes) = step(other, bytes, layers)?;
                continue;
            }
        };
        let protocol = packet.protocol;
        if [IpNumber::TCP, IpNumber::ICMP, IpNumber::IPV6_ICMP].contains(&protocol) {
            return Ok(packet);
        }
        (header, bytes) = packet.inside()?;
    }
    Err(NotDecoded::OtherProtocol)
}

/// What a header other than that of IP announces.
#[inline]
fn step<'a>(header: Header, bytes: Bytes<'a>, layers: &mut Layers) -> Inside<'a> {
    match header {
        Header::Type(kind) => ethernet::announced(kind, bytes, layers),
        Header::Ethernet => ethernet::frame(bytes),
        Header::Mpls => ethernet::mpls(bytes),
        Header::Ppp => ethernet::ppp(bytes),
        Header::Pppoe => ethernet::pppoe(bytes, layers),
        Header::Gre => tunnel::gre(bytes, layers),
        Header::Udp => tunnel::udp(bytes, layers),
        Header::Ipv4 | Header::Ipv6 => Ok((header, bytes)),
    }
}
