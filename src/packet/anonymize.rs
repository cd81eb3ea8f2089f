//! Addresses in the place of others, so that reports and captures can be shown to anybody.
//!
//! Prefixes are preserved: addresses of one network stay addresses of one network, as long a prefix as
//! they have in common they keep in common (`ipcrypt-pfx` of draft-denis-ipcrypt). Loopback addresses,
//! which are nobody's, stay themselves.

use super::{Quoted, Segment};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use ipcrypt_rs::IpcryptPfx;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// So many addresses are remembered; then they are computed anew.
const KNOWN: usize = 1 << 16;
/// 127.0.0.0/8, IPv4-mapped.
const LOOPBACK_V4: u128 = 0xffff_7f00_0000;
const LOOPBACK_V4_BITS: u32 = 96 + 8;
/// `::1`.
const LOOPBACK_V6: u128 = 1;
/// What makes of a MAC address a number that no IP address is: all of these are reserved.
const MAC: u128 = 0x0101_6d61_6361_6464_7200 << 48;
const MAC_BITS: u128 = (1 << 48) - 1;

/// What chooses the addresses: the same key, the same ones.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AnonymizeKey([u8; IpcryptPfx::KEY_BYTES]);

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It is not written as one.
    #[error("expected 64 hexadecimal digits (make some: openssl rand -hex 32)")]
    NotHex,
    /// Its halves must differ.
    #[error("its two halves are the same; such a key hides nothing")]
    EqualHalves,
    /// The system has no random numbers.
    #[error("the system gives no random numbers")]
    NoRandomness,
}

impl AnonymizeKey {
    /// The key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let (one, other) = bytes.split_at(16);
        if one == other {
            return Err(KeyError::EqualHalves);
        }
        Ok(Self(bytes))
    }

    /// A new one.
    pub fn random() -> Result<Self, KeyError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| KeyError::NoRandomness)?;
        Self::new(bytes)
    }
}

impl FromStr for AnonymizeKey {
    type Err = KeyError;

    /// Reads 64 hexadecimal digits, with `0x` before them or without.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        let mut bytes = [0; 32];
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(KeyError::NotHex);
        }
        for (byte, &[high, low]) in bytes.iter_mut().zip(pairs) {
            let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(KeyError::NotHex);
            *byte = (digit(high)? << 4 | digit(low)?) as u8;
        }
        Self::new(bytes)
    }
}

/// A key is never shown.
impl fmt::Debug for AnonymizeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnonymizeKey(..)")
    }
}

/// Gives addresses in the place of others.
pub struct Anonymizer {
    cipher: IpcryptPfx,
    v4: Mend,
    v6: Mend,
    known: HashMap<u128, u128, RandomState>,
}

/// Moves the numbers that begin with the first `bits` of `from` to those that begin with the first of
/// `to`, and the others out of the way, in steps that preserve prefixes.
struct Mend {
    from: u128,
    to: u128,
    bits: u32,
}

impl Mend {
    const fn apply(&self, number: u128) -> u128 {
        let common = (number ^ self.from).leading_zeros();
        let changed = if common < self.bits {
            common + 1
        } else {
            self.bits
        };
        number ^ ((self.from ^ self.to) & u128::MAX << (128 - changed))
    }
}

impl Anonymizer {
    /// Gives the addresses of a key.
    pub fn new(key: AnonymizeKey) -> Self {
        let cipher = IpcryptPfx::new(key.0);
        let mend = |to, bits| Mend {
            from: encrypt(&cipher, to),
            to,
            bits,
        };
        Self {
            v4: mend(LOOPBACK_V4, LOOPBACK_V4_BITS),
            v6: mend(LOOPBACK_V6, 128),
            known: HashMap::default(),
            cipher,
        }
    }

    /// The address in the place of this one, of the same family.
    pub fn address(&mut self, addr: IpAddr) -> IpAddr {
        match addr {
            IpAddr::V4(v4) => {
                let number = self.number(v4.to_ipv6_mapped().to_bits());
                Ipv4Addr::from_bits(number as u32).into()
            }
            IpAddr::V6(v6) => Ipv6Addr::from_bits(self.number(v6.to_bits())).into(),
        }
    }

    /// The same of an address as packets and segments have it.
    pub(super) fn v4(&mut self, addr: [u8; 4]) -> [u8; 4] {
        let number = self.number(super::ip::mapped(u32::from_be_bytes(addr)));
        (number as u32).to_be_bytes()
    }

    pub(super) fn v6(&mut self, addr: [u8; 16]) -> [u8; 16] {
        self.number(u128::from_be_bytes(addr)).to_be_bytes()
    }

