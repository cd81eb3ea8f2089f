//! `whoclosed check`: what a policy asks of real captures.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use whoclosed::check::policy::rules::{Ask, RULES};
use whoclosed::check::policy::{Checker, EXAMPLES, Policy};
use whoclosed::check::result::{Item, Status};
use whoclosed::{Options, analyze};

const EVERY_RULE: &str = include_str!("../testdata/policies/every-rule.toml");

/// A capture that breaks this rule of `every-rule.toml`, and no other one.
const BREAKS: &[(&str, &str)] = &[
    ("max-flows", "questions/syn-flood.mid.pcap"),
    (
        "max-indeterminate",
        "captures/data-in-flight-at-close.mid.pcap",
    ),
    (
        "allow-outcomes",
        "captures/refused-after-own-time-wait.mid.pcap",
    ),
    ("forbid-outcomes", "captures/close-wait-leak.mid.pcap"),
    ("allow-closers", "captures/abort-both.mid.pcap"),
    ("forbid-closers", "captures/simultaneous-fin-data.mid.pcap"),
    (
        "allow-causes",
        "captures/final-ack-lost-no-time-wait.mid.pcap",
    ),
    ("forbid-causes", "captures/backlog-abort.mid.pcap"),
    (
        "max-certain-aborts",
        "captures/linger0-in-close-wait.mid.pcap",
    ),
    ("forbid-findings", "captures/half-close-client.mid.pcap"),
    ("max-severity", "captures/syn-hits-last-ack.mid.pcap"),
    (
        "allow-time-wait",
        "captures/close-server-first-4seg.mid.pcap",
    ),
    ("forbid-time-wait", "questions/idle-timeout-server.mid.pcap"),
    ("max-time-wait-peak", "questions/time-wait-pile.mid.pcap"),
    ("max-close-wait", "questions/slow-server-burst.mid.pcap"),
    ("max-close-time", "ledger/time-wait-75s-restarted.mid.pcap"),
];
/// It breaks none.
const HOLDS: &str = "captures/close-client-first-4seg.mid.pcap";
/// It has no flow.
const EMPTY: &str = "captures/syn-unanswered.mid.pcap";

/// What came of each rule on a capture.
fn check(policy: &Policy, capture: &str) -> Vec<Item> {
    let bytes = fs::read(support::testdata(capture)).expect("readable");
    check_bytes(policy, capture, &bytes, &Options::default())
}

fn check_bytes(policy: &Policy, capture: &str, bytes: &[u8], options: &Options) -> Vec<Item> {
    let mut verdicts = analyze(bytes, options).expect("a capture");
    let mut checker = Checker::new(policy, options.time_wait);
    while let Some(verdict) = verdicts.next() {
        checker.see(&verdict, verdicts.extent().until);
    }
    checker.finish(&capture.into()).1
}

