//! The TCP header (RFC 9293 section 3.1) and its options, by our own walk: it goes on behind
//! options that it does not know, and reads headers that the capture cut.

use super::{Flags, NotDecoded, Segment, Timestamps};
use crate::seq::{SeqNum, TsVal};

/// The header without options.
const HEADER: usize = 20;
/// The header up to the flags, the least that is of use.
const FLAGS_END: usize = 14;
/// RFC 7323 section 2.3: a larger shift is read as 14.
const MAX_WINDOW_SCALE: u8 = 14;

/// The segment whose header begins `bytes`, which are what was captured of `len` bytes. Its
/// addresses are left to the caller.
#[inline]
pub(super) fn segment(bytes: &[u8], len: u32) -> Result<Segment, NotDecoded> {
    let Some(head) = bytes.first_chunk::<FLAGS_END>() else {
        let whole = len >= HEADER as u32;
        return Err(if whole {
            NotDecoded::HeaderCut
        } else {
            NotDecoded::MalformedTcp
        });
    };
    let header_len = u32::from(head[12] >> 4) * 4;
    if header_len < HEADER as u32 || len < header_len {
        return Err(NotDecoded::MalformedTcp);
    }
    let window = bytes.get(FLAGS_END..).and_then(<[u8]>::first_chunk);
    let mut segment = Segment {
        seq: SeqNum(u32::from_be_bytes([head[4], head[5], head[6], head[7]])),
        ack: SeqNum(u32::from_be_bytes([head[8], head[9], head[10], head[11]])),
        len: len - header_len,
        flags: Flags(head[13]),
        window: window.copied().map_or(0, u16::from_be_bytes),
        window_cut: window.is_none(),
        ..Segment::default()
    };
    segment.src.port = u16::from_be_bytes([head[0], head[1]]);
    segment.dst.port = u16::from_be_bytes([head[2], head[3]]);
    let captured = (header_len as usize).min(bytes.len());
    segment.options_cut = captured < header_len as usize;
    read_options(
        &mut segment,
        bytes.get(HEADER..captured).unwrap_or_default(),
    );
    Ok(segment)
}

/// Option kinds and the lengths they must have.
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const WINDOW_SCALE: u8 = 3;
const TIMESTAMPS: u8 = 8;

#[inline]
fn read_options(segment: &mut Segment, options: &[u8]) {
    // What every stack writes once a connection is established.
    if let &[NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10, ref value @ ..] = options
        && let Ok(value) = value.try_into()
    {
        segment.timestamps = Some(timestamps(value));
        return;
    }
    walk_options(segment, options);
}

fn walk_options(segment: &mut Segment, options: &[u8]) {
    let mut rest = options;
    loop {
        let (kind, len) = match *rest {
            [] | [END, ..] => return,
            [NO_OPERATION, ref more @ ..] => {
                rest = more;
                continue;
            }
            [_] => break,
            [kind, len, ..] => (kind, usize::from(len)),
        };
        let Some(value) = rest.get(2..len) else {
            break;
        };
        read_option(segment, kind, value);
        rest = rest.get(len..).unwrap_or_default();
    }
    segment.options_cut = true;
}

/// The first option of a kind counts; one of a wrong length is malformed.
fn read_option(segment: &mut Segment, kind: u8, value: &[u8]) {
    match (kind, value) {
        (TIMESTAMPS, value) => match value.try_into() {
            Ok(value) => {
                segment.timestamps.get_or_insert_with(|| timestamps(value));
            }
            Err(_) => segment.options_cut = true,
        },
        (WINDOW_SCALE, &[shift]) if segment.flags.syn() => {
            segment
                .window_scale
                .get_or_insert(shift.min(MAX_WINDOW_SCALE));
        }
        (WINDOW_SCALE, _) if segment.flags.syn() => segment.options_cut = true,
        _ => {}
    }
}

fn timestamps(value: [u8; 8]) -> Timestamps {
    let both = u64::from_be_bytes(value);
    Timestamps {
        val: TsVal((both >> 32) as u32),
        ecr: TsVal(both as u32),
    }
}
