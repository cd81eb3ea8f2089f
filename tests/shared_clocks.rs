//! The clocks behind an address: how many, and which SYNs went unanswered because of them.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use whoclosed::close::finding::Code;
use whoclosed::close::verdict::{Confidence, Finding, Verdict};
use whoclosed::patterns::Diagnosis;
use whoclosed::{Options, analyze};

/// A question's capture at a point: verdicts by number, diagnoses, its truth's answer.
fn question(name: &str, point: &str) -> (Vec<Verdict>, Vec<Diagnosis>, Value) {
    let path = |file: String| support::testdata("questions").join(file);
    let truth = fs::read(path(format!("{name}.truth.json"))).expect("readable");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    let (verdicts, diagnoses) = judged(&path(format!("{name}{point}.pcap")));
    (verdicts, diagnoses, truth["answer"].clone())
}

fn judged(path: &std::path::Path) -> (Vec<Verdict>, Vec<Diagnosis>) {
    let bytes = fs::read(path).expect("readable");
    let mut analysis = analyze(&bytes[..], &Options::default()).expect("a capture");
    let mut verdicts: Vec<Verdict> = analysis.by_ref().collect();
    verdicts.sort_by_key(|v| v.flow);
    (verdicts, analysis.diagnoses())
}

fn diagnosis<'a>(all: &'a [Diagnosis], code: &str) -> Option<&'a Diagnosis> {
    all.iter().find(|d| d.code == code)
}

fn found(v: &Verdict, code: Code) -> Option<&Finding> {
    v.findings.iter().find(|f| f.code == code)
}

/// The client ports of each host behind the address, as the truth has them.
fn hosts(answer: &Value) -> BTreeSet<BTreeSet<u64>> {
    let flows = answer["flows"].as_array().expect("flows");
    let names: BTreeSet<&str> = flows.iter().filter_map(|f| f["host"].as_str()).collect();
    let of = |name: &str| {
        let own = flows.iter().filter(|f| f["host"] == name);
        own.filter_map(|f| f["client_port"].as_u64()).collect()
    };
    names.into_iter().map(of).collect()
}

#[test]
fn the_clocks_behind_an_address_are_counted() {
    for (name, point) in [
        ("nat-two-clocks", ".mid"),
        ("nat-two-clocks", ".server"),
        ("nat-three-clocks", ".mid"),
        ("nat-tw-recycle", ".mid"),
        ("nat-tick-rates", ""),
    ] {
        let (verdicts, diagnoses, answer) = question(name, point);
        let several = diagnosis(&diagnoses, "several-clocks").expect(name);
        assert_eq!(several.data["clocks"], answer["clocks"], "{name}");
        assert_eq!(several.data["address"], answer["address"], "{name}");
        assert_eq!(several.data["alone"], 0, "{name}");
        let lines = several.data["lines"].as_array().expect("lines");
        let port = |flow: &Value| {
            let number = flow.as_u64().expect("a number");
            u64::from(verdicts[number as usize].client.port)
        };
        let ports = |line: &Value| -> BTreeSet<u64> {
            let flows = line["flows"].as_array().expect("flows");
            flows.iter().map(port).collect()
        };
        let said: BTreeSet<BTreeSet<u64>> = lines.iter().map(ports).collect();
        assert_eq!(said, hosts(&answer), "{name}");
        let unanswered = answer["unanswered"].as_array().expect("a list");
        assert_eq!(several.data["unanswered"], unanswered.len(), "{name}");
    }
}

#[test]
fn their_rates_and_steps_are_told() {
    for name in ["nat-two-clocks", "nat-three-clocks", "nat-tw-recycle"] {
        let (_, diagnoses, answer) = question(name, ".mid");
        let several = diagnosis(&diagnoses, "several-clocks").expect(name);
        let lines = several.data["lines"].as_array().expect("lines");
        assert!(
            lines
                .iter()
                .all(|l| l["ticks_per_s"] == answer["ticks_per_s"]),
            "{name}"
        );
        let shifts = answer["shifts_ticks"].as_object().expect("shifts");
        for (line, shift) in lines.iter().skip(1).zip(shifts.values()) {
            let (said, truth) = (&line["step_ticks"], shift.as_f64().expect("ticks"));
            let off = said.as_f64().expect("ticks") - truth;
            assert!(
                off.abs() <= truth.abs() * 0.01,
                "{name}: {said} for {truth}"
            );
        }
    }
    let (_, diagnoses, answer) = question("nat-tick-rates", "");
    let several = diagnosis(&diagnoses, "several-clocks").expect("a diagnosis");
    let lines = several.data["lines"].as_array().expect("lines");
    let said = lines.iter().map(|line| line["ticks_per_s"].as_f64());
    let hosts = answer["hosts"].as_object().expect("hosts");
    let truth = hosts.values().map(|host| host["ticks_per_s"].as_f64());
    assert_eq!(said.collect::<Vec<_>>(), truth.collect::<Vec<_>>());
}

