//! What is remembered of flows that are no longer kept: enough to know their late segments, and to
//! name the connection before.

use crate::flow::number::Number;
use crate::flow::record::Flow;
use crate::flow::relations::Predecessor;
use crate::flow::seen::Seen;
use crate::seq::SeqNum;
use crate::stamp::{Stamp, Time};
use hashbrown::HashTable;

/// Flows remembered at most, the last ones forgotten.
const REMEMBERED: usize = 1 << 17;
/// An open flow's next segment is nearer than this to its last number.
const NEAR: u32 = 1 << 28;

/// A flow that is no longer kept.
#[derive(Clone, Copy, Debug)]
struct Gone {
    /// Of its key.
    hash: u64,
    number: Number,
    /// SND.NXT as seen of each end that was seen.
    next: [SeqNum; 2],
    seen: [bool; 2],
    /// Nothing more was to come.
    is_over: bool,
}

/// The flows forgotten last.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    index: HashTable<u32>,
    gone: Vec<Gone>,
    /// The place written next, once all are taken.
    oldest: usize,
    /// Segments that belonged to them.
    late: u64,
}

impl Forgotten {
    /// Remembers a flow. `is_over`: nothing more is to come of it. `hash`: of its key.
    pub(super) fn remember(&mut self, flow: &Flow, hash: u64, is_over: bool) {
        let [a, b] = &flow.half;
        let gone = Gone {
            hash,
            number: Number::new(flow.number),
            next: [a, b].map(|half| half.next().unwrap_or_default()),
            seen: [a, b].map(|half| half.numbers.is_some()),
            is_over,
        };
        if let Some(same) = self.find(hash).and_then(|at| self.gone.get_mut(at)) {
            *same = gone;
            return;
        }
        let at = self.place(gone);
        let gone = &self.gone;
        let hash_of = |&at: &u32| gone.get(at as usize).map_or(0, |gone| gone.hash);
        self.index.insert_unique(hash, at as u32, hash_of);
    }

    /// What the first segment of a key without a flow belongs to: nothing if it is a late one of a
    /// flow that is no longer kept, else a new connection, and this is the one before.
    pub(super) fn meets(&mut self, hash: u64, seen: &Seen) -> Result<Option<Predecessor>, Late> {
        if self.gone.is_empty() {
            return Ok(None);
        }
        let Some(gone) = self.find(hash).and_then(|at| self.gone.get_mut(at)) else {
            return Ok(None);
        };
        if gone.owns(seen) {
            self.late += 1;
            return Err(Late);
        }
        Ok(Some(gone.predecessor()))
    }

    /// Late segments met so far.
    pub(super) const fn late(&self) -> u64 {
        self.late
    }

    fn find(&self, hash: u64) -> Option<usize> {
        let same = |&at: &u32| self.gone.get(at as usize).is_some_and(|g| g.hash == hash);
        self.index.find(hash, same).map(|&at| at as usize)
    }

    fn place(&mut self, gone: Gone) -> usize {
        if self.gone.len() < REMEMBERED {
            self.gone.push(gone);
            return self.gone.len() - 1;
        }
        let at = self.oldest;
        self.oldest = (at + 1) % REMEMBERED;
        if let Some(slot) = self.gone.get_mut(at) {
            let old = std::mem::replace(slot, gone);
            if let Ok(entry) = self.index.find_entry(old.hash, |&i| i as usize == at) {
                entry.remove();
            }
        }
        at
    }
}

/// The segment belongs to a flow that is no longer kept.
pub(super) struct Late;

impl Gone {
    fn owns(&mut self, seen: &Seen) -> bool {
        let (f, from) = (seen.flags, usize::from(seen.from() & 1));
        let (mine, peer) = (self.next(from), self.next(from ^ 1));
        if f.rst() {
            return true;
        }
        if f.syn() {
            let again = mine == Some(seen.end());
            let answers = f.ack() && peer == Some(seen.ack);
            let owns = !self.is_over && (again || answers);
            if owns {
                self.set_next(from, seen.end());
            }
            return owns;
        }
        if self.is_over {
            let before = |next: Option<SeqNum>, number: SeqNum| {
                next.is_none_or(|next| number.at_or_before(next))
            };
            return before(mine, seen.end()) && (!f.ack() || before(peer, seen.ack));
        }
        let near = |next: Option<SeqNum>, number: SeqNum| {
            next.is_none_or(|next| number.since(next).unsigned_abs() < NEAR)
        };
        let owns = near(mine, seen.end()) && (!f.ack() || near(peer, seen.ack));
        if owns {
            let next = mine.map_or(seen.end(), |next| next.latest(seen.end()));
            self.set_next(from, next);
        }
        owns
    }

    fn next(&self, end: usize) -> Option<SeqNum> {
        self.seen[end].then_some(self.next[end])
    }

    const fn set_next(&mut self, end: usize, next: SeqNum) {
        self.next[end] = next;
        self.seen[end] = true;
    }

