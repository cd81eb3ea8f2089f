//! An interface of a pcapng section: its link type and its clock.

use super::order::Order;
use crate::stamp::{SECOND, Time};
use pcap_parser::{InterfaceDescriptionBlock, OptionCode};

/// What a packet block needs of its interface.
pub(super) struct Interface {
    pub(super) link: u16,
    /// The most bytes captured of a packet; 0 for no limit.
    snaplen: u32,
    unit: Unit,
    /// Added to every time, in nanoseconds.
    offset: i128,
    /// Packets dropped, as its last statistics say.
    pub(super) dropped: Option<u64>,
    /// What the system that captured calls it, cut to [`NAME`] bytes.
    pub(super) name: Option<String>,
}

/// Bytes of a name that are kept; Linux and Windows have shorter ones.
const NAME: usize = 256;

/// Options of interface statistics: dropped by the interface, and by the system for want of room.
const DROPPED: [u16; 2] = [5, 7];
/// Bytes of interface statistics before their options.
const STATISTICS: usize = 20;

/// The length of a clock's tick.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// So many nanoseconds.
    Nanos(u64),
    /// A nanosecond divided by this.
    PartOfNano(u64),
    /// A second divided by two to this power.
    PowerOfTwo(u8),
    /// Too short for a 64-bit count of them to reach a nanosecond.
    Nothing,
}

impl Interface {
    /// Its options are read here: pcap-parser's own fields know neither powers of two nor offsets
    /// of big-endian sections, and it reads on behind the end of the options.
    pub(super) fn new(described: &InterfaceDescriptionBlock<'_>, order: Order) -> Self {
        let mut interface = Self {
            link: described.linktype.0.cast_unsigned() as u16,
            snaplen: described.snaplen,
            unit: Unit::Nanos(1000),
            offset: 0,
            dropped: None,
            name: None,
        };
        let options = described.options.iter();
        for option in options.take_while(|option| option.code != OptionCode::EndOfOpt) {
            match (option.code, option.as_bytes().unwrap_or_default()) {
                (OptionCode::IfTsresol, &[resolution]) => interface.unit = unit(resolution),
                (OptionCode::IfTsoffset, value) => {
                    let seconds = value.try_into().map_or(0, |raw| order.i64(raw));
                    interface.offset = i128::from(seconds) * i128::from(SECOND);
                }
                (OptionCode::IfName, value) => interface.name = name(value),
                _ => {}
            }
        }
        interface
    }

    /// The time of a count of ticks; `None` outside of 1677..2262.
    #[inline]
    pub(super) fn time(&self, ticks: u64) -> Option<Time> {
        let nanos = match self.unit {
            Unit::Nanos(unit) => i128::from(ticks) * i128::from(unit),
            Unit::PartOfNano(parts) => i128::from(ticks / parts),
            Unit::PowerOfTwo(power) => (i128::from(ticks) * i128::from(SECOND)) >> power,
            Unit::Nothing => 0,
        };
        i64::try_from(nanos + self.offset).ok().map(Time)
    }

    /// Packets of the other one would be read alike.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let (link, offset) = (self.link == other.link, self.offset == other.offset);
        link && offset && self.unit == other.unit && self.snaplen == other.snaplen
    }

    /// Reads an interface statistics block. Its counts are totals since the capture began, so that
    /// the last one holds; one that fell behind is a new beginning's or damaged, and the higher one
    /// is kept.
    pub(super) fn count_dropped(&mut self, block: &[u8], order: Order) {
        let end = block.len().saturating_sub(4);
        let mut options = block.get(STATISTICS..end).unwrap_or_default();
        let mut dropped: Option<u64> = None;
        while let Some((code, value, rest)) = option(options, order) {
            if let Some(count) = value.first_chunk().filter(|_| DROPPED.contains(&code)) {
                let count = order.i64(*count).cast_unsigned();
                dropped = Some(dropped.unwrap_or_default().saturating_add(count));
            }
            options = rest;
        }
        self.dropped = self.dropped.max(dropped);
    }

    /// How much of a packet of this length the interface captures.
    pub(super) const fn limit(&self, original: u32) -> u32 {
        if self.snaplen == 0 || original < self.snaplen {
            return original;
        }
        self.snaplen
    }
}

/// The first option: its code, its value, and what follows; `None` at the end of the options.
pub(crate) fn option(options: &[u8], order: Order) -> Option<(u16, &[u8], &[u8])> {
    let [word] = order.words(options)?;
    let code = order.first_half(word);
    let length = usize::from(order.second_half(word));
    let value = options.get(4..4 + length).filter(|_| code != 0)?;
    let rest = options.get(4 + length.next_multiple_of(4)..);
    Some((code, value, rest.unwrap_or_default()))
}

/// The `if_name` option: UTF-8, which some end with a zero.
fn name(value: &[u8]) -> Option<String> {
    let value = value.split(|byte| *byte == 0).next().unwrap_or_default();
    let value = value.get(..NAME).unwrap_or(value);
    let name = String::from_utf8_lossy(value).into_owned();
    (!name.is_empty()).then_some(name)
}

/// The `if_tsresol` option: a negative power of 10, or of 2 if the highest bit is set.
fn unit(resolution: u8) -> Unit {
    let power = resolution & 0x7f;
    if resolution & 0x80 != 0 {
        return Unit::PowerOfTwo(power);
    }
    let power = u32::from(power);
    if power <= 9 {
        return Unit::Nanos(10_u64.pow(9 - power));
    }
    10_u64
        .checked_pow(power - 9)
        .map_or(Unit::Nothing, Unit::PartOfNano)
}
