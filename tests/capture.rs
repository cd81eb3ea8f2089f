//! Every container variant, byte by byte, through the reader.

#[path = "common/container.rs"]
mod container;

use container::{
    IXIA_HARDWARE, IXIA_SOFTWARE, MICROSECONDS, MODIFIED, NANOSECONDS, Order, Pcap, PcapNg,
};
use std::io::{self, ErrorKind, Read};
use whoclosed::capture::Reader;

/// A record, and what the reader says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    frame: u64,
    nanos: Option<i64>,
    interface: u32,
    link: u16,
    data: Vec<u8>,
    original: u32,
}

fn read(input: impl Read) -> Vec<Seen> {
    let mut reader = Reader::new(input).unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next() {
        records.push(Seen {
            frame: record.frame,
            nanos: record.time.map(|time| time.0),
            interface: record.interface,
            link: record.link,
            data: record.data.to_vec(),
            original: record.original_len,
        });
    }
    assert_eq!((reader.damage(), reader.is_cut()), (&[][..], false));
    assert_eq!(reader.frames(), records.len() as u64);
    assert!(reader.next().is_none(), "the end is the end");
    records
}

fn times(bytes: &[u8]) -> Vec<Option<i64>> {
    read(bytes).iter().map(|seen| seen.nanos).collect()
}

const SECOND: i64 = 1_000_000_000;
/// The packets of most tests: lengths with and without padding, one of them empty.
const PACKETS: [&[u8]; 4] = [b"first packet", b"second", b"", b"the fourth, cut"];

#[test]
fn pcap_of_every_magic() {
    let kinds = [
        (MICROSECONDS, 1000),
        (NANOSECONDS, 1),
        (MODIFIED, 1000),
        (IXIA_HARDWARE, 1000),
        (IXIA_SOFTWARE, 1000),
    ];
    for ((magic, unit), order) in kinds.into_iter().flat_map(|k| Order::BOTH.map(|o| (k, o))) {
        let mut file = Pcap::new(magic, order, 1);
        for (i, data) in PACKETS.iter().enumerate() {
            file = file.record((1_700_000_000 + i as u32, 5), data, 100);
        }
        let seen = read(&file.bytes[..]);
        assert_eq!(seen.len(), PACKETS.len(), "{magic:x} {order:?}");
        for (i, seen) in seen.iter().enumerate() {
            let seconds = 1_700_000_000 + i64::try_from(i).unwrap();
            let expected = Seen {
                frame: i as u64 + 1,
                nanos: Some(seconds * SECOND + 5 * unit),
                interface: 0,
                link: 1,
                data: PACKETS[i].to_vec(),
                original: 100,
            };
            assert_eq!(*seen, expected, "{magic:x} {order:?}");
        }
    }
}

#[test]
fn pcap_without_records_is_no_damage() {
    for order in Order::BOTH {
        let file = Pcap::new(MICROSECONDS, order, 276);
        let mut reader = Reader::new(&file.bytes[..]).unwrap();
        assert!(reader.next().is_none());
        assert_eq!((reader.damage(), reader.bytes()), (&[][..], 24));
        assert_eq!(reader.link_types(), [276]);
    }
}

#[test]
fn pcap_times_reach_to_2106_and_bad_fractions_are_clamped() {
    let file = Pcap::new(MICROSECONDS, Order::Little, 1)
        .record((u32::MAX, 999_999), b"x", 1)
        .record((7, 1_000_000), b"x", 1)
        .record((7, u32::MAX), b"x", 1);
    let last_nanosecond = Some(8 * SECOND - 1);
    let last = Some(4_294_967_295 * SECOND + 999_999_000);
    assert_eq!(times(&file.bytes), [last, last_nanosecond, last_nanosecond]);
}

#[test]
fn pcap_frame_check_sequences_are_stripped() {
    // Bit 26: the length is there; the upper four bits count 16-bit words.
    let network = 2 << 28 | 1 << 26 | 1;
    let file = Pcap::new(MICROSECONDS, Order::Big, network)
        .record((1, 0), b"payloadFCS!", 11)
        .record((1, 0), b"cut", 11)
        .record((1, 0), b"FC", 2);
    let seen = read(&file.bytes[..]);
    let parts: Vec<_> = seen
        .iter()
        .map(|s| (s.link, &s.data[..], s.original))
        .collect();
    assert_eq!(
        parts,
        [(1, &b"payload"[..], 7), (1, b"cut", 7), (1, b"", 0)]
    );

    let without_length = Pcap::new(MICROSECONDS, Order::Big, 2 << 28 | 1).record((1, 0), b"ab", 2);
    assert_eq!(read(&without_length.bytes[..])[0].data, b"ab");
}

