//! Segments packed into bytes: what one of them shares with those before it is not written again.
//!
//! A flow that waits for its next segment, or for the end of its TIME-WAIT, takes a quarter of the
//! memory so: a dozen bytes a segment instead of forty. Each number has a width of its own, which
//! stands in the segment's control word: so nothing is decided byte by byte, and a segment is packed
//! in the time that a cache miss takes.

use crate::flow::seen::Seen;
use crate::packet::{Flags, Timestamps};
use crate::seq::{SeqNum, TsVal};
use crate::stamp::{MILLISECOND, Stamp, Time};

/// The control word's bits.
mod control {
    /// The sender.
    pub(super) const FROM: u32 = 1;
    /// It has three bytes: something is other than expected that seldom is.
    pub(super) const LONG: u32 = 1 << 1;
    /// Where the widths of the numbers are, two bits each.
    pub(super) const FRAMES: u32 = 2;
    pub(super) const TIME: u32 = 4;
    /// What is other than expected, and follows.
    pub(super) const LEN: u32 = 1 << 6;
    /// The first width is told by the first byte alone.
    pub(super) const TSVAL: u32 = 7;
    pub(super) const ACK: u32 = 9;
    pub(super) const TSECR: u32 = 11;
    pub(super) const SEQ: u32 = 13;
    pub(super) const LEN_HIGH: u32 = 1 << 15;
    pub(super) const WINDOW: u32 = 1 << 16;
    pub(super) const IP_ID: u32 = 1 << 17;
    pub(super) const FLAGS: u32 = 1 << 18;
    pub(super) const TTL: u32 = 1 << 19;
    pub(super) const BITS: u32 = 1 << 20;
    pub(super) const SCALE: u32 = 1 << 21;
    /// The time is not a multiple of a microsecond after the one before, or is before it.
    pub(super) const NANOS: u32 = 1 << 22;
}

/// The widths that numbers of a kind can have, in bytes.
type Widths = [usize; 4];
const FRAMES: Widths = [1, 2, 3, 5];
const TIME: Widths = [2, 3, 4, 8];
/// Of a number's difference from the expected one.
const CHANGE: Widths = [0, 1, 2, 4];

/// A segment's bytes at most: its control word, and everything other than expected.
pub(super) const MOST: usize = 3 + 5 + 8 + 3 + 4 * 4 + 2 * 2 + 4;
/// Numbers are read and written as words.
const WORD: usize = 8;
/// Room for the segments of a flow.
pub(super) const ROOM: usize = 2048;
/// A flow's segments, and anything behind them.
pub(super) type Packed = [u8; ROOM];

const MICROSECOND: i64 = 1000;

/// What most hosts begin with.
const USUAL: Seen = Seen {
    time: Time(0),
    frame_and_len: 0,
    seq: SeqNum(0),
    ack: SeqNum(0),
    timestamps: Timestamps {
        val: TsVal(0),
        ecr: TsVal(0),
    },
    ip_id: u16::MAX,
    window: 64240,
    flags: Flags(0),
    ttl: 64,
    scale_and_mptcp: 0,
    bits: Seen::USUAL,
};
const USUAL_SCALE: u8 = 7;
/// Payload as long as that mostly fills its packet.
const LONG: u32 = 1024;

const fn tick(time: Time) -> i64 {
    time.0.div_euclid(MILLISECOND)
}

/// The segments before one: what it is expected to be like.
struct Before {
    at: Stamp,
    /// The last one of each end.
    of: [Seen; 2],
    began: [bool; 2],
}

impl Before {
    const fn new(at: Stamp) -> Self {
        Self {
            at,
            of: [USUAL; 2],
            began: [false; 2],
        }
    }

