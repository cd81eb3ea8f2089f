//! Segments of a flow that are kept, and how many of them.

use crate::packet::{Flags, Segment, Timestamps};
use crate::seq::SeqNum;
use crate::stamp::Stamp;

/// A segment of a flow: a [`Segment`] without its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Where it stands in the capture.
    pub at: Stamp,
    /// SEG.SEQ.
    pub seq: SeqNum,
    /// SEG.ACK; meaningful only with the ACK bit.
    pub ack: SeqNum,
    /// Bytes of payload.
    pub len: u32,
    /// Timestamps, if captured.
    pub timestamps: Option<Timestamps>,
    /// IPv4 identification.
    pub ip_id: Option<u16>,
    /// SEG.WND, not scaled.
    pub window: u16,
    /// The control bits.
    pub flags: Flags,
    /// TTL or hop limit.
    pub ttl: u8,
    /// The sending end: index of the flow's key.
    pub from: u8,
    /// Some options or the window were not captured.
    pub cut: bool,
    /// The window scale option of a SYN.
    pub window_scale: Option<u8>,
}

impl Seen {
    /// Of a segment sent by end `from`.
    pub const fn new(segment: &Segment, from: u8, at: Stamp) -> Self {
        let Segment {
            seq,
            ack,
            len,
            timestamps,
            ip_id,
            window,
            flags,
            ttl,
            ..
        } = *segment;
        let (cut, window_scale) = (segment.options_cut, segment.window_scale);
        Self {
            at,
            seq,
            ack,
            len,
            timestamps,
            ip_id,
            window,
            flags,
            ttl,
            from,
            cut,
            window_scale,
        }
    }

    /// SEG.SEQ + SEG.LEN, SYN and FIN counted.
    pub const fn end(&self) -> SeqNum {
        self.seq.plus(
            self.len
                .wrapping_add(self.flags.syn() as u32)
                .wrapping_add(self.flags.fin() as u32),
        )
    }

    /// No payload, no SYN, FIN or RST, and an ACK: it carries SND.NXT (RFC 9293 3.10.7.4).
    pub const fn is_empty_ack(&self) -> bool {
        let f = self.flags;
        self.len == 0 && f.ack() && !f.syn() && !f.fin() && !f.rst()
    }

    /// It acknowledges everything before `number`.
    pub const fn acks(&self, number: SeqNum) -> bool {
        self.flags.ack() && self.ack.at_or_after(number)
    }

    /// Equal in all but time, TTL and link header: another record of the same packet, or a copy
    /// made by the network.
    pub fn same_packet(&self, other: &Self) -> bool {
        (self.seq, self.ack, self.len, self.flags, self.from)
            == (other.seq, other.ack, other.len, other.flags, other.from)
            && (self.window, self.ip_id, self.timestamps)
                == (other.window, other.ip_id, other.timestamps)
    }
}

/// The last `N` of a sequence, in order.
#[derive(Clone, Debug, PartialEq)]
struct Ring<const N: usize> {
    items: Vec<Seen>,
    /// Index of the oldest once `N` are kept.
    oldest: usize,
    /// How many were pushed out.
    dropped: u64,
}

impl<const N: usize> Ring<N> {
    const fn new() -> Self {
        Self {
            items: Vec::new(),
            oldest: 0,
            dropped: 0,
        }
    }

    fn push(&mut self, seen: Seen) {
        if self.items.len() < N {
            self.items.push(seen);
            return;
        }
        if let Some(slot) = self.items.get_mut(self.oldest) {
            *slot = seen;
        }
        self.oldest = (self.oldest + 1) % N;
        self.dropped += 1;
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        let (newer, older) = self.items.split_at(self.oldest.min(self.items.len()));
        older.iter().chain(newer)
    }
}

/// Segments kept before the close begins, after the opening ones.
const BEFORE: usize = 16;
/// Opening segments kept, and segments from the beginning of the close on.
const OPENING: usize = 4;
const CLOSE: usize = 64;
/// Segments kept at the end.
const END: usize = 32;

/// The segments of a flow that a judgement may need: the opening, the last ones before the close
/// began, the first ones from there on, and the last of all. Bounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    opening: Vec<Seen>,
    before: Ring<BEFORE>,
    close: Vec<Seen>,
    end: Ring<END>,
    closing: bool,
}

impl Default for Log {
    fn default() -> Self {
        let (opening, close) = (Vec::new(), Vec::new());
        Self {
            opening,
            before: Ring::new(),
            close,
            end: Ring::new(),
            closing: false,
        }
    }
}

impl Log {
    /// Keeps one more segment. A FIN or RST begins the close.
    pub fn push(&mut self, seen: Seen) {
        self.closing |= seen.flags.fin() || seen.flags.rst();
        if self.closing && self.close.len() < CLOSE {
            self.close.push(seen);
        } else if self.closing {
            self.end.push(seen);
        } else if self.opening.len() < OPENING {
            self.opening.push(seen);
        } else {
            self.before.push(seen);
        }
    }

    /// What is kept, in file order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        let first = self.opening.iter().chain(self.before.iter());
        first.chain(&self.close).chain(self.end.iter())
    }

    /// Some segments before the close are not kept.
    pub const fn lacks_before(&self) -> bool {
        self.before.dropped > 0
    }

    /// Some segments after the beginning of the close are not kept.
    pub const fn lacks_after(&self) -> bool {
        self.end.dropped > 0
    }

    /// Adds the segments of a later part.
    pub fn merge(&mut self, later: &Self) {
        for seen in later.iter() {
            self.push(*seen);
        }
        self.before.dropped += later.before.dropped;
        self.end.dropped += later.end.dropped;
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, Seen};
    use crate::packet::{Flags, Segment};
    use crate::stamp::{Stamp, Time};

    fn seen(frame: u64, flags: Flags) -> Seen {
        let at = Stamp {
            frame,
            time: Time(0),
        };
        Seen::new(
            &Segment {
                flags,
                ..Segment::default()
            },
            0,
            at,
        )
    }

    #[test]
    fn keeps_the_opening_the_close_and_the_end() {
        let mut log = Log::default();
        for frame in 1..=1000 {
            log.push(seen(
                frame,
                if frame == 500 { Flags::FIN } else { Flags::ACK },
            ));
        }
        let frames: Vec<u64> = log.iter().map(|s| s.at.frame).collect();
        let expected: Vec<u64> = (1..=4).chain(484..=563).chain(969..=1000).collect();
        assert_eq!(frames, expected);
        assert!(log.lacks_before() && log.lacks_after());
    }

    #[test]
    fn a_short_flow_is_kept_whole() {
        let mut log = Log::default();
        for frame in 1..=12 {
            log.push(seen(frame, if frame > 9 { Flags::FIN } else { Flags::ACK }));
        }
        assert_eq!(log.iter().count(), 12);
        assert!(!log.lacks_before() && !log.lacks_after());
    }
}
