//! The books as they are told: figures, the hosts that held most first.

use super::account::{Account, KEPT};
use super::room::Room;
use super::series::{Grid, Held};
use super::{BindConflict, Ledger, PortUse};
use crate::close::verdict::EndedBy;
use crate::stamp::{MILLISECOND, SECOND, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Kernel memory of a TIME-WAIT in bytes: an object of the slab `tw_sock_TCP`, struct
/// `tcp_timewait_sock` rounded up to cache lines (x86-64, Linux 6.18, /proc/slabinfo).
pub const TIME_WAIT_BYTES: u64 = 256;
/// So many points of a curve are enough.
const POINTS: i64 = 60;
/// Times that read well as the distance of points or labels, in nanoseconds, in order.
pub(crate) const ROUND_TIMES: [i64; 29] = {
    const M: i64 = MILLISECOND;
    const S: i64 = SECOND;
    const H: i64 = 3600 * S;
    [
        M / 1000,
        M / 100,
        M / 10,
        M,
        2 * M,
        5 * M,
        10 * M,
        20 * M,
        50 * M,
        100 * M,
        200 * M,
        500 * M,
        S,
        2 * S,
        5 * S,
        10 * S,
        20 * S,
        30 * S,
        60 * S,
        120 * S,
        300 * S,
        600 * S,
        900 * S,
        1800 * S,
        H,
        3 * H,
        6 * H,
        12 * H,
        24 * H,
    ]
};

/// The time that the books cover.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) start: Time,
    pub(super) end: Time,
    pub(super) time_wait: i64,
}

/// What the books say when a capture is over.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Books {
    /// When the capture began.
    pub start: Time,
    /// When it ended.
    pub end: Time,
    /// How long TIME-WAIT lasts, in nanoseconds.
    pub time_wait: i64,
    /// All hosts together.
    pub all: Entry,
    /// Their TIME-WAITs over time.
    pub time_waits: Held,
    /// Each host, those with most TIME-WAITs at once first.
    pub hosts: Vec<Entry>,
    /// Each service of a host, in the same order.
    pub services: Vec<Entry>,
    /// The use of ephemeral ports.
    pub ports: Vec<PortUse>,
    /// Servers that could not be started again at once.
    pub binds: Vec<BindConflict>,
    /// Entries that are part of the whole alone: there were too many hosts or services.
    pub beyond: u64,
}

/// An account, told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Entry {
    /// Version of this format.
    pub schema: u32,
    /// The host; `None`: all of them.
    pub owner: Option<IpAddr>,
    /// Its peer, of a service.
    pub peer: Option<IpAddr>,
    /// The server's port, of a service.
    pub port: Option<u16>,
    /// Its TIME-WAITs.
    pub time_wait: Stay,
    /// Its sockets in CLOSE-WAIT.
    pub close_wait: Stay,
    /// Its sockets in FIN-WAIT-2.
    pub fin_wait_2: Stay,
    /// Its sockets in LAST-ACK.
    pub last_ack: Stay,
    /// TIME-WAITs that followed from an active close of the owner alone.
    pub active: u64,
    /// TIME-WAITs that followed from FINs that crossed.
    pub simultaneous: u64,
    /// TIME-WAITs of the owner as client.
    pub as_client: u64,
    /// TIME-WAITs of the owner as server: they use no ephemeral port.
    pub as_server: u64,
    /// How often a TIME-WAIT was started anew.
    pub restarts: u64,
    /// TIME-WAITs by how they ended.
    pub ended_by: BTreeMap<String, u64>,
    /// Kernel memory of the most TIME-WAITs at once, in bytes.
    pub time_wait_bytes: u64,
    /// Nanoseconds between the instants at which the numbers are exact.
    pub resolution_ns: i64,
    /// Nanoseconds between the points of the curve.
    pub step_ns: i64,
    /// The numbers held over time: points at which one of them is another than at the point before.
    pub over_time: Vec<Point>,
}

/// The sockets in one state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stay {
    /// How many came into it.
    pub created: u64,
    /// How many a second.
    pub per_second: Option<f64>,
    /// The most at once.
    pub peak: u64,
    /// When there were so many for the first time.
    pub peak_time: Option<Time>,
    /// How many there were on average.
    pub mean: Option<f64>,
    /// How many there are when the capture ends.
    pub at_end: u64,
    /// The longest, in seconds, of those that are over.
    pub longest_seconds: f64,
}

/// How many sockets were in each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Point {
    /// When.
    pub time: Time,
    /// In TIME-WAIT.
    pub time_wait: u64,
    /// In CLOSE-WAIT.
    pub close_wait: u64,
    /// In FIN-WAIT-2.
    pub fin_wait_2: u64,
    /// In LAST-ACK.
    pub last_ack: u64,
}

impl Ledger {
    /// The books of a capture that began and ended then. The points of curves are so many nanoseconds
    /// apart as was asked for, else so many that few are enough.
    pub fn books(&self, start: Time, end: Time, step: Option<i64>) -> Books {
        let end = end.max(start);
        let time_wait = self.time_wait;
        let period = Period {
            start,
            end,
            time_wait,
        };
        let step = step.unwrap_or_else(|| self.step(end.since(start)));
        let entry = |account, room: &Room, whose| entry(account, room.grid, whose, (&period, step));
        let rooms = &self.rooms;
        let hosts = self.hosts.iter();
        let hosts =
            hosts.map(|(&host, account)| entry(account, &rooms.hosts, (Some(host), None, None)));
        let services = self.services.iter().map(|(key, account)| {
            let whose = (Some(key.owner), Some(key.peer), Some(key.port));
            let mut told = entry(account, &rooms.services, whose);
            // The curve is that of its host.
            told.over_time.clear();
            told
        });
        Books {
            start,
            end,
            time_wait,
            all: entry(&self.all, &rooms.all, (None, None, None)),
            time_waits: self.all.held(0, rooms.all.grid),
            hosts: sorted(hosts.collect()),
            services: sorted(services.collect()),
            ports: self.port_uses(&period),
            binds: self.bind_conflicts(start, end),
            beyond: self.beyond,
        }
    }

