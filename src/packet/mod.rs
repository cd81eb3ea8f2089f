//! Link, IP and TCP headers: from the bytes of a record to a [`Segment`].
//!
//! One function per layer, each handing on the bytes behind its header together with how many
//! there were on the wire. Lengths come from headers, never from what was captured; nothing here
//! allocates.

mod ip;
mod link;
mod reason;
mod segment;
mod tcp;
mod usual;

pub use link::link_type_name;
pub use reason::NotDecoded;
pub use segment::{End, Flags, Segment, Timestamps};

pub(crate) use usual::Usual;

/// The TCP segment of a captured packet.
///
/// `link` is the LINKTYPE of the first header, `data` what was captured and `original_len` the
/// packet's length on the wire. Needs the first 14 bytes of the TCP header, ports to flags; says
/// why there is no segment otherwise.
#[inline]
pub fn decode(link: u16, data: &[u8], original_len: u32) -> Result<Segment, NotDecoded> {
    if let Some(usual) = Usual::new(link, data) {
        return Ok(usual.segment());
    }
    decode_by_layers(link, data, original_len)
}

/// The same, layer by layer.
pub(crate) fn decode_by_layers(
    link: u16,
    data: &[u8],
    original_len: u32,
) -> Result<Segment, NotDecoded> {
    let network = link::network(link, data)?;
    let packet = data
        .get(network.offset as usize..)
        .ok_or(NotDecoded::HeaderCut)?;
    let on_wire = original_len.saturating_sub(network.offset);
    match network.version {
        link::Version::V4 => ip::v4(packet, on_wire),
        link::Version::V6 => ip::v6(packet, on_wire),
    }
}
