//! Every flow of a capture, each kept as briefly as it may be.

use crate::flow::brief::Brief;
use crate::flow::connection;
use crate::flow::key::Key;
use crate::flow::pool::{Chain, Pieces, Pool};
use crate::flow::record::Flow;
use crate::flow::seen::Seen;
use crate::packet::End;
use std::hint::black_box;

/// Segments of a brief flow at most: more of them take more memory than the facts.
const SEGMENTS: u8 = 36;
/// Flows whose segments are read ahead of their turn: their cache misses overlap.
const AHEAD: usize = 8;

/// How a flow is kept.
#[derive(Clone, Copy, Debug)]
enum Kept {
    /// As its segments.
    Brief(Brief),
    /// As facts, at this place among those that are.
    Whole(u32),
    /// Not at all: it was a SYN that turned out to be no connection.
    Unused,
}

/// A flow of the table, in one cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Entry {
    ends: [End; 2],
    kept: Kept,
}

/// The flows of a capture, in the order of their first frames.
#[derive(Debug)]
pub struct Flows {
    entries: Pieces<Entry>,
    /// The domains of the entries' keys, up to the last one that is not 0: there are none unless they
    /// were asked for.
    domains: Vec<u16>,
    pool: Pool,
    whole: Vec<Flow>,
    /// The numbers of SYNs that turned out to be no connection.
    unused: Vec<u64>,
    /// The next one to be handed out, and its number.
    next: (usize, u64),
    /// Where a brief flow's facts are when it is handed out.
    facts: Flow,
    /// Segments of a brief flow at most.
    most: u8,
}

impl Default for Flows {
    fn default() -> Self {
        Self {
            entries: Pieces::default(),
            domains: Vec::new(),
            pool: Pool::default(),
            whole: Vec::new(),
            unused: Vec::new(),
            next: (0, 0),
            facts: Flow::default(),
            most: SEGMENTS,
        }
    }
}

impl Flows {
    /// The next flow. Numbers are those of first frames, from 0, without gaps.
    #[expect(clippy::should_implement_trait, reason = "it lends")]
    pub fn next(&mut self) -> Option<&Flow> {
        loop {
            let (at, number) = self.next;
            if at.is_multiple_of(AHEAD) {
                self.touch_ahead(at);
            }
            let entry = self.entries.get(at)?;
            self.next.0 += 1;
            let place = match &entry.kept {
                Kept::Unused => continue,
                Kept::Brief(brief) => {
                    let key = key_of(entry, &self.domains, at);
                    brief.replay(key, number, &self.pool, &mut self.facts);
                    None
                }
                Kept::Whole(place) => Some(*place as usize),
            };
            self.next.1 += 1;
            return place.map_or(Some(&self.facts), |place| self.whole.get(place));
        }
    }

    #[cfg(test)]
    pub(super) const fn keep_brief(&mut self, most: u8) {
        self.most = most;
    }

    /// How many there are, with those that turn out to be none.
    pub(super) const fn len(&self) -> usize {
        self.entries.len()
    }

    /// The flow is one of this key.
    pub(super) fn is_of(&self, at: usize, key: &Key) -> bool {
        let ends = self.entries.get(at).map(|entry| &entry.ends);
        ends == Some(&key.ends) && domain_of(&self.domains, at) == key.domain
    }

    /// Begins the flow of a first segment.
    pub(super) fn begin(&mut self, key: Key, first: &Seen) {
        let kept = Brief::new(first, &mut self.pool).map(Kept::Brief);
        let kept = kept.unwrap_or_else(|| {
            let mut flow = Flow::default();
            flow.begin(key, self.entries.len() as u64, first);
            Kept::Whole(self.keep_whole(flow))
        });
        self.add(key, kept);
    }

    /// Takes in a segment of the key whose current flow is `at`. Gives the current one from then on;
    /// none if `at` was current no more.
    pub(super) fn push(&mut self, at: usize, seen: &Seen) -> Option<usize> {
        let entry = self.entries.get_mut(at)?;
        if let Kept::Brief(brief) = &mut entry.kept
            && brief.push(seen, &mut self.pool, self.most)
        {
            return Some(at);
        }
        let key = key_of(entry, &self.domains, at);
        let place = self.conclude(at)?;
        let flow = self.whole.get_mut(place)?;
        if flow.superseded {
            return None;
        }
        if flow.push_if_alone(seen) {
            return Some(at);
        }
        let (whole, number) = (self.whole.len(), self.entries.len());
        let place = connection::push(&mut self.whole, place, seen, number, &mut self.unused);
        if self.whole.len() > whole {
            let kept = Kept::Whole(whole as u32);
            self.add(key, kept);
        }
        self.whole.get(place).map(|flow| flow.number as usize)
    }

