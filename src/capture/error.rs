//! What can be wrong with an input: `OpenError` before the first record, `Damage` after it.

use std::borrow::Cow;
use std::io;

/// Why an input cannot be read as a capture at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Not one byte.
    #[error("the input is empty; a pcap or pcapng capture was expected")]
    Empty,
    /// It begins like something else.
    #[error("not a capture: it looks like {looks}; pcap or pcapng was expected")]
    NotACapture {
        /// What it looks like.
        looks: Cow<'static, str>,
    },
    /// It begins like a capture and its header is cut or damaged.
    #[error("damaged at its beginning: {what}")]
    Header {
        /// What was found and what was expected.
        what: String,
    },
    /// Reading failed before a header was complete.
    #[error("reading failed after {offset} bytes: {source}")]
    Io {
        /// Bytes that could be read.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
}

/// Where and why a capture could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The number of the frame that could not be read, 1-based. Behind bytes without recognizable
    /// records the next record takes it.
    pub frame: u64,
    /// Bytes before the record or block that could not be read.
    pub offset: u64,
    /// What was found and what was expected.
    pub what: String,
    /// Bytes that were stepped over before reading went on; `None` where it ended.
    pub skipped: Option<u64>,
}

/// Bytes of a beginning that [`looks_like`] asks for: a tar archive shows itself late.
pub(super) const START: usize = 262;

/// Says what an input that is no capture begins like.
pub(super) fn looks_like(start: &[u8]) -> Cow<'static, str> {
    if start
        .get(START - 5..)
        .is_some_and(|name| name.starts_with(b"ustar"))
    {
        return "a tar archive (unpack it: tar -xf)".into();
    }
    let start = start.get(..64).unwrap_or(start);
    let known = KNOWN.iter().find(|(magic, _)| start.starts_with(magic));
    if let Some((_, name)) = known {
        return Cow::Borrowed(name);
    }
    if is_markup(start) {
        return "an HTML or XML document".into();
    }
    if is_text(start) {
        return "text".into();
    }
    if is_erf(start) {
        return "an ERF capture (convert it: editcap -F pcap)".into();
    }
    let bytes: Vec<_> = start.iter().take(4).map(|b| format!("{b:02x}")).collect();
    format!("unknown data that begins with {}", bytes.join(" ")).into()
}

/// First bytes of what people hand to a capture reader by mistake.
const KNOWN: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "gzip data (decompress it: gzip -dc)"),
    (
        b"\x28\xb5\x2f\xfd",
        "Zstandard data (decompress it: zstd -dc)",
    ),
    (b"\x04\x22\x4d\x18", "LZ4 data (decompress it: lz4 -dc)"),
    (
        b"\xfd7zXZ\x00",
        "xz data (decompress it: xz -dc, or build whoclosed with the feature xz)",
    ),
    (b"BZh", "bzip2 data (decompress it: bzip2 -dc)"),
    (b"PK\x03\x04", "a ZIP archive (unpack it: unzip -p)"),
    (
        b"snoop\x00\x00\x00",
        "a snoop capture (convert it: editcap -F pcap)",
    ),
    (b"btsnoop\x00", "a Bluetooth HCI capture"),
    (
        b"GMBU",
        "a Network Monitor capture (convert it: editcap -F pcap)",
    ),
    (
        b"RTSS",
        "a Network Monitor capture (convert it: editcap -F pcap)",
    ),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF document"),
];

fn is_markup(start: &[u8]) -> bool {
    let text = start.trim_ascii_start();
    [&b"<!doctype"[..], b"<html", b"<?xml"].iter().any(|tag| {
        let head = text.get(..tag.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(tag))
    })
}

fn is_text(start: &[u8]) -> bool {
    let printable = |b: &u8| b.is_ascii_graphic() || b.is_ascii_whitespace();
    !start.is_empty() && start.iter().all(printable)
}

/// ERF has no magic: a record begins with a little-endian 64-bit time (its upper half in seconds),
/// a type and a big-endian record length.
fn is_erf(start: &[u8]) -> bool {
    let Some(head) = start.first_chunk::<16>() else {
        return false;
    };
    let seconds = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let length = u16::from_be_bytes([head[10], head[11]]);
    let years_1990_to_2070 = 631_152_000..3_155_760_000;
    (1..=48).contains(&(head[8] & 0x7f)) && length >= 16 && years_1990_to_2070.contains(&seconds)
}
