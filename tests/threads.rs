//! What is said does not depend on the number of threads.

mod support;

use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use support::wrap::{self, PLAIN, Packet};
use whoclosed::capture::{Meter, Metered, Set, SetFile};
use whoclosed::ledger::PortRange;
use whoclosed::report::Report;
use whoclosed::report::json::JsonReport;
use whoclosed::stamp::SECOND;
use whoclosed::{Analysis, Options, analyze, analyze_set};

/// More than one thread alone reads, and more flows than it judges alone.
const NETWORKS: u8 = 12;

/// All captures at once in several networks, most of them later: the flows of the first are over
/// before those of the others begin, and very many are left at the end.
fn large() -> Vec<u8> {
    wrap::write(&packets(), PLAIN)
}

fn packets() -> Vec<Packet> {
    let subjects = support::everything();
    let mut all: Vec<Packet> = Vec::new();
    for network in 0..NETWORKS {
        let late = i64::from(network > 1);
        for subject in &subjects {
            let first = subject.packets.iter().map(|packet| packet.time).min();
            let shift = 1_800_000_000 * SECOND + late * 200 * SECOND - first.unwrap_or_default();
            let packets = support::transform::in_network(&subject.packets, network);
            all.extend(packets.into_iter().map(|packet| Packet {
                time: packet.time + shift,
                ..packet
            }));
        }
    }
    all.sort_by_key(|packet| packet.time);
    all
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

/// The whole report, by so many threads.
fn report(capture: &[u8], options: &Options, threads: usize) -> (String, u64) {
    report_on(analyze(capture, options).expect("a capture"), threads)
}

fn report_on<R: Read + Send>(mut analysis: Analysis<R>, threads: usize) -> (String, u64) {
    let mut text = Vec::new();
    let mut report = JsonReport::new(&mut text);
    let all = analysis.show_all(threads, &mut |verdict, extent| {
        assert!(extent.began.is_some_and(|began| began <= extent.until));
        report.flow(verdict).expect("into memory");
        ControlFlow::Continue(())
    });
    assert!(all.is_continue());
    report
        .diagnoses(&analysis.diagnoses())
        .expect("into memory");
    let summary = analysis.summary();
    report.summary(&summary, None).expect("into memory");
    (String::from_utf8(text).expect("text"), summary.flows)
}

/// Where two texts differ.
fn difference(one: &str, other: &str) -> Option<String> {
    let lines = one.lines().zip(other.lines());
    let mut lines = lines.filter(|(a, b)| a != b);
    let found = lines.next().map(|(a, b)| format!("{a}\n{b}"));
    found.or_else(|| (one != other).then(|| "one is longer".to_owned()))
}

#[test]
fn nothing_depends_on_the_number_of_threads() {
    let capture = large();
    let archive = gzip(&capture);
    let mut damaged = capture.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 3000].fill(0xa5);
    let mut torn = archive.clone();
    torn.truncate(archive.len() * 2 / 3);
    // While nothing compressed is read three threads are two; at its end all have work.
    let inputs: [(_, _, &[usize]); 5] = [
        ("plain", &capture, &[2, 5]),
        ("books", &capture, &[2]),
        ("gzip", &archive, &[2, 3]),
        ("damaged", &damaged, &[2]),
        ("cut", &torn, &[2, 3]),
    ];
    for (name, input, counts) in inputs {
        let mut options = Options::default();
        let books = name == "books";
        options.ledger = books.then(|| PortRange::default().into());
        let (one, flows) = report(input, &options, 1);
        assert!(flows > 3000, "{name}: {flows} flows");
        for &threads in counts {
            let (several, _) = report(input, &options, threads);
            let difference = difference(&one, &several);
            assert_eq!(difference, None, "{name} by {threads} threads");
        }
    }
}

