//! A flow of few segments: those, and nothing concluded from them yet.

mod memory;

use crate::flow::key::Key;
use crate::flow::loose::{Loose, MOST_SEGMENTS};
use crate::flow::number::Number;
use crate::flow::packed::{MOST, ROOM};
use crate::flow::pool::NONE;
use crate::flow::record::Flow;
use crate::flow::relations::Predecessor;
use crate::flow::seen::Seen;
use crate::packet::Flags;
use crate::seq::SeqNum;
use crate::stamp::Stamp;

pub(super) use memory::Memory;
pub use memory::Unpacked;

/// Segments of a brief flow at most: more of them take more memory than the facts.
pub(super) const SEGMENTS: u8 = 36;
const _: () = assert!(SEGMENTS as usize * MOST <= ROOM);
const _: () = assert!(SEGMENTS as usize <= MOST_SEGMENTS);
/// Numbers so little before the end of a FIN are within the connection.
const NEAR: u32 = 1 << 30;

/// What is known of a brief flow besides its segments.
mod bit {
    /// The FINs of either end.
    pub(super) const FIN: [u8; 2] = [1, 2];
    pub(super) const RST: u8 = 4;
    /// A SYN without ACK, its copies and RSTs are all there is so far.
    pub(super) const SYN_ONLY: u8 = 8;
    /// It stands on the agenda.
    pub(super) const NOTED: u8 = 16;
    /// The second end's FIN was the first one; or, before there is any, it sent the SYNs that are all
    /// there is.
    pub(super) const SECOND_FIRST: u8 = 32;
    /// There may be more to a segment than its numbers.
    pub(super) const OF_NOTE: u8 = FIN[0] | FIN[1] | RST | SYN_ONLY;
}

/// The same of a segment.
const OF_NOTE: Flags = Flags::SYN.with(Flags::FIN).with(Flags::RST);

/// How the segments are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// As they are.
    Loose,
    /// Packed into bytes.
    Packed,
}

/// A flow of few segments. They are kept as they are until the flow is judged, or until it has so
/// many, or such a one, that the facts must be known: it touches two cache lines a segment, one of
/// its own and one of the segments'.
///
/// No SYN but the first one's copies and the answers to it, and nothing beyond a FIN: whatever else
/// comes may belong to another connection, which only the facts can tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brief {
    /// Where they are: the last block of a chain, or a link to packed ones.
    link: u32,
    /// The number of the SYN while there is nothing else, then that after the first FIN. The number
    /// after the other end's FIN is kept beside the segments, or is found among the packed ones.
    word: u32,
    number: Number,
    bits: u8,
    len: u8,
    form: Form,
}

impl Brief {
    /// The flow of a first segment, if that can be kept so.
    pub(super) fn new(first: &Seen, number: u64, memory: &mut Memory) -> Option<Self> {
        let f = first.flags;
        if f.syn() && (f.fin() || f.rst()) {
            return None;
        }
        memory.epoch.get_or_insert(first.at());
        let mut flow = Self {
            link: NONE,
            word: 0,
            number: Number::new(number),
            bits: 0,
            len: 0,
            form: Form::Loose,
        };
        flow.add(first, &mut memory.loose);
        Some(flow)
    }

    /// Its number, by first frame.
    pub(super) fn number(&self) -> u64 {
        self.number.get()
    }

    /// Takes in a segment that opens and ends nothing, of a connection that is neither being opened nor
    /// ended, as most are: as [`Self::push`] would, which has nothing to ask or to note then. False if
    /// it is another one.
    #[inline]
    pub(super) fn push_plain(&mut self, seen: &Seen, loose: &mut Loose, most: u8) -> bool {
        let of_note = seen.flags.0 & OF_NOTE.0 | self.bits & bit::OF_NOTE;
        if of_note != 0 || self.is_packed() || self.len >= most {
            return false;
        }
        loose.push(&mut self.link, self.len, seen, false);
        self.len += 1;
        true
    }

    /// Takes in a segment. False if the facts must be known first. `most`: segments.
    pub(super) fn push(&mut self, seen: &Seen, memory: &mut Memory, most: u8) -> bool {
        if self.len >= most {
            return false;
        }
        if self.is_packed() {
            return self.push_packed(seen, memory);
        }
        let loose = &memory.loose;
        let others = Others {
            fin: || loose.beside(self.link),
            syn: || {
                let mut isn = None;
                loose.each(self.link, self.len, |s| see_syn(&mut isn, s, seen.from()));
                isn
            },
        };
        if !self.owns(seen, others) {
            return false;
        }
        self.add(seen, &mut memory.loose);
        true
    }

