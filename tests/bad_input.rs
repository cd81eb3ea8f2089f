//! Damaged captures and inputs that are none: one precise line each, everything before the damage
//! read, no panic and no endless loop.

#[path = "common/container.rs"]
mod container;

use container::{MICROSECONDS, MODIFIED, NANOSECONDS, Order, Pcap, PcapNg};
use proptest::prelude::*;
use std::io::{self, Read};
use whoclosed::capture::{OpenError, Reader};
use whoclosed::packet::decode;

/// What the reader says of an input that it does not open.
fn refusal(input: impl Read) -> String {
    match Reader::new(input) {
        Ok(_) => panic!("it opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_no_capture_is_named() {
    let erf = [
        0, 0, 0, 0, 0x80, 0x4e, 0x5f, 0x65, 2, 4, 0, 80, 0, 0, 0, 64, 1, 2, 3,
    ];
    let tar = [&[7; 257][..], b"ustar\0"].concat();
    let cases: [(&[u8], &str); 17] = [
        (b"\x1f\x8b\x07\x00", "gzip data (decompress it: gzip -dc)"),
        (b"\xfd7zXz\0\0", "unknown data that begins with fd 37 7a 58"),
        (&tar, "a tar archive (unpack it: tar -xf)"),
        (b"BZh91AY", "bzip2 data (decompress it: bzip2 -dc)"),
        (b"PK\x03\x04", "a ZIP archive (unpack it: unzip -p)"),
        (
            b"snoop\0\0\0\0\0\0\x02",
            "a snoop capture (convert it: editcap -F pcap)",
        ),
        (b"btsnoop\0", "a Bluetooth HCI capture"),
        (
            b"GMBU",
            "a Network Monitor capture (convert it: editcap -F pcap)",
        ),
        (&erf, "an ERF capture (convert it: editcap -F pcap)"),
        (b"\x7fELF\x02", "a program"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\n <!DOCTYPE html>", "an HTML or XML document"),
        (b"<HTML>", "an HTML or XML document"),
        (b"<?xml ?>", "an HTML or XML document"),
        (b"12:00:00 IP a > b: Flags [F.]\n", "text"),
        (
            b"\0\x01\xff\xfe\x77",
            "unknown data that begins with 00 01 ff fe",
        ),
        (b"\xa1\xb2", "unknown data that begins with a1 b2"),
    ];
    for (input, looks) in cases {
        let expected = format!("not a capture: it looks like {looks}; pcap or pcapng was expected");
        assert_eq!(refusal(input), expected);
    }
    let expected = "the input is empty; a pcap or pcapng capture was expected";
    assert_eq!(refusal(&b""[..]), expected);
    assert!(matches!(Reader::new(&b""[..]), Err(OpenError::Empty)));
}

#[test]
fn cut_and_damaged_headers_are_named() {
    let pcap = Pcap::new(MICROSECONDS, Order::Big, 1).bytes;
    let pcapng = PcapNg::new(Order::Big).bytes;
    let changed = |bytes: &[u8], at: usize, byte: u8| {
        let mut bytes = bytes.to_vec();
        bytes[at] = byte;
        bytes
    };
    let mut no_length = pcapng.clone();
    no_length[4..8].fill(0);
    let cases = [
        (
            pcap[..4].to_vec(),
            "a pcap header of 24 bytes, but the input ends after 4 of them",
        ),
        (
            pcap[..23].to_vec(),
            "a pcap header of 24 bytes, but the input ends after 23 of them",
        ),
        (
            changed(&pcap, 5, 9),
            "a pcap header of version 9.4, where 2.x was expected",
        ),
        (
            pcapng[..11].to_vec(),
            "a block header of 12 bytes, but the input ends after 11 of them",
        ),
        (
            pcapng[..27].to_vec(),
            "a section header of 28 bytes, but the input ends after 27 of them",
        ),
        (
            changed(&pcapng, 8, 9),
            "a section header with the byte-order magic 4d3c2b09, where 1a2b3c4d of either byte order was expected",
        ),
        (
            changed(&pcapng, 13, 2),
            "a section of pcapng version 2.0, where 1.x was expected",
        ),
        (
            no_length,
            "a section header of length 0, where a multiple of 4 from 28 to 16777216 was expected",
        ),
    ];
    for (input, what) in cases {
        let expected = format!("damaged at its beginning: {what}");
        assert_eq!(refusal(&input[..]), expected);
    }
}

/// The records before the first damage, and its frame, offset and description. It is the same
/// whether reading ends there or goes on.
fn damage(input: impl Read + Clone) -> (u64, u64, u64, String) {
    let mut reader = Reader::new(input.clone()).unwrap().strict(true);
    while reader.next().is_some() {}
    assert!(reader.next().is_none(), "nothing follows damage");
    assert!(reader.is_cut());
    assert_eq!((reader.skipped(), reader.torn()), (0, None));
    let [damage] = reader.damage() else {
        panic!("one place: {:?}", reader.damage());
    };
    assert_eq!((damage.skipped, damage.offset), (None, reader.bytes()));
    let mut going_on = Reader::new(input).unwrap();
    while going_on.next().is_some() {}
    let first = going_on.damage().first().expect("damage");
    assert_eq!((first.frame, first.offset), (damage.frame, damage.offset));
    if !first.what.starts_with("reading failed") {
        assert_eq!(first.what, damage.what);
    }
    let damage = damage.clone();
    (reader.frames(), damage.frame, damage.offset, damage.what)
}

/// Appends `tail` to a good capture and expects this damage at its beginning.
fn expect(good: &[u8], tail: &[u8], what: &str) {
    let bytes = [good, tail].concat();
    let expected = (2, 3, good.len() as u64, what.to_owned());
    assert_eq!(damage(&bytes[..]), expected, "{tail:02x?}");
}

/// Two records.
fn pcap(order: Order) -> Pcap {
    Pcap::new(MICROSECONDS, order, 1)
        .record((1, 0), b"one", 3)
        .record((2, 0), b"two", 3)
}

#[test]
fn damaged_pcap_records_are_named() {
    for order in Order::BOTH {
        let good = pcap(order).bytes;
        let third = pcap(order).record((3, 0), &[7; 5000], 5000).bytes;
        let third = &third[good.len()..];
        expect(
            &good,
            &third[..1],
            "a record header of 16 bytes, but the input ends after 1 of them",
        );
        expect(
            &good,
            &third[..15],
            "a record header of 16 bytes, but the input ends after 15 of them",
        );
        expect(
            &good,
            &third[..300],
            "a record of 5016 bytes, but the input ends after 300 of them",
        );
        expect(
            &good,
            &third[..5015],
            "a record of 5016 bytes, but the input ends after 5015 of them",
        );
        for absurd in [262_145, 0x7fff_ffff, u32::MAX] {
            let mut tail = third.to_vec();
            tail[8..12].copy_from_slice(&order.u32(absurd));
            let what =
                format!("a record of {absurd} captured bytes, where at most 262144 were expected");
            expect(&good, &tail, &what);
        }
    }
    let modified = Pcap::new(MODIFIED, Order::Big, 1)
        .record((1, 0), b"one", 3)
        .record((2, 0), b"two", 3)
        .bytes;
    expect(
        &modified,
        &[0; 23],
        "a record header of 24 bytes, but the input ends after 23 of them",
    );
}

/// Two packets of the first of two interfaces.
fn pcapng(order: Order) -> PcapNg {
    PcapNg::new(order)
        .interface(1, 0, &[])
        .interface(101, 0, &[])
        .enhanced(0, 1, b"one", &[])
        .block(0x0bae, b"unknown")
        .simple(b"two", 3)
}

#[test]
fn damaged_pcapng_blocks_are_named() {
    for order in Order::BOTH {
        let good = pcapng(order).bytes;
        let from_good = |file: PcapNg| file.bytes[good.len()..].to_vec();
        let third = from_good(pcapng(order).enhanced(0, 1, &[7; 100], &[]));
        let with = |at: usize, value: u32| {
            let mut tail = third.clone();
            tail[at..at + 4].copy_from_slice(&order.u32(value));
            tail
        };
        expect(
            &good,
            &third[..11],
            "a block header of 12 bytes, but the input ends after 11 of them",
        );
        expect(
            &good,
            &third[..100],
            "an enhanced packet block of 132 bytes, but the input ends after 100 of them",
        );
        for length in [0, 8, 133, 16_777_220, u32::MAX] {
            let what = format!(
                "an enhanced packet block of length {length}, where a multiple of 4 from 32 to 16777216 was expected"
            );
            expect(&good, &with(4, length), &what);
        }
        expect(
            &good,
            &with(128, 136),
            "an enhanced packet block of 132 bytes whose trailing length says 136",
        );
        expect(
            &good,
            &with(8, 2),
            "a packet of interface 2, where the section describes 2 so far",
        );
        for captured in [101, u32::MAX] {
            let what = format!(
                "an enhanced packet block of 132 bytes that claims {captured} captured bytes"
            );
            expect(&good, &with(20, captured), &what);
        }
        expect(
            &good,
            &from_good(pcapng(order).block(6, &[0; 12])),
            "an enhanced packet block of length 24, where a multiple of 4 from 32 to 16777216 was expected",
        );
        expect(
            &good,
            &from_good(pcapng(order).block(2, &[0; 16])),
            "an obsolete packet block of length 28, where a multiple of 4 from 32 to 16777216 was expected",
        );
        expect(
            &good,
            &from_good(pcapng(order).block(3, &[])),
            "a simple packet block of length 12, where a multiple of 4 from 16 to 16777216 was expected",
        );
        expect(
            &good,
            &from_good(pcapng(order).simple(b"1234", 5)),
            "a simple packet block of 20 bytes for a packet of 5 captured bytes",
        );
        expect(
            &good,
            &from_good(pcapng(order).block(1, &[0; 4])),
            "an interface description of 16 bytes that cannot be read",
        );
    }
}

#[test]
fn damaged_sections_are_named() {
    let good = pcapng(Order::Little).bytes;
    let section = PcapNg::new(Order::Big);
    let mut tail = section.bytes.clone();
    tail[8] = 0;
    expect(
        &good,
        &tail,
        "a section header with the byte-order magic 4d3c2b00, where 1a2b3c4d of either byte order was expected",
    );
    let mut tail = section.bytes.clone();
    tail[13] = 3;
    expect(
        &good,
        &tail,
        "a section of pcapng version 3.0, where 1.x was expected",
    );

    // Interfaces of the section before are no longer known, and the packet before them is kept.
    let file = pcapng(Order::Little).section(Order::Big, &[]);
    let at = file.bytes.len() as u64;
    let file = file.enhanced(0, 1, b"x", &[]);
    let what = "a packet of interface 0, where the section describes 0 so far";
    assert_eq!(damage(&file.bytes[..]), (2, 3, at, what.into()));
    let file = pcapng(Order::Little)
        .section(Order::Big, &[])
        .simple(b"x", 1);
    assert_eq!(damage(&file.bytes[..]), (2, 3, at, what.into()));
}

#[test]
fn interfaces_without_end_are_refused() {
    let mut file = PcapNg::new(Order::Little);
    for _ in 0..65_537 {
        file = file.interface(1, 0, &[]);
    }
    let at = 28 + 65_536 * 20;
    let what = "more than 65536 interfaces in a section";
    assert_eq!(damage(&file.bytes[..]), (0, 1, at, what.into()));
}

/// Gives its bytes and fails then.
#[derive(Clone)]
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buf)? {
            0 => Err(io::Error::other("the disk is gone")),
            n => Ok(n),
        }
    }
}

