//! Networks: an address and how many of its bits count.

use std::net::IpAddr;

/// Addresses that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    addr: IpAddr,
    bits: u8,
}

impl Net {
    /// `192.0.2.0/24`, `2001:db8::/32`, or an address alone. An error says what is wrong, and what may
    /// be meant.
    pub fn parse(text: &str) -> Result<Self, (&'static str, Option<String>)> {
        const EXPECTED: &str = "expected an address, or a network such as 10.0.0.0/8";
        let (addr, bits) = match text.split_once('/') {
            Some((addr, bits)) => (addr, Some(bits)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| (EXPECTED, None))?;
        let most = width(addr);
        let digits = |bits: &&str| !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
        let bits = match bits {
            None => Some(most),
            Some(bits) => Some(bits).filter(digits).and_then(|b| b.parse().ok()),
        };
        let bits = bits.filter(|bits| *bits <= most).ok_or((
            "expected 0 to 32 bits of an IPv4 address, 0 to 128 of an IPv6 address",
            None,
        ))?;
        let first = masked(addr, bits);
        if first != addr {
            let meant = Some(format!("{first}/{bits}"));
            return Err(("bits beyond the network are set", meant));
        }
        let canonical = addr.to_canonical();
        let bits = bits.saturating_sub(most - width(canonical));
        Ok(Self {
            addr: canonical,
            bits,
        })
    }

    /// The address is in it.
    pub fn has(self, addr: IpAddr) -> bool {
        let addr = addr.to_canonical();
        width(addr) == width(self.addr) && masked(addr, self.bits) == self.addr
    }
}

const fn width(addr: IpAddr) -> u8 {
    match addr {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// The address with only its first bits.
fn masked(addr: IpAddr, bits: u8) -> IpAddr {
    match addr {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            std::net::Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            std::net::Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Net;

    #[test]
    fn a_network_has_its_addresses_alone() {
        let net = |text| Net::parse(text).unwrap();
        let has = |text, addr: &str| net(text).has(addr.parse().unwrap());
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("0.0.0.0/0", "192.0.2.1") && !has("0.0.0.0/0", "2001:db8::1"));
        assert!(has("192.0.2.1", "192.0.2.1") && !has("192.0.2.1", "192.0.2.2"));
        assert!(has("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(has("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(has("2001:db8::/32", "2001:db8:1::1") && !has("2001:db8::/32", "2001:db9::"));
        assert!(has("::/0", "2001:db8::1"));
    }

    #[test]
    fn what_is_no_network_is_told() {
        for text in [
            "",
            "10",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "::/129",
            "a.b",
            "/8",
        ] {
            assert!(Net::parse(text).is_err(), "{text}");
        }
        let (_, meant) = Net::parse("10.1.2.3/8").unwrap_err();
        assert_eq!(meant.unwrap(), "10.0.0.0/8");
    }
}
