//! Why connections closed or failed to open, with every figure, against the kernel's account.

mod support;

use serde_json::Value;
use std::fs::File;
use std::time::Duration;
use whoclosed::close::finding::Code;
use whoclosed::close::verdict::{
    AbortCause, AbortedBy, Confidence, Dwell, Finding, Outcome, Verdict,
};
use whoclosed::{Options, analyze};

const POINTS: [&str; 3] = ["client", "mid", "server"];

/// A capture made for a question: its truth, and the verdicts at each point.
struct Question {
    answer: Value,
    at: Vec<(&'static str, Vec<Verdict>)>,
}

impl Question {
    fn read(name: &str) -> Self {
        let path = |end: &str| support::testdata("questions").join(format!("{name}.{end}"));
        let truth = File::open(path("truth.json")).unwrap();
        let truth: Value = serde_json::from_reader(truth).unwrap();
        let here = |point: &&'static str| truth["captures"].get(*point).is_some();
        let at = POINTS.into_iter().filter(here).map(|point| {
            let capture = std::fs::read(path(&format!("{point}.pcap"))).unwrap();
            (point, support::verdicts(&capture))
        });
        Self {
            at: at.collect(),
            answer: truth["answer"].clone(),
        }
    }

    /// The truth's flows, each with its verdict at each point.
    fn flows(&self) -> impl Iterator<Item = (&'static str, &Value, &Verdict)> {
        let flows = self.answer["flows"].as_array().unwrap();
        let mut all = Vec::new();
        for (point, verdicts) in &self.at {
            for flow in flows {
                // What stands before the server keeps some from it.
                let verdict = at_port(verdicts, &flow["client_port"]);
                all.extend(verdict.map(|verdict| (*point, flow, verdict)));
            }
        }
        all.into_iter()
    }
}

fn at_port<'a>(verdicts: &'a [Verdict], port: &Value) -> Option<&'a Verdict> {
    let is = |v: &&Verdict| Some(u64::from(v.client.port)) == port.as_u64();
    verdicts.iter().find(is)
}

fn by_port<'a>(verdicts: &'a [Verdict], port: &Value) -> &'a Verdict {
    at_port(verdicts, port).expect("a flow of that port")
}

fn found(verdict: &Verdict, code: Code) -> Option<&Finding> {
    verdict.findings.iter().find(|f| f.code == code)
}

fn codes(verdict: &Verdict) -> Vec<&str> {
    verdict.findings.iter().map(|f| f.code.name()).collect()
}

#[track_caller]
fn close_to(said: &Value, true_: &Value, slack: f64) {
    let (said, true_) = (said.as_f64().unwrap(), true_.as_f64().unwrap());
    assert!((said - true_).abs() <= slack, "{said} is not {true_}");
}

#[test]
fn the_keepalive_race() {
    let question = Question::read("keepalive-race");
    for (point, flow, verdict) in question.flows() {
        let expected = ["keepalive-race", "idle-timeout-close"];
        assert_eq!(codes(verdict), expected, "{point}");
        let race = found(verdict, Code::KeepaliveRace).unwrap();
        close_to(&race.data["idle_seconds"], &flow["idle_s"][point], 0.000_01);
        close_to(
            &race.data["margin_seconds"],
            &flow["request_after_fin_s"][point],
            0.000_01,
        );
        close_to(
            &race.data["round_trip_seconds"],
            &question.answer["round_trip_s"],
            0.005,
        );
        assert_eq!(race.data["closer"], flow["closer"]);
        for what in ["fin", "request", "rst"] {
            let frame = flow[what][point]["frame"].as_u64().unwrap();
            assert!(race.frames.contains(&frame), "{point}: {what} {frame}");
        }
    }
    for (point, verdicts) in &question.at {
        let races = verdicts
            .iter()
            .filter(|v| found(v, Code::KeepaliveRace).is_some());
        assert_eq!(races.count() as u64, question.answer["races"], "{point}");
    }
}

#[test]
fn slow_closers_and_a_half_close_that_is_used() {
    let question = Question::read("close-wait-slow");
    for (point, flow, verdict) in question.flows() {
        let slow = found(verdict, Code::SlowClose);
        assert_eq!(slow.is_some(), flow["past_5_s"] == true, "{point}");
        if let Some(slow) = slow {
            close_to(
                &slow.data["seconds"],
                &flow["close_wait_s"][point],
                0.000_01,
            );
        }
        assert!(found(verdict, Code::CloseWaitLeak).is_none());
    }
    let used = &question.answer["half_close_used"];
    for (_, verdicts) in &question.at {
        let verdict = by_port(verdicts, &used["client_port"]);
        assert_eq!(codes(verdict), ["half-close-used"]);
        let bytes = &found(verdict, Code::HalfCloseUsed).unwrap().data["bytes"];
        assert_eq!(bytes, &used["payload_after_fin"]);
    }
}

