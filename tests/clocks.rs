//! Clocks of a capture that do not agree.

#[path = "common/container.rs"]
mod container;
mod support;

use container::{Order, PcapNg};
use support::wrap::{self, Link, Packet};
use whoclosed::close::finding::Code;
use whoclosed::close::verdict::{Confidence, Verdict};

const SECOND: i64 = 1_000_000_000;

fn packets() -> Vec<Packet> {
    let file = support::testdata("captures/close-client-first-4seg.mid.pcap");
    wrap::read(&std::fs::read(file).expect("readable"))
}

/// The packets as two interfaces see them, one each direction, with so many seconds between their
/// clocks; the first one's clock is set back by so many seconds behind the fifth packet.
fn verdict(apart: i64, back: i64) -> Verdict {
    let file = PcapNg::new(Order::Little)
        .interface(1, 0, &[])
        .interface(1, 0, &[]);
    let client = support::transform::fields(&packets()[0]).src;
    let file = packets()
        .iter()
        .enumerate()
        .fold(file, |file, (at, packet)| {
            let interface = u32::from(support::transform::fields(packet).src != client);
            let (frame, wire) = wrap::framed(packet, Link::Ethernet, false);
            let back = if at > 4 && interface == 0 { back } else { 0 };
            let time = packet.time + (i64::from(interface) * apart - back) * SECOND;
            file.enhanced_cut(
                interface,
                time.cast_unsigned() / 1000,
                &frame,
                wire as u32,
                &[],
            )
        });
    support::verdicts(&file.bytes).remove(0)
}

fn message(verdict: &Verdict) -> &str {
    let step = verdict
        .findings
        .iter()
        .find(|f| f.code == Code::CaptureClockStep);
    step.map_or("", |finding| &finding.message)
}

#[test]
fn interfaces_may_have_clocks_of_their_own() {
    assert_eq!(message(&verdict(0, 0)), "");
    assert!(
        message(&verdict(100, 0))
            .contains("clocks of the capture's interfaces differ by up to 99.9")
    );
    assert!(message(&verdict(0, 100)).contains("the capture's clock went back by"));
    assert!(message(&verdict(3, 100)).contains("the capture's clock went back by"));
}

#[test]
fn clocks_change_no_claim_that_is_certain() {
    let plain = verdict(0, 0);
    for (apart, back) in [(100, 0), (0, 100), (-100, 0), (5, 200)] {
        let other = verdict(apart, back);
        let lines = support::essence::contradictions(&plain, &other, false);
        support::report("contradictions", &lines);
        assert_eq!(plain.confidence, Confidence::Certain);
        assert_eq!(other.outcome, plain.outcome, "{apart} {back}");
        assert_eq!(other.active_closer, plain.active_closer, "{apart} {back}");
    }
}
