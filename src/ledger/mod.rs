//! The books on TIME-WAIT and its like: which host held how many sockets in which state over time, and
//! how many ephemeral ports were in use.
//!
//! Every socket is held from one time to another; a sweep over these intervals gives the number held
//! at any time. Flows are judged in any order, so the changes are kept, by host and time: exact to the
//! nanosecond while they are few, and at the instants of a grid once they would take more room than
//! [`Settings::changes`]. So memory is bounded by hosts and instants, not by flows.

mod account;
mod binds;
mod books;
mod ports;
mod series;
mod sockets;
mod spans;

pub use account::{Account, KEPT};
pub use binds::BindConflict;
pub use books::{Books, Entry, Point, Stay, TIME_WAIT_BYTES};
pub use ports::{PortRange, PortUse};
pub use series::{Held, Peak};
pub use sockets::{Socket, sockets_at};
pub use spans::{Span, spans};

use crate::close::verdict::{Endpoint, Side, Verdict};
use crate::flow::Flow;
use binds::Bind;
use foldhash::fast::RandomState;
use ports::Ports;
use series::Grid;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// How books are kept.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The ports that clients choose from.
    pub ports: PortRange,
    /// Changes kept at once, of 16 bytes each; beyond that the grid becomes coarser.
    pub changes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ports: PortRange::default(),
            changes: 1 << 22,
        }
    }
}

impl From<PortRange> for Settings {
    fn from(ports: PortRange) -> Self {
        Self {
            ports,
            ..Self::default()
        }
    }
}

/// Hosts told apart.
const HOSTS: usize = 1 << 17;
/// Services told apart, of owners as well as of ports.
const SERVICES: usize = 1 << 16;

/// Whose sockets: of a host, towards a peer, on or to a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Service {
    owner: IpAddr,
    peer: IpAddr,
    port: u16,
}

/// A client's ephemeral ports are counted by where they lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Space {
    client: IpAddr,
    server: IpAddr,
    port: u16,
}

/// Keeps the books while flows are judged.
#[derive(Clone, Debug)]
pub struct Ledger {
    time_wait: i64,
    settings: Settings,
    grid: Grid,
    /// How many changes are kept.
    changes: usize,
    /// From how many on the grid becomes coarser.
    most: usize,
    all: Account,
    hosts: HashMap<IpAddr, Account, RandomState>,
    services: HashMap<Service, Account, RandomState>,
    spaces: HashMap<Space, Ports, RandomState>,
    binds: HashMap<(IpAddr, u16), Bind, RandomState>,
    /// Times that a host or service was one too many.
    beyond: u64,
}

impl Ledger {
    /// Empty books. TIME-WAIT lasts `time_wait` nanoseconds.
    pub fn new(time_wait: i64, settings: Settings) -> Self {
        Self {
            time_wait,
            settings,
            grid: Grid::FINEST,
            changes: 0,
            most: settings.changes,
            all: Account::default(),
            hosts: HashMap::default(),
            services: HashMap::default(),
            spaces: HashMap::default(),
            binds: HashMap::default(),
            beyond: 0,
        }
    }

    /// How long TIME-WAIT lasts, in nanoseconds.
    pub const fn time_wait(&self) -> i64 {
        self.time_wait
    }

    /// Nanoseconds between the instants at which numbers are exact; 1 while all changes are kept.
    pub const fn resolution(&self) -> i64 {
        self.grid.unit()
    }

    /// The ports that clients choose from.
    pub const fn range(&self) -> PortRange {
        self.settings.ports
    }

    /// The account of a host.
    pub fn host(&self, addr: IpAddr) -> Option<&Account> {
        self.hosts.get(&addr)
    }

    /// How many sockets the host held over time, by the place of the state in [`KEPT`].
    pub fn held(&self, addr: IpAddr, kept: usize) -> Held {
        let account = self.hosts.get(&addr);
        account.map_or_else(Held::default, |account| account.held(kept, self.grid))
    }