fn policy(text: &str) -> Policy {
    Policy::parse("close.toml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn with_status(items: &[Item], status: Status) -> BTreeSet<&str> {
    let items = items.iter().filter(|item| item.status == status);
    items.map(|item| item.kind.as_str()).collect()
}

#[test]
fn every_rule_holds_on_one_capture_and_is_broken_alone_by_another() {
    let policy = policy(EVERY_RULE);
    let asked = policy.scopes.iter().flat_map(|scope| &scope.rules);
    let asked: BTreeSet<&str> = asked.map(|rule| rule.row.key).collect();
    assert_eq!(asked, RULES.iter().map(|row| row.key).collect());
    let holding = check(&policy, HOLDS);
    assert_eq!(with_status(&holding, Status::Holds), asked);
    for row in RULES {
        if matches!(row.ask, Ask::MinFlows) {
            let items = check(&policy, EMPTY);
            assert!(with_status(&items, Status::Broken).is_empty());
            assert_eq!(
                with_status(&items, Status::NotJudged),
                BTreeSet::from([row.key])
            );
            continue;
        }
        let (_, capture) = BREAKS
            .iter()
            .find(|(key, _)| *key == row.key)
            .expect(row.key);
        let items = check(&policy, capture);
        let broken = with_status(&items, Status::Broken);
        assert_eq!(broken, BTreeSet::from([row.key]), "{capture}: {items:#?}");
    }
}

#[test]
fn what_breaks_a_rule_is_shown_with_its_frames() {
    let policy = policy(EVERY_RULE);
    for (key, capture) in BREAKS {
        let items = check(&policy, capture);
        let item = items.iter().find(|item| item.kind == *key).expect("asked");
        assert!(
            !item.advice.is_empty() && !item.asks.is_empty(),
            "{item:#?}"
        );
        assert!(item.line.is_some(), "{item:#?}");
        let counted = matches!(*key, "max-flows" | "max-time-wait-peak");
        let shown = item
            .examples
            .iter()
            .all(|one| !one.frames.is_empty() && one.flow.is_some());
        assert!(counted || shown && !item.examples.is_empty(), "{item:#?}");
        assert_eq!(counted, item.broken == 0, "{item:#?}");
    }
}

#[test]
fn as_many_flows_as_the_limit_need_not_comply() {
    // 18 flows, of which the server closed 14.
    const CAPTURE: &str = "questions/idle-timeout-server.mid.pcap";
    let status = |limit: &str| {
        let rule = format!("allow-closers = {{ names = [\"client\"], at-most = {limit} }}");
        let items = check(&policy(&format!("[scope.all]\n{rule}\n")), CAPTURE);
        (items[1].status, items[1].broken)
    };
    assert_eq!(status("13"), (Status::Broken, 14));
    assert_eq!(status("14"), (Status::Holds, 14));
    assert_eq!(status("\"77.77%\""), (Status::Broken, 14));
    assert_eq!(status("\"77.7778%\""), (Status::Holds, 14));
    assert_eq!(status("\"0%\""), (Status::Broken, 14));
}

#[test]
fn a_flow_in_doubt_neither_breaks_a_rule_nor_complies() {
    // The abort is only possible.
    const CAPTURE: &str = "captures/data-in-flight-at-close.mid.pcap";
    let status = |rules: &str| {
        let items = check(&policy(&format!("[scope.all]\n{rules}\n")), CAPTURE);
        let item = items.iter().find(|item| item.kind.ends_with("-outcomes"));
        item.expect("asked").status
    };
    let forbids = "forbid-outcomes = [\"aborted-after-fin\"]";
    assert_eq!(status(forbids), Status::NotJudged);
    assert_eq!(status("allow-outcomes = [\"graceful\"]"), Status::NotJudged);
    assert_eq!(
        status("allow-outcomes = [\"aborted-after-fin\"]"),
        Status::NotJudged
    );
    assert_eq!(
        status(&format!("max-indeterminate = 1\n{forbids}")),
        Status::Holds
    );
    assert_eq!(
        status(&format!("confidence = \"possible\"\n{forbids}")),
        Status::Broken
    );
    let own = "forbid-outcomes = { names = [\"aborted-after-fin\"], confidence = \"possible\" }";
    assert_eq!(status(own), Status::Broken);
    // A certain one is no hint.
    let sure = "[scope.all]\nforbid-closers = { names = [\"client\"], confidence = \"certain\" }";
    assert_eq!(check(&policy(sure), HOLDS)[1].status, Status::Broken);
}

#[test]
fn an_unknown_closer_is_in_doubt_unless_it_is_named() {
    const CAPTURE: &str = "captures/capture-one-way.mid.pcap";
    let status = |rule: &str| check(&policy(&format!("[scope.all]\n{rule}\n")), CAPTURE)[1].status;
    assert_eq!(status("allow-closers = [\"client\"]"), Status::NotJudged);
    assert_eq!(status("forbid-closers = [\"client\"]"), Status::NotJudged);
    let named = "forbid-closers = { names = [\"unknown\"], confidence = \"possible\" }";
    assert_eq!(status(named), Status::Broken);
    let named = "allow-closers = { names = [\"unknown\"], confidence = \"possible\" }";
    assert_eq!(status(named), Status::Holds);
}

#[test]
fn causes_that_look_alike_are_one_where_a_rule_treats_them_alike() {
    // app-abort or unread-data, each possible; that it was an abort is certain.
    let bytes = fs::read("examples/close-bug/bug.pcap").expect("readable");
    let item = |rule: &str| {
        let policy = policy(&format!("[scope.all]\n{rule}\n"));
        check_bytes(&policy, "bug.pcap", &bytes, &Options::default()).remove(1)
    };
    let both = "[\"unread-data\", \"app-abort\"]";
    let broken = item(&format!("forbid-causes = {both}"));
    assert_eq!((broken.status, broken.broken), (Status::Broken, 10));
    let what = &broken.examples[0].what;
    assert!(
        what.contains("unread-data") && what.contains(" or "),
        "{what}"
    );
    assert_eq!(
        item(&format!("allow-causes = {both}")).status,
        Status::Holds
    );
    assert_eq!(item("forbid-causes = [\"refused\"]").status, Status::Holds);
    assert_eq!(
        item("forbid-causes = [\"app-abort\"]").status,
        Status::NotJudged
    );
    assert_eq!(
        item("allow-causes = [\"unread-data\"]").status,
        Status::NotJudged
    );
    let sure = item(&format!(
        "forbid-causes = {{ names = {both}, confidence = \"certain\" }}"
    ));
    assert_eq!(sure.status, Status::NotJudged);
}

#[test]
fn what_was_not_seen_complies_with_nothing() {
    // One direction only: nothing that is missing is a claim.
    const CAPTURE: &str = "captures/capture-one-way.mid.pcap";
    for rule in [
        "forbid-causes = [\"app-abort\"]",
        "allow-causes = [\"app-abort\"]",
        "forbid-findings = [\"close-wait-leak\"]",
        "max-severity = \"notice\"",
        "forbid-time-wait = [\"client\"]",
        "max-close-wait = \"1s\"",
        "max-close-time = \"1s\"",
    ] {
        let items = check(&policy(&format!("[scope.all]\n{rule}\n")), CAPTURE);
        assert_eq!(items[1].status, Status::NotJudged, "{rule}");
    }
}

/// The packets of a pcap as simple packet blocks, which have no times.
fn without_times(pcap: &[u8]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let len = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes(), &len[..], body, &len].concat()
    };
    let mut out = block(
        0x0a0d_0d0a,
        b"\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
    );
    out.extend(block(
        1,
        &[&pcap[20..22], &[0, 0], &[0xff, 0xff, 0, 0][..]].concat(),
    ));
    let mut rest = &pcap[24..];
    while let Some(head) = rest.get(..16) {
        let len = u32::from_le_bytes(head[8..12].try_into().expect("4 bytes")) as usize;
        let padding = vec![0; len.next_multiple_of(4) - len];
        out.extend(block(
            3,
            &[&head[12..16], &rest[16..16 + len], &padding].concat(),
        ));
        rest = &rest[16 + len..];
    }
    out
}