#[test]
fn what_a_server_dropped_by_timestamp_is_named() {
    let (verdicts, diagnoses, answer) = question("nat-tw-recycle", ".mid");
    let dropped = diagnosis(&diagnoses, "syn-dropped-by-timestamp").expect("a diagnosis");
    assert_eq!(dropped.data["client_ports"], answer["unanswered"]);
    let syns = answer["flows"].as_array().expect("flows").iter();
    let syns = syns.filter(|f| f["answered"] == false);
    let syns: u64 = syns.filter_map(|f| f["syns"].as_u64()).sum();
    assert_eq!(dropped.data["syns"], syns);
    assert_eq!((dropped.flows, dropped.confidence), (4, Confidence::Likely));
    assert!(dropped.advice.contains("removed in Linux 4.12"));
    // Each but the first: before it only one connection had shown the other clock.
    let told = verdicts
        .iter()
        .filter_map(|v| Some((v, found(v, Code::SynDroppedByTimestamp)?)));
    let told: Vec<(u16, Value)> = told
        .map(|(v, f)| (v.client.port, f.data["syns"].clone()))
        .collect();
    assert_eq!(
        told,
        [45102, 45103, 45104]
            .map(|port| (port, Value::from(3)))
            .to_vec()
    );
}

#[test]
fn clocks_that_a_present_server_answers_are_no_fault() {
    for (name, point) in [
        ("nat-two-clocks", ".mid"),
        ("nat-three-clocks", ".mid"),
        ("nat-tick-rates", ""),
    ] {
        let (verdicts, diagnoses, _) = question(name, point);
        assert_eq!(
            diagnosis(&diagnoses, "syn-dropped-by-timestamp"),
            None,
            "{name}"
        );
        let dropped = |v| found(v, Code::SynDroppedByTimestamp);
        assert!(verdicts.iter().find_map(dropped).is_none(), "{name}");
    }
}

#[test]
fn offsets_of_their_own_show_no_clock() {
    for (name, point) in [
        ("nat-two-clocks", ".client"),
        ("nat-tw-recycle", ".client"),
        ("time-wait-pile", ".mid"),
        ("healthy-300", ".mid"),
        ("port-exhaustion-reuse", ".client"),
        ("loopback-reuse", ".any"),
        ("openings", ".mid"),
        ("syn-flood", ".mid"),
    ] {
        let (verdicts, diagnoses, _) = question(name, point);
        assert_eq!(diagnoses, [], "{name}{point}");
        for code in [
            Code::SynDroppedByTimestamp,
            Code::TimestampRegressionAcrossFlows,
        ] {
            let told = verdicts.iter().filter_map(|v| found(v, code)).count();
            assert_eq!(told, 0, "{name}{point} {code}");
        }
    }
}

#[test]
fn syns_of_the_same_ports_that_go_back_are_told_at_once() {
    let truth = fs::read(support::testdata("peers/truth.json")).expect("readable");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    let truth = &truth["08-syn-with-lower-tsval"]["flows"][1];
    let file = support::testdata("peers/08-syn-with-lower-tsval.pcap");
    let (verdicts, diagnoses) = judged(&file);
    let codes = verdicts[1].findings.iter().map(|f| f.code.name());
    let codes: Vec<&str> = codes.filter(|c| !c.starts_with("capture-")).collect();
    assert_eq!(truth["findings"], serde_json::json!(codes));
    let dropped = found(&verdicts[1], Code::SynDroppedByTimestamp).expect("a finding");
    assert_eq!(dropped.data["syns"], truth["data"]["syns"]);
    let (said, real) = (&dropped.data["step_ticks"], &truth["data"]["step_ticks"]);
    let off = said.as_f64().expect("ticks") / real.as_f64().expect("ticks");
    assert!((off - 1.0).abs() < 0.01, "{said} for {real}");
    let dropped = diagnosis(&diagnoses, "syn-dropped-by-timestamp").expect("a diagnosis");
    assert_eq!((dropped.flows, dropped.example.flow), (1, 1));
}
