//! Compressed captures: every format, one and several members, cut and corrupt.

#[path = "common/container.rs"]
mod container;

use container::{MICROSECONDS, Order, Pcap, PcapNg};
use flate2::Compression;
use flate2::write::GzEncoder;
use lz4_flex::frame::{BlockMode, FrameEncoder, FrameInfo};
use proptest::prelude::*;
use std::io::{self, Read, Write};
use whoclosed::capture::{OpenError, Reader};
use whoclosed::{Options, analyze};

/// A compressor of one member.
type Pack = fn(&[u8]) -> Vec<u8>;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    lz4_as(FrameInfo::new(), bytes)
}

/// As the command `lz4` writes: linked blocks, checksums of everything.
fn lz4_checked(bytes: &[u8]) -> Vec<u8> {
    let info = FrameInfo::new().block_mode(BlockMode::Linked);
    lz4_as(info.content_checksum(true).block_checksums(true), bytes)
}

fn lz4_as(info: FrameInfo, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[cfg(feature = "xz")]
fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const FORMATS: &[(&str, Pack)] = &[
    ("gzip", gzip),
    ("Zstandard", zstd),
    ("LZ4", lz4),
    ("LZ4", lz4_checked),
    #[cfg(feature = "xz")]
    ("xz", xz),
];

/// Of a size that needs several blocks of every format.
fn captures() -> [Vec<u8>; 2] {
    let mut pcap = Pcap::new(MICROSECONDS, Order::Big, 1);
    let mut pcapng = PcapNg::new(Order::Little).interface(1, 0, &[]);
    let mut noise = 1_u32;
    for n in 0..120 {
        let bytes = (0..n * 13 % 1500).map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8 & 0x3f
        });
        let data: Vec<u8> = bytes.collect();
        pcap = pcap.record((1_700_000_000, n), &data, 1500);
        pcapng = pcapng.enhanced(0, u64::from(n), &data, &[]);
    }
    [pcap.bytes, pcapng.bytes]
}

/// The records, and what was wrong.
fn read(input: impl Read) -> (Vec<Vec<u8>>, Option<String>) {
    let mut reader = match Reader::new(input) {
        Ok(reader) => reader,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let mut records = Vec::new();
    while let Some(record) = reader.next() {
        records.push([&record.frame.to_le_bytes()[..], record.data].concat());
    }
    let what = reader.damage().first().map(|damage| damage.what.clone());
    (records, what)
}

#[test]
fn any_format_and_any_number_of_members_is_as_plain() {
    for plain in captures() {
        let expected = read(&plain[..]);
        assert_eq!((expected.0.len(), &expected.1), (120, &None));
        for (name, pack) in FORMATS {
            assert_eq!(read(&pack(&plain)[..]), expected, "{name}");
            for parts in [2, 7] {
                let size = plain.len() / parts + 1;
                let members: Vec<u8> = plain.chunks(size).flat_map(pack).collect();
                assert_eq!(read(&members[..]), expected, "{name} in {parts}");
            }
            let empty = [pack(b""), pack(&plain), pack(b"")].concat();
            assert_eq!(read(&empty[..]), expected, "{name} with empty members");
            let packed = pack(&plain);
            let mut reader = Reader::new(Dripping(&packed, 0)).unwrap();
            while reader.next().is_some() {}
            assert_eq!(reader.bytes(), plain.len() as u64, "{name}");
            assert_eq!(reader.frames(), 120);
        }
    }
}

/// Gives one byte at a time, and interruptions between them.
struct Dripping<'a>(&'a [u8], usize);

impl Read for Dripping<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(3) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = buf.len().min(1);
        self.0.read(&mut buf[..n])
    }
}

#[test]
fn zstandard_may_begin_with_a_skippable_frame() {
    let [plain, _] = captures();
    let mut bytes = vec![0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4];
    bytes.extend(zstd(&plain));
    assert_eq!(read(&bytes[..]), read(&plain[..]));
}

#[test]
fn a_cut_archive_gives_what_it_holds_and_says_so() {
    for plain in captures() {
        let (whole, _) = read(&plain[..]);
        for (name, pack) in FORMATS {
            let packed = [pack(&plain[..9_000]), pack(&plain[9_000..])].concat();
            let first = pack(&plain[..9_000]).len();
            let ends = (1..packed.len()).filter(|end| end % 613 == 0 || packed.len() - end < 20);
            for end in ends.filter(|&end| end != first) {
                let (records, what) = read(&packed[..end]);
                assert!(whole.starts_with(&records), "{name} {end}");
                let what = what.unwrap_or_else(|| panic!("{name} {end} of {}", packed.len()));
                let early = format!("the {name} archive ends early");
                assert!(what.contains(&early) || end < 7, "{name} {end}: {what}");
            }
            // Between two members nothing tells that there were more, but the capture does.
            let (records, what) = read(&packed[..first]);
            assert!(whole.starts_with(&records) && records.len() > 9, "{name}");
            assert!(what.unwrap().contains("but the input ends after"), "{name}");
        }
    }
}

