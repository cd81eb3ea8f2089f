//! An end of a listed socket: `10.0.0.1:80`, `[::1]:80`, `*.80`, `10.xx.xx.26:http`.

use crate::close::verdict::Endpoint;
use serde::{Serialize, Serializer};
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// An address and a port as a list shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The address.
    pub host: Host,
    /// The port.
    pub port: Port,
}

/// An address in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Any: `*`, `0.0.0.0`, `::`.
    Any,
    /// An IPv4 or IPv6 address; one that is IPv4 in IPv6 is IPv4.
    Addr(IpAddr),
    /// A name, or an address of which parts are masked.
    Other(String),
}

/// A port in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// Any: `*`.
    Any,
    /// A number, or the name of a service that everybody knows.
    Number(u16),
    /// Another name, or a masked one.
    Other(String),
}

impl End {
    /// Reads an end; true with it where a dot stands before the port, as BSD and macOS write.
    pub(super) fn parse(text: &str) -> Option<(Self, bool)> {
        let ports = |at| text.split_at_checked(at).filter(|(host, _)| is_host(host));
        let colon = text.rfind(':').and_then(ports);
        let colon = colon.and_then(|(host, port)| Self::of(host, port.get(1..)?));
        if let Some(end) = colon {
            return Some((end, false));
        }
        let (host, port) = text.rfind('.').and_then(ports)?;
        Some((Self::of(host, port.get(1..)?)?, true))
    }

    fn of(host: &str, port: &str) -> Option<Self> {
        let (host, port) = (Host::of(host), Port::of(port)?);
        Some(Self { host, port })
    }

    /// Address and port, where the list shows both.
    pub fn endpoint(&self) -> Option<Endpoint> {
        match (&self.host, &self.port) {
            (Host::Addr(addr), Port::Number(port)) => Some(Endpoint {
                addr: *addr,
                port: *port,
            }),
            _ => None,
        }
    }

    /// What it shows, ready to be compared with many.
    pub(super) fn shape(&self) -> Shape {
        let port = match self.port {
            Port::Number(port) => Some(port),
            Port::Any | Port::Other(_) => None,
        };
        let host = match &self.host {
            Host::Any => Shown::Nothing,
            Host::Addr(addr) => Shown::Addr(*addr),
            Host::Other(text) => Shown::of(text),
        };
        Shape { host, port }
    }
}

/// What a list shows of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    host: Shown,
    port: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Shown {
    Nothing,
    Addr(IpAddr),
    Loopback,
    /// Some bits of an IPv4 address, and which.
    Bits {
        bits: u32,
        mask: u32,
    },
}

impl Shape {
    /// Nothing of it speaks against that end.
    pub(super) fn fits(self, end: Endpoint) -> bool {
        self.port.is_none_or(|port| port == end.port)
            && match (self.host, end.addr) {
                (Shown::Nothing, _) | (Shown::Bits { .. }, IpAddr::V6(_)) => true,
                (Shown::Addr(addr), other) => addr == other,
                (Shown::Loopback, addr) => addr.is_loopback(),
                (Shown::Bits { bits, mask }, IpAddr::V4(addr)) => addr.to_bits() & mask == bits,
            }
    }
}

impl Shown {
    /// Of a masked address the octets that it shows; of names only that of the host itself says
    /// something.
    fn of(text: &str) -> Self {
        if matches!(text, "localhost" | "ip6-localhost") {
            return Self::Loopback;
        }
        if text.split('.').count() != 4 {
            return Self::Nothing;
        }
        let (mut bits, mut mask) = (0, 0);
        for octet in text.split('.').map(str::parse::<u8>) {
            bits = bits << 8 | octet.clone().map_or(0, u32::from);
            mask = mask << 8 | octet.map_or(0, |_| 0xff);
        }
        Self::Bits { bits, mask }
    }
}

/// What an address or a name may be written with, and masks.
fn is_host(text: &str) -> bool {
    let written = |c: char| c.is_alphanumeric() || ".-_:*%[]?#".contains(c);
    text.chars().all(written) && text.len() <= 255
}

impl Host {
    fn of(text: &str) -> Self {
        let bare: String = text.chars().filter(|c| !matches!(c, '[' | ']')).collect();
        // The interface: of the address, or the one that the socket is bound to.
        let bare = bare.split('%').next().unwrap_or_default();
        match bare.parse::<IpAddr>() {
            Ok(addr) if addr.is_unspecified() => Self::Any,
            Ok(addr) => Self::Addr(addr.to_canonical()),
            // `:` of `:::80`, whose last colon belongs to the port.
            Err(_) if matches!(bare, "" | "*" | ":") => Self::Any,
            Err(_) => Self::Other(bare.to_owned()),
        }
    }
}

