//! The books on TIME-WAIT and ports, against what brute force and the kernel say.
//!
//! A large capture of the generator is compared by hand:
//! `WHOCLOSED_CAPGEN=FILE.pcap,FILE.ndjson cargo test --release --test ledger -- --ignored`

mod support;

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::Path;
use support::truth;
use whoclosed::close::verdict::{Endpoint, Verdict};
use whoclosed::ledger::{Books, Ledger, PortRange, PortUse, Settings, sockets_at};
use whoclosed::stamp::{MILLISECOND, SECOND, Time};
use whoclosed::{Options, analyze};

/// A line of the generator's truth file.
#[derive(Deserialize)]
struct Truth {
    client: IpAddr,
    cport: u16,
    server: IpAddr,
    sport: u16,
    kind: String,
    first_ns: i64,
    /// Owner, first and last ACK of the peer's FIN.
    time_wait: Vec<(String, i64, i64)>,
}

/// The books of a capture, and when it begins and ends.
fn books(capture: &Path, time_wait: i64) -> (Ledger, Time, Time) {
    books_in(capture, time_wait, Settings::default())
}

fn books_in(capture: &Path, time_wait: i64, settings: Settings) -> (Ledger, Time, Time) {
    let mut options = Options::default();
    options.time_wait = time_wait;
    options.ledger = Some(settings);
    let mut flows = analyze(File::open(capture).expect("readable"), &options).expect("a capture");
    while flows.next().is_some() {}
    let source = flows.summary().sources.remove(0);
    let ledger = flows.ledger().expect("books were asked for").clone();
    // A capture point may have seen nothing.
    let (start, end) = source.start.zip(source.end).unwrap_or_default();
    (ledger, start, end)
}

/// The TIME-WAITs of the generator's flows: owner, from, to. The capture has microseconds.
fn true_waits(truth: &Path, time_wait: i64) -> Vec<(IpAddr, i64, i64)> {
    let text = fs::read_to_string(truth).expect("readable");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of truth"));
    let mut flows: Vec<Truth> = lines.collect();
    flows.sort_by_key(|flow| flow.first_ns);
    let mut waits = Vec::new();
    // What ends a TIME-WAIT early: the next connection on the same ends.
    let mut next: BTreeMap<(IpAddr, u16, IpAddr, u16), i64> = BTreeMap::new();
    let micros = |ns: i64| ns / 1000 * 1000;
    for flow in flows.iter().rev() {
        let key = (flow.client, flow.cport, flow.server, flow.sport);
        for (owner, first, last) in &flow.time_wait {
            let owner = if owner == "client" {
                flow.client
            } else {
                flow.server
            };
            let expiry = micros(*last) + time_wait;
            let end = next.get(&key).map_or(expiry, |next| expiry.min(*next));
            waits.push((owner, micros(*first), end));
        }
        if !matches!(flow.kind.as_str(), "refused" | "syn_only") {
            next.insert(key, micros(flow.first_ns));
        }
    }
    waits
}

/// Compares the number of TIME-WAITs of every host at every step with a count one by one.
#[track_caller]
fn compare(capture: &Path, truth: &Path, time_wait: i64, step: i64) {
    let (ledger, start, end) = books(capture, time_wait);
    let waits = true_waits(truth, time_wait);
    assert!(waits.len() > 100, "only {} TIME-WAITs", waits.len());
    let mut by_host: BTreeMap<IpAddr, Vec<(i64, i64)>> = BTreeMap::new();
    for (owner, from, to) in waits {
        by_host.entry(owner).or_default().push((from, to));
    }
    let mut wrong = Vec::new();
    let (mut compared, mut held) = (0, 0);
    for (host, waits) in &by_host {
        let said = ledger.held(*host, 0);
        let mut time = Time(start.0 / step * step);
        while time <= end {
            let open = waits
                .iter()
                .filter(|(from, to)| *from <= time.0 && time.0 < *to);
            let count = open.count() as u64;
            if said.at(time) != count {
                wrong.push(format!(
                    "{host} at {time:?}: {}, not {count}",
                    said.at(time)
                ));
            }
            (compared, held) = (compared + 1, held + count);
            time = time.plus(step);
        }
    }
    assert!(
        compared > 100 && held > 20,
        "{compared} compared, {held} held"
    );
    support::report("numbers of TIME-WAITs that differ from brute force", &wrong);
    let owners = ledger.books(start, end, None).hosts;
    let owners = owners.iter().filter(|entry| entry.time_wait.created > 0);
    assert_eq!(owners.count(), by_host.len());
}

