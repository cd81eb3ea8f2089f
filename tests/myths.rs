//! What is often believed is put right where it applies: every row is reached, and a healthy capture
//! is not lectured.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use whoclosed::close::myths::{self, MYTHS, Marks};

/// Names of the rows that apply to a stored capture.
fn reached(below: &str, name: &str) -> Vec<&'static str> {
    let path = support::testdata(below).join(name);
    let verdicts = support::verdicts(&fs::read(path).expect("readable"));
    let applies = |row: &&myths::Myth| verdicts.iter().any(|v| row.applies(Marks::of(v)));
    MYTHS
        .iter()
        .filter(applies)
        .map(|row| row.term.name)
        .collect()
}

#[test]
fn every_row_is_reached_by_a_capture_of_its_kind() {
    let captures: BTreeMap<&str, (&str, &str)> = [
        (
            "fin-timeout-is-not-time-wait",
            ("questions", "fin-wait-2-long.mid.pcap"),
        ),
        (
            "reuseaddr-is-not-tw-reuse",
            ("questions", "reuse-own-time-wait.mid.pcap"),
        ),
        (
            "ports-are-per-destination",
            ("questions", "port-exhaustion-reuse.mid.pcap"),
        ),
        (
            "server-time-wait-takes-no-port",
            ("questions", "reuse-by-isn.mid.pcap"),
        ),
        (
            "tw-recycle-is-gone",
            ("questions", "nat-tw-recycle.mid.pcap"),
        ),
        (
            "linger-0-is-no-cure",
            ("captures", "linger0-client.mid.pcap"),
        ),
        (
            "linger-n-sends-no-rst",
            ("questions", "fin-wait-1-loss.mid.pcap"),
        ),
        (
            "time-wait-is-the-active-closers",
            ("captures", "simultaneous.mid.pcapng"),
        ),
        (
            "fin-wait-2-vanishes",
            ("captures", "fin-wait2-timeout.mid.pcap"),
        ),
        (
            "fin-wait-1-is-no-proof",
            ("questions", "fin-wait-1-loss.mid.pcap"),
        ),
        (
            "close-wait-ends-by-close",
            ("questions", "close-wait-leak-growing.mid.pcap"),
        ),
        (
            "fin-loses-nothing",
            ("questions", "rst-though-all-sent.mid.pcap"),
        ),
        (
            "four-minutes-are-the-rfcs",
            ("questions", "reuse-by-timestamp.mid.pcap"),
        ),
    ]
    .into();
    let mut missing = Vec::new();
    for row in MYTHS {
        let name = row.term.name;
        match captures.get(name) {
            Some((below, file)) if reached(below, file).contains(&name) => {}
            capture => missing.push(format!("{name} by {capture:?}")),
        }
    }
    support::report("rows that nothing reaches", &missing);
    assert_eq!(captures.len(), MYTHS.len());
}

#[test]
fn nothing_is_put_right_where_nothing_is_wrong() {
    for name in [
        "01-clean.pcap",
        "13-fin-before-its-data.pcap",
        "18-refused.pcap",
    ] {
        assert!(reached("peers", name).is_empty(), "{name}");
    }
}

fn printed(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.args(args).output().expect("runs");
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_report_mentions_a_row_once() {
    let text = printed(&["testdata/questions/port-exhaustion-reuse.mid.pcap"]);
    let lines: Vec<&str> = text
        .lines()
        .filter(|l| l.contains("SO_REUSEADDR"))
        .collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert!(
        lines[0]
            .trim_start()
            .starts_with("8  reuseaddr-is-not-tw-reuse"),
        "{text}"
    );
}

#[test]
fn what_only_many_flows_bear_out_is_told_of_many() {
    let row = "server-time-wait-takes-no-port";
    let pile = printed(&["testdata/questions/idle-known.pcap"]);
    let one = printed(&["testdata/questions/reuse-by-isn.mid.pcap"]);
    assert!(pile.contains(row) && !one.contains(row), "{pile}{one}");
}

#[test]
fn explain_tells_those_of_its_flow() {
    let file = "testdata/questions/reuse-own-time-wait.mid.pcap";
    let text = printed(&["explain", file]);
    assert!(text.contains("Often told otherwise"), "{text}");
    let line = printed(&["explain", file, "--format", "json"]);
    let object: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let names = object["myths"].as_array().expect("a list").iter();
    let names: Vec<&str> = names.filter_map(|myth| myth["name"].as_str()).collect();
    assert!(names.contains(&"reuseaddr-is-not-tw-reuse"), "{names:?}");
    assert!(!names.contains(&"close-wait-ends-by-close"), "{names:?}");
}

#[test]
fn each_names_its_source() {
    for row in MYTHS {
        let term = row.term;
        assert!(row.belief.ends_with('.'), "{}", term.name);
        assert!(
            !term.rfc.is_empty() && !term.linux.is_empty(),
            "{}",
            term.name
        );
        let text = printed(&["terms", term.name]);
        assert!(
            text.contains("(myth): ") && text.contains("  Belief"),
            "{text}"
        );
    }
}
