//! A segment of a flow, in few bytes.

use crate::packet::{Flags, Mptcp, Segment, Timestamps, Usual};
use crate::seq::{SeqNum, TsVal};
use crate::stamp::{Stamp, Time};

/// A segment of a flow: a [`Segment`] without its ends, in 40 bytes. Most flows are kept as nothing
/// but these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub(super) time: Time,
    /// The frame's number, and below it the length.
    pub(super) frame_and_len: u64,
    /// SEG.SEQ.
    pub seq: SeqNum,
    /// SEG.ACK; meaningful only with the ACK bit.
    pub ack: SeqNum,
    pub(super) timestamps: Timestamps,
    pub(super) ip_id: u16,
    /// SEG.WND, not scaled.
    pub window: u16,
    /// The control bits.
    pub flags: Flags,
    /// TTL or hop limit.
    pub ttl: u8,
    /// The shift, of a SYN, which is at most 14; and what it says of Multipath TCP.
    pub(super) scale_and_mptcp: u8,
    pub(super) bits: u8,
}

/// Bits for the length: kernels make segments of up to half a megabyte (`GSO_MAX_SIZE`).
const LEN_BITS: u32 = 24;
/// The longest that fits, and the highest frame number: a capture of so many has 16 TB at least.
const MAX_LEN: u32 = (1 << LEN_BITS) - 1;
const MAX_FRAME: u64 = (1 << (u64::BITS - LEN_BITS)) - 1;

/// The bits of a window's shift.
const MAX_SCALE: u8 = 0x0f;

/// What is known of a segment besides its numbers.
mod bit {
    pub(super) const FROM: u8 = 1;
    pub(super) const TIMESTAMPS: u8 = 2;
    pub(super) const IP_ID: u8 = 4;
    pub(super) const CUT: u8 = 8;
    pub(super) const WINDOW_CUT: u8 = 16;
    pub(super) const DOUBLED: u8 = 32;
    pub(super) const SCALE: u8 = 64;
}

/// What plain segments have none of.
const NEVER: u8 = bit::CUT | bit::WINDOW_CUT;

const NO_TIMESTAMPS: Timestamps = Timestamps {
    val: TsVal(0),
    ecr: TsVal(0),
};

impl Seen {
    /// The bit of the sending end.
    pub(super) const FROM: u8 = bit::FROM;
    /// The bit of a SYN with a window scale.
    pub(super) const SCALE: u8 = bit::SCALE;
    /// The bit of one with timestamps.
    pub(super) const TIMESTAMPS: u8 = bit::TIMESTAMPS;
    /// The bits of most segments.
    pub(super) const USUAL: u8 = bit::TIMESTAMPS | bit::IP_ID;

    /// Both in one word.
    pub(super) const fn frame_and_len(frame: u64, len: u32) -> u64 {
        frame << LEN_BITS | len as u64
    }

    /// How many frames later the second one is; around the highest number if it is earlier.
    pub(super) const fn frames_between(earlier: u64, later: u64) -> u64 {
        later.wrapping_sub(earlier) & MAX_FRAME
    }

    /// Of a segment sent by end `from`.
    #[inline]
    pub const fn new(segment: &Segment, from: u8, at: Stamp) -> Self {
        let mut flags = segment.flags;
        if segment.fragment {
            // The FIN's number lies behind fragments that are not read.
            flags = Flags(flags.0 & !Flags::FIN.0);
        }
        let (timestamps, has_timestamps) = match segment.timestamps {
            Some(timestamps) => (timestamps, bit::TIMESTAMPS),
            None => (NO_TIMESTAMPS, 0),
        };
        let (ip_id, has_id) = match segment.ip_id {
            Some(id) => (id, bit::IP_ID),
            None => (0, 0),
        };
        let (window_scale, has_scale) = match segment.window_scale {
            Some(scale) => (scale, bit::SCALE),
            None => (0, 0),
        };
        let cut = segment.options_cut as u8 * bit::CUT;
        let window_cut = segment.window_cut as u8 * bit::WINDOW_CUT;
        let frame = if at.frame < MAX_FRAME {
            at.frame
        } else {
            MAX_FRAME
        };
        let len = if segment.len < MAX_LEN {
            segment.len
        } else {
            MAX_LEN
        };
        Self {
            time: at.time,
            frame_and_len: Self::frame_and_len(frame, len),
            seq: segment.seq,
            ack: segment.ack,
            timestamps,
            ip_id,
            window: segment.window,
            flags,
            ttl: segment.ttl,
            scale_and_mptcp: window_scale | segment.mptcp.bits(),
            bits: from & bit::FROM | has_timestamps | has_id | has_scale | cut | window_cut,
        }
    }

