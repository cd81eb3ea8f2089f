//! The clocks behind an address: how many, and which SYNs went unanswered because of them.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use whoclosed::close::finding::Code;
use whoclosed::close::verdict::{Confidence, Finding, Verdict};
use whoclosed::flow::{Flow, Seen};
use whoclosed::packet::{End, Flags, Segment, Timestamps};
use whoclosed::patterns::{Clocks, Diagnosis};
use whoclosed::seq::TsVal;
use whoclosed::stamp::{Stamp, Time};
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
        let clocks = diagnoses.iter().map(|told| told.code.as_str());
        let mut clocks =
            clocks.filter(|code| ["several-clocks", "syn-dropped-by-timestamp"].contains(code));
        assert_eq!(clocks.next(), None, "{name}{point}");
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

/// A flow of one SYN: client address and port, when in milliseconds, TSval.
fn flow(number: u64, (host, port): (u16, u16), ms: i64, tsval: u32) -> Flow {
    let [high, low] = host.to_be_bytes();
    let (client, server) = (
        End::v4([10, 0, high, low], port),
        End::v4([10, 9, 9, 9], 80),
    );
    let syn = Segment {
        src: client,
        dst: server,
        flags: Flags(2),
        timestamps: Some(Timestamps {
            val: TsVal(tsval),
            ecr: TsVal(0),
        }),
        ..Segment::default()
    };
    let time = Time(ms.saturating_mul(1_000_000));
    let at = Stamp {
        frame: number + 1,
        time,
    };
    let mut flow = Flow::default();
    flow.number = number;
    flow.key.ends = [client, server];
    flow.push(&Seen::new(&syn, 0, at));
    flow
}

/// A verdict for those that only asks whether anything answered.
fn answered() -> Verdict {
    let file = support::testdata("peers/01-clean.pcap");
    judged(&file).0.remove(0)
}

#[test]
fn what_is_kept_is_bounded_and_the_report_says_so() {
    let (mut clocks, verdict) = (Clocks::default(), answered());
    for i in 0..1000_u16 {
        let ms = i64::from(i) * 100;
        let shift = if i % 2 == 0 { 0 } else { 90_000_000 };
        let tsval = u32::from(i) * 100 + shift;
        clocks.see(&flow(u64::from(i), (1, 10_000 + i), ms, tsval), &verdict);
    }
    for host in 2..4000_u16 {
        let number = 1000 + u64::from(host);
        clocks.see(&flow(number, (host, 10_000), 7, u32::from(host)), &verdict);
    }
    let diagnoses = clocks.diagnoses();
    assert_eq!(diagnoses.len(), 1);
    let data = &diagnoses[0].data;
    assert_eq!(data["clocks"], 2);
    assert_eq!(data["syns_not_kept"], 1000 - 48);
    assert_eq!(data["flows_of_pairs_not_kept"], 3998 - 2047);
}

#[test]
fn a_clock_is_known_by_two_connections_and_only_an_older_tsval_is_off() {
    let (mut clocks, verdict) = (Clocks::default(), answered());
    let shared = [
        flow(0, (1, 1), 0, 1_000_000),
        flow(1, (1, 2), 500, 1_000_500),
    ];
    let (behind, ahead) = (flow(2, (1, 3), 600, 5), flow(3, (1, 4), 700, 2_000_000));
    assert_eq!(clocks.off(&behind), None);
    clocks.see(&shared[0], &verdict);
    assert_eq!(clocks.off(&behind), None);
    clocks.see(&shared[1], &verdict);
    let off = clocks.off(&behind).expect("it is off the clock");
    assert_eq!(
        (off.ticks, off.flow, off.since),
        (1_000_595, 1, 100_000_000)
    );
    assert_eq!(clocks.off(&ahead), None);
    // After a minute nobody remembers.
    assert_eq!(clocks.off(&flow(4, (1, 5), 61_000, 5)), None);
    // The same ports again show nothing: their offset is the same in any case.
    let mut clocks = Clocks::default();
    clocks.see(&shared[0], &verdict);
    clocks.see(&flow(1, (1, 1), 500, 1_000_500), &verdict);
    assert_eq!(clocks.off(&behind), None);
}

proptest::proptest! {
    #[test]
    fn any_times_and_tsvals_do(syns in proptest::collection::vec(proptest::prelude::any::<(u8, i64, u32)>(), 0..150)) {
        let (mut clocks, verdict) = (Clocks::default(), answered());
        for (number, (port, ms, tsval)) in (0..).zip(syns) {
            let flow = flow(number, (u16::from(port & 1), u16::from(port)), ms, tsval);
            clocks.off(&flow);
            clocks.see(&flow, &verdict);
        }
        clocks.diagnoses();
    }
}