    /// A MAC address in the place of this one, administered locally. That of loopback and the
    /// broadcast stay themselves. The first half byte is zero: behind MPLS others would be taken for
    /// the version of IP.
    pub(super) fn mac(&mut self, mac: [u8; 6]) -> [u8; 6] {
        const GROUP: u8 = 1;
        const LOCAL: u8 = 2;
        if mac == [0; 6] || mac == [0xff; 6] {
            return mac;
        }
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&mac);
        let number = self.number(MAC | u128::from(u64::from_be_bytes(bytes)));
        let [_, _, mut other @ ..] = ((number & MAC_BITS) as u64).to_be_bytes();
        other[0] = LOCAL | mac[0] & GROUP;
        other
    }

    /// Hides both ends of a segment.
    pub(crate) fn segment(&mut self, segment: &mut Segment) {
        for end in [&mut segment.src, &mut segment.dst] {
            end.addr = self.v6(end.addr);
        }
    }

    /// Hides whom an error is about and who reports it.
    pub(crate) fn quoted(&mut self, quoted: &mut Quoted) {
        for end in [&mut quoted.src, &mut quoted.dst, &mut quoted.reporter] {
            end.addr = self.v6(end.addr);
        }
    }

    fn number(&mut self, number: u128) -> u128 {
        if let Some(known) = self.known.get(&number) {
            return *known;
        }
        let found = self.compute(number);
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        self.known.insert(number, found);
        found
    }

    fn compute(&self, number: u128) -> u128 {
        if is_v4(number) {
            let below = 128 - LOOPBACK_V4_BITS;
            if number >> below == LOOPBACK_V4 >> below {
                return number;
            }
            return self.v4.apply(encrypt(&self.cipher, number));
        }
        self.v6.apply(encrypt(&self.cipher, number))
    }
}

const fn is_v4(number: u128) -> bool {
    number >> 32 == 0xffff
}

fn encrypt(cipher: &IpcryptPfx, number: u128) -> u128 {
    let addr = if is_v4(number) {
        IpAddr::V4(Ipv4Addr::from_bits(number as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from_bits(number))
    };
    match cipher.encrypt_ipaddr(addr) {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::{AnonymizeKey, Anonymizer, KeyError};
    use proptest::prelude::*;
    use std::collections::HashMap;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    fn anonymizer(seed: u64) -> Anonymizer {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        bytes[8] = 1;
        Anonymizer::new(AnonymizeKey::new(bytes).unwrap())
    }

    fn v4(bits: u32) -> IpAddr {
        Ipv4Addr::from_bits(bits).into()
    }

    fn v6(bits: u128) -> IpAddr {
        Ipv6Addr::from_bits(bits).into()
    }

    /// How many bits two addresses of one family have in common.
    fn common(a: IpAddr, b: IpAddr) -> u32 {
        match (a, b) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            _ => panic!("{a} and {b}"),
        }
    }

    proptest! {
        #[test]
        fn prefixes_are_preserved(
            seed: u64, a: u32, length in 0_u32..=32, b: u32, x: u128, long in 0_u32..=128, y: u128,
        ) {
            let mut anonymizer = anonymizer(seed);
            let near = a ^ b.checked_shr(length).unwrap_or(0);
            let [one, other] = [a, near].map(|bits| anonymizer.address(v4(bits)));
            prop_assert_eq!(common(one, other), common(v4(a), v4(near)));
            let near = x ^ y.checked_shr(long).unwrap_or(0);
            let [one, other] = [x, near].map(|bits| anonymizer.address(v6(bits)));
            prop_assert_eq!(common(one, other), common(v6(x), v6(near)));
        }

        #[test]
        fn loopback_stays_and_nothing_else_becomes_it(seed: u64, low in 0_u32..1 << 24, any: u32) {
            let mut anonymizer = anonymizer(seed);
            let loopback = v4(0x7f00_0000 | low);
            prop_assert_eq!(anonymizer.address(loopback), loopback);
            let is_loopback = anonymizer.address(v4(any)).is_loopback();
            prop_assert_eq!(is_loopback, v4(any).is_loopback());
            prop_assert_eq!(anonymizer.address(v6(1)), v6(1));
        }

        #[test]
        fn mac_addresses_stay_group_or_not_and_are_local(seed: u64, mac: [u8; 6]) {
            prop_assume!(mac != [0; 6] && mac != [0xff; 6]);
            let other = anonymizer(seed).mac(mac);
            prop_assert_eq!(other[0], mac[0] & 1 | 2);
        }
    }

    #[test]
    fn no_two_addresses_become_one_and_few_stay() {
        let mut anonymizer = anonymizer(5);
        let mut seen = HashMap::new();
        let mut stayed = 0;
        for low in 0..1 << 16 {
            let addr = v4(0x0a00_0000 | low);
            let other = anonymizer.address(addr);
            stayed += u32::from(other == addr);
            assert_eq!(seen.insert(other, addr), None);
        }
        assert_eq!(stayed, 0);
    }

    #[test]
    fn another_key_gives_other_addresses() {
        let addr = v4(0xc633_640a);
        let [one, other] = [1, 2].map(|seed| anonymizer(seed).address(addr));
        assert!(one != other && one != addr && other != addr);
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits() {
        let digits = "00112233445566778899aabbccddeeff0123456789ABCDEF0123456789abcdef";
        let key: AnonymizeKey = digits.parse().unwrap();
        assert_eq!(format!("0x{digits}").parse(), Ok(key));
        assert_eq!((key.0[1], key.0[31]), (0x11, 0xef));
        assert!(!format!("{key:?}").contains("17"));
        for wrong in ["", "0x", &digits[1..], "é", &digits.replace('7', "g")] {
            assert_eq!(wrong.parse::<AnonymizeKey>(), Err(KeyError::NotHex));
        }
        let equal = "ab".repeat(32).parse::<AnonymizeKey>();
        assert_eq!(equal, Err(KeyError::EqualHalves));
        assert!(AnonymizeKey::random().unwrap() != AnonymizeKey::random().unwrap());
    }
}
