//! What changes an expectation and what does not, on real captures whose bytes are changed.

mod support;

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::packet::{self, ACK, End, FIN, RST};
use support::transform::{self, fields};
use support::wrap::{self, PLAIN, Packet};
use support::{Subject, verdicts};
use whoclosed::check::expect::{
    CaptureExpectations, Compare, Difference, Expectations, Kind, Observed, Settings, TooMany,
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
    for verdict in judged(packets) {
        observed.see(&verdict);
    }
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
        for packet in &mut packets {
            packet.time += 86_400 * SECOND;
        }
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
    for packet in &mut packets {
        packet.time += base - start;
    }
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

/// A directory that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("created");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        let path = self.0.join(name);
        path.to_str().expect("a name").to_owned()
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        fs::write(self.0.join(name), bytes).expect("written");
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Exit code, standard output, standard error.
fn check(args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let output = command.arg("check").args(args).output().expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    let code = output.status.code().expect("an exit code");
    (code, text(output.stdout), text(output.stderr))
}

fn capture(name: &str) -> String {
    let path = support::testdata("captures").join(name);
    path.to_str().expect("a name").to_owned()
}

const CLIENT: &str = "close-client-first-4seg.mid.pcap";
const ABORT: &str = "linger0-client.mid.pcap";

#[test]
fn what_was_written_holds_and_what_changed_is_told() {
    let folder = Folder::new("expect-cli");
    let file = folder.path("close.json");
    let expect = format!("--expect={file}");
    let (code, _, said) = check(&[&expect, &capture(CLIENT)]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("close.json: No such file"), "{said}");
    assert_eq!(check(&[&expect, "--update", &capture(CLIENT)]).0, 0);
    let written = fs::read_to_string(&file).expect("written");
    insta::assert_snapshot!("expectations-file", written);
    assert_eq!(check(&[&expect, &capture(CLIENT)]).0, 0);
    // Another name, the same connection.
    let renamed = folder.file("run-17.pcap", &fs::read(capture(CLIENT)).expect("readable"));
    assert_eq!(check(&[&expect, &renamed]).0, 0);
    let changed = written.replace("203.0.113.80:80", "*:*");
    fs::write(&file, &changed).expect("written");
    let (code, out, _) = check(&[&expect, &capture(ABORT)]);
    assert_eq!(code, 1, "{out}");
    let dir = support::testdata("captures");
    let out = out.replace(dir.to_str().expect("a name"), "captures");
    insta::assert_snapshot!("expectations-broken", out.replace(&file, "close.json"));
    // What somebody made of a service stays.
    assert_eq!(check(&[&expect, "--update", &capture(ABORT)]).0, 0);
    let again = fs::read_to_string(&file).expect("written");
    assert!(
        again.contains("\"*:*\"") && again.contains("\"aborted\""),
        "{again}"
    );
    assert_eq!(check(&[&expect, &capture(ABORT)]).0, 0);
}

#[test]
fn several_captures_are_told_apart_by_name() {
    let folder = Folder::new("expect-several");
    let file = folder.path("close.json");
    let expect = format!("--expect={file}");
    assert_eq!(
        check(&[&expect, "--update", &capture(CLIENT), &capture(ABORT)]).0,
        0
    );
    let (code, out, _) = check(&[&expect, "--format=json", &capture(ABORT), &capture(CLIENT)]);
    assert_eq!(code, 0, "{out}");
    let (code, out, _) = check(&[&expect, &capture(CLIENT)]);
    assert_eq!(code, 2, "{out}");
    assert!(
        out.contains("expects something of it, and it is not there"),
        "{out}"
    );
    let other = capture("close-no-data.mid.pcap");
    let (code, out, _) = check(&[&expect, &capture(ABORT), &capture(CLIENT), &other]);
    assert_eq!(code, 2, "{out}");
    assert!(
        out.contains("expects nothing of a capture of the name"),
        "{out}"
    );
    // The wrong ones under the right names: broken.
    let swapped = folder.file(CLIENT, &fs::read(capture(ABORT)).expect("readable"));
    assert_eq!(check(&[&expect, &swapped, &capture(ABORT)]).0, 1);
}

#[test]
fn nothing_passes_that_was_not_judged() {
    let folder = Folder::new("expect-unjudged");
    let file = folder.path("close.json");
    let expect = format!("--expect={file}");
    let empty = folder.file("empty.pcap", &wrap::write(&[], PLAIN));
    let whole = fs::read(capture(CLIENT)).expect("readable");
    let cut = folder.file("cut.pcap", &whole[..whole.len() - 3]);
    for bad in [&empty, &cut] {
        let (code, _, said) = check(&[&expect, "--update", bad]);
        assert_eq!(code, 2, "{said}");
        assert!(
            said.contains("not written: a capture could not be judged"),
            "{said}"
        );
        assert!(!Path::new(&file).exists());
    }
    assert_eq!(check(&[&expect, "--update", "--allow-damaged", &cut]).0, 0);
    assert_eq!(check(&[&expect, &cut]).0, 2);
    assert_eq!(check(&[&expect, &empty]).0, 2);
    // Another file is not overwritten.
    let policy = folder.file("close.toml", b"schema = 1\n");
    let (code, _, said) = check(&[&format!("--expect={policy}"), "--update", &capture(CLIENT)]);
    assert_eq!(code, 2);
    assert!(said.contains("It is not overwritten"), "{said}");
    assert_eq!(fs::read(&policy).expect("there"), b"schema = 1\n");
}

/// Of every service what there is to say stands in a line of the file.
#[test]
fn differences_name_their_line() {
    let path = support::testdata("captures");
    let all = [
        "close-client-first-4seg.mid.pcap",
        "linger0-client.mid.pcap",
    ];
    let mut captures = Vec::new();
    for name in all {
        let packets = Subject::read(&path.join(name)).packets;
        captures.push(
            observed(&packets, STRICT, None)
                .expectations(name)
                .expect("few"),
        );
    }
    let mut text = Vec::new();
    Expectations::new(STRICT, captures)
        .write(&mut text)
        .expect("written");
    let text = String::from_utf8(text).expect("text");
    let read = Expectations::parse(text.as_bytes()).expect("expectations");
    let lines: Vec<&str> = text.lines().collect();
    for capture in &read.captures {
        for service in &capture.services {
            let line = lines[service.line as usize - 1];
            assert!(line.contains(&service.service.to_string()), "{line}");
        }
    }
    assert!(read.captures[0].services[0].line < read.captures[1].services[0].line);
}

fn file() -> String {
    let path = support::testdata("captures").join("last-ack-timeout.mid.pcap");
    let packets = Subject::read(&path).packets;
    let capture = observed(&packets, STRICT, None)
        .expectations("a")
        .expect("few");
    let mut text = Vec::new();
    Expectations::new(STRICT, vec![capture])
        .write(&mut text)
        .expect("written");
    String::from_utf8(text).expect("text")
}

#[test]
fn errors_say_where_and_what_was_expected() {
    let file = file();
    let error = |text: &str| {
        Expectations::parse(text.as_bytes())
            .expect_err(text)
            .to_string()
    };
    for (was, is, said) in [
        (
            "\"schema\": 1",
            "\"schema\": 2",
            "\"schema\": 2: expected version 1",
        ),
        (
            "\"schema\": 1",
            "\"schema\": \"1\"",
            "line 3, column 15: invalid type: string",
        ),
        ("\"schema\": 1,", "", "no \"schema\": expected version 1"),
        (
            "expectations",
            "expectation",
            "no \"whoclosed\": \"expectations\"",
        ),
        (
            "\"compare\": \"count\"",
            "\"compare\": \"counts\"",
            "unknown variant `counts`, expected `count` or `order`",
        ),
        (
            "\"retransmissions\"",
            "\"retransmission\"",
            "unknown field `retransmission`, expected one of",
        ),
        (
            "\"outcome\": \"",
            "\"outcome\": \"un",
            "unknown variant `un",
        ),
        (
            "\"count\": 1",
            "\"count\": 0",
            "\"count\": 0: expected 1 or more",
        ),
        (
            "\"count\": 1",
            "\"count\": -1",
            "invalid value: integer `-1`",
        ),
        (
            "\"count\": 1",
            "\"count\": 1e300",
            "invalid type: floating point",
        ),
        (
            "last-ack-stuck",
            "last-ack-stack",
            "unknown finding \"last-ack-stack",
        ),
        (
            ":80\"",
            ":80000\"",
            "expected ADDRESS:PORT; * stands for any",
        ),
    ] {
        let changed = file.replacen(was, is, 1);
        assert_ne!(changed, file, "{was}");
        let error = error(&changed);
        assert!(error.contains(said), "{was} -> {is}: {error}");
    }
    assert!(error("").contains("it is empty"));
    assert!(error("{\"type\":\"flow\"}").contains("this is a report"));
    assert!(error("[]").contains("line 1, column"));
    let twice = file.replacen(
        "\"captures\": [",
        "\"captures\": [{\"capture\": null, \"services\": []},",
        1,
    );
    assert!(
        error(&twice).contains("is there twice"),
        "{}",
        error(&twice)
    );
    let none = "{\"whoclosed\":\"expectations\",\"schema\":1,\"compare\":\"count\",\"retransmissions\":true,\"captures\":[]}";
    assert!(error(none).contains("nothing is expected"));
}

#[test]
fn huge_numbers_and_deep_lists_are_errors_or_hold_nothing_up() {
    let file = file();
    let most = file.replacen("\"count\": 1", "\"count\": 18446744073709551615", 1);
    let path = support::testdata("captures").join("last-ack-timeout.mid.pcap");
    let packets = Subject::read(&path).packets;
    let expected = Expectations::parse(most.as_bytes()).expect("a number");
    let expected = expected.of("x", true).expect("the only one");
    let found = observed(&packets, STRICT, Some(expected))
        .compare(expected)
        .expect("few");
    assert_eq!(found[0].count, u64::MAX - 1);
    let error = observed(&packets, ORDER, Some(expected)).compare(expected);
    assert_eq!(error, Err(TooMany::InOrder));
    let deep = file.replacen(
        "\"captures\": [",
        &format!("\"captures\": {}", "[".repeat(100_000)),
        1,
    );
    let error = Expectations::parse(deep.as_bytes()).expect_err("too deep");
    assert!(!error.what.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A byte changed, left out or put in: an error, or a file that says what it said, or another thing,
    /// but never one without what the first one expected.
    #[test]
    fn a_changed_file_never_expects_nothing(at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3) {
        let mut text = file().into_bytes();
        let at = at.index(text.len());
        match how {
            0 => text[at] = byte,
            1 => {
                text.remove(at);
            }
            _ => text.insert(at, byte),
        }
        if let Ok(read) = Expectations::parse(&text) {
            let services: Vec<_> = read.captures.iter().flat_map(|c| &c.services).collect();
            prop_assert_eq!(services.len(), 1);
            prop_assert!(services[0].flows.iter().all(|entry| entry.count > 0));
            prop_assert_eq!(services[0].flows.len(), 1);
        }
    }
}

/// The file that the documents show is one.
#[test]
fn the_documented_file_is_read() {
    let path = support::testdata("../docs/regressions.md");
    let document = fs::read_to_string(path).expect("readable");
    let (_, rest) = document.split_once("```json\n").expect("an example");
    let (example, _) = rest.split_once("```").expect("its end");
    let read = Expectations::parse(example.as_bytes()).expect("expectations");
    assert_eq!(read.captures[0].services[0].flows[0].count, 3);
}

/// In every format of a check what differs is a broken rule.
#[test]
fn differences_are_rules_of_a_check() {
    let folder = Folder::new("expect-formats");
    let expect = format!("--expect={}", folder.path("close.json"));
    assert_eq!(check(&[&expect, "--update", &capture(CLIENT)]).0, 0);
    let run = |format: &str| {
        let format = format!("--format={format}");
        let (code, out, _) = check(&[&expect, &format, &capture(ABORT)]);
        assert_eq!(code, 1, "{out}");
        out
    };
    let schema = whoclosed::report::schema::schema();
    let validator = jsonschema::options().build(&schema).expect("a schema");
    let mut broken = 0;
    for line in run("json").lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(validator.is_valid(&line), "{line}");
        let rule = line["rule"].as_str().unwrap_or_default();
        broken += u32::from(rule.starts_with("expect ") && line["status"] == "broken");
    }
    assert_eq!(broken, 1);
    for format in ["junit", "sarif", "github", "markdown"] {
        let out = run(format);
        assert!(
            out.contains("outcome graceful") && out.contains("aborted"),
            "{format}: {out}"
        );
    }
}

/// What was asked for once stands in the file, and holds.
#[test]
fn settings_stand_in_the_file() {
    let folder = Folder::new("expect-settings");
    let file = folder.path("close.json");
    let expect = format!("--expect={file}");
    let lost = capture("passive-fin-lost.mid.pcap");
    let asked = [
        &expect,
        "--update",
        "--in-order",
        "--ignore-retransmissions",
        &lost,
    ];
    assert_eq!(check(&asked).0, 0);
    let first = fs::read_to_string(&file).expect("written");
    assert!(first.contains("\"compare\": \"order\""), "{first}");
    assert!(first.contains("\"retransmissions\": false"), "{first}");
    assert!(first.contains("\"findings\": []"), "{first}");
    assert_eq!(check(&[&expect, &lost]).0, 0);
    assert_eq!(check(&[&expect, "--update", &lost]).0, 0);
    assert_eq!(fs::read_to_string(&file).expect("written"), first);
    // Without --update they say nothing.
    let (code, _, said) = check(&[&expect, "--in-order", &lost]);
    assert!(code == 2 && said.contains("--update"), "{said}");
    fs::remove_file(&file).expect("removed");
    assert_eq!(check(&[&expect, "--update", &lost]).0, 0);
    let strict = fs::read_to_string(&file).expect("written");
    assert!(strict.contains("\"final-ack-lost server\""), "{strict}");
}