#[test]
fn without_times_no_duration_is_judged() {
    const RULES: &str =
        "[scope.all]\nmax-close-wait = \"1s\"\nmax-close-time = \"1s\"\nmax-time-wait-peak = 9\n";
    let policy = policy(RULES);
    let bytes = fs::read(support::testdata(HOLDS)).expect("readable");
    let mut options = Options::default();
    let statuses = |bytes: &[u8], options: &Options| {
        let items = check_bytes(&policy, HOLDS, bytes, options);
        items.iter().map(|item| item.status).collect::<Vec<_>>()
    };
    let judged = |status| vec![Status::Holds, status, status, status];
    assert_eq!(statuses(&bytes, &options), judged(Status::Holds));
    assert_eq!(
        statuses(&without_times(&bytes), &options),
        judged(Status::NotJudged)
    );
    // Nor where nobody asked for the states.
    options.states = false;
    let [_, wait, _, peak] = statuses(&bytes, &options)[..] else {
        panic!("four rules");
    };
    assert_eq!((wait, peak), (Status::NotJudged, Status::NotJudged));
}

#[test]
fn a_scope_has_the_flows_that_it_selects() {
    // 198.51.100.10 -> 203.0.113.80:80
    let flows = |select: &str| {
        let text = format!("[scope.some]\n{select}\nmin-flows = 0\nmax-severity = \"info\"\n");
        let items = check(&policy(&text), HOLDS);
        items
            .iter()
            .find(|item| item.rule == "some.max-severity")
            .expect("asked")
            .flows
    };
    for (has, has_not) in [
        ("port = 80", "port = 8080"),
        ("port = [1, 80]", "port = [1, 2]"),
        ("client = \"198.51.100.10\"", "client = \"203.0.113.80\""),
        ("client = \"198.51.0.0/16\"", "client = \"198.52.0.0/16\""),
        (
            "server = [\"203.0.113.80\", \"::1\"]",
            "server = \"198.51.100.10\"",
        ),
        ("net = \"203.0.113.0/24\"", "net = \"192.0.2.0/24\""),
        ("net = \"198.51.100.0/24\"", "net = \"::/0\""),
        (
            "port = 80\nclient = \"198.51.100.10\"",
            "port = 80\nclient = \"198.51.100.11\"",
        ),
    ] {
        assert_eq!((flows(has), flows(has_not)), (1, 0), "{has}, {has_not}");
    }
}

