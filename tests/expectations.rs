//! What changes an expectation and what does not, on real captures whose bytes are changed.

mod support;

use std::collections::BTreeMap;
use support::packet::{self, ACK, End, FIN, RST};
use support::transform::{self, fields};
use support::wrap::{self, PLAIN, Packet};
use support::{Subject, verdicts};
use whoclosed::check::expect::{
    CaptureExpectations, Compare, Difference, Expectations, Kind, Observed, Settings,
};
use whoclosed::close::verdict::{ActiveCloser, Confidence, Outcome, Verdict};

const SECOND: i64 = 1_000_000_000;

/// The lab's captures, as files hold them.
fn subjects() -> Vec<Subject> {
    let lab = support::files("captures", &[".pcap", ".pcapng"]);
    lab.iter().map(|path| Subject::read(path)).collect()
}

/// Those with a single flow, closed for certain by one side.
fn closed() -> Vec<(Subject, Verdict)> {
    let mut closed = Vec::new();
    for subject in subjects() {
        let mut all = judged(&subject.packets);
        let Some(verdict) = all.pop().filter(|_| all.is_empty()) else {
            continue;
        };
        let graceful = verdict.outcome == Outcome::Graceful;
        if graceful && verdict.confidence == Confidence::Certain && verdict.findings.is_empty() {
            closed.push((subject, verdict));
        }
    }
    assert!(closed.len() > 20, "{}", closed.len());
    closed
}

fn judged(packets: &[Packet]) -> Vec<Verdict> {
    verdicts(&wrap::write(packets, PLAIN))
}

fn observed(
    packets: &[Packet],
    settings: Settings,
    known: Option<&CaptureExpectations>,
) -> Observed {
    let mut observed = Observed::new(settings, known);
    judged(packets)
        .iter()
        .for_each(|verdict| observed.see(verdict));
    observed
}

/// What `--update` would write of it, read again.
fn saved(packets: &[Packet], settings: Settings) -> Expectations {
    let capture = observed(packets, settings, None)
        .expectations("a.pcap")
        .expect("few");
    let mut text = Vec::new();
    Expectations::new(settings, vec![capture])
        .write(&mut text)
        .expect("written");
    Expectations::parse(&text).expect("it is read as it was written")
}

/// What differs in `now` from what was said of `then`.
fn differences(then: &[Packet], now: &[Packet], settings: Settings) -> Vec<Difference> {
    let expected = saved(then, settings);
    let expected = expected.of("b.pcap", true).expect("the only one");
    observed(now, settings, Some(expected))
        .compare(expected)
        .expect("few")
}

const STRICT: Settings = Settings {
    compare: Compare::Count,
    retransmissions: true,
};
const LENIENT: Settings = Settings {
    compare: Compare::Count,
    retransmissions: false,
};
const ORDER: Settings = Settings {
    compare: Compare::Order,
    retransmissions: true,
};

/// On every capture `change` changes nothing.
#[track_caller]
fn unchanged(what: &str, settings: Settings, change: impl Fn(&[Packet]) -> Vec<Packet> + Sync) {
    let subjects = subjects();
    let results = support::on_two_threads(&subjects, |subject| {
        let now = change(&subject.packets);
        let found = differences(&subject.packets, &now, settings);
        let lines = found
            .into_iter()
            .map(|d| format!("{}: {}", subject.name, d.message));
        lines.collect::<Vec<_>>()
    });
    assert!(results.len() > 100, "{}", results.len());
    support::report(what, &results.concat());
}

/// On every capture that was closed `change` changes something.
#[track_caller]
fn changed(what: &str, change: impl Fn(&Subject, &Verdict) -> Option<Vec<Packet>>) {
    let (mut silent, mut tried) = (Vec::new(), 0);
    for (subject, verdict) in closed() {
        let Some(now) = change(&subject, &verdict) else {
            continue;
        };
        tried += 1;
        for settings in [STRICT, LENIENT, ORDER] {
            let found = differences(&subject.packets, &now, settings);
            if found.is_empty() {
                silent.push(format!("{} {settings:?}", subject.name));
            }
            let told = found.iter().all(|d| !d.message.is_empty());
            assert!(told, "{found:?}");
        }
    }
    assert!(tried > 15, "{tried}");
    support::report(what, &silent);
}

