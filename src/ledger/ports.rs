//! Ephemeral ports in use, by client and where they lead.
//!
//! A connection is its addresses and ports (RFC 9293 section 3.4): towards another server, or another
//! port of the same, a client may use the same port again.

use super::books::{Period, per_second, seconds};
use super::series::{Grid, Held, Series};
use super::spans::Span;
use super::{Ledger, Space};
use crate::close::verdict::{EndedBy, Endpoint, Side, Verdict};
use crate::flow::Flow;
use crate::stamp::Time;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Connections from which a rate is told.
const ENOUGH: u64 = 10;

/// The ports that a host chooses from where the application names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    /// The lowest.
    pub first: u16,
    /// The highest.
    pub last: u16,
}

impl Default for PortRange {
    /// `net.ipv4.ip_local_port_range` of Linux (Documentation/networking/ip-sysctl).
    fn default() -> Self {
        let (first, last) = (32768, 60999);
        Self { first, last }
    }
}

impl PortRange {
    /// How many ports it has.
    pub fn ports(self) -> u64 {
        u64::from(self.last.saturating_sub(self.first)) + 1
    }

    const fn holds(self, port: u16) -> bool {
        self.first <= port && port <= self.last
    }
}

/// Where the ports of a client lead, and which are in use.
#[derive(Clone, Debug, Default)]
pub(super) struct Ports {
    connections: u64,
    outside: u64,
    reused: u64,
    /// TIME-WAITs of the client, and of the server.
    time_waits: [u64; 2],
    /// Those of the client that a connection of its own ended.
    waits_reused: u64,
    /// Handshakes with timestamps on both sides, and others.
    timestamps: [u64; 2],
    first: Option<Time>,
    last: Option<Time>,
    /// Uses that are over or whose end is known, and nanoseconds of them all.
    over: u64,
    used: i128,
    /// Even ports are of kind 0, odd ones of kind 1.
    pub(super) series: Series,
}

/// A client's ephemeral ports towards a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PortUse {
    /// Version of this format.
    pub schema: u32,
    /// Whose ports.
    pub client: IpAddr,
    /// Where they lead.
    pub server: Endpoint,
    /// What they are chosen from.
    pub range: PortRange,
    /// How many ports that are.
    pub ports: u64,
    /// Connections from one of them.
    pub connections: u64,
    /// Connections from other ports.
    pub outside: u64,
    /// Connections from a port that a connection before had used.
    pub reused: u64,
    /// TIME-WAITs of the client: each keeps a port.
    pub client_time_waits: u64,
    /// TIME-WAITs of the client whose port it used again before they ran out (`tcp_tw_reuse`).
    pub time_waits_reused: u64,
    /// TIME-WAITs of the server: they keep none.
    pub server_time_waits: u64,
    /// The most ports in use at once, open or in TIME-WAIT.
    pub peak: u64,
    /// When that was.
    pub peak_time: Option<Time>,
    /// The same in per cent of the range.
    pub peak_percent: f64,
    /// How many of those are even and odd: Linux first tries those of the parity of the first port.
    pub peak_even: u64,
    /// The odd ones.
    pub peak_odd: u64,
    /// In use when the capture ends.
    pub at_end: u64,
    /// Connections a second from the first to the last.
    pub per_second: Option<f64>,
    /// Connections a second for which the range is enough, if each ends in the client's TIME-WAIT.
    pub sustainable_per_second: f64,
    /// Every port of the range was in use at once: `connect()` fails then, unless the client uses ports
    /// in TIME-WAIT again.
    pub exhausted: bool,
    /// For how many seconds.
    pub exhausted_seconds: f64,
    /// Since when.
    pub exhausted_since: Option<Time>,
    /// When the last connection began.
    pub last_opened: Option<Time>,
    /// When the ports run out at this rate; `None`: they do not, or have.
    pub runs_out: Option<Time>,
    /// The client could use ports in TIME-WAIT again (`tcp_tw_reuse`, which needs timestamps on both
    /// sides); `None`: not known.
    pub reuse_helps: Option<bool>,
}

impl Ports {
    /// Enters a flow, whose client held these sockets. Gives how many changes that takes.
    pub(super) fn enter(
        &mut self,
        flow: &Flow,
        verdict: &Verdict,
        spans: &[Span],
        (range, grid): (PortRange, Grid),
    ) -> usize {
        let port = verdict.client.port;
        if !range.holds(port) {
            self.outside += 1;
            return 0;
        }
        self.connections += 1;
        self.reused += u64::from(verdict.previous_flow.is_some());
        for wait in &verdict.time_wait {
            self.time_waits[wait.owner.index()] += 1;
            let reused = wait.owner == Side::Client && wait.ended_by == EndedBy::Reused;
            self.waits_reused += u64::from(reused);
        }
        if let Some(both) = timestamps(flow) {
            self.timestamps[usize::from(!both)] += 1;
        }
        if let Some(start) = verdict.start {
            self.first = Some(self.first.map_or(start, |first| first.min(start)));
            self.last = self.last.max(Some(start));
        }
        let Some(span) = whole(spans) else { return 0 };
        if let Some(to) = span.1 {
            self.over += 1;
            self.used += i128::from(to.since(span.0));
        }
        self.series.add(u32::from(port % 2), span, grid)
    }

