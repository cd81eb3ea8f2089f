//! The short way of most segments of a long flow: they are kept, and their facts found out later, when
//! somebody asks or when there is no room for more.

use crate::flow::half::Half;
use crate::flow::lane;
use crate::flow::record::order::is_behind;
use crate::flow::record::{Beside, Flow};
use crate::flow::seen::Seen;

/// Where the first segment that is held stands, or the next one that will be: among those of the log
/// that come and go. None where none may be held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Held(Option<u8>);

impl Flow {
    /// Holds a plain segment of a flow of which these need not be asked about. False if it is
    /// another one, or may be the second record of one before; else as [`Flow::push_if_alone`], once
    /// the flow is settled.
    #[inline]
    pub(in crate::flow) fn hold(&mut self, seen: &Seen) -> bool {
        let (at, fingerprint) = (seen.at(), seen.fingerprint());
        if self.held.0.is_none()
            || !seen.is_plain()
            || is_behind(self.last, at)
            || self.recent.holds(fingerprint)
        {
            return false;
        }
        self.last = at;
        self.recent.add(fingerprint);
        self.log.turn(seen);
        if self.log.turned_to() == 0 {
            self.take_in_held();
        }
        true
    }

    /// Finds out whether plain segments may be held from now on: those of two ends of which both are
    /// synchronized and neither has sent a FIN or a RST, without another connection beside. None of
    /// them begins another one, or ends this one.
    pub(in crate::flow) fn find_steady(&mut self) {
        let goes_on = |half: &Half| half.numbers.is_some() && half.fin.is_none();
        let steady = self.log.turns()
            // Where records come twice, each second one asks.
            && self.odd().is_none_or(|odd| odd.duplicates.is_none())
            && self.resets.is_empty()
            && self.answered
            && self.half.iter().all(goes_on)
            && !self.superseded
            && !self.pending
            && self.beside == Beside::default();
        self.held = Held(steady.then_some(self.log.turned_to()));
    }

    /// Most segments may be held.
    pub(super) const fn is_steady(&self) -> bool {
        self.held.0.is_some()
    }

    /// None may be held from now on, nor is any.
    pub(in crate::flow) const fn unsettle(&mut self) {
        self.held = Held(None);
    }

    /// None is held.
    pub(super) fn is_settled(&self) -> bool {
        self.held
            .0
            .is_none_or(|first| first == self.log.turned_to())
    }

    /// Takes in what is held.
    #[inline]
    pub(in crate::flow) fn settle(&mut self) {
        if !self.is_settled() {
            self.take_in_held();
        }
    }

    #[inline(never)]
    fn take_in_held(&mut self) {
        let Some(first) = self.held.0 else { return };
        let kept = self.log.take();
        let mut segments = self.log.latest(&kept, first);
        loop {
            let count = lane::take_in(&mut self.half, &self.history, segments);
            let Some((_, [other, rest @ ..])) = segments.split_at_checked(count) else {
                break;
            };
            self.take_in(other);
            segments = rest;
        }
        self.log.give_back(kept);
        self.held = Held(Some(self.log.turned_to()));
    }
}

#[cfg(test)]
mod tests {
    use crate::flow::key::Key;
    use crate::flow::record::Flow;
    use crate::flow::seen::Seen;
    use crate::packet::{Flags, Segment, Timestamps};
    use crate::seq::{SeqNum, TsVal};
    use crate::stamp::{MILLISECOND, Stamp, Time};
    use proptest::prelude::*;

    /// How a segment differs from the usual next one of its end, if in anything.
    #[derive(Clone, Copy, Debug)]
    struct Step {
        from: u8,
        flags: Flags,
        /// Of SEG.SEQ, SEG.ACK, TSval and the clock in milliseconds.
        off: [i32; 4],
        len: u32,
        window: u16,
        ttl: u8,
        id: Option<u16>,
        stamped: bool,
        /// A second record of the segment before.
        twice: bool,
        /// Somebody asks for the facts afterwards.
        asks: bool,
    }

    const USUAL: Step = Step {
        from: 0,
        flags: Flags::ACK,
        off: [0, 0, 0, 1],
        len: 0,
        window: 500,
        ttl: 64,
        id: Some(1),
        stamped: true,
        twice: false,
        asks: false,
    };

    /// Two ends, each of which goes on where it was.
    #[derive(Default)]
    struct Ends {
        next: [u32; 2],
        id: [u16; 2],
        clock: i32,
        frame: u64,
        last: Option<Segment>,
    }

