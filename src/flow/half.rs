//! The facts of one direction. Monotone: what is lost is missing, what comes twice changes nothing.

#![expect(
    clippy::inline_always,
    reason = "parts of `Flow::take_in`, which is compiled for plain segments by itself"
)]

use crate::flow::numbers::Numbers;
use crate::flow::parts::{Copies, Fin, Ids, Opening, Rare, Regressions, Sent, raise};
use crate::flow::seen::Seen;
use crate::packet::Mptcp;
use crate::seq::{SeqNum, TsVal};
use crate::stamp::{Stamp, Time};

/// The facts of one direction.
///
/// In this order: what every segment reads or writes lies side by side, from the ends of the sequence
/// space to the first word of the FIN; the holes are before that, the rest after it.
#[derive(Clone, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Half {
    /// The sequence space used.
    pub numbers: Option<Numbers>,
    /// The last window, not scaled.
    pub window: Option<u16>,
    /// It sent something that is neither SYN nor RST.
    pub spoke: bool,
    /// The window's shift is known (RFC 7323 section 2.2), which it is not without its SYN.
    pub scaled: bool,
    /// That shift, or 0.
    pub shift: u8,
    /// Lowest and highest TTL or hop limit of its segments without RST.
    pub ttl: Option<(u8, u8)>,
    /// Keepalive or window probes since the peer was heard.
    pub probes: u32,
    /// Repeated payload or FIN since the peer was heard.
    pub repeats: u32,
    /// RSTs.
    pub rsts: u32,
    /// Its IPv4 IDs.
    pub ids: Ids,
    /// The highest ACK sent.
    pub ack: Option<SeqNum>,
    /// TS.Recent: what the peer holds of this side (RFC 7323 section 4.3).
    pub ts_recent: Option<TsVal>,
    /// The highest ACK + window.
    pub right_edge: Option<SeqNum>,
    /// Segments, duplicate records not counted.
    pub packets: u64,
    /// Bytes of payload, each number once.
    pub payload: u64,
    /// A segment whose ACK is awaited for a round trip: its end and when it passed.
    pub(super) timing: Option<(SeqNum, Time)>,
    /// The last TSval sent, and when.
    pub tsval: Option<(TsVal, Time)>,
    /// The smallest round trip between the capture point and this side, in nanoseconds.
    pub rtt: Option<i64>,
    /// The FIN.
    pub fin: Option<Fin>,
    /// What few connections show.
    pub rare: Option<Box<Rare>>,
    /// ISN: of a captured SYN, or one before the number with which the peer's SYN-ACK answers it.
    pub isn: Option<SeqNum>,
    /// The first TSval sent, and when.
    pub first_tsval: Option<(TsVal, Time)>,
    /// The SYN or SYN-ACK, if captured.
    pub opening: Option<Opening>,
}

impl Half {
    /// Reads from each of its cache lines that a segment needs: once in 64 bytes at least, for
    /// records do not begin where lines do. A line left out costs as much as all of the others.
    pub(super) fn touch(&self) -> u64 {
        let known = [
            self.timing.is_some(),
            self.tsval.is_some(),
            self.ack.is_some(),
            self.window.is_some(),
            self.numbers.is_some(),
            self.fin.is_some(),
        ];
        let known = known.iter().fold(0, |all, &known| all ^ u64::from(known));
        self.packets ^ known ^ u64::from(self.probes)
    }

    /// Forgets everything, field by field: a new one would be made elsewhere and copied.
    pub(super) fn clear(&mut self) {
        let Self {
            numbers,
            window,
            spoke,
            scaled,
            shift,
            ttl,
            probes,
            repeats,
            rsts,
            ids,
            ack,
            ts_recent,
            right_edge,
            packets,
            payload,
            timing,
            tsval,
            rtt,
            fin,
            rare,
            isn,
            first_tsval,
            opening,
        } = self;
        (*numbers, *fin, *rare, *opening) = (None, None, None, None);
        (*window, *ttl, *spoke) = (None, None, false);
        (*scaled, *shift) = (false, 0);
        (*probes, *repeats, *rsts) = (0, 0, 0);
        (*packets, *payload) = (0, 0);
        (*ack, *right_edge, *isn) = (None, None, None);
        (*ts_recent, *tsval, *first_tsval) = (None, None, None);
        (*timing, *rtt) = (None, None);
        ids.clear();
    }

