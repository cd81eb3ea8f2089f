//! The lines of the report, and what their values are appended with.
//!
//! What takes fewest instructions for each: words and blocks of fixed size, cut to length.

use crate::stamp::{Rfc3339, Time, triple};
use serde_json::Value;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

/// Lines gathered in memory.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The text so far.
    pub(super) text: Vec<u8>,
    times: Rfc3339,
}

impl Lines {
    /// No lines, and room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let text = Vec::with_capacity(bytes);
        let times = Rfc3339::default();
        Self { text, times }
    }

    /// A text as it stands.
    #[inline]
    pub(super) fn raw(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    /// A text in quotes, with escapes where it needs them.
    pub(super) fn string(&mut self, text: &str) {
        if needs_escapes(text.as_bytes()) {
            self.raw(&Value::from(text).to_string());
        } else {
            self.quoted(text);
        }
    }

    /// A text in quotes that needs no escapes.
    #[inline]
    pub(super) fn quoted(&mut self, text: &str) {
        self.raw("\"");
        self.raw(text);
        self.raw("\"");
    }

    /// A text from a table.
    #[inline]
    pub(super) fn short(&mut self, text: &Short) {
        let end = self.text.len() + text.len;
        self.text.extend_from_slice(&text.block);
        self.text.truncate(end);
    }

    /// A time in quotes.
    #[inline]
    pub(super) fn time(&mut self, time: Time) {
        self.text.extend_from_slice(self.times.quoted(time));
    }

    /// An address.
    pub(super) fn address(&mut self, addr: IpAddr) {
        match addr {
            IpAddr::V4(addr) => self.ipv4(addr),
            // Writing to memory cannot fail.
            IpAddr::V6(addr) => write!(self.text, "{addr}").unwrap_or_default(),
        }
    }

    fn ipv4(&mut self, addr: Ipv4Addr) {
        for octet in addr.octets() {
            let (octet, dot) = (octet.into(), u64::from(b'.') << 24);
            self.word(triple(octet) | dot, zeros(octet), 4);
        }
        // Over the last dot.
        self.text.pop();
    }

    /// A number. Most sequence numbers and lengths of a close are relative and tiny.
    #[inline]
    pub(super) fn number(&mut self, number: u64) {
        if number < 10 {
            self.text.push(b'0' + number as u8);
        } else {
            self.triples(number);
        }
    }

    /// The characters of a word from the lowest byte, without the first so many, to `end`.
    #[inline]
    fn word(&mut self, word: u64, first: usize, end: usize) {
        let end = self.text.len() + end - first;
        let word = word >> (8 * first);
        self.text.extend_from_slice(&word.to_le_bytes());
        self.text.truncate(end);
    }

    fn triples(&mut self, number: u64) {
        let (high, low) = (number / 1000, number % 1000);
        match high {
            0 => self.word(triple(low), zeros(low), 3),
            1..1000 => self.word(triple(high) | triple(low) << 24, zeros(high), 6),
            _ => {
                self.triples(high);
                self.word(triple(low), 0, 3);
            }
        }
    }
}

/// How many zeros stand in front of a number below 1000 in its triple.
#[inline]
fn zeros(number: u64) -> usize {
    usize::from(number < 10) + usize::from(number < 100)
}

/// A text in a block of fixed size, with anything after it: to append the block and cut it is
/// less work than a copy of varying length.
#[derive(Clone, Copy)]
pub(super) struct Short {
    block: [u8; Self::SIZE],
    len: usize,
}

impl Short {
    /// Room for the longest name of a finding.
    const SIZE: usize = 40;

    /// No text.
    pub(super) const EMPTY: Self = Self {
        block: [b'"'; Self::SIZE],
        len: 0,
    };

    /// The text in quotes. Made by the compiler, which says so if it is too long.
    pub(super) const fn quoted(text: &[u8]) -> Self {
        let mut short = Self::EMPTY;
        let (_, rest) = short.block.split_at_mut(1);
        let (inside, _) = rest.split_at_mut(text.len());
        inside.copy_from_slice(text);
        short.len = text.len() + 2;
        assert!(short.len <= Self::SIZE, "a name is too long");
        short
    }
}

/// Whether JSON escapes any of these bytes (RFC 8259 section 7).
pub(super) fn needs_escapes(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk::<8>() else {
        return text
            .iter()
            .any(|byte| matches!(byte, 0..0x20 | b'"' | b'\\'));
    };
    // Whole words without a branch; the last one overlaps.
    let (words, _) = text.as_chunks::<8>();
    words
        .iter()
        .fold(special(*last), |all, &word| all | special(word))
        != 0
}

/// Not 0 if any of eight bytes is a control character, a quote or a backslash.
///
/// Subtracting sets the highest bit of a byte that is less, and for other than ASCII it was set
/// before. What a byte borrows changes only words with such a byte in them.
#[inline]
fn special(bytes: [u8; 8]) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let word = u64::from_le_bytes(bytes);
    let control = word.wrapping_sub(all(0x20));
    let quote = (word ^ all(b'"')).wrapping_sub(all(1));
    let backslash = (word ^ all(b'\\')).wrapping_sub(all(1));
    (control | quote | backslash) & !word & all(0x80)
}
