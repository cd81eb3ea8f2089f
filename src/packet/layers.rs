//! The VLANs and tunnels that a packet came through: what tells equal addresses of different networks
//! apart.

use super::Keys;

/// Tags and tunnels kept of a packet, each; those further inside are left out.
const KEPT: usize = 4;

/// A kind of tunnel whose number is the same in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TunnelKind {
    /// VXLAN (RFC 7348), by its network identifier.
    Vxlan,
    /// Geneve (RFC 8926), by its network identifier.
    Geneve,
    /// GRE (RFC 2890), by its key.
    Gre,
    /// ERSPAN, by its session.
    Erspan,
    /// `PPPoE` (RFC 2516), by its session.
    Pppoe,
}

impl TunnelKind {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Erspan => "erspan",
            Self::Pppoe => "pppoe",
        }
    }
}

/// A tunnel and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tunnel {
    /// What kind it is.
    pub kind: TunnelKind,
    /// Its number.
    pub id: u32,
}

/// The VLANs and tunnels that a packet came through, outermost first; at most four of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layers {
    /// 0, which is no VLAN, behind the last one.
    vlans: [u16; KEPT],
    tunnels: [Option<Tunnel>; KEPT],
}

impl Layers {
    /// The VLANs' numbers.
    pub fn vlans(&self) -> impl Iterator<Item = u16> {
        self.vlans.into_iter().take_while(|&vlan| vlan != 0)
    }

    /// The tunnels.
    pub fn tunnels(&self) -> impl Iterator<Item = Tunnel> {
        self.tunnels.into_iter().flatten()
    }

    /// Of these only what counts.
    pub(super) const fn only(mut self, keys: Keys) -> Self {
        if !keys.vlan {
            self.vlans = [0; KEPT];
        }
        if !keys.tunnel {
            self.tunnels = [None; KEPT];
        }
        self
    }

    /// It came through this VLAN; number 0 is a priority without a VLAN (IEEE 802.1Q).
    #[inline]
    pub(super) fn add_vlan(&mut self, vlan: u16) {
        if let Some(free) = self.vlans.iter_mut().find(|vlan| **vlan == 0) {
            *free = vlan;
        }
    }

    /// It came through this tunnel.
    pub(super) fn add_tunnel(&mut self, kind: TunnelKind, id: u32) {
        if let Some(free) = self.tunnels.iter_mut().find(|tunnel| tunnel.is_none()) {
            *free = Some(Tunnel { kind, id });
        }
    }
}
