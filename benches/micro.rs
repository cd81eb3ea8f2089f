//! What the stages cost by themselves, through the library's public entrances:
//!
//!   cargo bench --bench micro [STAGE]
//!
//! The packets are those of the small generated capture in `testdata/capgen`, again in other
//! containers and behind other headers: 2,598 of 237 connections, which stay in the caches. So the
//! figures are those of the stages' own work; what memory costs shows only in a whole program over
//! a large capture (`benches/peers`).
#![allow(missing_docs, reason = "a program")]

#[path = "../tests/support/mod.rs"]
mod support;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use std::io::sink;
use std::sync::{Arc, LazyLock};
use support::wrap::{self, Container, Link, Packet};
use whoclosed::capture::Reader;
use whoclosed::close::judge;
use whoclosed::close::verdict::Verdict;
use whoclosed::flow::{Clock, Flow, FlowTable, Limits};
use whoclosed::packet::{Segment, decode};
use whoclosed::report::Report;
use whoclosed::report::csv::CsvReport;
use whoclosed::report::json::JsonReport;
use whoclosed::stamp::{SECOND, Stamp, Time};
use whoclosed::{Options, analyze};

/// What nearly every capture is.
/// Segments that are handed on at once.
const BATCH: usize = 512;

const PCAP: Container = Container::Pcap {
    big: false,
    nanos: false,
};
const PCAPNG: Container = Container::Pcapng { big: false };

/// What everything is made of.
static PACKETS: LazyLock<Vec<Packet>> = LazyLock::new(|| {
    let path = support::testdata("capgen").join("short.pcap");
    wrap::read(&std::fs::read(path).expect("the capture"))
});

/// What is measured against how many.
fn per_flow() -> ItemsCount {
    ItemsCount::new(flows().len())
}

fn per_packet() -> ItemsCount {
    ItemsCount::new(PACKETS.len())
}

fn main() {
    divan::main();
}

/// Reads a capture to its end: records, of which nothing is looked at.
#[divan::bench(args = [("pcap", PCAP), ("pcapng", PCAPNG)].map(Named))]
fn framing(bencher: Bencher, container: &Named<Container>) {
    let capture = wrap::write(&PACKETS, (container.0.1, Link::Ethernet));
    let counted = bencher
        .counter(BytesCount::of_slice(&capture))
        .counter(per_packet());
    counted.bench(|| {
        let mut reader = Reader::new(black_box(&capture[..])).expect("a capture");
        while let Some(record) = reader.next() {
            black_box(record.data);
        }
    });
}

/// Frames to segments: Ethernet is what is usual, all else goes layer by layer.
#[divan::bench(args = [
    ("ethernet", Link::Ethernet),
    ("vlan", Link::Vlan),
    ("qinq", Link::QinQ),
    ("sll", Link::Sll),
].map(Named))]
fn decoding(bencher: Bencher, link: &Named<Link>) {
    decode_all(bencher, &PACKETS, link.0.1);
}

/// The same of IPv6, layer by layer as well: a whole program has a shorter way for what is usual.
#[divan::bench(args = [("ethernet", Link::Ethernet), ("vlan", Link::Vlan)].map(Named))]
fn decoding_v6(bencher: Bencher, link: &Named<Link>) {
    let packets = support::transform::to_v6(&PACKETS);
    decode_all(bencher, &packets, link.0.1);
}

fn decode_all(bencher: Bencher, packets: &[Packet], link: Link) {
    let capture = wrap::write(packets, (PCAP, link));
    let frames = frames(&capture);
    let bytes: usize = frames.iter().map(|frame| frame.data.len()).sum();
    let counted = bencher
        .counter(BytesCount::new(bytes))
        .counter(per_packet());
    counted.bench(|| {
        for frame in black_box(&frames) {
            let _ = black_box(decode(frame.link, &frame.data, frame.original_len));
        }
    });
}

