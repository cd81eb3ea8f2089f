//! `whoclosed check` on the lab's captures: the policies of `testdata/policies/lab/` say what the kernel
//! recorded, so that a verdict that changes is found by the checker itself.

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use support::truth::{self, Flow, Truth};

/// Captures by the policy that the kernel's account of them calls for.
fn by_policy(truths: &[Truth]) -> BTreeMap<&'static str, Vec<String>> {
    let mut all: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for truth in truths
        .iter()
        .filter(|truth| !truth.is_cut() && !truth.is_disturbed())
    {
        let mut policies: Vec<Option<&str>> = truth.flows.iter().map(policy).collect();
        policies.dedup();
        let [Some(policy)] = policies[..] else {
            continue;
        };
        let files = truth.captures.values();
        let files = files.map(|capture| format!("testdata/captures/{}", capture.file));
        all.entry(policy).or_default().extend(files);
    }
    all
}

/// The policy that a connection complies with, by what the kernel did.
fn policy(flow: &Flow) -> Option<&'static str> {
    let expected = &flow.expected;
    let waits: Vec<&str> = expected.time_wait.iter().map(String::as_str).collect();
    match (
        expected.kind.as_deref()?,
        expected.first_fin.as_str(),
        &waits[..],
    ) {
        ("graceful", "client", ["client"]) => Some("client-first"),
        ("graceful", "server", ["server"]) => Some("server-first"),
        ("simultaneous", ..) => Some("both-at-once"),
        ("abort-linger" | "abort-unread" | "abort-disconnect", _, []) => Some("aborted"),
        _ => None,
    }
}

/// What became of each capture, by its name, and the exit code.
fn check(policy: &str, captures: &[String]) -> (BTreeMap<String, String>, Option<i32>) {
    let policy = format!("testdata/policies/lab/{policy}.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command
        .args(["check", "--format", "json", "--policy", &policy])
        .args(captures);
    let command = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    let output = command.output().expect("runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let captures = lines.filter(|line: &Value| line["type"] == "check_capture");
    let status = |line: Value| {
        let text = |field: &str| line[field].as_str().expect("text").to_owned();
        (text("source"), text("status"))
    };
    (captures.map(status).collect(), output.status.code())
}

#[test]
fn every_capture_closes_as_its_kernel_recorded() {
    let truths = truth::all();
    let all = by_policy(&truths);
    let count: usize = all.values().map(Vec::len).sum();
    assert!(
        all.len() == 4 && count > 100,
        "{count} captures of {} policies",
        all.len()
    );
    for (policy, captures) in &all {
        let (statuses, code) = check(policy, captures);
        let wrong: Vec<_> = statuses
            .iter()
            .filter(|(_, status)| *status != "holds")
            .collect();
        assert!(wrong.is_empty(), "{policy}: {wrong:?}");
        assert_eq!(
            (statuses.len(), code),
            (captures.len(), Some(0)),
            "{policy}"
        );
    }
}

#[test]
fn no_capture_closes_as_the_kernel_recorded_of_others() {
    let truths = truth::all();
    let all = by_policy(&truths);
    for policy in all.keys() {
        for (_, captures) in all.iter().filter(|(other, _)| *other != policy) {
            let (statuses, code) = check(policy, captures);
            let wrong: Vec<_> = statuses
                .iter()
                .filter(|(_, status)| *status != "broken")
                .collect();
            assert!(wrong.is_empty(), "{policy}: {wrong:?}");
            assert_eq!(
                (statuses.len(), code),
                (captures.len(), Some(1)),
                "{policy}"
            );
        }
    }
}
