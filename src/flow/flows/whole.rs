//! Flows that are kept as facts.

use super::{Flows, Kept, Pushed};
use crate::flow::brief::Brief;
use crate::flow::connection;
use crate::flow::record::Flow;
use crate::flow::seen::Seen;

impl Flows {
    /// Takes in a segment of a flow that is kept as facts, at this place among those.
    pub(super) fn push_whole(&mut self, at: u32, place: u32, seen: &Seen) -> Pushed {
        let Some(flow) = self.whole.get_mut(place) else {
            return Pushed::NotCurrent;
        };
        if flow.superseded || flow.pending {
            return Pushed::NotCurrent;
        }
        flow.settle();
        if !flow.push_if_alone(seen) {
            return self.push_beside(at, place, seen);
        }
        if !flow.noted && flow.may_be_over() {
            self.note(at, seen.at().time);
        }
        Pushed::Current(at)
    }

    /// Takes in a segment as most are, of a steady flow that is kept as facts at this place. False if
    /// it is another one.
    #[inline(never)]
    pub(super) fn hold(&mut self, place: u32, seen: &Seen) -> bool {
        let flow = self.whole.get_mut(place);
        flow.is_some_and(|flow| flow.hold(seen))
    }

    /// The same of a segment that may belong to another connection.
    #[inline(never)]
    fn push_beside(&mut self, at: u32, place: u32, seen: &Seen) -> Pushed {
        let Some(key) = self.key(at) else {
            return Pushed::NotCurrent;
        };
        let time = seen.at().time;
        let pushed = connection::push(&mut self.whole, place, seen, self.number);
        if let Some(place) = pushed.began {
            self.number += 1;
            self.insert_whole(key, place);
        }
        if let Some(unused) = pushed.unused.and_then(|place| self.whole.get(place)) {
            self.remove(unused.entry);
        }
        self.note(at, time);
        let current = self.whole.get(pushed.current).map_or(at, |flow| flow.entry);
        if current != at {
            self.note(current, time);
        }
        Pushed::Current(current)
    }

    /// A brief flow, whose facts must be known to take in the next segment, joins the whole ones.
    #[inline(never)]
    pub(super) fn conclude(&mut self, at: u32, brief: Brief, seen: &Seen) -> Pushed {
        let Some(place) = self.make_whole(at, brief) else {
            return Pushed::NotCurrent;
        };
        self.push_whole(at, place, seen)
    }

    /// Its place among those.
    fn make_whole(&mut self, at: u32, brief: Brief) -> Option<u32> {
        let entry = self.entries.get_mut(at as usize)?;
        let mut flow = Flow::default();
        let (key, previous) = (entry.key.key(&self.keys)?, self.previous.remove(&at));
        let from = (&self.memory, &mut self.unpacked);
        brief.replay(key, previous.as_ref(), from, &mut flow);
        self.unpacked.forget();
        brief.release(&mut self.memory);
        self.half_open -= usize::from(brief.is_half_open());
        flow.entry = at;
        flow.noted = brief.is_noted();
        flow.talk = self.talks.remove(&at);
        let place = self.whole.insert(flow);
        entry.kept = Kept::Whole(place);
        Some(place)
    }
}
