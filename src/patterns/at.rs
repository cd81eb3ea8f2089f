//! Where a service is, as tables look it up.

use crate::close::verdict::Endpoint;
use crate::flow::Flow;
use std::net::{IpAddr, Ipv6Addr};

/// An address in two words, which are hashed and compared at once; IPv4 as `::ffff:a.b.c.d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Addr(u64, u64);

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct At {
    pub(super) addr: Addr,
    port: u16,
}

impl Addr {
    const fn new(addr: Ipv6Addr) -> Self {
        let bits = addr.to_bits();
        Self((bits >> u64::BITS) as u64, bits as u64)
    }

    /// As it is written.
    pub(super) fn ip(self) -> IpAddr {
        let bits = u128::from(self.0) << u64::BITS | u128::from(self.1);
        let addr = Ipv6Addr::from_bits(bits);
        addr.to_ipv4_mapped().map_or(IpAddr::V6(addr), IpAddr::V4)
    }
}

impl At {
    /// One end of a flow.
    pub(super) fn end(flow: &Flow, end: u8) -> Self {
        let end = &flow.key.ends[usize::from(end & 1)];
        Self {
            addr: Addr::new(end.addr.into()),
            port: end.port,
        }
    }

    /// As it is written.
    pub(super) fn endpoint(self) -> Endpoint {
        Endpoint {
            addr: self.addr.ip(),
            port: self.port,
        }
    }
}

impl From<Endpoint> for At {
    fn from(at: Endpoint) -> Self {
        let addr = match at.addr {
            IpAddr::V4(addr) => addr.to_ipv6_mapped(),
            IpAddr::V6(addr) => addr,
        };
        Self {
            addr: Addr::new(addr),
            port: at.port,
        }
    }
}