#[test]
fn the_same_capture_is_as_expected() {
    for settings in [STRICT, LENIENT, ORDER] {
        unchanged("the same", settings, <[Packet]>::to_vec);
    }
}

#[test]
fn other_ephemeral_ports_change_nothing() {
    unchanged("other ports", ORDER, |packets| {
        let clients: Vec<End> = clients(packets);
        let mut packets = packets.to_vec();
        for packet in &mut packets {
            let seen = fields(packet);
            for (end, at) in [(seen.src, 0), (seen.dst, 2)] {
                if clients.contains(&end) && end.1 >= 32768 {
                    let port = 32768 + (end.1 - 32768 + 977) % 28232;
                    packet::put(&mut packet.ip, seen.tcp + at, &port.to_be_bytes());
                }
            }
        }
        packets
    });
}

/// The clients of the flows.
fn clients(packets: &[Packet]) -> Vec<End> {
    let clients = judged(packets).into_iter();
    clients.map(|v| (v.client.addr, v.client.port)).collect()
}

#[test]
fn other_times_change_nothing() {
    unchanged("other times", ORDER, |packets| {
        let mut packets = packets.to_vec();
        packets.iter_mut().for_each(|p| p.time += 86_400 * SECOND);
        packets
    });
}

#[test]
fn other_first_numbers_change_nothing() {
    unchanged("other ISNs", ORDER, |packets| {
        let mut ends: Vec<End> = packets.iter().map(|p| fields(p).src).collect();
        ends.sort_unstable();
        ends.dedup();
        let start = packets.to_vec();
        let numbered = ends.into_iter().zip(1..);
        numbered.fold(start, |packets, (end, n)| {
            transform::shift(&packets, end, 0x4321_0987_u32.wrapping_mul(n))
        })
    });
}

#[test]
fn data_sent_again_changes_nothing() {
    unchanged("data sent again", ORDER, |packets| {
        let mut packets = packets.to_vec();
        let data = |p: &&Packet| fields(p).payload > 0 && !fields(p).has(FIN);
        let Some(first) = packets.iter().find(data).cloned() else {
            return packets;
        };
        // As soon as a retransmission may come, before anything else.
        let at = packets.iter().position(|p| *p == first).unwrap_or_default();
        packets.insert(at + 1, again(&first, 1000));
        packets
    });
}

/// The same segment, sent again: another IPv4 ID.
fn again(packet: &Packet, later: i64) -> Packet {
    let mut again = packet.clone();
    again.time += later;
    if again.ip[0] >> 4 == 4 {
        again.ip[5] ^= 0x55;
    }
    again
}

/// A FIN that is sent again changes what is said of the last ACK, unless nobody wants to hear of it.
#[test]
fn a_fin_sent_again_changes_nothing_if_so_asked() {
    let mut strict = 0;
    for (subject, verdict) in closed() {
        let mut packets = subject.packets.clone();
        // The last one: its receiver has acknowledged it.
        let fin = packets
            .iter()
            .rev()
            .find(|p| fields(p).has(FIN))
            .expect("a FIN");
        packets.push(again(fin, SECOND));
        packets.sort_by_key(|p| p.time);
        let found = differences(&subject.packets, &packets, LENIENT);
        assert!(found.is_empty(), "{}: {found:#?}", subject.name);
        strict += usize::from(!differences(&subject.packets, &packets, STRICT).is_empty());
        assert_eq!(verdict.outcome, Outcome::Graceful);
    }
    assert!(strict > 15, "{strict}");
}

