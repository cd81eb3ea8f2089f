//! Sentences of the report from words and numbers, without the general formatter: every flow has
//! two of them.

use crate::close::verdict::{Endpoint, Side};
use crate::stamp::triple;
use std::io::Write as _;
use std::net::IpAddr;

/// A part of a sentence.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// Words as they stand.
    T(&'a str),
    /// A number.
    N(u64),
    /// A side's name.
    S(Side),
    /// An address.
    A(&'a Endpoint),
}

/// The parts one after another.
pub(super) fn phrase(parts: &[Part]) -> String {
    // Bytes, looked through once at the end: a string would look through every number.
    let mut out = Vec::with_capacity(192);
    for part in parts {
        match *part {
            Part::T(text) => out.extend_from_slice(text.as_bytes()),
            Part::N(number) => push_number(&mut out, number),
            Part::S(side) => out.extend_from_slice(side.name().as_bytes()),
            Part::A(end) => push_address(&mut out, end.addr),
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

fn push_address(out: &mut Vec<u8>, addr: IpAddr) {
    match addr {
        IpAddr::V4(v4) => {
            for (i, octet) in v4.octets().into_iter().enumerate() {
                if i > 0 {
                    out.push(b'.');
                }
                push_number(out, u64::from(octet));
            }
        }
        // Writing to memory cannot fail.
        IpAddr::V6(v6) => write!(out, "{v6}").unwrap_or_default(),
    }
}

/// Three digits at a time from a table, as a block of fixed size that is cut to length: less work
/// than a copy of varying length.
fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut first = usize::from(number < 10) + usize::from(number < 100);
    if number >= 1000 {
        push_number(out, number / 1000);
        first = 0;
    }
    let end = out.len() + 3 - first;
    let digits = (triple(number % 1000) as u32) >> (8 * first);
    out.extend_from_slice(&digits.to_le_bytes());
    out.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::Part::{A, N, S, T};
    use super::phrase;
    use crate::close::verdict::{Endpoint, Side};

    #[test]
    fn parts_read_as_the_general_formatter_writes_them() {
        let end = |addr: &str| Endpoint {
            addr: addr.parse().unwrap(),
            port: 80,
        };
        let (v4, v6) = (end("192.0.2.10"), end("2001:db8::1"));
        let text = phrase(&[
            T("the "),
            S(Side::Server),
            T(" at "),
            A(&v4),
            T(", "),
            A(&v6),
        ]);
        assert_eq!(text, "the server at 192.0.2.10, 2001:db8::1");
        for number in [0, 7, 10, 65_535, u64::MAX] {
            assert_eq!(phrase(&[N(number)]), number.to_string());
        }
    }
}
