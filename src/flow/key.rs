//! The key of a connection.

use crate::flow::slab::Slab;
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

/// In few words: what the derived one would do byte by byte.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        if let Some(short) = ShortKey::of(self) {
            return short.hash(state);
        }
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

/// A key in sixteen bytes, if it can be told in so many: a word for each end, which are compared at
/// once. Above the lower end stands the domain, above the higher whether the key is whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ShortKey([u64; 2]);

impl Hash for ShortKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, high] = self.0.map(u128::from);
        state.write_u128(low | high << u64::BITS);
    }
}

impl ShortKey {
    /// Bits of an end.
    const END: u32 = u32::BITS + u16::BITS;
    const IS_WHOLE: u64 = 1 << Self::END;

    /// Of a key with two IPv4 addresses.
    #[inline]
    pub(super) fn of(key: &Key) -> Option<Self> {
        let [low, high] = key.ends.each_ref().map(end_v4);
        Some(Self::new(low?, high?, key.domain))
    }

    /// Of a segment over IPv4, and which end sent it: as [`Key::of`], without a branch that is
    /// taken every other time.
    #[inline]
    pub(super) fn of_segment(segment: &Segment) -> Option<(Self, u8)> {
        let ends = [end_v4(&segment.src)?, end_v4(&segment.dst)?];
        Some(Self::of_ends(ends, segment.domain))
    }

    /// Of the sender and the receiver as words: the address as it stands, the port below it.
    #[inline]
    pub(super) fn of_ends([src, dst]: [u64; 2], domain: u16) -> (Self, u8) {
        let key = Self::new(src.min(dst), src.max(dst), domain);
        (key, u8::from(src > dst))
    }

    #[inline]
    const fn new(low: u64, high: u64, domain: u16) -> Self {
        Self([low | (domain as u64) << Self::END, high | Self::IS_WHOLE])
    }

    /// Of a key that is kept at this place.
    pub(super) const fn kept_at(place: u32) -> Self {
        Self([place as u64, 0])
    }

    /// Where the key is kept, if it is not whole.
    #[inline]
    pub(super) const fn place(&self) -> Option<u32> {
        let [place, high] = self.0;
        if high & Self::IS_WHOLE == 0 {
            Some(place as u32)
        } else {
            None
        }
    }

    /// The key. `keys`: where it is kept, if it is not whole.
    pub(super) fn key(&self, keys: &Slab<Key>) -> Option<Key> {
        match self.whole() {
            Ok(key) => Some(key),
            Err(place) => keys.get(place).copied(),
        }
    }

    /// The key, or where it is kept.
    pub(super) fn whole(&self) -> Result<Key, u32> {
        if let Some(place) = self.place() {
            return Err(place);
        }
        let [low, _] = self.0;
        let end = |end: u64| End::v4(((end >> u16::BITS) as u32).to_le_bytes(), end as u16);
        Ok(Key {
            ends: self.0.map(end),
            domain: (low >> Self::END) as u16,
        })
    }

    /// One of its words: so it is in the cache.
    #[inline]
    pub(super) const fn touch(&self) -> u64 {
        self.0[1]
    }
}

/// An end with an IPv4 address, in the order of [`Key::of`]: that, and the port below it.
#[inline]
fn end_v4(end: &End) -> Option<u64> {
    let addr = u128::from_le_bytes(end.addr);
    let is_v4 = addr & PREFIX == MAPPED;
    is_v4.then_some((addr >> MAPPED_BITS << u16::BITS) as u64 | u64::from(end.port))
}

#[cfg(test)]
mod tests {
    use super::{Key, ShortKey};
    use crate::packet::{End, Segment};
    use proptest::prelude::*;

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
    prop_compose! {
        /// Of few addresses and ports, so that equal ones meet.
        fn any_end()(
            v4: bool,
            addr in prop::array::uniform4(prop::sample::select(vec![0_u8, 1, 255])),
            port in prop::sample::select(vec![0_u16, 1, 80, 256, u16::MAX]),
        ) -> End {
            if v4 { End::v4(addr, port) } else { End::v6([addr[0]; 16], port) }
        }
    }

    proptest! {
        #[test]
        fn a_short_key_is_that_of_the_whole_one(src in any_end(), dst in any_end(), domain: u16) {
            let segment = Segment { src, dst, domain, ..Segment::default() };
            let (key, from) = Key::of(&segment);
            let short = ShortKey::of(&key);
            prop_assert_eq!(ShortKey::of_segment(&segment), short.map(|short| (short, from)));
            prop_assert_eq!(short.and_then(|short| short.whole().ok()), short.map(|_| key));
        }
    }
}
