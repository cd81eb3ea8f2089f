//! Real programs (nginx, curl, ab, siege, haproxy, redis) between two hosts: what `ss` listed there at
//! the end is what the captures tell, socket for socket.

mod support;

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use whoclosed::close::verdict::{State, Verdict};
use whoclosed::ledger::{Books, Ledger, PortRange, PortUse, Settings, sockets_at};
use whoclosed::report::ledger::listing;
use whoclosed::sockets::{ClosedBy, Join, JoinOptions, Joined, Listing};
use whoclosed::stamp::{SECOND, Time};
use whoclosed::{Options, analyze};

/// A scenario: what each host has of it.
#[derive(Deserialize)]
struct Scenario {
    name: String,
    hosts: BTreeMap<String, Host>,
}

#[derive(Deserialize)]
struct Host {
    addresses: Vec<IpAddr>,
    capture: String,
    list: String,
    /// Seconds before and after `ss` ran.
    listed: [f64; 2],
}

fn path(name: &str) -> PathBuf {
    support::testdata("software").join(name)
}

/// A host of a scenario: its list, and what its capture says.
struct View {
    name: String,
    capture: PathBuf,
    listing: Listing,
    verdicts: Vec<Verdict>,
    ledger: Ledger,
    span: (Time, Time),
    addresses: Vec<IpAddr>,
    at: Time,
}

impl View {
    fn of(name: String, host: &Host, ports: PortRange) -> Self {
        let text = fs::read_to_string(path(&host.list)).expect("readable");
        let capture = path(&host.capture);
        let mut options = Options::default();
        options.ledger = Some(Settings::from(ports));
        let file = File::open(&capture).expect("readable");
        let mut analysis = analyze(file, &options).expect("a capture");
        let verdicts = analysis.by_ref().collect();
        let source = analysis.summary().sources.remove(0);
        let [before, after] = host.listed;
        #[expect(clippy::cast_possible_truncation, reason = "a time of the lab")]
        let at = Time((f64::midpoint(before, after) * 1e9) as i64);
        Self {
            name,
            capture,
            listing: Listing::parse(&text).expect("a list"),
            verdicts,
            ledger: analysis.ledger().expect("books").clone(),
            span: source.start.zip(source.end).expect("times"),
            addresses: host.addresses.clone(),
            at,
        }
    }

    fn books(&self) -> Books {
        self.ledger.books(self.span.0, self.span.1, None)
    }

    /// What `ss` listed, without what had run out: the kernel's timers are late by some seconds at a
    /// minute, and it lists such sockets with nothing left, `timer:(timewait,,0)`.
    fn listed(&self) -> Shown {
        let mut listing = self.listing.clone();
        listing
            .sockets
            .retain(|s| s.timer.is_none_or(|timer| timer.left_ns != Some(0)));
        shown(&listing)
    }

    /// What `whoclosed timewait --at TIME --as-host ADDR` prints for the host's addresses.
    fn told(&self) -> Shown {
        let sockets = self.verdicts.iter();
        let sockets = sockets.flat_map(|verdict| sockets_at(verdict, self.at, 60 * SECOND));
        let sockets = sockets.filter(|s| self.addresses.contains(&s.local.addr));
        let mut out = Vec::new();
        listing(&mut out, &sockets.collect::<Vec<_>>()).expect("written");
        shown(&Listing::parse(&String::from_utf8(out).expect("text")).expect("a list"))
    }

    fn joined(&self, taken: Option<Time>) -> Joined {
        let mut join = Join::new(self.listing.clone(), &self.addresses);
        for verdict in &self.verdicts {
            join.see(verdict);
        }
        let mut options = JoinOptions::default();
        options.taken = taken;
        join.finish(&options, Some(self.span))
    }
}

/// State, local and peer; listeners left out.
type Shown = BTreeSet<(State, String, String)>;

fn shown(listing: &Listing) -> Shown {
    let sockets = listing.sockets.iter();
    let sockets = sockets.filter(|socket| socket.state != State::Listen);
    sockets
        .map(|s| (s.state, s.local.to_string(), s.peer.to_string()))
        .collect()
}

