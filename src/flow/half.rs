//! The facts of one direction. Monotone: what is lost is missing, what comes twice changes nothing.

use crate::flow::numbers::Numbers;
use crate::flow::seen::Seen;
use crate::seq::{SeqNum, TsVal};
use crate::stamp::{Stamp, Time};

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

    fn merge(slot: &mut Option<Self>, later: Option<&Self>) {
        match (slot.as_mut(), later) {
            (Some(mine), Some(theirs)) => {
                mine.last = theirs.last;
                mine.count += theirs.count;
            }
            (None, Some(theirs)) => *slot = Some(*theirs),
            (_, None) => {}
        }
    }
}

/// A SYN or SYN-ACK of this side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The copies of it.
    pub copies: Copies,
    /// It acknowledged the peer's SYN.
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
pub struct Fin {
    /// `FIN_SEQ`: the number the FIN itself occupies.
    pub seq: SeqNum,
    /// Its copies.
    pub copies: Copies,
    /// The earliest ACK number any copy carries.
    pub least_ack: SeqNum,
    /// A copy to which an unbroken run of consecutive IPv4 IDs leads, from a segment of this side
    /// that proves that no FIN had been sent before.
    pub anchored: Option<Stamp>,
    /// The first segment of the peer that acknowledges it.
    pub acked: Option<Stamp>,
    /// Its first copy carried payload.
    pub with_data: bool,
}

/// How the IPv4 IDs of a side go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ids {
    /// The last one that was not 0.
    pub last: Option<u16>,
    /// Steps of exactly one.
    pub ones: u32,
    /// Steps back or by more than a few.
    pub wild: u32,
    /// SEG.SEQ of the segment from which on every ID is one above the one before, where that
    /// segment carried SND.NXT.
    anchor: Option<SeqNum>,
}

/// A step by more than this is no gap of a counter but another way of choosing IDs.
const ID_GAP: u16 = 64;

impl Ids {
    /// The IDs count: one socket's counter (Linux) shows as steps of one.
    pub const fn count(&self) -> bool {
        self.ones >= 1 && self.ones > self.wild
    }

    /// The next ID of a counting sender.
    pub fn is_next(&self, id: u16) -> bool {
        self.last.is_some_and(|last| last.wrapping_add(1) == id)
    }

    /// Takes in an ID; `anchor`: SEG.SEQ of a segment that carries SND.NXT.
    fn push(&mut self, id: u16, anchor: Option<SeqNum>) {
        if id == 0 {
            return;
        }
        let step = self.last.map(|last| id.wrapping_sub(last));
        match step {
            Some(1) => self.ones += 1,
            Some(2..=ID_GAP) | None => {}
            Some(_) => self.wild += 1,
        }
        self.anchor = anchor.or(self.anchor.filter(|_| step == Some(1)));
        self.last = Some(id);
    }
}

/// A run of segments of one kind since the peer was last heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unheard {
    /// How many.
    pub count: u32,
    /// When the first one was sent.
    pub first: Time,
    /// When the last one was.
    pub last: Time,
}

