//! What is kept briefly says what the facts would say.

use super::{Flows, SEGMENTS, TALKING};
use crate::flow::key::Key;
use crate::flow::seen::Seen;
use crate::flow::table::Why;
use crate::flow::{FlowTable, Limits};
use crate::packet::{End, Flags, Said, Segment};
use crate::seq::SeqNum;
use crate::stamp::{MILLISECOND, SECOND, Stamp, Time};
use proptest::prelude::*;
use std::collections::VecDeque;

const AWAKE: usize = 100;

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
        of(true, 501, 111, 20, ACK),
        of(false, 111, 522, 0, ACK),
        of(false, 101, 522, 10, ACK),
        of(false, 111, 522, 0, FIN_ACK),
        of(true, 522, 112, 0, ACK),
        of(true, 522, 112, 0, RST),
    ]
}

/// The flows of these segments. `most`: segments of a brief flow.
fn flows(segments: &[Segment], most: u8, awake: usize) -> FlowTable {
    let mut table = table_of(segments, most, awake);
    table.finish();
    table
}

/// The same while there may be more segments.
fn table_of(segments: &[Segment], most: u8, awake: usize) -> FlowTable {
    let mut table = FlowTable::default();
    table.keep_brief(most, awake);
    for (segment, frame) in segments.iter().zip(1_u32..) {
        let (frame, time) = (frame.into(), Time(i64::from(frame) * MILLISECOND));
        let at = Stamp { frame, time };
        if (segment.len, segment.window) == (2, 2) {
            table.push_said(segment, Said::Http2(None), at);
        } else {
            table.push(segment, at);
        }
    }
    table
}

/// First frames of those that are looked at once all was quiet for long.
fn looked_at(segments: &[Segment], most: u8, awake: usize) -> Vec<u64> {
    let port = End::v4([10, 0, 0, 1], 50000);
    let another = Segment {
        src: port,
        ..of(false, 0, 0, 0, ACK)
    };
    // All that waits for its turn has it then.
    let others = std::iter::repeat_n(&another, 100);
    let segments: Vec<Segment> = segments.iter().chain(others).copied().collect();
    let mut table = table_of(&segments, most, awake);
    let mut frames = Vec::new();
    while let Some(due) = table.due(Time(3600 * SECOND)) {
        frames.extend(table.facts(&due).map(|flow| flow.first.frame));
        let live = table.live();
        table.forget(&due, true);
        assert_eq!(table.live(), live - 1);
    }
    frames.sort_unstable();
    frames
}

