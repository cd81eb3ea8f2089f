//! Lists of sockets: that they are read, and that their sockets are the flows of a capture.

mod support;

use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use whoclosed::close::verdict::{Confidence, Side, State};
use whoclosed::report::schema::schema;
use whoclosed::report::sockets as report;
use whoclosed::sockets::{
    ClosedBy, Explained, Host, Join, JoinOptions, Joined, Listing, Port, TakenFrom, TimerKind, Tool,
};
use whoclosed::stamp::{MILLISECOND, SECOND, Time};
use whoclosed::{Options, analyze};

const CAPTURE: &str = "sockets/sockets.pcap";

fn read(below: &str) -> String {
    fs::read_to_string(support::testdata(below)).expect("readable")
}

fn parse(text: &str) -> Listing {
    Listing::parse(text).expect("a list")
}

/// The join of a list with the lab's capture.
fn join(text: &str, taken: Option<Time>) -> Joined {
    let bytes = fs::read(support::testdata(CAPTURE)).expect("readable");
    let mut join = Join::new(parse(text), &[]);
    let mut analysis = analyze(&*bytes, &Options::default()).expect("a capture");
    for verdict in &mut analysis {
        join.see(&verdict);
    }
    let source = &analysis.summary().sources[0];
    let mut options = JoinOptions::default();
    options.taken = taken;
    join.finish(&options, source.start.zip(source.end))
}

fn of_port<'a>(joined: &'a Joined, port: &str) -> &'a Explained {
    let ends =
        |s: &&Explained| s.peer.to_string().ends_with(port) || s.local.to_string().ends_with(port);
    joined.sockets.iter().find(ends).expect(port)
}

#[test]
fn every_list_of_the_seeds_is_read_with_every_socket() {
    use State::{CloseWait, Established, FinWait2, Listen, SynReceived, TimeWait};
    type Counts = &'static [(State, u64)];
    let all: &[(&str, Tool, Counts)] = &[
        (
            "lsof-close-wait",
            Tool::Lsof,
            &[(Established, 1), (CloseWait, 6)],
        ),
        ("netstat-macos", Tool::NetstatBsd, &[(TimeWait, 20)]),
        (
            "netstat-napo-linux",
            Tool::Netstat,
            &[(Listen, 2), (SynReceived, 1), (TimeWait, 17)],
        ),
        (
            "netstat-ton-fin-wait2-linux",
            Tool::Netstat,
            &[(FinWait2, 1)],
        ),
        (
            "netstat-tonp-close-wait-linux",
            Tool::Netstat,
            &[(CloseWait, 7)],
        ),
        (
            "ss-tanop-fin-wait2-timers",
            Tool::Ss,
            &[(FinWait2, 8), (TimeWait, 6)],
        ),
        ("ss-tanop", Tool::Ss, &[(Established, 1), (TimeWait, 7)]),
    ];
    assert_eq!(support::files("seeds/listings", &[".txt"]).len(), all.len());
    for (name, tool, states) in all {
        let text = read(&format!("seeds/listings/{name}.txt"));
        let listing = parse(&text);
        assert_eq!((listing.unclear, listing.other), (0, 0), "{name}");
        let counted: Vec<_> = listing.by_state().into_iter().collect();
        assert_eq!(counted, *states, "{name}");
        for socket in &listing.sockets {
            assert_eq!(socket.tool, *tool, "{name}");
            assert_eq!(socket.recv_q.is_none(), *tool == Tool::Lsof, "{name}");
            assert_eq!(
                socket.process.is_some(),
                *tool == Tool::Lsof || has_process(&text, socket.line),
                "{name}"
            );
        }
        let joined = join(&text, None);
        let listeners = listing.by_state().get(&Listen).copied().unwrap_or(0);
        assert_eq!(joined.unexplained, joined.listed - listeners, "{name}");
    }
}

/// The line names a process in the way of netstat or ss.
fn has_process(text: &str, line: u64) -> bool {
    let line = text
        .lines()
        .nth(usize::try_from(line).unwrap() - 1)
        .unwrap();
    line.contains("users:") || line.contains("/java") || line.contains("/nginx")
}

