//! The facts of two consecutive parts of a capture, merged, give the verdict of the whole.

mod support;

use serde_json::Value;
use std::fs;
use support::wrap::{self, PLAIN};
use whoclosed::capture::Reader;
use whoclosed::close::finding::Code;
use whoclosed::close::judge;
use whoclosed::close::verdict::{Finding, Verdict};
use whoclosed::flow::{Flow, FlowTable};
use whoclosed::packet::{Flags, Segment, decode};
use whoclosed::stamp::{Stamp, Time};

/// The TCP segments of a capture.
fn segments(capture: &[u8]) -> Vec<(Segment, Stamp)> {
    let mut reader = Reader::new(capture).unwrap();
    let mut all = Vec::new();
    while let Some(record) = reader.next() {
        let at = Stamp {
            frame: record.frame,
            time: record.time.unwrap(),
        };
        if let Ok(segment) = decode(record.link, record.data, record.original_len) {
            all.push((segment, at));
        }
    }
    all
}

fn flows(segments: &[(Segment, Stamp)]) -> Vec<Flow> {
    let mut table = FlowTable::default();
    for (segment, at) in segments {
        table.push(segment, *at);
    }
    table.finish();
    std::iter::from_fn(|| {
        let due = table.due(Time::default())?;
        table.facts(&due).cloned()
    })
    .collect()
}

fn verdict(flow: &Flow, end: Stamp) -> Verdict {
    let context = support::context(end);
    judge(flow, context, &"merged".into())
}

fn json(verdict: &Verdict) -> serde_json::Map<String, Value> {
    let value = serde_json::to_value(verdict).unwrap();
    value.as_object().unwrap().clone()
}

/// What stands out of order, or came of another connection, is placed by what surrounds it: the later
/// part lacks that.
fn is_placed_across(earlier: &[(Segment, Stamp)], later: &[(Segment, Stamp)]) -> bool {
    let out_of_order = earlier
        .iter()
        .any(|(_, a)| later.iter().any(|(_, b)| b.time < a.time));
    let f = later.first().map_or(Flags::ACK, |(first, _)| first.flags);
    out_of_order || (f.syn() && !f.ack() && earlier.iter().any(|(s, _)| !s.flags.syn()))
}

/// The letters of Zeek's history that are not counted, and its state.
fn letters(zeek: &Value) -> (Vec<char>, &Value) {
    let history = zeek["history"].as_str().unwrap_or_default();
    let counted = |c: &char| "tgw".contains(c.to_ascii_lowercase());
    let mut letters: Vec<char> = history.chars().filter(|c| !counted(c)).collect();
    letters.sort_unstable();
    (letters, &zeek["conn_state"])
}

/// Cuts a capture of one connection before each of its segments, merges the parts and compares the
/// verdicts. Gives what differs, and how many cuts there were. `lost`: what rests on the order of
/// segments, of which a part that does not keep them all knows too little.
fn cut(name: &str, capture: &[u8], lost: &[&str]) -> (Vec<String>, usize) {
    let all = segments(capture);
    let whole = flows(&all);
    let ([expected], Some(&(_, end))) = (whole.as_slice(), all.last()) else {
        return (Vec::new(), 0); // several connections: which part belongs to which is not merge's question
    };
    let expected = verdict(expected, end);
    let doubled = |f: &Finding| f.code == Code::CaptureDuplicates;
    let doubled = expected.findings.iter().any(doubled);
    let expected = json(&expected);
    let (mut lines, mut tried) = (Vec::new(), 0);
    for cut in 1..all.len() {
        let (earlier, later) = all.split_at(cut);
        if is_placed_across(earlier, later) {
            continue;
        }
        let (mut earlier, later) = (flows(earlier), flows(later));
        let ([first], [second]) = (earlier.as_mut_slice(), later.as_slice()) else {
            continue; // a part that begins with what the whole explains
        };
        // A record and its copy may lie on either side of the cut: only the segments can tell.
        if doubled && !second.log.is_whole() {
            continue;
        }
        tried += 1;
        first.merge(second);
        let merged = json(&verdict(first, end));
        for (key, value) in &expected {
            let unordered = lost.contains(&key.as_str()) && !second.log.is_whole();
            let said = &merged[key];
            let same = if unordered && key == "zeek" {
                letters(said) == letters(value)
            } else {
                unordered || said == value
            };
            if !same {
                lines.push(format!("{name}: cut at {cut}: {key} {said:?}, not {value}"));
            }
        }
    }
    (lines, tried)
}

#[test]
fn a_capture_cut_in_two_and_merged_gives_the_same_verdict() {
    let mut cuts = 0;
    for path in support::files("captures", &[".pcap", ".pcapng"]) {
        let (lines, tried) = cut(
            support::file_name(&path),
            &fs::read(&path).unwrap(),
            &["zeek"],
        );
        support::report("merged", &lines);
        cuts += tried;
    }
    assert!(cuts > 2000, "only {cuts} cuts were tried");
}

#[test]
fn a_case_cut_in_two_and_merged_gives_the_same_verdict() {
    let (mut cuts, mut all) = (0, Vec::new());
    let lost = ["zeek", "close", "states", "findings"];
    for case in support::case::all() {
        let (lines, tried) = cut(&case.name, &wrap::write(&case.packets, PLAIN), &lost);
        all.extend(lines);
        cuts += tried;
    }
    support::report("merged", &all);
    assert!(cuts > 1000, "only {cuts} cuts were tried");
}

/// Where a cut divides nothing that belongs together, the facts alone tell all of it.
#[test]
fn a_long_case_cut_where_nothing_happens_gives_all_of_the_verdict() {
    let cuts = [
        ("Three TSvals that went back, far apart", [12, 20, 42, 44]),
        (
            "The server goes on after the client's FIN",
            [12, 20, 28, 29],
        ),
        ("An abort long after the peer's FIN", [7, 12, 31, 32]),
    ];
    let cases = support::case::all();
    for (name, cuts) in cuts {
        let case = cases.iter().find(|case| case.name.ends_with(name));
        let all = segments(&wrap::write(&case.unwrap().packets, PLAIN));
        let end = all.last().unwrap().1;
        let expected = json(&verdict(&flows(&all)[0], end));
        for cut in cuts {
            let (earlier, later) = all.split_at(cut);
            let (mut earlier, later) = (flows(earlier), flows(later));
            assert!(!later[0].log.is_whole(), "{name}: cut at {cut}");
            earlier[0].merge(&later[0]);
            let mut merged = json(&verdict(&earlier[0], end));
            // The order of letters and the segments between are lost.
            for key in ["zeek", "close", "states"] {
                merged.insert(key.to_owned(), expected[key].clone());
            }
            assert_eq!(merged, expected, "{name}: cut at {cut}");
        }
    }
}
