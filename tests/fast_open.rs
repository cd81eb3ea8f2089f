//! TCP Fast Open (RFC 7413): data on a SYN that the peer takes, and data that it does not.

mod support;

use support::packet::fields;
use support::wrap;
use whoclosed::flow::{Flow, FlowTable};
use whoclosed::packet::decode;
use whoclosed::stamp::{Stamp, Time};

const RAW: u16 = 101;

/// The facts of a capture's only flow, and the time from its first segment to its second.
fn facts(path: &str) -> (Flow, i64) {
    let packets = wrap::read(&std::fs::read(support::testdata(path)).expect("readable"));
    let mut table = FlowTable::default();
    for (packet, frame) in packets.iter().zip(1..) {
        let segment = decode(RAW, &packet.ip, packet.wire as u32).expect("TCP");
        let time = Time(packet.time);
        table.push(&segment, Stamp { frame, time });
    }
    table.finish();
    let due = table.due(Time::default()).expect("a flow");
    let flow = table.facts(&due).expect("its facts").clone();
    assert!(table.due(Time::default()).is_none());
    assert!(
        fields(&packets[0].ip, packets[0].wire)
            .expect("TCP")
            .payload
            > 0
    );
    (flow, packets[1].time - packets[0].time)
}

#[test]
fn the_syn_is_timed_without_its_data() {
    for path in [
        "captures/fast-open.mid.pcap",
        "seeds/fast-open-refused.pcap",
    ] {
        let (flow, handshake) = facts(path);
        let opener = usize::from(flow.opener().expect("a SYN"));
        let rtt = flow.half[opener ^ 1].rtt.expect("a round trip");
        assert!(rtt <= handshake, "{path}: {rtt} of {handshake}");
        assert!(rtt >= handshake / 4, "{path}: {rtt} of {handshake}");
    }
}

#[test]
fn refused_data_counts_once_and_is_no_repeat() {
    let (flow, _) = facts("seeds/fast-open-refused.pcap");
    let opener = usize::from(flow.opener().expect("a SYN"));
    let [client, server] = [&flow.half[opener], &flow.half[opener ^ 1]];
    assert_eq!((client.payload, server.payload), (8, 6));
    assert_eq!((client.repeats, server.repeats), (0, 0));
    assert!(flow.odd().is_none());
}