#[test]
fn an_error_of_the_input_is_told_as_such() {
    let pcap = pcap(Order::Little).record((3, 0), b"third", 5).bytes;
    let pcapng = pcapng(Order::Big).enhanced(0, 1, b"third", &[]).bytes;
    for (bytes, whole, cut) in [
        (&pcap, "where a record was expected", "a record of 21 bytes"),
        (
            &pcapng,
            "where a block was expected",
            "an enhanced packet block of 40 bytes",
        ),
    ] {
        let what = format!("reading failed: the disk is gone ({whole})");
        assert_eq!(damage(Failing(bytes)), (3, 4, bytes.len() as u64, what));

        let (frames, frame, _, what) = damage(Failing(&bytes[..bytes.len() - 1]));
        let until = bytes.len() as u64 - damage(&bytes[..bytes.len() - 1]).2 - 1;
        assert_eq!((frames, frame), (2, 3));
        assert_eq!(
            what,
            format!(
                "reading failed: the disk is gone ({cut}, but the input ends after {until} of them)"
            )
        );
    }
    let expected = "reading failed after 10 bytes: the disk is gone";
    assert_eq!(refusal(Failing(&pcap[..10])), expected);
    assert_eq!(
        refusal(Failing(&[])),
        "reading failed after 0 bytes: the disk is gone"
    );
}

