//! What headers are read from, and what they announce.

use super::NotDecoded;
use etherparse::EtherType;

/// A header with all that follows it: what was captured, and how long it was on the wire.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    pub(super) data: &'a [u8],
    pub(super) on_wire: u32,
}

impl<'a> Bytes<'a> {
    /// Its first bytes.
    #[inline]
    pub(super) fn head<const N: usize>(self) -> Result<&'a [u8; N], NotDecoded> {
        self.data.first_chunk().ok_or(NotDecoded::HeaderCut)
    }

    /// A number in network byte order.
    #[inline]
    pub(super) fn u16_at(self, at: usize) -> Result<u16, NotDecoded> {
        let raw = self.data.get(at..).and_then(<[u8]>::first_chunk);
        raw.copied()
            .map(u16::from_be_bytes)
            .ok_or(NotDecoded::HeaderCut)
    }

    /// What follows a header of `len` bytes.
    #[inline]
    pub(super) fn behind(self, len: usize) -> Result<Self, NotDecoded> {
        let data = self.data.get(len..).ok_or(NotDecoded::HeaderCut)?;
        let on_wire = self.on_wire.saturating_sub(len as u32);
        Ok(Self { data, on_wire })
    }

    /// It ends after `len` bytes: what follows is padding, never a header.
    #[inline]
    pub(super) fn within(self, len: u32) -> Self {
        let end = self.data.len().min(len as usize);
        Self {
            data: self.data.get(..end).unwrap_or_default(),
            on_wire: len,
        }
    }
}

/// A kind of header.
#[derive(Clone, Copy)]
pub(super) enum Header {
    Ipv4,
    Ipv6,
    Ethernet,
    /// What this number of Ethernet's announces.
    Type(EtherType),
    Ppp,
    Pppoe,
    Mpls,
    Gre,
    Udp,
}

/// The header that comes next, with all that follows it.
pub(super) type Inside<'a> = Result<(Header, Bytes<'a>), NotDecoded>;

/// IP of the version that its first four bits name.
#[inline]
pub(super) fn by_version(bytes: Bytes<'_>) -> Inside<'_> {
    let [first] = bytes.head()?;
    match first >> 4 {
        4 => Ok((Header::Ipv4, bytes)),
        6 => Ok((Header::Ipv6, bytes)),
        _ => Err(NotDecoded::NotIp),
    }
}
