//! Blocks of pcapng (draft-ietf-opsawg-pcapng), written.

use crate::capture::{Order, option};
use std::io::{self, Write};

pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE_DESCRIPTION: u32 = 1;
pub(super) const SIMPLE_PACKET: u32 = 3;
pub(super) const INTERFACE_STATISTICS: u32 = 5;
pub(super) const ENHANCED_PACKET: u32 = 6;

/// Options: the end of all, and what a person or program remarks.
const END_OF_OPTIONS: u16 = 0;
pub(super) const COMMENT: u16 = 1;
/// Type and length stand before a block's body, the length again behind it.
pub(super) const HEAD: usize = 8;
pub(super) const TAIL: usize = 4;
/// Where the length of a section stands in its header: 64 bits, of which none is known if all are set.
const SECTION_LENGTH: usize = 16;

/// A block of this type around a body, whose length is a multiple of four.
pub(super) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let size = order.bytes_of_u32((HEAD + body.len() + TAIL) as u32);
    [&order.bytes_of_u32(kind), &size, body, &size].concat()
}

/// Fills up to a multiple of four.
pub(super) fn pad(body: &mut Vec<u8>) {
    body.resize(body.len().next_multiple_of(4), 0);
}

/// Adds an option.
pub(super) fn add_option(body: &mut Vec<u8>, order: Order, code: u16, value: &[u8]) {
    body.extend(order.bytes_of_u16(code));
    body.extend(order.bytes_of_u16(value.len() as u16));
    body.extend(value);
    pad(body);
}

/// Ends the options.
pub(super) fn end_options(body: &mut Vec<u8>, order: Order) {
    add_option(body, order, END_OF_OPTIONS, &[]);
}

/// Adds those of a block's options, from a place of it on, that have one of these codes.
pub(super) fn copy_options(body: &mut Vec<u8>, order: Order, options: &[u8], codes: &[u16]) {
    let mut rest = options;
    while let Some((code, value, more)) = option(rest, order) {
        if codes.contains(&code) {
            add_option(body, order, code, value);
        }
        rest = more;
    }
    end_options(body, order);
}

/// What stands in a block between a place and the length at its end.
pub(super) fn within(raw: &[u8], from: usize) -> &[u8] {
    let end = raw.len().saturating_sub(TAIL);
    raw.get(from..end).unwrap_or_default()
}

/// Writes blocks, each of the section that it belongs to.
pub(super) struct Sections<W> {
    pub(super) out: W,
    /// The byte order of the section that was begun last.
    order: Option<Order>,
    /// How many interfaces it has.
    interfaces: u32,
}

impl<W: Write> Sections<W> {
    pub(super) const fn new(out: W) -> Self {
        Self {
            out,
            order: None,
            interfaces: 0,
        }
    }

    /// Begins a section. Its length becomes unknown: that of what is written is another one.
    pub(super) fn begin(&mut self, order: Order, raw: &[u8]) -> io::Result<()> {
        let mut header = raw.to_vec();
        if let Some(length) = header.get_mut(SECTION_LENGTH..SECTION_LENGTH + 8) {
            length.fill(0xff);
        }
        self.order = Some(order);
        self.interfaces = 0;
        self.out.write_all(&header)
    }

    /// Describes the interface of this number. Before it come those whose descriptions cannot be read:
    /// they have no packets, but a number each.
    pub(super) fn interface(&mut self, number: u32, order: Order, raw: &[u8]) -> io::Result<()> {
        if self.order != Some(order) {
            return Ok(());
        }
        while self.interfaces < number {
            self.interfaces += 1;
            let none = block(order, INTERFACE_DESCRIPTION, &[0; 8]);
            self.out.write_all(&none)?;
        }
        self.interfaces += 1;
        self.out.write_all(raw)
    }

    /// Writes any other block. It belongs to no section if the header of its own could not be read.
    pub(super) fn other(&mut self, order: Order, raw: &[u8]) -> io::Result<()> {
        if self.order != Some(order) {
            return Ok(());
        }
        self.out.write_all(raw)
    }
}