    /// Becomes the segment of a frame of the usual kind with the usual options. Field by field: as a whole
    /// it would be laid in memory twice.
    #[inline]
    pub(super) fn become_usual(&mut self, usual: &Usual<'_>, from: u8, at: Stamp) {
        let options = usual.options();
        self.time = at.time;
        self.frame_and_len = Self::frame_and_len(at.frame.min(MAX_FRAME), usual.payload_len());
        self.timestamps = options.timestamps_or_zeros();
        self.scale_and_mptcp = options.scale;
        let has_timestamps = u8::from(options.has_timestamps) * bit::TIMESTAMPS;
        let has_scale = u8::from(options.has_scale) * bit::SCALE;
        self.bits = (from & bit::FROM) | bit::IP_ID | has_timestamps | has_scale;
        [self.seq, self.ack] = usual.numbers();
        self.ip_id = usual.ip_id();
        self.window = usual.window();
        self.flags = usual.flags();
        self.ttl = usual.ttl();
    }

    /// It is as most are: an ACK with or without payload, no SYN, FIN or RST, all of it captured, and
    /// nothing of Multipath TCP.
    #[inline]
    pub(super) const fn is_plain(&self) -> bool {
        self.flags.are(Flags::ACK) && !self.has(NEVER) && !self.may_be_multipath()
    }

    /// Which of [`Self::USUAL`] it has.
    #[inline]
    pub(super) const fn usual_bits(&self) -> u8 {
        self.bits & Self::USUAL
    }

    /// It is a SYN, with or without ACK, as most are: all of it captured, nothing of Multipath TCP.
    #[inline]
    pub(super) const fn is_plain_syn(&self) -> bool {
        const KINDS: Flags = Flags::SYN.with(Flags::FIN).with(Flags::RST);
        let is_syn = self.flags.0 & KINDS.0 == Flags::SYN.0;
        is_syn && !self.has(NEVER) && self.scale_and_mptcp & !MAX_SCALE == 0
    }

    /// It is as plain ones are, but for a FIN.
    #[inline]
    pub(super) const fn is_plain_fin(&self) -> bool {
        let is_fin = self.flags.are(Flags::FIN.with(Flags::ACK));
        is_fin && !self.has(NEVER) && !self.may_be_multipath()
    }

    /// A FIN or RST: the close begins, if it has not begun.
    pub(super) const fn begins_close(&self) -> bool {
        self.flags.fin() || self.flags.rst()
    }

    /// Where it stands in the capture.
    #[inline]
    pub const fn at(&self) -> Stamp {
        Stamp {
            frame: self.frame_and_len >> LEN_BITS,
            time: self.time,
        }
    }

    /// Bytes of payload.
    #[inline]
    pub const fn len(&self) -> u32 {
        self.frame_and_len as u32 & MAX_LEN
    }

    /// It has no payload.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Timestamps, if captured.
    #[inline]
    pub fn timestamps(&self) -> Option<Timestamps> {
        self.has(bit::TIMESTAMPS).then_some(self.timestamps)
    }

    /// IPv4 identification.
    #[inline]
    pub fn ip_id(&self) -> Option<u16> {
        self.has(bit::IP_ID).then_some(self.ip_id)
    }

    /// The sending end: index of the flow's key.
    #[inline]
    pub const fn from(&self) -> u8 {
        self.bits & bit::FROM
    }

    /// Some options were not captured.
    #[inline]
    pub const fn cut(&self) -> bool {
        self.has(bit::CUT)
    }

    /// The window was not captured.
    #[inline]
    pub const fn window_cut(&self) -> bool {
        self.has(bit::WINDOW_CUT)
    }

    /// The window scale option of a SYN.
    pub fn window_scale(&self) -> Option<u8> {
        self.has(bit::SCALE)
            .then_some(self.scale_and_mptcp & MAX_SCALE)
    }

    /// What it says of a Multipath TCP connection.
    #[inline]
    pub const fn mptcp(&self) -> Mptcp {
        Mptcp::from_bits(self.scale_and_mptcp, self.flags.syn())
    }

    /// It may say something of one: most segments do not, at the first look.
    #[inline]
    pub(super) const fn may_be_multipath(&self) -> bool {
        self.scale_and_mptcp != 0
    }

    /// Another record of it was folded into this one.
    pub(super) const fn doubled(&self) -> bool {
        self.has(bit::DOUBLED)
    }

    /// Another record of it is folded into this one.
    pub(super) const fn double(&mut self) {
        self.bits |= bit::DOUBLED;
    }

    const fn has(&self, bit: u8) -> bool {
        self.bits & bit != 0
    }

