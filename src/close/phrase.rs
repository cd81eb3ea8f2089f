//! Sentences of the report from words and numbers, without the general formatter: every flow has
//! two of them.

use crate::close::verdict::{Endpoint, Side};
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

fn push_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    while let Some(last) = at.checked_sub(2).filter(|_| number >= 10) {
        let pair = (number % 100) as u8;
        digits[last] = b'0' + pair / 10;
        digits[last + 1] = b'0' + pair % 10;
        at = last;
        number /= 100;
    }
    if number > 0 || at == digits.len() {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    out.extend_from_slice(&digits[at..]);
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
