//! `whoclosed timewait` as a user meets it.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::process::{Command, Output, Stdio};
use whoclosed::report::schema::schema;
use whoclosed::report::{Clock, Look, TimeStyle, ledger};
use whoclosed::stamp::SECOND;
use whoclosed::{Options, analyze};

const PILE: &str = "testdata/questions/time-wait-pile.mid.pcap";
const SERVER_FIRST: &str = "testdata/captures/close-server-first-4seg.mid.pcap";
const CLIENT_FIRST: &str = "testdata/captures/close-client-first-4seg.mid.pcap";

fn timewait(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.arg("timewait").args(args).stdin(Stdio::null());
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("runs")
}

/// What it prints on a capture that is whole.
#[track_caller]
fn printed(args: &[&str]) -> String {
    let output = timewait(args);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    assert_eq!(output.status.code(), Some(0), "{}", text(output.stderr));
    text(output.stdout)
}

#[test]
fn piped_it_is_plain() {
    let args = [PILE, "--time-wait", "1s", "--step", "500ms"];
    let pile = printed(&args);
    let range = ["--port-range", "40000-40019"];
    let ports = [
        "testdata/questions/port-exhaustion.mid.pcap",
        "--step",
        "1s",
    ];
    let ports = printed(&[ports, [range[0], range[1], "--color=never"]].concat());
    let server = printed(&[SERVER_FIRST]);
    for text in [&pile, &ports, &server] {
        assert!(text.is_ascii(), "{text}");
    }
    insta::assert_snapshot!("timewait-pile", pile);
    insta::assert_snapshot!("timewait-ports", ports);
    insta::assert_snapshot!("timewait-server", server);
}

/// The same on a terminal of so many columns.
fn on_a_terminal(capture: &str, columns: usize) -> String {
    let mut options = Options::default();
    options.time_wait = SECOND;
    options.ledger = Some(whoclosed::ledger::Settings::default());
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(capture);
    let mut flows = analyze(File::open(path).expect("readable"), &options).expect("a capture");
    while flows.next().is_some() {}
    let source = flows.summary().sources.remove(0);
    let (start, end) = source.start.zip(source.end).expect("times");
    let books = flows.ledger().expect("books").books(start, end, None);
    let clock = Clock::new(TimeStyle::Relative, Some(start));
    let mut out = Vec::new();
    ledger::text(&mut out, Look::new(Some(columns), false), clock, &books).expect("written");
    String::from_utf8(out).expect("text")
}

#[test]
fn on_a_terminal_it_has_a_chart_and_bars() {
    let (wide, narrow) = (on_a_terminal(PILE, 100), on_a_terminal(PILE, 50));
    for (text, columns) in [(&wide, 100), (&on_a_terminal(PILE, 80), 80)] {
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(columns), "{widest:?}\n{text}");
    }
    insta::assert_snapshot!("timewait-terminal", wide);
    insta::assert_snapshot!("timewait-narrow", narrow);
}

#[test]
fn every_line_of_every_capture_is_valid() {
    let validator = jsonschema::options().should_validate_formats(true);
    let mut strict = schema();
    for definition in strict["$defs"]
        .as_object_mut()
        .expect("definitions")
        .values_mut()
    {
        if definition.get("properties").is_some() {
            definition["additionalProperties"] = false.into();
        }
    }
    let validator = validator.build(&strict).expect("a schema");
    let mut kinds = BTreeSet::new();
    let mut paths = support::files("captures", &[".mid.pcap", ".mid.pcapng"]);
    paths.extend(support::files("questions", &[".pcap"]));
    for path in paths {
        let bytes = fs::read(&path).expect("readable");
        let mut options = Options::default();
        options.ledger = Some(whoclosed::ledger::Settings::default());
        let mut flows = analyze(&*bytes, &options).expect("a capture");
        while flows.next().is_some() {}
        let source = flows.summary().sources.remove(0);
        let (start, end) = source.start.zip(source.end).unwrap_or_default();
        let books = flows.ledger().expect("books").books(start, end, None);
        let mut out = Vec::new();
        ledger::json(&mut out, &books).expect("written");
        for line in String::from_utf8(out).expect("text").lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            if let Err(error) = validator.validate(&line) {
                panic!("{}: {error}\n{line}", path.display());
            }
            kinds.insert(line["type"].to_string());
        }
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[test]
fn json_ends_with_the_summary() {
    let text = printed(&[PILE, "--format", "json"]);
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    let kinds: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["type"].as_str())
        .collect();
    let ledgers = ["ledger"; 5];
    assert_eq!(kinds, [&ledgers[..], &["port_use", "summary"]].concat());
    assert_eq!(lines[0]["owner"], Value::Null);
    assert_eq!(lines[0]["time_wait"]["created"], 100);
    assert_eq!(lines[1]["owner"], "198.51.100.10");
    assert_eq!(lines[1]["ended_by"]["capture-end"], 100);
    let last = lines[1]["over_time"]
        .as_array()
        .and_then(|all| all.last())
        .expect("points");
    assert_eq!(last["time_wait"], 100);
}