/// Two captures, one after the other or the other way round, with something long after both: what was
/// still going on at the end was going on for long.
#[test]
fn another_order_of_flows_changes_nothing() {
    let subjects = subjects();
    let pairs: Vec<_> = subjects.iter().zip(subjects.iter().skip(1)).collect();
    let results = support::on_two_threads(&pairs, |(a, b)| {
        let b_moved = transform::elsewhere(&b.packets);
        let first = followed(&a.packets, &b_moved);
        let second = followed(&b_moved, &a.packets);
        let mixed = together(&a.packets, &b_moved);
        let mut lines = Vec::new();
        for (how, now) in [("turned", second), ("interleaved", mixed)] {
            let found = differences(&first, &now, STRICT).into_iter();
            lines.extend(found.map(|d| format!("{} {} {how}: {}", a.name, b.name, d.message)));
        }
        lines
    });
    support::report("another order", &results.concat());
}

/// `b` begins an hour after `a`; a day later there is a flow more.
fn followed(a: &[Packet], b: &[Packet]) -> Vec<Packet> {
    let mut packets = at(a, 0);
    packets.extend(at(b, 3600));
    packets.extend(late());
    packets
}

/// Both begin at the same time.
fn together(a: &[Packet], b: &[Packet]) -> Vec<Packet> {
    let mut packets = at(a, 0);
    packets.extend(at(b, 0));
    packets.sort_by_key(|p| p.time);
    packets.extend(late());
    packets
}

/// The packets as if captured so many seconds after a certain moment.
fn at(packets: &[Packet], seconds: i64) -> Vec<Packet> {
    let start = packets.iter().map(|p| p.time).min().unwrap_or_default();
    let mut packets = packets.to_vec();
    let base = 1_795_000_000 * SECOND + seconds * SECOND;
    packets.iter_mut().for_each(|p| p.time += base - start);
    packets
}

fn late() -> Vec<Packet> {
    let path = support::testdata("captures/close-no-data.mid.pcap");
    at(
        &transform::in_network(&Subject::read(&path).packets, 0x77),
        86_400,
    )
}

#[test]
fn a_lost_fin_is_a_difference() {
    changed("a lost FIN", |subject, verdict| {
        let lost = match verdict.active_closer {
            ActiveCloser::Client => verdict.server,
            _ => verdict.client,
        };
        let mut packets = subject.packets.clone();
        packets.retain(|p| {
            let seen = fields(p);
            !(seen.has(FIN) && seen.src == (lost.addr, lost.port))
        });
        Some(packets)
    });
}

#[test]
fn a_reset_instead_of_a_fin_is_a_difference() {
    changed("a RST instead of the first FIN", |subject, _| {
        let mut packets = subject.packets.clone();
        let first = packets.iter().position(|p| fields(p).has(FIN))?;
        packets.truncate(first + 1);
        let flags = fields(&packets[first]).tcp + 13;
        packet::put(&mut packets[first].ip, flags, &[RST | ACK]);
        Some(packets)
    });
}

#[test]
fn a_reset_after_the_close_is_a_difference() {
    changed("a RST after the close", |subject, _| {
        let mut packets = subject.packets.clone();
        let last = packets.iter().rev().find(|p| fields(p).has(FIN))?;
        let mut reset = again(last, 0);
        let seen = fields(&reset);
        packet::put(&mut reset.ip, seen.tcp + 4, &seen.end().to_be_bytes());
        packet::put(&mut reset.ip, seen.tcp + 13, &[RST]);
        // No payload, by the IP header.
        if seen.payload > 0 {
            return None;
        }
        reset.time = packets.last()?.time + SECOND;
        packets.push(reset);
        Some(packets)
    });
}