#[test]
fn an_original_length_is_never_below_the_captured() {
    let file = Pcap::new(MICROSECONDS, Order::Little, 1).record((1, 0), b"seven b", 3);
    assert_eq!(read(&file.bytes[..])[0].original, 7);
}

#[test]
fn pcapng_packet_blocks_of_either_byte_order() {
    for order in Order::BOTH {
        let file = PcapNg::new(order)
            .interface(1, 0, &[])
            .interface(101, 9, &[])
            .enhanced(1, 1_700_000_000_000_001, b"odd", &[])
            .enhanced_cut(
                0,
                2,
                b"four",
                1500,
                &[(2, &[0; 4]), (1, b"comment"), (0, &[])],
            )
            .obsolete(1, 3, b"obsolete")
            .simple(b"simple", 6);
        let expected = [
            (Some(1_700_000_000_000_001_000), 1, 101, &b"odd"[..], 3),
            (Some(2000), 0, 1, b"four", 1500),
            (Some(3000), 1, 101, b"obsolete", 8),
            (None, 0, 1, b"simple", 6),
        ];
        let seen = read(&file.bytes[..]);
        let parts: Vec<_> = seen
            .iter()
            .map(|s| (s.nanos, s.interface, s.link, &s.data[..], s.original))
            .collect();
        assert_eq!(parts, expected, "{order:?}");
        let frames: Vec<_> = seen.iter().map(|s| s.frame).collect();
        assert_eq!(frames, [1, 2, 3, 4]);
    }
}

#[test]
fn simple_packets_are_cut_at_their_interface_limit() {
    let file = PcapNg::new(Order::Little)
        .interface(1, 5, &[])
        .simple(b"12345", 1500)
        .simple(b"123", 3);
    let seen = read(&file.bytes[..]);
    assert_eq!((&seen[0].data[..], seen[0].original), (&b"12345"[..], 1500));
    assert_eq!((&seen[1].data[..], seen[1].original), (&b"123"[..], 3));
}

#[test]
fn blocks_without_packets_are_stepped_over() {
    let file = PcapNg::new(Order::Big)
        .block(4, b"names of hosts")
        .interface(1, 0, &[])
        .block(0x8000_0001, &[]) // Apple's process information, too short for its own fields
        .block(0x0bae, &[0xff; 5000])
        .enhanced(0, 1, b"x", &[])
        .block(5, &[1; 12]) // interface statistics
        .block(10, b"secrets")
        .enhanced(0, 2, b"y", &[]);
    let frames: Vec<_> = read(&file.bytes[..]).iter().map(|s| s.frame).collect();
    assert_eq!(frames, [1, 2]);
}

#[test]
fn blocks_that_wireshark_numbers_keep_their_numbers() {
    let mut file = PcapNg::new(Order::Little)
        .interface(1, 0, &[])
        .enhanced(0, 1, b"x", &[]);
    for kind in [9, 0x0bad, 0x4000_0bad, 0x204, 0x216, 0x221] {
        file = file.block(kind, b"no packet").enhanced(0, 2, b"y", &[]);
    }
    let mut reader = Reader::new(&file.bytes[..]).unwrap();
    let mut frames = Vec::new();
    while let Some(record) = reader.next() {
        frames.push(record.frame);
    }
    assert_eq!(frames, [1, 3, 5, 7, 9, 11, 13]);
    assert_eq!(reader.frames(), 13);
}

#[test]
fn pcapng_without_packets_is_no_damage() {
    let file = PcapNg::new(Order::Big);
    assert_eq!(read(&file.bytes[..]), []);
    let reader = Reader::new(&file.bytes[..]).unwrap();
    assert_eq!(reader.link_types(), &[] as &[u16]);
}

#[test]
fn each_section_has_its_own_byte_order_and_interfaces() {
    let file = PcapNg::new(Order::Little)
        .interface(1, 0, &[])
        .interface(113, 0, &[(9, &[9])])
        .enhanced(1, 5, b"a", &[])
        .section(Order::Big, &[(2, b"hardware"), (4, b"application")])
        .interface(276, 0, &[(9, &[3])])
        .enhanced(0, 5, b"b", &[])
        .section(Order::Little, &[])
        .interface(1, 0, &[])
        .enhanced(0, 5, b"c", &[]);
    let seen = read(&file.bytes[..]);
    let parts: Vec<_> = seen.iter().map(|s| (s.frame, s.link, s.nanos)).collect();
    let expected = [
        (1, 113, Some(5)),
        (2, 276, Some(5_000_000)),
        (3, 1, Some(5000)),
    ];
    assert_eq!(parts, expected);

    let mut reader = Reader::new(&file.bytes[..]).unwrap();
    while reader.next().is_some() {}
    assert_eq!(reader.link_types(), [1, 113, 276]);
    assert_eq!(reader.bytes(), file.bytes.len() as u64);
}

