//! The key of a connection.

use crate::packet::{End, Segment};
use std::hash::{Hash, Hasher};

/// How an IPv4-mapped address begins: its first bytes, as a number whose lowest byte comes first.
const MAPPED: u128 = 0xffff << 80;
const MAPPED_BITS: u32 = 96;
const PREFIX: u128 = (1 << MAPPED_BITS) - 1;

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

/// A key in sixteen bytes, if it can be told in so many: its addresses, its ports and its domain, and
/// whether it is. In words, which are compared at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShortKey([u32; 4]);

impl ShortKey {
    const IS_WHOLE: u32 = 1 << u16::BITS;

    /// Of a key with two IPv4 addresses.
    #[inline]
    pub(super) fn of(key: &Key) -> Option<Self> {
        let [a, b] = key.ends.map(|end| u128::from_le_bytes(end.addr));
        if a & PREFIX != MAPPED || b & PREFIX != MAPPED {
            return None;
        }
        let [low, high] = key.ends.map(|end| u32::from(end.port));
        Some(Self([
            (a >> MAPPED_BITS) as u32,
            (b >> MAPPED_BITS) as u32,
            low << u16::BITS | high,
            Self::IS_WHOLE | u32::from(key.domain),
        ]))
    }

    /// Of a key that is kept at this place.
    pub(super) const fn kept_at(place: u32) -> Self {
        Self([place, 0, 0, 0])
    }

    /// The key, or where it is kept.
    pub(super) fn whole(&self) -> Result<Key, u32> {
        let [a, b, ports, domain] = self.0;
        if domain & Self::IS_WHOLE == 0 {
            return Err(a);
        }
        let end = |addr: u32, port: u32| End::v4(addr.to_le_bytes(), port as u16);
        Ok(Key {
            ends: [end(a, ports >> u16::BITS), end(b, ports)],
            domain: domain as u16,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, ShortKey};
    use crate::packet::End;

    #[test]
    fn a_key_of_two_ipv4_addresses_is_short() {
        let v4 = [End::v4([10, 0, 0, 1], 65535), End::v4([192, 168, 0, 2], 80)];
        let v6 = End::v6([0x20; 16], 443);
        let key = |ends, domain| Key { ends, domain };
        for domain in [0, 1, u16::MAX] {
            let short = ShortKey::of(&key(v4, domain));
            assert_eq!(short.map(|s| s.whole()), Some(Ok(key(v4, domain))));
        }
        assert_ne!(ShortKey::of(&key(v4, 0)), ShortKey::of(&key(v4, 1)));
        assert_eq!(ShortKey::of(&key([v4[0], v6], 0)), None);
        assert_eq!(ShortKey::of(&key([v6, v4[0]], 0)), None);
        assert_eq!(ShortKey::kept_at(7).whole(), Err(7));
    }
}