fn views_of(name: &str, ports: PortRange) -> Vec<View> {
    let text = fs::read_to_string(path(&format!("{name}.json"))).expect("readable");
    let scenario: Scenario = serde_json::from_str(&text).expect("a scenario");
    let hosts = scenario.hosts.iter();
    hosts
        .map(|(point, host)| View::of(format!("{}.{point}", scenario.name), host, ports))
        .collect()
}

fn views() -> Vec<View> {
    let mut views = Vec::new();
    for path in support::files("software", &[".json"]) {
        let name = support::file_name(&path).trim_end_matches(".json");
        views.extend(views_of(name, PortRange::default()));
    }
    assert!(views.len() >= 42, "only {} hosts", views.len());
    views
}

#[test]
fn the_sockets_of_a_host_are_those_that_ss_lists() {
    let (mut wrong, mut compared) = (Vec::new(), BTreeMap::<State, u64>::new());
    for view in views() {
        let (listed, told) = (view.listed(), view.told());
        for (state, ..) in &listed {
            *compared.entry(*state).or_default() += 1;
        }
        let missed = listed.difference(&told).map(|socket| ("missed", socket));
        let invented = told.difference(&listed).map(|socket| ("invented", socket));
        for (what, socket) in missed.chain(invented) {
            wrong.push(format!("{}: {what} {socket:?}", view.name));
        }
    }
    support::report("sockets that differ from what ss lists", &wrong);
    let compared = |state| compared.get(&state).copied().unwrap_or(0);
    assert!(compared(State::TimeWait) > 450);
    for state in [State::CloseWait, State::FinWait2, State::Established] {
        assert!(compared(state) > 1, "{state}");
    }
}

/// The books count as many as ss lists.
#[test]
fn the_books_hold_as_many_as_ss_lists() {
    let kept = [
        State::TimeWait,
        State::CloseWait,
        State::FinWait2,
        State::LastAck,
    ];
    let (mut wrong, mut held) = (Vec::new(), 0);
    for view in views() {
        let listed = view.listed();
        for (place, state) in kept.into_iter().enumerate() {
            for addr in &view.addresses {
                let local = |s: &&(State, String, String)| {
                    let end: std::net::SocketAddr = s.1.parse().expect("an end");
                    s.0 == state && end.ip() == *addr
                };
                let count = listed.iter().filter(local).count() as u64;
                let said = view.ledger.held(*addr, place).at(view.at);
                if said != count {
                    wrong.push(format!(
                        "{}: {addr} {state}: {said}, not {count}",
                        view.name
                    ));
                }
                held += said;
            }
        }
    }
    support::report("numbers that differ from what ss lists", &wrong);
    assert!(held > 450, "only {held}");
}

#[test]
fn every_listed_socket_is_explained() {
    let mut wrong = Vec::new();
    for view in views() {
        for taken in [None, Some(view.at)] {
            let joined = view.joined(taken);
            let all = shown(&view.listing).len() as u64;
            if (joined.explained, joined.missing) != (all, 0) {
                let sockets = joined.sockets.iter().filter(|s| s.agrees != Some(true));
                let lines = sockets.map(|s| format!("{}: {}", s.local, s.message));
                let lines: Vec<String> = lines.collect();
                wrong.push(format!("{} {lines:?} {:?}", view.name, joined.absent));
            }
            for socket in &joined.sockets {
                let closed_by = match socket.state {
                    State::TimeWait | State::FinWait2 => ClosedBy::Local,
                    State::CloseWait => ClosedBy::Peer,
                    _ => ClosedBy::None,
                };
                if socket.closed_by != closed_by && socket.closed_by != ClosedBy::Both {
                    let (state, by) = (socket.state, socket.closed_by);
                    wrong.push(format!("{}: {state} closed by {by}", view.name));
                }
            }
        }
    }
    support::report("lists that are not explained", &wrong);
}

