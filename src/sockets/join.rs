//! The join of a list with the flows of a capture.

use super::course::Course;
use super::end::{End, Host, Port};
use super::explain::explain;
use super::like::Like;
use super::line::Socket;
use super::listing::Listing;
use super::missing::missing;
use super::result::Joined;
use super::taken::{Bounds, Taken, taken};
use super::timer::TimerKind;
use crate::close::verdict::{Endpoint, Side, State, Verdict};
use crate::stamp::{SECOND, Time};
use foldhash::fast::RandomState;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// How many flows are kept at once.
const MOST: usize = 262_144;

pub(super) type Set<T> = HashSet<T, RandomState>;
/// A client's end and a server's, or the two of a socket.
type Pair = (Endpoint, Endpoint);
/// Two ports, as far as they are known.
pub(super) type Ports = (Option<u16>, Option<u16>);

/// What a join needs to know besides.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JoinOptions {
    /// When the list was taken, if the user says so.
    pub taken: Option<Time>,
    /// How long TIME-WAIT lasts on its host, in nanoseconds.
    pub time_wait: i64,
}

impl Default for JoinOptions {
    fn default() -> Self {
        Self {
            taken: None,
            time_wait: 60 * SECOND,
        }
    }
}

/// A list, and the flows that may be its sockets.
#[derive(Debug)]
pub struct Join {
    listing: Listing,
    exact: Set<Pair>,
    loose: Set<Ports>,
    hosts: Set<IpAddr>,
    kept: Vec<Course>,
    most: usize,
    forgotten: u64,
}

impl Join {
    /// Nothing is known of the flows yet. `hosts` are addresses of the host besides those in the list.
    pub fn new(listing: Listing, hosts: &[IpAddr]) -> Self {
        let mut join = Self {
            listing,
            exact: Set::default(),
            loose: Set::default(),
            hosts: hosts.iter().copied().collect(),
            kept: Vec::new(),
            most: MOST,
            forgotten: 0,
        };
        for socket in &join.listing.sockets {
            if let Host::Addr(addr) = socket.local.host {
                join.hosts.insert(addr);
            }
            if socket.state == State::Listen {
                continue;
            }
            match pair(socket) {
                Some(pair) => join.exact.insert(pair),
                None => join.loose.insert(ports(socket)),
            };
        }
        join
    }

    /// Keeps so many flows at once (262,144 unless this says otherwise); beyond that, those that were
    /// over first are forgotten.
    #[must_use]
    pub const fn keep_at_most(mut self, flows: usize) -> Self {
        self.most = flows;
        self
    }

    /// Keeps what matters of a flow. Its verdict must tell the states (`Options::states`).
    pub fn see(&mut self, verdict: &Verdict) {
        let ends = (verdict.client, verdict.server);
        let concerns = |(a, b): Pair| {
            self.exact.contains(&(a, b)) || self.hosts.contains(&a.addr) || self.is_loose(a, b)
        };
        if !concerns(ends) && !concerns((ends.1, ends.0)) {
            return;
        }
        if self.kept.len() >= self.most {
            self.forget();
        }
        self.kept.push(Course::of(verdict));
    }

    /// A socket with masked or named ends may be that flow's, by its ports.
    fn is_loose(&self, local: Endpoint, peer: Endpoint) -> bool {
        let known = known_ports(local, peer);
        known.iter().any(|ports| self.loose.contains(ports))
    }

    /// Forgets the half of the flows that was over first.
    #[cold]
    fn forget(&mut self) {
        self.kept
            .sort_by_key(|course| course.gone().unwrap_or(Time(i64::MAX)));
        let half = self.kept.len() / 2;
        self.kept.drain(..half);
        self.forgotten += half as u64;
    }

    /// Says of every socket which flow it is, and which flows lack one. `capture` is when that began and ended.
    pub fn finish(self, options: &JoinOptions, capture: Option<(Time, Time)>) -> Joined {
        let (start, end) = capture.unzip();
        let flows = Flows::new(&self.kept);
        let timers: Vec<Bounds> = self
            .listing
            .sockets
            .iter()
            .filter_map(|socket| timer(socket, &flows))
            .collect();
        let taken = taken(options.taken, &timers, end);
        let view = View {
            taken,
            time_wait: options.time_wait,
            start,
            end,
            has_timers: self.listing.sockets.iter().any(|s| s.timer.is_some()),
        };
        let like = Like::new(&self.kept, &self.loose, &view);
        let sockets = self.listing.sockets.iter();
        let explained = sockets
            .filter(|socket| socket.state != State::Listen)
            .map(|socket| explain(socket, (&flows, &like), &view));
        let explained = explained.collect();
        let missing = missing(&self.listing, &self.hosts, &flows, &view);
        Joined::new(&self.listing, &view, explained, missing, self.forgotten)
    }
}