    impl Ends {
        fn segment(&mut self, step: Step) -> Seen {
            let (mine, peer) = (usize::from(step.from), usize::from(step.from ^ 1));
            let [seq, ack, tsval, clock] = step.off;
            self.clock += clock;
            self.frame += 1;
            self.id[mine] = self.id[mine].wrapping_add(step.id.unwrap_or(0));
            let (val, ecr) = (self.clock.wrapping_add(tsval), self.clock);
            let [val, ecr] = [val, ecr].map(|val| TsVal(val.cast_unsigned()));
            let segment = Segment {
                seq: SeqNum(self.next[mine].wrapping_add_signed(seq)),
                ack: SeqNum(self.next[peer].wrapping_add_signed(ack)),
                len: step.len,
                flags: step.flags,
                window: step.window,
                ttl: step.ttl,
                ip_id: step.id.map(|_| self.id[mine]),
                timestamps: step.stamped.then_some(Timestamps { val, ecr }),
                ..Segment::default()
            };
            let segment = self.last.filter(|_| step.twice).unwrap_or(segment);
            self.last = Some(segment);
            let at = Stamp {
                frame: self.frame,
                time: Time(i64::from(self.clock) * MILLISECOND),
            };
            let seen = Seen::new(&segment, step.from, at);
            if seen.end().after(SeqNum(self.next[mine])) {
                self.next[mine] = seen.end().0;
            }
            seen
        }

        /// The beginning of a connection: so many segments.
        fn begin(&mut self, count: usize) -> Vec<Seen> {
            let syn = |from, flags| Step {
                from,
                flags,
                ..USUAL
            };
            let opening = [
                syn(0, Flags::SYN),
                syn(1, Flags::SYN.with(Flags::ACK)),
                USUAL,
            ];
            let data = [Step { len: 10, ..USUAL }, syn(1, Flags::ACK)];
            let data = data.into_iter().cycle();
            let steps = opening.into_iter().chain(data).take(count);
            steps.map(|step| self.segment(step)).collect()
        }
    }

    fn flow(segments: &[Seen]) -> Flow {
        let mut flow = Flow::default();
        flow.begin(Key::default(), 0, &segments[0]);
        segments[1..]
            .iter()
            .for_each(|seen| assert!(flow.push_if_alone(seen)));
        flow
    }

    /// As the table does; whether it was held.
    fn push(flow: &mut Flow, seen: &Seen) -> bool {
        let held = flow.hold(seen);
        if !held {
            flow.settle();
            flow.push_if_alone(seen);
        }
        held
    }

    /// Mostly nothing, sometimes little, seldom much.
    fn off() -> impl Strategy<Value = i32> {
        prop_oneof![30 => Just(0), 1 => -30..30, 1 => any::<i32>()]
    }

    fn mostly<T: Clone + std::fmt::Debug + 'static>(
        usual: T,
        others: Vec<T>,
    ) -> impl Strategy<Value = T> {
        prop_oneof![30 => Just(usual), 1 => prop::sample::select(others)]
    }

    prop_compose! {
        fn step()(
            from in 0..2_u8,
            flags in mostly(16, vec![24, 17, 4, 20, 2, 18, 0, 0x50]),
            (seq, ack, tsval) in (off(), off(), off()),
            clock in mostly(1, vec![0, -1, 30, -500]),
            len in prop::sample::select(vec![0, 0, 1, 10, 1400]),
            window in mostly(500, vec![0, 1, 60000]),
            ttl in mostly(64, vec![63, 65, 1]),
            id in mostly(Some(1), vec![None, Some(0), Some(2), Some(500), Some(u16::MAX)]),
            (stamped, twice) in (mostly(true, vec![false]), mostly(false, vec![true])),
            asks in mostly(false, vec![true]),
        ) -> Step {
            let off = [seq, ack, tsval, clock];
            let flags = Flags(flags);
            Step { from, flags, off, len, window, ttl, id, stamped, twice, asks }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn what_was_held_tells_the_same(
            steps in prop::collection::vec(step(), 1..100),
            base in prop::sample::select(vec![[1, 7], [u32::MAX - 99, 1 << 31]]),
            begin in 20..40_usize,
        ) {
            let mut ends = Ends { next: base, id: [7, 0xfff0], ..Ends::default() };
            let mut one_by_one = flow(&ends.begin(begin));
            let mut flow = one_by_one.clone();
            for step in steps {
                let seen = ends.segment(step);
                push(&mut flow, &seen);
                one_by_one.push_if_alone(&seen);
                if step.asks {
                    flow.settle();
                    prop_assert_eq!(&flow, &one_by_one);
                }
            }
            flow.settle();
            prop_assert_eq!(&flow, &one_by_one);
        }
    }

    #[test]
    fn most_are_held() {
        let mut ends = Ends::default();
        let mut flow = flow(&ends.begin(24));
        let usual = [0, 1, 1, 0].map(|from| Step {
            from,
            len: 7,
            ..USUAL
        });
        for step in usual.into_iter().cycle().take(100) {
            assert!(push(&mut flow, &ends.segment(step)));
        }
        let fin = Step {
            flags: Flags::ACK.with(Flags::FIN),
            ..USUAL
        };
        for step in [fin, USUAL, Step { from: 1, ..USUAL }] {
            assert!(!push(&mut flow, &ends.segment(step)));
        }
    }
}