    /// SND.NXT as seen.
    pub fn next(&self) -> Option<SeqNum> {
        self.numbers.as_ref().map(|n| n.next)
    }

    /// No number before `limit` is missing.
    pub fn whole_below(&self, limit: SeqNum) -> bool {
        self.numbers.as_ref().is_none_or(|n| n.whole_below(limit))
    }

    /// The number after the FIN.
    pub fn fin_end(&self) -> Option<SeqNum> {
        self.fin.as_ref().map(|f| f.seq.plus(1))
    }

    /// The window of `seen` in bytes; SYNs are never scaled (RFC 7323 section 2.2).
    pub fn window_of(&self, seen: &Seen) -> u32 {
        let shift = if seen.flags.syn() { 0 } else { self.shift };
        u32::from(seen.window) << shift
    }

    /// Takes in a RST that this side sent.
    pub(super) fn sent_reset(&mut self, seen: &Seen) {
        self.sent_any(seen);
        self.rsts += 1;
    }

    /// Takes in a segment without RST that this side sent. `peer`: the facts of the other side.
    #[inline(always)]
    pub(super) fn sent(&mut self, seen: &Seen, peer: &Self) {
        self.sent_any(seen);
        match &mut self.ttl {
            Some((low, _)) if seen.ttl < *low => *low = seen.ttl,
            Some((_, high)) if seen.ttl > *high => *high = seen.ttl,
            Some(_) => {}
            None => self.ttl = Some((seen.ttl, seen.ttl)),
        }
        if seen.flags.syn() {
            self.open(seen);
        } else {
            self.spoke = true;
        }
        let new = self.count(seen, peer);
        self.stamp(seen, new, peer);
        if seen.flags.fin() {
            self.close(seen);
        }
        if let Some(id) = seen.ip_id() {
            self.identify(seen, id);
        }
        self.acknowledge(seen);
    }

    #[inline(always)]
    fn sent_any(&mut self, seen: &Seen) {
        self.packets += 1;
        if seen.cut() {
            self.rare().cut.get_or_insert(seen.at());
        }
        if seen.may_be_multipath() && seen.mptcp() != Mptcp::default() {
            self.rare().subflow.get_or_insert_default().note(seen);
        }
    }

    /// Takes in that the peer sent `seen`, in case that it is a SYN-ACK: its SYN was not captured,
    /// but the answer tells its number.
    #[inline(always)]
    pub(super) fn answered(&mut self, seen: &Seen) {
        if seen.flags.syn() && seen.flags.ack() && self.isn.is_none() {
            self.isn = Some(seen.ack.minus(1));
        }
    }

    /// Takes in that the peer sent `seen`: what it acknowledges of this side's.
    #[inline(always)]
    pub(super) fn heard(&mut self, seen: &Seen) {
        self.was_heard();
        if let Some(fin) = &mut self.fin
            && fin.acked.is_none()
            && seen.acks_fin(fin.seq.plus(1))
        {
            fin.acked = Some(seen.at());
        }
    }

    /// The same, where no FIN waits for that.
    pub(super) const fn was_heard(&mut self) {
        (self.probes, self.repeats) = (0, 0);
    }

    /// A sample of the round trip to the peer, if `seen`, sent by it, answers what was timed.
    #[inline(always)]
    pub(super) fn round_trip(&mut self, seen: &Seen) -> Option<i64> {
        let (end, sent) = self.timing?;
        if !seen.acks(end) {
            return None;
        }
        self.timing = None;
        // An ACK of what was never seen came for something else.
        if seen.ack.after(self.next().unwrap_or(end)) {
            return None;
        }
        since(sent, seen)
    }

    /// Takes in a sample of the round trip between the capture point and this side.
    #[inline(always)]
    pub(super) fn sample(&mut self, rtt: i64) {
        if self.rtt.is_none_or(|least| rtt < least) {
            self.rtt = Some(rtt);
        }
    }

