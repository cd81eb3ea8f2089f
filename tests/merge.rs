//! The facts of two consecutive parts of a capture, merged, give the verdict of the whole.

use std::fs;
use std::path::Path;
use whoclosed::capture::Reader;
use whoclosed::close::verdict::Verdict;
use whoclosed::close::{Context, judge};
use whoclosed::flow::{Flow, FlowTable};
use whoclosed::packet::{Segment, decode};
use whoclosed::stamp::{SECOND, Stamp};

/// The TCP segments of a capture.
fn segments(path: &Path) -> Vec<(Segment, Stamp)> {
    let mut reader = Reader::new(fs::File::open(path).unwrap()).unwrap();
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
    let mut all = table.finish();
    std::iter::from_fn(|| all.next().cloned()).collect()
}

fn verdict(flow: &Flow, end: Stamp) -> Verdict {
    let context = Context {
        time_wait: 60 * SECOND,
        end,
        cut: false,
    };
    judge(flow, context, &"merged".into())
}

fn json(verdict: &Verdict) -> serde_json::Map<String, serde_json::Value> {
    let value = serde_json::to_value(verdict).unwrap();
    value.as_object().unwrap().clone()
}

#[test]
fn a_capture_cut_in_two_and_merged_gives_the_same_verdict() {
    let mut cuts = 0;
    for entry in fs::read_dir("testdata/captures").unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if !matches!(kind, Some("pcap" | "pcapng")) {
            continue;
        }
        let all = segments(&path);
        let whole = flows(&all);
        let ([expected], Some(&(_, end))) = (whole.as_slice(), all.last()) else {
            continue; // several connections: which part belongs to which is not merge's question
        };
        let expected = verdict(expected, end);
        for cut in 1..all.len() {
            let (earlier, later) = all.split_at(cut);
            let (mut earlier, later) = (flows(earlier), flows(later));
            let ([first], [second]) = (earlier.as_mut_slice(), later.as_slice()) else {
                panic!("{name}: cut at {cut}, one part holds several flows");
            };
            first.merge(second);
            let merged = json(&verdict(first, end));
            for (key, value) in json(&expected) {
                // Letters are earned in order: of a part whose segments are not all kept, the
                // order is lost.
                if key == "zeek" && !second.log.is_whole() {
                    continue;
                }
                assert_eq!(
                    merged.get(&key),
                    Some(&value),
                    "{name}: cut at {cut}: {key}"
                );
            }
            cuts += 1;
        }
    }
    assert!(cuts > 2000, "only {cuts} cuts were tried");
}
