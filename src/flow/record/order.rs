//! A flow's records one after the other: those that are there twice, or stand behind later ones.

use crate::flow::parts::Copies;
use crate::flow::record::Flow;
use crate::flow::seen::Seen;
use crate::stamp::{MILLISECOND, Stamp};

/// Two records of one packet stand at most so far apart. Longer apart the network made the copy.
const SAME_RECORD: i64 = 20 * MILLISECOND;

/// Segments of which a duplicate record is looked for.
const RECENT: usize = 4;

/// Fingerprints of the last segments, the latest first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Recent([u32; RECENT]);

impl Recent {
    pub(super) fn holds(&self, fingerprint: u32) -> bool {
        self.0.contains(&fingerprint)
    }

    /// The latest one, or 0.
    pub(super) const fn latest(&self) -> u32 {
        self.0[0]
    }

    pub(super) const fn add(&mut self, fingerprint: u32) {
        let [a, b, c, _] = self.0;
        self.0 = [fingerprint, a, b, c];
    }
}

impl Flow {
    /// Takes in a segment that belongs to this flow.
    pub fn push(&mut self, seen: &Seen) {
        debug_assert!(self.is_settled(), "what came before comes first");
        self.unsettle();
        let (at, fingerprint) = (seen.at(), seen.fingerprint());
        if self.recent.holds(fingerprint) && self.fold_duplicate(seen) {
            return;
        }
        if is_behind(self.last, at) {
            self.step_back(at);
        }
        self.last = at;
        self.recent.add(fingerprint);
        self.take_in(seen);
        self.log.push(seen);
    }

    /// Takes in the first segments of this flow, as [`Self::push`] would one by one. They become its
    /// log all at once, unless one of them may be a duplicate or stands behind a later one.
    pub(in crate::flow) fn push_all(&mut self, segments: Vec<Seen>) {
        let Some((recent, last)) = self.goes_on(&segments) else {
            for seen in &segments {
                self.push(seen);
            }
            return;
        };
        (self.recent, self.last) = (recent, last);
        let close = self.take_in_all(&segments);
        self.log.fill(segments, close);
    }

    /// What is known of the last of these segments, if none of them stands behind a later one, or may be
    /// another record of one before.
    fn goes_on(&self, segments: &[Seen]) -> Option<(Recent, Stamp)> {
        let (mut recent, mut last) = (self.recent, self.last);
        for seen in segments {
            let (at, fingerprint) = (seen.at(), seen.fingerprint());
            if recent.holds(fingerprint) || is_behind(last, at) {
                return None;
            }
            recent.add(fingerprint);
            last = at;
        }
        Some((recent, last))
    }

    /// Takes in that the record at `at` stands behind a later one.
    #[cold]
    fn step_back(&mut self, at: Stamp) {
        let (step, last) = (self.last.time.since(at.time), self.last.frame);
        let odd = self.odd_mut();
        odd.stretch([at.frame.min(last), at.frame.max(last)]);
        Copies::again(&mut odd.reordered, at);
        odd.step_back = odd.step_back.max(step);
    }

    /// Another record of a SYN that is already there.
    pub(in crate::flow) fn is_duplicate(&self, syn: &Seen) -> bool {
        let close = |s: &&Seen| syn.at().time.since(s.at().time).abs() <= SAME_RECORD;
        self.log.iter().filter(close).any(|s| s.same_packet(syn))
    }

    /// Another record of a packet that is already there. Each record has one such partner at most
    /// where the segment has no ID of its own and no sequence space: the RSTs that answer a burst
    /// are alike without being copies, so they are folded only where the capture doubles others.
    #[cold]
    fn fold_duplicate(&mut self, seen: &Seen) -> bool {
        let own = seen.ip_id().is_some_and(|id| id != 0) || seen.end() != seen.seq;
        if !own && self.odd().is_none_or(|odd| odd.duplicates.is_none()) {
            return false;
        }
        for back in 0..RECENT {
            let Some(earlier) = self.log.recent(back) else {
                break;
            };
            let close = seen.at().time.since(earlier.at().time).abs() <= SAME_RECORD;
            if close && (own || !earlier.doubled()) && earlier.same_packet(seen) {
                earlier.double();
                Copies::again(&mut self.odd_mut().duplicates, seen.at());
                return true;
            }
        }
        false
    }
}

/// The record at `at` stands behind a later one.
pub(super) const fn is_behind(last: Stamp, at: Stamp) -> bool {
    at.frame < last.frame || at.time.0 < last.time.0
}
