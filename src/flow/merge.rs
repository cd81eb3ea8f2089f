//! Joining the facts of two consecutive parts of a capture.

#[cfg(test)]
mod tests;

use crate::flow::half::Half;
use crate::flow::parts::{Copies, Fin, Rare, Sent, Subflow, merged};
use crate::flow::record::{Flow, RESETS};
use crate::flow::seen::Seen;
use crate::seq::{SeqNum, TsVal};
use crate::stamp::Stamp;

impl Flow {
    /// Joins the facts of the part of the capture that follows this one's.
    pub fn merge(&mut self, later: &Self) {
        self.unsettle();
        if later.log.is_whole() {
            // Its segments are all there: as if the capture had not been cut.
            for seen in later.log.iter() {
                self.push(seen);
            }
            // An old duplicate SYN is counted, not kept.
            if let Some(old) = later.odd().and_then(|odd| odd.old_syn) {
                self.half[usize::from(old.from & 1)].packets += u64::from(old.copies.count);
            }
            self.join_counts(later);
            return;
        }
        let [a, b] = &mut self.half;
        let gained = [a.merge(&later.half[0]), b.merge(&later.half[1])];
        for (x, y) in [(0, 1), (1, 0)] {
            self.merge_acks(x, later.half[y].ack, later);
            self.merge_after_fin(x, gained[x], later);
        }
        self.log.merge(&later.log);
        let room = RESETS.saturating_sub(self.resets.len());
        self.resets.extend(later.resets.iter().take(room));
        self.history.merge(&later.history);
        self.last = later.last;
        self.join_counts(later);
        if let Some(theirs) = later.odd() {
            let mine = self.odd_mut();
            Copies::merge(&mut mine.reordered, theirs.reordered.as_ref());
            mine.step_back = mine.step_back.max(theirs.step_back);
            if let Some(frames) = theirs.frames {
                mine.stretch(frames);
            }
            mine.old_ack = mine.old_ack.or(theirs.old_ack);
            Copies::merge(&mut mine.old_rst, theirs.old_rst.as_ref());
        }
    }

    /// What the segments kept do not hold: records that were folded, and the connection after.
    fn join_counts(&mut self, later: &Self) {
        if let Some(theirs) = later.odd() {
            let mine = self.odd_mut();
            Copies::merge(&mut mine.duplicates, theirs.duplicates.as_ref());
            mine.old_syn = mine.old_syn.or(theirs.old_syn);
        }
        if self.next.is_none() {
            self.next.clone_from(&later.next);
        }
        if let Some(theirs) = &later.talk {
            self.talk.get_or_insert_default().merge(theirs);
        }
    }

    /// Payload of the later part that `x` sent after the FIN of its peer, which the earlier part
    /// shows.
    fn merge_after_fin(&mut self, x: usize, bytes: u64, later: &Self) {
        let y = x ^ 1;
        let (theirs, end) = (&later.half[x], self.half[y].fin_end());
        let acked = theirs
            .ack
            .zip(end)
            .is_some_and(|(ack, end)| ack.at_or_after(end));
        if !acked || later.half[y].fin.is_some() || bytes == 0 {
            return; // nothing of it, or the later part has counted it
        }
        let with_data = |s: &&Seen| usize::from(s.from()) == x && !s.is_empty();
        let mut sent = later.log.iter().filter(with_data).map(Seen::at);
        let first = sent.next().unwrap_or(later.first);
        let last = sent.next_back().unwrap_or(first);
        let mine = &mut self.half[x].rare().after_peer_fin;
        Sent::more(mine, first, 0);
        Sent::more(mine, last, bytes);
    }

    /// A FIN of the earlier part may be acknowledged in the later one.
    fn merge_acks(&mut self, x: usize, ack: Option<SeqNum>, later: &Self) {
        let Some(fin) = &mut self.half[x].fin else {
            return;
        };
        let end = fin.seq.plus(1);
        if fin.acked.is_none() && ack.is_some_and(|ack| ack.at_or_after(end)) {
            let by = |s: &&Seen| usize::from(s.from()) != x && !s.flags.rst() && s.acks_fin(end);
            fin.acked = later
                .log
                .iter()
                .find(by)
                .map(Seen::at)
                .or(Some(later.first));
        }
    }
}