#[test]
fn second_by_second_as_a_count_one_by_one() {
    let folder = support::testdata("capgen");
    let (capture, truth) = (folder.join("short.pcap"), folder.join("short.ndjson"));
    for time_wait in [60 * SECOND, SECOND, 250 * MILLISECOND] {
        for step in [SECOND, 10 * MILLISECOND] {
            compare(&capture, &truth, time_wait, step);
        }
    }
}

/// A capture of a lab scenario, its verdicts, and the books on it.
struct View<'a> {
    truth: &'a truth::Truth,
    point: &'static str,
    verdicts: Vec<Verdict>,
    books: Books,
}

fn views(truths: &[truth::Truth]) -> Vec<View<'_>> {
    let mut views = Vec::new();
    for truth in truths {
        for point in truth::POINTS {
            let Some(capture) = truth.captures.get(point) else {
                continue;
            };
            let path = support::testdata("captures").join(&capture.file);
            let (ledger, start, end) = books(&path, 60 * SECOND);
            let verdicts = support::verdicts(&fs::read(&path).expect("readable"));
            let books = ledger.books(start, end, None);
            views.push(View {
                truth,
                point,
                verdicts,
                books,
            });
        }
    }
    assert!(views.len() > 250, "only {} captures", views.len());
    views
}

impl View<'_> {
    fn name(&self) -> String {
        format!("{}.{}", self.truth.name, self.point)
    }

    /// TIME-WAITs at the end by host: those of the books, and those of the kernel.
    fn at_end(&self) -> [BTreeMap<String, u64>; 2] {
        let said = self.books.hosts.iter().filter_map(|host| {
            let count = host.time_wait.at_end;
            (count > 0).then(|| (host.owner.expect("a host").to_string(), count))
        });
        let mut real = BTreeMap::new();
        for flow in &self.truth.flows {
            for (side, ends) in [("client", &flow.client), ("server", &flow.server)] {
                if flow.expected.end[side] == "TIME_WAIT" {
                    let addr = ends.split(' ').next().unwrap_or_default();
                    *real.entry(addr.to_owned()).or_default() += 1;
                }
            }
        }
        [said.collect(), real]
    }
}

/// Scenarios of which a capture shows something else than the kernel has, and why.
type Explained = &'static [(&'static str, &'static str)];

const UNSEEN_AT_END: Explained = &[
    ("capture-one-way", "one direction alone is captured"),
    ("one-way-passive", "one direction alone is captured"),
    (
        "no-time-wait-clean",
        "the host was told to keep none: by rule it has one",
    ),
    (
        "old-duplicate-rfc1337",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "rfc1337-on",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "rfc1337-off",
        "the RST that ends it does not reach the server's capture",
    ),
];

const UNSEEN: Explained = &[
    ("capture-one-way", "one direction alone is captured"),
    ("one-way-passive", "one direction alone is captured"),
    ("fin-lost", "the FIN is lost before the point, and repeated"),
    ("fin-wait1-timeout", "no copy of the FIN reaches the point"),
    ("linger-1s-expires", "no copy of the FIN reaches the point"),
    (
        "zero-window-unread",
        "the FIN waits behind data that the peer's window holds back",
    ),
    (
        "passive-fin-lost",
        "the second FIN is lost before the point, and repeated",
    ),
    (
        "passive-fin-late",
        "the second FIN is held back before the point",
    ),
    ("final-ack-late", "the last ACK is held back on its way"),
    (
        "final-ack-lost-after-mid",
        "the last ACK is lost before the point, and repeated",
    ),
    (
        "final-ack-lost-before-mid",
        "the last ACK is lost before the point, and repeated",
    ),
    (
        "final-ack-lost-twice",
        "the last ACK is lost before the point, and repeated",
    ),
    (
        "simultaneous-ack-lost",
        "an ACK is lost on its way, and repeated",
    ),
    (
        "last-ack-timeout",
        "the last ACK passes the point and is lost behind it",
    ),
    (
        "syn-hits-last-ack",
        "the last ACK passes the point and is lost behind it",
    ),
    (
        "old-duplicate-rfc1337",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "rfc1337-on",
        "the host was told to withstand a RST: by rule it has none",
    ),
];

