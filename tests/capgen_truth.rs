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
use support::capgen::{Told, Truth};
use whoclosed::close::verdict::{AbortedBy, Endpoint, FinalAck, Verdict};
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
    let expected = flow
        .told()
        .unwrap_or_else(|| panic!("the generator knows no {}", flow.kind));
    let said = Told {
        outcome: v.outcome.name(),
        closer: v.active_closer.name(),
        aborted_by: v.aborted_by.map(AbortedBy::name),
        lost: matches!(v.final_ack, FinalAck::LostBefore | FinalAck::LostAfter),
    };
    let packets = v.packets.client + v.packets.server;
    let agrees = said == expected
        && (v.client.addr, v.client.port) == (flow.client, flow.cport)
        && packets == flow.pkts;
    let line = format!(
        "{} from frame {}: {said:?} packets {packets}, not {expected:?} packets {}",
        flow.kind, v.first_frame, flow.pkts
    );
    (!agrees).then_some(line)
}
