//! Damage inside of a capture: reading goes on behind it, and says what was skipped.

#[path = "common/container.rs"]
mod container;

use container::{MICROSECONDS, MODIFIED, NANOSECONDS, Order, Pcap, PcapNg};
use proptest::prelude::*;
use std::io::Read;
use std::time::{Duration, Instant};
use whoclosed::capture::{Damage, Reader};

/// A record: its frame, its time and its bytes.
type Seen = (u64, Option<i64>, Vec<u8>);

struct Found {
    seen: Vec<Seen>,
    damage: Vec<Damage>,
    cut: bool,
}

fn read(input: impl Read) -> Found {
    let mut reader = Reader::new(input).unwrap();
    let mut seen = Vec::new();
    while let Some(record) = reader.next() {
        let time = record.time.map(|time| time.0);
        seen.push((record.frame, time, record.data.to_vec()));
    }
    let skipped = reader.damage().iter().filter_map(|damage| damage.skipped);
    if reader.unlisted_damage() == 0 {
        assert_eq!(reader.skipped(), skipped.sum::<u64>());
    }
    Found {
        seen,
        damage: reader.damage().to_vec(),
        cut: reader.is_cut(),
    }
}

/// Times and bytes without the numbers.
fn content(seen: &[Seen]) -> Vec<(Option<i64>, &[u8])> {
    seen.iter()
        .map(|(_, time, data)| (*time, &data[..]))
        .collect()
}

const BEGUN: u32 = 1_700_000_000;

/// Bytes of a packet that looks like traffic: headers, zeros, text.
fn payload(n: u32) -> Vec<u8> {
    let len = n * 37 % 200;
    let byte = |i: u32| match i % 5 {
        0 => 0x45,
        1 | 2 => 0,
        3 => n as u8,
        _ => (i * 7) as u8,
    };
    (0..len).map(byte).collect()
}

/// A capture and where each of its records begins.
struct Capture {
    bytes: Vec<u8>,
    at: Vec<usize>,
}

const RECORDS: u32 = 30;

fn captures() -> Vec<Capture> {
    let mut captures = Vec::new();
    for order in Order::BOTH {
        for magic in [MICROSECONDS, NANOSECONDS, MODIFIED] {
            let mut file = Pcap::new(magic, order, 101);
            let mut at = Vec::new();
            for n in 0..RECORDS {
                at.push(file.bytes.len());
                let data = payload(n);
                file = file.record((BEGUN + n / 4, n * 1000), &data, data.len() as u32);
            }
            let bytes = file.bytes;
            captures.push(Capture { bytes, at });
        }
        let mut file = PcapNg::new(order)
            .interface(101, 0, &[])
            .interface(1, 0, &[]);
        let mut at = Vec::new();
        for n in 0..RECORDS {
            at.push(file.bytes.len());
            let ticks = u64::from(BEGUN) * 1_000_000 + u64::from(n);
            file = match n % 3 {
                0 => file.enhanced(0, ticks, &payload(n), &[]),
                1 => file.enhanced(1, ticks, &payload(n), &[(1, b"comment"), (0, &[])]),
                _ => file.obsolete(1, ticks, &payload(n)),
            };
        }
        let bytes = file.bytes;
        captures.push(Capture { bytes, at });
    }
    captures
}

impl Capture {
    /// The records behind number `n`, which may lose so many more, are there as they were; and so
    /// are those before it.
    fn found_again(&self, bytes: &[u8], n: usize, more: usize) -> Result<(), TestCaseError> {
        let whole = read(&self.bytes[..]).seen;
        let whole = content(&whole);
        let found = read(bytes);
        let seen = content(&found.seen);
        prop_assert!(seen.starts_with(&whole[..n]), "before record {}", n);
        let rest = &whole[n + 1 + more..];
        prop_assert!(
            seen.ends_with(rest),
            "behind record {}: {:?}",
            n,
            found.damage
        );
        Ok(())
    }
}

