//! Segments on their way to the flow table: what can be made of each without knowing any flow.

use crate::flow::key::{Key, ShortKey};
use crate::flow::loose::Rooms;
use crate::flow::reorder::Arrival;
use crate::flow::seen::Seen;
use crate::packet::{Said, Segment, Usual};
use crate::stamp::{Stamp, Time};
use foldhash::fast::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;

/// Segments in the order of their records, each with its key's hash: to make these takes no flow, so
/// that it may be done elsewhere than where the flows are. [`FlowTable::push_arrivals`] takes them.
///
/// [`FlowTable::push_arrivals`]: crate::flow::FlowTable::push_arrivals
#[derive(Debug, Default)]
pub struct Arrivals {
    /// Behind `len` is room: an arrival is laid there field by field, as it becomes known.
    list: Vec<Arrival>,
    len: usize,
    /// The keys that arrivals have no room for.
    keys: Vec<Key>,
    /// What their payloads say.
    said: Vec<Said>,
    /// The numbers of those that are earlier than the ones before them.
    steps_back: Vec<usize>,
    hasher: RandomState,
    /// Where the table will keep them.
    pub(super) rooms: Rooms,
}

impl Arrivals {
    /// For the table that hashes so; with room for so many.
    pub(super) fn new(hasher: RandomState, room: usize) -> Self {
        Self {
            list: vec![Arrival::default(); room],
            len: 0,
            keys: Vec::new(),
            said: Vec::new(),
            steps_back: Vec::new(),
            hasher,
            rooms: Rooms::default(),
        }
    }

    /// Takes along memory in which the table will keep segments: called by the table's thread, which
    /// gets it back by [`FlowTable::take_room`].
    ///
    /// [`FlowTable::take_room`]: crate::flow::FlowTable::take_room
    pub fn carry_room(&mut self) {
        self.rooms.make();
    }

    /// Uses that memory once: its first use takes time, of which another thread has more.
    pub fn use_room(&mut self) {
        self.rooms.use_once();
    }

    /// How many there are.
    #[inline]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// There are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes room for others; keeps the memory.
    pub fn clear(&mut self) {
        self.len = 0;
        self.keys.clear();
        self.said.clear();
        self.steps_back.clear();
    }

    /// Takes in the segment that stands at `at`.
    pub fn push(&mut self, segment: &Segment, at: Stamp) {
        self.turn_to(at.time);
        self.push_next(segment, at);
    }

    /// The next segment stands at that time: before the last one, maybe.
    pub(crate) fn turn_to(&mut self, time: Time) {
        let last = self.len.checked_sub(1).and_then(|last| self.list.get(last));
        if last.is_some_and(|last| time < last.time()) {
            self.steps_back.push(self.len);
        }
    }

    /// The same, of a segment that is not earlier than the last one, unless [`Self::turn_to`] told so.
    #[inline(never)]
    pub(crate) fn push_next(&mut self, segment: &Segment, at: Stamp) {
        self.take(segment, at, 0);
    }

