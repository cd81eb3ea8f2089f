//! Flows are judged and let go while the capture is read: with the verdicts that they would get at its
//! end, and within the limits on how many are kept.

mod support;

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;
use support::Subject;
use support::essence::contradictions;
use support::wrap::{self, PLAIN, Packet};
use whoclosed::capture::Reader;
use whoclosed::close::finding::Code;
use whoclosed::close::verdict::{Outcome, Verdict};
use whoclosed::close::{Hosts, judge};
use whoclosed::flow::{FlowTable, Limits};
use whoclosed::packet::decode;
use whoclosed::stamp::{SECOND, Stamp, Time};
use whoclosed::{Analysis, Options, analyze};

/// The same packets so much later.
fn later(packets: &[Packet], by: i64) -> Vec<Packet> {
    let mut packets = packets.to_vec();
    for packet in &mut packets {
        packet.time += by;
    }
    packets
}

/// A SYN of a connection of its own, at `time`.
fn stranger(time: i64) -> Packet {
    let cases = support::case::parse(
        "stranger.case",
        "# A SYN\n0.000 C9 > S  S  0\n=> outcome unanswered\n",
    );
    let mut packet = cases[0].packets[0].clone();
    packet.time = time;
    packet
}

fn end_of(packets: &[Packet]) -> i64 {
    packets.iter().map(|p| p.time).max().expect("a packet")
}

/// The verdicts on all flows at the end of the capture.
fn at_the_end(capture: &[u8]) -> Vec<Verdict> {
    let mut reader = Reader::new(capture).unwrap();
    let mut table = FlowTable::default();
    let mut end = Stamp::default();
    while let Some(record) = reader.next() {
        let (frame, time) = (record.frame, record.time.unwrap());
        end = Stamp {
            frame,
            time: end.time.max(time),
        };
        if let Ok(segment) = decode(record.link, record.data, record.original_len) {
            table.push(&segment, Stamp { frame, time });
        }
    }
    table.finish();
    let mut context = support::context(end);
    let mut hosts = Hosts::default();
    let next = || {
        let due = table.due(Time::default())?;
        let flow = table.facts(&due)?;
        context.server = hosts.server_of(flow);
        hosts.see(flow);
        Some(judge(flow, context, &"-".into()))
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn a_flow_that_is_let_go_has_the_verdict_of_the_end() {
    let mut let_go = 0;
    let mut lines = Vec::new();
    let mut subjects = support::everything();
    subjects.retain(|subject| !subject.packets.is_empty());
    for Subject { name, mut packets } in subjects {
        let end = end_of(&packets);
        packets.extend([200, 300].map(|seconds| stranger(end + seconds * SECOND)));
        let capture = wrap::write(&packets, PLAIN);
        let read = Rc::new(Cell::new(0));
        let input = Counted(&capture, Rc::clone(&read));
        let mut verdicts = Vec::new();
        for verdict in analyze(input, &live()).unwrap() {
            let_go += usize::from(read.get() < capture.len());
            verdicts.push(verdict);
        }
        verdicts.sort_by_key(|v| v.flow);
        let expected = at_the_end(&capture);
        if verdicts != expected {
            lines.push(name);
        }
    }
    support::report("other than at the end", &lines);
    assert!(let_go > 250, "{let_go}");
}

fn live() -> Options {
    let mut options = Options::default();
    options.live = true;
    options
}

/// Bytes handed out so far.
struct Counted<'a>(&'a [u8], Rc<Cell<usize>>);

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let most = buf.len().min(100);
        let n = self.0.read(&mut buf[..most])?;
        self.1.set(self.1.get() + n);
        Ok(n)
    }
}

#[test]
fn a_flow_is_let_go_by_the_first_record_after_its_time_wait() {
    let text = "# Closed, and another flow that goes on\n\
        0.000 C > S  S   0\n0.020 S > C  S.  0  ack 1\n0.040 C > S  .   1  ack 1\n\
        0.100 C > S  F.  1  ack 1\n0.121 S > C  F.  1  ack 2\n0.141 C > S  .   2  ack 2\n=> outcome graceful\n";
    let mut packets = support::case::parse("a.case", text)[0].packets.clone();
    let end = end_of(&packets);
    let whole = wrap::write(&packets, PLAIN).len();
    for seconds in [30, 60, 62, 63, 64] {
        packets.push(stranger(end + seconds * SECOND));
    }
    let capture = wrap::write(&packets, PLAIN);
    let one = (capture.len() - whole) / 5;
    let read = Rc::new(Cell::new(0));
    let mut analysis = analyze(Counted(&capture, Rc::clone(&read)), &live()).unwrap();
    assert_eq!(
        analysis.next().map(|v| (v.flow, v.outcome)),
        Some((0, Outcome::Graceful))
    );
    assert!(
        read.get() <= whole + 3 * one + 100,
        "{} of {}",
        read.get(),
        capture.len()
    );
}

fn limited(flows: usize, half_open: usize) -> Options {
    let mut options = Options::default();
    options.limits = Limits { flows, half_open };
    options
}