/// How many of the flows are kept as facts.
fn whole(segments: &[Segment]) -> usize {
    flows(segments, SEGMENTS, AWAKE).whole()
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
        of(true, 501, 111, 5, FIN_ACK),
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

#[test]
fn connections_that_are_only_asked_for_are_counted() {
    let (syn, syn_ack) = (
        of(false, 100, 0, 0, SYN),
        of(true, 500, 101, 0, SYN.with(ACK)),
    );
    let rst = of(true, 0, 101, 0, RST.with(ACK));
    for (segments, count) in [
        (vec![syn], 1),
        (vec![syn, syn], 1),
        (vec![syn, syn, syn_ack], 0),
        (vec![syn, rst], 0),
        (vec![syn, rst, syn], 0),
        (vec![of(false, 101, 501, 3, ACK)], 0),
        (vec![syn_ack], 0),
        (vec![rst], 0),
    ] {
        let table = flows(&segments, SEGMENTS, AWAKE);
        assert_eq!(
            (table.half_open(), table.whole()),
            (count, 0),
            "{segments:?}"
        );
    }
}

#[test]
fn one_that_is_no_longer_only_asked_for_does_not_count() {
    let (syn, other) = (of(false, 100, 0, 0, SYN), of(false, 9000, 0, 0, SYN));
    // The facts must be known to tell whose the second one is.
    let table = flows(&[syn, other], SEGMENTS, AWAKE);
    assert_eq!((table.half_open(), table.live()), (0, 2));
    // Neither does one that is forgotten.
    let mut flows = Flows::default();
    let (key, from) = Key::of(&syn);
    let at = flows.begin(key, &Seen::new(&syn, from, Stamp::default()), None);
    assert_eq!((flows.half_open(), flows.live()), (1, 1));
    flows.remove(at);
    assert_eq!((flows.half_open(), flows.live()), (0, 0));
}

/// How many flows of a host are let go, and how many are left, where so many may be kept.
fn evicted(flags: Flags, limits: Limits) -> (usize, usize) {
    let mut table = FlowTable::new(limits, 0);
    for port in 1..=33_u16 {
        let src = End::v4([10, 0, 0, 1], port);
        let first = Segment {
            src,
            ..of(false, 100, 0, 0, flags)
        };
        let (frame, time) = (port.into(), Time(i64::from(port) * SECOND));
        table.push(&first, Stamp { frame, time });
    }
    assert!(!table.has_due(Time(0)), "the last ones wait");
    let last = of(false, 0, 0, 0, ACK);
    for seconds in [34_i64, 35] {
        let frame = seconds.unsigned_abs();
        let time = Time(seconds * SECOND);
        table.push(&last, Stamp { frame, time });
    }
    let later = Time(35 * SECOND);
    assert!(table.has_due(later));
    let (mut gone, live) = (0, table.live());
    while let Some(due) = table.due(later) {
        assert_eq!(due.why, Why::Evicted);
        table.forget(&due, false);
        gone += 1;
    }
    assert_eq!(table.live() + gone, live);
    (gone, table.live())
}

#[test]
fn a_part_of_what_may_be_kept_goes_at_once() {
    let few = |flows, half_open| Limits { flows, half_open };
    assert_eq!(evicted(ACK, few(32, 1000)), (3, 30));
    assert_eq!(evicted(SYN, few(1000, 32)), (3, 30));
    assert_eq!(evicted(SYN, few(32, 1000)), (3, 30));
}

#[test]
fn no_segment_waits_for_long() {
    let mut table = FlowTable::default();
    let mut push = |port: u16, ms: i64| {
        let src = End::v4([10, 0, 0, 1], port);
        let syn = Segment {
            src,
            ..of(false, 100, 0, 0, SYN)
        };
        let (frame, time) = (port.into(), Time(ms * MILLISECOND));
        table.push(&syn, Stamp { frame, time });
        table.live()
    };
    assert_eq!([push(1, 0), push(2, 1)], [0, 0]);
    assert_eq!(push(3, 200), 0);
    // A quarter of a second after the first one.
    assert_eq!(push(4, 260), 2);
    // Where many come, they are not waited for.
    let live = (5..105).map(|port| push(port, 261)).last();
    assert_eq!(live, Some(3));
    let live = (105..205).map(|port| push(port, 300)).last();
    assert!(live > Some(100), "{live:?}");
    // A clock that was set back.
    assert_eq!(push(300, 5), 204);
}

/// Memory that so many flows have taken, of which few are kept at once.
fn room(count: u32, awake: usize) -> (usize, [usize; 3]) {
    let mut flows = Flows::default();
    flows.keep_brief(SEGMENTS, awake);
    let mut kept = VecDeque::new();
    for i in 0..count {
        let key = Key::of(&of(false, 0, 0, 0, SYN)).0;
        let seen = |s: &Segment| Seen::new(s, Key::of(s).1, Stamp::default());
        let mut segments = usual().into_iter();
        let first = segments.next().expect("a first one");
        let at = flows.begin(key, &seen(&first), None);
        for segment in segments.take(i as usize % 13) {
            flows.push_any(at, &seen(&segment));
        }
        kept.push_back(at);
        if kept.len() > 30 {
            kept.pop_front().into_iter().for_each(|at| flows.remove(at));
        }
    }
    (flows.live(), flows.memory.blocks())
}

#[test]
fn what_one_flow_gives_back_serves_another() {
    for awake in [0, AWAKE] {
        let [(_, few), (live, many)] = [500, 5000].map(|count| room(count, awake));
        assert_eq!(live, 30);
        // What was packed early or late takes more or less: not ten times more.
        assert!(
            many.iter().zip(few).all(|(many, few)| *many < 2 * few),
            "{many:?} {few:?}"
        );
    }
}

#[test]
fn what_few_too_many_flows_say_is_counted_and_not_kept() {
    let said = Said::read(b"GET / HTTP/1.1\r\n\r\n", 18).expect("a request");
    let mut table = FlowTable::default();
    let most = u32::try_from(TALKING).expect("it fits");
    for n in 0..most + 2 {
        let mut segment = of(false, 101, 501, 18, ACK);
        segment.src = End::v4(n.to_be_bytes(), 40000);
        let (frame, time) = (n.into(), Time(i64::from(n) * MILLISECOND / 8));
        table.push_said(&segment, said, Stamp { frame, time });
    }
    table.finish();
    let mut heard = 0;
    while let Some(due) = table.due(Time::default()) {
        heard += u32::from(table.facts(&due).is_some_and(|flow| flow.talk.is_some()));
    }
    assert_eq!((heard, table.unheard()), (most, 2));
}

prop_compose! {
    /// Of one of some connections, of which more are begun than are awake at once; the numbers are
    /// few, so that they meet. No two are so far apart (half the circle) that none comes first.
    fn any_segment()(
        client in prop::sample::select(vec![0, 0, 0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8_u16]),
        (six, turned) in any::<(bool, bool)>(),
        (seq, ack, len) in (0..9_u32, 0..9_u32, 0..4_u32),
        flags in prop::sample::select(vec![2_u8, 2, 18, 18, 16, 16, 16, 16, 17, 17, 17, 1, 4, 20, 3, 6]),
        far in prop::sample::select(vec![0, 0, 0, 0, 1 << 29, u32::MAX]),
        ip_id: Option<bool>,
    ) -> Segment {
        let port = 40000 + client;
        let ends = if six {
            [End::v6([1; 16], port), End::v6([2; 16], 80)]
        } else {
            [End::v4([10, 0, 0, 1], port), End::v4([10, 0, 0, 2], 80)]
        };
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

prop_compose! {
    /// One connection that goes on and on, as long as it may be kept briefly; then another, maybe.
    fn going_on()(
        steps in prop::collection::vec((any::<bool>(), 0..3_u32, 0..40_u32), 20..33),
        rest in prop::collection::vec(any_segment(), 0..4),
    ) -> Vec<Segment> {
        let mut next = [101, 501];
        let mut segments = vec![
            of(false, 100, 0, 0, SYN),
            of(true, 500, 101, 0, SYN.with(ACK)),
            of(false, 101, 501, 0, ACK),
        ];
        for (server, len, odd) in steps {
            let mine = usize::from(server);
            // Some of a flow are lost, some come twice, some say something.
            let lost = u32::from(odd == 0);
            let seq = next[mine] + lost - u32::from(odd == 1);
            let segment = of(server, seq, next[1 - mine], len, ACK);
            let window = 1 + u16::from(odd % 2 > 0);
            segments.push(Segment { window, ..segment });
            next[mine] = next[mine].max(seq + len);
        }
        segments.extend(rest.into_iter().map(|other| of(false, other.seq.0, other.ack.0, other.len, other.flags)));
        segments
    }
}

/// The flows of these segments, as text.
fn texts(segments: &[Segment], most: u8, awake: usize) -> Vec<String> {
    let mut table = flows(segments, most, awake);
    let next = || {
        let due = table.due(Time::default())?;
        let mut flow = table.facts(&due)?.clone();
        // Of the table's books, not of the flow.
        (flow.noted, flow.entry) = (false, 0);
        flow.unsettle();
        Some(format!("{flow:?}"))
    };
    std::iter::from_fn(next).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn brief_flows_are_the_same_flows(
        segments in prop::collection::vec(any_segment(), 1..200),
    ) {
        let brief = texts(&segments, SEGMENTS, AWAKE);
        prop_assert_eq!(&brief, &texts(&segments, 1, AWAKE));
        prop_assert_eq!(&brief, &texts(&segments, SEGMENTS, 1));
        prop_assert_eq!(&brief, &texts(&segments, SEGMENTS, 0));
    }

    #[test]
    fn flows_that_hold_segments_are_the_same_flows(segments in going_on()) {
        prop_assert_eq!(texts(&segments, SEGMENTS, AWAKE), texts(&segments, 1, AWAKE));
    }

    #[test]
    fn brief_flows_are_looked_at_as_others_are(
        segments in prop::collection::vec(any_segment(), 1..90),
    ) {
        let frames = looked_at(&segments, SEGMENTS, AWAKE);
        prop_assert_eq!(&frames, &looked_at(&segments, SEGMENTS, 0));
        // Those that the facts call over are among them.
        let over = looked_at(&segments, 1, AWAKE);
        prop_assert!(over.iter().all(|frame| frames.contains(frame)), "{:?} {:?}", over, frames);
    }
}