#[test]
fn an_empty_scope_is_not_judged_unless_it_may_be_empty() {
    let status = |least: &str| {
        let text = format!("[scope.admin]\nport = 9\n{least}\nmax-certain-aborts = 0\n");
        let items = check(&policy(&text), HOLDS);
        Status::of_all(items.iter().map(|item| item.status))
    };
    assert_eq!(status(""), Status::NotJudged);
    assert_eq!(status("min-flows = 0"), Status::Holds);
}

#[test]
fn every_example_passes_a_capture_and_fails_another() {
    let cases = [
        ("strict", HOLDS, "captures/close-wait-leak.mid.pcap"),
        ("web-server", HOLDS, "captures/close-wait-leak.mid.pcap"),
        ("proxy", HOLDS, "questions/keepalive-race.mid.pcap"),
        (
            "database",
            HOLDS,
            "captures/close-server-first-4seg.mid.pcap",
        ),
    ];
    assert_eq!(
        cases.map(|(name, ..)| name),
        [0, 1, 2, 3].map(|at: usize| EXAMPLES[at].name)
    );
    assert_eq!(EXAMPLES.len(), cases.len());
    for (example, (name, passes, fails)) in EXAMPLES.iter().zip(cases) {
        let policy = policy(&at_port_80(example.text));
        let of = |capture| Status::of_all(check(&policy, capture).iter().map(|i| i.status));
        assert_eq!(
            of(passes),
            Status::Holds,
            "{name}: {:#?}",
            check(&policy, passes)
        );
        assert_eq!(of(fails), Status::Broken, "{name}");
    }
}

