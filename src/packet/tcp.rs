//! The TCP header (RFC 9293 section 3.1) and its options, by our own walk: it goes on behind
//! options that it does not know, and reads headers that the capture cut.

use super::bytes::Bytes;
use super::ip::Carrier;
use super::{End, Flags, Mptcp, NotDecoded, Segment, Timestamps};
use crate::seq::{SeqNum, TsVal};

/// The header without options.
const HEADER: usize = 20;
/// The header up to the flags, the least that is of use.
const FLAGS_END: usize = 14;
const WINDOW_END: usize = 16;
/// RFC 7323 section 2.3: a larger shift is read as 14.
const MAX_WINDOW_SCALE: u8 = 14;

/// The segment that is the payload of an IP packet.
#[inline]
pub(super) fn segment(carrier: Carrier, payload: Bytes<'_>) -> Result<Segment, NotDecoded> {
    let (bytes, len) = (payload.data, payload.on_wire);
    match bytes.first_chunk() {
        Some(head) => read(carrier, head, bytes, len),
        None => read_cut(carrier, bytes, len),
    }
}

/// What follows the header.
#[inline]
pub(super) fn payload(bytes: &[u8]) -> &[u8] {
    let header_len = bytes.get(12).map_or(0, |words| usize::from(words >> 4) * 4);
    bytes.get(header_len.max(HEADER)..).unwrap_or_default()
}

/// The segment of a header cut by the capture, its missing bytes taken for zeros, if its flags are
/// there.
#[cold]
#[inline(never)]
fn read_cut(carrier: Carrier, bytes: &[u8], len: u32) -> Result<Segment, NotDecoded> {
    if len < HEADER as u32 {
        return Err(NotDecoded::MalformedTcp);
    }
    if bytes.len() < FLAGS_END {
        return Err(NotDecoded::HeaderCut);
    }
    let mut head = [0; HEADER];
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = *from;
    }
    if bytes.len() < WINDOW_END {
        head[FLAGS_END] = 0;
    }
    read(carrier, &head, bytes, len)
}

#[inline]
fn read(
    carrier: Carrier,
    head: &[u8; HEADER],
    bytes: &[u8],
    len: u32,
) -> Result<Segment, NotDecoded> {
    let header_len = u32::from(head[12] >> 4) * 4;
    if header_len < HEADER as u32 || len < header_len {
        return Err(NotDecoded::MalformedTcp);
    }
    let options_end = header_len as usize;
    let captured = bytes.get(HEADER..options_end.min(bytes.len()));
    let is_syn = Flags(head[13]).syn();
    let options = Options::of(captured.unwrap_or_default(), is_syn);
    let mut segment = assemble(carrier, head, options, len - header_len);
    segment.options_cut |= bytes.len() < options_end;
    segment.window_cut = bytes.len() < WINDOW_END;
    Ok(segment)
}

#[expect(
    clippy::inline_always,
    reason = "else the usual segment goes through memory three times"
)]
#[inline(always)]
pub(super) fn assemble(
    carrier: Carrier,
    head: &[u8; HEADER],
    options: Options,
    len: u32,
) -> Segment {
    let flags = Flags(head[13]);
    Segment {
        src: End {
            addr: carrier.src.to_be_bytes(),
            port: u16::from_be_bytes([head[0], head[1]]),
        },
        dst: End {
            addr: carrier.dst.to_be_bytes(),
            port: u16::from_be_bytes([head[2], head[3]]),
        },
        seq: SeqNum(u32::from_be_bytes([head[4], head[5], head[6], head[7]])),
        ack: SeqNum(u32::from_be_bytes([head[8], head[9], head[10], head[11]])),
        len: if carrier.is_padded { 0 } else { len },
        flags,
        window: u16::from_be_bytes([head[14], head[15]]),
        timestamps: options.timestamps(),
        window_scale: options.window_scale(),
        ttl: carrier.ttl,
        ip_id: carrier.ip_id,
        options_cut: options.are_malformed,
        window_cut: false,
        fragment: carrier.fragment,
        domain: 0,
        mptcp: options.mptcp,
    }
}

/// Option kinds.
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const WINDOW_SCALE: u8 = 3;
const TIMESTAMPS: u8 = 8;
const MULTIPATH: u8 = 30;
/// What stands before the values of the timestamps, where these are alone.
const PADDED_TIMESTAMPS: [u8; 4] = [NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10];

/// What stands before the timestamps in a SYN of Linux: the maximum size, SACK permitted; and which bits
/// those are, as the size is any.
const LINUX_SYN: u64 = u64::from_be_bytes([2, 4, 0, 0, 4, 2, TIMESTAMPS, 10]);
const LINUX_SYN_BITS: u64 = 0xffff_0000_ffff_ffff;
/// What stands behind them: one to pad, the window's scale. The shift is any.
const SCALE_AT_END: u32 = u32::from_be_bytes([NO_OPERATION, WINDOW_SCALE, 3, 0]);
const SCALE_AT_END_BITS: u32 = 0xffff_ff00;

