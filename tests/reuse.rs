//! The same addresses and ports again: the figures of the lab's captures, each with its truth.

mod support;

use serde_json::Value;
use std::fs;
use whoclosed::close::figures::Figures;
use whoclosed::close::finding::Code;
use whoclosed::close::verdict::{CloseEntry, EndedBy, Event, Finding, Verdict};

/// A question's capture at a point and its truth's answer.
fn question(name: &str, point: &str) -> (Vec<Verdict>, Value) {
    let read =
        |file: String| fs::read(support::testdata("questions").join(file)).expect("readable");
    let truth = read(format!("{name}.truth.json"));
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    let verdicts = support::verdicts(&read(format!("{name}{point}.pcap")));
    (verdicts, truth["answer"].clone())
}

fn found(v: &Verdict, code: Code) -> Option<&Finding> {
    v.findings.iter().find(|f| f.code == code)
}

/// Equal within 1 %.
#[track_caller]
fn near(said: &Value, truth: &Value) {
    let (said, truth) = (
        said.as_f64().expect("number"),
        truth.as_f64().expect("number"),
    );
    assert!(
        (said - truth).abs() <= truth.abs() * 0.01,
        "{said} for {truth}"
    );
}

#[track_caller]
fn figures(data: &Figures, answer: &Value) {
    near(
        &data["interval_s"],
        &answer["interval_since_last_segment_s"],
    );
    near(&data["since_fin_s"], &answer["interval_since_last_fin_s"]);
    assert_eq!(data["isn_step"], answer["isn_minus_old_end"]);
    assert_eq!(data["syns"], answer["syns"].as_array().expect("SYNs").len());
    // The truth takes 20 ms for the round trip.
    let cost = answer["cost_s"].as_f64().expect("number");
    near(&data["handshake_s"], &(cost + 0.02).into());
    let said = data["cost_s"].as_f64().expect("number");
    assert!((said - cost).abs() < 0.001, "{said} for {cost}");
}

#[test]
fn what_let_the_syn_into_time_wait() {
    for (name, by) in [
        ("reuse-by-isn", "isn"),
        ("reuse-by-timestamp", "tsval"),
        ("reuse-silence", "tsval"),
        ("reuse-own-time-wait", "tcp_tw_reuse"),
    ] {
        let (verdicts, answer) = question(name, ".mid");
        assert_eq!(verdicts.len(), 2, "{name}");
        let owner = verdicts[0].time_wait[0].owner.name();
        assert_eq!(answer["time_wait_owner"], owner, "{name}");
        assert_eq!(verdicts[0].time_wait[0].ended_by, EndedBy::Reused, "{name}");
        let reused = found(&verdicts[0], Code::TimeWaitReused).expect(name);
        figures(&reused.data, &answer);
        assert_eq!(reused.data["let_in_by"], by, "{name}");
        assert_eq!(reused.data["higher_isn"], answer["isn_higher"], "{name}");
        let newer = answer["tsval_higher"].as_bool().unwrap_or(false);
        assert_eq!(reused.data["newer_tsval"], newer, "{name}");
        assert_eq!(answer["syns"][0]["frame"], reused.frames[0], "{name}");
        assert_eq!(answer["syn_ack"]["frame"], reused.frames[1], "{name}");
        assert_eq!(found(&verdicts[1], Code::PortReusedTooSoon), None, "{name}");
    }
}

#[test]
fn what_refused_it_and_what_that_cost() {
    for (name, by) in [("reuse-refused", "old-ack"), ("reuse-silence", "silence")] {
        let (verdicts, answer) = question(name, ".mid");
        let rejected = found(&verdicts[1], Code::TimeWaitSynRejected).expect(name);
        figures(&rejected.data, &answer);
        assert_eq!(rejected.data["refused_by"], by, "{name}");
        assert_eq!(answer["syns"][0]["frame"], rejected.frames[0], "{name}");
    }
    let (verdicts, answer) = question("reuse-refused", ".mid");
    let rejected = found(&verdicts[1], Code::TimeWaitSynRejected).expect("a finding");
    assert_eq!(rejected.data["old_state"], "TIME-WAIT");
    assert_eq!(
        (&rejected.data["acks"], &rejected.data["rsts"]),
        (&1.into(), &1.into())
    );
    assert_eq!(answer["rst_frames"][0], rejected.frames[2]);
    // The old connection's ACK is none of the new one's, though its number lies beyond the FIN's.
    let new = &verdicts[1].time_wait[0];
    let acked = verdicts[1].close.last().and_then(|entry| match entry {
        CloseEntry::Event(event) => event.time,
        _ => None,
    });
    assert_eq!((new.start, new.restarts), (acked, 0));
    assert_eq!(verdicts[0].time_wait[0].ended_by, EndedBy::Reset);
}