/// Every difference is one that is explained, and every explanation is needed.
#[track_caller]
fn only_explained(wrong: &[(&str, String)], explained: Explained) {
    let is_explained = |name: &str| explained.iter().any(|(known, _)| *known == name);
    let lines = wrong.iter().filter(|(name, _)| !is_explained(name));
    let mut lines: Vec<String> = lines.map(|(_, line)| line.clone()).collect();
    let idle = explained
        .iter()
        .filter(|(name, _)| wrong.iter().all(|(of, _)| of != name));
    lines.extend(idle.map(|(name, _)| format!("{name} needs no explanation")));
    support::report("differences from the kernel", &lines);
}

#[test]
fn as_many_at_the_end_as_the_kernel_has() {
    let truths = truth::all();
    let (mut wrong, mut held) = (Vec::new(), 0);
    for view in views(&truths) {
        let [said, real] = view.at_end();
        held += real.values().sum::<u64>();
        if said != real {
            let line = format!("{}: {said:?}, kernel {real:?}", view.name());
            wrong.push((view.truth.name.as_str(), line));
        }
    }
    assert!(held > 400, "only {held} held");
    only_explained(&wrong, UNSEEN_AT_END);
}

/// How far the lab's samples of socket states may lag behind the kernel, in seconds.
const SAMPLING: f64 = 0.015;

#[test]
fn the_sockets_of_a_moment_are_the_kernels() {
    let truths = truth::all();
    let (mut wrong, mut compared) = (Vec::new(), BTreeMap::<&str, u64>::new());
    for view in views(&truths) {
        for flow in &view.truth.flows {
            for (side, spans) in flow.states.iter().flatten() {
                let (local, peer) = match side.as_str() {
                    "client" => (&flow.client, &flow.server),
                    _ => (&flow.server, &flow.client),
                };
                for span in spans {
                    let state = rfc_name(&span.state);
                    if !CLOSING.contains(&state) {
                        continue;
                    }
                    // What a host does and receives passes the capture point so much later or sooner.
                    let slack = view.truth.delay(side, view.point) + SAMPLING;
                    let (from, to) = (span.first + slack, span.last - slack);
                    for share in [0.0, 0.5, 1.0] {
                        if from >= to {
                            continue;
                        }
                        let time = from + (to - from) * share;
                        #[expect(clippy::cast_possible_truncation, reason = "a time of the lab")]
                        let at = Time((time * 1e9) as i64);
                        let said = state_at(&view, (local, peer), at);
                        *compared.entry(state).or_default() += 1;
                        if said != state {
                            let line = format!(
                                "{} ({}) {side} at {share}: {said}, kernel {state}",
                                view.name(),
                                flow.kind()
                            );
                            wrong.push((view.truth.name.as_str(), line));
                        }
                    }
                }
            }
        }
    }
    assert_eq!(compared.len(), CLOSING.len(), "{compared:?}");
    assert!(compared.values().all(|&count| count > 5), "{compared:?}");
    only_explained(&wrong, UNSEEN);
}

const CLOSING: [&str; 6] = [
    "TIME-WAIT",
    "CLOSE-WAIT",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "LAST-ACK",
    "CLOSING",
];