/// Reads and decodes to the end, going on behind damage and not; every record must have cost some
/// bytes of the input.
fn exhaust(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut before = Vec::new();
    for strict in [true, false] {
        let Ok(reader) = Reader::new(bytes) else {
            return Ok(());
        };
        let mut reader = reader.strict(strict);
        let mut frames = 0;
        let mut records = Vec::new();
        while let Some(record) = reader.next() {
            prop_assert!(record.frame > frames);
            frames = record.frame;
            prop_assert!(record.data.len() <= bytes.len());
            prop_assert!(record.original_len as usize >= record.data.len());
            prop_assert!(frames * 12 <= bytes.len() as u64);
            let _ = decode(record.link, record.data, record.original_len);
            records.push((record.frame, record.time, record.data.to_vec()));
        }
        let understood = reader.bytes();
        let last = reader.damage().last();
        if reader.is_cut() {
            let last = last.map(|damage| (damage.frame, damage.offset, damage.skipped));
            prop_assert_eq!(last, Some((reader.frames() + 1, understood, None)));
        } else {
            prop_assert_eq!(understood, bytes.len() as u64);
        }
        prop_assert!(reader.skipped() <= understood);
        // What was read before the first damage is read in both ways.
        if strict {
            before = records;
        } else {
            prop_assert_eq!(records.get(..before.len()), Some(&before[..]));
        }
    }
    Ok(())
}