#[test]
fn nor_does_what_is_said_of_a_file_that_several_read() {
    let mut packets = packets();
    // Not all of them fit before the next chunk of the file.
    for (number, packet) in packets.iter_mut().rev().step_by(500).enumerate() {
        let len = packet.ip.len().max(number % 50 * 4000);
        packet.ip.resize(len, 0);
    }
    let mut capture = wrap::write(&packets, PLAIN);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ahead");
    fs::create_dir_all(&folder).expect("created");
    let middle = capture.len() / 2;
    for name in ["whole", "damaged", "cut", "gzip"] {
        match name {
            "damaged" => capture[middle..middle + 3000].fill(0xa5),
            "cut" => capture.truncate(middle * 2 - 5),
            "gzip" => capture = gzip(&capture),
            _ => {}
        }
        let path = folder.join(name);
        fs::write(&path, &capture).expect("written");
        let by = |threads| {
            let open = || fs::File::open(&path).expect("opened");
            let meter = Arc::new(Meter::default());
            let mut options = Options::default();
            options.file = Some(Arc::new(open()));
            options.meter = Some(Arc::clone(&meter));
            let read = Metered::new(open(), Arc::clone(&meter));
            let said = report_on(analyze(read, &options).expect("a capture"), threads);
            assert_eq!(meter.bytes(), capture.len() as u64, "{name} by {threads}");
            said
        };
        let ((one, flows), (several, _)) = (by(1), by(if name == "whole" { 5 } else { 2 }));
        assert!(flows > 3000, "{name}: {flows} flows");
        assert_eq!(difference(&one, &several), None, "{name}");
    }
}

#[test]
fn of_several_files_neither() {
    let all = packets();
    let (first, rest) = all.split_at(all.len() / 3);
    let half = |odd: usize| rest.iter().skip(odd).step_by(2).cloned().collect();
    // One after another, then two at once.
    let parts: [Vec<Packet>; 3] = [first.to_vec(), half(0), half(1)];
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("threads");
    fs::create_dir_all(&folder).expect("created");
    let files = parts.iter().zip(["a", "b", "c"]).map(|(packets, name)| {
        let path = folder.join(name);
        fs::write(&path, wrap::write(packets, PLAIN)).expect("written");
        SetFile::look(&path, name.into()).expect("a capture")
    });
    let files: Vec<SetFile> = files.collect();
    let by = |threads| {
        let set = Set::new(files.clone());
        report_on(analyze_set(set, &Options::default()), threads)
    };
    let ((one, flows), (two, _)) = (by(1), by(2));
    assert!(flows > 4000 && one.contains("\"source\":\"c\""));
    assert_eq!(difference(&one, &two), None);
}

#[test]
fn a_small_capture_is_said_the_same_of() {
    for subject in support::everything() {
        let capture = wrap::write(&subject.packets, PLAIN);
        let options = Options::default();
        assert_eq!(report(&capture, &options, 1), report(&capture, &options, 3));
    }
}

#[test]
fn who_has_seen_enough_does_not_wait() {
    let capture = large();
    for input in [gzip(&capture), capture] {
        for (threads, enough) in [(1, 10), (2, 1), (2, 4000), (3, 1)] {
            let mut analysis = analyze(&input[..], &Options::default()).expect("a capture");
            let mut seen = 0;
            let all = analysis.show_all(threads, &mut |_, _| {
                seen += 1;
                if seen == enough {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            });
            assert!(all.is_break());
            assert_eq!(seen, enough);
        }
    }
}

#[test]
fn how_many_is_asked_for_by_an_option() {
    let run = |threads: &str| {
        Command::new(env!("CARGO_BIN_EXE_whoclosed"))
            .args(["--format", "json", "--threads", threads])
            .arg(support::testdata("captures/simultaneous.mid.pcapng"))
            .output()
            .expect("it runs")
    };
    let (none, one, several) = (run("0"), run("1"), run("16"));
    let said = String::from_utf8_lossy(&none.stderr);
    assert_eq!(none.status.code(), Some(2), "{said}");
    assert!(said.contains("expected a number from 1"), "{said}");
    assert_eq!(one.status.code(), Some(0));
    assert!(!one.stdout.is_empty());
    assert_eq!(one.stdout, several.stdout);
}
