//! Segments packed into bytes: what one of them shares with those before it is not written again.
//!
//! A flow that waits for its next segment, or for the end of its TIME-WAIT, takes a quarter of the
//! memory so: a dozen bytes a segment instead of forty.

use crate::flow::seen::Seen;
use crate::packet::{Flags, Timestamps};
use crate::seq::{SeqNum, TsVal};
use crate::stamp::{MILLISECOND, Time};

/// What of a segment is other than was to be expected, and follows. The lowest bit: its sender. What
/// is common comes first: the lowest seven bits take a byte.
mod other {
    pub(super) const FROM: u64 = 1;
    pub(super) const ACK: u64 = 1 << 1;
    pub(super) const LEN: u64 = 1 << 2;
    pub(super) const TSVAL: u64 = 1 << 3;
    pub(super) const TSECR: u64 = 1 << 4;
    pub(super) const FLAGS: u64 = 1 << 5;
    pub(super) const WINDOW: u64 = 1 << 6;
    /// The time is not a multiple of a microsecond after the one before.
    pub(super) const NANOS: u64 = 1 << 7;
    pub(super) const SEQ: u64 = 1 << 8;
    pub(super) const IP_ID: u64 = 1 << 9;
    pub(super) const TTL: u64 = 1 << 10;
    pub(super) const BITS: u64 = 1 << 11;
    pub(super) const SCALE: u64 = 1 << 12;
}

const MICROSECOND: i64 = 1000;

/// The segments before one: what it is expected to be like.
struct Before {
    last: Seen,
    /// The last one of each end.
    of: [Seen; 2],
}

impl Default for Before {
    /// What most hosts begin with.
    fn default() -> Self {
        let usual = Seen {
            ttl: 64,
            bits: Seen::USUAL,
            ..Seen::default()
        };
        Self {
            last: Seen::default(),
            of: [usual; 2],
        }
    }
}

impl Before {
    /// What the next segment of `from`, sent at `time`, will be like, if all goes on as before.
    fn expected(&self, from: u8, time: Time) -> Seen {
        let (mine, peer) = (
            &self.of[usize::from(from & 1)],
            &self.of[usize::from(from & 1 ^ 1)],
        );
        // The usual clock: a tick a millisecond.
        let ticks = time.since(mine.time) / MILLISECOND;
        Seen {
            time,
            frame_and_len: 0,
            seq: mine.end(),
            ack: peer.end(),
            timestamps: Timestamps {
                val: mine.timestamps.val.plus(ticks.cast_unsigned() as u32),
                ecr: peer.timestamps.val,
            },
            ip_id: mine.ip_id.wrapping_add(1),
            window: mine.window,
            flags: Flags::ACK,
            ttl: mine.ttl,
            scale_and_mptcp: 0,
            bits: mine.bits & !Seen::FROM | from,
        }
    }

    fn add(&mut self, seen: Seen) {
        self.of[usize::from(seen.from() & 1)] = seen;
        self.last = seen;
    }
}

/// Appends the segments to `bytes`.
pub(super) fn pack<'a>(segments: impl Iterator<Item = &'a Seen>, bytes: &mut Vec<u8>) {
    let mut before = Before::default();
    for seen in segments {
        pack_one(seen, &before, bytes);
        before.add(*seen);
    }
}

