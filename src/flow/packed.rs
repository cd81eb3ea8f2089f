//! A segment in few bytes.

use crate::flow::seen::Seen;
use crate::packet::{Flags, Timestamps};
use crate::seq::{SeqNum, TsVal};
use crate::stamp::{Stamp, Time};

/// Which of a segment's facts are known, and its flags that are no TCP flags.
mod bit {
    pub(super) const FROM: u8 = 1;
    pub(super) const TIMESTAMPS: u8 = 2;
    pub(super) const IP_ID: u8 = 4;
    pub(super) const CUT: u8 = 8;
    pub(super) const WINDOW_CUT: u8 = 16;
    pub(super) const SCALE: u8 = 32;
}

/// A [`Seen`] in 40 bytes instead of 56: most flows are kept as nothing but these.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Packed {
    time: i64,
    frame: u32,
    seq: u32,
    ack: u32,
    len: u32,
    tsval: u32,
    tsecr: u32,
    ip_id: u16,
    window: u16,
    flags: u8,
    ttl: u8,
    scale: u8,
    bits: u8,
}

impl Packed {
    /// The segment, unless its frame number is too large or it stands for several records.
    pub(super) fn new(seen: &Seen) -> Option<Self> {
        let frame = u32::try_from(seen.at.frame)
            .ok()
            .filter(|_| !seen.doubled)?;
        let stamps = seen.timestamps.unwrap_or_default();
        let bits = seen.from & bit::FROM
            | flag(seen.timestamps.is_some(), bit::TIMESTAMPS)
            | flag(seen.ip_id.is_some(), bit::IP_ID)
            | flag(seen.cut, bit::CUT)
            | flag(seen.window_cut, bit::WINDOW_CUT)
            | flag(seen.window_scale.is_some(), bit::SCALE);
        Some(Self {
            time: seen.at.time.0,
            frame,
            seq: seen.seq.0,
            ack: seen.ack.0,
            len: seen.len,
            tsval: stamps.val.0,
            tsecr: stamps.ecr.0,
            ip_id: seen.ip_id.unwrap_or_default(),
            window: seen.window,
            flags: seen.flags.0,
            ttl: seen.ttl,
            scale: seen.window_scale.unwrap_or_default(),
            bits,
        })
    }

    /// The segment again.
    pub(super) fn seen(&self) -> Seen {
        let has = |bit| self.bits & bit != 0;
        Seen {
            at: Stamp {
                frame: self.frame.into(),
                time: Time(self.time),
            },
            seq: SeqNum(self.seq),
            ack: SeqNum(self.ack),
            len: self.len,
            timestamps: has(bit::TIMESTAMPS).then_some(Timestamps {
                val: TsVal(self.tsval),
                ecr: TsVal(self.tsecr),
            }),
            ip_id: has(bit::IP_ID).then_some(self.ip_id),
            window: self.window,
            flags: Flags(self.flags),
            ttl: self.ttl,
            from: self.bits & bit::FROM,
            cut: has(bit::CUT),
            window_cut: has(bit::WINDOW_CUT),
            doubled: false,
            window_scale: has(bit::SCALE).then_some(self.scale),
        }
    }

    /// Reads from it, so that it is in the cache.
    pub(super) fn touch(&self) -> u64 {
        self.time.unsigned_abs()
    }
}

const fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::Packed;
    use crate::flow::seen::Seen;
    use crate::packet::{Flags, Timestamps};
    use crate::seq::{SeqNum, TsVal};
    use crate::stamp::{Stamp, Time};
    use proptest::prelude::*;

    prop_compose! {
        fn any_seen()(
            frame: u64,
            (time, seq, ack, len) in any::<(i64, u32, u32, u32)>(),
            stamps in any::<Option<(u32, u32)>>(),
            (ip_id, window, flags, ttl) in any::<(Option<u16>, u16, u8, u8)>(),
            (from, cut, window_cut, doubled) in (0..2_u8, any::<bool>(), any::<bool>(), any::<bool>()),
            window_scale in any::<Option<u8>>(),
            small: bool,
        ) -> Seen {
            let frame = if small { frame >> 32 } else { frame };
            Seen {
                at: Stamp { frame, time: Time(time) },
                seq: SeqNum(seq),
                ack: SeqNum(ack),
                len,
                timestamps: stamps.map(|(val, ecr)| Timestamps { val: TsVal(val), ecr: TsVal(ecr) }),
                ip_id,
                window,
                flags: Flags(flags),
                ttl,
                from,
                cut,
                window_cut,
                doubled,
                window_scale,
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(seen in any_seen()) {
            let fits = u32::try_from(seen.at.frame).is_ok() && !seen.doubled;
            prop_assert_eq!(Packed::new(&seen).map(|p| p.seen()), fits.then_some(seen));
        }
    }
}
