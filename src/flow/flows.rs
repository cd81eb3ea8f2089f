//! Every flow that is still kept, each as briefly as it may be.

mod ahead;
mod due;
mod entries;
mod order;
#[cfg(test)]
mod tests;
mod whole;

use crate::flow::agenda::Agenda;
use crate::flow::awake::{AHEAD, Awake};
use crate::flow::brief::{Brief, Memory, SEGMENTS, Unpacked};
use crate::flow::connection;
use crate::flow::key::{Key, ShortKey};
use crate::flow::loose::Rooms;
use crate::flow::pool::NONE;
use crate::flow::record::Flow;
use crate::flow::relations::Predecessor;
use crate::flow::seen::Seen;
use crate::flow::slab::Slab;
use crate::flow::talk::Talk;
use crate::packet::Said;
use crate::stamp::{SECOND, Time};
use entries::{Entries, Entry, Kept};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;

/// Of so many flows on memory is dear.
const MANY: usize = 1 << 17;
/// Nothing is expected of a flow that is over once it was quiet for so long: Linux repeats a FIN at
/// intervals below a minute for the first minute (RFC 6298 section 5.5, from 200 ms), and what is
/// asked of the connection before is asked within a minute.
const QUIET: i64 = 60 * SECOND;

/// Flows of which is kept what they say, at most: each takes some 300 bytes for it.
const TALKING: usize = 1 << 17;

/// The flows that are kept.
#[derive(Debug)]
pub(super) struct Flows {
    entries: Entries,
    /// The keys that entries have no room for.
    keys: Slab<Key>,
    free: u32,
    live: usize,
    /// Those that are SYNs of one end only.
    half_open: usize,
    /// The number of the flow that begins next.
    number: u64,
    memory: Memory,
    /// The packed segments that were read last.
    unpacked: Unpacked,
    whole: Slab<Flow>,
    /// The connections before those brief flows that have one.
    previous: HashMap<u32, Predecessor, foldhash::fast::RandomState>,
    /// What the brief flows say.
    talks: HashMap<u32, Box<Talk>, foldhash::fast::RandomState>,
    /// How many flows say something.
    talking: usize,
    /// Messages that were not kept.
    pub(super) unheard: u64,
    awake: Awake,
    agenda: Agenda,
    /// So many of the next ones on the agenda were read already.
    ahead: usize,
    /// A flow that is over waits so long, in nanoseconds.
    pub(super) quiet: i64,
    /// And so many times as long as its segments are apart.
    pub(super) slow: i64,
    /// Where a brief flow's facts are when it is looked at, and whose they are.
    facts: Flow,
    facts_of: u32,
    /// They are made without its history.
    forgoes: bool,
    /// Segments of a brief flow at most.
    most: u8,
}

impl Default for Flows {
    fn default() -> Self {
        Self {
            entries: Entries::default(),
            keys: Slab::default(),
            free: NONE,
            live: 0,
            half_open: 0,
            number: 0,
            memory: Memory::default(),
            unpacked: Unpacked::default(),
            whole: Slab::default(),
            previous: HashMap::default(),
            talks: HashMap::default(),
            talking: 0,
            unheard: 0,
            awake: Awake::default(),
            agenda: Agenda::default(),
            ahead: 0,
            quiet: QUIET,
            slow: 0,
            facts: Flow::default(),
            facts_of: NONE,
            forgoes: false,
            most: SEGMENTS,
        }
    }
}

/// What became of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pushed {
    /// This is the key's current flow now.
    Current(u32),
    /// The flow it was pushed to was not.
    NotCurrent,
}

impl Flows {
    /// Nobody will ask for the history of a flow: what is made of a brief one is without.
    pub(super) const fn forgo_histories(&mut self) {
        self.forgoes = true;
    }

    /// Takes room for segments.
    pub(super) fn take_room(&mut self, rooms: &mut Rooms) {
        self.memory.loose.take_room(rooms);
    }

    /// How many are kept.
    pub(super) const fn live(&self) -> usize {
        self.live
    }

