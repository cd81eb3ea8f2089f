//! The key of a connection.

use crate::packet::{End, Segment};
use std::hash::{Hash, Hasher};

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