#[test]
fn a_wrong_length_loses_one_record() {
    for order in Order::BOTH {
        for length in [262_145, u32::MAX, 200_000, 3, 0x0100_0000] {
            for capture in captures() {
                let whole = read(&capture.bytes[..]).seen;
                assert_eq!(whole.len(), RECORDS as usize);
                let mut bytes = capture.bytes.clone();
                let at = capture.at[12];
                let ng = bytes.starts_with(b"\x0a\x0d\x0d\x0a");
                let at = if ng { at + 4 } else { at + 8 };
                bytes[at..at + 4].copy_from_slice(&order.u32(length));
                capture.found_again(&bytes, 12, 0).unwrap();
                let found = read(&bytes[..]);
                assert!(!found.damage.is_empty() && !found.cut);
            }
        }
    }
}

#[test]
fn what_was_skipped_is_told() {
    let good =
        |file: Pcap| (0..10).fold(file, |file, n| file.record((BEGUN + n, 0), b"some data", 9));
    let file = good(Pcap::new(MICROSECONDS, Order::Little, 1));
    let at = file.bytes.len();
    let mut file = file.record((BEGUN, 0), &[0xaa; 100], 100);
    file.bytes[at + 8..at + 12].fill(0xff);
    let found = read(&good(file).bytes[..]);
    let expected = Damage {
        frame: 11,
        offset: at as u64,
        what: "a record of 4294967295 captured bytes, where at most 262144 were expected".into(),
        skipped: Some(116),
    };
    assert_eq!((found.damage, found.cut), (vec![expected], false));
    let frames: Vec<u64> = found.seen.iter().map(|seen| seen.0).collect();
    assert_eq!(frames, (1..=20).collect::<Vec<_>>());
}

#[test]
fn packets_of_blocks_that_are_whole_keep_their_numbers() {
    let file = PcapNg::new(Order::Big)
        .interface(1, 0, &[])
        .enhanced(0, 1, b"one", &[])
        .enhanced(7, 2, b"two", &[])
        .enhanced(0, 3, b"three", &[])
        .block(1, &[0; 4])
        .enhanced(1, 4, b"four", &[])
        .simple(b"five", 4);
    let found = read(&file.bytes[..]);
    let frames: Vec<u64> = found.seen.iter().map(|seen| seen.0).collect();
    assert_eq!(frames, [1, 3, 5]);
    let damage: Vec<_> = found
        .damage
        .iter()
        .map(|d| (d.frame, d.skipped, &d.what[..]))
        .collect();
    let expected = [
        (
            2,
            Some(36),
            "a packet of interface 7, where the section describes 1 so far",
        ),
        (
            4,
            Some(16),
            "an interface description of 16 bytes that cannot be read",
        ),
        (
            4,
            Some(36),
            "a packet of interface 1, whose description cannot be read",
        ),
    ];
    assert_eq!(damage, expected);
    assert!(!found.cut);
}

#[test]
fn interfaces_are_never_mistaken_after_damage() {
    let packets = |file: PcapNg, interface, from: u64| {
        (from..from + 5).fold(file, |file, n| file.enhanced(interface, n, b"data", &[]))
    };
    let links = |bytes: &[u8]| {
        let mut reader = Reader::new(bytes).unwrap();
        let mut links = Vec::new();
        while let Some(record) = reader.next() {
            links.push(record.link);
        }
        links
    };
    // The first of two descriptions is lost: which one remains is unknown, until the next section.
    let file = PcapNg::new(Order::Little);
    let at = file.bytes.len();
    let file = packets(file.interface(1, 0, &[]).interface(101, 0, &[]), 0, 1);
    let file = packets(file.section(Order::Big, &[]).interface(276, 0, &[]), 0, 9);
    let mut bytes = file.bytes;
    bytes[at + 5] = 0x77;
    assert_eq!(links(&bytes), [276; 5]);

    // A header of a section is lost: its interface is not that of the section before.
    let file = packets(PcapNg::new(Order::Little).interface(1, 0, &[]), 0, 1);
    let at = file.bytes.len();
    let file = packets(
        file.section(Order::Little, &[]).interface(101, 0, &[]),
        0,
        9,
    );
    let mut bytes = file.bytes;
    bytes[at + 4] = 0x77;
    assert_eq!(links(&bytes), [1; 5]);

    // A later description like the ones before may have any number.
    let file = packets(PcapNg::new(Order::Little).interface(1, 0, &[]), 0, 1);
    let at = file.bytes.len();
    let file = packets(packets(file, 0, 6).interface(1, 0, &[]), 1, 11);
    let mut bytes = file.bytes.clone();
    bytes[at + 4] = 0x77;
    assert_eq!(links(&bytes), [1; 14]);
}