    fn told(&self, key: Space, (range, grid): (PortRange, Grid), period: &Period) -> PortUse {
        let [even, odd] = [0, 1].map(|kind| self.series.held(&[kind], grid));
        let held = self.series.held(&[0, 1], grid);
        let peak = held.peak();
        let ports = range.ports();
        let (full, full_since) = held.at_least(ports, period.start, period.end);
        let at_peak = |held: &Held| peak.time.map_or(0, |time| held.at(time));
        let exhausted = peak.count >= ports;
        PortUse {
            schema: crate::close::SCHEMA,
            client: key.client,
            server: Endpoint {
                addr: key.server,
                port: key.port,
            },
            range,
            ports,
            connections: self.connections,
            outside: self.outside,
            reused: self.reused,
            client_time_waits: self.time_waits[Side::Client.index()],
            time_waits_reused: self.waits_reused,
            server_time_waits: self.time_waits[Side::Server.index()],
            peak: peak.count,
            peak_time: peak.time,
            peak_percent: percent(peak.count, ports),
            peak_even: at_peak(&even),
            peak_odd: at_peak(&odd),
            at_end: held.at(period.end),
            per_second: self.rate(),
            sustainable_per_second: per_second(ports, period.time_wait).unwrap_or(0.0),
            exhausted,
            exhausted_seconds: seconds(full),
            exhausted_since: full_since,
            last_opened: self.last,
            runs_out: self.runs_out(ports, &held).filter(|_| !exhausted),
            reuse_helps: self.reuse_helps(),
        }
    }

    /// From the first connection to the last.
    fn length(&self) -> i64 {
        let times = self.first.zip(self.last);
        times.map_or(0, |(first, last)| last.since(first))
    }

    fn rate(&self) -> Option<f64> {
        let rate = per_second(self.connections.saturating_sub(1), self.length());
        rate.filter(|_| self.connections >= ENOUGH)
    }

    /// When all ports are in use if connections go on as they did: if so many begin within the mean
    /// time that one keeps its port. Those in use grow as they did: most may leave their port at once.
    fn runs_out(&self, ports: u64, held: &Held) -> Option<Time> {
        let (first, length) = (self.first?, self.length());
        let more = self.connections.checked_sub(1)?;
        if self.connections < ENOUGH || self.over == 0 || length <= 0 {
            return None;
        }
        let grown = held.at(self.last?).saturating_sub(1);
        // A client that uses ports in TIME-WAIT again has all but those of the last second.
        if grown < (ports / 2).min(ENOUGH / 2) || self.waits_reused > 0 {
            return None;
        }
        let mean = self.used / i128::from(self.over);
        let all = i128::from(length) * i128::from(ports);
        let until_full = i64::try_from(all / i128::from(grown.max(1))).ok()?;
        (all / i128::from(more) <= mean).then(|| first.plus(until_full))
    }

    /// Only the client's own TIME-WAITs can be used again by it.
    fn reuse_helps(&self) -> Option<bool> {
        let [both, other] = self.timestamps;
        if self.time_waits[Side::Client.index()] == 0 || both + other == 0 {
            return None;
        }
        Some(both > other)
    }
}

/// Whether both sides of a flow use timestamps; `None` if its handshake was not captured.
fn timestamps(flow: &Flow) -> Option<bool> {
    let [a, b] = &flow.half;
    let (a, b) = (a.opening.as_ref()?, b.opening.as_ref()?);
    Some(a.timestamps? && b.timestamps?)
}

/// From the first to the last of these sockets: the port is kept all the while.
fn whole(spans: &[Span]) -> Option<(Time, Option<Time>)> {
    let from = spans.iter().map(|span| span.from).min()?;
    let ends = spans.iter().map(|span| span.to);
    let to = ends.reduce(|a, b| Some(a?.max(b?))).flatten();
    Some((from, to))
}

/// With one decimal.
fn percent(part: u64, whole: u64) -> f64 {
    let tenths = u128::from(part) * 1000 / u128::from(whole.max(1));
    let tenths = u32::try_from(tenths).unwrap_or(u32::MAX);
    f64::from(tenths) / 10.0
}

impl Ledger {
    /// The use of ports, where most of the range are in use first.
    pub(super) fn port_uses(&self, period: &Period) -> Vec<PortUse> {
        let uses = self.spaces.iter().map(|(&key, ports)| {
            let kind = (self.range(), self.rooms.spaces.grid);
            ports.told(key, kind, period)
        });
        let mut uses: Vec<PortUse> = uses.collect();
        let key = |u: &PortUse| (u.client, u.server.addr, u.server.port);
        uses.sort_by(|a, b| {
            let most = (b.peak, b.connections).cmp(&(a.peak, a.connections));
            most.then_with(|| key(a).cmp(&key(b)))
        });
        uses
    }
}
