//! A piece of a line that has a bounded length: names, numbers, times, addresses.
//!
//! What takes fewest instructions for each: words and blocks of fixed size, of which the next text
//! covers what is too much.
#![expect(
    clippy::inline_always,
    reason = "in line each is a few instructions, its text and its length known; called it is twenty"
)]

use crate::stamp::{Rfc3339, Time, dotted, few, triple};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most bytes of a piece. A power of two, so that a place in it is found without a test.
pub(super) const ROOM: usize = 1024;
/// The most bytes that are written at once.
const BLOCK: usize = 64;

/// The bytes in which a piece is written: a block that begins within [`ROOM`] fits.
pub(super) type Room = [u8; ROOM + BLOCK];

/// A piece that grows.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    room: &'a mut Room,
    len: usize,
    times: &'a mut Rfc3339,
}

impl<'a> Piece<'a> {
    /// Nothing so far.
    #[inline]
    pub(super) const fn new(room: &'a mut Room, times: &'a mut Rfc3339) -> Self {
        let len = 0;
        Self { room, len, times }
    }

    /// Bytes so far.
    #[inline]
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// A text as it stands, which is not longer than a block.
    #[inline(always)]
    pub(super) fn raw(&mut self, text: &str) {
        debug_assert!(text.len() <= BLOCK, "a text is too long");
        let at = self.len % ROOM;
        if let Some(room) = self.room.get_mut(at..at + text.len()) {
            room.copy_from_slice(text.as_bytes());
        }
        self.len += text.len();
    }

    /// One character.
    #[inline(always)]
    pub(super) fn byte(&mut self, byte: u8) {
        if let Some(room) = chunk(self.room, self.len) {
            *room = [byte];
        }
        self.len += 1;
    }

    /// A text from a table.
    #[inline(always)]
    pub(super) fn short<const SIZE: usize>(&mut self, text: &Short<SIZE>) {
        self.block(&text.block, text.len);
    }

    /// So many bytes of a block that is not longer than [`BLOCK`].
    #[inline(always)]
    pub(super) fn block<const N: usize>(&mut self, block: &[u8; N], len: usize) {
        if let Some(room) = chunk(self.room, self.len) {
            *room = *block;
        }
        self.len += len;
    }

    /// A time in quotes.
    #[inline(always)]
    pub(super) fn time(&mut self, time: Time) {
        if let Some(room) = chunk(self.room, self.len) {
            self.times.quote(time, room);
            self.len += room.len();
        }
    }

    /// A number. Most sequence numbers and lengths of a close are relative and tiny, ports and most
    /// frames have up to six digits.
    #[inline(always)]
    pub(super) fn number(&mut self, number: u64) {
        self.len = if number < 1000 {
            put_few(self.room, self.len, number)
        } else if number < 1_000_000 {
            put_six(self.room, self.len, number)
        } else {
            put_many(self.room, self.len, number)
        };
    }

    /// An address.
    #[inline(always)]
    pub(super) fn address(&mut self, addr: IpAddr) {
        self.len = match addr {
            IpAddr::V4(addr) => put_ipv4(self.room, self.len, addr),
            IpAddr::V6(addr) => put_ipv6(self.room, self.len, addr),
        };
    }
}

/// The block of so many bytes at `len`.
#[inline(always)]
fn chunk<const N: usize>(room: &mut Room, len: usize) -> Option<&mut [u8; N]> {
    room.get_mut(len % ROOM..)?.first_chunk_mut()
}

#[inline(always)]
fn put_word(room: &mut Room, len: usize, word: u32) {
    if let Some(room) = chunk(room, len) {
        *room = word.to_le_bytes();
    }
}

/// A number below 1000. Gives the length then.
#[inline(always)]
fn put_few(room: &mut Room, len: usize, number: u64) -> usize {
    let (digits, count) = few(number);
    put_word(room, len, digits);
    len + count
}

/// A number from 1000 on that is below a million.
#[inline(always)]
fn put_six(room: &mut Room, len: usize, number: u64) -> usize {
    // Of 32 bits: their division is the shorter one.
    let number = number as u32;
    let len = put_few(room, len, (number / 1000).into());
    put_word(room, len, triple((number % 1000).into()) as u32);
    len + 3
}

/// A number from a million on.
#[inline(never)]
fn put_many(room: &mut Room, len: usize, number: u64) -> usize {
    let (high, low) = (number / 1_000_000, number % 1_000_000);
    let len = match high {
        0..1000 => put_few(room, len, high),
        1000..1_000_000 => put_six(room, len, high),
        _ => put_many(room, len, high),
    };
    put_word(room, len, triple(low / 1000) as u32);
    put_word(room, len + 3, triple(low % 1000) as u32);
    len + 6
}

#[inline(never)]
fn put_ipv4(room: &mut Room, len: usize, addr: Ipv4Addr) -> usize {
    let mut len = len;
    for octet in addr.octets() {
        let (text, count) = dotted(octet);
        put_word(room, len, text);
        len += count;
    }
    // Over the last dot.
    len - 1
}

fn put_ipv6(room: &mut Room, len: usize, addr: Ipv6Addr) -> usize {
    let mut rest = room.get_mut(len % ROOM..).unwrap_or_default();
    let before = rest.len();
    // An address fits: a piece is not longer than its room.
    write!(rest, "{addr}").unwrap_or_default();
    len + before - rest.len()
}

/// A text in a block of fixed size, with anything after it: to write the block and go on within it
/// is less work than a copy of varying length.
#[derive(Clone, Copy)]
pub(super) struct Short<const SIZE: usize = 32> {
    block: [u8; SIZE],
    len: usize,
}

impl<const SIZE: usize> Short<SIZE> {
    /// No text.
    pub(super) const EMPTY: Self = Self {
        block: [b'"'; SIZE],
        len: 0,
    };

    /// The texts after one another. Made by the compiler, which says so if they are too long.
    pub(super) const fn new(texts: &[&str]) -> Self {
        let mut short = Self::EMPTY;
        let mut i = 0;
        while i < texts.len() {
            let (_, rest) = short.block.split_at_mut(short.len);
            let (to, _) = rest.split_at_mut(texts[i].len());
            to.copy_from_slice(texts[i].as_bytes());
            short.len += texts[i].len();
            i += 1;
        }
        short
    }
}