fn all(capture: &[u8], options: &Options) -> (Vec<Verdict>, u64) {
    let mut analysis: Analysis<&[u8]> = analyze(capture, options).unwrap();
    let mut verdicts: Vec<Verdict> = analysis.by_ref().collect();
    verdicts.sort_by_key(|v| v.flow);
    (verdicts, analysis.summary().evicted)
}

/// Whole captures of many flows, mixed: all of them begin before the first one ends.
fn crowd() -> Vec<Packet> {
    let lab = support::everything();
    let mut packets = Vec::new();
    for (network, subject) in (0_u8..).zip(lab.iter().filter(|s| s.packets.len() < 40).take(120)) {
        let start = subject.packets[0].time;
        let mine = later(&subject.packets, i64::from(network) * 50_000_000 - start);
        packets.extend(support::transform::in_network(&mine, network));
    }
    packets.sort_by_key(|p| p.time);
    packets
}

#[test]
fn too_many_flows_are_evicted_and_never_said_to_be_whole() {
    let capture = wrap::write(&crowd(), PLAIN);
    let (whole, evicted) = all(&capture, &Options::default());
    assert_eq!(evicted, 0);
    assert!(whole.len() > 120);
    for (flows, half_open) in [(1, 1), (5, 1), (20, 2), (60, 60)] {
        let (verdicts, evicted) = all(&capture, &limited(flows, half_open));
        let told = verdicts
            .iter()
            .filter(|v| v.findings.iter().any(|f| f.code == Code::Evicted));
        assert_eq!(told.clone().count() as u64, evicted);
        assert!(evicted > 0, "{flows}");
        for v in told {
            let known = v.outcome.is_over() || v.outcome == Outcome::Unanswered;
            assert!(
                known || v.outcome == Outcome::Indeterminate,
                "{}",
                v.outcome
            );
        }
        // The loss law: a part of its records was looked at.
        let mut lines = Vec::new();
        for v in &verdicts {
            let same = |w: &&Verdict| w.first_frame == v.first_frame;
            for w in whole.iter().filter(same) {
                lines.extend(contradictions(v, w, false));
            }
        }
        support::report("contradictions", &lines);
    }
}

#[test]
fn late_segments_of_evicted_flows_begin_no_connection() {
    let capture = wrap::write(&crowd(), PLAIN);
    let (whole, _) = all(&capture, &Options::default());
    let (verdicts, _) = all(&capture, &limited(3, 3));
    let first = |all: &[Verdict]| all.iter().map(|v| v.first_frame).collect::<Vec<_>>();
    let (whole, few) = (first(&whole), first(&verdicts));
    let new: Vec<_> = few.iter().filter(|frame| !whole.contains(frame)).collect();
    assert!(new.is_empty(), "{new:?}");
}

#[test]
fn a_pending_syn_at_the_end_of_all_times_is_waited_for_in_vain() {
    let text = "# Closed, and a SYN that may be an old duplicate\n\
        0.000 C > S  S   0\n0.020 S > C  S.  0  ack 1\n0.040 C > S  .   1  ack 1\n\
        0.100 C > S  R.  1  ack 1\n0.200 S > C  .   1  ack 1\n0.300 C > S  S   -800000\n=> outcome unanswered\n";
    let mut packets = support::case::parse("a.case", text)[0].packets.clone();
    packets.push(stranger(i64::MAX));
    let mut table = FlowTable::default();
    for (packet, frame) in packets.iter().zip(1..) {
        let segment = decode(101, &packet.ip, packet.wire as u32).unwrap();
        table.push(
            &segment,
            Stamp {
                frame,
                time: Time(packet.time),
            },
        );
        while let Some(due) = table.due(Time(i64::MAX)) {
            assert!(table.facts(&due).is_some());
        }
    }
}

#[test]
fn facts_that_were_looked_at_early_are_not_kept_for_later() {
    // A round trip of minutes: the flow is looked at after its TIME-WAIT and waited for.
    let text = "# Closed slowly, and a FIN again\n\
        0.000 C > S  S   0\n40.000 S > C  S.  0  ack 1\n80.000 C > S  .   1  ack 1\n\
        81.000 C > S  F.  1  ack 1\n121.000 S > C  F.  1  ack 2\n161.000 C > S  .   2  ack 2\n\
        230.000 S > C  F.  1  ack 2\n=> outcome graceful\n";
    let packets = support::case::parse("a.case", text)[0].packets.clone();
    let (last, before) = packets.split_last().unwrap();
    let mut table = FlowTable::default();
    let mut frame = 0;
    let mut push = |table: &mut FlowTable, packet: &Packet| {
        frame += 1;
        let segment = decode(101, &packet.ip, packet.wire as u32).unwrap();
        let time = Time(packet.time);
        table.push(&segment, Stamp { frame, time });
        time
    };
    for packet in before {
        push(&mut table, packet);
    }
    let now = push(&mut table, &stranger(last.time - SECOND));
    assert!(table.has_due(now) && table.due(now).is_none());
    push(&mut table, last);
    table.finish();
    let due = table.due(now).unwrap();
    let flow = table.facts(&due).unwrap();
    assert_eq!((flow.last.frame, flow.log.iter().count()), (8, 7));
}