#[test]
fn a_new_section_is_found_behind_anything() {
    let file = PcapNg::new(Order::Little).interface(1, 0, &[]);
    let mut file = file.enhanced(0, 1, b"one", &[]);
    file.bytes.extend(vec![0x5a; 70_001]);
    let file = file.section(Order::Big, &[]).interface(101, 0, &[]);
    let file = file.enhanced(0, 2, b"two", &[]);
    let found = read(&file.bytes[..]);
    let data: Vec<_> = found.seen.iter().map(|seen| &seen.2[..]).collect();
    assert_eq!(data, [&b"one"[..], b"two"]);
    assert_eq!(found.damage[0].skipped, Some(70_001));
}

#[test]
fn clocks_that_step_and_odd_lengths_are_no_damage() {
    let data = [7; 30];
    let begun = Pcap::new(MICROSECONDS, Order::Little, 1);
    let seconds = [BEGUN, 0, 5, BEGUN, 7, 8, u32::MAX / 2, 1, 2];
    let stepping = seconds
        .into_iter()
        .fold(begun, |file, second| file.record((second, 0), &data, 30));
    let begun = Pcap::new(MICROSECONDS, Order::Little, 1);
    let short = (0..9).fold(begun, |file, n| {
        file.record((BEGUN + n, 0), &data, n % 3 * 15)
    });
    for file in [stepping, short] {
        let found = read(&file.bytes[..]);
        assert_eq!((found.seen.len(), found.damage), (9, vec![]));
    }
}

/// A packet that is itself a piece of a capture.
#[test]
fn a_capture_within_a_cut_packet_is_not_read() {
    let inner = (0..20).fold(Pcap::new(MICROSECONDS, Order::Little, 1), |file, n| {
        file.record((BEGUN + n, 0), b"inner data", 10)
    });
    let file = Pcap::new(MICROSECONDS, Order::Little, 1).record((BEGUN, 0), b"x", 1);
    let len = inner.bytes.len() as u32;
    let file = file.record((BEGUN, 1), &inner.bytes, len);
    let found = read(&file.bytes[..file.bytes.len() - 5]);
    assert_eq!((found.seen.len(), found.cut), (1, true));
    assert_eq!(found.damage[0].skipped, None);

    let inner = (0..20).fold(
        PcapNg::new(Order::Little).interface(1, 0, &[]),
        |file, n| file.enhanced(0, n, b"inner data", &[]),
    );
    let file = PcapNg::new(Order::Little).interface(1, 0, &[]);
    let file = file.enhanced(0, 1, &inner.bytes, &[]);
    let found = read(&file.bytes[..file.bytes.len() - 50]);
    assert_eq!((found.seen.len(), found.cut), (0, true));
}

#[test]
fn many_places_are_counted_and_not_all_listed() {
    let mut file = PcapNg::new(Order::Little).interface(1, 0, &[]);
    for n in 0..100 {
        file = file
            .enhanced(0, n, b"good", &[])
            .enhanced(3, n, b"bad", &[]);
    }
    file.bytes.truncate(file.bytes.len() - 3);
    let mut reader = Reader::new(&file.bytes[..]).unwrap();
    while reader.next().is_some() {}
    assert_eq!((reader.damage().len(), reader.unlisted_damage()), (17, 83));
    assert_eq!((reader.skipped(), reader.frames()), (99 * 36, 199));
    assert_eq!(reader.torn(), Some([2, 198]));
    assert!(reader.is_cut());
}

/// Gives the same bytes again and again.
struct Endless<'a> {
    head: &'a [u8],
    pattern: &'a [u8],
    left: usize,
    at: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        if !self.head.is_empty() {
            return self.head.read(buf);
        }
        let n = buf.len().min(self.left);
        for byte in &mut buf[..n] {
            *byte = self.pattern[self.at];
            self.at = (self.at + 1) % self.pattern.len();
        }
        self.left -= n;
        Ok(n)
    }
}