#[test]
fn a_leak_is_a_difference() {
    changed("a side that never closes", |subject, _| {
        let mut packets = at(&subject.packets, 0);
        let mut fins = packets
            .iter()
            .enumerate()
            .filter(|(_, p)| fields(p).has(FIN));
        let (first, second) = (fins.next()?, fins.next()?);
        // Between the two the first is acknowledged, or it is a close of three segments.
        let cut = second.0;
        let acked = (first.0..cut).len() > 1;
        packets.truncate(cut);
        packets.extend(late());
        acked.then_some(packets)
    });
}

/// The same service, closed by the other side.
#[test]
fn another_closer_is_a_difference() {
    let read = |name: &str| Subject::read(&support::testdata(name)).packets;
    let client = read("captures/close-client-first-4seg.mid.pcap");
    let server = read("captures/close-server-first-4seg.mid.pcap");
    let mut text = Vec::new();
    saved(&client, STRICT).write(&mut text).expect("written");
    // Whatever the port is.
    let text = String::from_utf8(text).expect("text");
    let (before, rest) = text.split_once("\"service\": \"").expect("a service");
    let (_, after) = rest.split_once('"').expect("its end");
    let text = format!("{before}\"service\": \"*:*\"{after}");
    let expected = Expectations::parse(text.as_bytes()).expect("expectations");
    let expected = expected.of("x", true).expect("the only one");
    let same = observed(&client, STRICT, Some(expected));
    assert_eq!(same.compare(expected), Ok(vec![]));
    let found = observed(&server, STRICT, Some(expected))
        .compare(expected)
        .expect("few");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].kind, Kind::Changed);
    let changes: BTreeMap<_, _> = found[0]
        .changes
        .iter()
        .map(|c| (c.field, (&*c.was, &*c.is)))
        .collect();
    assert_eq!(
        changes,
        BTreeMap::from([
            ("active_closer", ("client", "server")),
            ("time_wait", ("client", "server"))
        ])
    );
    assert!(
        found[0].changes.iter().all(|c| !c.meaning.is_empty()),
        "{found:#?}"
    );
    assert!(!found[0].flows[0].frames.is_empty());
}

/// Of several flows of a service the one that changed is told, not those behind it.
#[test]
fn the_order_within_a_service_matters_only_if_so_asked() {
    let read = |name: &str| Subject::read(&support::testdata(name)).packets;
    let a = read("captures/close-client-first-4seg.mid.pcap");
    let b = read("captures/linger0-client.mid.pcap");
    // Both to one service.
    let (to, from) = (server(&a), server(&b));
    let b: Vec<Packet> = b
        .iter()
        .map(|packet| {
            let (seen, mut packet) = (fields(packet), packet.clone());
            for (end, ip, port) in [(seen.src, 12, 0), (seen.dst, 16, 2)] {
                if end == from {
                    let std::net::IpAddr::V4(addr) = to.0 else {
                        panic!("IPv4")
                    };
                    packet::put(&mut packet.ip, ip, &addr.octets());
                    packet::put(&mut packet.ip, seen.tcp + port, &to.1.to_be_bytes());
                }
            }
            packet
        })
        .collect();
    let (one, other) = (followed(&a, &b), followed(&b, &a));
    assert!(differences(&one, &other, STRICT).is_empty());
    assert!(!differences(&one, &other, ORDER).is_empty());
}

fn server(packets: &[Packet]) -> End {
    let server = judged(packets)[0].server;
    (server.addr, server.port)
}

/// A part of a flow more, a flow less.
#[test]
fn flows_more_and_less_are_told() {
    let path = support::testdata("captures/close-no-data.mid.pcap");
    let one = Subject::read(&path).packets;
    let two = together(&one, &transform::elsewhere(&one));
    let missing = differences(&two, &together(&one, &[]), STRICT);
    assert_eq!(missing.len(), 1, "{missing:#?}");
    assert_eq!((missing[0].kind, missing[0].count), (Kind::Missing, 1));
    let more = differences(&together(&one, &[]), &two, STRICT);
    assert_eq!((more[0].kind, more[0].count), (Kind::Unexpected, 1));
    assert_eq!(more[0].flows.len(), 1);
}