    /// The rare facts, made when the first of them comes.
    #[cold]
    #[inline(never)]
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn open(&mut self, seen: &Seen) {
        self.isn = Some(seen.seq);
        if let Some(opening) = &mut self.opening {
            opening.copies.last = seen.at();
            opening.copies.count += 1;
            opening.ack &= seen.flags.ack();
            return;
        }
        let timestamps = seen.timestamps();
        let offered = timestamps.map(|_| true).or((!seen.cut()).then_some(false));
        self.opening = Some(Opening {
            copies: Copies::new(seen.at()),
            ack: seen.flags.ack(),
            end: seen.end(),
            timestamps: offered,
            tsecr: timestamps.map(|t| t.ecr),
            tsval: timestamps.map(|t| t.val),
        });
        let scale = seen.window_scale();
        let known = self.scaled.then_some(self.shift);
        let scale = scale.or(known).or((!seen.cut()).then_some(0));
        (self.scaled, self.shift) = (scale.is_some(), scale.unwrap_or(0));
    }

    /// Sequence space, payload, repeats and round trips. Returns how many numbers were new.
    #[inline(always)]
    fn count(&mut self, seen: &Seen, peer: &Self) -> u32 {
        let end = seen.end();
        match &mut self.numbers {
            Some(numbers) => {
                if !numbers.go_on(seen.seq, end) {
                    return self.count_apart(seen, peer);
                }
            }
            None => self.numbers = Some(Numbers::new(seen.seq, end)),
        }
        let new = end.distance(seen.seq);
        if new > 0 {
            self.progress(seen, new, true, peer);
        }
        new
    }

    /// The same, of a segment that does not begin where those before it end.
    #[inline(never)]
    fn count_apart(&mut self, seen: &Seen, peer: &Self) -> u32 {
        let end = seen.end();
        let Some(numbers) = &mut self.numbers else {
            return 0;
        };
        let (before, new) = (numbers.next, numbers.add(seen.seq, end));
        if new > 0 {
            self.progress(seen, new, seen.seq.at_or_after(before), peer);
        } else if seen.len() <= 1 && control(seen) == 0 && before == seen.seq.plus(1) {
            self.probes += 1;
        } else if end != seen.seq {
            let is_data = !seen.is_empty() && !seen.flags.syn();
            if is_data && self.was_refused(seen.seq, end, peer.ack) {
                self.timing = Some((end, seen.at().time));
            } else {
                self.repeats += 1;
                self.timing = None; // Karn: an ACK could now be of either copy.
            }
        }
        new
    }

    /// Takes in that `new` numbers were not seen before. `fresh`: nor was any after the first of them.
    #[inline(always)]
    fn progress(&mut self, seen: &Seen, new: u32, fresh: bool, peer: &Self) {
        if !seen.is_empty() {
            self.add_payload(seen, new.saturating_sub(control(seen)), peer);
        }
        // What answers a SYN need not acknowledge its data (RFC 7413).
        let end = if seen.flags.syn() {
            seen.seq.plus(1)
        } else {
            seen.end()
        };
        self.timing = fresh.then_some((end, seen.at().time));
    }

    /// Takes in `new` numbers that were not seen before, or less: payload has no more of them than
    /// its length.
    #[inline(always)]
    fn add_payload(&mut self, seen: &Seen, new: u32, peer: &Self) {
        let bytes = u64::from(new.min(seen.len()));
        self.payload += bytes;
        if bytes > 0 && peer.fin_end().is_some_and(|end| seen.acks(end)) {
            Sent::more(&mut self.rare().after_peer_fin, seen.at(), bytes);
        }
    }

    /// What stands at `start..end` is the data of the SYN, sent for the first time after the peer has
    /// taken the SYN without it (RFC 7413 section 4.2.2): no repeat. `ack`: the peer's last.
    #[cold]
    #[inline(never)]
    fn was_refused(&self, start: SeqNum, end: SeqNum, ack: Option<SeqNum>) -> bool {
        let syn_end = self.isn.map(|isn| isn.plus(1));
        let is_first = self.timing.is_none() && self.repeats == 0;
        let with_syn = |o: &Opening| Some(o.end) != syn_end && o.end.at_or_after(end);
        let follows = Some(start) == syn_end && ack == syn_end;
        is_first && follows && self.opening.as_ref().is_some_and(with_syn)
    }