/// The state of a host's socket at a moment; `-` where it has none.
fn state_at(view: &View<'_>, (local, peer): (&str, &str), at: Time) -> &'static str {
    let text = |end: &Endpoint| format!("{} {}", end.addr, end.port);
    let sockets = view
        .verdicts
        .iter()
        .flat_map(|v| sockets_at(v, at, 60 * SECOND));
    let mut sockets = sockets.filter(|s| text(&s.local) == local && text(&s.peer) == peer);
    sockets.next().map_or("-", |socket| socket.state.name())
}

fn rfc_name(kernel: &str) -> &'static str {
    match kernel {
        "FIN_WAIT1" => "FIN-WAIT-1",
        "FIN_WAIT2" => "FIN-WAIT-2",
        "CLOSE_WAIT" => "CLOSE-WAIT",
        "CLOSING" => "CLOSING",
        "LAST_ACK" => "LAST-ACK",
        "TIME_WAIT" => "TIME-WAIT",
        _ => "another",
    }
}

/// The lab waited for 75 s: until the kernel's own TIME-WAIT was over, once started anew by a FIN that
/// was repeated four times.
#[test]
fn time_wait_ends_when_the_kernels_does() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for path in support::files("ledger", &[".truth.json"]) {
        let text = fs::read_to_string(&path).expect("readable");
        let truth: truth::Truth = serde_json::from_str(&text).expect("a truth file");
        let states = truth.flows[0].states.as_ref().expect("states");
        let last = states["client"]
            .iter()
            .rfind(|span| span.state == "TIME_WAIT");
        let last = last.expect("a TIME-WAIT");
        #[expect(clippy::cast_possible_truncation, reason = "a time of the lab")]
        let over = Time((last.last * 1e9) as i64);
        for point in truth::POINTS {
            let file = support::testdata("ledger").join(&truth.captures[point].file);
            let (ledger, ..) = books(&file, 60 * SECOND);
            let client = truth.flows[0].client.split(' ').next().expect("an address");
            let held = ledger.held(client.parse().expect("an address"), 0);
            let ends = held.changes().last().expect("an end");
            // The kernel's timers are coarse at a minute, and never early.
            let late = over.since(ends);
            let in_time = (-50 * MILLISECOND..=SECOND / 2).contains(&late);
            let counts = [-5, 1].map(|seconds| held.at(over.plus(seconds * SECOND)));
            if !in_time || counts != [1, 0] {
                wrong.push(format!(
                    "{}.{point}: {late} ns late, {counts:?}",
                    truth.name
                ));
            }
            compared += 1;
        }
    }
    assert_eq!(compared, 6);
    support::report("ends of TIME-WAIT", &wrong);
}

/// The use of ports of the one client of a question's capture.
fn port_use(name: &str, range: PortRange) -> PortUse {
    let path = support::testdata("questions").join(name);
    let mut options = Options::default();
    options.ledger = Some(range.into());
    let mut flows = analyze(File::open(path).expect("readable"), &options).expect("a capture");
    while flows.next().is_some() {}
    let source = flows.summary().sources.remove(0);
    let (start, end) = source.start.zip(source.end).expect("times");
    let ledger = flows.ledger().expect("books were asked for");
    let mut ports = ledger.books(start, end, None).ports;
    assert_eq!(ports.len(), 1);
    ports.remove(0)
}

#[test]
fn ports_that_run_out() {
    let truth = support::testdata("questions/port-exhaustion.truth.json");
    let truth = fs::read_to_string(truth).expect("readable");
    let truth: serde_json::Value = serde_json::from_str(&truth).expect("JSON");
    let answer = &truth["answer"];
    assert_eq!(answer["errno"], "EADDRNOTAVAIL");
    let [first, last] = [0, 1].map(|at| answer["port_range"][at].as_u64().expect("a port") as u16);
    for point in ["client", "mid"] {
        let ports = port_use(
            &format!("port-exhaustion.{point}.pcap"),
            PortRange { first, last },
        );
        assert!(ports.exhausted, "{ports:?}");
        assert_eq!(ports.peak, answer["ports"], "{ports:?}");
        assert_eq!(ports.connections, answer["connections"]);
        assert_eq!(ports.reused, answer["reused_ports"]);
        assert_eq!((ports.peak_even, ports.peak_odd), (10, 10));
        assert_eq!((ports.client_time_waits, ports.server_time_waits), (20, 0));
        assert_eq!((ports.runs_out, ports.reuse_helps), (None, Some(true)));
        // connect() fails from then on.
        let refused = answer["refused_calls"][0]["time"].as_f64().expect("a time");
        #[expect(clippy::cast_possible_truncation, reason = "a time of the lab")]
        let refused = Time((refused * 1e9) as i64);
        let since = ports.exhausted_since.expect("a time");
        assert!(since < refused, "{since:?} {refused:?}");
    }
}