    /// What the next segment of `from`, sent at `time` with so much payload, will be like, if all
    /// goes on as before.
    fn expected(&self, from: u8, time: Time, len: u32) -> Seen {
        let (own, other) = (usize::from(from & 1), usize::from(from & 1 ^ 1));
        let (mine, peer) = (&self.of[own], &self.of[other]);
        let (flags, scale, has_scale) = match self.began {
            began if !began[own] && began[other] => {
                (Flags::SYN.with(Flags::ACK), USUAL_SCALE, Seen::SCALE)
            }
            began if !began[own] => (Flags::SYN, USUAL_SCALE, Seen::SCALE),
            // Of what is sent at once only the end is pushed, which is seldom as long as the rest.
            _ if 0 < len && len < LONG => (Flags::PSH.with(Flags::ACK), 0, 0),
            _ => (Flags::ACK, 0, 0),
        };
        // The usual clock: a tick at the end of each millisecond.
        let ticks = tick(time).wrapping_sub(tick(mine.time));
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
            flags,
            ttl: mine.ttl,
            scale_and_mptcp: scale,
            bits: mine.bits & !(Seen::FROM | Seen::SCALE) | has_scale | from,
        }
    }

    fn add(&mut self, seen: Seen) {
        let from = usize::from(seen.from() & 1);
        self.at = seen.at();
        self.of[from] = seen;
        self.began[from] = true;
    }
}

/// Packs segments into bytes, and reads them again: behind those that were read others can be added.
pub(super) struct Packing {
    at: usize,
    before: Before,
}

impl Packing {
    /// `epoch`: where times and frames begin.
    pub(super) const fn new(epoch: Stamp) -> Self {
        let before = Before::new(epoch);
        Self { at: 0, before }
    }

    /// How many bytes were written or read.
    pub(super) const fn len(&self) -> usize {
        self.at
    }

    /// Writes one more segment.
    pub(super) fn add(&mut self, to: &mut Packed, seen: &Seen) {
        let before = &self.before;
        let usual = before.expected(seen.from(), seen.time, seen.len());
        let frames = Seen::frames_between(before.at.frame, seen.at().frame);
        let since = seen.time.0.wrapping_sub(before.at.time.0);
        let micros = since / MICROSECOND;
        let is_micros = since >= 0 && micros * MICROSECOND == since;
        let time = if is_micros { micros } else { since }.cast_unsigned();
        let (stamps, expected) = (seen.timestamps, usual.timestamps);
        let seq = change(usual.seq.0, seen.seq.0);
        let ack = change(usual.ack.0, seen.ack.0);
        let tsval = change(expected.val.0, stamps.val.0);
        let tsecr = change(expected.ecr.0, stamps.ecr.0);
        let (low, high) = (seen.len() as u16, (seen.len() >> u16::BITS) as u16);
        let numbers = [
            (control::FRAMES, frames, FRAMES),
            (control::TIME, time, TIME),
            (control::SEQ, seq, CHANGE),
            (control::ACK, ack, CHANGE),
            (control::TSVAL, tsval, CHANGE),
            (control::TSECR, tsecr, CHANGE),
        ];
        let others = [
            (control::LEN, low != 0, low, 2),
            (control::LEN_HIGH, high != 0, high, 1),
            (control::WINDOW, seen.window != usual.window, seen.window, 2),
            (control::IP_ID, seen.ip_id != usual.ip_id, seen.ip_id, 2),
            byte(control::FLAGS, seen.flags.0, usual.flags.0),
            byte(control::TTL, seen.ttl, usual.ttl),
            byte(control::BITS, seen.bits, usual.bits),
            byte(control::SCALE, seen.scale_and_mptcp, usual.scale_and_mptcp),
        ];
        let mut word = u32::from(seen.from());
        word |= u32::from(!is_micros) * control::NANOS;
        for (shift, number, widths) in numbers {
            word |= class(number, widths) << shift;
        }
        for (bit, is_other, _, _) in others {
            word |= u32::from(is_other) * bit;
        }
        let is_long = word >> u8::BITS != 0;
        word |= u32::from(is_long) * control::LONG;
        self.write(to, word.into(), 1 + 2 * usize::from(is_long));
        for (shift, number, widths) in numbers {
            self.write(to, number, width(word, shift, widths));
        }
        for (_, is_other, number, width) in others {
            self.write(to, number.into(), usize::from(is_other) * width);
        }
        self.before.add(*seen);
    }

