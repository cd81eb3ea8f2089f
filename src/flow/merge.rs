//! Joining the facts of two consecutive parts of a capture.

use crate::flow::half::Half;
use crate::flow::parts::{Copies, Fin, Rare, merged};
use crate::flow::record::{Flow, RESETS};
use crate::flow::seen::Seen;
use crate::seq::{SeqNum, TsVal};

impl Flow {
    /// Joins the facts of the part of the capture that follows this one's.
    pub fn merge(&mut self, later: &Self) {
        if later.log.is_whole() {
            // Its segments are all there: as if the capture had not been cut.
            for seen in later.log.iter() {
                self.push(seen);
            }
            self.join_counts(later);
            return;
        }
        for (mine, theirs) in self.half.iter_mut().zip(&later.half) {
            mine.merge(theirs);
        }
        for (x, y) in [(0, 1), (1, 0)] {
            self.merge_acks(x, later.half[y].ack, later);
        }
        self.log.merge(&later.log);
        let room = RESETS.saturating_sub(self.resets.len());
        self.resets.extend(later.resets.iter().take(room));
        self.history.merge(&later.history);
        self.last = later.last;
        self.join_counts(later);
        if let Some(theirs) = later.odd() {
            let mine = self.odd_mut();
            mine.old_syn = mine.old_syn.or(theirs.old_syn);
            mine.old_ack = mine.old_ack.or(theirs.old_ack);
            Copies::merge(&mut mine.old_rst, theirs.old_rst.as_ref());
        }
    }

    /// What the segments kept do not hold: records that were folded, and the connection after.
    fn join_counts(&mut self, later: &Self) {
        if let Some(theirs) = later.odd() {
            let mine = self.odd_mut();
            Copies::merge(&mut mine.duplicates, theirs.duplicates.as_ref());
            Copies::merge(&mut mine.reordered, theirs.reordered.as_ref());
            mine.step_back = mine.step_back.max(theirs.step_back);
        }
        if self.next.is_none() {
            self.next.clone_from(&later.next);
        }
    }

    /// A FIN of the earlier part may be acknowledged in the later one.
    fn merge_acks(&mut self, x: usize, ack: Option<SeqNum>, later: &Self) {
        let Some(fin) = &mut self.half[x].fin else {
            return;
        };
        let end = fin.seq.plus(1);
        if fin.acked.is_none() && ack.is_some_and(|ack| ack.at_or_after(end)) {
            let by = |s: &&Seen| usize::from(s.from) != x && !s.flags.rst() && s.acks(end);
            fin.acked = later
                .log
                .iter()
                .find(by)
                .map(|s| s.at)
                .or(Some(later.first));
        }
    }
}

impl Half {
    /// Takes in the facts of a later part of the capture.
    pub(super) fn merge(&mut self, later: &Self) {
        self.packets += later.packets;
        self.payload += later.payload;
        self.isn = self.isn.or(later.isn);
        match (&mut self.opening, &later.opening) {
            (Some(mine), Some(theirs)) => mine.copies.count += theirs.copies.count,
            (mine @ None, theirs) => mine.clone_from(theirs),
            _ => {}
        }
        match (&mut self.numbers, &later.numbers) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, theirs) => *mine = *theirs,
            _ => {}
        }
        self.ack = merged(self.ack, later.ack, SeqNum::latest);
        self.spoke |= later.spoke;
        self.scale = self.scale.or(later.scale);
        self.window = later.window.or(self.window);
        self.edge_at_data = later.edge_at_data.or(self.edge_at_data);
        self.right_edge = merged(self.right_edge, later.right_edge, SeqNum::latest);
        self.merge_fin(later.fin.as_ref());
        self.tsval = later.tsval.or(self.tsval);
        self.first_tsval = self.first_tsval.or(later.first_tsval);
        self.ts_recent = merged(self.ts_recent, later.ts_recent, TsVal::latest);
        self.ttl = merged(self.ttl, later.ttl, |a, b| (a.0.min(b.0), a.1.max(b.1)));
        self.ids.ones += later.ids.ones;
        self.ids.wild += later.ids.wild;
        self.ids.last = later.ids.last.or(self.ids.last);
        self.ids.anchor = later.ids.anchor;
        self.probes = later.probes;
        self.repeats = later.repeats;
        if let Some(theirs) = &later.rare {
            self.rare().merge(theirs);
        }
        self.rsts += later.rsts;
        self.rtt = merged(self.rtt, later.rtt, i64::min);
        self.timing = later.timing;
    }

    fn merge_fin(&mut self, later: Option<&Fin>) {
        let Some(theirs) = later else { return };
        let Some(mine) = self.fin.as_mut() else {
            self.fin = Some(*theirs);
            return;
        };
        if mine.seq != theirs.seq {
            self.rare().other_fins += theirs.copies.count;
            return;
        }
        mine.copies.last = theirs.copies.last;
        mine.copies.count += theirs.copies.count;
        mine.least_ack = mine.least_ack.earliest(theirs.least_ack);
        mine.without_ack |= theirs.without_ack;
        mine.anchored = mine.anchored.or(theirs.anchored);
        mine.acked = mine.acked.or(theirs.acked);
    }
}

impl Rare {
    fn merge(&mut self, later: &Self) {
        Copies::merge(&mut self.after_peer_fin, later.after_peer_fin.as_ref());
        Copies::merge(&mut self.late, later.late.as_ref());
        self.other_fins += later.other_fins;
        self.cut = self.cut.or(later.cut);
        match (&mut self.regressions, &later.regressions) {
            (Some(mine), Some(theirs)) => {
                mine.copies.last = theirs.copies.last;
                mine.copies.count += theirs.copies.count;
                mine.ticks = mine.ticks.max(theirs.ticks);
            }
            (mine @ None, theirs) => *mine = *theirs,
            _ => {}
        }
    }
}
