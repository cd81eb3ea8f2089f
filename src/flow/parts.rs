//! The small facts of which a direction's are made.

#![expect(
    clippy::inline_always,
    reason = "parts of `Flow::take_in`, which is compiled for plain segments by itself"
)]

use crate::flow::seen::Seen;
use crate::seq::{SeqNum, TsVal};
use crate::stamp::Stamp;

/// First, last and number of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    /// The first one.
    pub first: Stamp,
    /// The last one.
    pub last: Stamp,
    /// How many.
    pub count: u32,
}

impl Copies {
    /// The first of its kind.
    pub const fn new(at: Stamp) -> Self {
        Self {
            first: at,
            last: at,
            count: 1,
        }
    }

    /// Counts one more.
    pub fn again(slot: &mut Option<Self>, at: Stamp) {
        match slot {
            Some(copies) => {
                copies.last = at;
                copies.count += 1;
            }
            None => *slot = Some(Self::new(at)),
        }
    }

    /// Adds those of a later part.
    pub(super) const fn go_on(&mut self, later: &Self) {
        self.last = later.last;
        self.count += later.count;
    }

    pub(super) fn merge(slot: &mut Option<Self>, later: Option<&Self>) {
        match (slot.as_mut(), later) {
            (Some(mine), Some(theirs)) => mine.go_on(theirs),
            (None, Some(theirs)) => *slot = Some(*theirs),
            (_, None) => {}
        }
    }
}

/// Payload, from its first segment to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The first segment with some of it.
    pub first: Stamp,
    /// The last one.
    pub last: Stamp,
    /// How much.
    pub bytes: u64,
}

impl Sent {
    /// Adds a segment's payload.
    pub(super) fn more(slot: &mut Option<Self>, at: Stamp, bytes: u64) {
        let sent = slot.get_or_insert(Self {
            first: at,
            last: at,
            bytes: 0,
        });
        sent.last = at;
        sent.bytes += bytes;
    }
}

/// A SYN or SYN-ACK of this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The copies of it.
    pub copies: Copies,
    /// Every copy acknowledged the peer's SYN; one that does not is a SYN (simultaneous open).
    pub ack: bool,
    /// The number after it: ISN + 1 + payload (TCP Fast Open).
    pub end: SeqNum,
    /// It offered (or accepted) timestamps; unknown if its options were cut.
    pub timestamps: Option<bool>,
    /// Its TSecr.
    pub tsecr: Option<TsVal>,
    /// Its TSval.
    pub tsval: Option<TsVal>,
}

/// The FIN of this side, all copies together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Fin {
    /// The first segment of the peer that acknowledges it.
    pub acked: Option<Stamp>,
    /// A copy to which an unbroken run of consecutive IPv4 IDs leads, from a segment of this side
    /// that proves that no FIN had been sent before.
    pub anchored: Option<Stamp>,
    /// A copy to which such a run leads from this part's first ID: an anchor in the part before may
    /// lie at its beginning.
    pub run_from_first: Option<Stamp>,
    /// `FIN_SEQ`: the number the FIN itself occupies.
    pub seq: SeqNum,
    /// The earliest ACK number any copy carries.
    pub least_ack: SeqNum,
    /// A copy lacked the ACK bit, against RFC 9293 section 3.10.7.4.
    pub without_ack: bool,
    /// Its copies.
    pub copies: Copies,
}

/// How the IPv4 IDs of a side go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// The first one that was not 0.
    pub first: Option<u16>,
    /// The last one that was not 0.
    pub last: Option<u16>,
    /// A step was not of exactly one, or a segment of the full socket had 0.
    pub broken: bool,
    /// Steps of exactly one.
    pub ones: u32,
    /// Steps back or by more than a few, and segments of the full socket with 0.
    pub wild: u32,
    /// SEG.SEQ of the segment from which on every ID is one above the one before, where that
    /// segment carried SND.NXT.
    pub(super) anchor: Option<SeqNum>,
}

/// A step by more than this is no gap of a counter but another way of choosing IDs.
const ID_GAP: u16 = 64;

impl Ids {
    /// The IDs count: one socket's counter (Linux) shows as steps of one.
    pub const fn count(&self) -> bool {
        self.ones >= 1 && self.ones > self.wild
    }

    /// Forgets everything.
    pub(super) const fn clear(&mut self) {
        (self.first, self.last, self.anchor) = (None, None, None);
        (self.broken, self.ones, self.wild) = (false, 0, 0);
    }

    /// Takes in that of a plain segment, as [`Half::sent`] would.
    ///
    /// [`Half::sent`]: crate::flow::half::Half::sent
    #[inline(always)]
    pub(super) fn go_to(&mut self, id: u16, plain: &Seen) {
        if id != 0 {
            self.push(id, plain.is_empty().then_some(plain.seq));
        } else if !plain.is_empty() {
            self.interrupt();
        }
    }

