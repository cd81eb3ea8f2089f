//! A piece of a line that has a bounded length: names, numbers, times, addresses.
//!
//! What takes fewest instructions for each: words and blocks of fixed size, of which the next text
//! covers what is too much.
#![expect(
    clippy::inline_always,
    reason = "in line each is a few instructions, its text and its length known; called it is twenty"
)]

use crate::stamp::{Rfc3339, Time, few, triple};
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
    pub(super) fn short(&mut self, text: &Short) {
        if let Some(room) = chunk(self.room, self.len) {
            *room = text.block;
        }
        self.len += text.len;
    }

    /// A time in quotes.
    #[inline(always)]
    pub(super) fn time(&mut self, time: Time) {
        if let Some(room) = chunk(self.room, self.len) {
            self.times.quote(time, room);
            self.len += room.len();
        }
    }

    /// A number. Most sequence numbers and lengths of a close are relative and tiny.
    #[inline(always)]
    pub(super) fn number(&mut self, number: u64) {
        self.len = if number < 1000 {
            put_few(self.room, self.len, number)
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

/// A number from 1000 on: most are below a million.
fn put_many(room: &mut Room, len: usize, number: u64) -> usize {
    if number >= 1_000_000 {
        let len = put_many(room, len, number / 1000);
        put_word(room, len, triple(number % 1000) as u32);
        return len + 3;
    }
    let number = number as u32;
    let len = put_few(room, len, u64::from(number / 1000));
    put_word(room, len, triple(u64::from(number % 1000)) as u32);
    len + 3
}

fn put_ipv4(room: &mut Room, len: usize, addr: Ipv4Addr) -> usize {
    let mut len = len;
    for octet in addr.octets() {
        len = put_few(room, len, octet.into());
        put_word(room, len, b'.'.into());
        len += 1;
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

    /// The text. Made by the compiler, which says so if it is too long.
    pub(super) const fn new(text: &str) -> Self {
        let mut short = Self::EMPTY;
        let (inside, _) = short.block.split_at_mut(text.len());
        inside.copy_from_slice(text.as_bytes());
        short.len = text.len();
        short
    }

    /// The text in quotes.
    pub(super) const fn quoted(text: &str) -> Self {
        let mut short = Self::EMPTY;
        let (_, rest) = short.block.split_at_mut(1);
        let (inside, _) = rest.split_at_mut(text.len());
        inside.copy_from_slice(text.as_bytes());
        short.len = text.len() + 2;
        assert!(short.len <= Self::SIZE, "a name is too long");
        short
    }
}