    /// No more segments.
    pub(super) fn finish(&mut self) {
        connection::finish(&mut self.whole);
        if self.unused.is_empty() {
            return;
        }
        self.unused.sort_unstable();
        for &number in &self.unused {
            if let Some(entry) = self.entries.get_mut(number as usize) {
                entry.kept = Kept::Unused;
            }
        }
        close_gaps(&mut self.whole, &self.unused);
    }

    /// Reads the line of a flow, so that it is in the cache.
    pub(super) fn touch(&self, at: usize) -> u64 {
        self.entries
            .get(at)
            .map_or(0, |entry| entry.ends[0].port.into())
    }

    /// Reads what the next segment of a flow needs besides. Of a brief flow nothing: its segments are
    /// only written, for which nobody waits.
    pub(super) fn touch_kept(&self, at: usize) -> u64 {
        match self.entries.get(at).map(|entry| &entry.kept) {
            Some(Kept::Whole(place)) => self.whole.get(*place as usize).map_or(0, Flow::touch),
            _ => 0,
        }
    }

    /// The place of a flow among the whole ones, which it joins if it was brief.
    fn conclude(&mut self, at: usize) -> Option<usize> {
        let entry = self.entries.get_mut(at)?;
        match entry.kept {
            Kept::Unused => None,
            Kept::Whole(place) => Some(place as usize),
            Kept::Brief(brief) => {
                let mut flow = Flow::default();
                let key = key_of(entry, &self.domains, at);
                brief.replay(key, at as u64, &self.pool, &mut flow);
                brief.release(&mut self.pool);
                let place = self.keep_whole(flow);
                self.entries.get_mut(at)?.kept = Kept::Whole(place);
                Some(place as usize)
            }
        }
    }

    /// Reads the segments of the next brief flows, so that they are in the cache.
    fn touch_ahead(&self, from: usize) {
        let mut chains = [Chain::default(); AHEAD];
        for (chain, at) in chains.iter_mut().zip(from..) {
            if let Some(Kept::Brief(brief)) = self.entries.get(at).map(|entry| &entry.kept) {
                *chain = brief.chain();
            }
        }
        black_box(self.pool.touch_chains(&mut chains));
    }

    fn add(&mut self, key: Key, kept: Kept) {
        if key.domain != 0 {
            self.domains.resize(self.entries.len(), 0);
            self.domains.push(key.domain);
        }
        let ends = key.ends;
        self.entries.push(Entry { ends, kept });
    }

    /// The place where it is.
    fn keep_whole(&mut self, flow: Flow) -> u32 {
        let place = self.whole.len() as u32;
        self.whole.push(flow);
        place
    }
}

/// The domain of the entry at this place.
fn domain_of(domains: &[u16], at: usize) -> u16 {
    domains.get(at).copied().unwrap_or(0)
}

fn key_of(entry: &Entry, domains: &[u16], at: usize) -> Key {
    Key {
        ends: entry.ends,
        domain: domain_of(domains, at),
    }
}

