//! The Community ID, by which rows of several network monitors are joined: version 1 of
//! <https://github.com/corelight/community-id-spec>, seed 0.

use crate::close::verdict::Endpoint;
use data_encoding::BASE64;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha1::{Digest, Sha1};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// IP's number of TCP.
const TCP: u8 = 6;
/// Seed, two addresses, protocol and padding, two ports.
const MOST: usize = 2 + 2 * 16 + 2 + 2 * 2;

/// The Community ID of a TCP connection: the same for all connections of two ends, whoever opened
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CommunityId {
    /// SHA-1 of the ends.
    digest: [u8; 20],
}

impl CommunityId {
    /// What stands before the digest: the version.
    pub(crate) const VERSION: &str = "1:";
    /// Characters of the digest in Base64.
    pub(crate) const LEN: usize = 28;

    /// The ID of the connections between two ends.
    #[must_use]
    pub fn of(a: Endpoint, b: Endpoint) -> Self {
        let (low, high) = if (a.addr, a.port) <= (b.addr, b.port) {
            (a, b)
        } else {
            (b, a)
        };
        let mut tuple = Tuple::default();
        tuple.push(&[0, 0]);
        tuple.address(low.addr);
        tuple.address(high.addr);
        tuple.push(&[TCP, 0]);
        tuple.push(&low.port.to_be_bytes());
        tuple.push(&high.port.to_be_bytes());
        let digest = Sha1::digest(tuple.bytes()).into();
        Self { digest }
    }

    /// The digest in Base64.
    pub(crate) fn base64(&self) -> [u8; Self::LEN] {
        let mut text = [0; Self::LEN];
        BASE64.encode_mut(&self.digest, &mut text);
        text
    }
}

/// What is hashed, in network byte order.
struct Tuple {
    bytes: [u8; MOST],
    len: usize,
}

impl Default for Tuple {
    fn default() -> Self {
        Self {
            bytes: [0; MOST],
            len: 0,
        }
    }
}

impl Tuple {
    fn push(&mut self, part: &[u8]) {
        let end = self.len + part.len();
        if let Some(to) = self.bytes.get_mut(self.len..end) {
            to.copy_from_slice(part);
            self.len = end;
        }
    }

    fn address(&mut self, addr: IpAddr) {
        match addr {
            IpAddr::V4(addr) => self.push(&addr.octets()),
            IpAddr::V6(addr) => self.push(&addr.octets()),
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Display for CommunityId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = self.base64();
        f.write_str(Self::VERSION)?;
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

/// What is no Community ID of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a Community ID of version 1: `1:` and 28 characters of Base64")]
pub struct NotACommunityId;

impl FromStr for CommunityId {
    type Err = NotACommunityId;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, NotACommunityId> {
        let text = text.strip_prefix(Self::VERSION).ok_or(NotACommunityId)?;
        // Room for what 28 characters hold without padding.
        let mut bytes = [0; 21];
        if text.len() != Self::LEN {
            return Err(NotACommunityId);
        }
        let len = BASE64.decode_mut(text.as_bytes(), &mut bytes);
        let len = len.map_err(|_| NotACommunityId)?;
        let digest = bytes.get(..len).and_then(|digest| digest.try_into().ok());
        let digest = digest.ok_or(NotACommunityId)?;
        Ok(Self { digest })
    }
}

impl Serialize for CommunityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CommunityId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{CommunityId, NotACommunityId};
    use crate::close::verdict::Endpoint;

    fn of(a: (&str, u16), b: (&str, u16)) -> String {
        let end = |(addr, port): (&str, u16)| Endpoint {
            addr: addr.parse().unwrap(),
            port,
        };
        CommunityId::of(end(a), end(b)).to_string()
    }

    /// The TCP rows of the specification's `baseline/baseline_deflt.json`.
    #[test]
    fn the_published_vectors() {
        let rows = [
            (
                ("128.232.110.120", 34855),
                ("66.35.250.204", 80),
                "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            ),
            (
                ("2001:470:e5bf:dead:4957:2174:e82c:4887", 63943),
                ("2607:f8b0:400c:c03::1a", 25),
                "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
            ),
        ];
        for (a, b, expected) in rows {
            assert_eq!(of(a, b), expected);
            assert_eq!(of(b, a), expected);
        }
    }

    /// Worked out with Python's hashlib and base64: the ports decide between equal addresses.
    #[test]
    fn the_ports_decide_between_equal_addresses() {
        let (low, high) = (("127.0.0.1", 80), ("127.0.0.1", 40000));
        assert_eq!(of(low, high), "1:5rFr+y3i0wpQbEhThSaj08U8BaE=");
        assert_eq!(of(high, low), of(low, high));
    }

    #[test]
    fn is_read_as_it_is_written() {
        let text = "1:LQU9qZlK+B5F3KDmev6m5PMibrg=";
        let id: CommunityId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_value(id).unwrap(), text);
        assert_eq!(serde_json::from_value(text.into()).ok(), Some(id));
        for wrong in [
            "",
            "1:",
            "2:LQU9qZlK+B5F3KDmev6m5PMibrg=",
            "1:LQU9qZlK+B5F3KDmev6m5PMibrgA",
            "1:LQU9qZlK+B5F3KDmev6m5PMibr==",
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg=A",
        ] {
            assert_eq!(
                wrong.parse::<CommunityId>(),
                Err(NotACommunityId),
                "{wrong}"
            );
        }
    }
}
