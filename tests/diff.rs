//! One release against the next: `whoclosed diff`.

mod support;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use support::Subject;
use support::transform;
use support::wrap::{self, PLAIN, Packet};
use whoclosed::check::diff::{ALPHA, Change, Comparison, Sample, Span, compare};
use whoclosed::check::{Line, SavedReport};
use whoclosed::report::json::JsonReport;
use whoclosed::report::schema::schema;
use whoclosed::report::{Look, Report, diff};
use whoclosed::{Options, analyze};

const MILLISECOND: i64 = 1_000_000;
const GRACEFUL: &str = "captures/close-client-first-4seg.mid.pcap";
const ABORTED: &str = "captures/linger0-client.mid.pcap";
const SERVER_FIRST: &str = "captures/close-server-first-4seg.mid.pcap";

/// So many flows of each capture, each in a network of its own; the last part of a flow comes `slower`
/// times so many milliseconds as its number modulo ten says later.
fn traffic(parts: &[(&str, u8)], slower: i64) -> Vec<u8> {
    let (mut all, mut number) = (Vec::new(), 0_u8);
    for (name, count) in parts {
        let packets = Subject::read(&support::testdata(name)).packets;
        for _ in 0..*count {
            number += 1;
            let mut packets = transform::in_network(&packets, number);
            let late = i64::from(number % 10) * MILLISECOND * slower;
            for packet in close(&mut packets) {
                packet.time += late;
            }
            all.extend(packets);
        }
    }
    all.sort_by_key(|packet: &Packet| packet.time);
    wrap::write(&all, PLAIN)
}

/// What follows the first FIN.
fn close(packets: &mut [Packet]) -> &mut [Packet] {
    let fin = |p: &Packet| transform::fields(p).has(support::packet::FIN);
    let first = packets.iter().position(fin);
    let behind = first.map_or(packets.len(), |first| first + 1);
    &mut packets[behind..]
}

fn sample(capture: &[u8]) -> Sample {
    let mut analysis = analyze(capture, &Options::default()).expect("a capture");
    let mut sample = Sample::default();
    while analysis.show_next(&mut |verdict| sample.see(verdict)) {}
    sample.end(&analysis.summary());
    sample
}

fn compared(old: &[u8], new: &[u8]) -> Comparison {
    let (old, new) = (sample(old), sample(new));
    compare(("old", &old), ("new", &new), ALPHA)
}

#[test]
fn a_capture_is_like_itself() {
    let capture = traffic(&[(GRACEFUL, 60), (ABORTED, 20)], 1);
    let found = compared(&capture, &capture);
    assert_eq!(found.change, Change::Same, "{found:#?}");
    assert!(found.counts.iter().all(|row| row.p > 0.999));
    assert!(found.tests > 10, "{}", found.tests);
}

#[test]
fn more_aborts_are_worse_and_name_flows_and_frames() {
    let old = traffic(&[(GRACEFUL, 98), (ABORTED, 2)], 1);
    let new = traffic(&[(GRACEFUL, 80), (ABORTED, 20)], 1);
    let found = compared(&old, &new);
    assert_eq!(found.change, Change::Worse);
    for row in ["outcome graceful", "outcome aborted", "aborted_by client"] {
        assert!(
            found.worse.iter().any(|name| name == row),
            "{row}: {:?}",
            found.worse
        );
    }
    let aborted = found
        .counts
        .iter()
        .find(|row| row.name == "aborted")
        .expect("a row");
    assert_eq!((aborted.old.count, aborted.new.count), (2, 20));
    assert_eq!(aborted.examples.len(), 3);
    assert!(aborted.examples_are_new && aborted.examples[0].reason.contains("frame"));
    let back = compared(&new, &old);
    assert_eq!(back.change, Change::Better);
    assert!(back.worse.is_empty(), "{:?}", back.worse);
}

/// Two aborts of a hundred, then four: that happens.
#[test]
fn noise_is_no_regression() {
    let old = traffic(&[(GRACEFUL, 98), (ABORTED, 2)], 1);
    let new = traffic(&[(GRACEFUL, 96), (ABORTED, 4)], 1);
    let found = compared(&old, &new);
    assert_eq!(found.change, Change::Same, "{:?}", found.worse);
}

