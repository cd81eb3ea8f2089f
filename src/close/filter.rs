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

/// What a term of a filter compares with.
#[derive(Clone, Copy, Debug)]
pub enum Operand {
    /// An address.
    Address(IpAddr),
    /// A port or a frame number.
    Number(u64),
}

impl WiresharkFilter {
    /// The terms as they follow one another: the text before each value, and the value.
    #[inline]
    pub fn terms(&self) -> [(&'static str, Operand); 6] {
        use Operand::{Address, Number};
        let ([client, server], [from, to], [first, last]) = (self.addrs, self.ports, self.frames);
        let [ip, and_ip] = match client {
            IpAddr::V4(_) => ["ip.addr == ", " && ip.addr == "],
            IpAddr::V6(_) => ["ipv6.addr == ", " && ipv6.addr == "],
        };
        [
            (ip, Address(client)),
            (and_ip, Address(server)),
            (" && tcp.port == ", Number(from.into())),
            (" && tcp.port == ", Number(to.into())),
            (" && frame.number >= ", Number(first)),
            (" && frame.number <= ", Number(last)),
        ]
    }
}

impl fmt::Display for WiresharkFilter {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.terms()
            .iter()
            .try_for_each(|(before, value)| match value {
                Operand::Address(addr) => write!(f, "{before}{addr}"),
                Operand::Number(number) => write!(f, "{before}{number}"),
            })
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