/// What is known when the sockets are explained.
pub(super) struct View {
    pub(super) taken: Taken,
    pub(super) time_wait: i64,
    /// The beginning of the capture.
    pub(super) start: Option<Time>,
    /// Its end.
    pub(super) end: Option<Time>,
    /// The list shows timers: a socket without one has none.
    pub(super) has_timers: bool,
}

impl View {
    /// The list was taken somewhen in this span.
    pub(super) fn span(&self) -> Option<(Time, Time)> {
        let (at, within) = (self.taken.at?, self.taken.within_ns);
        Some((at.plus(-within), at.plus(within)))
    }

    /// The same for what had run out by then: a timer of Linux is late by an eighth of its time at most
    /// (`kernel/time/timer.c`), and until then the socket is listed.
    pub(super) fn late_span(&self) -> Option<(Time, Time)> {
        let late = self.time_wait / 8;
        let (first, last) = self.span()?;
        Some((first.plus(late.saturating_neg()), last))
    }

    /// Nanoseconds from then until the list was taken; none where it was later.
    pub(super) fn since(&self, time: Option<Time>) -> Option<i64> {
        Some(self.taken.at?.since(time?)).filter(|&nanos| nanos >= 0)
    }
}

/// The flows by their ends.
pub(super) struct Flows<'a> {
    pub(super) all: &'a [Course],
    /// Those of the same ends in the order of their beginning.
    by_ends: HashMap<Pair, Vec<&'a Course>, RandomState>,
}

/// A flow, and which side of it.
pub(super) type Part<'a> = (&'a Course, Side);

/// How many connections on the same ends before a moment are looked at.
const EARLIER: usize = 16;
impl<'a> Flows<'a> {
    fn new(all: &'a [Course]) -> Self {
        let mut by_ends: HashMap<_, Vec<_>, _> = HashMap::default();
        for course in all {
            let ends = (course.client, course.server);
            by_ends.entry(ends).or_default().push(course);
        }
        for courses in by_ends.values_mut() {
            courses.sort_by_key(|course: &&Course| (course.start, course.flow));
        }
        Self { all, by_ends }
    }

    /// The flows of a socket with these ends, the latest first that began before `at`, and the next.
    pub(super) fn of(&self, (local, peer): Pair, at: Option<Time>) -> Vec<Part<'a>> {
        let mut found = Vec::new();
        for (ends, side) in [((local, peer), Side::Client), ((peer, local), Side::Server)] {
            let courses = self.by_ends.get(&ends).map_or(&[][..], Vec::as_slice);
            let begun = |course: &&Course| at.is_none_or(|at| course.start <= Some(at));
            let next = courses.partition_point(begun);
            let first = next.saturating_sub(EARLIER);
            let near = courses.get(first..courses.len().min(next + 1));
            found.extend(near.unwrap_or_default().iter().map(|c| (*c, side)));
        }
        found.sort_by_key(|(course, _)| Reverse((course.start, course.flow)));
        found
    }
}

/// Both ends of a socket, where the list shows them.
pub(super) fn pair(socket: &Socket) -> Option<Pair> {
    Some((socket.local.endpoint()?, socket.peer.endpoint()?))
}

pub(super) fn ports(socket: &Socket) -> Ports {
    let number = |end: &End| match end.port {
        Port::Number(port) => Some(port),
        Port::Any | Port::Other(_) => None,
    };
    (number(&socket.local), number(&socket.peer))
}

/// The ports of a connection, as lists may show them.
pub(super) fn known_ports(local: Endpoint, peer: Endpoint) -> [Ports; 3] {
    let (local, peer) = (Some(local.port), Some(peer.port));
    [(local, peer), (local, None), (None, peer)]
}

/// When the list was taken by the timer of a socket in TIME-WAIT whose start the capture shows.
fn timer(socket: &Socket, flows: &Flows) -> Option<Bounds> {
    let timer = socket.timer.filter(|t| t.kind == TimerKind::TimeWait)?;
    if !matches!(socket.state, State::TimeWait | State::Unknown) {
        return None;
    }
    // With nothing left it says how late the kernel is.
    let left = timer.left_ns.filter(|&left| left > 0)?;
    let (course, side) = flows.of(pair(socket)?, None).into_iter().next()?;
    let last = course.expiry(side)?.plus(left.saturating_neg());
    Some((last.plus(-timer.resolution_ns), last))
}
