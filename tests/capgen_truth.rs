//! Every flow of a generated capture against the generator's truth.
//!
//! `testdata/capgen` is the output of
//! `capgen short 2500 short.pcap --truth short.ndjson --slots 20 --reuse 50`. A larger one is
//! checked by hand:
//! `WHOCLOSED_CAPGEN=FILE.pcap,FILE.ndjson cargo test --release --test capgen_truth -- --ignored`

mod support;

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::Path;
use support::capgen::Truth;
use whoclosed::close::verdict::{Endpoint, FinalAck, Verdict};
use whoclosed::{Options, analyze};

#[test]
fn a_small_capture() {
    let folder = support::testdata("capgen");
    check(&folder.join("short.pcap"), &folder.join("short.ndjson"));
}

#[test]
#[ignore = "needs a capture that capgen has made: WHOCLOSED_CAPGEN=CAPTURE,TRUTH"]
fn a_large_capture() {
    let paths = std::env::var("WHOCLOSED_CAPGEN").expect("WHOCLOSED_CAPGEN=CAPTURE,TRUTH");
    let (capture, truth) = paths
        .split_once(',')
        .expect("two paths with a comma between");
    check(Path::new(capture), Path::new(truth));
}

#[track_caller]
fn check(capture: &Path, truth: &Path) {
    let mut expected: HashMap<[(IpAddr, u16); 2], Vec<Truth>> = HashMap::new();
    let text = fs::read_to_string(truth).expect("readable");
    for line in text.lines() {
        let flow: Truth = serde_json::from_str(line).expect("a line of truth");
        let ends = sorted((flow.client, flow.cport), (flow.server, flow.sport));
        expected.entry(ends).or_default().push(flow);
    }
    for flows in expected.values_mut() {
        flows.sort_by_key(|flow| flow.first_ns);
    }
    let mut said: HashMap<[(IpAddr, u16); 2], Vec<Verdict>> = HashMap::new();
    let file = File::open(capture).expect("readable");
    for verdict in analyze(file, &Options::default()).expect("a capture") {
        let end = |end: &Endpoint| (end.addr, end.port);
        let ends = sorted(end(&verdict.client), end(&verdict.server));
        said.entry(ends).or_default().push(verdict);
    }
    let mut wrong = Vec::new();
    for (ends, flows) in &expected {
        let mut verdicts = said.remove(ends).unwrap_or_default();
        verdicts.sort_by_key(|v| v.flow);
        if verdicts.len() != flows.len() {
            let (have, want) = (verdicts.len(), flows.len());
            wrong.push(format!("{ends:?}: {have} flows, not {want}"));
        }
        for (flow, v) in flows.iter().zip(&verdicts) {
            wrong.extend(differences(flow, v));
        }
    }
    wrong.extend(said.keys().map(|ends| format!("{ends:?}: a ghost")));
    assert!(expected.len() > 100, "only {} 4-tuples", expected.len());
    wrong.sort();
    support::report("flows that differ from the generator's truth", &wrong);
}

fn sorted(a: (IpAddr, u16), b: (IpAddr, u16)) -> [(IpAddr, u16); 2] {
    if a <= b { [a, b] } else { [b, a] }
}

fn differences(flow: &Truth, v: &Verdict) -> Option<String> {
    let (outcome, closer, by) = match flow.kind.as_str() {
        "client_first" | "server_first" | "half_close" | "lost_ack" => {
            ("graceful", flow.active.as_str(), None)
        }
        "simultaneous" => ("simultaneous", "both", None),
        "rst_client" => ("aborted", "none", Some("client")),
        "rst_server" => ("aborted", "none", Some("server")),
        "fin_then_rst" => ("aborted-after-fin", "client", Some("server")),
        "refused" => ("refused", "none", Some("server")),
        "syn_only" => ("unanswered", "none", None),
        "no_close" => ("open", "none", None),
        other => panic!("the generator knows no {other}"),
    };
    let lost = matches!(v.final_ack, FinalAck::LostBefore | FinalAck::LostAfter);
    let packets = v.packets.client + v.packets.server;
    let agrees = v.outcome.name() == outcome
        && v.active_closer.name() == closer
        && v.aborted_by.map(whoclosed::close::verdict::AbortedBy::name) == by
        && (v.client.addr, v.client.port) == (flow.client, flow.cport)
        && packets == flow.pkts
        && lost == (flow.kind == "lost_ack");
    let line = format!(
        "{} from frame {}: {} closer {} by {:?} ack {} packets {packets}, not {} ({}) packets {}",
        flow.kind,
        v.first_frame,
        v.outcome,
        v.active_closer,
        v.aborted_by,
        v.final_ack,
        outcome,
        flow.active,
        flow.pkts
    );
    (!agrees).then_some(line)
}
