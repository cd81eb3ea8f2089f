//! The books on TIME-WAIT and ports, against what brute force and the kernel say.
//!
//! A large capture of the generator is compared by hand:
//! `WHOCLOSED_CAPGEN=FILE.pcap,FILE.ndjson cargo test --release --test ledger -- --ignored`

mod support;

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::Path;
use support::capgen::Truth;
use support::truth;
use whoclosed::close::verdict::{Endpoint, Outcome, Verdict};
use whoclosed::ledger::{Books, Ledger, PortRange, PortUse, Settings, sockets_at};
use whoclosed::stamp::{MILLISECOND, SECOND, Time};
use whoclosed::{Options, analyze};

/// The books of a capture, and when it begins and ends.
fn books(capture: &Path, time_wait: i64) -> (Ledger, Time, Time) {
    books_in(capture, time_wait, Settings::default())
}

fn books_in(capture: &Path, time_wait: i64, settings: Settings) -> (Ledger, Time, Time) {
    let mut options = Options::default();
    options.time_wait = time_wait;
    options.ledger = Some(settings);
    // Flows are let go as soon as they may, and not for want of room.
    options.live = true;
    options.limits.half_open = options.limits.flows;
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
        let first = start.0 / step;
        let mut counts: BTreeMap<i64, u64> = (first..=end.0 / step).map(|n| (n, 0)).collect();
        for (from, to) in waits {
            // The steps at or after it began and before it ended.
            let [from, to] = [*from, *to].map(|at| (at + step - 1) / step);
            counts
                .range_mut(from..to)
                .for_each(|(_, count)| *count += 1);
        }
        for (number, count) in counts {
            let time = Time(number * step);
            if said.at(time) != count {
                wrong.push(format!(
                    "{host} at {time:?}: {}, not {count}",
                    said.at(time)
                ));
            }
            (compared, held) = (compared + 1, held + count);
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

/// Closes that take half an hour, FINs repeated after minutes, and ACKs that come as late.
#[test]
fn second_by_second_where_minutes_pass_between_segments() {
    let folder = support::testdata("capgen");
    let (capture, truth) = (
        folder.join("longlived.pcap"),
        folder.join("longlived.ndjson"),
    );
    for time_wait in [60 * SECOND, SECOND, 250 * MILLISECOND] {
        compare(&capture, &truth, time_wait, SECOND);
    }
}

/// A FIN that crossed the other one is acknowledged minutes after: the connection is not over before.
#[test]
fn fins_that_crossed_are_waited_for() {
    let folder = support::testdata("capgen");
    let text = fs::read_to_string(folder.join("longlived.ndjson")).expect("readable");
    let capture = File::open(folder.join("longlived.pcap")).expect("readable");
    let mut options = Options::default();
    options.live = true;
    let verdicts: Vec<Verdict> = analyze(capture, &options).expect("a capture").collect();
    let mut crossed = 0;
    for line in text.lines() {
        let flow: Truth = serde_json::from_str(line).expect("a line of truth");
        if flow.kind != "simultaneous" {
            continue;
        }
        let of_it = |v: &&Verdict| v.client.addr == flow.client && v.client.port == flow.cport;
        let verdict = verdicts.iter().find(of_it).expect("a verdict");
        assert_eq!(verdict.outcome, Outcome::Simultaneous, "{line}");
        assert_eq!(verdict.time_wait.len(), flow.time_wait.len(), "{line}");
        crossed += 1;
    }
    assert!(crossed > 4, "{crossed}");
}

/// A capture of a lab scenario, its verdicts, and the books on it.
struct View<'a> {
    truth: &'a truth::Truth,
    point: &'static str,
    verdicts: Vec<Verdict>,
    books: Books,
}

fn views<'a>(folder: &str, truths: &'a [truth::Truth]) -> Vec<View<'a>> {
    let mut views = Vec::new();
    for truth in truths {
        for point in truth::POINTS {
            let Some(capture) = truth.captures.get(point) else {
                continue;
            };
            let path = support::testdata(folder).join(&capture.file);
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
    views
}

/// The truth files of the questions that tell states, in the form of the scenarios': a state is a list of
/// its name, and when it was first and last seen there.
fn questions() -> Vec<truth::Truth> {
    let paths = support::files("questions", &[".truth.json"]);
    let texts = paths.iter().map(fs::read_to_string);
    let truths = texts.map(|text| serde_json::from_str(&text.expect("readable")).expect("JSON"));
    truths.filter_map(with_states).collect()
}

fn with_states(mut truth: Value) -> Option<truth::Truth> {
    let flows = truth["flows"].as_array_mut()?;
    flows.retain(|flow| flow["states"].is_object());
    for flow in flows.iter_mut() {
        for spans in flow["states"].as_object_mut()?.values_mut() {
            for span in spans.as_array_mut()? {
                *span = json!({"state": span[0], "first": span[1], "last": span[2]});
            }
        }
        flow["resets"] = json!([]);
    }
    let tells = !flows.is_empty();
    tells.then(|| serde_json::from_value(truth).expect("a truth file"))
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

/// Captures that show something else than the kernel has, and why.
type Explained = &'static [(&'static str, &'static str)];

const UNSEEN_AT_END: Explained = &[
    ("capture-one-way.mid", "one direction alone is captured"),
    ("one-way-passive.mid", "one direction alone is captured"),
    (
        "no-time-wait-clean.client",
        "the host was told to keep none: by rule it has one",
    ),
    (
        "no-time-wait-clean.mid",
        "the host was told to keep none: by rule it has one",
    ),
    (
        "no-time-wait-clean.server",
        "the host was told to keep none: by rule it has one",
    ),
    (
        "old-duplicate-rfc1337.client",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "old-duplicate-rfc1337.mid",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "old-duplicate-rfc1337.server",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "rfc1337-on.client",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "rfc1337-on.mid",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "rfc1337-off.server",
        "the RST that ends it does not reach the server's capture",
    ),
];

/// Every difference is one that is explained, and every explanation is needed.
#[track_caller]
fn only_explained(wrong: &[(String, String)], explained: Explained) {
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
    let views = views("captures", &truths);
    assert!(views.len() > 250, "only {} captures", views.len());
    for view in views {
        let [said, real] = view.at_end();
        held += real.values().sum::<u64>();
        if said != real {
            let line = format!("{}: {said:?}, kernel {real:?}", view.name());
            wrong.push((view.name(), line));
        }
    }
    assert!(held > 400, "only {held} held");
    only_explained(&wrong, UNSEEN_AT_END);
}

/// How far the lab's samples of socket states may lag behind the kernel, in seconds.
const SAMPLING: f64 = 0.015;

#[test]
fn the_sockets_of_a_moment_are_the_kernels() {
    let (truths, questions) = (truth::all(), questions());
    let (mut wrong, mut compared) = (BTreeSet::new(), BTreeMap::<&str, u64>::new());
    let mut views = views("captures", &truths);
    views.extend(self::views("questions", &questions));
    assert!(views.len() > 280, "only {} captures", views.len());
    for view in views {
        for flow in &view.truth.flows {
            for (side, spans) in flow.states.iter().flatten() {
                let ends = match side.as_str() {
                    "client" => (flow.client.as_str(), flow.server.as_str()),
                    _ => (flow.server.as_str(), flow.client.as_str()),
                };
                // What a host does and receives passes the capture point so much later or sooner.
                let slack = view.truth.delay(side, view.point) + SAMPLING;
                for span in spans {
                    let state = rfc_name(&span.state);
                    let last = span.last.min(next_begins(view.truth, flow));
                    for at in instants(span.first + slack, last - slack) {
                        let said = state_at(&view, ends, at);
                        *compared.entry(state).or_default() += 1;
                        let is_told = |state| CLOSING.contains(&state);
                        if said != state && (is_told(said) || is_told(state)) {
                            let name = view.truth.name.clone();
                            let what = format!("{state} as {said}");
                            wrong.insert((name, view.point.to_owned(), side.clone(), what));
                        }
                    }
                }
            }
        }
    }
    assert!(compared.values().all(|&count| count >= 20), "{compared:?}");
    assert_eq!(compared.len(), CLOSING.len() + 1, "{compared:?}");
    let explained: BTreeSet<Difference> = UNSEEN.iter().flat_map(differences).collect();
    let unexplained = wrong.difference(&explained).map(|w| format!("{w:?}"));
    let idle = explained.difference(&wrong);
    let idle = idle.map(|w| format!("{w:?} needs no explanation"));
    let lines: Vec<String> = unexplained.chain(idle).collect();
    support::report("differences from the kernel", &lines);
}

/// Scenario, point of capture, side, what.
type Difference = (String, String, String, String);

fn differences((name, side, what, points, _): &(&str, &str, &str, &str, &str)) -> Vec<Difference> {
    let [name, side, what] = [name, side, what].map(|text| (*text).to_owned());
    let points = points.split(' ').map(str::to_owned);
    points
        .map(|point| (name.clone(), point, side.clone(), what.clone()))
        .collect()
}

/// Where a capture shows another state than the kernel has: scenario, side, what, where, why.
const UNSEEN: &[(&str, &str, &str, &str, &str)] = &[
    (
        "capture-ends-early",
        "client",
        "none of these as LAST-ACK",
        "client mid server",
        "the capture ends before the last ACK",
    ),
    (
        "capture-one-way",
        "client",
        "FIN-WAIT-2 as FIN-WAIT-1",
        "mid",
        "one direction alone is captured",
    ),
    (
        "capture-one-way",
        "client",
        "TIME-WAIT as FIN-WAIT-1",
        "mid",
        "one direction alone is captured",
    ),
    (
        "capture-one-way",
        "server",
        "CLOSE-WAIT as -",
        "mid",
        "one direction alone is captured",
    ),
    (
        "fin-lost",
        "server",
        "none of these as CLOSE-WAIT",
        "client",
        "the FIN is lost behind the point, and repeated",
    ),
    (
        "fin-lost",
        "client",
        "FIN-WAIT-1 as ESTABLISHED",
        "mid server",
        "the FIN is lost before the point, and repeated",
    ),
    (
        "fin-overtakes-data",
        "server",
        "none of these as CLOSE-WAIT",
        "client mid server",
        "the FIN comes before data that is late, and is received when that has come",
    ),
    (
        "fin-wait1-timeout",
        "client",
        "none of these as FIN-WAIT-1",
        "client",
        "the host gives up in silence (tcp_orphan_retries)",
    ),
    (
        "fin-wait1-timeout",
        "client",
        "FIN-WAIT-1 as ESTABLISHED",
        "mid server",
        "no copy of the FIN reaches the point",
    ),
    (
        "fin-wait2-timeout",
        "client",
        "none of these as FIN-WAIT-2",
        "client mid server",
        "the host gives up in silence (tcp_fin_timeout)",
    ),
    (
        "final-ack-late",
        "server",
        "LAST-ACK as -",
        "client mid",
        "the last ACK is held back behind the point",
    ),
    (
        "final-ack-late",
        "client",
        "TIME-WAIT as FIN-WAIT-2",
        "server",
        "the last ACK is held back before the point",
    ),
    (
        "final-ack-lost-after-mid",
        "client",
        "TIME-WAIT as FIN-WAIT-2",
        "server",
        "the last ACK is lost before the point, and repeated",
    ),
    (
        "final-ack-lost-before-mid",
        "client",
        "TIME-WAIT as FIN-WAIT-2",
        "mid server",
        "the last ACK is lost before the point, and repeated",
    ),
    (
        "final-ack-lost-no-time-wait",
        "client",
        "none of these as TIME-WAIT",
        "client mid server",
        "the host was told to keep none: by rule it has one until its RST",
    ),
    (
        "final-ack-lost-twice",
        "client",
        "TIME-WAIT as FIN-WAIT-2",
        "mid server",
        "the last ACK is lost before the point, and repeated",
    ),
    (
        "last-ack-timeout",
        "server",
        "LAST-ACK as -",
        "client",
        "the last ACK passes the point and is lost behind it",
    ),
    (
        "last-ack-timeout",
        "server",
        "none of these as LAST-ACK",
        "mid server",
        "the host gives up in silence (tcp_orphan_retries)",
    ),
    (
        "linger-1s-expires",
        "client",
        "none of these as FIN-WAIT-1",
        "client",
        "the host gives up in silence (tcp_orphan_retries)",
    ),
    (
        "linger-1s-expires",
        "client",
        "FIN-WAIT-1 as ESTABLISHED",
        "mid server",
        "no copy of the FIN reaches the point",
    ),
    (
        "linger0-in-last-ack",
        "client",
        "none of these as LAST-ACK",
        "client mid",
        "the host drops it in silence (SO_LINGER of 0), and answers with a RST later",
    ),
    (
        "no-time-wait-clean",
        "server",
        "none of these as TIME-WAIT",
        "client mid server",
        "the host was told to keep none: by rule it has one",
    ),
    (
        "no-time-wait-orphan",
        "client",
        "none of these as FIN-WAIT-2",
        "client mid server",
        "the host was told to keep none: by rule it has one until its RST",
    ),
    (
        "old-duplicate-rfc1337",
        "server",
        "TIME-WAIT as -",
        "client mid server",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "one-way-passive",
        "client",
        "CLOSE-WAIT as SYN-SENT",
        "mid",
        "one direction alone is captured",
    ),
    (
        "one-way-passive",
        "client",
        "none of these as FIN-WAIT-1",
        "mid",
        "one direction alone is captured",
    ),
    (
        "one-way-passive",
        "server",
        "FIN-WAIT-1 as -",
        "mid",
        "one direction alone is captured",
    ),
    (
        "one-way-passive",
        "server",
        "FIN-WAIT-2 as -",
        "mid",
        "one direction alone is captured",
    ),
    (
        "one-way-passive",
        "server",
        "TIME-WAIT as -",
        "mid",
        "one direction alone is captured",
    ),
    (
        "passive-fin-late",
        "server",
        "LAST-ACK as CLOSE-WAIT",
        "client",
        "the second FIN is held back before the point",
    ),
    (
        "passive-fin-lost",
        "server",
        "LAST-ACK as CLOSE-WAIT",
        "client",
        "the second FIN is lost before the point, and repeated",
    ),
    (
        "rfc1337-off",
        "client",
        "none of these as TIME-WAIT",
        "server",
        "the RST that ends it does not reach the point",
    ),
    (
        "rfc1337-on",
        "client",
        "TIME-WAIT as -",
        "client mid",
        "the host was told to withstand a RST: by rule it has none",
    ),
    (
        "simultaneous-ack-lost",
        "server",
        "CLOSING as TIME-WAIT",
        "client",
        "the ACK passes the point and is lost behind it",
    ),
    (
        "simultaneous-ack-lost",
        "client",
        "TIME-WAIT as CLOSING",
        "mid server",
        "the ACK is lost before the point, and repeated",
    ),
    (
        "syn-hits-last-ack",
        "server",
        "LAST-ACK as -",
        "client",
        "the last ACK passes the point and is lost behind it",
    ),
    (
        "zero-window-unread",
        "client",
        "FIN-WAIT-1 as ESTABLISHED",
        "client mid server",
        "the FIN waits behind data that the peer's window holds back",
    ),
    (
        "fin-wait-1-loss",
        "server",
        "CLOSE-WAIT as ESTABLISHED",
        "client mid",
        "no ACK of the FIN reaches the point",
    ),
    (
        "fin-wait-1-loss",
        "client",
        "FIN-WAIT-1 as FIN-WAIT-2",
        "server",
        "the ACK of the FIN passes the point and is lost behind it",
    ),
    (
        "fin-wait-1-zero-window",
        "client",
        "FIN-WAIT-1 as ESTABLISHED",
        "client mid server",
        "the FIN waits behind data that the peer's window holds back",
    ),
    (
        "fin-wait-2-long",
        "client",
        "none of these as FIN-WAIT-2",
        "client mid server",
        "the host gives up in silence (tcp_fin_timeout)",
    ),
    (
        "fin-wait-2-long",
        "server",
        "none of these as CLOSE-WAIT",
        "client mid server",
        "the truth has a gap: LAST-ACK follows",
    ),
    (
        "last-ack-loss",
        "server",
        "LAST-ACK as -",
        "client",
        "the last ACK passes the point and is lost behind it",
    ),
    (
        "last-ack-loss",
        "server",
        "none of these as LAST-ACK",
        "mid server",
        "the host gives up in silence (tcp_orphan_retries)",
    ),
];

/// When the next connection on the ends of a flow begins: then the first one's end says nothing more.
fn next_begins(truth: &truth::Truth, flow: &truth::Flow) -> f64 {
    let begin = |flow: &truth::Flow| {
        let spans = flow.states.iter().flat_map(BTreeMap::values).flatten();
        spans.map(|span| span.first).fold(f64::INFINITY, f64::min)
    };
    let begins = truth
        .flows
        .iter()
        .filter(|other| other.ends() == flow.ends());
    let begins = begins.map(begin).filter(|next| *next > begin(flow));
    begins.fold(f64::INFINITY, f64::min)
}

/// Five instants from one to the other; none if there is no time between them.
fn instants(from: f64, to: f64) -> impl Iterator<Item = Time> {
    let shares = [0.0, 0.25, 0.5, 0.75, 1.0].into_iter();
    #[expect(clippy::cast_possible_truncation, reason = "a time of the lab")]
    let instant = move |share| Time(((from + (to - from) * share) * 1e9) as i64);
    shares.filter(move |_| from < to).map(instant)
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
    let state = sockets.next().map_or("-", |socket| socket.state.name());
    assert_eq!(
        sockets.next(),
        None,
        "two sockets on the ends of {}",
        view.name()
    );
    state
}

fn rfc_name(kernel: &str) -> &'static str {
    // A star marks what is not a full socket any more.
    match kernel.trim_end_matches('*') {
        "FIN_WAIT1" => "FIN-WAIT-1",
        "FIN_WAIT2" => "FIN-WAIT-2",
        "CLOSE_WAIT" => "CLOSE-WAIT",
        "CLOSING" => "CLOSING",
        "LAST_ACK" => "LAST-ACK",
        "TIME_WAIT" => "TIME-WAIT",
        _ => "none of these",
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
        // connect() fails from then on, and not before.
        let refused = refused_calls(answer);
        assert_eq!(refused.len(), 10);
        let since = ports.exhausted_since.expect("a time");
        assert_eq!(
            (Some(since), ports.last_opened),
            (ports.peak_time, Some(since))
        );
        let late = refused.iter().map(|call| call.since(since));
        assert!(late.clone().all(|late| late > 0));
        assert!(late.min() < Some(SECOND / 4), "{since:?} {refused:?}");
    }
}

/// When `connect()` failed with EADDRNOTAVAIL.
fn refused_calls(answer: &serde_json::Value) -> Vec<Time> {
    let calls = answer["refused_calls"].as_array().expect("calls");
    assert!(calls.iter().all(|call| call["errno"] == "EADDRNOTAVAIL"));
    let times = calls
        .iter()
        .map(|call| call["time"].as_f64().expect("a time"));
    #[expect(clippy::cast_possible_truncation, reason = "a time of the lab")]
    let time = |seconds: f64| Time((seconds * 1e9) as i64);
    times.map(time).collect()
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
    assert_eq!((ports.peak, ports.exhausted), (20, true), "{ports:?}");
    assert_eq!(
        (ports.connections, ports.reused, ports.time_waits_reused),
        (28, 8, 8)
    );
    assert_eq!((ports.runs_out, ports.reuse_helps), (None, Some(true)));
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