#[test]
fn another_closer_is_a_change_and_not_worse() {
    let old = traffic(&[(GRACEFUL, 50)], 1);
    let new = traffic(&[(SERVER_FIRST, 50)], 1);
    let found = compared(&old, &new);
    let has = |name: &str| found.changed.iter().any(|changed| changed == name);
    assert!(
        has("active_closer server") && has("time_wait client"),
        "{:?}",
        found.changed
    );
    assert!(!found.worse.iter().any(|name| name.contains("closer")));
}

#[test]
fn a_slower_close_is_worse_and_a_faster_one_better() {
    let fast = traffic(&[(GRACEFUL, 100)], 1);
    let slow = traffic(&[(GRACEFUL, 100)], 40);
    let found = compared(&fast, &slow);
    let row = |found: &Comparison| {
        let mut rows = found.spans.clone().into_iter();
        rows.find(|row| row.span == Span::CloseHandshake)
            .expect("a row")
    };
    let slower = row(&found);
    assert_eq!(slower.change, Change::Worse, "{slower:#?}");
    assert!(slower.larger.expect("values") > 0.7);
    assert!(slower.example.is_some());
    assert_eq!(row(&compared(&slow, &fast)).change, Change::Better);
}

/// One flow of ten takes long: the median is as it was.
#[test]
fn a_slower_tail_is_worse_too() {
    let old = traffic(&[(GRACEFUL, 200)], 0);
    let mut some = Vec::new();
    for number in 1..=200_u8 {
        let packets = Subject::read(&support::testdata(GRACEFUL)).packets;
        let mut packets = transform::in_network(&packets, number);
        for packet in close(&mut packets) {
            packet.time += if number % 10 == 0 {
                900 * MILLISECOND
            } else {
                0
            };
        }
        some.extend(packets);
    }
    some.sort_by_key(|packet| packet.time);
    let found = compared(&old, &wrap::write(&some, PLAIN));
    let row = found
        .spans
        .iter()
        .find(|row| row.span == Span::CloseHandshake);
    let row = row.expect("a row");
    assert_eq!(row.old.median_ns, row.new.median_ns);
    assert_eq!(row.change, Change::Worse, "{row:#?}");
    let tail = row.tail.as_ref().expect("values");
    assert!(
        tail.new.count > tail.old.count && tail.p_corrected < 0.05,
        "{tail:?}"
    );
}

/// A saved report says what the capture says.
#[test]
fn a_report_is_as_good_as_its_capture() {
    let capture = traffic(&[(GRACEFUL, 30), (ABORTED, 5), (SERVER_FIRST, 9)], 3);
    let mut saved = Sample::default();
    for line in SavedReport::new(&*report(&capture)) {
        match line.expect("a line") {
            Line::Flow(verdict) => saved.see(&verdict),
            Line::Summary(summary) => saved.end(&summary),
            _ => {}
        }
    }
    assert!(saved.is_whole());
    let json = |sample: &Sample| {
        let mut out = Vec::new();
        let found = compare(("a", sample), ("b", sample), ALPHA);
        diff::json(&mut out, &found).expect("written");
        String::from_utf8(out).expect("text")
    };
    assert_eq!(json(&saved), json(&sample(&capture)));
}

fn report(capture: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut report = JsonReport::new(&mut out);
    let mut analysis = analyze(capture, &Options::default()).expect("a capture");
    for verdict in &mut analysis {
        report.flow(&verdict).expect("written");
    }
    report.diagnoses(&analysis.diagnoses()).expect("written");
    report.summary(&analysis.summary(), None).expect("written");
    out
}

#[test]
fn every_line_is_what_the_schema_says() {
    let mut schema = schema();
    let definitions = schema["$defs"].as_object_mut().expect("definitions");
    for definition in definitions.values_mut() {
        if definition.get("properties").is_some() {
            definition["additionalProperties"] = false.into();
        }
    }
    let validator = jsonschema::options().build(&schema).expect("a schema");
    let old = traffic(&[(GRACEFUL, 98), (ABORTED, 2)], 1);
    let new = traffic(&[(GRACEFUL, 70), (ABORTED, 20), (SERVER_FIRST, 9)], 20);
    let none = wrap::write(&[], PLAIN);
    for (old, new) in [(&old, &new), (&old, &none), (&none, &none)] {
        let mut out = Vec::new();
        diff::json(&mut out, &compared(old, new)).expect("written");
        for line in String::from_utf8(out).expect("text").lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            if let Err(error) = validator.validate(&line) {
                panic!("{error}\n{line}");
            }
        }
    }
}