    /// To a flow whose segments are packed, and stay so: they are read, as each is told from those
    /// before, and what is new is written behind them.
    #[inline(never)]
    fn push_packed(&mut self, seen: &Seen, memory: &mut Memory) -> bool {
        let mut packing = memory.packing();
        let bytes = &mut memory.bytes;
        let last = memory.packed.read(self.link, bytes);
        let (mut fin, mut syn) = (SeqNum(0), None);
        let is_of_note = (seen.flags.0 & OF_NOTE.0 | self.bits & bit::OF_NOTE) != 0;
        for _ in 0..self.len {
            let Some(other) = packing.next(bytes) else {
                return false;
            };
            if is_of_note {
                see_syn(&mut syn, &other, seen.from());
                let is_fin = other.flags.fin() && !other.flags.rst();
                if is_fin && other.from() != self.first_end() {
                    fin = other.end();
                }
            }
        }
        let others = Others {
            fin: || fin,
            syn: || syn,
        };
        if !self.owns(seen, others) {
            return false;
        }
        let had = packing.len();
        packing.add(bytes, seen);
        let len = packing.len();
        memory
            .packed
            .extend(&mut self.link, last, bytes, [had, len]);
        self.len += 1;
        self.see(seen);
        true
    }

    /// Makes `flow` the flow of these segments.
    pub(super) fn replay(
        &self,
        key: Key,
        previous: Option<&Predecessor>,
        (memory, unpacked): (&Memory, &mut Unpacked),
        flow: &mut Flow,
    ) {
        // Those of a scan, which are many.
        if self.len == 1
            && !self.is_packed()
            && let Some(only) = memory.loose.last(self.link, 1)
        {
            flow.begin(key, self.number(), only);
            flow.previous = previous.map(|previous| Box::new(*previous));
            return;
        }
        let mut segments = flow.log.take();
        match self.form {
            Form::Loose => memory.loose.read(self.link, self.len, &mut segments),
            Form::Packed => {
                let read = memory.read(self.link, self.len, unpacked);
                read.clone_into(&mut segments);
            }
        }
        if let Some(first) = segments.first() {
            flow.clear(key, self.number(), first);
            flow.previous = previous.map(|previous| Box::new(*previous));
            flow.push_all(segments);
        }
    }

    /// Packs the segments, if they are not.
    pub(super) fn pack(&mut self, memory: &mut Memory) {
        if !self.is_packed() {
            self.link = memory.pack(self.link, self.len);
            self.form = Form::Packed;
        }
    }

    /// Gives the segments back.
    pub(super) fn release(&self, memory: &mut Memory) {
        match self.form {
            Form::Loose => memory.loose.release(self.link),
            Form::Packed => memory.packed.release(self.link),
        }
    }

    /// The next segment needs more than this: for the most part it does not, as segments are only written,
    /// for which nobody waits.
    #[inline]
    pub(super) fn needs_more(&self) -> bool {
        let fins = bit::FIN[0] | bit::FIN[1];
        self.is_packed() || self.bits & fins == fins
    }

    /// Reads what that is of a flow that is not packed.
    pub(super) fn touch(&self, memory: &Memory) -> u64 {
        memory.loose.beside(self.link).0.into()
    }

    /// The first link to its segments.
    pub(super) const fn link(&self) -> u32 {
        self.link
    }

    pub(super) fn is_packed(&self) -> bool {
        self.form == Form::Packed
    }

    /// Where its last segment stands.
    pub(super) fn last(&self, memory: &Memory, unpacked: &mut Unpacked) -> Stamp {
        let last = match self.form {
            Form::Loose => memory.loose.last(self.link, self.len),
            Form::Packed => memory.read(self.link, self.len, unpacked).last(),
        };
        last.map_or_else(Stamp::default, Seen::at)
    }

    /// SYNs of one end are all there is.
    pub(super) const fn is_half_open(&self) -> bool {
        self.bits & (bit::SYN_ONLY | bit::RST) == bit::SYN_ONLY
    }

    /// A RST or both FINs were seen: it may be over.
    pub(super) const fn may_be_over(&self) -> bool {
        let fins = bit::FIN[0] | bit::FIN[1];
        self.bits & bit::RST != 0 || self.bits & fins == fins
    }