/// What is kept of a header's options.
#[derive(Clone, Copy, Default)]
pub(crate) struct Options {
    /// As they stand there; zeros if there are none. A word, as long as nobody asks for more.
    timestamps: u64,
    pub(crate) has_timestamps: bool,
    pub(crate) has_scale: bool,
    /// That of a SYN: in other segments it says nothing (RFC 7323 section 2.2). Zero if there is none.
    pub(crate) scale: u8,
    mptcp: Mptcp,
    are_malformed: bool,
}

impl Options {
    /// Those of a header.
    #[inline]
    pub(super) fn of(options: &[u8], is_syn: bool) -> Self {
        Self::usual(options.len(), options, is_syn).unwrap_or_else(|| Self::walk(options, is_syn))
    }

    /// What every stack writes once a connection is established, what Linux writes in a SYN, or
    /// nothing at all. `len`: of the options that these bytes begin with.
    #[inline]
    pub(super) fn usual(len: usize, bytes: &[u8], is_syn: bool) -> Option<Self> {
        match len {
            12 => Self::of_timestamps(bytes.first_chunk()?),
            0 => Some(Self::default()),
            20 if is_syn => Self::of_linux_syn(bytes.first_chunk()?),
            _ => None,
        }
    }

    /// Timestamps alone.
    #[inline]
    fn of_timestamps(options: &[u8; 12]) -> Option<Self> {
        let (kinds, value) = options.split_first_chunk()?;
        // As a whole: a pattern would be compared byte by byte.
        if *kinds != PADDED_TIMESTAMPS {
            return None;
        }
        Some(Self {
            timestamps: u64::from_be_bytes(*value.as_array()?),
            has_timestamps: true,
            ..Self::default()
        })
    }

    /// The maximum size, SACK permitted, timestamps, one to pad, the window's scale.
    #[inline]
    fn of_linux_syn(options: &[u8; 20]) -> Option<Self> {
        let (head, rest) = options.split_first_chunk()?;
        let (value, tail) = rest.split_first_chunk()?;
        let tail = u32::from_be_bytes(*tail.as_array()?);
        let is_such = u64::from_be_bytes(*head) & LINUX_SYN_BITS == LINUX_SYN
            && tail & SCALE_AT_END_BITS == SCALE_AT_END;
        is_such.then_some(Self {
            timestamps: u64::from_be_bytes(*value),
            has_timestamps: true,
            has_scale: true,
            scale: (tail as u8).min(MAX_WINDOW_SCALE),
            ..Self::default()
        })
    }

    /// The timestamps, zeros if there are none.
    #[inline]
    pub(crate) const fn timestamps_or_zeros(&self) -> Timestamps {
        Timestamps {
            val: TsVal((self.timestamps >> 32) as u32),
            ecr: TsVal(self.timestamps as u32),
        }
    }

    fn timestamps(&self) -> Option<Timestamps> {
        self.has_timestamps.then(|| self.timestamps_or_zeros())
    }

    fn window_scale(&self) -> Option<u8> {
        self.has_scale.then_some(self.scale)
    }

    #[inline(never)]
    fn walk(options: &[u8], is_syn: bool) -> Self {
        let mut found = Self::default();
        let mut rest = options;
        loop {
            let (kind, len) = match *rest {
                [] | [END, ..] => return found,
                [NO_OPERATION, ref more @ ..] => {
                    rest = more;
                    continue;
                }
                [_] => break,
                [kind, len, ..] => (kind, usize::from(len)),
            };
            let Some(([_, _, value @ ..], more)) = rest.split_at_checked(len) else {
                break;
            };
            match kind {
                MULTIPATH => found.mptcp = found.mptcp.with_option(value, is_syn),
                WINDOW_SCALE if !is_syn && value.len() == 1 => {}
                kind => found.add(kind, value),
            }
            rest = more;
        }
        found.are_malformed = true;
        found
    }

    /// The first option of a kind counts; one of a wrong length is malformed.
    fn add(&mut self, kind: u8, value: &[u8]) {
        match (kind, value) {
            (TIMESTAMPS, value) => match value.try_into() {
                Ok(value) if !self.has_timestamps => {
                    self.timestamps = u64::from_be_bytes(value);
                    self.has_timestamps = true;
                }
                Ok(_) => {}
                Err(_) => self.are_malformed = true,
            },
            (WINDOW_SCALE, &[shift]) if !self.has_scale => {
                self.scale = shift.min(MAX_WINDOW_SCALE);
                self.has_scale = true;
            }
            (WINDOW_SCALE, &[_]) => {}
            (WINDOW_SCALE, _) => self.are_malformed = true,
            _ => {}
        }
    }
}