#[test]
fn for_people() {
    let old = traffic(&[(GRACEFUL, 98), (ABORTED, 2)], 1);
    let new = traffic(&[(GRACEFUL, 70), (ABORTED, 21), (SERVER_FIRST, 9)], 40);
    let mut out = Vec::new();
    diff::text(&mut out, Look::default(), &compared(&old, &new)).expect("written");
    let text = String::from_utf8(out).expect("text");
    insta::assert_snapshot!(text);
}

/// A directory that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("created");
        Self(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("written");
        path.to_str().expect("a name").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    command.arg("diff").args(args).output().expect("runs")
}

#[test]
fn exit_codes() {
    let folder = Folder::new("diff-exit-codes");
    let good = traffic(&[(GRACEFUL, 98), (ABORTED, 2)], 1);
    let bad = traffic(&[(GRACEFUL, 70), (ABORTED, 30)], 1);
    let old = folder.file("old.pcap", &good);
    let new = folder.file("new.pcap", &bad);
    let saved = folder.file("old.jsonl", &report(&good));
    let text = report(&good);
    let last = text.iter().rposition(|b| *b == b'\n').expect("lines");
    let last = text[..last]
        .iter()
        .rposition(|b| *b == b'\n')
        .expect("lines");
    let unended = folder.file("unended.jsonl", &text[..=last]);
    let cut = folder.file("cut.pcap", &bad[..bad.len() - 7]);
    let empty = folder.file("empty.pcap", &wrap::write(&[], PLAIN));
    let broken = folder.file(
        "broken.jsonl",
        b"{\"type\":\"flow\",\"schema\":1,\"flow\":-1}\n",
    );
    let one = folder.file("one.pcap", &traffic(&[(GRACEFUL, 2)], 1));
    let other = folder.file("other.pcap", &traffic(&[(ABORTED, 3)], 1));
    let worse = "--fail-on=worse";
    for (args, code, said) in [
        (vec![&*old, &*new], 0, ""),
        (vec![worse, &old, &new], 1, ""),
        (vec![worse, &saved, &new], 1, ""),
        (vec![worse, &new, &old], 0, ""),
        (vec![worse, &one, &other], 2, "not judged: of so few flows"),
        (vec![&one, &other], 0, ""),
        (vec!["--fail-on=change", &new, &old], 1, ""),
        (vec!["--fail-on=change", &saved, &old], 0, ""),
        (vec![worse, &old, &cut], 2, "not judged: damaged"),
        (vec![worse, "--allow-damaged", &old, &cut], 1, ""),
        (vec![&unended, &old], 2, "a report without its end"),
        (vec![&old, &empty], 2, "0 flows, expected 1 or more"),
        (
            vec!["--min-flows=101", &old, &new],
            2,
            "100 flows, expected 101 or more",
        ),
        (
            vec![&old, &broken],
            2,
            "broken.jsonl: line 1, column 35: invalid",
        ),
        (vec![&old, "nowhere"], 2, "nowhere: "),
        (vec!["-", "-"], 2, "only be one of"),
        (vec!["--alpha=2", &old, &new], 2, "expected a probability"),
        (vec!["--filter=port 1", &saved, &new], 2, "is a report"),
    ] {
        let output = run(&args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
        assert!(error.contains(said), "{args:?}: {error}");
    }
}

/// Two halves of one capture differ by chance alone: as often as `--alpha` says, at most.
#[test]
fn halves_of_one_capture_seldom_differ() {
    let bytes = fs::read(support::testdata("capgen/short.pcap")).expect("readable");
    let flows = support::verdicts(&bytes);
    let (runs, mut told, mut state) = (400, 0, 1_u64);
    for _ in 0..runs {
        let mut halves = [Sample::default(), Sample::default()];
        for flow in &flows {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            halves[(state >> 63) as usize].see(flow);
        }
        let [old, new] = &halves;
        let found = compare(("old", old), ("new", new), ALPHA);
        assert!(old.flows() > 50 && found.tests > 30, "{}", found.tests);
        told += u32::from(found.change != Change::Same);
    }
    // Binomial: 20 are expected at most, 33 or more come by chance once in 300 times.
    assert!(told < 33, "{told} of {runs}");
}
