//! What reading takes at least, and compressing.

use crate::Failure;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

/// What is decompressed at once.
const CHUNK: usize = 256 * 1024;
/// Room for what is left of a record before the next chunk: more than any record of ours takes.
const REST: usize = 128 * 1024;
/// Of a pcap file, before its first record.
const HEADER: usize = 24;
const PCAPNG: u32 = 0x0a0d_0d0a;
const ENHANCED_PACKET: u32 = 6;

/// Reads a capture and walks its record headers; prints how long that took.
pub fn walk(file: &Path, chunk: usize) -> Result<(), Failure> {
    let mut file = File::open(file)?;
    let begin = Instant::now();
    let packets = walk_all(&mut file, chunk)?;
    println!("{}", begin.elapsed().as_nanos());
    black_box(packets);
    Ok(())
}

fn walk_all(read: &mut impl Read, chunk: usize) -> io::Result<u64> {
    let mut buffer = vec![0; chunk + REST];
    let mut held = read.read(&mut buffer[..chunk])?;
    let is_pcapng = u32_at(&buffer, 0) == Some(PCAPNG);
    let mut at = if is_pcapng { 0 } else { HEADER };
    let mut packets = 0;
    loop {
        let whole = &buffer[..held];
        let end = if is_pcapng {
            walk_blocks(whole, at, &mut packets)
        } else {
            walk_records(whole, at, &mut packets)
        };
        buffer.copy_within(end..held, 0);
        held -= end;
        at = 0;
        let room = held + chunk;
        let Some(rest) = buffer.get_mut(held..room) else {
            return Err(io::Error::other("a record of more than 128 KiB"));
        };
        match read.read(rest)? {
            0 => return Ok(packets),
            more => held += more,
        }
    }
}

/// Where the first record begins that is not whole.
fn walk_records(bytes: &[u8], mut at: usize, packets: &mut u64) -> usize {
    while let Some(captured) = u32_at(bytes, at + 8) {
        let end = at + 16 + captured as usize;
        if end > bytes.len() {
            break;
        }
        *packets += 1;
        at = end;
    }
    at
}

/// Where the first block begins that is not whole.
fn walk_blocks(bytes: &[u8], mut at: usize, packets: &mut u64) -> usize {
    while let (Some(kind), Some(length)) = (u32_at(bytes, at), u32_at(bytes, at + 4)) {
        let end = at + length as usize;
        if length < 12 || end > bytes.len() {
            break;
        }
        *packets += u64::from(kind == ENHANCED_PACKET);
        at = end;
    }
    at
}

#[inline]
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*four))
}

/// Decompresses a file and throws it away; prints how long that took.
pub fn unpack(path: &Path) -> Result<(), Failure> {
    let file = File::open(path)?;
    let begin = Instant::now();
    if path.extension().is_some_and(|end| end == "gz") {
        drain(&mut flate2::read::MultiGzDecoder::new(file))?;
    } else {
        drain(&mut zstd::Decoder::new(file)?)?;
    }
    println!("{}", begin.elapsed().as_nanos());
    Ok(())
}

fn drain(read: &mut impl Read) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    while read.read(&mut buffer)? > 0 {
        black_box(&buffer);
    }
    Ok(())
}

/// Compresses a file, by what the name says, at the tools' usual levels.
pub fn pack(file: &Path, into: &Path) -> Result<(), Failure> {
    let mut plain = File::open(file)?;
    let packed = File::create(into)?;
    if into.extension().is_some_and(|end| end == "gz") {
        let mut gzip = flate2::write::GzEncoder::new(packed, flate2::Compression::new(6));
        io::copy(&mut plain, &mut gzip)?;
        gzip.finish()?;
    } else {
        let mut zstd = zstd::Encoder::new(packed, 3)?;
        io::copy(&mut plain, &mut zstd)?;
        zstd.finish()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::walk_all;
    use std::fs;
    use std::path::Path;

    fn packets(name: &str, chunk: usize) -> u64 {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
        let bytes = fs::read(folder.join(name)).expect("a capture");
        walk_all(&mut bytes.as_slice(), chunk).unwrap()
    }

    #[test]
    fn the_walk_sees_every_record() {
        for chunk in [64, 4096, 1 << 20] {
            assert_eq!(packets("capgen/short.pcap", chunk), 2598);
            assert_eq!(packets("captures/simultaneous.mid.pcapng", chunk), 11);
        }
    }
}
