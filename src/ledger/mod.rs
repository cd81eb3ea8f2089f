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
mod curves;
mod ports;
mod room;
mod series;
mod sockets;
mod spans;

pub use account::{Account, KEPT};
pub use binds::BindConflict;
pub(crate) use books::ROUND_TIMES;
pub use books::{Books, Entry, Point, Stay, TIME_WAIT_BYTES};
pub use curves::Curves;
pub use ports::{PortRange, PortUse};
pub use series::{Held, Peak};
pub use sockets::{Socket, sockets_at};
pub use spans::{Span, spans};

use crate::close::verdict::{Endpoint, Side, Verdict};
use crate::flow::Flow;
use binds::Bind;
use foldhash::fast::RandomState;
use ports::Ports;
use room::Room;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

/// How books are kept.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The ports that clients choose from.
    pub ports: PortRange,
    /// Changes kept at once, of 16 bytes each: half of them for hosts, three of 16 parts for services and
    /// for ports each, one for all together and for servers' ports. Beyond that the grid of these
    /// becomes coarser.
    pub changes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ports: PortRange::default(),
            changes: 1 << 24,
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
    rooms: Rooms,
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
            rooms: Rooms::new(settings.changes),
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

    /// Nanoseconds between the instants at which the numbers of hosts are exact; 1 while all changes are
    /// kept.
    pub const fn resolution(&self) -> i64 {
        self.rooms.hosts.grid.unit()
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
        account.map_or_else(Held::default, |account| {
            account.held(kept, self.rooms.hosts.grid)
        })
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
        self.fit();
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
        let rooms = &mut self.rooms;
        let room = &mut rooms.all;
        room.add(self.all.enter(verdict, side, &spans, room.grid));
        if let Some(account) = slot(&mut self.hosts, own.addr, HOSTS) {
            let room = &mut rooms.hosts;
            room.add(account.enter(verdict, side, &spans, room.grid));
        } else {
            self.beyond += 1;
        }
        if let Some(account) = slot(&mut self.services, key, SERVICES) {
            let room = &mut rooms.services;
            room.add(account.enter(verdict, side, &spans, room.grid));
        } else {
            self.beyond += 1;
        }
        if side == Side::Server && !verdict.time_wait.is_empty() {
            let key = (own.addr, own.port);
            if let Some(bind) = slot(&mut self.binds, key, SERVICES) {
                let room = &mut rooms.binds;
                room.add(bind.enter(&spans, room.grid));
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
        let room = &mut self.rooms.spaces;
        room.add(ports.enter(flow, verdict, &spans, (self.settings.ports, room.grid)));
    }

    /// Makes grids coarser where there are too many changes.
    fn fit(&mut self) {
        let rooms = &mut self.rooms;
        rooms.all.fit(|| [&mut self.all.series].into_iter());
        rooms
            .hosts
            .fit(|| self.hosts.values_mut().map(|account| &mut account.series));
        rooms.services.fit(|| {
            self.services
                .values_mut()
                .map(|account| &mut account.series)
        });
        rooms
            .spaces
            .fit(|| self.spaces.values_mut().map(|ports| &mut ports.series));
        rooms
            .binds
            .fit(|| self.binds.values_mut().map(|bind| &mut bind.series));
    }
}

/// The room of each kind of series.
#[derive(Clone, Debug)]
struct Rooms {
    all: Room,
    hosts: Room,
    services: Room,
    spaces: Room,
    binds: Room,
}

impl Rooms {
    fn new(changes: usize) -> Self {
        let part = |parts: usize| Room::new(changes.saturating_mul(parts) / 16);
        Self {
            all: part(1),
            hosts: part(8),
            services: part(3),
            spaces: part(3),
            binds: part(1),
        }
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