fn pack_one(seen: &Seen, before: &Before, bytes: &mut Vec<u8>) {
    let usual = before.expected(seen.from(), seen.time);
    let since = seen.time.0.wrapping_sub(before.last.time.0);
    let (seq, ack) = (
        seen.seq.0.wrapping_sub(usual.seq.0),
        seen.ack.0.wrapping_sub(usual.ack.0),
    );
    let (stamps, expected) = (seen.timestamps, usual.timestamps);
    let tsval = stamps.val.0.wrapping_sub(expected.val.0);
    let tsecr = stamps.ecr.0.wrapping_sub(expected.ecr.0);
    let is_other = [
        (other::FROM, seen.from() == 1),
        (other::SEQ, seq != 0),
        (other::ACK, ack != 0),
        (other::LEN, !seen.is_empty()),
        (other::FLAGS, seen.flags != usual.flags),
        (other::WINDOW, seen.window != usual.window),
        (other::TTL, seen.ttl != usual.ttl),
        (other::IP_ID, seen.ip_id != usual.ip_id),
        (other::BITS, seen.bits != usual.bits),
        (other::SCALE, seen.scale_and_mptcp != 0),
        (other::TSVAL, tsval != 0),
        (other::TSECR, tsecr != 0),
        (other::NANOS, since % MICROSECOND != 0),
    ];
    let head = is_other
        .iter()
        .fold(0, |all, &(bit, is)| if is { all | bit } else { all });
    unsigned(head, bytes);
    let frames = seen.at().frame.wrapping_sub(before.last.at().frame);
    signed(frames.cast_signed(), bytes);
    let unit = if head & other::NANOS == 0 {
        MICROSECOND
    } else {
        1
    };
    signed(since / unit, bytes);
    for (bit, number) in [
        (other::SEQ, seq),
        (other::ACK, ack),
        (other::TSVAL, tsval),
        (other::TSECR, tsecr),
    ] {
        if head & bit != 0 {
            signed(number.cast_signed().into(), bytes);
        }
    }
    if head & other::LEN != 0 {
        unsigned(seen.len().into(), bytes);
    }
    for (bit, number) in [(other::WINDOW, seen.window), (other::IP_ID, seen.ip_id)] {
        if head & bit != 0 {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    for (bit, byte) in [
        (other::FLAGS, seen.flags.0),
        (other::TTL, seen.ttl),
        (other::BITS, seen.bits),
        (other::SCALE, seen.scale_and_mptcp),
    ] {
        if head & bit != 0 {
            bytes.push(byte);
        }
    }
}

/// The segments of such bytes.
pub(super) struct Unpack<I> {
    bytes: I,
    before: Before,
}

impl<'a, I: Iterator<Item = &'a u8>> Unpack<I> {
    pub(super) fn new(bytes: I) -> Self {
        let before = Before::default();
        Self { bytes, before }
    }

    fn two(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([
            *self.bytes.next()?,
            *self.bytes.next()?,
        ]))
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.bytes.next()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(number)
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.unsigned()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A number that is added to the expected one, if it is there.
    fn added(&mut self, is_there: bool, to: u32) -> Option<u32> {
        if !is_there {
            return Some(to);
        }
        Some(to.wrapping_add(self.signed()?.cast_unsigned() as u32))
    }
}

impl<'a, I: Iterator<Item = &'a u8>> Iterator for Unpack<I> {
    type Item = Seen;

    fn next(&mut self) -> Option<Seen> {
        let head = self.unsigned()?;
        let has = |bit: u64| head & bit != 0;
        let frames = self.signed()?.cast_unsigned();
        let unit = if has(other::NANOS) { 1 } else { MICROSECOND };
        let since = self.signed()?.wrapping_mul(unit);
        let last = &self.before.last;
        let frame = last.at().frame.wrapping_add(frames);
        let time = Time(last.time.0.wrapping_add(since));
        let mut seen = self.before.expected(u8::from(has(other::FROM)), time);
        seen.seq = SeqNum(self.added(has(other::SEQ), seen.seq.0)?);
        seen.ack = SeqNum(self.added(has(other::ACK), seen.ack.0)?);
        let stamps = seen.timestamps;
        seen.timestamps.val = TsVal(self.added(has(other::TSVAL), stamps.val.0)?);
        seen.timestamps.ecr = TsVal(self.added(has(other::TSECR), stamps.ecr.0)?);
        let len = if has(other::LEN) { self.unsigned()? } else { 0 };
        seen.frame_and_len = Seen::frame_and_len(frame, len as u32);
        for (bit, slot) in [
            (other::WINDOW, &mut seen.window),
            (other::IP_ID, &mut seen.ip_id),
        ] {
            if has(bit) {
                *slot = self.two()?;
            }
        }
        for (bit, slot) in [
            (other::FLAGS, &mut seen.flags.0),
            (other::TTL, &mut seen.ttl),
            (other::BITS, &mut seen.bits),
            (other::SCALE, &mut seen.scale_and_mptcp),
        ] {
            if has(bit) {
                *slot = *self.bytes.next()?;
            }
        }
        self.before.add(seen);
        Some(seen)
    }
}

/// Seven bits a byte, the lowest first.
fn unsigned(mut number: u64, bytes: &mut Vec<u8>) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The sign in the lowest bit.
fn signed(number: i64, bytes: &mut Vec<u8>) {
    unsigned((number << 1 ^ number >> 63).cast_unsigned(), bytes);
}

#[cfg(test)]
mod tests {
    use super::{Unpack, pack};
    use crate::flow::seen::Seen;
    use crate::packet::{Flags, Segment, Timestamps};
    use crate::seq::{SeqNum, TsVal};
    use crate::stamp::{Stamp, Time};
    use proptest::prelude::*;

    fn packed(segments: &[Seen]) -> Vec<u8> {
        let mut bytes = Vec::new();
        pack(segments.iter(), &mut bytes);
        bytes
    }

    #[test]
    fn a_usual_segment_takes_few_bytes() {
        let segment = |seq, tsval| Segment {
            seq: SeqNum(seq),
            ack: SeqNum(7000),
            flags: Flags::ACK,
            window: 501,
            timestamps: Some(Timestamps {
                val: TsVal(tsval),
                ecr: TsVal(0),
            }),
            ttl: 64,
            ip_id: Some(tsval as u16),
            ..Segment::default()
        };
        let at = |frame, seconds: i64| Stamp {
            frame,
            time: Time(seconds * 1_000_000_000),
        };
        let first = Seen::new(&segment(1, 100), 0, at(10, 1_700_000_000));
        let mut second = segment(1, 101);
        second.timestamps = segment(1, 240_100).timestamps;
        let second = Seen::new(&second, 0, at(500_010, 1_700_000_240));
        assert!(packed(&[first, second]).len() - packed(&[first]).len() <= 12);
    }

    prop_compose! {
        fn any_seen()(
            (seq, ack) in prop_oneof![Just((1, 1)), any::<(u32, u32)>()],
            len in prop::sample::select(vec![0_u32, 0, 1, 1448, 0xff_ffff]),
            (flags, window, ttl, ip_id) in any::<(u8, u16, u8, Option<u16>)>(),
            stamps in any::<Option<(u32, u32)>>(),
            window_scale in prop::option::of(0..15_u8),
            (options_cut, window_cut, from) in (any::<bool>(), any::<bool>(), 0..2_u8),
            frame in prop_oneof![0..100_u64, 0..1_u64 << 40],
            time in prop_oneof![any::<i64>(), (0..1000_i64).prop_map(|us| us * 1000)],
            doubled: bool,
        ) -> Seen {
            let timestamps = stamps.map(|(val, ecr)| Timestamps { val: TsVal(val), ecr: TsVal(ecr) });
            let segment = Segment {
                seq: SeqNum(seq), ack: SeqNum(ack), len, flags: Flags(flags), window, timestamps,
                window_scale, ttl, ip_id, options_cut, window_cut,
                ..Segment::default()
            };
            let mut seen = Seen::new(&segment, from, Stamp { frame, time: Time(time) });
            if doubled {
                seen.double();
            }
            seen
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read_again(segments in prop::collection::vec(any_seen(), 0..20)) {
            let bytes = packed(&segments);
            let again: Vec<Seen> = Unpack::new(bytes.iter()).collect();
            prop_assert_eq!(again, segments);
        }

        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            prop_assert!(Unpack::new(bytes.iter()).count() <= bytes.len());
        }
    }
}
