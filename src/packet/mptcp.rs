//! The option of Multipath TCP (RFC 8684 section 3).

/// What a segment says of the connection whose subflow it belongs to, in one byte: a SYN says other
/// things than what follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mptcp(u8);

/// Of a SYN or SYN-ACK. The bits below are left to what else is only a SYN's.
mod syn {
    pub(super) const CAPABLE: u8 = 0x10;
    pub(super) const JOIN: u8 = 0x20;
    pub(super) const ALL: u8 = CAPABLE | JOIN;
}

/// Of every other segment: one of these at least.
mod bit {
    pub(super) const DATA: u8 = 1;
    pub(super) const DATA_FIN: u8 = 2;
    pub(super) const FAST_CLOSE: u8 = 4;
    pub(super) const RESET: u8 = 8;
    pub(super) const ANY: u8 = 0x0f;
}

/// Where the reason of a RST stands, and the highest one that fits: any that is not known.
const REASON: u32 = 4;
const OTHER_REASON: u8 = 7;

impl Mptcp {
    /// A SYN begins a connection, or agrees to it (`MP_CAPABLE`).
    pub const fn begins(self) -> bool {
        self.0 & bit::ANY == 0 && self.0 & syn::CAPABLE != 0
    }

    /// A SYN adds a subflow to a connection, or agrees to that (`MP_JOIN`).
    pub const fn joins(self) -> bool {
        self.0 & bit::ANY == 0 && self.0 & syn::JOIN != 0
    }

    /// It maps or acknowledges data of the connection (DSS).
    pub const fn has_data(self) -> bool {
        self.0 & bit::DATA != 0
    }

    /// Its sender has no more data for the connection (`DATA_FIN`).
    pub const fn data_fin(self) -> bool {
        self.0 & bit::DATA_FIN != 0
    }

    /// Its sender aborts the connection (`MP_FASTCLOSE`).
    pub const fn fast_close(self) -> bool {
        self.0 & bit::FAST_CLOSE != 0
    }

    /// Why its sender resets the subflow (`MP_TCPRST`), by the numbers of RFC 8684 section 3.6; 7 for
    /// any that is not among those.
    pub const fn reset_reason(self) -> Option<u8> {
        if self.0 & bit::RESET == 0 {
            return None;
        }
        Some(self.0 >> REASON)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// From a byte in which other bits of a SYN may be set.
    pub(crate) const fn from_bits(bits: u8, is_syn: bool) -> Self {
        Self(if is_syn { bits & syn::ALL } else { bits })
    }

    /// With what one option says. `value`: behind its kind and length.
    pub(super) fn with_option(self, value: &[u8], is_syn: bool) -> Self {
        let &[first, second, ..] = value else {
            return self;
        };
        let bits = match (first >> 4, is_syn) {
            (0, true) => syn::CAPABLE,
            (1, true) => syn::JOIN,
            (2, false) if second & 0x10 != 0 => bit::DATA | bit::DATA_FIN,
            (2, false) => bit::DATA,
            (7, false) => bit::FAST_CLOSE,
            (8, false) => bit::RESET | second.min(OTHER_REASON) << REASON,
            _ => 0,
        };
        Self(self.0 | bits)
    }
}
