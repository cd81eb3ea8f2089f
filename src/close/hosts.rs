//! What servers have shown in their connections so far: what a RST that is the only segment of its
//! sender in its own connection can be measured against. Bounded.

use crate::flow::Flow;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// So many servers are remembered, those that were seen first.
const MOST: usize = 1 << 16;

/// What a server's other connections showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSeen {
    /// Lowest and highest TTL or hop limit of its segments without RST.
    pub ttl: (u8, u8),
    /// The smallest round trip between the capture point and it, in nanoseconds.
    pub rtt: Option<i64>,
}

/// The servers seen so far.
#[derive(Debug, Default)]
pub struct Hosts {
    seen: HashMap<(u16, [u8; 16]), HostSeen, RandomState>,
}

impl Hosts {
    /// Takes in a connection that has been judged.
    pub fn see(&mut self, flow: &Flow) {
        let Some(server) = flow.opener().map(|opener| usize::from(opener & 1) ^ 1) else {
            return;
        };
        let half = &flow.half[server];
        let Some(ttl) = half.ttl else { return };
        let key = (flow.key.domain, flow.key.ends[server].addr);
        if self.seen.len() >= MOST && !self.seen.contains_key(&key) {
            return;
        }
        let new = HostSeen { ttl, rtt: half.rtt };
        let known = self.seen.entry(key).or_insert(new);
        known.ttl = (known.ttl.0.min(ttl.0), known.ttl.1.max(ttl.1));
        known.rtt = match (known.rtt, half.rtt) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// What the server of a connection of which there are only SYNs and RSTs has shown before:
    /// asked of no other.
    pub fn server_of(&self, flow: &Flow) -> Option<HostSeen> {
        if flow.resets.is_empty() || !flow.is_syn_only() {
            return None;
        }
        let server = usize::from(flow.opener()? & 1) ^ 1;
        let key = (flow.key.domain, flow.key.ends[server].addr);
        self.seen.get(&key).copied()
    }
}