#[test]
fn the_sockets_of_a_moment_in_the_form_of_ss() {
    let listed = printed(&[CLIENT_FIRST, "--at", "+270ms"]);
    let expected = "\
State      Recv-Q Send-Q Local Address:Port  Peer Address:Port
FIN-WAIT-2 -      -      198.51.100.10:53110 203.0.113.80:80
CLOSE-WAIT -      -      203.0.113.80:80     198.51.100.10:53110
";
    assert_eq!(listed, expected);
    let args = [
        CLIENT_FIRST,
        "--at",
        "2026-11-21T03:33:00.025694Z",
        "--as-host",
    ];
    let expected = "\
State     Recv-Q Send-Q Local Address:Port  Peer Address:Port
TIME-WAIT 0      0      198.51.100.10:53110 203.0.113.80:80
";
    assert_eq!(printed(&[&args[..], &["198.51.100.10"]].concat()), expected);
    let nothing = printed(&[&args[..], &["192.0.2.1"]].concat());
    assert_eq!(
        nothing,
        "State Recv-Q Send-Q Local Address:Port Peer Address:Port\n"
    );
}

#[test]
fn the_sockets_of_a_moment_as_json() {
    let text = printed(&[CLIENT_FIRST, "--at", "+270ms", "--format", "json"]);
    let line: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
    assert_eq!(line["type"], "socket_at");
    assert_eq!(line["state"], "FIN-WAIT-2");
    assert_eq!(line["local"]["port"], 53110);
    let validator = jsonschema::options().should_validate_formats(true);
    assert!(
        validator
            .build(&schema())
            .expect("a schema")
            .is_valid(&line),
        "{line}"
    );
}

#[test]
fn a_moment_outside_of_the_capture_is_told() {
    let output = timewait(&[CLIENT_FIRST, "--at", "+1h"]);
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("the capture runs from 2026-11-21T03:32:59.682656"),
        "{stderr}"
    );
}

#[test]
fn wrong_usage_is_told_what_is_expected() {
    for (args, words) in [
        (&["--port-range", "7"][..], "two ports from 1 to 65535"),
        (&["--port-range", "70-60"], "two ports"),
        (&["--port-range", "0-60"], "two ports"),
        (&["--as-host", "10.0.0.1"], "--at"),
        (&["--at", "now"], "+30s"),
        (&["--step", "0"], "60s, 250ms"),
    ] {
        let output = timewait(&[&[PILE], args].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr.contains(words), "{args:?}: {stderr}");
    }
}

#[test]
fn a_damaged_capture_is_told_as_far_as_it_goes() {
    let bytes = fs::read(support::testdata("questions/time-wait-pile.mid.pcap")).expect("readable");
    let path = std::env::temp_dir().join(format!("whoclosed-timewait-{}.pcap", std::process::id()));
    fs::write(&path, &bytes[..bytes.len() - 7]).expect("written");
    let output = timewait(&[path.to_str().expect("text")]);
    fs::remove_file(&path).expect("removed");
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("100 TIME-WAITs") || text.starts_with("99 TIME-WAITs"),
        "{text}"
    );
}