#[test]
fn a_range_that_is_enough_and_one_that_will_not_be() {
    let of = |first, last| port_use("port-exhaustion.mid.pcap", PortRange { first, last });
    let ports = of(40000, 40999);
    assert!(!ports.exhausted);
    assert_eq!((ports.peak, ports.runs_out), (20, None));
    assert!(ports.peak_percent > 1.99 && ports.peak_percent < 2.01);
    // 20 connections in 2.6 s leave 100 ports for 13 s: no TIME-WAIT is over by then.
    let ports = of(40000, 40099);
    let out = ports.runs_out.expect("it runs out");
    let begin = ports.peak_time.expect("a time");
    assert!(
        (10 * SECOND..11 * SECOND).contains(&out.since(begin)),
        "{ports:?}"
    );
    // Other ports than those that clients choose from.
    let ports = of(50000, 50019);
    assert_eq!((ports.connections, ports.outside, ports.peak), (0, 20, 0));
}

#[test]
fn a_port_in_time_wait_is_used_again_and_counts_once() {
    let (first, last) = (40000, 40019);
    let ports = port_use("port-exhaustion-reuse.mid.pcap", PortRange { first, last });
    assert!(ports.peak <= 20, "{ports:?}");
    assert!(ports.reused > 0 && ports.connections > 20, "{ports:?}");
}

/// With little room the numbers stay exact, at fewer instants.
#[test]
fn little_room_makes_the_grid_coarser_and_no_number_wrong() {
    let folder = support::testdata("capgen");
    let (capture, truth) = (folder.join("short.pcap"), folder.join("short.ndjson"));
    let waits = true_waits(&truth, SECOND);
    let mut ledgers = Vec::new();
    for room in [4000, 1500, 400] {
        let settings = Settings {
            changes: room,
            ..Settings::default()
        };
        let (ledger, ..) = books_in(&capture, SECOND, settings);
        let unit = ledger.resolution();
        let host = |owner: &IpAddr| ledger.held(*owner, 0);
        for (owner, from, _) in &waits {
            for shift in [0, SECOND / 2] {
                let time = Time((from + shift) / unit * unit);
                let open = { waits.iter() }
                    .filter(|w| w.0 == *owner && w.1 <= time.0 && time.0 < w.2)
                    .count();
                assert_eq!(host(owner).at(time), open as u64, "{owner} {unit}");
            }
        }
        ledgers.push(unit);
    }
    assert!(
        ledgers.is_sorted() && ledgers[0] < ledgers[2],
        "{ledgers:?}"
    );
}

#[test]
fn the_curve_is_what_is_held_at_every_step() {
    let (ledger, start, end) = books(&support::testdata("capgen/short.pcap"), SECOND);
    let step = 100 * MILLISECOND;
    let books = ledger.books(start, end, Some(step));
    let mut points = books.all.over_time.iter().peekable();
    let (mut time, mut held, mut steps) = (start, 0, 0);
    while time <= end {
        while let Some(point) = points.next_if(|point| point.time <= time) {
            held = point.time_wait;
        }
        assert_eq!(held, books.time_waits.at(time), "{time:?}");
        (time, steps) = (time.plus(step), steps + 1);
    }
    assert!(steps > 40, "{steps}");
    let last = books.all.over_time.last().expect("a point");
    assert_eq!(last.time_wait, books.all.time_wait.at_end);
    // At most as many at once as the hosts' most together; on average as many as theirs together.
    let peaks: u64 = books.hosts.iter().map(|host| host.time_wait.peak).sum();
    assert!(books.all.time_wait.peak <= peaks);
    let means: f64 = books
        .hosts
        .iter()
        .filter_map(|host| host.time_wait.mean)
        .sum();
    let mean = books.all.time_wait.mean.expect("a mean");
    assert!((means - mean).abs() < 0.1, "{means} {mean}");
}