#[test]
fn the_timers_of_the_seeds_have_their_true_length() {
    let timers = |name| {
        let listing = parse(&read(name));
        let timers = listing
            .sockets
            .into_iter()
            .filter_map(|socket| socket.timer);
        let timers = timers.map(|t| (t.kind, t.left_ns.expect("a time") / MILLISECOND));
        timers.collect::<Vec<_>>()
    };
    let seen = timers("seeds/listings/ss-tanop-fin-wait2-timers.txt");
    assert_eq!(
        seen[2..6],
        [
            (TimerKind::Keepalive, 29_000),
            (TimerKind::Keepalive, 28_000),
            (TimerKind::Keepalive, 2067),
            (TimerKind::Keepalive, 1020),
        ]
    );
    assert_eq!(
        seen[12..],
        [(TimerKind::TimeWait, 1188), (TimerKind::TimeWait, 141)]
    );
    let seen = timers("seeds/listings/netstat-tonp-close-wait-linux.txt");
    assert_eq!(seen[0], (TimerKind::Keepalive, 7_196_980));
}

#[test]
fn lists_come_with_headings_other_columns_and_other_protocols() {
    let text = "\
root@web:~# ss -tanp
Netid State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess
udp   UNCONN 0      0      127.0.0.1:323      0.0.0.0:*
u_str ESTAB  0      0      * 18234            * 18235
tcp   ESTAB  0      36     [::ffff:10.0.0.1]:ssh [::ffff:10.0.0.9]:50000 users:((\"sshd\",pid=7,fd=4),(\"sshd\",pid=8,fd=4))
\t cubic wscale:7,7 rto:204
Active Internet connections (servers and established)
Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
tcp46      0      0  *.443                  *.*                    LISTEN
tcp6       0      0  fe80::1%lo0.631        fe80::1%lo0.50001      FIN_WAIT_1
udp4       0      0  *.5353                 *.*
  TCP    10.0.0.1:50002     10.0.0.9:443      TIME_WAIT       0
COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME
nginx    12 root 6u IPv4 3421 0t0 TCP *:http (LISTEN)
nginx    12 root 7u IPv4 3422 0t0 UDP *:53
nginx    12 root 8u IPv6 3423 0t0 TCP [::1]:http->[::1]:50003 (CLOSE_WAIT)
";
    let listing = parse(text);
    let shown: Vec<String> = listing
        .sockets
        .iter()
        .map(|s| format!("{} {} {} {} {}", s.line, s.tool, s.state, s.local, s.peer))
        .collect();
    assert_eq!(
        shown,
        [
            "5 ss ESTABLISHED 10.0.0.1:22 10.0.0.9:50000",
            "9 netstat-bsd LISTEN *:443 *:*",
            "10 netstat-bsd FIN-WAIT-1 [fe80::1]:631 [fe80::1]:50001",
            "12 netstat TIME-WAIT 10.0.0.1:50002 10.0.0.9:443",
            "14 lsof LISTEN *:80 *:*",
            "16 lsof CLOSE-WAIT [::1]:80 [::1]:50003",
        ]
    );
    assert_eq!((listing.other, listing.unclear), (4, 0));
    let process = listing.sockets[0].process.as_ref().expect("a process");
    assert_eq!((process.name.as_str(), process.pid), ("sshd", Some(7)));
    let heading = parse("State Recv-Q Send-Q Local Address:Port Peer Address:Port\n");
    assert!(heading.sockets.is_empty());
}

#[test]
fn ss_on_a_narrow_terminal_writes_the_rest_below() {
    let text = "FIN-WAIT-2 0 0 10.0.0.1:1 10.0.0.2:2\n      users:((\"a\",pid=3,fd=4)) timer:(keepalive,42sec,0)\n";
    let socket = &parse(text).sockets[0];
    assert_eq!(socket.timer.expect("a timer").kind, TimerKind::Keepalive);
    assert_eq!(socket.process.as_ref().expect("a process").pid, Some(3));
}

#[test]
fn what_is_not_understood_is_counted_and_what_is_no_list_is_refused() {
    let listing = parse("hello\nESTAB 0 0 10.0.0.1:1 10.0.0.2:2\nbye\n");
    assert_eq!((listing.unclear, listing.first_unclear), (2, Some(1)));
    let error = |text| Listing::parse(text).unwrap_err().to_string();
    assert!(error("").contains("empty"), "{}", error(""));
    assert!(error("\n \n").contains("empty"));
    let told = error("\n{\"a\": 1}\nESTAB 0 0 nowhere\n");
    assert!(
        told.starts_with("line 2: expected sockets as `ss -tano`"),
        "{told}"
    );
    assert!(told.ends_with("found `{\"a\": 1}`"), "{told}");
}

/// Every socket of the server's own lists is explained as the applications made it.
#[test]
fn the_labs_list_is_its_capture() {
    for list in ["server.ss-tano", "server.netstat-tanop", "server.ss-named"] {
        let joined = join(&read(&format!("sockets/{list}.txt")), None);
        assert_eq!((joined.listed, joined.explained), (22, 18), "{list}");
        assert_eq!((joined.disagreeing, joined.ambiguous), (0, 0), "{list}");
        assert_eq!(joined.taken.from, TakenFrom::Timers, "{list}");
        for (port, state, closed_by) in [
            ("42000", State::TimeWait, ClosedBy::Local),
            ("42005", State::TimeWait, ClosedBy::Local),
            ("42010", State::TimeWait, ClosedBy::Local),
            ("43000", State::Established, ClosedBy::None),
            ("43001", State::CloseWait, ClosedBy::Peer),
            ("43002", State::CloseWait, ClosedBy::Peer),
            ("43003", State::CloseWait, ClosedBy::Peer),
            ("43004", State::FinWait2, ClosedBy::Local),
            ("43005", State::FinWait2, ClosedBy::Local),
            ("43006", State::FinWait2, ClosedBy::Local),
            ("43007", State::FinWait1, ClosedBy::Local),
            ("43008", State::LastAck, ClosedBy::Peer),
            ("43009", State::Closing, ClosedBy::Both),
            ("43010", State::SynReceived, ClosedBy::None),
        ] {
            let socket = of_port(&joined, port);
            assert_eq!(socket.state, state, "{list} {port}");
            assert_eq!(socket.agrees, Some(true), "{list} {port}");
            assert_eq!(socket.side, Some(Side::Server), "{list} {port}");
            assert_eq!(socket.closed_by, closed_by, "{list} {port}");
            assert!(socket.since.is_some(), "{list} {port}");
            let sure = if state == State::TimeWait {
                Confidence::Certain
            } else {
                Confidence::Likely
            };
            assert_eq!(socket.confidence, Some(sure), "{list} {port}");
        }
    }
}

#[test]
fn a_time_wait_begins_when_its_verdict_says_and_ends_with_its_timer() {
    let joined = join(&read("sockets/server.netstat-tanop.txt"), None);
    let bytes = fs::read(support::testdata(CAPTURE)).expect("readable");
    let verdicts = support::verdicts(&bytes);
    let at = joined.taken.at.expect("a time");
    let mut seen = 0;
    for socket in joined
        .sockets
        .iter()
        .filter(|s| s.flow.is_some() && s.state == State::TimeWait)
    {
        let flow = usize::try_from(socket.flow.unwrap()).unwrap();
        let wait = &verdicts[flow].time_wait[0];
        assert_eq!((socket.since, socket.until), (wait.start, wait.end));
        let left = socket.timer.unwrap().left_ns.unwrap();
        let off = at.plus(left).since(wait.end.unwrap()).abs();
        assert!(off < 50 * MILLISECOND, "{off}");
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[test]
fn timers_say_when_a_list_was_taken() {
    let truth: Value = serde_json::from_str(&read("sockets/truth.json")).expect("JSON");
    for (list, slack) in [
        ("server.ss-tano.txt", 300),
        ("server.ss-time-wait.txt", 300),
        ("server.netstat-tanop.txt", 30),
    ] {
        let bounds = &truth["taken"][list];
        let nanos = |at: usize| (bounds[at].as_f64().unwrap() * 1e6) as i64 * 1000;
        let taken = join(&read(&format!("sockets/{list}")), None).taken;
        assert_eq!((taken.timers, taken.agreeing), (7, 7), "{list}");
        let at = taken.at.expect("a time").0;
        assert!(at > nanos(0) - slack * MILLISECOND, "{list}: {at}");
        assert!(at < nanos(1) + slack * MILLISECOND, "{list}: {at}");
    }
    let without = join(&read("sockets/server.ss-tanp.txt"), None);
    assert_eq!(without.taken.from, TakenFrom::CaptureEnd);
    assert_eq!(without.taken.at, without.capture_end);
}

/// Timers of Linux are late by an eighth at most; ss shows nothing left meanwhile.
#[test]
fn a_time_wait_that_has_run_out_may_still_be_listed() {
    let all = join(&read("sockets/server.ss-tano.txt"), None);
    let known = of_port(&all, "42000");
    let until = known.until.expect("a time");
    let listed = |timer: &str, seconds: i64| {
        let (local, peer) = (&known.local, &known.peer);
        let text = format!("TIME-WAIT 0 0 {local} {peer} timer:(timewait,{timer},0)\n");
        let joined = join(&text, Some(until.plus(seconds * SECOND)));
        let socket = joined.sockets.into_iter().next().expect("a socket");
        (socket.agrees, socket.until, socket.readings)
    };
    let over = (Some(true), Some(until), Vec::new());
    assert_eq!(listed("", -1), over);
    assert_eq!(listed("", 6), over);
    assert_eq!(listed("", 9).0, Some(false));
    assert_eq!(listed("001ms", 6).0, Some(false));
}

#[test]
fn what_the_capture_cannot_explain_is_said() {
    let joined = join(&read("sockets/server.ss-tano.txt"), None);
    assert_eq!(joined.unexplained, 2);
    let early = of_port(&joined, "41000");
    assert_eq!((early.flow, early.candidate_count), (None, 0));
    assert_eq!(early.closed_by, ClosedBy::Local);
    assert!(
        early.message.ends_with("before the capture did"),
        "{}",
        early.message
    );
    let silent = of_port(&joined, "41001");
    assert!(
        silent.message.contains("said nothing"),
        "{}",
        silent.message
    );
}

#[test]
fn what_the_list_lacks_is_said() {
    for list in [
        "server.ss-tano",
        "server.netstat-tanop",
        "server.ss-time-wait",
    ] {
        let joined = join(&read(&format!("sockets/{list}.txt")), None);
        assert_eq!(joined.missing, 1, "{list}: {:#?}", joined.absent);
        let missing = &joined.absent[0];
        assert_eq!((missing.peer.port, missing.state), (43011, State::TimeWait));
        assert!(missing.since.is_some() && missing.until.is_some());
    }
    let text = read("sockets/server.netstat-tanop.txt");
    let without = |port: &str| {
        let lines = text.lines().filter(|line| !line.contains(port));
        join(&lines.collect::<Vec<_>>().join("\n"), None)
    };
    for port in [42003, 43000, 43001, 43004, 43007, 43008, 43009, 43010] {
        let joined = without(&format!(":{port} "));
        let ports: Vec<u16> = joined.absent.iter().map(|m| m.peer.port).collect();
        assert!(
            ports.len() == 2 && ports.contains(&port),
            "{port}: {ports:?}"
        );
    }
    let lsof = join(&read("sockets/server.lsof.txt"), None);
    assert_eq!(lsof.missing, 0);
    assert!(lsof.notes.iter().any(|note| note.starts_with("lsof shows")));
}

#[test]
fn queues_tell_what_was_read() {
    for list in ["server.ss-tano", "server.netstat-tanop"] {
        let joined = join(&read(&format!("sockets/{list}.txt")), None);
        let reads = |port, words: &str| {
            let readings = &of_port(&joined, port).readings;
            assert!(
                readings.iter().any(|r| r.contains(words)),
                "{port}: {readings:?}"
            );
        };
        reads("43001", "Recv-Q 1 is the FIN itself");
        reads("43002", "Recv-Q 0: the application has read everything");
        reads(
            "43003",
            "100 bytes unread, and the FIN; a close() there sends RST",
        );
        reads("43004", "a timewait socket: no application holds it");
        reads("43005", "a full socket without a timer");
        reads("43006", "a full socket");
        reads("43007", "Send-Q 1 is the FIN itself");
        reads("43008", "was sent again 2 times");
        reads("43010", "the SYN-ACK was sent again");
    }
    let joined = join("tcp4 1 0 10.0.0.1.80 10.0.0.2.5000 CLOSE_WAIT", None);
    assert!(joined.sockets[0].readings[0].starts_with("Recv-Q 1: 1 byte unread;"));
}

/// At the client, where two of its sockets have not received what passed the capture.
#[test]
fn a_state_that_the_capture_does_not_show_is_said() {
    for list in ["client.ss-tan", "client.ss-tanoi"] {
        let joined = join(&read(&format!("sockets/{list}.txt")), None);
        assert_eq!((joined.listed, joined.unexplained), (13, 1), "{list}");
        assert_eq!(joined.disagreeing, 2, "{list}");
        for port in ["43008", "43009"] {
            let socket = of_port(&joined, port);
            assert_eq!(socket.agrees, Some(false), "{list} {port}");
            assert_eq!(
                socket.confidence,
                Some(Confidence::Possible),
                "{list} {port}"
            );
        }
        let waits = of_port(&joined, "42020");
        assert_eq!(
            (waits.side, waits.closed_by),
            (Some(Side::Client), ClosedBy::Local)
        );
    }
}

#[test]
fn the_time_that_the_user_names_goes_first() {
    let text = read("sockets/server.netstat-tanop.txt");
    let timers = join(&text, None).taken.at.expect("a time");
    let early = timers.plus(-3 * SECOND);
    let joined = join(&text, Some(early));
    assert_eq!(
        (joined.taken.at, joined.taken.from),
        (Some(early), TakenFrom::User)
    );
    assert!(
        joined.notes.iter().any(|note| note.contains("3.0 s later")),
        "{:?}",
        joined.notes
    );
    assert!(joined.disagreeing > 5, "{}", joined.disagreeing);
    let late = of_port(&joined, "43001");
    assert!(late.message.contains("after the list"), "{}", late.message);
}

#[test]
fn masked_and_named_ends_match_by_port_and_state() {
    let text = read("sockets/server.ss-tano.txt");
    let masks = [
        text.replace("192.0.2.1:", "192.xx.xx.1:")
            .replace("192.0.2.2:", "192.xx.xx.2:"),
        text.replace("192.0.2.1:", "laptop:")
            .replace("192.0.2.2:", "web-1:"),
        text.replace("192.0.2.1:", "***.***.***.***:"),
    ];
    for text in masks {
        let joined = join(&text, None);
        assert_eq!((joined.explained, joined.ambiguous), (18, 0), "{text}");
        let socket = of_port(&joined, "43002");
        assert!(matches!(socket.peer.host, Host::Other(_)));
        assert_eq!(
            socket.flow,
            of_port(&join(&read("sockets/server.ss-tano.txt"), None), "43002").flow
        );
        assert_eq!(socket.confidence, Some(Confidence::Possible));
    }
    let hidden = join(
        &text
            .replace("192.0.2.2:", "web-1:")
            .replace("[2001:db8::2]:", "web-1:"),
        None,
    );
    assert_eq!(hidden.missing, 0);
    assert!(hidden.notes[0].contains("--as-host"), "{:?}", hidden.notes);
    let wrong = join(&text.replace("192.0.2.1:", "192.xx.xx.7:"), None);
    assert_eq!(of_port(&wrong, "43002").flow, None);
    let named = join("CLOSE-WAIT 1 0 192.0.2.2:80 192.0.2.1:someport", None);
    assert_eq!((named.ambiguous, named.sockets[0].candidate_count), (1, 3));
    assert_eq!(named.sockets[0].peer.port, Port::Other("someport".into()));
}

/// Flows on the same ports in other states do not hide the one in that state, and rows that may be many
/// flows take their time only by their number.
#[test]
fn a_masked_list_of_many_rows_meets_many_flows() {
    let bytes = fs::read(support::testdata(CAPTURE)).expect("readable");
    let verdicts = support::verdicts(&bytes);
    let of = |port| {
        verdicts
            .iter()
            .find(|v| v.client.port == port)
            .expect("a flow")
    };
    let (waits, leaks) = (of(42000), of(43001));
    let rows = (0..5_000).map(|row| match row {
        0 => "CLOSE-WAIT 1 0 192.0.xx.xx:80 192.0.2.xx:someport\n".to_owned(),
        row => format!("TIME-WAIT 0 0 web-{row}:80 a{row}.0.2.xx:port{row}\n"),
    });
    let mut join = Join::new(parse(&rows.collect::<String>()), &[]);
    for flow in 0..30_000 {
        // The leak is judged first, so that it stands behind all others.
        let mut verdict = if flow == 0 { leaks } else { waits }.clone();
        verdict.flow = flow;
        verdict.client.port = 1024 + u16::try_from(flow).expect("a port");
        join.see(&verdict);
    }
    let started = Instant::now();
    let joined = join.finish(&JoinOptions::default(), None);
    let took = started.elapsed();
    assert_eq!(joined.sockets[0].flow, Some(0));
    assert_eq!((joined.explained, joined.ambiguous), (1, 4_999));
    assert!(took < Duration::from_mins(1), "{took:?}");
}

#[test]
fn beyond_the_limit_those_that_were_over_first_are_forgotten_and_that_is_said() {
    let bytes = fs::read(support::testdata(CAPTURE)).expect("readable");
    let list = parse(&read("sockets/server.netstat-tanop.txt"));
    let mut join = Join::new(list, &[]).keep_at_most(8);
    for verdict in support::verdicts(&bytes) {
        join.see(&verdict);
    }
    let joined = join.finish(&JoinOptions::default(), None);
    assert!(joined.forgotten >= 12, "{}", joined.forgotten);
    assert!(joined.explained > 0 && joined.explained <= 8);
    assert!(
        joined
            .notes
            .iter()
            .any(|note| note.contains("were not compared"))
    );
}

#[test]
fn both_ends_of_one_host_are_two_sockets_of_one_flow() {
    let both = "CLOSE-WAIT 1 0 192.0.2.2:80 192.0.2.1:43001\nFIN-WAIT-2 0 0 192.0.2.1:43001 192.0.2.2:80\n";
    let joined = join(both, None);
    assert_eq!(joined.explained, 2);
    let [server, client] = joined.sockets.as_slice() else {
        panic!("two sockets")
    };
    assert_eq!(server.flow, client.flow);
    assert_eq!(
        (server.closed_by, client.closed_by),
        (ClosedBy::Peer, ClosedBy::Local)
    );
}

#[test]
fn every_line_is_as_the_schema_says() {
    let mut schema = schema();
    for definition in schema["$defs"].as_object_mut().unwrap().values_mut() {
        if definition.get("properties").is_some() {
            definition["additionalProperties"] = false.into();
        }
    }
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&schema).expect("a schema");
    let mut lists = support::files("sockets", &[".txt"]);
    lists.extend(support::files("seeds/listings", &[".txt"]));
    let mut kinds = std::collections::BTreeMap::new();
    for list in lists {
        let text = fs::read_to_string(&list).expect("readable");
        let mut out = Vec::new();
        report::json(&mut out, &join(&text, None)).expect("written");
        for line in String::from_utf8(out).expect("text").lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            *kinds.entry(line["type"].to_string()).or_insert(0) += 1;
            if let Err(error) = validator.validate(&line) {
                panic!("{}: {error}\n{line}", list.display());
            }
        }
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

fn whoclosed(args: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    command.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    // What does not read its input closes it.
    let _ = std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), input.as_bytes());
    child.wait_with_output().expect("runs")
}

const FILE: &str = "testdata/sockets/sockets.pcap";

#[test]
fn the_command_tells_people() {
    let list = "testdata/sockets/server.ss-tano.txt";
    let output = whoclosed(&["sockets", "--list", list, FILE], "");
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("text");
    insta::assert_snapshot!(text);
}

#[test]
fn the_list_may_come_from_standard_input_and_the_time_from_the_user() {
    let list = read("sockets/server.ss-tanp.txt");
    let args = [
        "sockets", "--list", "-", "--taken", "+4s", "--format", "json", FILE,
    ];
    let output = whoclosed(&args, &list);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).expect("text");
    let whole: Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        (&whole["type"], &whole["taken"]["from"]),
        (&"sockets".into(), &"user".into())
    );
    assert_eq!(
        (&whole["explained"], &whole["missing"]),
        (&18.into(), &1.into())
    );
}

