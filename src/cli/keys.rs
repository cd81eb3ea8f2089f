//! What is part of a connection's key besides addresses and ports.

use whoclosed::Options;

/// What keeps equal addresses apart.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Keys {
    /// Keep equal addresses in different VLANs apart
    ///
    /// All tags of a packet count, those inside of tunnels too. Not for a capture that holds one
    /// direction tagged and the other one untagged.
    #[arg(long)]
    key_vlan: bool,

    /// Keep equal addresses in different tunnels apart
    ///
    /// By the numbers that are the same in both directions: the network of VXLAN and Geneve, the key
    /// of GRE, the session of ERSPAN and `PPPoE`. The outer addresses, GTP-U's endpoints, PPTP's calls
    /// and MPLS labels differ by direction or by path and do not count.
    #[arg(long)]
    key_tunnel: bool,
}

impl Keys {
    /// Asks for them.
    pub(crate) const fn apply(self, options: &mut Options) {
        options.key_vlan = self.key_vlan;
        options.key_tunnel = self.key_tunnel;
    }
}