/// The dwell times are the kernel's, but for the way between the capture point and the host.
#[test]
fn the_states_last_as_long_as_the_truth_says() {
    let question = Question::read("close-wait-slow");
    let nanos = |dwell: &Dwell| dwell.to.unwrap().since(dwell.from.unwrap());
    let names = |dwells: &[Dwell]| {
        let names = dwells.iter().map(|dwell| dwell.state.name());
        names.collect::<Vec<_>>().join(" ")
    };
    for (point, flow, verdict) in question.flows() {
        let states = verdict.states.as_ref().unwrap();
        let (client, server) = (&states.client, &states.server);
        let expected = "SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT";
        assert_eq!(names(client), expected, "{point}");
        let expected = "SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK";
        assert_eq!(names(server), expected, "{point}");
        let close_wait = flow["close_wait_s"][point].as_f64().unwrap();
        let said = Duration::from_nanos(nanos(&server[2]).unsigned_abs());
        assert!(
            (said.as_secs_f64() - close_wait).abs() < 0.000_01,
            "{point}"
        );
        assert_eq!(client[4].to, None, "it lasts longer than the capture");
    }
}

#[test]
fn a_leak_counts_from_the_fin_to_the_end_of_the_capture() {
    let question = Question::read("close-wait-leak-growing");
    for (point, flow, verdict) in question.flows() {
        let leak = found(verdict, Code::CloseWaitLeak).expect(point);
        close_to(&leak.data["seconds"], &flow["dwell_s"][point], 0.000_01);
        assert_eq!(leak.data["still_open"], true);
        let fin = flow["fin"][point]["frame"].as_u64().unwrap();
        assert_eq!(leak.frames[0], fin);
    }
    for (point, verdicts) in &question.at {
        let leaks = verdicts
            .iter()
            .filter(|v| found(v, Code::CloseWaitLeak).is_some());
        assert_eq!(leaks.count() as u64, question.answer["leaks"], "{point}");
    }
}

#[test]
fn the_threshold_of_close_wait_is_a_choice() {
    let leaks = |seconds: i64| {
        let path = support::testdata("questions/close-wait-leak-growing.mid.pcap");
        let mut options = Options::default();
        options.close_wait = seconds * 1_000_000_000;
        let flows = analyze(File::open(path).unwrap(), &options).unwrap();
        let is = |v: &Verdict| found(v, Code::CloseWaitLeak).is_some();
        flows.filter(is).count()
    };
    assert_eq!([leaks(5), leaks(10), leaks(20)], [8, 3, 0]);
}

#[test]
fn a_fin_again_and_again() {
    for (name, code) in [
        ("fin-wait-1-loss", Code::FinWait1Stuck),
        ("last-ack-loss", Code::LastAckStuck),
    ] {
        let question = Question::read(name);
        let point = "mid";
        let (_, verdicts) = question.at.iter().find(|(at, _)| *at == point).unwrap();
        let stuck = found(&verdicts[0], code).expect(name);
        let intervals = stuck.data["intervals_seconds"].as_array().unwrap();
        let true_ = question.answer["intervals_s"][point].as_array().unwrap();
        assert_eq!(intervals.len(), true_.len());
        for (said, true_) in intervals.iter().zip(true_) {
            close_to(said, true_, 0.000_01);
        }
        let series = question.answer["series"][point].as_array().unwrap();
        let frames: Vec<_> = series
            .iter()
            .map(|m| m["frame"].as_u64().unwrap())
            .collect();
        assert_eq!(stuck.frames[..], frames);
    }
}

#[test]
fn a_reset_though_all_was_sent() {
    let question = Question::read("rst-though-all-sent");
    for (point, flow, verdict) in question.flows() {
        let cause = verdict.abort_cause.unwrap();
        assert_eq!(flow["cause"], cause.name(), "{point}");
        let by = verdict.aborted_by.unwrap();
        assert_eq!(flow["rst_by"], by.name(), "{point}");
    }
}

#[test]
fn a_foreign_reset_needs_two_signs() {
    let question = Question::read("rst-forged-and-real");
    for (point, flow, verdict) in question.flows() {
        let told = found(verdict, Code::ForeignRst);
        let is_middlebox = verdict.aborted_by == Some(AbortedBy::Middlebox);
        assert_eq!(is_middlebox, flow["tellable"] == true, "{point}");
        if flow["forged"] == false {
            assert!(told.is_none(), "{point}");
        }
        if is_middlebox {
            let told = told.unwrap();
            assert!(told.data["signs"].as_u64().unwrap() >= 2);
            assert_eq!(flow["rst"][point]["frame"], told.frames[0]);
            assert!(
                told.message
                    .contains("else the server's host itself sent it")
            );
        }
        assert!(flow["forged"] == false || verdict.confidence != Confidence::Certain);
    }
}

