//! The 24 captures of `testdata/peers`, on which other analyzers differ: what is true of each is said.

use serde_json::{Map, Value};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use whoclosed::{Options, analyze};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/peers")
}

fn truth() -> Map<String, Value> {
    let text = fs::read_to_string(folder().join("truth.json")).expect("readable");
    serde_json::from_str(&text).expect("an object per capture")
}

/// The flows of a capture as the JSON report has them.
fn flows(file: &str) -> Vec<Value> {
    let capture = File::open(folder().join(file)).expect("a capture");
    let flows = analyze(capture, &Options::default()).expect("a capture");
    flows
        .map(|flow| serde_json::to_value(flow).expect("JSON"))
        .collect()
}

/// What a report says otherwise than it is.
fn differences(flow: &Value, truth: &Value) -> Vec<String> {
    let mut all = Vec::new();
    let mut compare = |field: &str, said: &Value| {
        if *said != truth[field] {
            all.push(format!("{field}: {said} instead of {}", truth[field]));
        }
    };
    for field in [
        "client",
        "server",
        "roles_from",
        "outcome",
        "active_closer",
        "aborted_by",
        "abort_cause",
        "final_ack",
    ] {
        compare(field, &flow[field]);
    }
    let owners = flow["time_wait"].as_array().expect("a list");
    compare(
        "time_wait",
        &owners.iter().map(|t| t["owner"].clone()).collect(),
    );
    if truth["certain"] == true && flow["confidence"] != "certain" {
        all.push(format!("only {}", flow["confidence"]));
    }
    let found = flow["findings"].as_array().expect("a list");
    for code in truth["findings"].as_array().expect("a list") {
        if !found.iter().any(|finding| finding["code"] == *code) {
            all.push(format!("no {code}"));
        }
    }
    all
}

#[test]
fn where_others_differ_the_truth_is_said() {
    let truth = truth();
    assert_eq!(truth.len(), 24);
    let mut wrong = Vec::new();
    for (name, case) in &truth {
        let file = case["file"].as_str().expect("a name");
        let (said, flows) = (flows(file), case["flows"].as_array().expect("a list"));
        if said.len() != flows.len() {
            wrong.push(format!("{name}: {} flows", said.len()));
            continue;
        }
        for (said, truth) in said.iter().zip(flows) {
            let different = differences(said, truth);
            let number = &said["flow"];
            wrong.extend(different.iter().map(|d| format!("{name} {number}: {d}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