impl Port {
    fn of(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().ok().map(Self::Number);
        }
        let known = SERVICES.iter().find(|(name, _)| *name == text);
        if let Some((_, port)) = known {
            return Some(Self::Number(*port));
        }
        let written = |c: char| c.is_alphanumeric() || "-_*+?#".contains(c);
        let is_name = text.chars().all(written) && text.len() <= 64;
        is_name.then(|| Self::Other(text.to_owned()))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match (&self.host, &self.port) {
            (Host::Addr(addr), Port::Number(port)) => SocketAddr::new(*addr, *port).to_string(),
            (Host::Addr(IpAddr::V6(addr)), port) => format!("[{addr}]:{port}"),
            (Host::Addr(addr), port) => format!("{addr}:{port}"),
            (Host::Any, port) => format!("*:{port}"),
            (Host::Other(name), port) => format!("{name}:{port}"),
        };
        f.pad(&text)
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Number(port) => port.fmt(f),
            Self::Other(name) => f.write_str(name),
        }
    }
}

impl Serialize for End {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Names of ports that lists show without -n (IANA's registry of service names).
const SERVICES: &[(&str, u16)] = &[
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("domain", 53),
    ("http", 80),
    ("kerberos", 88),
    ("pop3", 110),
    ("sunrpc", 111),
    ("imap", 143),
    ("imap2", 143),
    ("bgp", 179),
    ("ldap", 389),
    ("https", 443),
    ("microsoft-ds", 445),
    ("submissions", 465),
    ("submission", 587),
    ("ipp", 631),
    ("ldaps", 636),
    ("domain-s", 853),
    ("rsync", 873),
    ("imaps", 993),
    ("pop3s", 995),
    ("ms-sql-s", 1433),
    ("mqtt", 1883),
    ("nfs", 2049),
    ("mysql", 3306),
    ("ms-wbt-server", 3389),
    ("amqps", 5671),
    ("amqp", 5672),
    ("postgresql", 5432),
    ("redis", 6379),
    ("http-alt", 8080),
    ("webcache", 8080),
    ("git", 9418),
];

#[cfg(test)]
mod tests {
    use super::{End, Host, Port};
    use crate::close::verdict::Endpoint;

    fn end(text: &str) -> End {
        End::parse(text).expect("an end").0
    }

    #[test]
    fn every_way_to_write_an_end() {
        for (written, read, dotted) in [
            ("10.0.0.1:80", "10.0.0.1:80", false),
            ("10.0.0.1.80", "10.0.0.1:80", true),
            ("[::1]:80", "[::1]:80", false),
            ("::1:80", "[::1]:80", false),
            ("::1.80", "[::1]:80", true),
            ("2001:db8::2:80", "[2001:db8::2]:80", false),
            ("[fe80::1]%eth0:22", "[fe80::1]:22", false),
            ("fe80::1%lo0.22", "[fe80::1]:22", true),
            ("127.0.0.53%lo:53", "127.0.0.53:53", false),
            ("[::ffff:10.0.0.1]:80", "10.0.0.1:80", false),
            ("::ffff:10.0.0.1:80", "10.0.0.1:80", false),
            ("*:80", "*:80", false),
            ("*.*", "*:*", true),
            ("*:*", "*:*", false),
            ("0.0.0.0:*", "*:*", false),
            (":::*", "*:*", false),
            (":::80", "*:80", false),
            ("[::]:*", "*:*", false),
            ("10.xx.xx.26:somehost", "10.xx.xx.26:somehost", false),
            ("localhost.http", "localhost:80", true),
            ("web-1:https", "web-1:443", false),
        ] {
            let (end, dot) = End::parse(written).expect(written);
            assert_eq!((end.to_string().as_str(), dot), (read, dotted), "{written}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "-",
            "80",
            "a b:80",
            "timer:(on,1sec,0)",
            "1:65536",
            "users:((\"a\",1,2))",
        ] {
            assert_eq!(End::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_mask_lets_through_what_agrees_with_what_it_shows() {
        let at = |addr: &str, port| Endpoint {
            addr: addr.parse().expect("an address"),
            port,
        };
        let masked = end("10.xx.xx.26:8080");
        let fits = |text: &str, other| end(text).shape().fits(other);
        assert!(fits("10.xx.xx.26:8080", at("10.1.2.26", 8080)));
        assert!(!fits("10.xx.xx.26:8080", at("10.1.2.27", 8080)));
        assert!(!fits("10.xx.xx.26:8080", at("10.1.2.26", 8081)));
        assert!(fits("localhost:80", at("::1", 80)));
        assert!(!fits("localhost:80", at("10.0.0.1", 80)));
        assert!(fits("web:somehost", at("10.0.0.1", 9)));
        assert_eq!(masked.endpoint(), None);
        assert!(matches!(masked.host, Host::Other(_)));
        assert_eq!(end("*:*").port, Port::Any);
    }
}