    /// The most TIME-WAITs of each host at once.
    pub fn peaks(&self) -> impl Iterator<Item = (IpAddr, Peak)> + '_ {
        let hosts = self.hosts.keys();
        hosts.map(|addr| (*addr, self.held(*addr, 0).peak()))
    }

    /// Entries that are part of the whole alone: there were too many hosts or services.
    pub const fn beyond(&self) -> u64 {
        self.beyond
    }

    /// Takes in a flow that was judged, with the states of its sides.
    pub fn see(&mut self, flow: &Flow, verdict: &Verdict) {
        self.enter_ports(flow, verdict);
        self.see_states(verdict);
    }

    /// The same without the use of ports.
    pub fn see_states(&mut self, verdict: &Verdict) {
        for side in [Side::Client, Side::Server] {
            self.enter(verdict, side);
        }
        if self.changes > self.most {
            self.shrink();
        }
    }

    fn enter(&mut self, verdict: &Verdict, side: Side) {
        let (own, peer) = ends(verdict, side);
        let key = Service {
            owner: own.addr,
            peer: peer.addr,
            port: verdict.server.port,
        };
        let spans = spans(verdict, side, self.time_wait);
        if !spans
            .iter()
            .any(|span| account::place(span.state).is_some())
        {
            return;
        }
        let grid = self.grid;
        self.changes += self.all.enter(verdict, side, &spans, grid);
        if let Some(account) = slot(&mut self.hosts, own.addr, HOSTS) {
            self.changes += account.enter(verdict, side, &spans, grid);
        } else {
            self.beyond += 1;
        }
        if let Some(account) = slot(&mut self.services, key, SERVICES) {
            self.changes += account.enter(verdict, side, &spans, grid);
        } else {
            self.beyond += 1;
        }
        if side == Side::Server && !verdict.time_wait.is_empty() {
            let key = (own.addr, own.port);
            if let Some(bind) = slot(&mut self.binds, key, SERVICES) {
                self.changes += bind.enter(&spans, grid);
            }
        }
    }

    fn enter_ports(&mut self, flow: &Flow, verdict: &Verdict) {
        let key = Space {
            client: verdict.client.addr,
            server: verdict.server.addr,
            port: verdict.server.port,
        };
        let spans = spans(verdict, Side::Client, self.time_wait);
        let Some(ports) = slot(&mut self.spaces, key, SERVICES) else {
            self.beyond += 1;
            return;
        };
        self.changes += ports.enter(flow, verdict, &spans, (self.settings.ports, self.grid));
    }

    /// Makes the grid coarser until half of the room is free.
    fn shrink(&mut self) {
        loop {
            self.changes = self.each_series(series::Series::settle);
            if self.changes <= self.settings.changes / 2 {
                self.most = self.settings.changes;
                return;
            }
            let Some((coarser, factor)) = self.grid.coarser() else {
                // As coarse as can be. To sort them all for every flow would take for ever.
                self.most = self.settings.changes.max(self.changes.saturating_mul(2));
                return;
            };
            self.grid = coarser;
            self.each_series(|series| series.coarsen(factor));
        }
    }

    /// Does something with every series; gives the sum.
    fn each_series(&mut self, mut with: impl FnMut(&mut series::Series) -> usize) -> usize {
        let accounts = self.hosts.values_mut().chain(self.services.values_mut());
        let accounts = accounts.chain([&mut self.all]);
        let mut sum: usize = accounts.map(|account| with(&mut account.series)).sum();
        sum += { self.spaces.values_mut() }
            .map(|ports| with(&mut ports.series))
            .sum::<usize>();
        sum + { self.binds.values_mut() }
            .map(|bind| with(&mut bind.series))
            .sum::<usize>()
    }
}

/// The end of a side, and its peer's.
const fn ends(verdict: &Verdict, side: Side) -> (&Endpoint, &Endpoint) {
    match side {
        Side::Client => (&verdict.client, &verdict.server),
        Side::Server => (&verdict.server, &verdict.client),
    }
}

/// The value of a key, a new one if there is room.
fn slot<K: Eq + Hash, V: Default>(
    map: &mut HashMap<K, V, RandomState>,
    key: K,
    most: usize,
) -> Option<&mut V> {
    if map.len() >= most && !map.contains_key(&key) {
        return None;
    }
    Some(map.entry(key).or_default())
}
