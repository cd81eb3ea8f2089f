//! The network of a flow, where that is part of its key.

use crate::close::verdict::Verdict;
use crate::report::printable;

/// The VLANs and tunnels that are part of the flow's key.
pub(super) fn network(verdict: &Verdict) -> Option<String> {
    let vlans = verdict.vlan.iter().flatten();
    let vlans = vlans.map(|vlan| format!("VLAN {vlan}"));
    let tunnels = verdict.tunnel.iter().flatten();
    let tunnels = tunnels.map(|tunnel| format!("{} {}", printable(&tunnel.kind), tunnel.id));
    let all: Vec<String> = vlans.chain(tunnels).collect();
    (!all.is_empty()).then(|| format!("in {}", all.join(", ")))
}