    /// It stands on the agenda, or does no more.
    pub(super) const fn set_noted(&mut self, noted: bool) {
        self.bits = self.bits & !bit::NOTED | if noted { bit::NOTED } else { 0 };
    }

    pub(super) const fn is_noted(&self) -> bool {
        self.bits & bit::NOTED != 0
    }

    /// It is certainly a segment of this connection: the facts would say so too.
    fn owns(
        &self,
        seen: &Seen,
        others: Others<impl Fn() -> SeqNum, impl Fn() -> Option<SeqNum>>,
    ) -> bool {
        let (f, from) = (seen.flags, seen.from());
        if f.rst() {
            return !f.syn();
        }
        if f.syn() {
            return !f.fin() && self.owns_syn(seen, others.syn);
        }
        if self.bits & (bit::FIN[0] | bit::FIN[1]) == 0 {
            return true;
        }
        let within = |end: SeqNum, number: SeqNum| end.minus(number.0).0 <= NEAR;
        let [mine, peer] = [from, from ^ 1].map(|end| {
            let has_fin = self.bits & bit::FIN[usize::from(end & 1)] != 0;
            has_fin.then(|| self.fin_end(end, &others.fin))
        });
        mine.is_none_or(|end| within(end, seen.end()) && (!f.fin() || seen.end() == end))
            && peer.is_none_or(|end| within(end, seen.ack) || !f.ack())
    }

    /// A copy of a SYN, or an answer to the first one. With another number it may answer for an
    /// older connection. `syn`: the number of its sender's first SYN.
    fn owns_syn(&self, seen: &Seen, syn: impl Fn() -> Option<SeqNum>) -> bool {
        if self.bits & bit::SYN_ONLY != 0 {
            let isn = SeqNum(self.word);
            if seen.from() == self.first_end() {
                return seen.seq == isn;
            }
            return seen.flags.ack() && seen.ack == isn.plus(1);
        }
        syn() == Some(seen.seq)
    }

    /// The number after an end's FIN, if there is one. `second`: after the second end's.
    fn fin_end(&self, end: u8, second: impl Fn() -> SeqNum) -> SeqNum {
        if end == self.first_end() {
            SeqNum(self.word)
        } else {
            second()
        }
    }

    /// Which end's FIN, or SYN, was the first one.
    const fn first_end(&self) -> u8 {
        (self.bits & bit::SECOND_FIRST != 0) as u8
    }

    #[expect(
        clippy::inline_always,
        reason = "it is as short as what must be saved around a call"
    )]
    #[inline(always)]
    fn add(&mut self, seen: &Seen, loose: &mut Loose) {
        let fins = bit::FIN[0] | bit::FIN[1];
        let both = self.bits & fins == fins;
        loose.push(&mut self.link, self.len, seen, both);
        self.len += 1;
        if self.see(seen) {
            loose.set_beside(self.link, seen.end());
        }
    }

    /// Notes what there is to note of a segment that was added. True if it is the FIN of the end whose
    /// FIN was not the first one.
    #[expect(clippy::inline_always, reason = "as of `add`")]
    #[inline(always)]
    fn see(&mut self, seen: &Seen) -> bool {
        let fins = bit::FIN[0] | bit::FIN[1];
        let (f, end) = (seen.flags, seen.from() & 1);
        if f.rst() {
            self.bits |= bit::RST;
            return false;
        }
        if !f.syn() || f.ack() {
            self.bits &= !bit::SYN_ONLY;
        } else if self.len == 1 {
            self.bits |= bit::SYN_ONLY | (end * bit::SECOND_FIRST);
            self.word = seen.seq.0;
        }
        if !f.fin() {
            return false;
        }
        if self.bits & fins == 0 {
            self.bits = (self.bits & !bit::SECOND_FIRST) | (end * bit::SECOND_FIRST);
        }
        self.bits |= bit::FIN[usize::from(end)];
        let is_first = end == self.first_end();
        if is_first {
            self.word = seen.end().0;
        }
        !is_first
    }
}

/// What is asked of the segments of a flow only where it matters: the number after the FIN of the
/// end whose FIN was not the first one, and that of the first SYN of whoever sent the next segment.
struct Others<F, S> {
    fin: F,
    syn: S,
}

/// Notes the number of the first SYN of an end.
fn see_syn(isn: &mut Option<SeqNum>, seen: &Seen, from: u8) {
    if seen.from() == from && seen.flags.syn() && !seen.flags.rst() {
        isn.get_or_insert(seen.seq);
    }
}
