//! Multipath TCP: its option, and what the kernel's captures say of the connections behind subflows.

#[path = "common/headers.rs"]
mod headers;
mod support;

use headers::{ACK, SYN, ipv4, tcp};
use support::packet::fields;
use support::wrap::{self, PLAIN, Packet};
use whoclosed::close::verdict::{Finding, Verdict};
use whoclosed::packet::{Mptcp, decode};

const RST: u8 = 4;
const NOP: u8 = 1;
const MULTIPATH: u8 = 30;

fn mark(flags: u8, options: &[u8]) -> Mptcp {
    let packet = ipv4(&tcp(flags, options, &[]));
    decode(101, &packet, packet.len() as u32).unwrap().mptcp
}

#[test]
fn each_kind_of_option_is_read() {
    let capable = [30, 4, 0x01, 0x01];
    let join = [30, 12, 0x10, 5, 0, 0, 0, 1, 0, 0, 0, 2];
    let data = [30, 8, 0x20, 0x01, 0, 0, 0, 1];
    let data_fin = [30, 8, 0x20, 0x11, 0, 0, 0, 1];
    let fast_close = [30, 12, 0x70, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let all = |m: Mptcp| {
        let kinds = [
            m.begins(),
            m.joins(),
            m.has_data(),
            m.data_fin(),
            m.fast_close(),
        ];
        let shown = kinds.iter().enumerate().filter(|(_, shown)| **shown);
        (
            shown.map(|(at, _)| at).collect::<Vec<_>>(),
            m.reset_reason(),
        )
    };
    assert_eq!(all(mark(SYN, &capable)), (vec![0], None));
    assert_eq!(all(mark(SYN | ACK, &join)), (vec![1], None));
    assert_eq!(all(mark(ACK, &data)), (vec![2], None));
    assert_eq!(all(mark(ACK, &data_fin)), (vec![2, 3], None));
    assert_eq!(all(mark(ACK, &fast_close)), (vec![4], None));
    for (reason, expected) in [(0, 0), (3, 3), (6, 6), (7, 7), (200, 7)] {
        let reset = [&fast_close[..], &[30, 4, 0x81, reason]].concat();
        assert_eq!(all(mark(RST, &reset)), (vec![4], Some(expected)));
    }
    // Only where they belong, and not cut ones.
    for (flags, options) in [
        (ACK, &capable[..]),
        (ACK, &join),
        (SYN, &data_fin),
        (SYN, &fast_close),
        (ACK, &[30, 3, 0x20, 0]),
        (ACK, &[30, 4, 0x30, 0]),
        (ACK, &[30, 20, 0x20, 0x11]),
        (ACK, &[NOP, NOP, NOP, NOP]),
    ] {
        assert_eq!(mark(flags, options), Mptcp::default(), "{options:?}");
    }
}

fn capture(name: &str) -> Vec<Packet> {
    wrap::read(&std::fs::read(support::testdata("seeds").join(name)).expect("readable"))
}

/// The finding on each flow.
fn subflows(packets: &[Packet]) -> Vec<Option<Finding>> {
    let verdicts = support::verdicts(&wrap::write(packets, PLAIN));
    let finding = |v: Verdict| {
        v.findings
            .into_iter()
            .find(|f| f.code.name() == "mptcp-subflow")
    };
    verdicts.into_iter().map(finding).collect()
}

/// Overwrites the Multipath TCP options of the packets chosen with what does nothing.
fn without(packets: &mut [Packet], chosen: impl Fn(u8) -> bool) {
    each_option(packets, |flags, option| {
        if chosen(flags) {
            option.fill(NOP);
        }
    });
}

/// Each Multipath TCP option, from its kind on, with the flags of its segment.
fn each_option(packets: &mut [Packet], change: impl Fn(u8, &mut [u8])) {
    for packet in packets {
        let seen = fields(&packet.ip, packet.wire).expect("TCP");
        let mut at = seen.tcp + 20;
        while at + 1 < seen.tcp + seen.header {
            let len = match packet.ip[at] {
                NOP => 1,
                _ => usize::from(packet.ip[at + 1]),
            };
            if packet.ip[at] == MULTIPATH {
                change(seen.flags, &mut packet.ip[at..at + len]);
            }
            at += len;
        }
    }
}

#[test]
fn the_kernels_subflows() {
    let says = |name: &str, words: [&str; 2]| {
        for (found, words) in subflows(&capture(name)).into_iter().zip(words) {
            let message = found.expect("a finding").message;
            assert!(message.contains(words), "{name}: {message}");
        }
    };
    let closed = "both sides closed the connection itself (DATA_FIN: the client in frame";
    says("mptcp-close.pcap", [closed, closed]);
    let aborted = "the client aborted the whole connection (MP_FASTCLOSE in frame";
    says("mptcp-abort.pcap", [aborted, aborted]);
    let goes_on = "no DATA_FIN was seen here: the connection may go on in another subflow";
    says("mptcp-remove.pcap", [closed, goes_on]);
    let joined = subflows(&capture("mptcp-close.pcap"));
    let joined: Vec<bool> = joined
        .iter()
        .flatten()
        .map(|f| f.data["joined"] == true)
        .collect();
    assert_eq!(joined, [false, true]);
}

#[test]
fn a_connection_that_fell_back_is_no_subflow() {
    let mut packets = capture("mptcp-close.pcap");
    without(&mut packets, |flags| flags != SYN);
    assert!(subflows(&packets).iter().all(Option::is_none));
    // Who accepts and sends nothing of it is one; so is who is seen inside.
    packets = capture("mptcp-close.pcap");
    without(&mut packets, |flags| flags & SYN == 0);
    assert!(subflows(&packets).iter().all(Option::is_some));
    packets = capture("mptcp-close.pcap");
    without(&mut packets, |flags| flags & SYN != 0);
    assert!(subflows(&packets).iter().all(Option::is_some));
}

#[test]
fn one_sides_close_and_a_reason_are_told() {
    let mut packets = capture("mptcp-close.pcap");
    let server = fields(&packets[1].ip, packets[1].wire).expect("TCP").src;
    let fin = |p: &mut Packet| fields(&p.ip, p.wire).is_some_and(|seen| seen.src == server);
    let mut theirs: Vec<Packet> = packets.clone();
    each_option(&mut theirs, |_, option| {
        if option[2] >> 4 == 2 {
            option[3] &= !0x10;
        }
    });
    for (packet, other) in packets.iter_mut().zip(theirs) {
        if fin(packet) {
            *packet = other;
        }
    }
    let found = subflows(&packets)[0].clone().expect("a finding");
    let message = found.message;
    assert!(
        message.contains("only the client's close was seen here"),
        "{message}"
    );

    let mut packets = capture("mptcp-abort.pcap");
    each_option(&mut packets, |_, option| match option[2] >> 4 {
        7 => option.fill(NOP),
        8 => option[3] = 6,
        _ => {}
    });
    let found = subflows(&packets)[1].clone().expect("a finding");
    let words = "may go on in another subflow; the client's RST says why: middlebox interference";
    assert!(found.message.contains(words), "{}", found.message);
    assert_eq!(found.data["reset_reason"], "middlebox interference");
}
