//! Segments on their way to the flow table: what can be made of each without knowing any flow.

use crate::flow::key::{Key, ShortKey};
use crate::flow::loose::Rooms;
use crate::flow::reorder::Arrival;
use crate::flow::seen::Seen;
use crate::packet::{Said, Segment};
use crate::stamp::Stamp;
use foldhash::fast::RandomState;
use std::hash::BuildHasher;

/// Segments in the order of their records, each with its key's hash: to make these takes no flow, so
/// that it may be done elsewhere than where the flows are. [`FlowTable::push_arrival`] takes them.
///
/// [`FlowTable::push_arrival`]: crate::flow::FlowTable::push_arrival
#[derive(Debug, Default)]
pub struct Arrivals {
    list: Vec<Arrival>,
    /// The keys that arrivals have no room for.
    keys: Vec<Key>,
    /// What their payloads say.
    said: Vec<Said>,
    hasher: RandomState,
    /// Where the table will keep them.
    pub(super) rooms: Rooms,
}

impl Arrivals {
    /// For the table that hashes so; with room for so many.
    pub(super) fn new(hasher: RandomState, room: usize) -> Self {
        Self {
            list: Vec::with_capacity(room),
            keys: Vec::new(),
            said: Vec::new(),
            hasher,
            rooms: Rooms::default(),
        }
    }

    /// Brings along memory in which the table keeps segments: for another thread than the table's, which
    /// has more to do.
    pub fn bring_room(&mut self) {
        self.rooms.make();
    }

    /// How many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// There are none.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Makes room for others; keeps the memory.
    pub fn clear(&mut self) {
        self.list.clear();
        self.keys.clear();
        self.said.clear();
    }

    /// Takes in the segment that stands at `at`.
    #[expect(
        clippy::inline_always,
        reason = "else the usual segment goes through memory twice"
    )]
    #[inline(always)]
    pub fn push(&mut self, segment: &Segment, at: Stamp) {
        self.take(segment, at, 0);
    }

    /// The same, of a segment whose payload says something.
    #[inline(never)]
    pub fn push_said(&mut self, segment: &Segment, said: Said, at: Stamp) {
        self.said.push(said);
        // More than that are in no batch.
        let place = u16::try_from(self.said.len()).unwrap_or(0);
        self.take(segment, at, place);
    }

    #[expect(clippy::inline_always, reason = "as of `push`")]
    #[inline(always)]
    fn take(&mut self, segment: &Segment, at: Stamp, said: u16) {
        if let Some((key, from)) = ShortKey::of_segment(segment) {
            let hash = self.hasher.hash_one(key);
            let arrival = Arrival::new(key, hash, Seen::new(segment, from, at));
            self.list.push(arrival.saying(said));
        } else {
            self.take_long(segment, at, said);
        }
    }

    /// Of a key that is not short.
    #[inline(never)]
    fn take_long(&mut self, segment: &Segment, at: Stamp, said: u16) {
        let (key, from) = Key::of(segment);
        let hash = self.hasher.hash_one(key);
        let place = ShortKey::kept_at(self.keys.len() as u32);
        self.keys.push(key);
        let arrival = Arrival::new(place, hash, Seen::new(segment, from, at));
        self.list.push(arrival.saying(said));
    }

    #[inline]
    pub(super) fn get(&self, number: usize) -> Option<&Arrival> {
        self.list.get(number)
    }

    /// What only few have beside: a key that is kept here, and what its payload says.
    pub(super) fn beside(&self, arrival: &Arrival) -> (Option<Key>, Option<Said>) {
        let key = arrival.key.place();
        let key = key.and_then(|place| self.keys.get(place as usize));
        let said = usize::from(arrival.said).checked_sub(1);
        let said = said.and_then(|place| self.said.get(place));
        (key.copied(), said.copied())
    }
}
