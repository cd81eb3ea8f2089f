//! The hand-made cases and the seed captures give what stands beside them.

mod support;

use std::fs;
use support::case::{self, Expected};
use support::wrap::{self, PLAIN};
use whoclosed::close::verdict::{
    ActiveCloser, CloseEntry, Confidence, Event, Outcome, Reset, RolesFrom, Side, Verdict,
};

#[test]
fn cases_give_what_they_say() {
    let mut lines = Vec::new();
    for case in case::all() {
        let verdicts = support::verdicts(&wrap::write(&case.packets, PLAIN));
        let flows = 1 + case
            .expected
            .iter()
            .map(|e| e.flow)
            .max()
            .unwrap_or_default();
        if verdicts.len() != flows {
            lines.push(format!(
                "{}: {} flows, not {flows}",
                case.name,
                verdicts.len()
            ));
        }
        for expected in &case.expected {
            let Some(v) = verdicts.get(expected.flow) else {
                continue;
            };
            let wrong = differences(v, expected).into_iter();
            lines.extend(wrong.map(|line| format!("{} flow {}: {line}", case.name, v.flow)));
        }
    }
    support::report("cases", &lines);
}

fn differences(v: &Verdict, expected: &Expected) -> Vec<String> {
    let pairs = expected.pairs.iter();
    pairs
        .filter_map(|(key, value)| {
            let codes: Vec<&str> = v.findings.iter().map(|f| f.code.name()).collect();
            match key.as_str() {
                "findings" => {
                    let mut wanted = value.split(',');
                    let lacking = wanted.find(|code| !codes.contains(code))?;
                    Some(format!("finding {lacking} is missing, there are {codes:?}"))
                }
                "not-findings" => {
                    let unwanted = value.split(',').find(|code| codes.contains(code))?;
                    Some(format!("finding {unwanted} is there"))
                }
                "alternatives" => {
                    let mut said = v.cause_alternatives.iter();
                    let lacking = !said.any(|cause| cause.name() == value);
                    lacking.then(|| format!("alternatives {:?} lack {value}", v.cause_alternatives))
                }
                "reason says" => {
                    let lacking = !v.reason.contains(value.as_str());
                    lacking.then(|| format!("the reason lacks {value:?}: {}", v.reason))
                }
                key if key.ends_with(" says") => {
                    let messages = messages(v, key.trim_end_matches(" says"));
                    let lacking = !messages.iter().any(|m| m.contains(value.as_str()));
                    lacking.then(|| format!("{key} not {value:?} but {messages:?}"))
                }
                "data" => {
                    let (what, value) = value.split_once('=').unwrap_or((value, ""));
                    let said = data(v, what);
                    (said != value).then(|| format!("{what} is {said}, not {value}"))
                }
                key => {
                    let said = said(v, key);
                    (said != *value).then(|| format!("{key} {said}, not {value} ({})", v.reason))
                }
            }
        })
        .collect()
}

/// The messages of the findings of a code.
fn messages<'a>(v: &'a Verdict, code: &str) -> Vec<&'a str> {
    let of_code = v.findings.iter().filter(|f| f.code.name() == code);
    of_code.map(|f| &*f.message).collect()
}

/// A datum of a finding, `CODE.KEY`; besides those of the row `frames`, `side` and `confidence`.
fn data(v: &Verdict, what: &str) -> String {
    let (code, key) = what.split_once('.').unwrap_or((what, ""));
    let Some(finding) = v.findings.iter().find(|f| f.code.name() == code) else {
        return "nothing".into();
    };
    let finding = serde_json::to_value(finding).expect("a finding");
    let value = match key {
        "frames" | "side" | "confidence" => &finding[key],
        key => &finding["data"][key],
    };
    value.to_string().replace('"', "")
}

/// The events of a flow: `C:syn,S:syn-ack,more:3`.
fn events(v: &Verdict) -> String {
    let of = |entry: &CloseEntry| match entry {
        CloseEntry::Event(e) if e.from == Side::Client => format!("C:{}", e.event),
        CloseEntry::Event(e) => format!("S:{}", e.event),
        CloseEntry::More { more } => format!("more:{more}"),
        other => panic!("no notation for {other:?}"),
    };
    let all: Vec<String> = v.close.iter().map(of).collect();
    all.join(",")
}