    /// SEG.SEQ + SEG.LEN, SYN and FIN counted.
    pub const fn end(&self) -> SeqNum {
        self.seq.plus(
            self.len()
                .wrapping_add(self.flags.syn() as u32)
                .wrapping_add(self.flags.fin() as u32),
        )
    }

    /// No payload, no SYN, FIN or RST, and an ACK: it carries SND.NXT (RFC 9293 3.10.7.4).
    pub const fn is_empty_ack(&self) -> bool {
        self.is_empty() && self.flags.are(Flags::ACK)
    }

    /// It acknowledges everything before `number`.
    pub const fn acks(&self, number: SeqNum) -> bool {
        self.flags.ack() && self.ack.at_or_after(number)
    }

    /// It acknowledges exactly what ends before `end`: nothing follows a FIN, so a higher number is
    /// another connection's.
    pub const fn acks_fin(&self, end: SeqNum) -> bool {
        self.flags.ack() && self.ack.0 == end.0
    }

    /// A number that equal packets share and others seldom do.
    pub(super) fn fingerprint(&self) -> u32 {
        let id = u32::from(self.ip_id) << 16;
        let (len, flags) = (self.frame_and_len as u32, u32::from(self.flags.0));
        self.seq.0.rotate_left(7) ^ self.ack.0 ^ id ^ (len << 8 | flags)
    }

    /// Equal in all but time, TTL and link header: another record of the same packet, or a copy
    /// made by the network.
    pub fn same_packet(&self, other: &Self) -> bool {
        (self.seq, self.ack, self.len(), self.flags, self.from())
            == (other.seq, other.ack, other.len(), other.flags, other.from())
            && (
                self.window,
                self.ip_id(),
                self.timestamps(),
                self.scale_and_mptcp,
            ) == (
                other.window,
                other.ip_id(),
                other.timestamps(),
                other.scale_and_mptcp,
            )
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_FRAME, MAX_LEN, Seen};
    use crate::packet::{Flags, Mptcp, Segment, Timestamps};
    use crate::seq::{SeqNum, TsVal};
    use crate::stamp::{Stamp, Time};
    use proptest::prelude::*;

    #[test]
    fn is_small() {
        assert_eq!(size_of::<Seen>(), 40);
    }

    #[test]
    fn what_does_not_fit_is_the_most_that_fits() {
        let segment = Segment {
            len: u32::MAX,
            ..Segment::default()
        };
        let (frame, time) = (u64::MAX, Time(-1));
        let seen = Seen::new(&segment, 1, Stamp { frame, time });
        assert_eq!((seen.len(), seen.at().frame), (MAX_LEN, MAX_FRAME));
        assert_eq!((seen.from(), seen.at().time), (1, time));
    }

    proptest! {
        #[test]
        fn nothing_is_lost(
            (seq, ack, len, frame, time) in any::<(u32, u32, u32, u64, i64)>(),
            stamps in any::<Option<(u32, u32)>>(),
            (ip_id, window, flags, ttl) in any::<(Option<u16>, u16, u8, u8)>(),
            (from, options_cut, window_cut) in (0..2_u8, any::<bool>(), any::<bool>()),
            window_scale in proptest::option::of(0..15_u8),
            mptcp: u8,
        ) {
            let timestamps = stamps.map(|(val, ecr)| Timestamps { val: TsVal(val), ecr: TsVal(ecr) });
            let window_scale = window_scale.filter(|_| Flags(flags).syn());
            let segment = Segment {
                seq: SeqNum(seq),
                ack: SeqNum(ack),
                len: len & MAX_LEN,
                flags: Flags(flags),
                window,
                timestamps,
                window_scale,
                ttl,
                ip_id,
                options_cut,
                window_cut,
                mptcp: Mptcp::from_bits(mptcp, Flags(flags).syn()),
                ..Segment::default()
            };
            let at = Stamp { frame: frame & MAX_FRAME, time: Time(time) };
            let seen = Seen::new(&segment, from, at);
            prop_assert_eq!((seen.at(), seen.from(), seen.len()), (at, from, segment.len));
            prop_assert_eq!((seen.seq, seen.ack), (segment.seq, segment.ack));
            prop_assert_eq!((seen.timestamps(), seen.ip_id()), (timestamps, ip_id));
            prop_assert_eq!((seen.cut(), seen.window_cut()), (options_cut, window_cut));
            prop_assert_eq!((seen.window_scale(), seen.mptcp()), (window_scale, segment.mptcp));
            prop_assert_eq!((seen.window, seen.ttl, seen.flags), (window, ttl, segment.flags));
        }
    }
}