    /// Timestamps: the peer's TS.Recent moves by segments at or before its last ACK only.
    #[inline(always)]
    fn stamp(&mut self, seen: &Seen, new: u32, peer: &Self) {
        let Some(stamp) = seen.timestamps() else {
            return;
        };
        match self.ts_recent {
            Some(recent) if stamp.val.before(recent) => {
                // What the peer has acknowledged is no new data, though its first copy be missing.
                if new > 0 && peer.ack.is_none_or(|ack| seen.end().after(ack)) {
                    self.regress(seen.at(), recent.distance(stamp.val));
                }
                return;
            }
            None if self.tsval.is_none() => {
                self.first_tsval = Some((stamp.val, seen.at().time));
            }
            _ => {}
        }
        self.tsval = Some((stamp.val, seen.at().time));
        if peer.ack.is_none_or(|last| seen.seq.at_or_before(last)) {
            self.ts_recent = Some(stamp.val);
        }
    }

    #[cold]
    fn regress(&mut self, at: Stamp, ticks: u32) {
        match &mut self.rare().regressions {
            Some(r) => {
                r.copies.last = at;
                r.copies.count += 1;
                r.ticks = r.ticks.max(ticks);
            }
            none @ None => {
                *none = Some(Regressions {
                    copies: Copies::new(at),
                    ticks,
                });
            }
        }
    }

    fn close(&mut self, seen: &Seen) {
        let seq = seen.end().minus(1);
        match &mut self.fin {
            None => {
                self.fin = Some(Fin {
                    seq,
                    copies: Copies::new(seen.at()),
                    least_ack: seen.ack,
                    anchored: None,
                    run_from_first: None,
                    acked: None,
                    without_ack: !seen.flags.ack(),
                });
            }
            Some(fin) if fin.seq == seq => {
                fin.copies.last = seen.at();
                fin.copies.count += 1;
                fin.without_ack |= !seen.flags.ack();
                if seen.flags.ack() {
                    fin.least_ack = fin.least_ack.earliest(seen.ack);
                }
            }
            Some(_) => self.rare().other_fins += 1,
        }
    }

    #[inline(always)]
    fn identify(&mut self, seen: &Seen, id: u16) {
        let current = seen.flags.syn() || seen.is_empty_ack();
        if id == 0 && (seen.flags.fin() || !seen.is_empty()) {
            self.ids.interrupt(); // the full socket sent it: no counter is at work
        }
        // What a minisocket sends has an ID of 0, and is not counted.
        if id == 0 || !self.ids.push(id, current.then_some(seen.seq)) || !seen.flags.fin() {
            return;
        }
        let Some(fin) = &mut self.fin else {
            return;
        };
        if self.ids.anchor.is_some_and(|seq| seq.at_or_before(fin.seq)) {
            fin.anchored.get_or_insert(seen.at());
        }
        if !self.ids.broken {
            fin.run_from_first.get_or_insert(seen.at());
        }
    }

    #[inline(always)]
    fn acknowledge(&mut self, seen: &Seen) {
        if !seen.flags.ack() {
            return;
        }
        raise(&mut self.ack, seen.ack);
        if seen.window_cut() {
            return; // the window was not captured
        }
        self.window = Some(seen.window);
        let edge = seen.ack.plus(self.window_of(seen));
        raise(&mut self.right_edge, edge);
    }
}

/// The time from `sent` to `seen`, if the clock was not set back.
#[inline(always)]
pub(super) fn since(sent: Time, seen: &Seen) -> Option<i64> {
    let rtt = seen.at().time.0.checked_sub(sent.0)?;
    (rtt >= 0).then_some(rtt)
}

/// The numbers of a segment that are not its payload's.
#[inline(always)]
fn control(seen: &Seen) -> u32 {
    u32::from(seen.flags.syn()) + u32::from(seen.flags.fin())
}
