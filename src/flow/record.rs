//! One connection's record: both directions' facts and what joins them.

#![expect(
    clippy::inline_always,
    reason = "compiled for each kind of segment: what that never is is left out"
)]

mod order;
mod steady;

use crate::flow::half::Half;
use crate::flow::history::History;
use crate::flow::key::Key;
use crate::flow::log::Log;
use crate::flow::parts::Copies;
use crate::flow::relations::{Odd, Predecessor, ResetSeen, Snapshot, Successor};
use crate::flow::seen::Seen;
use crate::flow::talk::Talk;
use crate::seq::SeqNum;
use crate::stamp::Stamp;
use order::Recent;
use steady::Held;

/// RSTs kept with what was known when they passed.
pub(super) const RESETS: usize = 12;
/// The flows beside a key's current one, by their places in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Beside {
    /// A SYN that may be a new connection's or an old duplicate.
    pub(super) pending: Option<u32>,
    /// The connection before: late segments may still reach it.
    pub(super) old: Option<u32>,
    /// Of the connection before: the current one.
    pub(super) newer: Option<u32>,
}

/// One connection, as far as the capture shows it.
///
/// In this order: what every segment needs comes first, so that it touches few cache lines.
#[derive(Clone, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Flow {
    /// Its ends.
    pub key: Key,
    /// It holds more than SYNs: no answer of an older connection can be among what follows.
    answered: bool,
    /// A newer connection has begun on the key.
    pub(super) superseded: bool,
    /// It is the pending SYN beside the key's current flow.
    pub(super) pending: bool,
    /// It stands on the agenda.
    pub(super) noted: bool,
    /// Its place among the flows of the table.
    pub(super) entry: u32,
    /// The other flows of the key that may still get segments, while this one is the current.
    pub(super) beside: Beside,
    /// Segments of which the facts are found out later.
    held: Held,
    /// The last segments: what a duplicate record would repeat.
    recent: Recent,
    /// Last segment.
    pub last: Stamp,
    /// The segments kept.
    pub log: Log,
    /// Zeek's history.
    pub history: History,
    /// The facts of what each end sent.
    pub half: [Half; 2],
    /// Its number, from 0, by first frame.
    pub number: u64,
    /// The RSTs kept.
    pub resets: Vec<ResetSeen>,
    /// First segment.
    pub first: Stamp,
    /// Sender of the first segment.
    pub first_from: u8,
    /// Began with no SYN although another connection's numbers were known on the key.
    pub inherited: bool,
    /// A SYN within another connection of which nothing else told whether it was an old duplicate.
    pub unconfirmed: bool,
    /// If `inherited`: which end had opened that one.
    pub inherited_opener: Option<u8>,
    /// What few connections show.
    pub odd: Option<Box<Odd>>,
    /// The connection before.
    pub previous: Option<Box<Predecessor>>,
    /// The connection after.
    pub next: Option<Box<Successor>>,
    /// What the applications said, if that was captured and understood.
    pub talk: Option<Box<Talk>>,
}

impl Flow {
    /// Begins anew, as the flow of a first segment; keeps the memory.
    pub(super) fn begin(&mut self, key: Key, number: u64, first: &Seen) {
        self.clear(key, number, first);
        self.push(first);
    }

    /// Forgets everything but `first`'s place, before that is taken in.
    pub(super) fn clear(&mut self, key: Key, number: u64, first: &Seen) {
        self.log.clear();
        self.resets.clear();
        // Field by field: a new record would be made elsewhere and copied.
        self.key = key;
        self.number = number;
        (self.first, self.last) = (first.at(), first.at());
        self.first_from = first.from();
        (self.answered, self.superseded) = (false, false);
        (self.pending, self.noted) = (false, false);
        self.entry = 0;
        self.unsettle();
        self.beside = Beside::default();
        self.recent = Recent::default();
        self.history.clear();
        self.half.iter_mut().for_each(Half::clear);
        (self.inherited, self.unconfirmed) = (false, false);
        self.inherited_opener = None;
        (self.odd, self.previous, self.next) = (None, None, None);
        self.talk = None;
    }

