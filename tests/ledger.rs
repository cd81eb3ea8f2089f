//! The books on TIME-WAIT and ports, against what brute force and the kernel say.

mod support;

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::Path;
use whoclosed::ledger::{Ledger, PortRange};
use whoclosed::stamp::{MILLISECOND, SECOND, Time};
use whoclosed::{Options, analyze};

/// A line of the generator's truth file.
#[derive(Deserialize)]
struct Truth {
    client: IpAddr,
    cport: u16,
    server: IpAddr,
    sport: u16,
    kind: String,
    first_ns: i64,
    /// Owner, first and last ACK of the peer's FIN.
    time_wait: Vec<(String, i64, i64)>,
}

/// The books of a capture, and when it begins and ends.
fn books(capture: &Path, time_wait: i64) -> (Ledger, Time, Time) {
    let mut options = Options::default();
    options.time_wait = time_wait;
    options.ledger = Some(PortRange::default());
    let mut flows = analyze(File::open(capture).expect("readable"), &options).expect("a capture");
    while flows.next().is_some() {}
    let source = flows.summary().sources.remove(0);
    let ledger = flows.ledger().expect("books were asked for").clone();
    let (start, end) = source.start.zip(source.end).expect("times");
    (ledger, start, end)
}

/// The TIME-WAITs of the generator's flows: owner, from, to. The capture has microseconds.
fn true_waits(truth: &Path, time_wait: i64) -> Vec<(IpAddr, i64, i64)> {
    let text = fs::read_to_string(truth).expect("readable");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of truth"));
    let mut flows: Vec<Truth> = lines.collect();
    flows.sort_by_key(|flow| flow.first_ns);
    let mut waits = Vec::new();
    // What ends a TIME-WAIT early: the next connection on the same ends.
    let mut next: BTreeMap<(IpAddr, u16, IpAddr, u16), i64> = BTreeMap::new();
    let micros = |ns: i64| ns / 1000 * 1000;
    for flow in flows.iter().rev() {
        let key = (flow.client, flow.cport, flow.server, flow.sport);
        for (owner, first, last) in &flow.time_wait {
            let owner = if owner == "client" {
                flow.client
            } else {
                flow.server
            };
            let expiry = micros(*last) + time_wait;
            let end = next.get(&key).map_or(expiry, |next| expiry.min(*next));
            waits.push((owner, micros(*first), end));
        }
        if !matches!(flow.kind.as_str(), "refused" | "syn_only") {
            next.insert(key, micros(flow.first_ns));
        }
    }
    waits
}

/// Compares the number of TIME-WAITs of every host at every step with a count one by one.
#[track_caller]
fn compare(capture: &Path, truth: &Path, time_wait: i64, step: i64) {
    let (ledger, start, end) = books(capture, time_wait);
    let waits = true_waits(truth, time_wait);
    assert!(waits.len() > 100, "only {} TIME-WAITs", waits.len());
    let mut by_host: BTreeMap<IpAddr, Vec<(i64, i64)>> = BTreeMap::new();
    for (owner, from, to) in waits {
        by_host.entry(owner).or_default().push((from, to));
    }
    let mut wrong = Vec::new();
    let (mut compared, mut held) = (0, 0);
    for (host, waits) in &by_host {
        let said = ledger.held(*host, 0);
        let mut time = Time(start.0 / step * step);
        while time <= end {
            let open = waits
                .iter()
                .filter(|(from, to)| *from <= time.0 && time.0 < *to);
            let count = open.count() as u64;
            if said.at(time) != count {
                wrong.push(format!(
                    "{host} at {time:?}: {}, not {count}",
                    said.at(time)
                ));
            }
            (compared, held) = (compared + 1, held + count);
            time = time.plus(step);
        }
    }
    let owners = ledger.books(start, end, None).hosts;
    let owners = owners.iter().filter(|entry| entry.time_wait.created > 0);
    assert_eq!(owners.count(), by_host.len());
    assert!(
        compared > 100 && held > 20,
        "{compared} compared, {held} held"
    );
    support::report("numbers of TIME-WAITs that differ from brute force", &wrong);
}

#[test]
fn second_by_second_as_a_count_one_by_one() {
    let folder = support::testdata("capgen");
    let (capture, truth) = (folder.join("short.pcap"), folder.join("short.ndjson"));
    for time_wait in [60 * SECOND, SECOND, 250 * MILLISECOND] {
        for step in [SECOND, 10 * MILLISECOND] {
            compare(&capture, &truth, time_wait, step);
        }
    }
}