/// Captures of every kind, with packets of a few bytes.
fn captures() -> Vec<Vec<u8>> {
    let mut captures = Vec::new();
    for order in Order::BOTH {
        for magic in [MICROSECONDS, NANOSECONDS, MODIFIED] {
            let mut file = Pcap::new(magic, order, 101);
            for i in 0..6 {
                file = file.record((i, 1), &[0x45; 60][..i as usize * 12], 60);
            }
            captures.push(file.bytes);
        }
        let file = PcapNg::new(order)
            .interface(1, 40, &[(9, &[0x8a]), (14, &[0, 0, 0, 0, 0, 0, 1, 0])])
            .enhanced(0, 1 << 40, &[2; 33], &[(1, b"comment"), (0, &[])])
            .block(0x8000_0001, &[0; 4])
            .obsolete(0, 5, b"obsolete")
            .simple(&[0x45; 40], 1500)
            .section(order, &[(4, b"application")])
            .interface(276, 0, &[])
            .enhanced(0, 7, &[8; 50], &[]);
        captures.push(file.bytes);
    }
    captures
}

#[test]
fn every_prefix_of_a_capture_gives_its_whole_records() {
    for bytes in captures() {
        let whole = {
            let mut reader = Reader::new(&bytes[..]).unwrap();
            while reader.next().is_some() {}
            reader.frames()
        };
        let mut before = 0;
        for end in 0..=bytes.len() {
            exhaust(&bytes[..end]).unwrap();
            let Ok(mut reader) = Reader::new(&bytes[..end]) else {
                continue;
            };
            while reader.next().is_some() {}
            assert!(reader.frames() >= before, "more bytes, fewer records");
            before = reader.frames();
        }
        assert_eq!(before, whole);
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic_or_loop(
        head in prop::sample::select(vec![
            &b"\x0a\x0d\x0d\x0a"[..],
            b"\xd4\xc3\xb2\xa1\x02\0\x04\0",
            b"\xa1\xb2\x3c\x4d\0\x02\0\x04",
            b"\x34\xcd\xb2\xa1\x02\0\x04\0",
            b"",
        ]),
        tail in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        exhaust(&[head, &tail].concat())?;
    }

    #[test]
    fn changed_captures_never_panic_or_loop(
        which in 0..captures().len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = captures().swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        exhaust(&bytes)?;
        exhaust(&bytes[..cut.index(bytes.len())])?;
    }
}
