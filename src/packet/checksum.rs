//! The Internet checksum.

/// The sum of 16-bit numbers in ones' complement (RFC 1071).
pub(super) fn sum(bytes: &[u8]) -> u16 {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let pairs = pairs
        .iter()
        .map(|pair| u64::from(u16::from_be_bytes(*pair)));
    let rest = rest.iter().map(|&last| u64::from(last) << 8);
    fold(pairs.chain(rest).sum())
}

/// A sum with what was carried over added.
pub(super) const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16
}
