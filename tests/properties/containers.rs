//! A reader ends, its frames grow, its records lie within bounds, and it is all the same to it in
//! which pieces the input comes.

use std::io::{self, ErrorKind, Read};
use whoclosed::capture::Reader;

/// Bytes of one packet at most, as the reader has it.
const MAX_PACKET: usize = 262_144;
/// Records looked at, at most: a few bytes may unpack to very many.
const RECORDS: usize = 20_000;
/// Of these containers a record takes twelve bytes at least.
const PLAIN: [[u8; 4]; 5] = [
    *b"\x4d\x3c\xb2\xa1",
    *b"\xa1\xb2\x3c\x4d",
    *b"\x0a\x0d\x0d\x0a",
    *b"\xd4\xc3\xb2\xa1",
    *b"\xa1\xb2\xc3\xd4",
];

pub(crate) fn containers(input: &[u8]) {
    let whole = walk(input, input);
    if !is_plain(input) {
        // What a decoder makes before an error hangs on what it was given at once.
        return;
    }
    let pieces = Pieces {
        rest: input,
        most: 1 + input.len() % 61,
        breaks: false,
    };
    assert_eq!(whole, walk(input, pieces), "in pieces");
}

/// What a reader said of an input.
#[derive(Debug, PartialEq, Eq)]
enum Walk {
    Refused(String),
    Read {
        frames: u64,
        bytes: u64,
        records: u64,
        damage: String,
    },
}

fn walk(input: &[u8], read: impl Read) -> Walk {
    let mut reader = match Reader::new(read) {
        Ok(reader) => reader,
        Err(error) => return Walk::Refused(error.to_string()),
    };
    let (mut frame, mut count, mut records) = (0, 0, 0_u64);
    while let Some(record) = reader.next() {
        assert!(record.frame > frame, "{} after {frame}", record.frame);
        assert!(record.data.len() <= MAX_PACKET);
        assert!(record.original_len as usize >= record.data.len());
        frame = record.frame;
        // All of a record, in one number.
        for byte in record.data {
            records = records.wrapping_mul(31).wrapping_add(u64::from(*byte));
        }
        let rest = (record.time, record.interface, record.link);
        let time = rest.0.map_or(-1, |time| time.0).cast_unsigned();
        let rest = time ^ u64::from(rest.1) << 32 ^ u64::from(rest.2) << 16;
        records = records.wrapping_mul(31).wrapping_add(rest);
        count += 1;
        if count == RECORDS {
            break;
        }
    }
    assert!(reader.frames() >= frame);
    if is_plain(input) {
        assert!(frame * 12 <= input.len() as u64);
        assert!(reader.bytes() <= input.len() as u64);
    }
    if count < RECORDS {
        let (before, after) = (reader.frames(), reader.next().is_some());
        assert!(!after, "a record after the end");
        assert_eq!(before, reader.frames());
    }
    Walk::Read {
        frames: reader.frames(),
        bytes: reader.bytes(),
        records,
        damage: format!("{:?}", reader.damage()),
    }
}

fn is_plain(input: &[u8]) -> bool {
    PLAIN.iter().any(|magic| input.starts_with(magic))
}

/// Gives a few bytes at a time, and is interrupted in between.
struct Pieces<'a> {
    rest: &'a [u8],
    most: usize,
    breaks: bool,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.breaks = !self.breaks;
        if self.breaks {
            return Err(ErrorKind::Interrupted.into());
        }
        let most = buf.len().min(self.most);
        self.rest.read(&mut buf[..most])
    }
}
