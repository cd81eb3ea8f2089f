//! A flow of few segments: those, and nothing concluded from them yet.

use crate::flow::key::Key;
use crate::flow::pool::{Chain, Pool};
use crate::flow::record::Flow;
use crate::flow::seen::Seen;
use crate::seq::SeqNum;

/// Numbers so little before the end of a FIN are within the connection.
const NEAR: u32 = 1 << 30;

/// A flow of few segments. They are kept as they are until the flow is judged, or until it has so
/// many, or such a one, that the facts must be known: it touches two cache lines a segment, one of
/// its own and one of the segments'.
///
/// No SYN but the first one's copies and the answers to it, and nothing beyond a FIN: whatever else
/// comes may belong to another connection, which only the facts can tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brief {
    chain: Chain,
    /// The number of each end's SYN or SYN-ACK, where there is one.
    isn: [SeqNum; 2],
    /// The number after each end's FIN, where there is one.
    fin_end: [SeqNum; 2],
    /// Bits of the ends of which these are known.
    has_syn: u8,
    has_fin: u8,
    len: u8,
    /// A SYN without ACK, its copies and RSTs are all there is so far.
    is_syn_only: bool,
}

impl Brief {
    /// The flow of a first segment, if that can be kept so.
    pub(super) fn new(first: &Seen, pool: &mut Pool) -> Option<Self> {
        let f = first.flags;
        if f.syn() && (f.fin() || f.rst()) {
            return None;
        }
        let mut flow = Self {
            chain: pool.begin(*first),
            isn: [SeqNum(0); 2],
            fin_end: [SeqNum(0); 2],
            has_syn: 0,
            has_fin: 0,
            len: 1,
            is_syn_only: f.syn(),
        };
        flow.note(first);
        Some(flow)
    }

    /// Takes in a segment. False if the facts must be known first. `most`: segments.
    pub(super) fn push(&mut self, seen: &Seen, pool: &mut Pool, most: u8) -> bool {
        if self.len >= most || !self.owns(seen) {
            return false;
        }
        pool.push(&mut self.chain, self.len.into(), *seen);
        self.len += 1;
        self.note(seen);
        true
    }

    /// Makes `flow` the flow of these segments.
    pub(super) fn replay(&self, key: Key, number: u64, pool: &Pool, flow: &mut Flow) {
        let mut segments = pool.segments(self.chain, self.len.into());
        let Some(first) = segments.next() else { return };
        flow.begin(key, number, first);
        for seen in segments {
            flow.push(seen);
        }
    }

    /// Gives the segments back.
    pub(super) fn release(&self, pool: &mut Pool) {
        pool.release(self.chain);
    }

    /// Where its segments are.
    pub(super) const fn chain(&self) -> Chain {
        self.chain
    }

    /// It is certainly a segment of this connection: the facts would say so too.
    fn owns(&self, seen: &Seen) -> bool {
        let (f, from) = (seen.flags, seen.from());
        if f.rst() {
            return !f.syn();
        }
        if f.syn() {
            let isn = |end| known(self.has_syn, self.isn, end);
            // With another number it may answer for an older connection.
            let acks = |syn: SeqNum| f.ack() && seen.ack == syn.plus(1);
            let answers = self.is_syn_only && isn(from ^ 1).is_some_and(acks);
            return !f.fin() && isn(from).map_or(answers, |isn| isn == seen.seq);
        }
        let within = |end: SeqNum, number: SeqNum| end.minus(number.0).0 <= NEAR;
        let (mine, peer) = (self.fin_end(from), self.fin_end(from ^ 1));
        mine.is_none_or(|end| within(end, seen.end()) && (!f.fin() || seen.end() == end))
            && peer.is_none_or(|end| within(end, seen.ack) || !f.ack())
    }

    fn note(&mut self, seen: &Seen) {
        let (f, end) = (seen.flags, seen.from() & 1);
        if f.rst() {
            return;
        }
        if f.syn() {
            self.isn[usize::from(end)] = seen.seq;
            self.has_syn |= 1 << end;
        }
        if f.fin() {
            self.fin_end[usize::from(end)] = seen.end();
            self.has_fin |= 1 << end;
        }
        self.is_syn_only &= f.syn() && !f.ack();
    }

    fn fin_end(&self, end: u8) -> Option<SeqNum> {
        known(self.has_fin, self.fin_end, end)
    }
}

/// An end's number of a pair, if its bit says that there is one.
fn known(bits: u8, numbers: [SeqNum; 2], end: u8) -> Option<SeqNum> {
    let known = bits >> (end & 1) & 1 != 0;
    known.then_some(numbers[usize::from(end & 1)])
}