    /// Writes a number of so many bytes, and something behind it.
    fn write(&mut self, to: &mut Packed, number: u64, width: usize) {
        if let Some(room) = to.get_mut(self.at..self.at + WORD) {
            room.copy_from_slice(&number.to_le_bytes());
        }
        self.at += width;
    }

    /// Reads the next segment; something else behind the last one.
    pub(super) fn next(&mut self, from: &Packed) -> Option<Seen> {
        if self.at + WORD > ROOM {
            return None;
        }
        if from.get(self.at)? & control::LONG as u8 == 0 {
            return Some(self.next_short(from));
        }
        let word = self.read(from, 3) as u32;
        let has = |bit: u32| word & bit != 0;
        let frames = self.number(from, word, control::FRAMES, FRAMES);
        let since = self.number(from, word, control::TIME, TIME).cast_signed();
        let unit = if has(control::NANOS) { 1 } else { MICROSECOND };
        let [seq, ack, tsval, tsecr] = [control::SEQ, control::ACK, control::TSVAL, control::TSECR]
            .map(|shift| self.number(from, word, shift, CHANGE));
        let low = self.other(from, has(control::LEN), 2, 0);
        let high = self.other(from, has(control::LEN_HIGH), 1, 0);
        let len = u32::from(high) << u16::BITS | u32::from(low);
        let last = self.before.at;
        let time = Time(last.time.0.wrapping_add(since.wrapping_mul(unit)));
        let mut seen = self
            .before
            .expected((word & control::FROM) as u8, time, len);
        seen.frame_and_len = Seen::frame_and_len(last.frame.wrapping_add(frames), len);
        seen.seq = SeqNum(changed(seen.seq.0, seq));
        seen.ack = SeqNum(changed(seen.ack.0, ack));
        let stamps = seen.timestamps;
        seen.timestamps = Timestamps {
            val: TsVal(changed(stamps.val.0, tsval)),
            ecr: TsVal(changed(stamps.ecr.0, tsecr)),
        };
        seen.window = self.other(from, has(control::WINDOW), 2, seen.window);
        seen.ip_id = self.other(from, has(control::IP_ID), 2, seen.ip_id);
        for (bit, slot) in [
            (control::FLAGS, &mut seen.flags.0),
            (control::TTL, &mut seen.ttl),
            (control::BITS, &mut seen.bits),
            (control::SCALE, &mut seen.scale_and_mptcp),
        ] {
            *slot = self.other(from, has(bit), 1, (*slot).into()) as u8;
        }
        self.before.add(seen);
        Some(seen)
    }

    /// Reads a segment with one control byte: all but a few of its numbers are the expected ones.
    #[inline]
    fn next_short(&mut self, from: &Packed) -> Seen {
        let word = self.read(from, 1) as u32;
        let frames = self.number(from, word, control::FRAMES, FRAMES);
        let micros = self.number(from, word, control::TIME, TIME).cast_signed();
        let tsval = self.read(from, usize::from(word & 1 << control::TSVAL != 0));
        let len = self.read(from, 2 * usize::from(word & control::LEN != 0)) as u32;
        let last = self.before.at;
        let time = Time(last.time.0.wrapping_add(micros.wrapping_mul(MICROSECOND)));
        let mut seen = self
            .before
            .expected((word & control::FROM) as u8, time, len);
        seen.frame_and_len = Seen::frame_and_len(last.frame.wrapping_add(frames), len);
        seen.timestamps.val = TsVal(changed(seen.timestamps.val.0, tsval));
        self.before.add(seen);
        seen
    }

    /// Reads a number of so many bytes.
    #[inline]
    fn read(&mut self, from: &Packed, width: usize) -> u64 {
        let rest = from.get(self.at..).unwrap_or_default();
        let word = rest.first_chunk().copied().map_or(0, u64::from_le_bytes);
        self.at += width;
        let unused = u64::BITS - 8 * width as u32;
        word.checked_shl(unused).map_or(0, |word| word >> unused)
    }

    fn number(&mut self, from: &Packed, word: u32, shift: u32, widths: Widths) -> u64 {
        self.read(from, width(word, shift, widths))
    }

