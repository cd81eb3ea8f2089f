//! The segments that mattered, in file order.

use crate::close::case::Case;
use crate::close::facts::Facts;
use crate::close::reset::Rst;
use crate::close::verdict::{
    CloseEntries, CloseEntry, CloseEvent, Event, Reset, Resets, Side, TimeWait,
};
use crate::flow::Seen;
use crate::seq::SeqNum;
use std::ptr;

/// Events listed per flow.
const EVENTS: usize = 16;

/// What has been told of an end while the log is read.
#[derive(Clone, Copy)]
struct Told<'a> {
    side: Side,
    /// What its sequence numbers are relative to.
    base: Option<SeqNum>,
    /// Its first segment that acknowledges the peer's FIN.
    first_ack: Option<&'a Seen>,
    /// The number after the peer's FIN, if it owns a TIME-WAIT.
    owned: Option<SeqNum>,
    fin: bool,
    next: Option<SeqNum>,
}

/// Lists the events of opening and close, at most 16, then how many more. Where they are to stay: they
/// are too many bytes to be moved.
pub(super) fn list_events(facts: &Facts, waits: &[TimeWait], all: &mut CloseEntries) {
    let mut told = [Told::of(facts, waits, 0), Told::of(facts, waits, 1)];
    let mut count = 0;
    for seen in facts.log {
        let from = usize::from(seen.from() & 1);
        let (Some(event), peer_base) = (told[from].event(seen), told[from ^ 1].base) else {
            continue;
        };
        count += 1;
        if count > EVENTS {
            continue;
        }
        let relative = |number: SeqNum, base: SeqNum| number.0.wrapping_sub(base.0);
        let ack = peer_base.filter(|_| seen.flags.ack());
        all.push(CloseEntry::Event(CloseEvent {
            frame: seen.at().frame,
            time: Some(seen.at().time),
            from: told[from].side,
            event,
            seq: relative(seen.seq, told[from].base.unwrap_or(SeqNum(0))),
            ack: ack.map(|base| relative(seen.ack, base)),
            len: seen.len(),
        }));
    }
    if count > EVENTS {
        let more = (count - EVENTS) as u64;
        all.push(CloseEntry::More { more });
    }
}

impl<'a> Told<'a> {
    fn of(facts: &Facts<'a>, waits: &[TimeWait], end: u8) -> Self {
        let side = facts.side(end);
        let owns = waits.iter().any(|t| t.owner == side);
        let peer_end = facts.half(side.peer()).fin_end();
        Self {
            side,
            base: facts.base(side),
            first_ack: facts.acks_of_fin(side.peer()).next(),
            owned: peer_end.filter(|_| owns),
            fin: false,
            next: None,
        }
    }

    /// What this segment of the end tells that was not told yet.
    fn event(&mut self, seen: &Seen) -> Option<Event> {
        let f = seen.flags;
        if f.rst() {
            return Some(Event::Rst);
        }
        if !f.syn() && !f.fin() {
            return self.plain(seen);
        }
        self.reach(seen.end());
        if f.syn() {
            return Some(if f.ack() { Event::SynAck } else { Event::Syn });
        }
        let again = std::mem::replace(&mut self.fin, true);
        Some(if again { Event::FinAgain } else { Event::Fin })
    }

    /// The same, of a segment that is neither SYN nor FIN nor RST: most tell nothing.
    fn plain(&mut self, seen: &Seen) -> Option<Event> {
        let (len, before) = (seen.len(), self.next);
        self.reach(seen.seq.plus(len));
        if self.first_ack.is_some_and(|first| ptr::eq(first, seen)) {
            return Some(Event::FinAcked);
        }
        if len > 1 {
            return None;
        }
        if len == 0 && self.owned.is_some_and(|end| seen.acks(end)) {
            return Some(Event::TimeWaitAck);
        }
        let probe = before == Some(seen.seq.plus(1)) && !self.fin;
        probe.then_some(Event::KeepaliveProbe)
    }

    fn reach(&mut self, end: SeqNum) {
        self.next = Some(self.next.map_or(end, |next| next.latest(end)));
    }
}

/// The RSTs; those of one side, form, fit and fate are one event.
pub(super) fn listed_resets(case: &Case) -> Resets {
    let mut all = Resets::new();
    if case.resets.is_empty() {
        return all;
    }
    for rst in &case.resets {
        let same = |r: &&mut Reset| {
            (r.from, r.form, r.fit, r.fate) == (rst.from, rst.form, rst.fit, rst.fate)
        };
        match all.iter_mut().find(same) {
            Some(known) => known.copies += 1,
            None => all.push(listed(rst)),
        }
    }
    for side in [Side::Client, Side::Server] {
        let kept = case.resets.iter().filter(|r| r.from == side).count() as u32;
        let beyond = case.facts.half(side).rsts.saturating_sub(kept);
        if let Some(last) = all.iter_mut().rfind(|r| r.from == side) {
            last.copies += beyond;
        }
    }
    all
}

fn listed(rst: &Rst) -> Reset {
    let seen = rst.seen();
    Reset {
        frame: seen.at().frame,
        time: Some(seen.at().time),
        from: rst.from,
        form: rst.form,
        fit: rst.fit,
        fate: rst.fate,
        copies: 1,
    }
}
