//! Totals over the verdicts of a capture.

use crate::close::finding::Code;
use crate::close::vantage::Vantage;
use crate::close::verdict::{ActiveCloser, Side, Verdict};
use crate::stamp::Time;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// A place where a capture could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Damage {
    /// Number of the frame that could not be read.
    pub frame: u64,
    /// Byte offset in the file (in the decompressed stream) of the record or block.
    pub offset: u64,
    /// What was found, and what was expected.
    pub what: String,
    /// Bytes stepped over before reading went on; `None` where it ended.
    pub skipped: Option<u64>,
}

impl Damage {
    /// Damage of the record `frame` at `offset`, which ended reading.
    pub fn new(frame: u64, offset: u64, what: impl Into<String>) -> Self {
        Self {
            frame,
            offset,
            what: what.into(),
            skipped: None,
        }
    }

    /// The same, where reading went on behind so many bytes.
    #[must_use]
    pub fn skipping(mut self, bytes: Option<u64>) -> Self {
        self.skipped = bytes;
        self
    }
}

/// One capture and what of it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SourceSummary {
    /// Its name.
    pub source: Arc<str>,
    /// Records read.
    pub frames: u64,
    /// Bytes read, of the decompressed stream.
    pub bytes: u64,
    /// Its link types by their LINKTYPE_ names without the prefix, in order of appearance.
    pub link_types: Vec<String>,
    /// The names of its interfaces, where it says them (pcapng), in order of appearance.
    #[serde(default)]
    pub interfaces: Vec<String>,
    /// The earliest time of a record.
    pub start: Option<Time>,
    /// The latest one.
    pub end: Option<Time>,
    /// Packets that the capture says it dropped; `None` where it does not say.
    pub dropped: Option<u64>,
    /// Where it could not be read.
    pub damage: Vec<Damage>,
    /// How many more places could not be read than are listed.
    #[serde(default)]
    pub unlisted_damage: u64,
    /// Bytes stepped over because of damage, at all places.
    #[serde(default)]
    pub skipped: u64,
}

impl SourceSummary {
    /// Of a capture of which nothing was read yet.
    pub fn new(source: Arc<str>) -> Self {
        let (frames, bytes, start, end) = (0, 0, None, None);
        Self {
            source,
            frames,
            bytes,
            link_types: Vec::new(),
            interfaces: Vec::new(),
            start,
            end,
            dropped: None,
            damage: Vec::new(),
            unlisted_damage: 0,
            skipped: 0,
        }
    }
}

/// How many TIME-WAITs a host owned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimeWaitOwner {
    /// The host.
    pub addr: IpAddr,
    /// How many TIME-WAITs it owned.
    pub time_waits: u64,
}

/// The number of an address in two words, which take less room in a table than the number.
type Words = (u64, u64);

const fn words_of(number: u128) -> Words {
    ((number >> u64::BITS) as u64, number as u64)
}

fn number_from((high, low): Words) -> u128 {
    u128::from(high) << u64::BITS | u128::from(low)
}

/// An address as a number: IPv4 by itself, IPv6 past it. Numbers are hashed and compared at once.
fn number_of(addr: IpAddr) -> u128 {
    let bits = match addr {
        IpAddr::V4(addr) => return addr.to_bits().into(),
        IpAddr::V6(addr) => addr.to_bits(),
    };
    // What lies before the IPv4-mapped addresses moves into their place, which stays free: those
    // are IPv4.
    match bits >> 32 {
        0xffff => bits & u128::from(u32::MAX),
        0..0xffff => bits + (1 << 32),
        _ => bits,
    }
}

/// The address of a number, as [`number_of`] gave it.
fn address_of(number: u128) -> IpAddr {
    match number >> 32 {
        0 => Ipv4Addr::from_bits(number as u32).into(),
        1..=0xffff => Ipv6Addr::from_bits(number - (1 << 32)).into(),
        _ => Ipv6Addr::from_bits(number).into(),
    }
}