    /// Its times, timestamps and FINs are of no account any more: what is asked of them is asked
    /// within a minute.
    fn predecessor(&self) -> Predecessor {
        Predecessor {
            flow: self.number.get(),
            next: [self.next(0), self.next(1)],
            tsval: [None; 2],
            last: Stamp {
                frame: 0,
                time: Time(i64::MIN),
            },
            fins: [false; 2],
            acked: [false; 2],
            active: [false; 2],
            reset: false,
            fin: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Forgotten, REMEMBERED};
    use crate::flow::record::Flow;
    use crate::flow::seen::Seen;
    use crate::packet::{Flags, Segment};
    use crate::seq::SeqNum;
    use crate::stamp::Stamp;

    const ACK: Flags = Flags::ACK;
    const SYN_ACK: Flags = Flags::SYN.with(Flags::ACK);
    const FAR: u32 = 1 << 30;

    /// Of an end: SEQ, ACK, length, flags.
    fn seen(from: u8, seq: u32, ack: u32, len: u32, flags: Flags) -> Seen {
        let segment = Segment {
            seq: SeqNum(seq),
            ack: SeqNum(ack),
            len,
            flags,
            ..Segment::default()
        };
        Seen::new(&segment, from, Stamp::default())
    }

    /// Of the first end the numbers up to 110 were seen, of the second one those up to 505.
    fn flow(number: u64) -> Flow {
        let mut flow = Flow::default();
        flow.begin(flow.key, number, &seen(0, 100, 0, 0, Flags::SYN));
        flow.push(&seen(1, 500, 101, 0, SYN_ACK));
        flow.push(&seen(0, 101, 501, 9, ACK));
        flow.push(&seen(1, 501, 110, 4, ACK));
        flow
    }

    /// The segment belongs to the flow.
    fn owns(flow: &Flow, is_over: bool, seen: &Seen) -> bool {
        let mut forgotten = Forgotten::default();
        forgotten.remember(flow, 7, is_over);
        assert!(matches!(forgotten.meets(8, seen), Ok(None)));
        let late = forgotten.meets(7, seen).is_err();
        assert_eq!(forgotten.late(), u64::from(late));
        late
    }

    #[test]
    fn what_is_not_beyond_a_flow_that_is_over_is_late() {
        for (late, seen) in [
            (true, seen(0, 110, 505, 0, ACK)),
            (true, seen(1, 505, 110, 0, ACK)),
            (false, seen(0, 110, 505, 1, ACK)),
            (false, seen(0, 110, 506, 0, ACK)),
            (false, seen(1, 505, 111, 0, ACK)),
            (true, seen(0, 105, 506, 5, Flags::default())),
            (true, seen(0, 0, 0, 0, Flags::RST)),
            (false, seen(0, 100, 0, 0, Flags::SYN)),
            (false, seen(1, 500, 101, 0, SYN_ACK)),
        ] {
            assert_eq!(owns(&flow(3), true, &seen), late, "{seen:?}");
        }
    }

    #[test]
    fn an_open_flow_goes_on_nearby() {
        for (late, seen) in [
            (true, seen(0, 120, 505, 9, ACK)),
            (true, seen(1, 505, 140, 9, ACK)),
            (false, seen(0, 110 + FAR, 505, 0, ACK)),
            (false, seen(0, 110, 505 + FAR, 0, ACK)),
            (true, seen(0, 110, 505 + FAR, 0, Flags::default())),
            (true, seen(0, 110, 505, 0, Flags::RST)),
            (false, seen(0, 100, 0, 0, Flags::SYN)),
            (true, seen(1, 700, 110, 0, SYN_ACK)),
            (false, seen(1, 700, 111, 0, SYN_ACK)),
            (false, seen(0, 700, 505, 0, Flags::SYN)),
        ] {
            assert_eq!(owns(&flow(3), false, &seen), late, "{seen:?}");
        }
        // A SYN again, of a flow that is nothing else.
        let mut syn = Flow::default();
        syn.begin(syn.key, 3, &seen(0, 100, 0, 0, Flags::SYN));
        assert!(owns(&syn, false, &seen(0, 100, 0, 0, Flags::SYN)));
        assert!(!owns(&syn, true, &seen(0, 100, 0, 0, Flags::SYN)));
        assert!(!owns(&syn, false, &seen(0, 101, 0, 0, Flags::SYN)));
    }

    #[test]
    fn it_goes_on_from_where_it_went_on() {
        let mut forgotten = Forgotten::default();
        forgotten.remember(&flow(3), 7, false);
        let mut number = 110_u32;
        for _ in 0..6 {
            number = number.wrapping_add(FAR / 5);
            let next = seen(0, number, 505, 0, ACK);
            assert!(forgotten.meets(7, &next).is_err(), "{number}");
        }
        assert_eq!(forgotten.late(), 6);
        // What is older does not set it back.
        let older = seen(0, number - 9, 505, 0, ACK);
        assert!(forgotten.meets(7, &older).is_err());
        let another = forgotten.meets(7, &seen(0, 5, 0, 0, Flags::SYN));
        let before = another.ok().flatten().expect("the flow before");
        assert_eq!(before.flow, 3);
        assert_eq!(before.next, [Some(SeqNum(number)), Some(SeqNum(505))]);
    }

    #[test]
    fn the_first_ones_are_forgotten_for_good() {
        let (mut forgotten, rst) = (Forgotten::default(), seen(0, 0, 0, 0, Flags::RST));
        let most = REMEMBERED as u64;
        let flow = flow(3);
        for hash in 0..most + 2 {
            forgotten.remember(&flow, hash, true);
            // The same key again takes no room.
            forgotten.remember(&flow, hash, true);
        }
        let mut knows = |hash| forgotten.meets(hash, &rst).is_err();
        assert_eq!([0, 1, 2, most].map(&mut knows), [false, false, true, true]);
        assert!(knows(most + 1));
        assert_eq!(
            (forgotten.gone.len(), forgotten.index.len()),
            (REMEMBERED, REMEMBERED)
        );
    }
}