impl Unheard {
    fn push(&mut self, at: Time) {
        if self.count == 0 {
            self.first = at;
        }
        self.last = at;
        self.count += 1;
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

/// The facts of one direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Half {
    /// Segments, duplicate records not counted.
    pub packets: u64,
    /// Bytes of payload, each number once.
    pub payload: u64,
    /// ISN: of a captured SYN, or one before the number with which the peer's SYN-ACK answers it.
    pub isn: Option<SeqNum>,
    /// The SYN or SYN-ACK, if captured.
    pub opening: Option<Opening>,
    /// The sequence space used.
    pub numbers: Option<Numbers>,
    /// The highest ACK sent.
    pub ack: Option<SeqNum>,
    /// First segment with payload.
    pub first_data: Option<Stamp>,
    /// First segment that is no SYN.
    pub first_other: Option<Stamp>,
    /// The last segment that is no RST.
    pub last: Option<Stamp>,
    /// The window's shift (RFC 7323 section 2.2); unknown without its SYN.
    pub scale: Option<u8>,
    /// The last window, not scaled.
    pub window: Option<u16>,
    /// The window with which the peer's latest new data found its receiver: the right edge as it
    /// stood when the data came.
    pub edge_at_data: Option<SeqNum>,
    /// The highest ACK + window.
    pub right_edge: Option<SeqNum>,
    /// The FIN.
    pub fin: Option<Fin>,
    /// FINs with another `FIN_SEQ`.
    pub other_fins: u32,
    /// The last TSval sent, and when.
    pub tsval: Option<(TsVal, Time)>,
    /// The first TSval sent, and when.
    pub first_tsval: Option<(TsVal, Time)>,
    /// TS.Recent: what the peer holds of this side (RFC 7323 section 4.3).
    pub ts_recent: Option<TsVal>,
    /// TSvals older than that.
    pub regressions: Option<Regressions>,
    /// Lowest and highest TTL or hop limit of its segments without RST.
    pub ttl: Option<(u8, u8)>,
    /// Its IPv4 IDs.
    pub ids: Ids,
    /// Keepalive or window probes since the peer was heard.
    pub probes: Unheard,
    /// Repeated payload or FIN since the peer was heard.
    pub repeats: Unheard,
    /// New payload sent after it had acknowledged the peer's FIN.
    pub after_peer_fin: Option<Copies>,
    /// Segments of this side that arrived after a newer incarnation had begun, or that repeat what
    /// had been acknowledged before both FINs.
    pub late: Option<Copies>,
    /// A segment whose options were cut.
    pub cut: Option<Stamp>,
    /// RSTs.
    pub rsts: u32,
    /// The smallest round trip between the capture point and this side, in nanoseconds.
    pub rtt: Option<i64>,
    /// A segment whose ACK is awaited for a round trip: its end and when it passed.
    timing: Option<(SeqNum, Time)>,
}

impl Half {
    /// SND.NXT as seen.
    pub fn next(&self) -> Option<SeqNum> {
        self.numbers.map(|n| n.next)
    }

    /// No number before `limit` is missing.
    pub fn whole_below(&self, limit: SeqNum) -> bool {
        self.numbers.is_none_or(|n| n.whole_below(limit))
    }

    /// The number after the FIN.
    pub fn fin_end(&self) -> Option<SeqNum> {
        self.fin.map(|f| f.seq.plus(1))
    }

    /// The window of `seen` in bytes; SYNs are never scaled (RFC 7323 section 2.2).
    pub fn window_of(&self, seen: &Seen) -> u32 {
        let scale = if seen.flags.syn() {
            0
        } else {
            self.scale.unwrap_or(0)
        };
        u32::from(seen.window) << scale
    }

    /// Takes in a segment that this side sent. `peer`: the facts of the other side.
    pub(super) fn sent(&mut self, seen: &Seen, peer: &Self) {
        self.packets += 1;
        if seen.cut && self.cut.is_none() {
            self.cut = Some(seen.at);
        }
        if seen.flags.rst() {
            self.rsts += 1;
            return;
        }
        self.ttl = Some(self.ttl.map_or((seen.ttl, seen.ttl), |(low, high)| {
            (low.min(seen.ttl), high.max(seen.ttl))
        }));
        self.last = Some(seen.at);
        if seen.flags.syn() {
            self.open(seen);
        } else if self.first_other.is_none() {
            self.first_other = Some(seen.at);
        }
        let new = self.count(seen, peer);
        self.stamp(seen, new, peer);
        if seen.flags.fin() {
            self.close(seen);
        }
        if let Some(id) = seen.ip_id {
            self.identify(seen, id);
        }
        self.acknowledge(seen);
    }

    /// Takes in that the peer sent `seen`: what it acknowledges of this side's.
    pub(super) fn heard(&mut self, seen: &Seen) {
        self.probes = Unheard::default();
        self.repeats = Unheard::default();
        if let Some(fin) = &mut self.fin
            && fin.acked.is_none()
            && seen.acks(fin.seq.plus(1))
        {
            fin.acked = Some(seen.at);
        }
    }

    /// A sample of the round trip to the peer, if `seen`, sent by it, answers what was timed.
    pub(super) fn round_trip(&mut self, seen: &Seen) -> Option<i64> {
        let (end, sent) = self.timing.filter(|&(end, _)| seen.acks(end))?;
        self.timing = None;
        // An ACK of what was never seen came for something else.
        if seen.ack.after(self.next().unwrap_or(end)) {
            return None;
        }
        Some(seen.at.time.since(sent)).filter(|&rtt| rtt >= 0)
    }