    /// Reads from each of its cache lines that [`Self::push`] needs.
    pub(super) fn touch(&self) -> u64 {
        let head = self.last.frame ^ self.log.len();
        if self.is_steady() {
            return head;
        }
        let [a, b] = &self.half;
        let head = head ^ u64::from(self.key.ends[0].port) ^ u64::from(self.recent.latest());
        head ^ self.history.touch() ^ a.touch() ^ b.touch()
    }

    /// What few connections show, if this one does.
    pub fn odd(&self) -> Option<&Odd> {
        self.odd.as_deref()
    }

    /// The same, made when the first of it comes.
    pub(super) fn odd_mut(&mut self) -> &mut Odd {
        self.odd.get_or_insert_default()
    }

    /// The lowest and the highest number of its frames: where records are out of order these are
    /// not those of its first and its last segment.
    pub fn frames(&self) -> [u64; 2] {
        let ends = [self.first.frame, self.last.frame];
        let [lowest, highest] = self.odd().and_then(|odd| odd.frames).unwrap_or(ends);
        [lowest.min(ends[0]), highest.max(ends[1])]
    }

    /// ACKs of an older connection that answered the SYN, and their sender's last such number.
    pub fn old_ack(&self) -> Option<(Copies, SeqNum)> {
        self.odd()?.old_ack
    }

    /// The segment is such an ACK: its numbers are the older connection's.
    pub fn is_old_ack(&self, seen: &Seen) -> bool {
        self.old_ack().is_some_and(|(acks, _)| {
            let frames = acks.first.frame..=acks.last.frame;
            let answers = self.opener().is_some_and(|opener| opener != seen.from());
            answers && !seen.flags.rst() && frames.contains(&seen.at().frame)
        })
    }

    /// RSTs of the SYN's sender to those.
    pub fn old_rst(&self) -> Option<Copies> {
        self.odd()?.old_rst
    }

    /// A RST or both FINs were seen, or a newer connection: it may be over.
    pub(super) fn may_be_over(&self) -> bool {
        let [a, b] = &self.half;
        self.superseded || !self.resets.is_empty() || a.fin.is_some() && b.fin.is_some()
    }

    /// The end that sent a SYN without ACK first.
    pub fn opener(&self) -> Option<u8> {
        let syn = |i: u8| {
            self.half[usize::from(i & 1)]
                .opening
                .as_ref()
                .filter(|o| !o.ack)
                .map(|o| o.copies.first)
        };
        match (syn(0), syn(1)) {
            (Some(a), Some(b)) => Some(u8::from(b.frame < a.frame)),
            (Some(_), None) => Some(0),
            (None, Some(_)) => Some(1),
            (None, None) => None,
        }
    }

    /// Only SYNs of one end so far, besides RSTs and ACKs of an older connection.
    pub fn is_syn_only(&self) -> bool {
        let [a, b] = &self.half;
        let waits = |x: &Half, y: &Half| {
            x.opening.as_ref().is_some_and(|o| !o.ack)
                && !x.spoke
                && y.opening.is_none()
                && y.numbers.is_none()
        };
        waits(a, b) || waits(b, a)
    }

    /// Takes in a segment that is no duplicate.
    #[inline(always)]
    fn take_in(&mut self, seen: &Seen) {
        if seen.is_plain() {
            self.take_in_one(seen);
        } else {
            self.take_in_any(seen);
        }
    }

    /// Takes in segments of which none is a duplicate; gives which is the first FIN or RST. By itself:
    /// of what is passed to it the compiler knows that it does not lie in this flow, so that its fields
    /// need not be read again and again.
    #[inline(never)]
    fn take_in_all(&mut self, segments: &[Seen]) -> Option<usize> {
        let mut close = None;
        for (at, seen) in segments.iter().enumerate() {
            if close.is_none() && seen.begins_close() {
                close = Some(at);
            }
            self.take_in(seen);
        }
        close
    }

    /// [`Self::take_in_one`] of a segment that is not plain. That is compiled anew wherever more is
    /// known of the segment: what the kind never is or has is left out.
    #[inline(never)]
    fn take_in_any(&mut self, seen: &Seen) {
        if seen.is_plain_syn() {
            self.take_in_one(seen);
        } else if seen.is_plain_fin() {
            self.take_in_fin(seen);
        } else {
            self.take_in_other(seen);
        }
    }

