//! The clocks behind an address, as the TSvals of its SYNs show them (RFC 7323).
//!
//! A clock is a line: so many ticks a second from some offset. Linux gives every connection an
//! offset of its own since 4.10, so that most SYNs lie on no line with any other; those are told
//! nothing of. Where connections do share lines, each line is a host. An offset is no uptime.

mod lines;
mod told;

use crate::close::OffClock;
use crate::close::verdict::{Outcome, Verdict};
use crate::flow::{Flow, Opening};
use crate::patterns::Diagnosis;
use crate::patterns::at::{Addr, At};
use crate::seq::TsVal;
use crate::stamp::{MILLISECOND, SECOND, Time};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// Pairs of addresses that are watched.
const PAIRS: usize = 2048;
/// SYNs kept of each, that were answered and that were not.
const ANSWERED: usize = 48;
const UNANSWERED: usize = 32;
/// Answered SYNs among which two of one clock are looked for; if there are none no more are kept.
const COMPARED: usize = 12;
/// Ticks a second of clocks that are in use: Linux and BSD, older Linux, Windows.
const RATES: [u32; 3] = [1000, 250, 100];
/// A server that compares TSvals per address remembers one for so long (`TCP_PAWS_MSL`).
const REMEMBERED: i64 = 60 * SECOND;
/// Of a clock that two connections seem to share by chance, so many others know nothing.
const OTHERS: u32 = 16;

/// Who opens connections to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ends {
    client: Addr,
    server: Addr,
    domain: u16,
}

/// A SYN with timestamps.
#[derive(Clone, Copy, Debug)]
struct Syn {
    flow: u64,
    frame: u64,
    time: Time,
    /// The same in milliseconds.
    ms: i64,
    tsval: TsVal,
    /// Ports of client and server.
    ports: [u16; 2],
    /// How often it was sent.
    count: u32,
    /// Nothing came back, not even a RST.
    unanswered: bool,
}

/// A clock that two connections of a pair showed, by the last SYN on it.
#[derive(Clone, Copy, Debug)]
struct Shared {
    last: Syn,
    rate: u32,
    /// SYNs on it and off it.
    on: u32,
    off: u32,
}

/// What is known of a pair.
#[derive(Clone, Debug, Default)]
struct Pair {
    /// Of most there is one.
    syns: SmallVec<[Syn; 1]>,
    /// Those kept that were not answered.
    unanswered: usize,
    /// Few pairs have one.
    shared: Option<Box<Shared>>,
    /// SYNs that there was no room for.
    more: u64,
}

/// What was found of a flow before it was judged: the same is asked right after.
#[derive(Clone, Copy, Debug)]
struct Asked {
    flow: u64,
    opener: u8,
    /// Of its pair, if that is known.
    place: Option<u32>,
}

/// The clocks of a capture's clients. Bounded: by pairs of addresses and by SYNs of each.
#[derive(Debug, Default)]
pub struct Clocks {
    /// Where each pair stands among all.
    places: HashTable<u32>,
    hasher: RandomState,
    pairs: Vec<(Ends, Pair)>,
    /// The flow asked for last.
    asked: Option<Asked>,
    /// Flows whose pair there was no room for.
    left_out: u64,
}

impl Clocks {
    /// How a flow's SYN goes back behind the clock that other connections of its pair share, as far
    /// as the flows before it tell.
    pub fn off(&mut self, flow: &Flow) -> Option<OffClock> {
        self.asked = self.ask(flow);
        let Asked { opener, place, .. } = self.asked?;
        let (_, pair) = self.pairs.get(place? as usize)?;
        let shared = pair.shared.as_deref().filter(|shared| shared.is_sure())?;
        let (opening, tsval) = syn_of(flow, opener)?;
        let time = opening.copies.first.time;
        let (off, since) = (shared.off(tsval, time), time.since(shared.last.time));
        let older = off < -i64::from(shared.rate) && since.saturating_abs() <= REMEMBERED;
        older.then_some(OffClock {
            ticks: off.unsigned_abs(),
            flow: shared.last.flow,
            since,
        })
    }

    /// Takes in a flow that was judged.
    pub fn see(&mut self, flow: &Flow, verdict: &Verdict) {
        let asked = self.asked.take().filter(|asked| asked.flow == flow.number);
        let Some(asked) = asked.or_else(|| self.ask(flow)) else {
            return;
        };
        let Some(place) = asked.place.or_else(|| self.add_pair(flow, asked.opener)) else {
            self.left_out += 1;
            return;
        };
        let pair = self.pairs.get_mut(place as usize);
        let (Some((opening, tsval)), Some((_, pair))) = (syn_of(flow, asked.opener), pair) else {
            return;
        };
        let ends = &flow.key.ends;
        let port = |end: u8| ends[usize::from(end & 1)].port;
        let first = opening.copies.first;
        pair.see(Syn {
            flow: flow.number,
            frame: first.frame,
            time: first.time,
            ms: first.time.0 / MILLISECOND,
            tsval,
            ports: [port(asked.opener), port(asked.opener ^ 1)],
            count: opening.copies.count,
            unanswered: verdict.outcome == Outcome::Unanswered,
        });
    }

