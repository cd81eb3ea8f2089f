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
