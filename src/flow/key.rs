//! The key of a connection.

use crate::packet::{End, Segment};
use std::hash::{Hash, Hasher};

/// The two ends of a connection; the lower one of some order first, so that both directions share one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// The lower end, then the higher.
    pub ends: [End; 2],
}

/// In three words: what the derived one would do byte by byte.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b] = &self.ends;
        state.write_u128(u128::from_ne_bytes(a.addr));
        state.write_u128(u128::from_ne_bytes(b.addr));
        state.write_u32(u32::from(a.port) << 16 | u32::from(b.port));
    }
}

impl Key {
    /// The key of a segment, and which end sent it.
    pub fn of(segment: &Segment) -> (Self, u8) {
        // Any order will do: this one takes no turning of bytes.
        let order = |end: &End| (u128::from_le_bytes(end.addr), end.port);
        if order(&segment.src) <= order(&segment.dst) {
            (
                Self {
                    ends: [segment.src, segment.dst],
                },
                0,
            )
        } else {
            (
                Self {
                    ends: [segment.dst, segment.src],
                },
                1,
            )
        }
    }
}