    /// The same, of a frame of the usual kind with the usual options: most are.
    #[expect(
        clippy::inline_always,
        reason = "else what was found goes through memory"
    )]
    #[inline(always)]
    pub(crate) fn push_usual(&mut self, usual: &Usual<'_>, at: Stamp) {
        let Some(room) = self.list.get_mut(self.len) else {
            return self.push_next(&usual.segment(), at);
        };
        let (key, from) = ShortKey::of_ends(usual.ends(), 0);
        (room.key, room.said) = (key, 0);
        room.hash = self.hasher.hash_one(key);
        room.seen.become_usual(usual, from, at);
        self.len += 1;
    }

    /// The same, of a segment whose payload says something.
    #[inline(never)]
    pub(crate) fn push_said(&mut self, segment: &Segment, said: Said, at: Stamp) {
        self.said.push(said);
        // More than that are in no batch.
        let place = u16::try_from(self.said.len()).unwrap_or(0);
        self.take(segment, at, place);
    }

    fn take(&mut self, segment: &Segment, at: Stamp, said: u16) {
        if let Some((key, from)) = ShortKey::of_segment(segment) {
            let hash = self.hasher.hash_one(key);
            let arrival = Arrival::new(key, hash, Seen::new(segment, from, at));
            self.add(arrival.saying(said));
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
        self.add(arrival.saying(said));
    }

    fn add(&mut self, arrival: Arrival) {
        match self.list.get_mut(self.len) {
            Some(room) => *room = arrival,
            None => self.list.push(arrival),
        }
        self.len += 1;
    }

    /// Those of these numbers.
    #[inline]
    pub(super) fn some(&self, numbers: Range<usize>) -> &[Arrival] {
        let end = numbers.end.min(self.len);
        self.list.get(numbers.start..end).unwrap_or_default()
    }

    /// Those from `first` to `end`, up to the next one that is earlier than the one before it; none if the
    /// first one is.
    #[inline]
    pub(super) fn in_order(&self, first: usize, end: usize) -> &[Arrival] {
        let before = self.steps_back.partition_point(|&number| number < first);
        let step = self.steps_back.get(before);
        self.some(first..step.map_or(end, |&step| step.min(end)))
    }

    /// The frame of the last of those of these numbers, and the latest time of any.
    pub fn end(&self, numbers: Range<usize>) -> Option<Stamp> {
        let some = self.some(numbers);
        let mut end = some.last()?.seen.at();
        if !self.steps_back.is_empty() {
            let times = some.iter().map(Arrival::time);
            end.time = times.max().unwrap_or(end.time);
        }
        Some(end)
    }

    /// None has anything beside.
    pub(super) const fn is_short(&self) -> bool {
        self.keys.is_empty() && self.said.is_empty()
    }

    /// The key that an arrival has no room for.
    pub(super) fn key(&self, place: u32) -> Option<&Key> {
        self.keys.get(place as usize)
    }

    /// What the payload of an arrival says.
    pub(super) fn said(&self, arrival: &Arrival) -> Option<Said> {
        let place = usize::from(arrival.said).checked_sub(1)?;
        self.said.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::{Arrivals, RandomState};
    use crate::packet::{Usual, decode};
    use crate::stamp::{Stamp, Time};
    use proptest::prelude::*;

    /// The headers of a usual frame, and the options of such ones.
    const HEADS: [u8; 54] = {
        let mut frame = [0x11; 54];
        (frame[12], frame[13], frame[14]) = (0x08, 0x00, 0x45);
        (frame[20], frame[21], frame[23]) = (0x40, 0, 6);
        frame
    };
    const STAMPS: [u8; 12] = [1, 1, 8, 10, 0x81, 2, 3, 4, 5, 6, 7, 0xf8];
    const LINUX_SYN: [u8; 20] = [
        2, 4, 5, 180, 4, 2, 8, 10, 0x81, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 9,
    ];

    proptest! {
        #[test]
        fn a_usual_frame_is_what_its_segment_is(
            bytes in prop::array::uniform20(any::<u8>()),
            options in prop::sample::select(vec![&[][..], &STAMPS, &LINUX_SYN]),
            (change, frame, time, len) in (any::<Option<(u8, u8)>>(), any::<u64>(), any::<i64>(), 40_u16..99),
        ) {
            let mut head = HEADS;
            head[16..18].copy_from_slice(&len.to_be_bytes());
            // Addresses, ports, numbers, flags, window.
            head[26..34].copy_from_slice(&bytes[..8]);
            head[34..46].copy_from_slice(&bytes[6..18]);
            (head[47], head[48]) = (bytes[18], bytes[19]);
            head[46] = ((20 + options.len()) as u8 / 4) << 4;
            let mut frame_bytes = [&head[..], options, &[0; 50]].concat();
            if let Some((place, value)) = change {
                frame_bytes[14 + usize::from(place % 80)] = value;
            }
            let at = Stamp { frame, time: Time(time) };
            let mut arrivals = Arrivals::new(RandomState::default(), 1);
            if let Some(usual) = Usual::v4(1, &frame_bytes) {
                arrivals.push_usual(&usual, at);
                arrivals.push(&decode(1, &frame_bytes, 1514).unwrap(), at);
                let [usual, general] = arrivals.some(0..2) else { panic!("two") };
                prop_assert_eq!((usual.key, usual.hash, usual.seen), (general.key, general.hash, general.seen));
            }
        }
    }
}