/// One packet at `ticks` of a clock with this `if_tsresol` and this `if_tsoffset`.
fn clock(order: Order, resolution: u8, offset: Option<i64>, ticks: u64) -> Option<i64> {
    let offset = offset.map(|offset| order.u64(offset.cast_unsigned()));
    let mut options = vec![(2, &b"eth0"[..]), (9, std::slice::from_ref(&resolution))];
    options.extend(offset.iter().map(|raw| (14, &raw[..])));
    options.push((0, &[]));
    // Behind the end of the options nothing counts.
    options.push((9, &[0]));
    let file = PcapNg::new(order)
        .interface(1, 0, &options)
        .enhanced(0, ticks, b"x", &[]);
    times(&file.bytes)[0]
}

#[test]
fn resolutions_in_powers_of_ten_and_of_two() {
    const BINARY: u8 = 0x80;
    for order in Order::BOTH {
        let cases = [
            (0, 1_700_000_000, Some(1_700_000_000 * SECOND)),
            (3, 1_700_000_000_123, Some(1_700_000_000_123_000_000)),
            (6, 1_700_000_000_000_001, Some(1_700_000_000_000_001_000)),
            (
                9,
                1_700_000_000_000_000_001,
                Some(1_700_000_000_000_000_001),
            ),
            (12, 999_999_999_999_999, Some(999_999_999_999)),
            (18, 1_700_000_000_999_999_999, Some(1_700_000_000)),
            (28, u64::MAX, Some(1)),
            (29, u64::MAX, Some(0)),
            (127, u64::MAX, Some(0)),
            (BINARY, 1_700_000_000, Some(1_700_000_000 * SECOND)),
            (BINARY | 1, 3_400_000_001, Some(1_700_000_000_500_000_000)),
            (
                BINARY | 0x0a,
                1_700_000_000 << 10 | 512,
                Some(1_700_000_000_500_000_000),
            ),
            (
                BINARY | 0x20,
                1_700_000_000 << 32 | 1 << 30,
                Some(1_700_000_000_250_000_000),
            ),
            (BINARY | 0x7f, u64::MAX, Some(0)),
            (0, u64::MAX, None),
            (9, u64::MAX, None),
            (BINARY, u64::MAX, None),
        ];
        for (resolution, ticks, expected) in cases {
            let found = clock(order, resolution, None, ticks);
            assert_eq!(found, expected, "{order:?} {resolution:#x} {ticks}");
        }
    }
}

#[test]
fn offsets_are_read_in_the_byte_order_of_the_section() {
    for order in Order::BOTH {
        assert_eq!(clock(order, 6, Some(3600), 1), Some(3600 * SECOND + 1000));
        assert_eq!(clock(order, 6, Some(-3600), 1), Some(-3600 * SECOND + 1000));
        assert_eq!(clock(order, 9, Some(i64::MAX), 1), None);
        assert_eq!(clock(order, 9, Some(i64::MIN), 1), None);
    }
}

/// Gives a few bytes at a time, and interruptions between them.
struct Dripping<'a> {
    rest: &'a [u8],
    step: usize,
}

impl Read for Dripping<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.step += 1;
        if self.step.is_multiple_of(3) {
            return Err(ErrorKind::Interrupted.into());
        }
        let n = (self.step % 7 + 1).min(buf.len());
        self.rest.read(&mut buf[..n])
    }
}

#[test]
fn short_and_interrupted_reads_give_the_same_records() {
    let mut pcap = Pcap::new(NANOSECONDS, Order::Little, 1);
    let mut pcapng = PcapNg::new(Order::Big).interface(1, 0, &[]);
    for i in 0..600_u16 {
        let data = vec![i as u8; usize::from(i)];
        pcap = pcap.record((u32::from(i), 0), &data, 2000);
        pcapng = pcapng.enhanced(0, u64::from(i), &data, &[]);
    }
    for bytes in [pcap.bytes, pcapng.bytes] {
        let whole = read(&bytes[..]);
        assert_eq!(whole.len(), 600);
        for step in 0..7 {
            assert_eq!(read(Dripping { rest: &bytes, step }), whole);
        }
    }
}

#[test]
fn records_larger_than_the_buffer() {
    let large = vec![7; 262_144];
    let file = Pcap::new(MICROSECONDS, Order::Little, 1)
        .record((1, 0), b"before", 6)
        .record((2, 0), &large, 500_000)
        .record((3, 0), b"after", 5);
    let lengths: Vec<_> = read(&file.bytes[..]).iter().map(|s| s.data.len()).collect();
    assert_eq!(lengths, [6, 262_144, 5]);

    let huge = vec![7; 8 << 20];
    let file = PcapNg::new(Order::Little)
        .block(0x0bae, &huge)
        .interface(1, 0, &[])
        .enhanced(0, 1, &huge, &[])
        .enhanced(0, 2, b"after", &[]);
    let lengths: Vec<_> = read(&file.bytes[..]).iter().map(|s| s.data.len()).collect();
    assert_eq!(lengths, [8 << 20, 5]);
}