    /// How many of them are SYNs of one end only.
    pub(super) const fn half_open(&self) -> usize {
        self.half_open
    }

    /// Sets how many segments a brief flow has at most, and how many such flows are not packed.
    #[cfg(test)]
    pub(super) const fn keep_brief(&mut self, most: u8, awake: usize) {
        self.most = most;
        self.awake.limit(awake);
    }

    pub(super) fn key(&self, at: u32) -> Option<Key> {
        self.entries.get(at as usize)?.key.key(&self.keys)
    }

    /// It is a flow of this key. `kept`: gives the key that is kept at a place, if it is not whole.
    #[inline]
    pub(super) fn is_of<'a>(
        &self,
        at: u32,
        key: ShortKey,
        kept: impl FnOnce(u32) -> Option<&'a Key>,
    ) -> bool {
        let entry = self.entries.get(at as usize);
        entry.is_some_and(|entry| is_of(&self.keys, entry, key, kept))
    }

    /// Takes in a segment as most are, of a flow as most are. False if it is another one, None if the
    /// flow is not of this key. Nobody may have asked for facts since [`Self::change`] was called last.
    #[inline]
    pub(super) fn push_plain<'a>(
        &mut self,
        at: u32,
        (key, seen): (ShortKey, &Seen),
        kept: impl FnOnce(u32) -> Option<&'a Key>,
    ) -> Option<bool> {
        let entry = self.entries.get_mut(at as usize)?;
        if !is_of(&self.keys, entry, key, kept) {
            return None;
        }
        if let Kept::Brief(brief) = &mut entry.kept {
            return Some(brief.push_plain(seen, &mut self.memory.loose, self.most));
        }
        match entry.kept {
            Kept::Whole(place) => Some(self.hold(place, seen)),
            _ => None,
        }
    }

    /// Segments come next: facts that were brought out hold no longer.
    pub(super) const fn change(&mut self) {
        self.facts_of = NONE;
    }

    /// Begins the flow of a first segment. `previous`: the connection before on the key.
    pub(super) fn begin(&mut self, key: Key, first: &Seen, previous: Option<Predecessor>) -> u32 {
        let number = self.next_number();
        if let Some(brief) = Brief::new(first, number, &mut self.memory) {
            let at = self.insert(key, Kept::Brief(brief));
            self.half_open += usize::from(brief.is_half_open());
            if let Some(previous) = previous {
                self.previous.insert(at, previous);
            }
            self.wake(at, first.at().time);
            if brief.may_be_over() {
                self.note(at, first.at().time);
            }
            return at;
        }
        let mut flow = Flow::default();
        flow.begin(key, number, first);
        flow.previous = previous.map(Box::new);
        let place = self.whole.insert(flow);
        let at = self.insert_whole(key, place);
        self.note(at, first.at().time);
        at
    }

    /// Takes in what the payload of a segment says that was pushed to this flow.
    pub(super) fn hear(&mut self, at: u32, seen: &Seen, said: &Said) {
        let room = self.talking < TALKING;
        let talk = match self.entries.get(at as usize).map(|entry| &entry.kept) {
            Some(Kept::Brief(_)) => match self.talks.entry(at) {
                MapEntry::Occupied(talk) => Some(talk.into_mut()),
                MapEntry::Vacant(none) => begins(said, room).map(|talk| {
                    self.talking += 1;
                    none.insert(talk)
                }),
            },
            Some(Kept::Whole(place)) => {
                let Some(flow) = self.whole.get_mut(*place) else {
                    return;
                };
                flow.settle();
                if !flow.holds(seen) {
                    return;
                }
                if flow.talk.is_none() {
                    flow.talk = begins(said, room);
                    self.talking += usize::from(flow.talk.is_some());
                }
                flow.talk.as_mut()
            }
            _ => return,
        };
        match talk {
            Some(talk) => talk.hear(seen, said),
            None => self.unheard += u64::from(!room),
        }
    }

    /// Takes in a segment of the key whose current flow seems to be `at`: any segment, and by itself, so
    /// that a plain one saves no registers.
    #[inline(never)]
    pub(super) fn push_any(&mut self, at: u32, seen: &Seen) -> Pushed {
        self.facts_of = NONE;
        let brief = match self.entries.get_mut(at as usize).map(|e| &mut e.kept) {
            Some(Kept::Brief(brief)) => brief,
            Some(&mut Kept::Whole(place)) => return self.push_whole(at, place, seen),
            Some(Kept::Free(_)) | None => return Pushed::NotCurrent,
        };
        let was_half_open = brief.is_half_open();
        self.unpacked.forget();
        if !brief.push(seen, &mut self.memory, self.most) {
            let concluded = *brief;
            return self.conclude(at, concluded, seen);
        }
        self.half_open -= usize::from(was_half_open && !brief.is_half_open());
        if brief.may_be_over() && !brief.is_noted() {
            self.note(at, seen.at().time);
        }
        self.pack_excess(seen.at().time);
        Pushed::Current(at)
    }

    /// How many are kept as facts.
    #[cfg(test)]
    pub(super) const fn whole(&self) -> usize {
        self.whole.len()
    }

    /// The facts of a flow, and whether a newer connection took its place.
    pub(super) fn facts(&mut self, at: u32) -> Option<&Flow> {
        let entry = self.entries.get(at as usize)?;
        match &entry.kept {
            Kept::Free(_) => None,
            Kept::Brief(brief) => {
                if self.facts_of != at {
                    let (key, previous) = (entry.key.key(&self.keys)?, self.previous.get(&at));
                    self.facts.history.forgo(self.forgoes);
                    let from = (&self.memory, &mut self.unpacked);
                    brief.replay(key, previous, from, &mut self.facts);
                    self.facts.talk = self.talks.get(&at).cloned();
                    self.facts_of = at;
                }
                Some(&self.facts)
            }
            Kept::Whole(place) => {
                let place = *place;
                self.settle(place);
                self.whole.get(place)
            }
        }
    }

    /// A whole flow knows what is known by now, also of the connection that took its place.
    fn settle(&mut self, place: u32) {
        let Some(flow) = self.whole.get_mut(place) else {
            return;
        };
        flow.settle();
        if let Some(newer) = flow.beside.newer {
            connection::leave_old(&mut self.whole, newer);
        }
    }

    /// None of these flows gets more segments.
    pub(super) fn end_all(&mut self, places: &[u32]) {
        for &at in places {
            self.end(at);
        }
        for &at in places {
            if let Some(Kept::Whole(place)) = self.entries.get(at as usize).map(|e| e.kept) {
                self.settle(place);
            }
        }
    }

    /// Makes `into` the facts of a flow, after [`Self::end_all`]. False if there is none.
    pub(super) fn bring_out(&self, at: u32, unpacked: &mut Unpacked, into: &mut Flow) -> bool {
        let Some(entry) = self.entries.get(at as usize) else {
            return false;
        };
        match &entry.kept {
            Kept::Free(_) => return false,
            Kept::Brief(brief) => {
                let Some(key) = entry.key.key(&self.keys) else {
                    return false;
                };
                into.history.forgo(self.forgoes);
                let from = (&self.memory, unpacked);
                brief.replay(key, self.previous.get(&at), from, into);
                into.talk = self.talks.get(&at).cloned();
            }
            Kept::Whole(place) => {
                let Some(flow) = self.whole.get(*place) else {
                    return false;
                };
                into.clone_from(flow);
            }
        }
        true
    }

    /// A flow gets no more segments. Gives the key's current flow from then on, if there is one yet.
    pub(super) fn end(&mut self, at: u32) -> Option<u32> {
        let Some(Kept::Whole(place)) = self.entries.get(at as usize).map(|entry| entry.kept) else {
            return None;
        };
        let current = connection::finish(&mut self.whole, place);
        let current = self.whole.get(current)?.entry;
        (current != at).then_some(current)
    }

    /// Forgets a flow.
    pub(super) fn remove(&mut self, at: u32) {
        self.facts_of = NONE;
        self.unpacked.forget();
        let Some(entry) = self.entries.get_mut(at as usize) else {
            return;
        };
        let kept = std::mem::replace(&mut entry.kept, Kept::Free(self.free));
        match kept {
            Kept::Free(_) => {
                entry.kept = kept;
                return;
            }
            Kept::Brief(brief) => {
                self.half_open -= usize::from(brief.is_half_open());
                brief.release(&mut self.memory);
                self.previous.remove(&at);
                self.talking -= usize::from(self.talks.remove(&at).is_some());
            }
            Kept::Whole(place) => {
                let talks = self
                    .whole
                    .get(place)
                    .is_some_and(|flow| flow.talk.is_some());
                self.talking -= usize::from(talks);
                self.whole.remove(place);
            }
        }
        if let Some(place) = entry.key.place() {
            self.keys.remove(place);
        }
        entry.key = ShortKey::kept_at(NONE);
        self.free = at;
        self.live -= 1;
    }

    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number - 1
    }

    fn insert(&mut self, key: Key, kept: Kept) -> u32 {
        let short = || ShortKey::kept_at(self.keys.insert(key));
        let key = ShortKey::of(&key).unwrap_or_else(short);
        let entry = Entry { key, kept };
        self.live += 1;
        let at = self.free;
        if let Some(slot) = self.entries.get_mut(at as usize) {
            if let Kept::Free(next) = slot.kept {
                self.free = next;
            }
            *slot = entry;
            return at;
        }
        self.entries.push(entry);
        self.entries.len() as u32 - 1
    }

    fn insert_whole(&mut self, key: Key, place: u32) -> u32 {
        let at = self.insert(key, Kept::Whole(place));
        if let Some(flow) = self.whole.get_mut(place) {
            flow.entry = at;
        }
        at
    }

    /// A brief flow has segments that are not packed: it is the last of those, and the first of them
    /// may have to be.
    fn wake(&mut self, at: u32, now: Time) {
        if self.live >= MANY {
            self.awake.spare();
        }
        self.awake.add(at, now);
        self.pack_excess(now);
    }

    /// Packs some of the flows that are awake for longest, if they must be.
    fn pack_excess(&mut self, now: Time) {
        if self.awake.has_excess(now) {
            self.pack_some(now);
        }
    }

    #[inline(never)]
    fn pack_some(&mut self, now: Time) {
        let mut next = SmallVec::<[u32; AHEAD]>::new();
        next.extend(self.awake.excess(now));
        self.touch_ahead(&next);
        for at in next {
            let entry = self.entries.get_mut(at as usize);
            if let Some(Kept::Brief(brief)) = entry.map(|entry| &mut entry.kept) {
                brief.pack(&mut self.memory);
            }
        }
    }

    fn number_of(&self, at: u32) -> Option<u64> {
        match &self.entries.get(at as usize)?.kept {
            Kept::Free(_) => None,
            Kept::Brief(brief) => Some(brief.number()),
            Kept::Whole(place) => self.whole.get(*place).map(|flow| flow.number),
        }
    }
}

#[inline]
fn is_of<'a>(
    keys: &Slab<Key>,
    entry: &Entry,
    key: ShortKey,
    kept: impl FnOnce(u32) -> Option<&'a Key>,
) -> bool {
    match key.place() {
        None => entry.key == key,
        Some(place) => is_of_long(keys, entry, kept(place)),
    }
}

#[inline(never)]
fn is_of_long(keys: &Slab<Key>, entry: &Entry, key: Option<&Key>) -> bool {
    key.is_some() && entry.key.key(keys).as_ref() == key
}

/// What a flow says from this on, if there is room for it and it is a beginning.
fn begins(said: &Said, room: bool) -> Option<Box<Talk>> {
    let is_end = matches!(said, Said::LastChunk { .. });
    (room && !is_end).then(Box::default)
}