/// As a user asks.
#[test]
fn the_command_lists_the_sockets_of_a_host_as_ss() {
    let mut listed = 0;
    for name in ["ipv6", "proxy-nginx", "nginx-idle", "expiry"] {
        for view in views_of(name, PortRange::default()) {
            let mut told = Shown::new();
            for addr in &view.addresses {
                let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
                command.arg("timewait").arg(&view.capture);
                command.args(["--at", &view.at.rfc3339(), "--as-host", &addr.to_string()]);
                let output = command.output().expect("runs");
                assert_eq!(output.status.code(), Some(0), "{}", view.name);
                let text = String::from_utf8(output.stdout).expect("text");
                told.extend(shown(&Listing::parse(&text).expect("a list")));
            }
            assert_eq!(told, view.listed(), "{}", view.name);
            listed += told.len();
        }
    }
    assert!(listed > 80, "only {listed}");
}

/// In 75 s the first TIME-WAITs of both hosts ran out.
#[test]
fn time_waits_that_ran_out_are_over() {
    for view in views_of("expiry", PortRange::default()) {
        let all = view.books().all;
        assert_eq!(all.time_wait.created, 60);
        assert_eq!((all.active, all.simultaneous), (60, 0));
        assert!(all.ended_by["expiry"] > 10, "{:?}", all.ended_by);
    }
}

fn port_use(name: &str, point: &str, (first, last): (u16, u16)) -> PortUse {
    let mut views = views_of(name, PortRange { first, last }).into_iter();
    let view = views.find(|view| view.name.ends_with(point)).expect(point);
    let mut ports = view.books().ports;
    assert_eq!(ports.len(), 1);
    ports.remove(0)
}

/// `connect()` takes ports of the parity of the range's first while there are some, then the others.
#[test]
fn linux_tries_the_ports_of_one_parity_first() {
    let half = port_use("parity-half", "client", (40001, 40200));
    assert_eq!((half.peak, half.peak_even, half.peak_odd), (80, 0, 80));
    let more = port_use("parity-more", "client", (40000, 40099));
    assert_eq!((more.peak, more.peak_even, more.peak_odd), (80, 50, 30));
    let mut views = views_of("parity-more", PortRange::default());
    let mut verdicts = views.remove(0).verdicts;
    verdicts.sort_by_key(|verdict| verdict.start);
    let odd: Vec<bool> = verdicts.iter().map(|v| v.client.port % 2 == 1).collect();
    assert!(odd.is_sorted(), "{odd:?}");
}

/// The server's TIME-WAITs keep no port: 8 are enough for 40 connections. Now and then curl closes before
/// nginx does.
#[test]
fn a_servers_time_waits_use_no_port() {
    for view in views_of(
        "server-waits",
        PortRange {
            first: 40000,
            last: 40007,
        },
    ) {
        let Books { all, ports, .. } = view.books();
        let ports = &ports[0];
        assert_eq!(ports.connections, 40);
        assert!(ports.server_time_waits > 35, "{ports:?}");
        assert!(ports.peak <= 1 + ports.client_time_waits, "{ports:?}");
        assert!(!ports.exhausted && ports.runs_out.is_none());
        // Each ends when its port is used again.
        let waits = all.time_wait;
        assert!(waits.at_end <= 8, "{waits:?}");
        assert_eq!(all.ended_by["reused"] + waits.at_end, waits.created);
    }
}

/// `tcp_tw_reuse=1`: 8 ports serve 21 connections, though each leaves a TIME-WAIT.
#[test]
fn a_client_that_uses_ports_in_time_wait_again_does_not_run_out() {
    for point in ["client", "server"] {
        let ports = port_use("reuse", point, (40000, 40007));
        assert_eq!((ports.connections, ports.client_time_waits), (21, 21));
        assert_eq!(ports.time_waits_reused, 13, "{ports:?}");
        assert_eq!((ports.peak, ports.exhausted), (8, true));
        assert_eq!((ports.runs_out, ports.reuse_helps), (None, Some(true)));
    }
}