    #[inline(never)]
    fn take_in_fin(&mut self, seen: &Seen) {
        if seen.is_plain_fin() {
            self.take_in_one(seen);
        }
    }

    #[inline(never)]
    fn take_in_other(&mut self, seen: &Seen) {
        self.take_in_one(seen);
    }

    #[inline(always)]
    fn take_in_one(&mut self, seen: &Seen) {
        if self.is_of_older(seen) {
            let ack = (!seen.flags.rst()).then_some(seen.ack);
            self.push_older(seen.from(), seen.at(), ack);
            return;
        }
        if seen.flags.rst() {
            self.push_reset(seen);
            return;
        }
        self.answered |= !seen.flags.syn() || seen.flags.ack();
        let [a, b] = &mut self.half;
        let (mine, peer) = if seen.from() == 0 { (a, b) } else { (b, a) };
        self.history.push(seen, mine.numbers.as_ref());
        if reveals_a_gap(mine, peer, seen) {
            self.history.gap(seen.from() ^ 1);
        }
        mine.sent(seen, peer);
        peer.answered(seen);
        peer.heard(seen);
        if let Some(sample) = peer.round_trip(seen) {
            mine.sample(sample);
        }
    }

    /// Takes in a segment that came too late: after a newer connection had begun on the key.
    pub fn push_late(&mut self, seen: &Seen) {
        self.push(seen);
        let half = &mut self.half[usize::from(seen.from() & 1)];
        Copies::again(&mut half.rare().late, seen.at());
    }

    /// A segment is among its own: not a late one of the connection before.
    pub(super) fn holds(&self, seen: &Seen) -> bool {
        let numbers = self.half[usize::from(seen.from() & 1)].numbers.as_ref();
        numbers.is_some_and(|n| {
            seen.seq.at_or_after(n.base) && seen.seq.plus(seen.len()).at_or_before(n.next)
        })
    }

    /// An answer of an older connection to the SYN, or the opener's RST to that
    /// (RFC 9293 section 3.10.7.3).
    #[inline(always)]
    fn is_of_older(&self, seen: &Seen) -> bool {
        if seen.flags.rst() {
            return self.resets_older(seen);
        }
        if self.answered || !seen.flags.ack() {
            return false;
        }
        let peer = &self.half[usize::from(seen.from() ^ 1)];
        let (Some(opening), Some(isn)) = (&peer.opening, peer.isn) else {
            return false;
        };
        let answers = seen.ack.after(isn) && seen.ack.at_or_before(opening.end);
        !answers && self.waits(seen.from() ^ 1)
    }

    /// That end has sent a SYN first, and it is all there is.
    fn waits(&self, opener: u8) -> bool {
        self.is_syn_only() && self.opener() == Some(opener)
    }

    /// The opener's RST to a segment of the older connection. Since it sent the SYN its host has no
    /// other socket for that number, so the RST tells nothing of how the older one ended.
    pub(super) fn resets_older(&self, seen: &Seen) -> bool {
        if self.opener() != Some(seen.from()) {
            return false;
        }
        let to_ack = self.old_ack().is_some_and(|(_, number)| number == seen.seq);
        let next = self
            .previous
            .as_ref()
            .and_then(|p| p.next[usize::from(seen.from() & 1)]);
        to_ack || (!seen.flags.ack() && next == Some(seen.seq))
    }

    /// Takes in a segment that is of an older connection: an ACK of this number, or a RST.
    #[cold]
    fn push_older(&mut self, from: u8, at: Stamp, ack: Option<SeqNum>) {
        self.half[usize::from(from & 1)].packets += 1;
        let mut copies = self.old_ack().map(|(copies, _)| copies);
        let odd = self.odd_mut();
        let Some(ack) = ack else {
            Copies::again(&mut odd.old_rst, at);
            return;
        };
        Copies::again(&mut copies, at);
        odd.old_ack = copies.map(|copies| (copies, ack));
    }

