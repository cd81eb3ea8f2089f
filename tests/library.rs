//! The library's entrance on odd captures.

#[path = "common/container.rs"]
mod container;
mod support;

use container::{Order, PcapNg};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::net::IpAddr;
use whoclosed::capture::Reader;
use whoclosed::close::verdict::{CloseEntry, Confidence, Letters, Outcome, Side};
use whoclosed::{Options, analyze};

/// Simple packet blocks have no time: nothing may pretend to know one.
#[test]
fn a_capture_without_times_has_verdicts_without_times() {
    let lab = File::open("testdata/captures/close-server-first-4seg.mid.pcap").unwrap();
    let mut reader = Reader::new(lab).unwrap();
    let mut file = PcapNg::new(Order::Little).interface(1, 0, &[]);
    while let Some(record) = reader.next() {
        file = file.simple(record.data, record.original_len);
    }
    let mut flows = analyze(&file.bytes[..], &Options::default()).unwrap();
    let verdict = flows.next().unwrap();
    assert_eq!(verdict.outcome, Outcome::Graceful);
    assert_eq!((verdict.start, verdict.end), (None, None));
    let entry = &verdict.time_wait[0];
    assert_eq!(
        (entry.owner, entry.start, entry.end),
        (Side::Server, None, None)
    );
    assert_eq!(entry.confidence, Confidence::Likely);
    let timed = |e: &CloseEntry| matches!(e, CloseEntry::Event(event) if event.time.is_some());
    assert!(!verdict.close.iter().any(timed));
    assert!(flows.next().is_none());
    let source = &flows.summary().sources[0];
    assert_eq!((source.start, source.end, source.frames), (None, None, 11));
}

/// The summary's counts are those of the verdicts.
#[test]
fn the_summary_counts_what_the_verdicts_say() {
    let file = File::open("testdata/capgen/short.pcap").unwrap();
    let mut flows = analyze(file, &Options::default()).unwrap();
    let mut owners: BTreeMap<IpAddr, u64> = BTreeMap::new();
    let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
    for verdict in flows.by_ref() {
        *outcomes.entry(verdict.outcome.name()).or_default() += 1;
        for time_wait in &verdict.time_wait {
            let owner = if time_wait.owner == Side::Client {
                &verdict.client
            } else {
                &verdict.server
            };
            *owners.entry(owner.addr).or_default() += 1;
        }
    }
    let summary = flows.summary();
    let counted = summary.by_outcome.iter();
    let counted: BTreeMap<&str, u64> = counted.map(|(o, n)| (o.as_str(), *n)).collect();
    assert_eq!(counted, outcomes);
    let mut ranked: Vec<(IpAddr, u64)> = owners.into_iter().collect();
    // By count, then by address.
    ranked.sort_by_key(|&(addr, count)| (std::cmp::Reverse(count), addr));
    let told = summary.time_wait_owners.iter();
    let told: Vec<_> = told.map(|o| (o.addr, o.time_waits)).collect();
    assert_eq!(told, ranked);
    // There are enough of them that hosts come again.
    assert!(told.len() > 100 && told[0].1 > 1, "{:?}", &told[..3]);
}

/// Who only counts verdicts is told the same, without why.
#[test]
fn verdicts_without_reasons_are_else_the_same() {
    let mut brief = Options::default();
    (brief.states, brief.reasons) = (false, false);
    let captures = support::files("questions", &["pcap", "pcapng"]);
    assert!(captures.len() > 20);
    for path in captures {
        let open = || File::open(&path).unwrap();
        let mut told = analyze(open(), &Options::default()).unwrap();
        let mut counted = analyze(open(), &brief).unwrap();
        for mut verdict in told.by_ref() {
            assert!(!verdict.reason.is_empty());
            (verdict.in_flight, verdict.application, verdict.states) = (None, None, None);
            verdict.reason.clear();
            verdict.close.clear();
            verdict.zeek.history = Letters::default();
            let counted = counted.next().unwrap();
            for (told, counted) in verdict.findings.iter_mut().zip(&counted.findings) {
                let same = |(name, figure)| told.data.get(name) == Some(figure);
                if counted.message.is_empty() && counted.data.all().all(same) {
                    (told.message, told.data) = (Cow::default(), counted.data.clone());
                }
            }
            assert_eq!(counted, verdict, "{}", path.display());
        }
        assert!(counted.next().is_none());
        assert_eq!(counted.summary(), told.summary());
        assert_eq!(counted.diagnoses(), told.diagnoses());
    }
}
