//! Numbers for the networks that VLANs and tunnels make: equal addresses in two of them are two hosts.

use super::Layers;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// The number of all the networks for which there was no other left.
const OTHERS: u16 = u16::MAX;

/// What makes a network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// VLANs do.
    pub(crate) vlan: bool,
    /// Tunnels do.
    pub(crate) tunnel: bool,
}

/// The networks seen so far, by number, from 1; 0 is that of packets without VLAN and tunnel.
#[derive(Debug, Default)]
pub(crate) struct Domains {
    keys: Keys,
    numbers: HashMap<Layers, u16, RandomState>,
    layers: Vec<Layers>,
}

impl Domains {
    pub(crate) fn new(keys: Keys) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// How many networks have a number.
    pub(crate) const fn count(&self) -> usize {
        self.layers.len()
    }

    /// The number of the network of a packet that came through these.
    #[inline]
    pub(crate) fn number(&mut self, layers: &Layers) -> u16 {
        if self.keys == Keys::default() {
            return 0;
        }
        let layers = layers.only(self.keys);
        if layers == Layers::default() {
            return 0;
        }
        self.number_of(layers)
    }

    #[inline(never)]
    fn number_of(&mut self, layers: Layers) -> u16 {
        if let Some(number) = self.numbers.get(&layers) {
            return *number;
        }
        let number = u16::try_from(self.layers.len() + 1).unwrap_or(OTHERS);
        if number == OTHERS {
            return OTHERS;
        }
        self.layers.push(layers);
        self.numbers.insert(layers, number);
        number
    }

    /// What makes the network of this number; nothing that of all others.
    pub(crate) fn layers(&self, number: u16) -> Layers {
        let at = usize::from(number).checked_sub(1);
        let layers = at.and_then(|at| self.layers.get(at));
        layers.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Domains, Keys, OTHERS};
    use crate::packet::{Layers, TunnelKind};

    fn both() -> Layers {
        let mut layers = Layers::default();
        layers.add_vlan(7);
        layers.add_tunnel(TunnelKind::Vxlan, 5000);
        layers
    }

    #[test]
    fn only_what_was_asked_for_makes_a_network() {
        let (vlan, tunnel) = (true, true);
        let none = Domains::new(Keys::default()).number(&both());
        assert_eq!(none, 0);
        for keys in [
            Keys {
                vlan,
                ..Keys::default()
            },
            Keys {
                tunnel,
                ..Keys::default()
            },
            Keys { vlan, tunnel },
        ] {
            let mut domains = Domains::new(keys);
            assert_eq!(domains.number(&Layers::default()), 0);
            assert_eq!((domains.number(&both()), domains.number(&both())), (1, 1));
            let layers = domains.layers(1);
            assert_eq!(layers.vlans().count(), usize::from(keys.vlan));
            assert_eq!(layers.tunnels().count(), usize::from(keys.tunnel));
        }
    }

    #[test]
    fn there_is_an_end_to_the_numbers() {
        let mut domains = Domains::new(Keys {
            vlan: false,
            tunnel: true,
        });
        let mut number = |id| {
            let mut layers = Layers::default();
            layers.add_tunnel(TunnelKind::Gre, id);
            domains.number(&layers)
        };
        let numbers: Vec<u16> = (0..70_000).map(&mut number).collect();
        assert_eq!(numbers[..65_534], (1..OTHERS).collect::<Vec<_>>());
        assert!(numbers[65_534..].iter().all(|&n| n == OTHERS));
        assert_eq!(number(3), 4);
        assert_eq!(domains.layers(OTHERS), Layers::default());
        assert_eq!(domains.layers(0), Layers::default());
    }
}