/// The curves reach the peaks that are told, and the hosts of each slot are all of its TIME-WAITs.
#[track_caller]
fn curves_agree(ledger: &Ledger, books: &Books) {
    let curves = ledger.curves(books);
    let all = &books.all;
    if curves.bounds.is_empty() {
        assert_eq!(books.start, books.end);
        return;
    }
    // Beyond the end there may be more: what begins with the last record at a coarse instant.
    let peaks = [
        &all.time_wait,
        &all.close_wait,
        &all.fin_wait_2,
        &all.last_ack,
    ];
    for (values, stay) in curves.states.iter().zip(peaks) {
        assert_eq!(values.len() + 1, curves.bounds.len());
        let most = values.iter().max().copied();
        let within = stay.peak_time.is_none_or(|time| time <= books.end);
        assert!(most <= Some(stay.peak));
        assert!(!within || most == Some(stay.peak), "{most:?} {stay:?}");
    }
    for (slot, count) in curves.states[0].iter().enumerate() {
        let owned: u64 = curves.owners.iter().map(|(_, values)| values[slot]).sum();
        assert_eq!(owned + curves.others[slot], *count);
    }
    for ports in &books.ports {
        let values = ledger.port_curve(ports, &curves.bounds);
        let within = ports.peak_time.is_none_or(|time| time <= books.end);
        assert!(!within || values.iter().max() == Some(&ports.peak));
    }
}

/// Whatever a capture holds, and however little room there is.
#[test]
fn every_capture_has_books() {
    let mut captures = 0;
    for folder in ["captures", "containers", "questions", "peers", "seeds"] {
        for path in support::files(folder, &[".pcap", ".pcapng"]) {
            let bytes = fs::read(&path).expect("readable");
            for changes in [1, 1 << 20] {
                let settings = Settings {
                    changes,
                    ..Settings::default()
                };
                let mut options = Options::default();
                options.ledger = Some(settings);
                let Ok(mut flows) = analyze(&*bytes, &options) else {
                    continue;
                };
                let mut owned = 0;
                for verdict in flows.by_ref() {
                    owned += verdict.time_wait.len() as u64;
                }
                let source = flows.summary().sources.remove(0);
                let (start, end) = source.start.zip(source.end).unwrap_or_default();
                let ledger = flows.ledger().expect("books");
                let books = ledger.books(start, end, Some(1));
                curves_agree(ledger, &books);
                let (all, is_timed) = (books.all, source.start.is_some());
                let created: u64 = books.hosts.iter().map(|host| host.time_wait.created).sum();
                assert_eq!(all.time_wait.created, created, "{}", path.display());
                assert_eq!(
                    created,
                    if is_timed { owned } else { 0 },
                    "{}",
                    path.display()
                );
                assert!(all.time_wait.at_end <= all.time_wait.peak);
                captures += 1;
            }
        }
    }
    assert!(captures > 600, "{captures}");
}

#[test]
#[ignore = "needs a capture that capgen has made: WHOCLOSED_CAPGEN=CAPTURE,TRUTH"]
fn a_large_capture_second_by_second() {
    let paths = std::env::var("WHOCLOSED_CAPGEN").expect("WHOCLOSED_CAPGEN=CAPTURE,TRUTH");
    let (capture, truth) = paths
        .split_once(',')
        .expect("two paths with a comma between");
    for time_wait in [60 * SECOND, SECOND, 250 * MILLISECOND] {
        compare(Path::new(capture), Path::new(truth), time_wait, SECOND);
    }
}
