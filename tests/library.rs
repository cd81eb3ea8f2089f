//! The library's entrance on odd captures.

#[path = "common/container.rs"]
mod container;

use container::{Order, PcapNg};
use std::fs::File;
use whoclosed::capture::Reader;
use whoclosed::close::verdict::{CloseEntry, Confidence, Outcome, Side};
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