/// The last line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// Version of this format.
    pub schema: u32,
    /// The captures.
    pub sources: Vec<SourceSummary>,
    /// Number of flows.
    pub flows: u64,
    /// Flows by outcome.
    pub by_outcome: BTreeMap<String, u64>,
    /// Flows by active closer.
    pub by_closer: BTreeMap<String, u64>,
    /// Aborted flows by cause.
    pub by_cause: BTreeMap<String, u64>,
    /// Findings by code.
    pub findings: BTreeMap<String, u64>,
    /// TIME-WAITs by host, most first.
    pub time_wait_owners: Vec<TimeWaitOwner>,
    /// Frames that were not decoded, by reason.
    pub not_decoded: BTreeMap<String, u64>,
    /// Flows forgotten before their time.
    pub evicted: u64,
    /// Segments of flows that had been written and forgotten.
    pub late_segments: u64,
    /// Heads of payloads that were not kept: too many flows had some.
    #[serde(default)]
    pub unheard: u64,
    /// Segments that the filter left out.
    #[serde(default)]
    pub filtered_out: u64,
    /// Frames outside of the time that was asked for.
    #[serde(default)]
    pub outside_window: u64,
    /// Where the capture was taken.
    #[serde(default)]
    pub vantage: Vantage,
    /// The run was interrupted.
    pub interrupted: bool,
}

/// How many TIME-WAITs each address owned. Most are IPv4, which take half of the room by themselves.
#[derive(Clone, Debug, Default)]
struct Owners {
    v4: HashMap<u32, Count, RandomState>,
    other: HashMap<Words, u64, RandomState>,
}

/// A number in two words, the lower one first: it stands beside one word without a gap.
#[derive(Clone, Copy, Debug, Default)]
struct Count([u32; 2]);

impl Count {
    const fn get(self) -> u64 {
        let Self([low, high]) = self;
        (high as u64) << u32::BITS | low as u64
    }

    const fn add(&mut self, count: u64) {
        let sum = self.get() + count;
        self.0 = [sum as u32, (sum >> u32::BITS) as u32];
    }
}

impl Owners {
    #[inline]
    fn add(&mut self, owner: Words) {
        match owner {
            (0, low) if low >> u32::BITS == 0 => self.v4.entry(low as u32).or_default().add(1),
            _ => *self.other.entry(owner).or_default() += 1,
        }
    }

    /// Each with its number.
    fn iter(&self) -> impl Iterator<Item = (Words, u64)> + '_ {
        let v4 = self.v4.iter();
        let v4 = v4.map(|(&addr, count)| ((0, addr.into()), count.get()));
        v4.chain(self.other.iter().map(|(&owner, &count)| (owner, count)))
    }
}

/// How many findings there were of each code.
#[derive(Clone, Debug)]
struct Findings([u64; Code::ALL.len()]);

impl Default for Findings {
    fn default() -> Self {
        Self([0; Code::ALL.len()])
    }
}

/// Owners that are counted at once.
const OWNED: usize = 64;

/// Keeps the totals while verdicts pass by.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    flows: u64,
    by_outcome: [u64; 16],
    by_closer: [u64; 8],
    by_cause: [u64; 16],
    findings: Findings,
    /// By the number of their address.
    owners: Owners,
    /// Owners not counted yet: many at once overlap their cache misses.
    owned: Vec<Words>,
}

impl Totals {
    /// Counts one verdict.
    pub fn add(&mut self, verdict: &Verdict) {
        self.flows += 1;
        self.by_outcome[verdict.outcome as usize] += 1;
        self.by_closer[verdict.active_closer as usize] += 1;
        if let Some(cause) = verdict.abort_cause {
            self.by_cause[cause as usize] += 1;
        }
        for finding in &verdict.findings {
            self.findings.0[finding.code as usize] += 1;
        }
        for time_wait in &verdict.time_wait {
            let owner = match time_wait.owner {
                Side::Client => verdict.client.addr,
                Side::Server => verdict.server.addr,
            };
            self.owned.push(words_of(number_of(owner)));
        }
        if self.owned.len() >= OWNED {
            let owned = self.owned.drain(..);
            owned.for_each(|owner| self.owners.add(owner));
        }
    }