#[test]
fn seven_ports_that_answer_in_seven_ways() {
    let question = Question::read("openings");
    for (point, flow, verdict) in question.flows() {
        let how = flow["how"].as_str().unwrap();
        let icmp = found(verdict, Code::IcmpError).map(|f| &f.data["kind"]);
        let said = match (verdict.outcome, icmp.and_then(Value::as_str)) {
            (Outcome::Graceful, None) => "open",
            (Outcome::Unanswered, None) => "dropped",
            (Outcome::Unanswered, Some("port-unreachable")) => {
                "refused by its firewall: icmp port unreachable"
            }
            (Outcome::Unanswered, Some("prohibited")) => {
                "refused by its firewall: icmp admin prohibited"
            }
            (Outcome::Refused, None) if verdict.aborted_by == Some(AbortedBy::Middlebox) => {
                "refused by a box in between"
            }
            (Outcome::Refused, None) => "refused by the host",
            other => panic!("{point} {how}: {other:?}"),
        };
        let same_on_the_wire = how == "refused by its firewall: tcp reset";
        let expected = if same_on_the_wire {
            "refused by the host"
        } else {
            how
        };
        assert_eq!(said, expected, "{point}");
    }
}

#[test]
fn icmp_is_no_segment_and_names_its_frame() {
    let question = Question::read("openings");
    for (point, verdicts) in &question.at {
        let frames: Vec<u64> = verdicts
            .iter()
            .filter_map(|v| found(v, Code::IcmpError))
            .map(|f| f.frames[0])
            .collect();
        assert_eq!(question.answer["icmp_frames"][point], Value::from(frames));
        let refused = verdicts
            .iter()
            .filter(|v| found(v, Code::IcmpError).is_some());
        for verdict in refused {
            assert_eq!((verdict.packets.client, verdict.packets.server), (1, 0));
            assert!(verdict.reason.contains("ICMP"));
        }
    }
}

#[test]
fn an_accept_queue_that_is_full() {
    for name in ["accept-queue-full", "accept-queue-full-abort"] {
        let question = Question::read(name);
        let ports = |verdicts: &[Verdict], is: fn(&Verdict) -> bool| {
            let ports = verdicts.iter().filter(|v| is(v)).map(|v| v.client.port);
            Value::from(ports.collect::<Vec<_>>())
        };
        for (point, verdicts) in &question.at {
            let full = ports(verdicts, |v| found(v, Code::AcceptQueueFull).is_some());
            assert_eq!(full, question.answer["ignored"], "{name} {point}");
            let rejected = ports(verdicts, |v| {
                v.abort_cause == Some(AbortCause::HandshakeRejected)
            });
            assert_eq!(rejected, question.answer["reset"], "{name} {point}");
            let silent = ports(verdicts, |v| v.outcome == Outcome::Unanswered);
            assert_eq!(silent, question.answer["no_syn_ack"], "{name} {point}");
        }
    }
}

#[test]
fn a_syn_ack_that_never_arrives_and_a_flood() {
    let question = Question::read("syn-ack-ignored");
    for (point, verdicts) in question.at.iter().filter(|(point, _)| *point != "client") {
        let told = found(&verdicts[0], Code::SynAckUnanswered).expect(point);
        assert_eq!(told.data["syn_acks"], question.answer["syn_acks"][point]);
        assert_eq!(told.data["syns"], question.answer["syns"][point]);
    }
    let flood = Question::read("syn-flood");
    let (_, verdicts) = &flood.at[0];
    let incomplete = verdicts
        .iter()
        .filter(|v| v.outcome == Outcome::HandshakeIncomplete);
    assert_eq!(incomplete.count() as u64, flood.answer["spoofed_answered"]);
}

#[test]
fn a_refusal_is_certain_only_where_the_host_is_known() {
    let alone = support::testdata("captures/refused.mid.pcap");
    let alone = support::verdicts(&std::fs::read(alone).unwrap());
    assert_eq!(alone[0].confidence, Confidence::Likely);
    assert_eq!(alone[0].cause_alternatives[..], [AbortCause::Injected]);
    let question = Question::read("openings");
    for (point, verdicts) in &question.at {
        let known = by_port(verdicts, &45081.into());
        assert_eq!(known.confidence, Confidence::Certain, "{point}");
        let boxed = at_port(verdicts, &45086.into());
        assert_eq!(boxed.is_none(), *point == "server");
        assert!(boxed.is_none_or(|boxed| boxed.confidence != Confidence::Certain));
    }
}