/// What a verdict says under a key of the notation.
fn said(v: &Verdict, key: &str) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".into());
    let first = v.time_wait.first();
    match key {
        "outcome" => v.outcome.to_string(),
        "closer" => v.active_closer.to_string(),
        "aborted-by" => or_none(v.aborted_by.map(|by| by.to_string())),
        "cause" => or_none(v.abort_cause.map(|cause| cause.to_string())),
        "cause-confidence" => or_none(v.cause_confidence.map(|c| c.to_string())),
        "time-wait" => {
            let mut owners: Vec<&str> = v.time_wait.iter().map(|w| w.owner.name()).collect();
            owners.sort_unstable();
            or_none((!owners.is_empty()).then(|| owners.join(",")))
        }
        "ended-by" => or_none(first.map(|w| w.ended_by.to_string())),
        "basis" => or_none(first.map(|w| w.basis.to_string())),
        "left-ns" => or_none(first.and_then(|w| w.left_ns).map(|ns| ns.to_string())),
        "restarts" => or_none(first.map(|w| w.restarts.to_string())),
        "tw-confidence" => or_none(first.map(|w| w.confidence.to_string())),
        "final-ack" => v.final_ack.to_string(),
        "confidence" => v.confidence.to_string(),
        "states" => format!("{}/{}", v.final_states.client, v.final_states.server),
        "zeek" => v.zeek.conn_state.to_string(),
        "history" => v.zeek.history.to_string(),
        "packets" => format!("{}/{}", v.packets.client, v.packets.server),
        "payload" => format!("{}/{}", v.payload_bytes.client, v.payload_bytes.server),
        "roles" => v.roles_from.to_string(),
        "previous" => or_none(v.previous_flow.map(|flow| flow.to_string())),
        "resets" => {
            let first = v.resets.first();
            or_none(first.map(|r| format!("{},{},{}", r.form, r.fit, r.fate)))
        }
        "all-resets" => {
            let all = v.resets.iter();
            let of = |r: &Reset| format!("{},{},{},{}", r.form, r.fit, r.fate, r.copies);
            or_none((!v.resets.is_empty()).then(|| all.map(of).collect::<Vec<_>>().join("/")))
        }
        "events" => events(v),
        unknown => panic!("no key {unknown} in the notation of cases"),
    }
}

#[track_caller]
fn seed(name: &str) -> Verdict {
    let file = fs::read(support::testdata("seeds").join(name)).expect("readable");
    let mut verdicts = support::verdicts(&file);
    assert_eq!(verdicts.len(), 1, "{name}");
    verdicts.remove(0)
}

#[test]
fn seed_server_first_three_segments() {
    let v = seed("server-first-three-segments.pcap");
    assert_eq!(v.server.to_string(), "10.0.2.237:5000");
    assert_eq!(v.roles_from, RolesFrom::PortGuess);
    assert_eq!(v.outcome, Outcome::Graceful);
    assert_eq!(v.active_closer, ActiveCloser::Server);
    let owners: Vec<Side> = v.time_wait.iter().map(|w| w.owner).collect();
    assert_eq!(owners, [Side::Server]);
    // ACK 27 stands before the FIN, which occupies 27; the client's own FIN acknowledges it.
    let acked = v.close.iter().filter_map(|entry| match entry {
        CloseEntry::Event(event) if event.from == Side::Client => Some((event.frame, event.event)),
        _ => None,
    });
    let acked: Vec<(u64, Event)> = acked.collect();
    assert!(acked.contains(&(3, Event::Fin)), "{acked:?}");
    assert!(!acked.contains(&(2, Event::FinAcked)), "{acked:?}");
    assert!(v.reason.contains('3'), "{}", v.reason);
}

#[test]
fn seed_simultaneous() {
    let v = seed("simultaneous.pcap");
    assert_eq!(v.outcome, Outcome::Simultaneous);
    assert_eq!(v.active_closer, ActiveCloser::Both);
    let mut owners: Vec<Side> = v.time_wait.iter().map(|w| w.owner).collect();
    owners.sort_unstable();
    assert_eq!(owners, [Side::Client, Side::Server]);
}

#[test]
fn seed_timestamps_declined() {
    let v = seed("timestamps-declined.pcap");
    assert_eq!(v.outcome, Outcome::Open);
    assert!(v.confidence <= Confidence::Likely);
    let codes: Vec<&str> = v.findings.iter().map(|f| f.code.name()).collect();
    assert!(codes.contains(&"timestamps-not-negotiated"), "{codes:?}");
}

/// For a look with other programs: `WHOCLOSED_CASES=DIR cargo test --test cases -- --ignored`
/// writes every case as a capture.
#[test]
#[ignore = "writes files: WHOCLOSED_CASES=DIR"]
fn cases_as_captures() {
    let folder = std::env::var("WHOCLOSED_CASES").expect("WHOCLOSED_CASES=DIR");
    for case in case::all() {
        let name: String = case.name.replace(|c: char| !c.is_alphanumeric(), "-");
        let path = std::path::Path::new(&folder).join(name + ".pcap");
        fs::write(&path, wrap::write(&case.packets, PLAIN)).expect("writable");
        assert_eq!(
            wrap::read(&fs::read(&path).expect("readable")),
            case.packets
        );
    }
}