impl Half {
    /// Takes in the facts of a later part of the capture; returns the bytes of payload that were
    /// new.
    pub(super) fn merge(&mut self, later: &Self) -> u64 {
        self.packets += later.packets;
        self.isn = self.isn.or(later.isn);
        let control = u32::from(self.opening.is_none() && later.opening.is_some())
            + u32::from(self.fin.is_none() && later.fin.is_some());
        match (&mut self.opening, &later.opening) {
            (Some(mine), Some(theirs)) => {
                mine.copies.go_on(&theirs.copies);
                mine.ack &= theirs.ack;
            }
            (mine @ None, theirs) => mine.clone_from(theirs),
            _ => {}
        }
        // What comes again was counted in the earlier part.
        let gained = match (&mut self.numbers, &later.numbers) {
            (Some(mine), Some(theirs)) => u64::from(mine.merge(theirs).saturating_sub(control)),
            (mine @ None, theirs) => {
                *mine = *theirs;
                later.payload
            }
            _ => 0,
        };
        let gained = gained.min(later.payload);
        self.payload += gained;
        self.ack = merged(self.ack, later.ack, SeqNum::latest);
        self.spoke |= later.spoke;
        if !self.scaled {
            (self.scaled, self.shift) = (later.scaled, later.shift);
        }
        self.window = later.window.or(self.window);
        self.right_edge = merged(self.right_edge, later.right_edge, SeqNum::latest);
        self.merge_fin(self.fin_of(later));
        self.ids.merge(&later.ids);
        self.tsval = later.tsval.or(self.tsval);
        self.first_tsval = self.first_tsval.or(later.first_tsval);
        self.ts_recent = merged(self.ts_recent, later.ts_recent, TsVal::latest);
        self.ttl = merged(self.ttl, later.ttl, |a, b| (a.0.min(b.0), a.1.max(b.1)));
        self.probes = later.probes;
        self.repeats = later.repeats;
        if let Some(theirs) = &later.rare {
            self.rare().merge(theirs);
        }
        self.rsts += later.rsts;
        self.rtt = merged(self.rtt, later.rtt, i64::min);
        self.timing = later.timing;
        gained
    }

    /// The FIN of a later part, to which a run of IDs may lead over the cut.
    fn fin_of(&self, later: &Self) -> Option<Fin> {
        let mut fin = later.fin?;
        let mut ids = self.ids;
        ids.go_on(&later.ids);
        let anchor = ids.anchor.filter(|seq| seq.at_or_before(fin.seq));
        let anchored = anchor.and(fin.run_from_first);
        let first = |a: Stamp, b: Stamp| if b.is_before(a) { b } else { a };
        fin.anchored = merged(anchored, fin.anchored, first);
        fin.run_from_first = fin.run_from_first.filter(|_| !ids.broken);
        Some(fin)
    }

    fn merge_fin(&mut self, later: Option<Fin>) {
        let Some(theirs) = later else { return };
        let Some(mine) = self.fin.as_mut() else {
            self.fin = Some(theirs);
            return;
        };
        if mine.seq != theirs.seq {
            self.rare().other_fins += theirs.copies.count;
            return;
        }
        mine.copies.go_on(&theirs.copies);
        mine.least_ack = mine.least_ack.earliest(theirs.least_ack);
        mine.without_ack |= theirs.without_ack;
        mine.anchored = mine.anchored.or(theirs.anchored);
        mine.run_from_first = mine.run_from_first.or(theirs.run_from_first);
        mine.acked = mine.acked.or(theirs.acked);
    }
}

impl Rare {
    fn merge(&mut self, later: &Self) {
        if let Some(theirs) = later.after_peer_fin {
            Sent::more(&mut self.after_peer_fin, theirs.first, 0);
            Sent::more(&mut self.after_peer_fin, theirs.last, theirs.bytes);
        }
        Copies::merge(&mut self.late, later.late.as_ref());
        self.other_fins += later.other_fins;
        self.cut = self.cut.or(later.cut);
        Subflow::merge(&mut self.subflow, later.subflow.as_ref());
        match (&mut self.regressions, &later.regressions) {
            (Some(mine), Some(theirs)) => {
                mine.copies.go_on(&theirs.copies);
                mine.ticks = mine.ticks.max(theirs.ticks);
            }
            (mine @ None, theirs) => *mine = *theirs,
            _ => {}
        }
    }
}