#[test]
fn errors_say_file_line_and_what_was_expected() {
    let fails = |args: &[&str], words: &[&str]| {
        let output = whoclosed(args, "");
        let told = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(output.stdout.is_empty());
        for word in words {
            assert!(told.contains(word), "{word}: {told}");
        }
    };
    let no_list = [
        "Cargo.toml: line 1: expected sockets as `ss -tano`",
        "found `[package]`",
    ];
    fails(&["sockets", "--list", "Cargo.toml", FILE], &no_list);
    fails(&["sockets", "--list", FILE, FILE], &["line 1: expected"]);
    fails(
        &["sockets", "--list", "no-such.txt", FILE],
        &["no-such.txt: No such file"],
    );
    fails(
        &["sockets", "--list", "-", FILE],
        &["-: it is empty; expected sockets"],
    );
    fails(&["sockets", "--list", "-", "-"], &["only be one of"]);
    fails(&["sockets", FILE], &["--list <FILE>"]);
    fails(
        &["sockets", "--list", "x", "--taken", "now", FILE],
        &["expected a time"],
    );
    let help = whoclosed(&["sockets", "--help"], "");
    let help = String::from_utf8(help.stdout).expect("text");
    assert!(
        help.contains("Examples:\n  ss -tanop > sockets.txt"),
        "{help}"
    );
}

