//! Any capture is judged and reported: the numbers agree, the JSON says what the verdict does.

use whoclosed::close::finding::Code;
use whoclosed::close::summary::Summary;
use whoclosed::close::verdict::Verdict;
use whoclosed::flow::Limits;
use whoclosed::report::json::JsonReport;
use whoclosed::report::text::TextReport;
use whoclosed::report::{Clock, Look, Report, TimeStyle, explain};
use whoclosed::stamp::SECOND;
use whoclosed::{Options, analyze as judge};

pub(crate) fn analyze(input: &[u8]) {
    let options = options(input);
    let Ok(mut analysis) = judge(input, &options) else {
        return;
    };
    let verdicts: Vec<Verdict> = analysis.by_ref().collect();
    let summary = analysis.summary();
    let diagnoses = analysis.diagnoses();
    assert!(analysis.next().is_none());
    assert_eq!(diagnoses.is_empty(), verdicts.is_empty());
    for diagnosis in &diagnoses {
        assert!(serde_json::to_string(diagnosis).is_ok_and(|line| !line.is_empty()));
    }
    numbers(&verdicts, &summary);
    json(&verdicts, &summary);
    text(&verdicts, &summary, input.len());
}

/// Drawn from bytes of the file's header that readers pass over, so that a capture is an input:
/// a time zone and its precision in pcap, the length of a section in pcapng.
fn options(input: &[u8]) -> Options {
    let at = if input.first() == Some(&0x0a) { 16 } else { 8 };
    let drawn = input.get(at..).and_then(|rest| rest.first_chunk());
    let [flags, flows, half_open, time_wait] = drawn.copied().unwrap_or([0; 4]);
    let mut options = Options::default();
    options.live = flags & 1 != 0;
    options.key_vlan = flags & 2 != 0;
    options.key_tunnel = flags & 4 != 0;
    if flows != 0 && flows != 0xff {
        options.limits = Limits {
            flows: usize::from(flows % 32),
            half_open: usize::from(half_open % 32),
        };
    }
    options.time_wait = match time_wait {
        0 | 0xff => options.time_wait,
        1 => 0,
        2 => i64::MAX,
        other => i64::from(other) * SECOND / 8,
    };
    options
}

fn numbers(verdicts: &[Verdict], summary: &Summary) {
    assert_eq!(summary.flows, verdicts.len() as u64);
    assert_eq!(summary.by_outcome.values().sum::<u64>(), summary.flows);
    assert_eq!(summary.by_closer.values().sum::<u64>(), summary.flows);
    let frames = summary.sources[0].frames;
    let mut seen = summary.late_segments + summary.not_decoded.values().sum::<u64>();
    let mut evicted = 0;
    let mut numbers: Vec<u64> = Vec::new();
    for v in verdicts {
        seen += v.packets.client + v.packets.server;
        evicted += u64::from(v.findings.iter().any(|f| f.code == Code::Evicted));
        numbers.push(v.flow);
        assert!(1 <= v.first_frame && v.first_frame <= v.last_frame);
        assert_eq!(v.wireshark_filter.frames, [v.first_frame, v.last_frame]);
        let evidence = v.evidence();
        assert!(evidence.iter().all(|n| (1..=frames).contains(n)), "{v:?}");
        assert!(v.previous_flow.is_none_or(|previous| previous < v.flow));
    }
    assert!(seen <= frames, "{seen} of {frames}");
    assert_eq!(evicted, summary.evicted);
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), verdicts.len(), "a number twice");
}

fn json(verdicts: &[Verdict], summary: &Summary) {
    let mut lines = Vec::new();
    let mut report = JsonReport::new(&mut lines);
    for verdict in verdicts {
        report.flow(verdict).expect("written");
    }
    report.summary(summary, None).expect("written");
    let mut lines = lines.split(|byte| *byte == b'\n');
    for verdict in verdicts {
        let line = lines.next().expect("a line");
        let read: Verdict = serde_json::from_slice(line).expect("a verdict");
        assert_eq!(&read, verdict);
    }
    let read: Summary = serde_json::from_slice(lines.next().expect("a line")).expect("a summary");
    assert_eq!(&read, summary);
    assert_eq!(lines.next(), Some(&b""[..]));
    for verdict in verdicts.iter().take(2) {
        let mut line = Vec::new();
        explain::json(&mut line, verdict, summary.flows).expect("written");
        let _: serde_json::Value = serde_json::from_slice(&line).expect("JSON");
    }
}

fn text(verdicts: &[Verdict], summary: &Summary, drawn: usize) {
    let widths = [None, Some(0), Some(1), Some(40), Some(80), Some(120)];
    let look = Look::new(widths[drawn % widths.len()], drawn.is_multiple_of(5));
    let styles = [TimeStyle::Relative, TimeStyle::Utc, TimeStyle::Epoch];
    let clock = Clock::new(styles[drawn % styles.len()], summary.sources[0].start);
    let mut out = Vec::new();
    let mut report = TextReport::new(&mut out, look, clock);
    for verdict in verdicts {
        report.flow(verdict).expect("written");
    }
    report.summary(summary, None).expect("written");
    for verdict in verdicts.iter().take(3) {
        explain::text(&mut out, look, verdict).expect("written");
    }
    assert!(std::str::from_utf8(&out).is_ok());
}
