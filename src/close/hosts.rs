//! What servers have shown in their connections so far: what a RST that is the only segment of its
//! sender in its own connection can be measured against. Bounded.

use crate::flow::Flow;
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;

/// So many servers are remembered, those that were seen first.
const MOST: usize = 1 << 16;
/// The round trip of a server that showed none: longer than any.
const NO_RTT: i64 = i64::MAX;

/// What a server's other connections showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSeen {
    /// Lowest and highest TTL or hop limit of its segments without RST.
    pub ttl: (u8, u8),
    /// The smallest round trip between the capture point and it, in nanoseconds.
    pub rtt: Option<i64>,
}

/// A server, in 32 bytes.
#[derive(Debug)]
struct Host {
    id: Id,
    ttl: (u8, u8),
    rtt: i64,
}

/// A server's address, in words that are hashed and compared at once, and its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Id(u16, u64, u64);

/// The servers seen so far.
#[derive(Debug, Default)]
pub struct Hosts {
    seen: HashTable<Host>,
    hasher: RandomState,
}

impl Hosts {
    /// Takes in a connection that has been judged.
    pub fn see(&mut self, flow: &Flow) {
        let Some(server) = server(flow) else { return };
        let half = &flow.half[server];
        let Some(ttl) = half.ttl else { return };
        let (id, rtt) = (Id::of(flow, server), half.rtt.unwrap_or(NO_RTT));
        let (hasher, is_full) = (&self.hasher, self.seen.len() >= MOST);
        let rehash = |host: &Host| hasher.hash_one(host.id);
        let place = self
            .seen
            .entry(hasher.hash_one(id), |host| host.id == id, rehash);
        match place {
            Entry::Occupied(mut known) => known.get_mut().see(ttl, rtt),
            Entry::Vacant(_) if is_full => {}
            Entry::Vacant(place) => {
                place.insert(Host { id, ttl, rtt });
            }
        }
    }

    /// What the server of a connection of which there are only SYNs and RSTs has shown before:
    /// asked of no other.
    pub fn server_of(&self, flow: &Flow) -> Option<HostSeen> {
        if flow.resets.is_empty() || !flow.is_syn_only() {
            return None;
        }
        let id = Id::of(flow, server(flow)?);
        let known = self
            .seen
            .find(self.hasher.hash_one(id), |host| host.id == id)?;
        Some(HostSeen {
            ttl: known.ttl,
            rtt: Some(known.rtt).filter(|&rtt| rtt != NO_RTT),
        })
    }
}

impl Id {
    fn of(flow: &Flow, end: usize) -> Self {
        let addr = u128::from_ne_bytes(flow.key.ends[end & 1].addr);
        Self(flow.key.domain, (addr >> u64::BITS) as u64, addr as u64)
    }
}

impl Host {
    fn see(&mut self, ttl: (u8, u8), rtt: i64) {
        self.ttl = (self.ttl.0.min(ttl.0), self.ttl.1.max(ttl.1));
        self.rtt = self.rtt.min(rtt);
    }
}

/// The end that did not open the connection.
fn server(flow: &Flow) -> Option<usize> {
    Some(usize::from(flow.opener()? & 1) ^ 1)
}