/// Pieces of lists, put together at random.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "tcp",
        "tcp6",
        "udp",
        "TCP",
        "ESTAB",
        "TIME-WAIT",
        "FIN_WAIT2",
        "(CLOSE_WAIT)",
        "LISTEN",
        "0",
        "1",
        "18446744073709551615",
        "10.0.0.1:80",
        "10.0.0.1.80",
        "[::1]:80",
        "*:*",
        "*.*",
        ":::80",
        "192.0.2.2:80",
        "192.0.2.1:43001",
        "10.xx.1.2:http",
        "localhost:x",
        "a->b",
        "192.0.2.2:80->192.0.2.1:43001",
        "timer:(timewait,59sec,0)",
        "timer:(on,1.5ms,99)",
        "timer:(keepalive,99999999999min,0)",
        "timer:(",
        "(1.00/2/3)",
        "on (1.00/2/3)",
        "users:((\"a\",pid=1,fd=2))",
        "users:((\"",
        "1/x",
        "-",
        "State",
        "\n",
        "\t",
    ];
    prop_oneof![
        4 => prop::sample::select(words.map(str::to_owned).to_vec()),
        1 => "\\PC{0,12}",
    ]
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof!["(?s).{0,400}", prop::collection::vec(word(), 0..80).prop_map(|w| w.join(" "))]) {
        let Ok(listing) = Listing::parse(&text) else { return Ok(()) };
        let lines = text.lines().count() as u64;
        prop_assert!(listing.sockets.len() as u64 + listing.other + listing.unclear <= lines);
        prop_assert_eq!(listing.by_state().values().sum::<u64>(), listing.sockets.len() as u64);
    }

    #[test]
    fn any_list_is_joined_and_every_socket_counted_once(lines in prop::collection::vec(
        prop_oneof![
            prop::collection::vec(word(), 0..10).prop_map(|w| w.join(" ")),
            prop::sample::select(read("sockets/server.ss-tano.txt").lines().map(str::to_owned).collect::<Vec<_>>()),
            prop::sample::select(read("sockets/server.netstat-tanop.txt").lines().map(str::to_owned).collect::<Vec<_>>()),
        ], 0..20), taken in prop::option::of(any::<i64>()))
    {
        let text = lines.join("\n");
        let Ok(listing) = Listing::parse(&text) else { return Ok(()) };
        let joined = join(&text, taken.map(Time));
        let open = listing.sockets.iter().filter(|s| s.state != State::Listen).count() as u64;
        let told = joined.explained + joined.disagreeing + joined.ambiguous + joined.unexplained;
        prop_assert_eq!(told, open);
        let mut out = Vec::new();
        report::text(&mut out, whoclosed::report::Look::default(), &joined).unwrap();
        report::json(&mut out, &joined).unwrap();
    }
}
