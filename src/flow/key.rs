//! The key of a connection.

use crate::packet::{End, Segment};
use std::hash::{Hash, Hasher};

/// How an IPv4-mapped address begins.
const MAPPED: u128 = 0xffff;

/// The two ends of a connection; the lower one of some order first, so that both directions share one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// The lower end, then the higher.
    pub ends: [End; 2],
    /// The network that the addresses belong to ([`Segment::domain`]).
    pub domain: u16,
}

/// In three words: what the derived one would do byte by byte.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b] = &self.ends;
        state.write_u128(u128::from_ne_bytes(a.addr));
        state.write_u128(u128::from_ne_bytes(b.addr));
        let ports = u32::from(a.port) << 16 | u32::from(b.port);
        state.write_u64(u64::from(self.domain) << 32 | u64::from(ports));
    }
}

impl Key {
    /// The key of a segment, and which end sent it.
    pub fn of(segment: &Segment) -> (Self, u8) {
        // Any order will do: this one takes no turning of bytes.
        let order = |end: &End| (u128::from_le_bytes(end.addr), end.port);
        let domain = segment.domain;
        if order(&segment.src) <= order(&segment.dst) {
            let ends = [segment.src, segment.dst];
            (Self { ends, domain }, 0)
        } else {
            let ends = [segment.dst, segment.src];
            (Self { ends, domain }, 1)
        }
    }
}

/// A key in sixteen bytes, if it can be told in so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShortKey {
    addr: [u32; 2],
    port: [u16; 2],
    domain: u16,
    is_whole: bool,
}

impl ShortKey {
    /// Of a key with two IPv4 addresses.
    pub(super) fn of(key: &Key) -> Option<Self> {
        let addr = |end: &End| {
            let addr = u128::from_be_bytes(end.addr);
            (addr >> u32::BITS == MAPPED).then_some(addr as u32)
        };
        let [a, b] = &key.ends;
        Some(Self {
            addr: [addr(a)?, addr(b)?],
            port: [a.port, b.port],
            domain: key.domain,
            is_whole: true,
        })
    }

    /// Of a key that is kept at this place.
    pub(super) const fn kept_at(place: u32) -> Self {
        Self {
            addr: [place, 0],
            port: [0; 2],
            domain: 0,
            is_whole: false,
        }
    }

    /// The key, or where it is kept.
    pub(super) fn whole(&self) -> Result<Key, u32> {
        if !self.is_whole {
            return Err(self.addr[0]);
        }
        let end = |i: usize| End::v4(self.addr[i].to_be_bytes(), self.port[i]);
        Ok(Key {
            ends: [end(0), end(1)],
            domain: self.domain,
        })
    }
}