#[test]
fn paws_in_time_wait_costs_a_round() {
    let (verdicts, answer) = question("nat-paws-time-wait", ".mid");
    let port = |v: &&Verdict| answer["port"] == v.client.port;
    let of_port: Vec<&Verdict> = verdicts.iter().filter(port).collect();
    let rejected = found(of_port[1], Code::TimeWaitSynRejected).expect("a finding");
    near(&rejected.data["seconds"], &answer["cost_s"]);
    let fin = of_port[0].close.iter().find_map(|entry| match entry {
        CloseEntry::Event(event) if event.event == Event::Fin => event.time,
        _ => None,
    });
    let start = of_port[1].start.expect("a time");
    let after = start.since(fin.expect("a FIN")) / 1000;
    let truth = answer["reuse_after_fin_s"].as_f64().expect("number");
    near(&after.into(), &(truth * 1e6).into());
    assert_eq!(answer["rst_by_client"]["mid"]["frame"], rejected.frames[2]);
    let back = rejected.data["tsval_step"].as_i64().expect("ticks");
    near(&back.into(), &answer["tsval_shift"]);
    let across = found(of_port[1], Code::TimestampRegressionAcrossFlows).expect("a finding");
    assert_eq!(across.data["ticks"], -back);
}

#[test]
fn a_syn_that_meets_last_ack_is_told_as_that() {
    let file = support::testdata("captures").join("syn-hits-last-ack.mid.pcap");
    let verdicts = support::verdicts(&fs::read(file).expect("readable"));
    let rejected = verdicts
        .iter()
        .find_map(|v| found(v, Code::TimeWaitSynRejected));
    assert_eq!(rejected.expect("a finding").data["old_state"], "LAST-ACK");
}

#[test]
fn only_a_server_that_takes_what_it_must_not_breaks_the_rule() {
    let (verdicts, answer) = question("reuse-too-soon", "");
    let soon = found(&verdicts[1], Code::PortReusedTooSoon).expect("a finding");
    near(
        &soon.data["interval_s"],
        &answer["interval_since_last_segment_s"],
    );
    assert_eq!(soon.data["isn_step"], answer["isn_minus_old_end"]);
    assert_eq!(soon.data["tsval_step"], Value::Null);
    assert_eq!(answer["syn_frame"], soon.frames[1]);
    assert_eq!(answer["syn_ack_frame"], soon.frames[2]);
}

#[test]
fn ports_taken_again_are_counted() {
    for (name, point) in [
        ("port-exhaustion-reuse", ".client"),
        ("port-exhaustion-reuse", ".mid"),
        ("loopback-reuse", ".any"),
        ("loopback-reuse", ".any-double"),
    ] {
        let (verdicts, answer) = question(name, point);
        assert_eq!(answer["connections"], verdicts.len(), "{name}{point}");
        let reused = verdicts
            .iter()
            .filter_map(|v| found(v, Code::TimeWaitReused));
        let reused: Vec<_> = reused.collect();
        assert_eq!(answer["reused_ports"], reused.len(), "{name}{point}");
        assert!(reused.iter().all(|f| f.data["let_in_by"] == "tcp_tw_reuse"));
        // Linux takes no port of its own again that is younger than a second.
        let second = |f: &&Finding| f.data["seconds"].as_f64().is_some_and(|s| s >= 0.99);
        assert!(reused.iter().all(second), "{name}{point}");
    }
}