    /// Takes in the facts of a later part of the capture.
    pub(super) fn merge(&mut self, later: &Self) {
        self.packets += later.packets;
        self.payload += later.payload;
        self.isn = self.isn.or(later.isn);
        match (&mut self.opening, &later.opening) {
            (Some(mine), Some(theirs)) => mine.copies.count += theirs.copies.count,
            (mine @ None, theirs) => *mine = *theirs,
            _ => {}
        }
        match (&mut self.numbers, &later.numbers) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, theirs) => *mine = *theirs,
            _ => {}
        }
        self.ack = merged(self.ack, later.ack, SeqNum::latest);
        self.first_data = self.first_data.or(later.first_data);
        self.first_other = self.first_other.or(later.first_other);
        self.last = later.last.or(self.last);
        self.scale = self.scale.or(later.scale);
        self.window = later.window.or(self.window);
        self.edge_at_data = later.edge_at_data.or(self.edge_at_data);
        self.right_edge = merged(self.right_edge, later.right_edge, SeqNum::latest);
        self.merge_fin(later.fin.as_ref());
        self.other_fins += later.other_fins;
        self.tsval = later.tsval.or(self.tsval);
        self.first_tsval = self.first_tsval.or(later.first_tsval);
        self.ts_recent = merged(self.ts_recent, later.ts_recent, TsVal::latest);
        if self.regressions.is_none() {
            self.regressions = later.regressions;
        } else if let (Some(mine), Some(theirs)) = (&mut self.regressions, &later.regressions) {
            mine.copies.count += theirs.copies.count;
            mine.ticks = mine.ticks.max(theirs.ticks);
        }
        self.ttl = merged(self.ttl, later.ttl, |a, b| (a.0.min(b.0), a.1.max(b.1)));
        self.ids.ones += later.ids.ones;
        self.ids.wild += later.ids.wild;
        self.ids.last = later.ids.last.or(self.ids.last);
        self.ids.anchor = later.ids.anchor;
        self.probes = later.probes;
        self.repeats = later.repeats;
        Copies::merge(&mut self.after_peer_fin, later.after_peer_fin.as_ref());
        Copies::merge(&mut self.late, later.late.as_ref());
        self.cut = self.cut.or(later.cut);
        self.rsts += later.rsts;
        self.rtt = merged(self.rtt, later.rtt, i64::min);
        self.timing = later.timing;
    }

    fn merge_fin(&mut self, later: Option<&Fin>) {
        let Some(theirs) = later else { return };
        let Some(mine) = self.fin.as_mut() else {
            self.fin = Some(*theirs);
            return;
        };
        if mine.seq != theirs.seq {
            self.other_fins += theirs.copies.count;
            return;
        }
        mine.copies.last = theirs.copies.last;
        mine.copies.count += theirs.copies.count;
        mine.least_ack = mine.least_ack.earliest(theirs.least_ack);
        mine.anchored = mine.anchored.or(theirs.anchored);
        mine.acked = mine.acked.or(theirs.acked);
    }

    fn open(&mut self, seen: &Seen) {
        self.isn = Some(seen.seq);
        if let Some(opening) = &mut self.opening {
            opening.copies.last = seen.at;
            opening.copies.count += 1;
            opening.ack |= seen.flags.ack();
            return;
        }
        let offered = seen
            .timestamps
            .map(|_| true)
            .or((!seen.cut).then_some(false));
        self.opening = Some(Opening {
            copies: Copies::new(seen.at),
            ack: seen.flags.ack(),
            end: seen.end(),
            timestamps: offered,
            tsecr: seen.timestamps.map(|t| t.ecr),
            tsval: seen.timestamps.map(|t| t.val),
        });
        self.scale = seen
            .window_scale
            .or(self.scale)
            .or((!seen.cut).then_some(0));
    }

    /// Sequence space, payload, repeats and round trips. Returns how many numbers were new.
    fn count(&mut self, seen: &Seen, peer: &Self) -> u32 {
        let before = self.next();
        let new = match &mut self.numbers {
            Some(numbers) => numbers.add(seen.seq, seen.end()),
            None => {
                self.numbers = Some(Numbers::new(seen.seq, seen.end()));
                seen.end().distance(seen.seq)
            }
        };
        let control = u32::from(seen.flags.syn()) + u32::from(seen.flags.fin());
        if new > 0 && seen.len > 0 {
            self.payload += u64::from(new.saturating_sub(control).min(seen.len));
            self.first_data = self.first_data.or(Some(seen.at));
            if peer.fin_end().is_some_and(|end| seen.acks(end)) {
                Copies::again(&mut self.after_peer_fin, seen.at);
            }
        }
        let probe = seen.len <= 1 && !seen.flags.fin() && !seen.flags.syn();
        if new > 0 {
            let fresh = before.is_none_or(|next| seen.seq.at_or_after(next));
            self.timing = fresh.then_some((seen.end(), seen.at.time));
        } else if probe && before == Some(seen.seq.plus(1)) {
            self.probes.push(seen.at.time);
        } else if seen.end() != seen.seq {
            self.repeats.push(seen.at.time);
            self.timing = None; // Karn: an ACK could now be of either copy.
        }
        new
    }

    /// Timestamps: the peer's TS.Recent moves by segments at or before its last ACK only.
    fn stamp(&mut self, seen: &Seen, new: u32, peer: &Self) {
        let Some(stamp) = seen.timestamps else { return };
        self.first_tsval = self.first_tsval.or(Some((stamp.val, seen.at.time)));
        if let Some(recent) = self.ts_recent
            && stamp.val.before(recent)
        {
            if new > 0 {
                self.regress(seen, recent.distance(stamp.val));
            }
            return;
        }
        self.tsval = Some((stamp.val, seen.at.time));
        if peer.ack.is_none_or(|last| seen.seq.at_or_before(last)) {
            self.ts_recent = Some(stamp.val);
        }
    }

    fn regress(&mut self, seen: &Seen, ticks: u32) {
        match &mut self.regressions {
            Some(r) => {
                r.copies.last = seen.at;
                r.copies.count += 1;
                r.ticks = r.ticks.max(ticks);
            }
            None => {
                self.regressions = Some(Regressions {
                    copies: Copies::new(seen.at),
                    ticks,
                })
            }
        }
    }

    fn close(&mut self, seen: &Seen) {
        let seq = seen.end().minus(1);
        match &mut self.fin {
            None => {
                self.fin = Some(Fin {
                    seq,
                    copies: Copies::new(seen.at),
                    least_ack: seen.ack,
                    anchored: None,
                    acked: None,
                    with_data: seen.len > 0,
                });
            }
            Some(fin) if fin.seq == seq => {
                fin.copies.last = seen.at;
                fin.copies.count += 1;
                fin.least_ack = fin.least_ack.earliest(seen.ack);
            }
            Some(_) => self.other_fins += 1,
        }
    }

    fn identify(&mut self, seen: &Seen, id: u16) {
        if self.ids.last == Some(id) {
            return; // a copy made on the way
        }
        let current = seen.flags.syn() || seen.is_empty_ack();
        self.ids.push(id, current.then_some(seen.seq));
        if let Some(fin) = &mut self.fin
            && seen.flags.fin()
            && self.ids.anchor.is_some_and(|seq| seq.at_or_before(fin.seq))
            && fin.anchored.is_none()
        {
            fin.anchored = Some(seen.at);
        }
    }

    fn acknowledge(&mut self, seen: &Seen) {
        if !seen.flags.ack() {
            return;
        }
        self.ack = merged(self.ack, Some(seen.ack), SeqNum::latest);
        if seen.cut && seen.window == 0 {
            return; // the window was not captured
        }
        self.window = Some(seen.window);
        let edge = seen.ack.plus(self.window_of(seen));
        self.right_edge = merged(self.right_edge, Some(edge), SeqNum::latest);
    }
}

/// The combination of two where both are known, else the known one.
fn merged<T: Copy>(a: Option<T>, b: Option<T>, both: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(both(a, b)),
        (a, b) => a.or(b),
    }
}
