//! What tests in Rust expect of a capture: each expectation is met by one and not by another.

use std::fs::{self, File};
use whoclosed::check;
use whoclosed::check::claim::{Flows, Met};
use whoclosed::check::expect::{Expectations, Observed, Settings};
use whoclosed::close::finding::Code;
use whoclosed::close::verdict::{ActiveCloser, Confidence, Outcome, Side};

const SERVER_FIRST: &str = "captures/close-server-first-4seg.mid.pcap";
const CLIENT_FIRST: &str = "captures/close-client-first-4seg.mid.pcap";
const ABORT: &str = "captures/linger0-client.mid.pcap";
const STUCK: &str = "captures/last-ack-timeout.mid.pcap";

fn flows(name: &str) -> Flows {
    let capture = File::open(format!("testdata/{name}")).expect("there");
    check(capture).expect("a whole capture")
}

/// Met by the flow of `met`; of `unmet` the error says so, and names flow and frames.
#[track_caller]
fn told(met: &str, unmet: &str, expect: fn(&Flows) -> Met, said: &str) {
    let (met, unmet) = (flows(met), flows(unmet));
    assert_eq!(expect(&met).map(|flows| flows.verdicts().len()), Ok(1));
    let error = expect(&unmet).expect_err(said).to_string();
    assert!(error.starts_with(said), "{error}");
    assert!(error.contains("\n  flow 0, frames 1 to "), "{error}");
    // Where there is none, nothing is met.
    let error = expect(&met.only(|_| false))
        .expect_err("no flows")
        .to_string();
    assert!(error.contains("there is no flow"), "{error}");
}

#[test]
fn each_expectation_is_met_and_not() {
    told(
        SERVER_FIRST,
        CLIENT_FIRST,
        |flows| flows.expect_closer(ActiveCloser::Server),
        "expected active closer server: not so of 1 of 1 flows",
    );
    told(
        SERVER_FIRST,
        CLIENT_FIRST,
        |flows| flows.expect_time_wait(Side::Server),
        "expected TIME-WAIT of the server",
    );
    told(
        SERVER_FIRST,
        ABORT,
        |flows| flows.expect_outcome(Outcome::Graceful),
        "expected outcome graceful",
    );
    told(
        SERVER_FIRST,
        STUCK,
        Flows::expect_closed,
        "expected outcome graceful or simultaneous",
    );
    told(
        SERVER_FIRST,
        ABORT,
        Flows::expect_no_abort,
        "expected no abort",
    );
    told(
        SERVER_FIRST,
        STUCK,
        |flows| flows.expect_without(Code::LastAckStuck),
        "expected no last-ack-stuck",
    );
    told(
        SERVER_FIRST,
        STUCK,
        Flows::expect_no_warning,
        "expected no warning",
    );
    told(
        SERVER_FIRST,
        STUCK,
        |flows| flows.expect_confidence(Confidence::Certain),
        "expected confidence certain or better",
    );
}

#[test]
fn flows_are_counted_and_chosen_by_port() {
    let all = flows(SERVER_FIRST);
    let error = all.expect_flows(2).expect_err("there is one").to_string();
    assert_eq!(error, "expected 2 flows: there are 1");
    assert!(all.expect_flows(1).is_ok());
    assert!(flows(SERVER_FIRST).to_port(80).expect_flows(1).is_ok());
    assert!(flows(SERVER_FIRST).to_port(81).expect_flows(0).is_ok());
}

#[test]
fn a_file_of_expectations_is_met_and_not() {
    let written = |name: &str| {
        let mut observed = Observed::new(Settings::default(), None);
        for verdict in flows(name).verdicts() {
            observed.see(verdict);
        }
        let capture = observed.expectations(name).expect("few");
        Expectations::new(Settings::default(), vec![capture])
    };
    assert!(
        flows(SERVER_FIRST)
            .expect_saved(&written(SERVER_FIRST))
            .is_ok()
    );
    let unmet = flows(ABORT);
    let error = unmet
        .expect_saved(&written(SERVER_FIRST))
        .expect_err("it differs");
    assert!(
        error.to_string().contains("outcome graceful -> aborted"),
        "{error}"
    );
    assert!(
        error.to_string().contains("  flow 0, frames 1 to "),
        "{error}"
    );
}

#[test]
fn a_damaged_capture_is_an_error() {
    let bytes = fs::read(format!("testdata/{SERVER_FIRST}")).expect("readable");
    let error = check(&bytes[..bytes.len() - 1])
        .expect_err("it is cut")
        .to_string();
    assert!(
        error.starts_with("the capture is damaged: frame 11, byte offset "),
        "{error}"
    );
    assert!(check(&b"no capture"[..]).is_err());
}