    /// The totals so far, with what the reader knows of its captures.
    pub fn summary(
        &self,
        sources: Vec<SourceSummary>,
        not_decoded: BTreeMap<String, u64>,
    ) -> Summary {
        use crate::close::verdict::{AbortCause, Outcome};
        let named = |names: Vec<&'static str>, counts: &[u64]| {
            let all = names.into_iter().zip(counts.iter().copied());
            all.filter(|(_, n)| *n > 0)
                .map(|(k, n)| (k.to_owned(), n))
                .collect()
        };
        Summary {
            schema: 1,
            sources,
            flows: self.flows,
            by_outcome: named(
                Outcome::ALL.iter().map(|o| o.name()).collect(),
                &self.by_outcome,
            ),
            by_closer: named(
                ActiveCloser::ALL.iter().map(|o| o.name()).collect(),
                &self.by_closer,
            ),
            by_cause: named(
                AbortCause::ALL.iter().map(|o| o.name()).collect(),
                &self.by_cause,
            ),
            findings: named(
                Code::ALL.iter().map(|code| code.name()).collect(),
                &self.findings.0,
            ),
            time_wait_owners: self.time_wait_owners(),
            not_decoded,
            evicted: self.findings.0[Code::Evicted as usize],
            late_segments: 0,
            unheard: 0,
            filtered_out: 0,
            outside_window: 0,
            vantage: Vantage::default(),
            interrupted: false,
        }
    }

    /// Most TIME-WAITs first, then by address.
    fn time_wait_owners(&self) -> Vec<TimeWaitOwner> {
        let mut rest: HashMap<Words, u64, RandomState> = HashMap::default();
        for &owner in &self.owned {
            *rest.entry(owner).or_default() += 1;
        }
        // Few numbers of TIME-WAITs differ: addresses alone are sorted, each as one number.
        let mut ranks: BTreeMap<Reverse<u64>, Vec<u128>> = BTreeMap::new();
        let mut rank = |owner, count| {
            let rank = ranks.entry(Reverse(count)).or_default();
            rank.push(number_from(owner));
        };
        for (owner, count) in self.owners.iter() {
            rank(owner, count + rest.remove(&owner).unwrap_or(0));
        }
        for (owner, count) in rest {
            rank(owner, count);
        }
        let ranks = ranks
            .into_iter()
            .flat_map(|(Reverse(time_waits), mut owners)| {
                owners.sort_unstable();
                owners.into_iter().map(move |owner| TimeWaitOwner {
                    addr: address_of(owner),
                    time_waits,
                })
            });
        ranks.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{address_of, number_of};
    use proptest::prelude::*;
    use std::net::{IpAddr, Ipv6Addr};

    /// Addresses around the ends of what is moved, and any.
    fn address() -> impl Strategy<Value = IpAddr> {
        let low = (0..4_u128, 0..3_u128).prop_map(|(high, low)| {
            let bits = (0xfffe + high) << 32;
            Ipv6Addr::from_bits(bits - 1 + low).into()
        });
        let first = (0..3_u128).prop_map(|bits| Ipv6Addr::from_bits(bits).into());
        prop_oneof![low, first, any::<IpAddr>()]
    }

    proptest! {
        #[test]
        fn numbers_are_in_the_order_of_their_addresses(a in address(), b in address()) {
            let canonical = (a.to_canonical(), b.to_canonical());
            prop_assert_eq!((address_of(number_of(a)), address_of(number_of(b))), canonical);
            prop_assert_eq!(number_of(a).cmp(&number_of(b)), canonical.0.cmp(&canonical.1));
        }
    }
}
