//! The states step by step, against the states at the end of every kernel capture.

use std::fs::File;
use std::path::Path;
use whoclosed::close::states::timeline;
use whoclosed::close::verdict::{CloseEntry, Outcome, Side, State, Verdict};
use whoclosed::{Options, analyze};

/// The states after the last event lead to those at the end of the capture; only TIME-WAIT ends
/// without an event.
fn agrees(verdict: &Verdict) -> bool {
    let timeline = timeline(verdict);
    let last = timeline.steps.last().map(|step| step.states);
    let opened = timeline.opened.filter(|opened| opened.before.is_none());
    let last = opened.map(|opened| opened.states).or(last);
    let last = last.unwrap_or(timeline.before);
    [Side::Client, Side::Server].into_iter().all(|side| {
        let (last, end) = (last.of(side), timeline.end.of(side));
        // Of one direction the steps tell what was seen, and the end that more may have happened.
        let open_end = verdict.outcome == Outcome::Indeterminate && *end == State::Unknown;
        // TIME-WAIT runs out, and a connection that follows ends both it and LAST-ACK.
        let over = matches!(last, State::TimeWait | State::LastAck) && *end == State::Closed;
        last == end || open_end || over
    })
}

#[test]
fn the_steps_lead_to_the_states_at_the_end() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/captures");
    let mut flows = 0;
    for entry in std::fs::read_dir(captures).unwrap() {
        let path = entry.unwrap().path();
        let Some("pcap" | "pcapng") = path.extension().and_then(|e| e.to_str()) else {
            continue;
        };
        let options = Options::default();
        for verdict in analyze(File::open(&path).unwrap(), &options).unwrap() {
            flows += 1;
            if matches!(verdict.close.last(), Some(CloseEntry::More { .. })) {
                continue;
            }
            let (close, end) = (&verdict.close, verdict.final_states);
            assert!(agrees(&verdict), "{}: {close:#?} {end:?}", path.display());
        }
    }
    assert!(flows > 300, "{flows}");
}