/// The example for the port of the lab's server.
fn at_port_80(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.starts_with("port = ") {
            "port = 80"
        } else {
            line
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn whoclosed(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.args(args).stdin(Stdio::null());
    let command = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("RUST_BACKTRACE");
    command.output().expect("runs")
}

fn stdout(output: &Output) -> &str {
    str::from_utf8(&output.stdout).expect("text")
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).expect("text")
}

/// A directory for a test's files.
fn scratch(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("check")
        .join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("created");
    path
}

const POLICY: &str = "testdata/policies/every-rule.toml";
const GOOD: &str = "testdata/captures/close-client-first-4seg.mid.pcap";
const BAD: &str = "testdata/captures/close-wait-leak.mid.pcap";
const NONE: &str = "testdata/captures/syn-unanswered.mid.pcap";

fn exit(args: &[&str]) -> Option<i32> {
    whoclosed(&[&["check", "--policy", POLICY], args].concat())
        .status
        .code()
}

#[test]
fn the_exit_code_tells_broken_from_not_judged() {
    let scratch = scratch("exit");
    let damaged = scratch.join("cut.pcap");
    let bytes = fs::read(GOOD).expect("readable");
    // A record that was begun and never ended.
    fs::write(&damaged, [&bytes, &bytes[24..40]].concat()).expect("written");
    let damaged = damaged.to_str().expect("text");
    let text = scratch.join("text.pcap");
    fs::write(&text, "no capture").expect("written");
    let text = text.to_str().expect("text");
    assert_eq!(exit(&[GOOD]), Some(0));
    assert_eq!(exit(&[BAD]), Some(1));
    assert_eq!(exit(&[NONE]), Some(2));
    assert_eq!(exit(&[text]), Some(2));
    assert_eq!(exit(&["/nowhere/at.all"]), Some(2));
    assert_eq!(exit(&[damaged]), Some(2));
    assert_eq!(exit(&["--allow-damaged", damaged]), Some(0));
    // The last ACK is what is cut: that it is missing breaks a rule only where damage is no excuse.
    let cut = scratch.join("cut-ack.pcap");
    fs::write(&cut, &bytes[..bytes.len() - 30]).expect("written");
    let cut = cut.to_str().expect("text");
    let policy = scratch.join("graceful.toml");
    let asked = "[scope.all]\nallow-outcomes = [\"graceful\"]\nallow-closers = [\"client\"]\n";
    fs::write(&policy, asked).expect("written");
    let policy = policy.to_str().expect("text");
    let asked = ["check", "--policy", policy, cut];
    assert_eq!(whoclosed(&asked).status.code(), Some(2));
    let lenient = [&asked[..], &["--allow-damaged"]].concat();
    assert_eq!(whoclosed(&lenient).status.code(), Some(1));
    // Nor is it a change of what is expected.
    let expected = scratch.join("expected.json");
    let expected = expected.to_str().expect("text");
    let expect = |capture| {
        whoclosed(&["check", "--expect", expected, capture])
            .status
            .code()
    };
    whoclosed(&["check", "--expect", expected, "--update", GOOD]);
    assert_eq!(expect(GOOD), Some(0));
    assert_eq!(expect(cut), Some(2));
    // What is certain is so whatever could not be read.
    let aborted = fs::read("testdata/captures/linger0-client.mid.pcap").expect("readable");
    let reset = scratch.join("cut-reset.pcap");
    fs::write(&reset, [&aborted, &aborted[24..40]].concat()).expect("written");
    assert_eq!(exit(&[reset.to_str().expect("text")]), Some(1));
    // What is broken is broken whatever becomes of the others, in any order.
    for others in [[NONE, BAD], [BAD, NONE], [text, BAD], [BAD, damaged]] {
        let output = whoclosed(&[&["check", "--policy", POLICY][..], &others].concat());
        assert_eq!(output.status.code(), Some(1), "{others:?}");
        for name in others {
            assert!(
                stdout(&output).contains(&format!("{name}: ")),
                "{}",
                stdout(&output)
            );
        }
    }
    assert_eq!(exit(&[GOOD, NONE]), Some(2));
}

#[test]
fn a_reader_that_has_seen_enough_is_told_by_the_exit_code() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command
        .args(["check", "--policy", POLICY, BAD])
        .stdin(Stdio::null());
    let command = command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut child = command.stdout(Stdio::piped()).spawn().expect("runs");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("ends").code(), Some(1));
}

#[test]
fn the_report_for_people() {
    let output = whoclosed(&["check", "--policy", POLICY, GOOD, BAD, NONE]);
    assert!(stdout(&output).starts_with("broken: same.forbid-outcomes in"));
    insta::assert_snapshot!("check-text", stdout(&output));
    let output = whoclosed(&["check", "--policy", POLICY, GOOD]);
    insta::assert_snapshot!("check-text-holds", stdout(&output));
    let output = whoclosed(&["check", "--policy", POLICY, NONE]);
    insta::assert_snapshot!("check-text-not-judged", stdout(&output));
}

#[test]
fn threads_change_nothing() {
    let args = |threads| {
        let fixed = [
            "check",
            "--policy",
            POLICY,
            "--format",
            "json",
            "--threads",
            threads,
        ];
        [&fixed[..], &["testdata/captures", "testdata/peers"]].concat()
    };
    let one = whoclosed(&args("1"));
    let eight = whoclosed(&args("8"));
    assert!(stdout(&one).lines().count() > 1000);
    assert_eq!(stdout(&one), stdout(&eight));
    assert_eq!(stderr(&one), stderr(&eight));
    assert_eq!(one.status.code(), Some(1));
}