    /// Takes in an ID that is not 0; `anchor`: SEG.SEQ of a segment that carries SND.NXT. False if
    /// it is the last one again: that of a copy made on the way.
    #[inline(always)]
    pub(super) fn push(&mut self, id: u16, anchor: Option<SeqNum>) -> bool {
        let Some(last) = &mut self.last else {
            (self.first, self.last) = (self.first.or(Some(id)), Some(id));
            self.anchor = anchor;
            return true;
        };
        let step = id.wrapping_sub(*last);
        if step == 0 {
            return false;
        }
        *last = id;
        self.step(step);
        if anchor.is_some() {
            self.anchor = anchor;
        }
        true
    }

    /// From one to the next.
    #[inline(always)]
    fn step(&mut self, step: u16) {
        if step == 1 {
            self.ones += 1;
        } else {
            self.leap(step);
        }
    }

    /// The same by more than one, or back.
    #[cold]
    fn leap(&mut self, step: u16) {
        self.wild += u32::from(!(2..=ID_GAP).contains(&step));
        (self.broken, self.anchor) = (true, None);
    }

    /// Takes in an ID that no counter gave, between two that may look like one's: those of a host
    /// that draws them.
    pub(super) const fn interrupt(&mut self) {
        self.wild += 1;
        (self.broken, self.anchor) = (true, None);
    }

    /// From the last one to the first one of a later part.
    pub(super) fn go_on(&mut self, later: &Self) {
        let step = self.last.zip(later.first);
        let step = step.map_or(0, |(last, first)| first.wrapping_sub(last));
        if step != 0 {
            self.step(step);
        }
    }

    /// Takes in those of a later part.
    pub(super) fn merge(&mut self, later: &Self) {
        self.go_on(later);
        self.ones += later.ones;
        self.wild += later.wild;
        if later.broken {
            (self.broken, self.anchor) = (true, None);
        }
        self.first = self.first.or(later.first);
        self.last = later.last.or(self.last);
        self.anchor = later.anchor.or(self.anchor);
    }
}

/// TSvals that went back (RFC 7323 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regressions {
    /// The segments.
    pub copies: Copies,
    /// The largest step back, in ticks of the sender.
    pub ticks: u32,
}

/// What few connections show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rare {
    /// New payload sent after it had acknowledged the peer's FIN.
    pub after_peer_fin: Option<Sent>,
    /// Segments that came after a newer connection had begun on the key.
    pub late: Option<Copies>,
    /// TSvals older than TS.Recent.
    pub regressions: Option<Regressions>,
    /// FINs with another `FIN_SEQ`.
    pub other_fins: u32,
    /// The first segment whose options were cut.
    pub cut: Option<Stamp>,
    /// What it says of the Multipath TCP connection that it belongs to.
    pub subflow: Option<Subflow>,
}

/// What one end of a subflow says of its Multipath TCP connection (RFC 8684): the first segment of
/// each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subflow {
    /// Its SYN takes part: it joins a connection, or begins one.
    pub joins: Option<bool>,
    /// Data of the connection, or its acknowledgement.
    pub data: Option<Stamp>,
    /// No more data for the connection.
    pub data_fin: Option<Stamp>,
    /// The whole connection is aborted.
    pub fast_close: Option<Stamp>,
    /// A RST with its reason, by the number in RFC 8684 section 3.6.
    pub reset: Option<(Stamp, u8)>,
}

impl Subflow {
    /// Takes in a segment.
    pub(super) fn note(&mut self, seen: &Seen) {
        let (mptcp, at) = (seen.mptcp(), Some(seen.at()));
        let first = |known: Option<Stamp>, shown: bool| known.or(at.filter(|_| shown));
        let takes_part = mptcp.begins() || mptcp.joins();
        self.joins = self.joins.or(takes_part.then(|| mptcp.joins()));
        self.data = first(self.data, mptcp.has_data());
        self.data_fin = first(self.data_fin, mptcp.data_fin());
        self.fast_close = first(self.fast_close, mptcp.fast_close());
        let reason = mptcp.reset_reason().filter(|_| seen.flags.rst());
        self.reset = self.reset.or(at.zip(reason));
    }

    pub(super) fn merge(slot: &mut Option<Self>, later: Option<&Self>) {
        let Some(theirs) = later else { return };
        let mine = slot.get_or_insert_default();
        mine.joins = mine.joins.or(theirs.joins);
        mine.data = mine.data.or(theirs.data);
        mine.data_fin = mine.data_fin.or(theirs.data_fin);
        mine.fast_close = mine.fast_close.or(theirs.fast_close);
        mine.reset = mine.reset.or(theirs.reset);
    }
}

/// Keeps the highest.
#[inline]
pub(super) fn raise(slot: &mut Option<SeqNum>, number: SeqNum) {
    match slot {
        Some(highest) if number.at_or_before(*highest) => {}
        Some(highest) => *highest = number,
        None => *slot = Some(number),
    }
}

/// The combination of two where both are known, else the known one.
pub(super) fn merged<T: Copy>(
    a: Option<T>,
    b: Option<T>,
    both: impl FnOnce(T, T) -> T,
) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(both(a, b)),
        (a, b) => a.or(b),
    }
}
