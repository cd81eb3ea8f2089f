//! The services of a capture: who closed their connections, and how they are used.

use crate::close::verdict::{ActiveCloser, Endpoint, Outcome, Side, Verdict};
use crate::flow::Flow;
use crate::patterns::at::{Addr, At};
use crate::patterns::diagnosis::Example;
use crate::stamp::{SECOND, Time};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// Services kept; what is beyond is counted only.
const SERVICES: usize = 16_384;
/// Addresses of clients kept for each.
const CLIENTS: usize = 4;

/// What the connections to one address and port have in common.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) at: At,
    pub(super) connections: u64,
    /// Closed first by the client, the server, both, nobody; not known.
    pub(super) closers: [u64; 5],
    /// TIME-WAITs of the client and of the server.
    pub(super) time_waits: [u64; 2],
    pub(super) aborted: u64,
    pub(super) payload: u64,
    /// Requests with an answer; of long connections those that are kept.
    pub(super) exchanges: u64,
    /// Connections of which all were kept.
    pub(super) counted: u64,
    /// Those of them with one exchange.
    pub(super) single: u64,
    /// Nanoseconds of the handshakes' round trips.
    pub(super) handshakes: i64,
    /// The first and the last opening.
    pub(super) opened: [Time; 2],
    /// Some of its clients.
    pub(super) clients: SmallVec<[Addr; CLIENTS]>,
    /// The longest silence that a connection survived.
    pub(super) survived: Option<i64>,
    /// Connections with records that stand in the capture twice.
    pub(super) doubled: u64,
    pub(super) example: Example,
}

/// The services seen.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// Where each stands among all.
    places: HashTable<u32>,
    hasher: RandomState,
    all: Vec<Service>,
    /// The last one: the next connection is often of the same.
    last: usize,
    /// Connections to services that are not kept.
    pub(super) beyond: u64,
}

impl Services {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Service> + Clone {
        self.all.iter()
    }

    pub(super) fn at(&self, at: Endpoint) -> Option<&Service> {
        self.all.get(self.find(&at.into())?)
    }

    /// Counts a connection.
    pub(super) fn see(&mut self, flow: &Flow, verdict: &Verdict, client: u8, use_: &Use) {
        let at = At::end(flow, client ^ 1);
        let Some(service) = self.of(&at, verdict) else {
            self.beyond += 1;
            return;
        };
        service.add(verdict, use_);
        service.add_client(At::end(flow, client).addr);
        service.doubled += u64::from(flow.odd().is_some_and(|odd| odd.duplicates.is_some()));
        let [a, b] = &flow.half;
        service.handshakes += a.rtt.unwrap_or(0) + b.rtt.unwrap_or(0);
    }

    fn of(&mut self, at: &At, verdict: &Verdict) -> Option<&mut Service> {
        if self.all.get(self.last).is_none_or(|known| known.at != *at) {
            self.last = match self.find(at) {
                Some(place) => place,
                None => self.insert(at, verdict)?,
            };
        }
        self.all.get_mut(self.last)
    }

    fn find(&self, at: &At) -> Option<usize> {
        let is = |&place: &u32| self.all.get(place as usize).is_some_and(|of| of.at == *at);
        let place = self.places.find(self.hasher.hash_one(at), is)?;
        Some(*place as usize)
    }

    #[cold]
    fn insert(&mut self, at: &At, verdict: &Verdict) -> Option<usize> {
        if self.all.len() >= SERVICES {
            return None;
        }
        let place = self.all.len();
        self.all.push(Service::new(*at, verdict));
        let (hasher, all) = (&self.hasher, &self.all);
        let rehash =
            |&place: &u32| hasher.hash_one(all.get(place as usize).map_or(at, |of| &of.at));
        let hash = hasher.hash_one(at);
        self.places.insert_unique(hash, place as u32, rehash);
        Some(place)
    }
}

