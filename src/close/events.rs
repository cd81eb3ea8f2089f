//! The segments that mattered, in file order.

use crate::close::case::Case;
use crate::close::reset::Rst;
use crate::close::verdict::{CloseEntry, CloseEvent, Event, Reset, Resets, Side};
use crate::flow::Seen;
use crate::seq::SeqNum;

/// Events listed per flow.
const EVENTS: usize = 16;

/// What has been told of a side while the log is read.
#[derive(Clone, Copy, Default)]
struct Told {
    /// The number after the peer's FIN.
    peer_end: Option<SeqNum>,
    /// It owns a TIME-WAIT.
    owner: bool,
    fin: bool,
    acked_peer: bool,
    next: Option<SeqNum>,
}

/// The events of opening and close; at most 16, then how many more.
pub(super) fn events(case: &Case) -> Vec<CloseEntry> {
    let facts = case.facts;
    let base = [Side::Client, Side::Server].map(|side| facts.base(side));
    let relative =
        |side: Side, number: SeqNum| base[side.index()].map(|base| number.0.wrapping_sub(base.0));
    let mut told = [Side::Client, Side::Server].map(|side| Told {
        peer_end: facts.half(side.peer()).fin_end(),
        owner: case.time_wait.iter().any(|t| t.owner == side),
        ..Told::default()
    });
    let mut all = Vec::with_capacity(EVENTS / 2);
    let mut more = 0;
    let flow = facts.flow;
    flow.log
        .iter()
        .filter(|s| !flow.is_old_ack(s))
        .for_each(|seen| {
            let from = facts.side(seen.from());
            let Some(event) = told[from.index()].event(seen) else {
                return;
            };
            if all.len() == EVENTS {
                more += 1;
                return;
            }
            all.push(CloseEntry::Event(CloseEvent {
                frame: seen.at().frame,
                time: Some(seen.at().time),
                from,
                event,
                seq: relative(from, seen.seq).unwrap_or(seen.seq.0),
                ack: relative(from.peer(), seen.ack).filter(|_| seen.flags.ack()),
                len: seen.len(),
            }));
        });
    if more > 0 {
        all.push(CloseEntry::More { more });
    }
    all
}

impl Told {
    /// What this segment of the side tells that was not told yet.
    fn event(&mut self, seen: &Seen) -> Option<Event> {
        let f = seen.flags;
        if f.rst() {
            return Some(Event::Rst);
        }
        let before = self.next;
        self.next = Some(before.map_or(seen.end(), |next| next.latest(seen.end())));
        let acks_peer = self.peer_end.is_some_and(|end| seen.acks(end));
        let first_ack = acks_peer && !self.acked_peer;
        self.acked_peer |= first_ack;
        if f.syn() {
            return Some(if f.ack() { Event::SynAck } else { Event::Syn });
        }
        if f.fin() {
            let again = std::mem::replace(&mut self.fin, true);
            return Some(if again { Event::FinAgain } else { Event::Fin });
        }
        if first_ack {
            return Some(Event::FinAcked);
        }
        if acks_peer && self.owner && seen.is_empty_ack() {
            return Some(Event::TimeWaitAck);
        }
        let probe = seen.len() <= 1 && before == Some(seen.seq.plus(1)) && !self.fin;
        probe.then_some(Event::KeepaliveProbe)
    }
}

/// The RSTs; those of one side, form, fit and fate are one event.
pub(super) fn listed_resets(case: &Case) -> Resets {
    let mut all = Resets::new();
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