#[test]
fn a_corrupt_archive_is_told_as_such() {
    let [plain, _] = captures();
    let (whole, _) = read(&plain[..]);
    for (name, pack) in FORMATS {
        let mut packed = pack(&plain);
        packed.extend(b"trailing garbage");
        let (records, what) = read(&packed[..]);
        assert_eq!(records, whole, "{name}");
        let what = what.unwrap();
        let corrupt = format!("corrupt {name} archive: ");
        assert!(what.starts_with(&corrupt), "{what}");
        assert!(!what.contains("reading failed"), "{what}");
    }
    let mut packed = gzip(&plain);
    let checksum = packed.len() - 6;
    packed[checksum] ^= 1;
    let (records, what) = read(&packed[..]);
    assert_eq!(records, whole);
    assert!(what.unwrap().starts_with("corrupt gzip archive: "));
}

#[test]
fn what_a_decoder_made_before_an_error_is_kept() {
    // More than is read at once, so that many steps precede the error.
    let [plain, _] = captures();
    let plain = [&plain[..], &plain[24..].repeat(6)].concat();
    let (whole, _) = read(&plain[..]);
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(&plain).unwrap();
    let mut packed = encoder.finish().unwrap();
    *packed.last_mut().unwrap() ^= 1;
    let (records, what) = read(&packed[..]);
    assert!(what.unwrap().starts_with("corrupt Zstandard archive: "));
    let step = 16 * 1024;
    let bytes = |records: &[Vec<u8>]| records.iter().map(Vec::len).sum::<usize>();
    assert_eq!(records, whole[..records.len()]);
    assert!(bytes(&records) + step >= bytes(&whole), "{}", records.len());
}

/// Gives its bytes and fails then, by an error that a decoder might take for an end.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buf)? {
            0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the disk is gone",
            )),
            n => Ok(n),
        }
    }
}

#[test]
fn an_error_below_the_archive_is_not_the_archives() {
    let [plain, _] = captures();
    for (name, pack) in FORMATS {
        let packed = pack(&plain);
        let (records, what) = read(Failing(&packed[..packed.len() * 2 / 3]));
        assert!(read(&plain[..]).0.starts_with(&records), "{name}");
        let what = what.unwrap();
        assert!(what.contains("the disk is gone"), "{name}: {what}");
        assert!(what.starts_with("reading failed"), "{name}: {what}");
    }
}

#[test]
fn what_is_inside_of_an_archive_is_named() {
    let refused = |bytes: &[u8]| read(bytes).1.unwrap();
    for (name, pack) in FORMATS {
        let twice = refused(&pack(&gzip(b"x")));
        let expected = format!(
            "not a capture: it looks like gzip data (decompress it: gzip -dc), inside of a {name} \
             archive; pcap or pcapng was expected"
        );
        assert_eq!(twice, expected);
        assert!(refused(&pack(b"just text")).contains("text, inside of a"));
        assert!(matches!(Reader::new(&pack(b"")[..]), Err(OpenError::Empty)));
        let nothing = refused(&pack(&captures()[0])[..7]);
        assert!(nothing.contains("archive ends early"), "{name}: {nothing}");
    }
}

#[cfg(not(feature = "xz"))]
#[test]
fn without_the_feature_xz_names_the_way_out() {
    let what = read(&b"\xfd7zXZ\0\0\x04"[..]).1.unwrap();
    assert!(
        what.contains("xz data (decompress it: xz -dc, or build whoclosed with the feature xz)"),
        "{what}"
    );
}

#[test]
fn the_analysis_takes_compressed_captures() {
    let path = "testdata/captures/close-server-first-4seg.mid.pcap";
    let plain = std::fs::read(path).unwrap();
    let verdicts = |bytes: &[u8]| -> Vec<String> {
        let flows = analyze(bytes, &Options::default()).unwrap();
        flows
            .map(|verdict| serde_json::to_string(&verdict).unwrap())
            .collect()
    };
    for (name, pack) in FORMATS {
        assert_eq!(verdicts(&pack(&plain)), verdicts(&plain), "{name}");
    }
}

/// A bomb: the reader keeps no more of it than its buffers.
#[test]
fn a_bomb_is_read_as_a_stream() {
    let [plain, _] = captures();
    let zeros = vec![0; 8 << 20];
    for (name, pack) in FORMATS {
        let bomb = [pack(&plain), pack(&zeros)].concat();
        assert!(bomb.len() < plain.len() + (1 << 18), "{name}");
        let mut reader = Reader::new(&bomb[..]).unwrap();
        while reader.next().is_some() {}
        assert_eq!((reader.frames(), reader.is_cut()), (120, true), "{name}");
        assert_eq!(reader.bytes(), plain.len() as u64, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn changed_archives_never_panic_or_hang(
        format in 0..FORMATS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut packed = FORMATS[format].1(&captures()[1]);
        for (at, byte) in changes {
            let at = at.index(packed.len());
            packed[at] = byte;
        }
        let _ = read(&packed[..]);
        let _ = read(&packed[..cut.index(packed.len())]);
    }
}