/// Takes the numbers of SYNs that were no connection out of the count.
fn close_gaps(flows: &mut [Flow], unused: &[u64]) {
    let renumber = |n: u64| n - unused.partition_point(|&u| u < n) as u64;
    for flow in flows {
        flow.number = renumber(flow.number);
        if let Some(previous) = &mut flow.previous {
            previous.flow = renumber(previous.flow);
        }
        if let Some(next) = &mut flow.next {
            next.flow = renumber(next.flow);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, Flows, SEGMENTS};
    use crate::flow::FlowTable;
    use crate::packet::{End, Flags, Segment};
    use crate::seq::SeqNum;
    use crate::stamp::{MILLISECOND, Stamp, Time};
    use proptest::prelude::*;

    #[test]
    fn an_entry_is_one_cache_line() {
        assert_eq!(size_of::<Entry>(), 64);
    }

    const SYN: Flags = Flags::SYN;
    const ACK: Flags = Flags::ACK;
    const FIN_ACK: Flags = Flags(0x11);
    const RST: Flags = Flags::RST;

    /// Of the client (or the server): SEQ, ACK, length, flags.
    fn of(server: bool, seq: u32, ack: u32, len: u32, flags: Flags) -> Segment {
        let ends = [End::v4([10, 0, 0, 1], 40000), End::v4([10, 0, 0, 2], 80)];
        Segment {
            src: ends[usize::from(server)],
            dst: ends[usize::from(!server)],
            seq: SeqNum(seq),
            ack: SeqNum(ack),
            len,
            flags,
            ..Segment::default()
        }
    }

    /// What usually happens on a connection, lost and repeated segments among it.
    fn usual() -> Vec<Segment> {
        vec![
            of(false, 100, 0, 0, SYN),
            of(false, 100, 0, 0, SYN),
            of(true, 500, 101, 0, SYN.with(ACK)),
            of(true, 500, 101, 0, SYN.with(ACK)),
            of(false, 101, 501, 0, ACK),
            of(false, 101, 501, 10, ACK),
            of(true, 501, 111, 0, ACK),
            of(true, 501, 111, 20, FIN_ACK),
            of(true, 501, 111, 20, FIN_ACK),
            of(false, 111, 522, 0, ACK),
            of(false, 101, 522, 10, ACK),
            of(false, 111, 522, 0, FIN_ACK),
            of(true, 522, 112, 0, ACK),
            of(true, 522, 112, 0, RST),
        ]
    }

    /// The flows of these segments. `most`: segments of a brief flow.
    fn flows(segments: &[Segment], most: u8) -> Flows {
        let mut table = FlowTable::default();
        table.keep_brief(most);
        for (segment, frame) in segments.iter().zip(1_u32..) {
            let (frame, time) = (frame.into(), Time(i64::from(frame) * MILLISECOND));
            table.push(segment, Stamp { frame, time });
        }
        table.finish()
    }

    /// How many of the flows are kept as facts.
    fn whole(segments: &[Segment]) -> usize {
        flows(segments, SEGMENTS).whole.len()
    }

    #[test]
    fn what_usually_happens_is_kept_briefly() {
        assert_eq!(whole(&usual()), 0);
        // Seen from the other end, and without its opening.
        let turned = |s: &Segment| Segment {
            src: s.dst,
            dst: s.src,
            ..*s
        };
        assert_eq!(whole(&usual().iter().map(turned).collect::<Vec<_>>()), 0);
        assert_eq!(whole(&usual()[4..]), 0);
    }

    #[test]
    fn what_may_be_of_another_connection_asks_for_the_facts() {
        for other in [
            of(false, 9000, 0, 0, SYN),
            of(true, 9000, 101, 0, SYN.with(ACK)),
            of(false, 112, 522, 1, ACK),
            of(true, 523, 112, 0, ACK),
            of(false, 112, 523, 0, ACK),
            of(true, 522, 113, 0, ACK),
            of(true, 522, 112, 5, FIN_ACK),
            of(false, 100, 0, 0, SYN.with(RST)),
            of(false, 100, 0, 0, SYN.with(FIN_ACK)),
        ] {
            let mut segments = usual();
            segments.push(other);
            assert!(whole(&segments) > 0, "{other:?}");
        }
        let strange = of(true, 500, 7, 0, SYN.with(ACK));
        assert_eq!(whole(&[of(false, 100, 0, 0, SYN), strange]), 1);
    }

    #[test]
    fn many_segments_ask_for_the_facts() {
        let most = usize::from(SEGMENTS);
        let data = |n: usize| of(false, 101 + n as u32, 501, 1, ACK);
        let segments: Vec<Segment> = (0..=most).map(data).collect();
        assert_eq!(whole(&segments[..most]), 0);
        assert_eq!(whole(&segments), 1);
    }

    prop_compose! {
        /// Of one of two connections; the numbers are few, so that they meet. No two are so far apart
        /// (half the circle) that none comes first.
        fn any_segment()(
            (client, turned) in any::<(bool, bool)>(),
            (seq, ack, len) in (0..9_u32, 0..9_u32, 0..4_u32),
            flags in prop::sample::select(vec![2_u8, 2, 18, 18, 16, 16, 16, 16, 17, 17, 17, 1, 4, 20, 3, 6]),
            far in prop::sample::select(vec![0, 0, 0, 0, 1 << 29, u32::MAX]),
            ip_id: Option<bool>,
        ) -> Segment {
            let ends = [End::v4([10, 0, 0, 1], 40000 + u16::from(client)), End::v4([10, 0, 0, 2], 80)];
            let (src, dst) = (ends[usize::from(turned)], ends[usize::from(!turned)]);
            Segment {
                src,
                dst,
                seq: SeqNum(seq.wrapping_add(far)),
                ack: SeqNum(ack),
                len,
                flags: Flags(flags),
                ttl: 64,
                ip_id: ip_id.map(u16::from),
                ..Segment::default()
            }
        }
    }

    /// The flows of these segments, as text.
    fn texts(segments: &[Segment], most: u8) -> Vec<String> {
        let mut flows = flows(segments, most);
        std::iter::from_fn(|| flows.next().map(|flow| format!("{flow:?}"))).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]
        #[test]
        fn brief_flows_are_the_same_flows(
            segments in prop::collection::vec(any_segment(), 1..60),
        ) {
            prop_assert_eq!(texts(&segments, SEGMENTS), texts(&segments, 1));
        }
    }
}
