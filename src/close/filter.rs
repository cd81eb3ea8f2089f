//! A display filter of Wireshark, as its parts: a report of a million flows writes one for each.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Addresses, ports and frame range: what Wireshark shows of one incarnation of a connection alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WiresharkFilter {
    /// The client's address, then the server's.
    pub addrs: [IpAddr; 2],
    /// Their ports.
    pub ports: [u16; 2],
    /// The first frame and the last one.
    pub frames: [u64; 2],
}

impl WiresharkFilter {
    /// The words before each value: the addresses, the ports, the frames. Of IPv4.
    pub(crate) const IPV4: [&str; 6] = Self::words("ip.addr == ", " && ip.addr == ");
    /// Of IPv6.
    pub(crate) const IPV6: [&str; 6] = Self::words("ipv6.addr == ", " && ipv6.addr == ");

    const fn words(ip: &'static str, and_ip: &'static str) -> [&'static str; 6] {
        let (port, from, to) = (
            " && tcp.port == ",
            " && frame.number >= ",
            " && frame.number <= ",
        );
        [ip, and_ip, port, port, from, to]
    }
}

impl fmt::Display for WiresharkFilter {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ([client, server], [from, to], [first, last]) = (self.addrs, self.ports, self.frames);
        let [ip, and_ip, port, and_port, frame, and_frame] = match client {
            IpAddr::V4(_) => Self::IPV4,
            IpAddr::V6(_) => Self::IPV6,
        };
        write!(f, "{ip}{client}{and_ip}{server}{port}{from}{and_port}{to}")?;
        write!(f, "{frame}{first}{and_frame}{last}")
    }
}

/// What is not such a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a filter of two addresses, two ports and two frames")]
pub struct NotAFilter;

impl FromStr for WiresharkFilter {
    type Err = NotAFilter;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, NotAFilter> {
        fn value<T: FromStr>(term: Option<&str>) -> Result<T, NotAFilter> {
            let value = term.and_then(|term| term.rsplit(' ').next());
            value.and_then(|v| v.parse().ok()).ok_or(NotAFilter)
        }
        let mut terms = text.split(" && ");
        let filter = Self {
            addrs: [value(terms.next())?, value(terms.next())?],
            ports: [value(terms.next())?, value(terms.next())?],
            frames: [value(terms.next())?, value(terms.next())?],
        };
        let same = filter.to_string() == text;
        same.then_some(filter).ok_or(NotAFilter)
    }
}

impl Serialize for WiresharkFilter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WiresharkFilter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{NotAFilter, WiresharkFilter};

    #[test]
    fn is_read_as_it_is_written() {
        for (a, b) in [("192.0.2.1", "192.0.2.20"), ("2001:db8::1", "2001:db8::2")] {
            let filter = WiresharkFilter {
                addrs: [a.parse().unwrap(), b.parse().unwrap()],
                ports: [40000, 80],
                frames: [7, 12],
            };
            let text = filter.to_string();
            assert_eq!(text.parse(), Ok(filter));
            assert_eq!(serde_json::to_value(filter).unwrap(), text);
            assert_eq!(serde_json::from_value(text.into()).ok(), Some(filter));
        }
        for text in ["", "tcp.port == 80", "a && b && c && d && e && f"] {
            assert_eq!(text.parse::<WiresharkFilter>(), Err(NotAFilter));
        }
    }
}
