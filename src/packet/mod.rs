//! Link, IP and TCP headers: from the bytes of a record to a [`Segment`].
//!
//! One function per layer, each handing on the bytes behind its header together with how many
//! there were on the wire, and with what its header says comes next. So a tunnel is one layer more:
//! the innermost TCP segment counts. Lengths come from headers, never from what was captured; nothing
//! here allocates.

mod bytes;
mod domains;
mod ethernet;
mod filter;
mod ip;
mod layers;
mod link;
mod mptcp;
mod reason;
mod segment;
mod tcp;
mod tunnel;
mod usual;

pub use filter::{Filter, FilterError};
pub use layers::{Layers, Tunnel, TunnelKind};
pub use link::link_type_name;
pub use mptcp::Mptcp;
pub use reason::NotDecoded;
pub use segment::{End, Flags, Segment, Timestamps};

pub(crate) use domains::{Domains, Keys};
pub(crate) use usual::Usual;

use bytes::{Bytes, Header, Inside};
use etherparse::IpNumber;

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
    decode_by_layers(link, data, original_len, &mut Layers::default())
}

/// The same, layer by layer; which they were besides.
#[inline(never)]
pub(crate) fn decode_by_layers(
    link: u16,
    data: &[u8],
    original_len: u32,
    layers: &mut Layers,
) -> Result<Segment, NotDecoded> {
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
        if packet.protocol == IpNumber::TCP {
            return tcp::segment(packet.carrier, packet.payload);
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