/// Segments in, due flows out, their facts gathered and forgotten.
#[divan::bench]
fn table(bencher: Bencher) {
    let segments = segments();
    let fresh = bencher
        .counter(per_packet())
        .with_inputs(|| FlowTable::new(Limits::DEFAULT, 60 * SECOND));
    fresh.bench_refs(|table| {
        let mut arrivals = table.arrivals(BATCH);
        let mut clock = Clock::new(false);
        for some in segments.chunks(BATCH) {
            arrivals.clear();
            for (segment, at) in some {
                arrivals.push(segment, *at);
            }
            let mut next = 0;
            while next < arrivals.len() {
                (next, _) = table.push_arrivals(&arrivals, next..arrivals.len(), &mut clock);
            }
        }
        table.finish();
        while let Some(due) = table.due(Time(i64::MAX)) {
            black_box(table.facts(&due));
        }
    });
}

/// Facts of flows to verdicts, with the times in each state.
#[divan::bench(args = [("with_states", true), ("without_states", false)].map(Named))]
fn judgement(bencher: Bencher, states: &Named<bool>) {
    let flows = flows();
    let source: Arc<str> = "short.pcap".into();
    let (_, end) = *segments().last().expect("a segment");
    bencher.counter(per_flow()).bench(|| {
        for flow in black_box(&flows) {
            let mut context = support::context(end);
            context.states = states.0.1;
            black_box(judge(flow, context, &source));
        }
    });
}

/// Verdicts to lines of JSON.
#[divan::bench]
fn json(bencher: Bencher) {
    report(bencher, || JsonReport::new(sink()));
}

/// Verdicts to rows of CSV, which are made of their JSON.
#[divan::bench]
fn csv(bencher: Bencher) {
    report(bencher, || CsvReport::new(sink()));
}

fn report<R: Report>(bencher: Bencher, new: impl Fn() -> R + Sync) {
    let verdicts = verdicts();
    bencher
        .counter(per_flow())
        .with_inputs(new)
        .bench_refs(|report| {
            for verdict in black_box(&verdicts) {
                report.flow(verdict).expect("a sink takes all");
            }
        });
}

/// All of it but the report.
#[divan::bench(args = [("pcap", PCAP), ("pcapng", PCAPNG)].map(Named))]
fn whole(bencher: Bencher, container: &Named<Container>) {
    let capture = wrap::write(&PACKETS, (container.0.1, Link::Ethernet));
    let counted = bencher
        .counter(BytesCount::of_slice(&capture))
        .counter(per_packet());
    counted.bench(|| {
        let mut flows = analyze(black_box(&capture[..]), &Options::default()).expect("a capture");
        while flows.show_next(&mut |verdict| {
            black_box(verdict);
        }) {}
    });
}

/// A value that is shown by its name.
struct Named<T>((&'static str, T));

impl<T> std::fmt::Display for Named<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.0)
    }
}

/// A record that owns its bytes.
struct Frame {
    link: u16,
    data: Vec<u8>,
    original_len: u32,
    at: Stamp,
}

fn frames(capture: &[u8]) -> Vec<Frame> {
    let mut reader = Reader::new(capture).expect("a capture");
    let mut frames = Vec::new();
    while let Some(record) = reader.next() {
        frames.push(Frame {
            link: record.link,
            data: record.data.to_vec(),
            original_len: record.original_len,
            at: Stamp {
                frame: record.frame,
                time: record.time.unwrap_or_default(),
            },
        });
    }
    frames
}

fn segments() -> Vec<(Segment, Stamp)> {
    let capture = wrap::write(&PACKETS, (PCAP, Link::Ethernet));
    let frames = frames(&capture);
    let decoded = frames.iter().filter_map(|frame| {
        let segment = decode(frame.link, &frame.data, frame.original_len).ok()?;
        Some((segment, frame.at))
    });
    decoded.collect()
}

fn flows() -> Vec<Flow> {
    let mut table = FlowTable::new(Limits::DEFAULT, 60 * SECOND);
    for (segment, at) in segments() {
        table.push(&segment, at);
    }
    table.finish();
    let mut flows = Vec::new();
    while let Some(due) = table.due(Time(i64::MAX)) {
        flows.extend(table.facts(&due).cloned());
    }
    flows
}

fn verdicts() -> Vec<Verdict> {
    support::verdicts(&wrap::write(&PACKETS, (PCAP, Link::Ethernet)))
}
