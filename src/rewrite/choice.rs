//! Which packets belong to flows that were chosen.

use crate::capture::Record;
use crate::close::verdict::{Endpoint, Verdict};
use crate::packet::{
    Around, End, Filter, Layers, NotDecoded, Quoted, Segment, decode_by_layers, quoted_by_icmp,
};
use foldhash::fast::RandomState;
use smallvec::SmallVec;
use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::net::IpAddr;

/// So many flows can be chosen: each takes some 120 bytes.
const MOST: u64 = 1 << 20;
/// Segments that are remembered: copies of a packet follow it closely.
const RECENT: usize = 64;

/// Flows that were chosen.
///
/// Theirs are the packets between their ends, from their first to their last frame; and the ICMP errors
/// about them. Where connections of the same addresses and ports overlap, what lies in both belongs to
/// both.
#[derive(Debug, Default)]
pub struct Choice {
    frames: HashMap<Key, Ranges, RandomState>,
    flows: u64,
    filter: Option<Filter>,
    /// What is part of a key.
    vlan: bool,
    tunnel: bool,
}

/// The frames of a key's flows, ranges in order that do not touch. Most have one.
type Ranges = SmallVec<[[u64; 2]; 1]>;

/// Both ends in order, and the network's name, if that is part of the key.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    ends: [End; 2],
    network: String,
}

impl Key {
    fn new(one: End, other: End, network: String) -> Self {
        let ends = [one.min(other), one.max(other)];
        Self { ends, network }
    }
}

impl Choice {
    /// None so far, of flows that were judged by the segments which match a filter, and with VLANs or
    /// tunnels in their keys.
    pub fn new(filter: Option<Filter>, vlan: bool, tunnel: bool) -> Self {
        Self {
            filter,
            vlan,
            tunnel,
            ..Self::default()
        }
    }

    /// Chooses a flow. False if there are too many: it is not chosen then.
    pub fn add(&mut self, verdict: &Verdict) -> bool {
        if self.flows >= MOST {
            return false;
        }
        self.flows += 1;
        let tunnels = verdict.tunnel.iter().flatten();
        let network = network(
            verdict.vlan.iter().flatten().copied(),
            tunnels.map(|tunnel| (tunnel.kind.as_str(), tunnel.id)),
        );
        let key = Key::new(end(&verdict.client), end(&verdict.server), network);
        let ranges = self.frames.entry(key).or_default();
        join(ranges, [verdict.first_frame, verdict.last_frame]);
        true
    }

    /// How many flows are chosen.
    pub const fn flows(&self) -> u64 {
        self.flows
    }

    /// A quoted segment is of one of them, or of another one of the same ends after it.
    fn has_quoted(&self, quoted: &Quoted, layers: &Layers, frame: u64) -> bool {
        let ranges = self.of(quoted.src, quoted.dst, layers);
        let first = ranges.and_then(|ranges| ranges.first());
        first.is_some_and(|[from, _]| *from < frame)
    }

    fn has_segment(&self, segment: &Segment, layers: &Layers, frame: u64) -> bool {
        let is_left_out = |filter: &Filter| !filter.matches(segment);
        if self.filter.as_ref().is_some_and(is_left_out) {
            return false;
        }
        let ranges = self.of(segment.src, segment.dst, layers);
        ranges.is_some_and(|ranges| {
            let next = ranges.partition_point(|[_, to]| *to < frame);
            ranges.get(next).is_some_and(|[from, _]| *from <= frame)
        })
    }

    fn of(&self, one: End, other: End, layers: &Layers) -> Option<&Ranges> {
        let vlans = layers.vlans().filter(|_| self.vlan);
        let tunnels = layers.tunnels().filter(|_| self.tunnel);
        let network = network(vlans, tunnels.map(|tunnel| (tunnel.kind.name(), tunnel.id)));
        self.frames.get(&Key::new(one, other, network))
    }
}

/// Chooses packets, one after another.
pub(super) struct Chooser<'a> {
    choice: &'a Choice,
    /// The last segments that were chosen: records of them that come again belong to them, also behind
    /// the last frame of their flow, which is none of these.
    recent: VecDeque<Segment>,
}

impl<'a> Chooser<'a> {
    pub(super) const fn new(choice: &'a Choice) -> Self {
        let recent = VecDeque::new();
        Self { choice, recent }
    }

    /// It belongs to a flow that was chosen.
    pub(super) fn chooses(&mut self, record: &Record<'_>) -> bool {
        let mut around = Around::default();
        let (link, data, on_wire) = (record.link, record.data, record.original_len);
        match decode_by_layers(link, data, on_wire, &mut around) {
            Ok(mut segment) => {
                // Some copies come from behind a router.
                segment.ttl = 0;
                let layers = &around.layers;
                if self.recent.contains(&segment) {
                    return true;
                }
                let chosen = self.choice.has_segment(&segment, layers, record.frame);
                if chosen {
                    self.recent.truncate(RECENT - 1);
                    self.recent.push_front(segment);
                }
                chosen
            }
            Err(NotDecoded::Icmp) => quoted_by_icmp(link, data, on_wire).is_ok_and(|quoted| {
                self.choice
                    .has_quoted(&quoted, &around.layers, record.frame)
            }),
            Err(_) => false,
        }
    }
}

fn end(endpoint: &Endpoint) -> End {
    match endpoint.addr {
        IpAddr::V4(addr) => End::v4(addr.octets(), endpoint.port),
        IpAddr::V6(addr) => End::v6(addr.octets(), endpoint.port),
    }
}

/// The name of what VLANs and tunnels make; empty without any.
fn network<'a>(
    vlans: impl Iterator<Item = u16>,
    tunnels: impl Iterator<Item = (&'a str, u32)>,
) -> String {
    let mut name = String::new();
    // Writing to a string cannot fail.
    for vlan in vlans {
        let _ = write!(name, "{vlan} ");
    }
    for (kind, id) in tunnels {
        let _ = write!(name, "{kind} {id} ");
    }
    name
}

/// Adds a range; those that it touches become one.
fn join(ranges: &mut Ranges, [first, last]: [u64; 2]) {
    let from = ranges.partition_point(|[_, to]| *to < first);
    let end = ranges.partition_point(|[from, _]| *from <= last);
    let mut joined = [first, last];
    for [first, last] in ranges.drain(from..end.max(from)) {
        joined = [joined[0].min(first), joined[1].max(last)];
    }
    ranges.insert(from, joined);
}

#[cfg(test)]
mod tests {
    use super::{Ranges, join};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_hold_what_any_of_them_held(
            some in prop::collection::vec((0_u64..60, 0_u64..12), 0..12),
        ) {
            let mut ranges = Ranges::new();
            for &(first, length) in &some {
                join(&mut ranges, [first, first + length]);
            }
            for frame in 0..80 {
                let expected = some.iter().any(|&(first, n)| (first..=first + n).contains(&frame));
                let held = ranges.iter().filter(|[from, to]| (from..=to).contains(&&frame));
                prop_assert_eq!(held.count(), usize::from(expected));
            }
            prop_assert!(ranges.is_sorted());
        }
    }
}