impl Service {
    fn new(at: At, verdict: &Verdict) -> Self {
        let start = verdict.start.unwrap_or_default();
        Self {
            at,
            connections: 0,
            closers: [0; 5],
            time_waits: [0; 2],
            aborted: 0,
            payload: 0,
            exchanges: 0,
            counted: 0,
            single: 0,
            handshakes: 0,
            opened: [start; 2],
            clients: SmallVec::new(),
            survived: None,
            doubled: 0,
            example: Example::whole(verdict),
        }
    }

    fn add(&mut self, verdict: &Verdict, use_: &Use) {
        self.connections += 1;
        let closer = match verdict.active_closer {
            ActiveCloser::Client => 0,
            ActiveCloser::Server => 1,
            ActiveCloser::Both => 2,
            ActiveCloser::None => 3,
            ActiveCloser::Unknown => 4,
        };
        self.closers[closer] += 1;
        for time_wait in &verdict.time_wait {
            self.time_waits[usize::from(time_wait.owner == Side::Server)] += 1;
        }
        let aborted = matches!(verdict.outcome, Outcome::Aborted | Outcome::AbortedAfterFin);
        self.aborted += u64::from(aborted);
        self.payload += verdict.payload_bytes.client + verdict.payload_bytes.server;
        self.exchanges += use_.exchanges;
        self.counted += u64::from(use_.is_whole);
        self.single += u64::from(use_.is_whole && use_.exchanges == 1);
        self.survived = self.survived.max(use_.survived);
        if let Some(start) = verdict.start {
            let [first, last] = self.opened;
            self.opened = [first.min(start), last.max(start)];
        }
    }

    fn add_client(&mut self, client: Addr) {
        if self.clients.len() < CLIENTS && !self.clients.contains(&client) {
            self.clients.push(client);
        }
    }

    /// It is reached over the loopback interface.
    pub(super) fn is_local(&self) -> bool {
        self.at.addr.ip().is_loopback()
    }
}

/// How a connection was used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Use {
    /// Requests with an answer.
    pub(super) exchanges: u64,
    /// All of them were kept: there may be more of a long connection.
    pub(super) is_whole: bool,
    /// The longest silence after which both sides sent payload again.
    pub(super) survived: Option<i64>,
    /// Bytes of the longest segment of the client and of the server.
    pub(super) longest: [u32; 2],
}

impl Use {
    /// Reads it off the segments that are kept.
    pub(super) fn of(flow: &Flow, client: u8) -> Self {
        let (mut exchanges, mut longest, mut silent) = (0, [0; 2], 0);
        // Who sent payload last: 0 is the client. Nobody asks before the first.
        let (mut before, mut last) = (1, flow.first.time);
        for part in flow.log.parts() {
            for seen in part {
                let len = seen.len();
                if len == 0 {
                    continue;
                }
                let (time, side) = (seen.at().time, (seen.from() ^ client) & 1);
                let longest = &mut longest[usize::from(side)];
                *longest = len.max(*longest);
                // A step back is a long way on, without a sign: it is looked into as well.
                let passed = time.0.wrapping_sub(last.0).cast_unsigned();
                silent = passed.max(silent);
                exchanges += u64::from(side & !before);
                (before, last) = (side, time);
            }
        }
        let is_silent = silent >= SECOND.cast_unsigned();
        Self {
            exchanges,
            is_whole: flow.log.is_whole(),
            survived: is_silent.then(|| survived(flow)).flatten(),
            longest,
        }
    }
}

/// The longest silence between payloads after which both sides sent some.
#[cold]
fn survived(flow: &Flow) -> Option<i64> {
    let mut survived = None;
    // A silence that has ended, and who ended it.
    let mut open = None;
    let mut last: Option<Time> = None;
    for seen in flow.log.iter().filter(|seen| !seen.is_empty()) {
        let (time, from) = (seen.at().time, seen.from());
        let silence = last.map_or(0, |last| time.since(last));
        if silence >= SECOND {
            open = Some((silence, from));
        }
        if let Some((silence, _)) = open.filter(|&(_, by)| by != from) {
            survived = survived.max(Some(silence));
            open = None;
        }
        last = Some(time);
    }
    survived
}