    /// What is there instead of the expected, if it is there.
    fn other(&mut self, from: &Packed, is_there: bool, width: usize, expected: u16) -> u16 {
        let number = self.read(from, usize::from(is_there) * width) as u16;
        if is_there { number } else { expected }
    }
}

/// A byte of a segment that may be other than expected.
const fn byte(bit: u32, seen: u8, usual: u8) -> (u32, bool, u16, usize) {
    (bit, seen != usual, seen as u16, 1)
}

/// How far a number is from the expected one: the sign in the lowest bit.
fn change(expected: u32, number: u32) -> u64 {
    let change = number.wrapping_sub(expected).cast_signed();
    u64::from((change << 1 ^ change >> 31).cast_unsigned())
}

fn changed(expected: u32, change: u64) -> u32 {
    let change = change as u32;
    let change = (change >> 1).cast_signed() ^ -(change & 1).cast_signed();
    expected.wrapping_add(change.cast_unsigned())
}

/// Which of the widths a number needs.
fn class(number: u64, widths: Widths) -> u32 {
    let beyond = |width: usize| u32::from(number >> (8 * width as u32) != 0);
    beyond(widths[0]) + beyond(widths[1]) + beyond(widths[2])
}

fn width(word: u32, shift: u32, widths: Widths) -> usize {
    widths[(word >> shift & 3) as usize]
}

#[cfg(test)]
mod tests {
    use super::{MOST, Packed, Packing, ROOM};
    use crate::flow::seen::Seen;
    use crate::packet::{Flags, Segment, Timestamps};
    use crate::seq::{SeqNum, TsVal};
    use crate::stamp::{Stamp, Time};
    use proptest::prelude::*;

    const EPOCH: Stamp = Stamp {
        frame: 9,
        time: Time(1_699_999_999_000_000_000),
    };

    fn packed(segments: &[Seen]) -> (Box<Packed>, usize) {
        let mut bytes = Box::new([0xff; ROOM]);
        let mut packing = Packing::new(EPOCH);
        for seen in segments {
            packing.add(&mut bytes, seen);
        }
        (bytes, packing.len())
    }

    fn read(bytes: &Packed) -> impl Iterator<Item = Seen> {
        let mut packing = Packing::new(EPOCH);
        std::iter::from_fn(move || packing.next(bytes))
    }

    #[test]
    fn a_usual_segment_takes_few_bytes() {
        let segment = |seq, tsval| Segment {
            seq: SeqNum(seq),
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
        assert_eq!(packed(&[first, second]).1 - packed(&[first]).1, 8);
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
            time in prop_oneof![
                any::<i64>(),
                (0..1000_i64).prop_map(|us| us * 1000),
                (0..1_i64 << 40).prop_map(|us| EPOCH.time.0 + us * 1000),
            ],
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
        fn what_is_packed_is_read_again(segments in prop::collection::vec(any_seen(), 0..36)) {
            let (bytes, len) = packed(&segments);
            prop_assert!(len <= MOST * segments.len());
            let again: Vec<Seen> = read(&bytes).take(segments.len()).collect();
            prop_assert_eq!(again, segments);
        }

        #[test]
        fn one_more_goes_behind_those_that_were_read(
            segments in prop::collection::vec(any_seen(), 1..36),
        ) {
            let (whole, len) = packed(&segments);
            let (last, first) = segments.split_last().expect("at least one");
            let (mut bytes, _) = packed(first);
            let mut packing = Packing::new(EPOCH);
            for _ in first {
                packing.next(&bytes);
            }
            packing.add(&mut bytes, last);
            prop_assert_eq!(packing.len(), len);
            prop_assert_eq!(&bytes[..len], &whole[..len]);
        }

        #[test]
        fn any_bytes_can_be_read(bytes: Vec<u8>) {
            let mut packed = [0; ROOM];
            for (to, from) in packed.iter_mut().zip(bytes) {
                *to = from;
            }
            prop_assert!(read(&packed).count() <= ROOM);
        }
    }
}
