//! Plain segments of one flow that follow one another, many at once: what each asks of the facts lies
//! side by side meanwhile, and what only the last of them tells is noted once.

#![expect(
    clippy::inline_always,
    reason = "the loop over the segments is all there is"
)]

use crate::flow::half::{Half, since};
use crate::flow::history::History;
use crate::flow::seen::Seen;
use crate::seq::{SeqNum, TsVal};
use crate::stamp::Time;

/// So many segments take less one by one.
const FEW: usize = 3;

/// Takes in the first of these plain segments of a flow that neither end has ended: those that begin
/// at SND.NXT, acknowledge nothing that was not seen, and tell nothing new of their sender. As
/// `Flow::take_in_one` would. How many they are: none of a few.
pub(super) fn take_in(halves: &mut [Half; 2], history: &History, segments: &[Seen]) -> usize {
    let Some(kind) = segments.get(FEW).map(Seen::usual_bits) else {
        return 0;
    };
    let lane = |end: u8| Lane::of(&halves[usize::from(end)], kind, history.earned(end));
    // In an array: else the compiler has the loop twice, and not enough registers for either.
    let Some(mut lanes) = lane(0).zip(lane(1)).map(|(a, b)| [a, b]) else {
        return 0;
    };
    let mut count = 0;
    for seen in segments {
        let mine = usize::from(seen.from());
        let peer = mine ^ 1;
        let (next, ack) = (lanes[peer].next, lanes[peer].ack);
        if seen.usual_bits() != kind || !lanes[mine].is_next(seen, next) {
            break;
        }
        lanes[mine].go_on(seen, ack);
        if let Some(id) = seen.ip_id() {
            halves[mine].ids.go_to(id, seen);
        }
        if let Some((end, sent)) = lanes[peer].timing
            && seen.ack.at_or_after(end)
        {
            lanes[peer].timing = None;
            if let Some(rtt) = since(sent, seen) {
                halves[mine].sample(rtt);
            }
        }
        count += 1;
    }
    for (half, (mine, peer)) in halves.iter_mut().zip([(0, 1), (1, 0)]) {
        lanes[mine].end(half, lanes[peer].packets);
    }
    count
}

/// What segments need of the facts of their direction.
struct Lane<'a> {
    /// The letters of its history that were earned.
    earned: u32,
    next: SeqNum,
    ack: SeqNum,
    right_edge: SeqNum,
    ts_recent: TsVal,
    ttl: (u8, u8),
    shift: u8,
    packets: u32,
    timing: Option<(SeqNum, Time)>,
    last: Option<&'a Seen>,
}

impl<'a> Lane<'a> {
    /// That of a direction of which all of it is known, and no number is missing.
    #[inline(always)]
    fn of(half: &Half, kind: u8, earned: u32) -> Option<Self> {
        let numbers = half.numbers.as_ref().filter(|n| !n.has_holes())?;
        let stamped = kind & Seen::TIMESTAMPS != 0;
        Some(Self {
            earned,
            next: numbers.next,
            ack: half.ack?,
            right_edge: half.right_edge?,
            ts_recent: half.ts_recent.or((!stamped).then_some(TsVal(0)))?,
            ttl: half.ttl?,
            shift: half.shift,
            packets: 0,
            timing: half.timing,
            last: None,
        })
    }

    /// The segment begins at SND.NXT, and tells nothing new besides. `next`: the peer's.
    #[inline(always)]
    fn is_next(&self, seen: &Seen, next: SeqNum) -> bool {
        let (low, high) = self.ttl;
        seen.seq == self.next
            && !seen.ack.after(next)
            && seen.window > 0
            && (low..=high).contains(&seen.ttl)
            && self.earned & History::letter_of(seen) != 0
            && seen
                .timestamps()
                .is_none_or(|t| !t.val.before(self.ts_recent))
    }

    /// Takes in a segment that does: see [`Half::sent`]. `acked`: by the peer.
    #[inline(always)]
    fn go_on(&mut self, seen: &'a Seen, acked: SeqNum) {
        self.packets += 1;
        self.last = Some(seen);
        if !seen.is_empty() {
            self.next = seen.seq.plus(seen.len());
            self.timing = Some((self.next, seen.at().time));
        }
        if let Some(stamp) = seen.timestamps()
            && seen.seq.at_or_before(acked)
        {
            self.ts_recent = stamp.val;
        }
        if seen.ack.after(self.ack) {
            self.ack = seen.ack;
        }
        let edge = seen.ack.plus(u32::from(seen.window) << self.shift);
        if edge.after(self.right_edge) {
            self.right_edge = edge;
        }
    }

    /// What they tell all together is part of the facts. `heard`: segments of the peer.
    #[inline(always)]
    fn end(&self, half: &mut Half, heard: u32) {
        half.timing = self.timing;
        if heard > 0 {
            half.was_heard();
        }
        let Some(last) = self.last else { return };
        half.packets += u64::from(self.packets);
        if let Some(numbers) = &mut half.numbers {
            half.payload += u64::from(self.next.distance(numbers.next));
            numbers.next = self.next;
        }
        half.spoke = true;
        half.window = Some(last.window);
        (half.ack, half.right_edge) = (Some(self.ack), Some(self.right_edge));
        if let Some(stamp) = last.timestamps() {
            half.ts_recent = Some(self.ts_recent);
            half.tsval = Some((stamp.val, last.at().time));
        }
    }
}
