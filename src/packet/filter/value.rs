//! Addresses, networks and ports as filters write them.

use super::{IPV4, Net};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The version of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    Net,
    Port,
    PortRange,
}

pub(super) fn address(text: &str) -> Result<(u128, Family), String> {
    if let Ok(addr) = text.parse::<Ipv4Addr>() {
        return Ok((IPV4 | u128::from(addr.to_bits()), Family::V4));
    }
    if let Ok(addr) = text.parse::<Ipv6Addr>() {
        return Ok((addr.to_bits(), Family::V6));
    }
    let hint = if text.bytes().all(|b| b.is_ascii_digit()) {
        "a number goes behind `port`"
    } else if text.contains('/') || short(text).is_some() {
        "a network goes behind `net`"
    } else {
        "names are not looked up"
    };
    Err(format!("`{text}` is no IPv4 or IPv6 address; {hint}"))
}

/// `A/LEN`, a whole address, or the first bytes of an IPv4 address.
pub(super) fn net(text: &str) -> Result<(Net, Family), String> {
    let (addr, len) = match text.split_once('/') {
        Some((addr, len)) => (addr, Some(len)),
        None => (text, None),
    };
    let short = short(addr);
    let (bits, family) = match short {
        Some((bits, _)) => (IPV4 | u128::from(bits), Family::V4),
        None => address(addr).map_err(|_| {
            format!("`{text}` is no network; expected 10.0.0.0/8, 10.1 or 2001:db8::/32")
        })?,
    };
    let most = if family == Family::V4 { 32 } else { 128 };
    let len = match (len, short) {
        (Some(len), _) => decimal(len).filter(|&len| len <= most),
        (None, Some((_, len))) => Some(len),
        (None, None) => Some(most),
    };
    let len = len.ok_or_else(|| format!("the length of a network is 0 to {most} bits"))?;
    let net = Net::new(bits, 128 - most + len);
    if bits & !net.mask != 0 {
        return Err(format!("`{text}` has bits behind the first {len}"));
    }
    Ok((net, family))
}

/// One to three bytes of an IPv4 address: its bits, and how many they are. Not of zeros alone, which
/// libpcap takes for a host.
fn short(text: &str) -> Option<(u32, u32)> {
    let (mut bits, mut len) = (0, 0);
    for part in text.split('.') {
        if len == 24 {
            return None;
        }
        let byte = decimal(part).filter(|&byte| byte < 256)?;
        bits |= byte << (24 - len);
        len += 8;
    }
    (bits != 0).then_some((bits, len))
}

pub(super) fn ports(text: &str, kind: Kind) -> Result<(u16, u16), String> {
    let port = |text| decimal(text).and_then(|port| u16::try_from(port).ok());
    if kind == Kind::Port {
        let port = port(text).map(|port| (port, port));
        return port.ok_or_else(|| {
            format!(
                "`{text}` is no port, 0 to 65535; names are not looked up, and a range goes behind \
                 `portrange`"
            )
        });
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let ports = port(first).zip(port(last));
    let (first, last) =
        ports.ok_or_else(|| format!("`{text}` is no range of ports as 8000-8080"))?;
    Ok((first.min(last), first.max(last)))
}

/// A decimal number. With a 0 before it, it would be octal in pcap-filter.
fn decimal(text: &str) -> Option<u32> {
    let is_plain =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}