    /// What the clocks of the capture tell, in the order of their first flows.
    pub fn diagnoses(&self) -> Vec<Diagnosis> {
        // One SYN tells nothing.
        let several = self.pairs.iter().filter(|(_, pair)| pair.syns.len() > 1);
        let mut pairs: Vec<_> = several.collect();
        let first = |pair: &Pair| pair.syns.iter().map(|syn| syn.flow).min();
        pairs.sort_by_key(|(_, pair)| first(pair));
        let left_out = self.left_out;
        let told = |(ends, pair): &(Ends, Pair)| told::diagnoses(*ends, pair, left_out);
        pairs.into_iter().flat_map(told).collect()
    }

    /// Looks for the pair of a flow with timestamps.
    fn ask(&self, flow: &Flow) -> Option<Asked> {
        let opener = flow.opener()?;
        syn_of(flow, opener)?;
        Some(Asked {
            flow: flow.number,
            opener,
            place: self.find(&ends(flow, opener)),
        })
    }

    /// Makes place for the pair of a flow.
    fn add_pair(&mut self, flow: &Flow, opener: u8) -> Option<u32> {
        if self.pairs.len() >= PAIRS {
            return None;
        }
        let (ends, place) = (ends(flow, opener), self.pairs.len() as u32);
        self.pairs.push((ends, Pair::default()));
        let (hasher, pairs) = (&self.hasher, &self.pairs);
        let rehash = |&place: &u32| {
            let pair = pairs.get(place as usize);
            hasher.hash_one(pair.map_or(&ends, |(of, _)| of))
        };
        self.places
            .insert_unique(hasher.hash_one(ends), place, rehash);
        Some(place)
    }

    fn find(&self, ends: &Ends) -> Option<u32> {
        let is = |&place: &u32| {
            let pair = self.pairs.get(place as usize);
            pair.is_some_and(|(of, _)| of == ends)
        };
        self.places.find(self.hasher.hash_one(ends), is).copied()
    }
}

/// The SYN of a flow and its TSval.
fn syn_of(flow: &Flow, opener: u8) -> Option<(&Opening, TsVal)> {
    let opening = flow.half[usize::from(opener & 1)].opening.as_ref()?;
    Some((opening, opening.tsval?))
}

fn ends(flow: &Flow, opener: u8) -> Ends {
    Ends {
        client: At::end(flow, opener).addr,
        server: At::end(flow, opener ^ 1).addr,
        domain: flow.key.domain,
    }
}

impl Pair {
    fn see(&mut self, syn: Syn) {
        if !syn.unanswered {
            self.compare(&syn);
        }
        let (kept, most) = if syn.unanswered {
            (self.unanswered, UNANSWERED)
        } else {
            // Those before shared no clock: neither will those that follow.
            let most = if self.shared.is_some() {
                ANSWERED
            } else {
                COMPARED
            };
            (self.syns.len() - self.unanswered, most)
        };
        if kept >= most {
            self.more += 1;
            return;
        }
        self.unanswered += usize::from(syn.unanswered);
        self.syns.push(syn);
    }

    /// Looks for a clock that the SYN shares with another.
    fn compare(&mut self, syn: &Syn) {
        if let Some(shared) = &mut self.shared {
            shared.see(syn);
        } else if self.syns.len() - self.unanswered < COMPARED {
            let answered = self.syns.iter().filter(|other| !other.unanswered);
            let shared = answered.rev().find_map(|other| Shared::of(other, syn));
            self.shared = shared.map(Box::new);
        }
    }
}

impl Shared {
    /// The clock of two SYNs of different ports, if they show one. Asked of every SYN of a pair at
    /// first: without a division.
    fn of(old: &Syn, new: &Syn) -> Option<Self> {
        if old.ports == new.ports || old.time == new.time {
            return None;
        }
        let step = i64::from(new.tsval.since(old.tsval)) * 1000;
        let passed = new.ms - old.ms;
        let off = |rate: u32| {
            let off = step.saturating_sub(passed.saturating_mul(rate.into()));
            let microseconds = off.unsigned_abs().saturating_mul((1000 / rate).into());
            (microseconds, rate)
        };
        let (off, rate) = RATES.map(off).into_iter().min_by_key(|(off, _)| *off)?;
        (off <= 1_000_000).then_some(Self {
            last: *new,
            rate,
            on: 2,
            off: 0,
        })
    }

    fn see(&mut self, syn: &Syn) {
        if self.off(syn.tsval, syn.time).unsigned_abs() > u64::from(self.rate) {
            self.off = self.off.saturating_add(1);
            return;
        }
        self.on = self.on.saturating_add(1);
        if syn.time > self.last.time {
            self.last = *syn;
        }
    }

    /// Ticks from what the clock showed at that time to a TSval.
    fn off(&self, tsval: TsVal, time: Time) -> i64 {
        let passed = ticks(time.since(self.last.time), self.rate);
        i64::from(tsval.minus(passed).since(self.last.tsval))
    }

    /// It is no chance: of offsets drawn anew for each connection two may be alike.
    const fn is_sure(&self) -> bool {
        self.off <= OTHERS.saturating_mul(self.on)
    }
}

/// The ticks of a clock in so many nanoseconds, modulo 2^32.
const fn ticks(ns: i64, rate: u32) -> u32 {
    let (rate, whole, rest) = (rate as i64, ns.div_euclid(SECOND), ns.rem_euclid(SECOND));
    (whole * rate + rest * rate / SECOND).cast_unsigned() as u32
}