/// Garbage of every sort that looks like headers costs time in proportion to its size.
#[test]
fn hostile_garbage_is_searched_in_linear_time() {
    const SIZE: usize = 6 << 20;
    let pcap = Pcap::new(MICROSECONDS, Order::Little, 1).record((BEGUN, 0), b"x", 1);
    let pcapng = PcapNg::new(Order::Little).interface(1, 0, &[]);
    let pcapng = pcapng.enhanced(0, 1, b"x", &[]);
    let words = |words: &[u32]| -> Vec<u8> { words.iter().flat_map(|w| w.to_le_bytes()).collect() };
    let bad = words(&[BEGUN, 0, u32::MAX, u32::MAX]);
    let far = words(&[BEGUN, 0, 262_000, 262_000]);
    let short = words(&[BEGUN, 0, 4, 4, 0]);
    let block = words(&[6, 0x7_fff0]);
    let one_off = words(&[6, 36, 0, 0, 0, 3, 3, 7, 40]);
    let cases: [(&[u8], &[u8]); 8] = [
        (&pcap.bytes, &[0]),
        (&pcap.bytes, &bad),
        (&pcap.bytes, &far),
        (
            &pcap.bytes,
            &[&short[..], &short, &short, &bad, &[1]].concat(),
        ),
        (&pcapng.bytes, &[0]),
        (&pcapng.bytes, &block),
        (&pcapng.bytes, &one_off),
        (&pcapng.bytes, &words(&[3, 16, 4, 16, 6])),
    ];
    for (head, pattern) in cases {
        let begun = Instant::now();
        let left = SIZE;
        let mut reader = Reader::new(Endless {
            head,
            pattern,
            left,
            at: 0,
        })
        .unwrap();
        let mut records = 0_u64;
        while reader.next().is_some() {
            records += 1;
        }
        assert!(records >= 1);
        // Quadratic time would take hours.
        assert!(begun.elapsed() < Duration::from_mins(1), "{pattern:02x?}");
    }
}

/// Where bytes are missing or too many, chance may make a header of what follows that nothing
/// tells from a true one; seldom.
#[test]
fn a_removed_or_inserted_chunk_loses_few_records() {
    const TRIES: usize = 2000;
    let captures = captures();
    let mut noise = 77_u32;
    let mut below = |limit: usize| {
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        noise as usize % limit
    };
    let mut failed = Vec::new();
    for _ in 0..TRIES {
        let capture = &captures[below(captures.len())];
        let (n, len, remove) = (1 + below(15), 1 + below(89), below(2) == 0);
        let at = capture.at[n] + below(capture.at[n + 1] - capture.at[n]);
        let chunk: Vec<u8> = (0..len).map(|_| below(256) as u8).collect();
        let mut bytes = capture.bytes.clone();
        let end = if remove { at + len } else { at };
        bytes.splice(at..end, chunk.into_iter().filter(|_| !remove));
        // The chunk may span records itself.
        let spans = |&&begin: &&usize| begin > at && begin < end;
        let lost = capture.at.iter().filter(spans).count();
        failed.extend(capture.found_again(&bytes, n, lost + 10).err());
    }
    assert!(
        failed.len() * 200 < TRIES,
        "{} of {TRIES}: {failed:?}",
        failed.len()
    );
}

proptest! {
    #[test]
    fn one_changed_byte_loses_few_records(
        which in 0..captures().len(),
        n in 1..RECORDS as usize - 12,
        at in any::<prop::sample::Index>(),
        byte: u8,
    ) {
        let capture = captures().swap_remove(which);
        let mut bytes = capture.bytes.clone();
        let at = capture.at[n] + at.index(capture.at[n + 1] - capture.at[n]);
        bytes[at] = byte;
        capture.found_again(&bytes, n, 10)?;
    }

    #[test]
    fn a_destroyed_record_is_the_only_one_lost(
        which in 0..captures().len(),
        n in 1..RECORDS as usize - 5,
        seed: u32,
    ) {
        let capture = captures().swap_remove(which);
        let mut bytes = capture.bytes.clone();
        let mut noise = seed | 1;
        for byte in &mut bytes[capture.at[n]..capture.at[n + 1]] {
            noise ^= noise << 13;
            noise ^= noise >> 17;
            noise ^= noise << 5;
            *byte = noise as u8;
        }
        capture.found_again(&bytes, n, 0)?;
    }
}