    /// A distance at which few points cover so many nanoseconds.
    fn step(&self, length: i64) -> i64 {
        let grids = [&self.rooms.all, &self.rooms.hosts].map(|room| room.grid.unit());
        let coarser = grids.into_iter().max().unwrap_or(1);
        let fits =
            |step: &i64| *step >= MILLISECOND && step % coarser == 0 && length / step <= POINTS;
        let longest = length / POINTS + 1;
        ROUND_TIMES.into_iter().find(fits).unwrap_or(longest)
    }
}

fn entry(
    account: &Account,
    grid: Grid,
    (owner, peer, port): (Option<IpAddr>, Option<IpAddr>, Option<u16>),
    (period, step): (&Period, i64),
) -> Entry {
    let held = std::array::from_fn(|kept| account.held(kept, grid));
    let stay = |kept| stay(account, kept, &held, period);
    let time_wait = stay(0);
    let ends = EndedBy::ALL.iter().zip(account.ended_by);
    let ends = ends.filter(|(_, count)| *count > 0);
    Entry {
        schema: crate::close::SCHEMA,
        owner,
        peer,
        port,
        time_wait_bytes: time_wait.peak * TIME_WAIT_BYTES,
        time_wait,
        close_wait: stay(1),
        fin_wait_2: stay(2),
        last_ack: stay(3),
        active: account.active,
        simultaneous: account.simultaneous,
        as_client: account.roles[0],
        as_server: account.roles[1],
        restarts: account.restarts,
        ended_by: ends
            .map(|(end, count)| (end.name().to_owned(), count))
            .collect(),
        resolution_ns: grid.unit(),
        step_ns: step,
        over_time: if peer.is_none() {
            curve(&held, period.instants(step, grid.unit()))
        } else {
            Vec::new()
        },
    }
}

fn stay(account: &Account, kept: usize, held: &[Held; KEPT.len()], period: &Period) -> Stay {
    let (Some(held), Some(&created), Some(&longest)) = (
        held.get(kept),
        account.created.get(kept),
        account.longest.get(kept),
    ) else {
        return Stay::default();
    };
    let (start, end) = (period.start, period.end);
    let peak = held.peak();
    Stay {
        created,
        per_second: per_second(created, end.since(start)),
        peak: peak.count,
        peak_time: peak.time,
        mean: held
            .mean(start, end)
            .map(|mean| (mean * 1000.0).round() / 1000.0),
        at_end: held.at(end),
        longest_seconds: seconds(longest),
    }
}

/// The numbers at every step within the capture, where they are others than before.
fn curve(held: &[Held; KEPT.len()], next: impl Fn(Time) -> Time) -> Vec<Point> {
    let mut times: Vec<Time> = held.iter().flat_map(Held::changes).map(next).collect();
    times.sort_unstable();
    times.dedup();
    let mut points: Vec<Point> = Vec::new();
    for time in times {
        let counts = [0, 1, 2, 3].map(|kept: usize| held[kept].at(time));
        if points.last().map(Point::counts).unwrap_or_default() != counts {
            points.push(Point::new(time, counts));
        }
    }
    points
}

impl Period {
    /// Tells of a time the next of those instants that are a step apart: from the beginning of the
    /// capture on, or the first instant at which numbers are exact, to its end, or the last one.
    fn instants(&self, step: i64, unit: i64) -> impl Fn(Time) -> Time + use<> {
        let up = |number: i64, by: i64| {
            let part = number.rem_euclid(by);
            let rest = if part == 0 { 0 } else { by - part };
            number.saturating_add(rest)
        };
        let first = Time(up(self.start.0, unit));
        let last = Time(self.end.0.saturating_sub(self.end.0.rem_euclid(unit)));
        let step = up(step.max(1), unit);
        move |time| {
            let after = time.since(first).max(0);
            first.plus(up(after, step)).min(last)
        }
    }
}

impl Point {
    const fn new(time: Time, [time_wait, close_wait, fin_wait_2, last_ack]: [u64; 4]) -> Self {
        Self {
            time,
            time_wait,
            close_wait,
            fin_wait_2,
            last_ack,
        }
    }

    const fn counts(&self) -> [u64; 4] {
        [
            self.time_wait,
            self.close_wait,
            self.fin_wait_2,
            self.last_ack,
        ]
    }
}

/// Most TIME-WAITs at once first, then most sockets left in CLOSE-WAIT, then by address.
fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| {
        let rank = |e: &Entry| (e.time_wait.peak, e.time_wait.created, e.close_wait.peak);
        let most = rank(b).cmp(&rank(a));
        most.then_with(|| (a.owner, a.peer, a.port).cmp(&(b.owner, b.peer, b.port)))
    });
    entries
}

/// Nanoseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(super) fn seconds(ns: i64) -> f64 {
    ns as f64 / SECOND as f64
}

/// Of so many things a second, two decimals; none without a duration.
pub(super) fn per_second(count: u64, ns: i64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let count = count as f64;
    (ns > 0).then(|| (count / seconds(ns) * 100.0).round() / 100.0)
}
