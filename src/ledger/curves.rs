//! The books as charts show them: time in slots, of each the most that was held.

use super::account::KEPT;
use super::series::Held;
use super::{Books, Ledger, PortUse, Space};
use crate::stamp::Time;
use std::net::IpAddr;

/// Slots of a chart.
const SLOTS: i64 = 160;
/// Hosts that are told apart.
const OWNERS: usize = 6;

/// How many sockets were held, slot by slot. Lists are empty where the capture takes no time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Curves {
    /// When each slot begins; the last is when the last slot is over, just behind the capture's end.
    pub bounds: Vec<Time>,
    /// The most at once in each slot, of all hosts together, by the place of the state in [`KEPT`].
    pub states: [Vec<u64>; KEPT.len()],
    /// The TIME-WAITs of those hosts that held most, each at the instants at which most of all were
    /// held: so the hosts and the others add up.
    pub owners: Vec<(IpAddr, Vec<u64>)>,
    /// Those of all other hosts.
    pub others: Vec<u64>,
}

impl Ledger {
    /// The curves of these books.
    pub fn curves(&self, books: &Books) -> Curves {
        let bounds = bounds(books.start, books.end);
        let held: [Held; KEPT.len()] =
            std::array::from_fn(|kept| self.all.held(kept, self.rooms.all.grid));
        let [waits, ..] = &held;
        let peaks = waits.peaks(&bounds);
        let mut others: Vec<u64> = peaks.iter().map(|peak| peak.count).collect();
        let hosts = books.hosts.iter().filter(|host| host.time_wait.peak > 0);
        let hosts = hosts.filter_map(|host| host.owner).take(OWNERS);
        let owners = hosts.map(|host| {
            let held = self.held(host, 0);
            let at = |time: Option<Time>| time.map_or(0, |time| held.at(time));
            let counts: Vec<u64> = peaks.iter().map(|peak| at(peak.time)).collect();
            for (other, count) in others.iter_mut().zip(&counts) {
                *other = other.saturating_sub(*count);
            }
            (host, counts)
        });
        Curves {
            owners: owners.collect(),
            states: held.map(|held| most(&held, &bounds)),
            others,
            bounds,
        }
    }

    /// The most ports in use at once in each slot between these bounds.
    pub fn port_curve(&self, ports: &PortUse, bounds: &[Time]) -> Vec<u64> {
        let key = Space {
            client: ports.client,
            server: ports.server.addr,
            port: ports.server.port,
        };
        let held = self.spaces.get(&key);
        let held = held.map(|ports| ports.series.held(&[0, 1], self.rooms.spaces.grid));
        most(&held.unwrap_or_default(), bounds)
    }
}

fn most(held: &Held, bounds: &[Time]) -> Vec<u64> {
    let peaks = held.peaks(bounds).into_iter();
    peaks.map(|peak| peak.count).collect()
}

/// Slots of equal length, none where there is no time between.
fn bounds(start: Time, end: Time) -> Vec<Time> {
    let length = i128::from(end.since(start));
    if length <= 0 {
        return Vec::new();
    }
    let slots = i128::from(SLOTS);
    let bound = |slot: i64| {
        let after = length * i128::from(slot) / slots;
        // The end belongs to the last slot.
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        start.plus(after.saturating_add(i64::from(slot == SLOTS)))
    };
    (0..=SLOTS).map(bound).collect()
}

#[cfg(test)]
mod tests {
    use super::bounds;
    use crate::stamp::Time;

    #[test]
    fn slots_cover_all_of_the_capture() {
        for length in [1, 7, 160, 161, 1_000_000_007, i64::MAX / 2] {
            let bounds = bounds(Time(5), Time(5 + length));
            assert_eq!(bounds.len(), 161);
            assert_eq!((bounds[0], bounds[160]), (Time(5), Time(6 + length)));
            assert!(bounds.is_sorted());
        }
        assert!(bounds(Time(5), Time(5)).is_empty());
    }
}