    #[inline(never)]
    fn push_reset(&mut self, seen: &Seen) {
        if self.resets.len() < RESETS {
            self.keep_reset(*seen);
        }
        let [a, b] = &mut self.half;
        let (mine, peer) = if seen.from() == 0 { (a, b) } else { (b, a) };
        self.history.push_reset(seen);
        mine.sent_reset(seen);
        peer.answered(seen);
    }

    fn keep_reset(&mut self, seen: Seen) {
        let [a, b] = &self.half;
        let mine = if seen.from() == 0 { a } else { b };
        let before = Snapshot {
            next: [a.next(), b.next()],
            ack: [a.ack, b.ack],
            right_edge: [a.right_edge, b.right_edge],
            window: mine.window,
            next_id: mine
                .ids
                .last
                .filter(|_| mine.ids.count())
                .map(|id| id.wrapping_add(1)),
            fresh_ids: mine.ids.last.is_none(),
            probes: mine.probes,
            repeats: mine.repeats,
        };
        self.resets.push(ResetSeen { seen, before });
    }
}

/// The segment is the first to acknowledge bytes of `peer` that were not captured. A single number
/// beyond the last may be a FIN.
fn reveals_a_gap(mine: &Half, peer: &Half, seen: &Seen) -> bool {
    let Some(numbers) = &peer.numbers else {
        return false;
    };
    if !seen.flags.ack() {
        return false;
    }
    let is_new = |from: SeqNum| mine.ack.is_none_or(|ack| ack.at_or_before(from));
    let beyond = seen.ack.since(numbers.next) > 1 && is_new(numbers.next.plus(1));
    let hole = |&(from, to): &(SeqNum, SeqNum)| seen.ack.at_or_after(to) && is_new(from);
    beyond || numbers.has_holes() && numbers.holes().iter().any(hole)
}

#[cfg(test)]
mod tests {
    use super::Flow;
    use crate::flow::Seen;
    use crate::packet::{Flags, Segment, Timestamps};
    use crate::seq::SeqNum;
    use crate::stamp::{Stamp, Time};

    #[test]
    fn what_begins_anew_is_like_new() {
        let first = Seen::new(&Segment::default(), 0, Stamp::default());
        let (mut new, mut used) = (Flow::default(), Flow::default());
        for (from, flags) in [
            (0, Flags::SYN),
            (1, Flags::SYN.with(Flags::ACK)),
            (0, Flags::ACK),
            (1, Flags::ACK),
            (1, Flags::ACK.with(Flags::FIN)),
            (0, Flags::ACK.with(Flags::FIN)),
            (0, Flags::RST),
        ] {
            let at = Stamp {
                frame: used.log.len() + 1,
                time: Time(9),
            };
            let segment = Segment {
                seq: SeqNum(u32::from(flags.0)),
                len: u32::from(!flags.syn()),
                flags,
                timestamps: Some(Timestamps::default()),
                ip_id: Some(7),
                options_cut: flags.fin(),
                ..Segment::default()
            };
            used.push(&Seen::new(&segment, from, at));
        }
        used.answered = true;
        used.superseded = true;
        used.pending = true;
        used.noted = true;
        used.entry = 7;
        used.beside.old = Some(7);
        (used.inherited, used.unconfirmed) = (true, true);
        used.inherited_opener = Some(1);
        used.odd_mut();
        used.talk = Some(Box::default());
        used.history.gap(1);
        for flow in [&mut new, &mut used] {
            flow.begin(flow.key, 3, &first);
        }
        assert_eq!(new, used);
    }

    #[test]
    fn the_hops_are_told_from_the_least_to_the_most() {
        let mut flow = Flow::default();
        let of = |ttl, from| {
            let segment = Segment {
                ttl,
                flags: Flags::ACK,
                ..Segment::default()
            };
            Seen::new(&segment, from, Stamp::default())
        };
        flow.begin(flow.key, 3, &of(64, 0));
        for (ttl, range) in [
            (64, (64, 64)),
            (60, (60, 64)),
            (62, (60, 64)),
            (65, (60, 65)),
        ] {
            flow.push(&of(ttl, 0));
            assert_eq!(flow.half[0].ttl, Some(range));
        }
        assert_eq!(flow.half[1].ttl, None);
    }
}