/// An interface statistics block: its number, a time, and options.
fn statistics(file: PcapNg, order: Order, interface: u32, counts: &[(u16, u64)]) -> PcapNg {
    let mut body = order.u32(interface).to_vec();
    body.extend([0; 8]);
    // The capture's start, which is no count of packets.
    body.extend([order.u16(2), order.u16(8)].concat());
    body.extend([0xff; 8]);
    for &(code, count) in counts {
        body.extend([order.u16(code), order.u16(8)].concat());
        body.extend(order.u64(count));
    }
    body.extend([0; 4]);
    // Behind the end of the options nothing counts.
    body.extend([order.u16(5), order.u16(8)].concat());
    body.extend([0xff; 8]);
    file.block(5, &body)
}

fn dropped(file: &PcapNg) -> Option<u64> {
    let mut reader = Reader::new(&file.bytes[..]).unwrap();
    while reader.next().is_some() {}
    assert_eq!(reader.damage(), []);
    reader.dropped()
}

#[test]
fn dropped_packets_are_the_last_statistics_of_every_interface() {
    const RECEIVED: u16 = 4;
    const BY_INTERFACE: u16 = 5;
    const BY_SYSTEM: u16 = 7;
    for order in Order::BOTH {
        let begun = || {
            PcapNg::new(order)
                .interface(1, 0, &[])
                .interface(1, 0, &[])
                .enhanced(0, 1, b"x", &[])
        };
        assert_eq!(dropped(&begun()), None);
        let silent = statistics(begun(), order, 0, &[(RECEIVED, 7)]);
        assert_eq!(dropped(&silent), None, "received is not dropped");
        let none = statistics(begun(), order, 0, &[(BY_INTERFACE, 0)]);
        assert_eq!(dropped(&none), Some(0));
        let both = &[(RECEIVED, 1 << 40), (BY_INTERFACE, 3), (BY_SYSTEM, 1 << 33)];
        let file = statistics(begun(), order, 0, &[(BY_INTERFACE, 2)]);
        let file = statistics(file, order, 0, both);
        let file = statistics(file, order, 1, &[(BY_SYSTEM, 10)]);
        let file = statistics(file, order, 9, &[(BY_SYSTEM, 1000)]);
        let file = file.section(order, &[]).interface(1, 0, &[]);
        let file = statistics(file, order, 0, &[(BY_INTERFACE, 100)]);
        assert_eq!(dropped(&file), Some(113 + (1 << 33)));
        let far = statistics(file, order, 0, &[(BY_INTERFACE, u64::MAX)]);
        assert_eq!(dropped(&far), Some(u64::MAX));
        // Options that do not fit, and none at all.
        let cut = begun().block(5, &[order.u32(0), [0; 4], [0; 4]].concat());
        assert_eq!(dropped(&cut), None);
        let mut body = [order.u32(0), [0; 4], [0; 4]].concat();
        body.extend([order.u16(5), order.u16(400)].concat());
        assert_eq!(dropped(&begun().block(5, &body)), None);
    }
}

#[test]
fn interfaces_are_named_once_in_order_of_appearance() {
    const IF_NAME: u16 = 2;
    for order in Order::BOTH {
        let capture = PcapNg::new(order)
            .interface(1, 0, &[(IF_NAME, b"eth0")])
            .interface(1, 0, &[])
            .interface(1, 0, &[(IF_NAME, b"lo\0\0")])
            .section(order, &[])
            .interface(1, 0, &[(IF_NAME, b"eth0")])
            .interface(1, 0, &[(IF_NAME, b"\xff<b>")]);
        let mut reader = Reader::new(&*capture.bytes).expect("a capture");
        while reader.next().is_some() {}
        assert_eq!(reader.interfaces(), ["eth0", "lo", "\u{fffd}<b>"]);
    }
    let mut many = PcapNg::new(Order::Little);
    for at in 0..100 {
        let name = format!("{at:300}");
        many = many.interface(1, 0, &[(IF_NAME, name.as_bytes())]);
    }
    let mut reader = Reader::new(&*many.bytes).expect("a capture");
    while reader.next().is_some() {}
    // All of them are spaces up to where they are cut.
    assert_eq!(reader.interfaces(), [" ".repeat(256)]);
    let pcap = Pcap::new(container::MICROSECONDS, Order::Little, 1);
    assert!(
        Reader::new(&*pcap.bytes)
            .expect("a capture")
            .interfaces()
            .is_empty()
    );
}