#[test]
fn a_directory_is_its_captures_and_one_without_any_is_not_judged() {
    let scratch = scratch("directories");
    let (full, empty) = (scratch.join("full"), scratch.join("empty"));
    for folder in [&full, &empty] {
        fs::create_dir_all(folder).expect("created");
        fs::write(folder.join("notes.txt"), "no capture").expect("written");
    }
    fs::copy(GOOD, full.join("a.pcap")).expect("copied");
    fs::copy(BAD, full.join("b.pcap")).expect("copied");
    let name = |path: &Path| path.to_str().expect("text").to_owned();
    let output = whoclosed(&["check", "--policy", POLICY, &name(&full)]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("1 of 2 captures hold"),
        "{}",
        stdout(&output)
    );
    let output = whoclosed(&["check", "--policy", POLICY, &name(&empty)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stdout(&output).contains("no capture found"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn captures_of_a_ring_are_one() {
    let scratch = scratch("ring");
    // Two files, one after the other: the opening, and the close of one connection.
    let bytes = fs::read(GOOD).expect("readable");
    let cut = {
        let mut at = 24;
        for _ in 0..5 {
            let len: [u8; 4] = bytes[at + 8..at + 12].try_into().expect("4 bytes");
            at += 16 + u32::from_le_bytes(len) as usize;
        }
        at
    };
    let (first, second) = (scratch.join("1.pcap"), scratch.join("2.pcap"));
    fs::write(&first, &bytes[..cut]).expect("written");
    fs::write(&second, [&bytes[..24], &bytes[cut..]].concat()).expect("written");
    let files = [
        first.to_str().expect("text"),
        second.to_str().expect("text"),
    ];
    assert_eq!(exit(&[&["--joined"][..], &files].concat()), Some(0));
    assert_eq!(exit(&files), Some(1));
}

#[test]
fn a_policy_is_printed_and_can_be_used() {
    let scratch = scratch("print");
    for example in EXAMPLES {
        let output = whoclosed(&["check", "--print-policy", example.name]);
        assert_eq!(output.status.code(), Some(0));
        let path = scratch.join(example.name);
        fs::write(&path, &output.stdout).expect("written");
        let code = whoclosed(&["check", "--policy", path.to_str().expect("text"), GOOD]).status;
        assert!(matches!(code.code(), Some(0 | 2)), "{}", example.name);
    }
    assert_eq!(
        whoclosed(&["check", "--print-policy", "lenient"])
            .status
            .code(),
        Some(2)
    );
    assert_eq!(whoclosed(&["check", GOOD]).status.code(), Some(2));
    assert_eq!(
        whoclosed(&["check", "--policy", POLICY]).status.code(),
        Some(2)
    );
}

#[test]
fn a_mistake_in_a_policy_is_told_on_standard_error() {
    let scratch = scratch("mistake");
    let path = scratch.join("close.toml");
    fs::write(&path, "[scope.all]\nallow-outcome = [\"graceful\"]\n").expect("written");
    let output = whoclosed(&["check", "--policy", path.to_str().expect("text"), GOOD]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let told = stderr(&output);
    assert!(told.contains("close.toml:2:1") && told.contains("^^^") && !told.contains('\x1b'));
    assert!(told.contains("did you mean `allow-outcomes`?"), "{told}");
    let output = whoclosed(&["check", "--policy", "/nowhere.toml", GOOD]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("/nowhere.toml"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_clock_that_was_set_back_tells_no_durations() {
    // The times of its last packets are ten seconds less.
    let mut bytes = fs::read(support::testdata(HOLDS)).expect("readable");
    let records = std::iter::successors(Some(24), |at: &usize| {
        let len: [u8; 4] = bytes.get(at + 8..at + 12)?.try_into().ok()?;
        Some(at + 16 + u32::from_le_bytes(len) as usize).filter(|next| *next < bytes.len())
    });
    let records: Vec<usize> = records.collect();
    for at in &records[records.len() - 2..] {
        let seconds: [u8; 4] = bytes[*at..at + 4].try_into().expect("4 bytes");
        let earlier = u32::from_le_bytes(seconds) - 10;
        bytes[*at..at + 4].copy_from_slice(&earlier.to_le_bytes());
    }
    let policy = policy("[scope.all]\nmax-close-time = \"1s\"\n");
    let status = |bytes: &[u8]| check_bytes(&policy, HOLDS, bytes, &Options::default())[1].status;
    assert_eq!(
        status(&fs::read(support::testdata(HOLDS)).expect("readable")),
        Status::Holds
    );
    assert_eq!(status(&bytes), Status::NotJudged);
}
