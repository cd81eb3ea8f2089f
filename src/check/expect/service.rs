//! Which flows are of one service: those to one address and port, or to what somebody made of that.

use crate::close::verdict::Endpoint;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A server's address and port. `*` stands for any: `*:8080`, `10.0.0.2:*`, `*:*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Service {
    /// The address, if it matters. What is exact stands first.
    addr: Any<IpAddr>,
    port: Any<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Any<T> {
    Exactly(T),
    Any,
}

impl<T: PartialEq> Any<T> {
    fn holds(&self, value: &T) -> bool {
        match self {
            Self::Exactly(known) => known == value,
            Self::Any => true,
        }
    }
}

impl Service {
    /// The service at this address and port.
    #[must_use]
    pub const fn at(server: Endpoint) -> Self {
        Self {
            addr: Any::Exactly(server.addr),
            port: Any::Exactly(server.port),
        }
    }

    /// It is one address and port.
    pub(super) const fn is_exact(&self) -> bool {
        matches!((self.addr, self.port), (Any::Exactly(_), Any::Exactly(_)))
    }

    /// Flows to there are its flows.
    #[must_use]
    pub fn holds(&self, server: Endpoint) -> bool {
        self.addr.holds(&server.addr) && self.port.holds(&server.port)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.addr {
            Any::Exactly(IpAddr::V4(addr)) => write!(f, "{addr}:")?,
            Any::Exactly(IpAddr::V6(addr)) => write!(f, "[{addr}]:")?,
            Any::Any => f.write_str("*:")?,
        }
        match self.port {
            Any::Exactly(port) => port.fmt(f),
            Any::Any => f.write_str("*"),
        }
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail =
            || format!("{text:?}: expected ADDRESS:PORT; * stands for any, as in \"*:8080\"");
        let (addr, port) = text.rsplit_once(':').ok_or_else(fail)?;
        let addr = match addr
            .strip_prefix('[')
            .and_then(|addr| addr.strip_suffix(']'))
        {
            Some(v6) => Any::Exactly(IpAddr::V6(v6.parse().map_err(|_| fail())?)),
            None if addr == "*" => Any::Any,
            None => Any::Exactly(IpAddr::V4(addr.parse().map_err(|_| fail())?)),
        };
        let port = match port {
            "*" => Any::Any,
            _ => Any::Exactly(port.parse().map_err(|_| fail())?),
        };
        Ok(Self { addr, port })
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Service;

    #[test]
    fn services_are_read_as_they_are_written() {
        for text in [
            "10.0.0.2:80",
            "[2001:db8::1]:443",
            "*:80",
            "10.0.0.2:*",
            "[::]:*",
            "*:*",
        ] {
            assert_eq!(text.parse::<Service>().expect(text).to_string(), text);
        }
        for text in [
            "",
            "80",
            "10.0.0.2",
            "10.0.0.2:65536",
            "::1:80",
            "[10.0.0.1]:80",
            "a:80",
            ":",
        ] {
            let error = text.parse::<Service>().expect_err(text);
            assert!(error.contains("expected ADDRESS:PORT"), "{error}");
        }
    }

    #[test]
    fn what_is_exact_stands_before_what_is_not() {
        let mut all = ["*:*", "*:80", "10.0.0.2:*", "10.0.0.2:80"];
        all.sort_by_key(|text| text.parse::<Service>().expect("a service"));
        assert_eq!(all, ["10.0.0.2:80", "10.0.0.2:*", "*:80", "*:*"]);
    }
}
