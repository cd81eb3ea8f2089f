//! Captures written anew: what becomes of everything in them that is no packet.

#[path = "common/container.rs"]
mod container;
mod support;

use container::{Order, Pcap, PcapNg};
use std::fs;
use support::{testdata, verdicts};
use whoclosed::capture::Reader;
use whoclosed::close::verdict::Verdict;
use whoclosed::packet::AnonymizeKey;
use whoclosed::rewrite::{Choice, Comments, Written, annotate, extract};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const ETHERNET: u16 = 1;
const COMMENT: u16 = 1;

/// What must not be shown, and where it stands.
const SECRETS: [&str; 9] = [
    "hardware",
    "user",
    "interface",
    "filter",
    "remark",
    "names",
    "secrets",
    "journal",
    "statistics",
];

/// The frames of a close: the first FIN is in the eighth.
fn frames() -> Vec<Vec<u8>> {
    let path = testdata("captures").join("close-server-first-4seg.mid.pcap");
    let bytes = fs::read(path).expect("readable");
    let mut reader = Reader::new(&bytes[..]).expect("a capture");
    let mut frames = Vec::new();
    while let Some(record) = reader.next() {
        frames.push(record.data.to_vec());
    }
    assert_eq!(frames.len(), 11);
    frames
}

/// A capture with all that pcapng has. The first FIN is a simple packet, the next one an obsolete one.
fn everything(order: Order, with_journal: bool) -> Vec<u8> {
    let offset = order.u64(3600);
    let dropped = order.u64(5);
    let mut file = PcapNg::new(order)
        .section(order, &[(2, b"hardware"), (4, b"user")])
        .interface(
            ETHERNET,
            0,
            &[
                (2, b"interface"),
                (9, &[12]),
                (11, b"\0filter"),
                (14, &offset),
            ],
        )
        .interface(101, 96, &[(2, b"interface2")])
        .block(4, b"\0\0names")
        .block(10, b"secrets of TLS");
    for (number, frame) in (1..).zip(frames()) {
        let ticks = number * 1_000_000_000_123;
        file = match number {
            8 => file.simple(&frame, frame.len() as u32),
            9 => file.obsolete(0, ticks, &frame),
            _ => {
                let flags = order.u32(1);
                let options: &[(u16, &[u8])] = &[(2, &flags), (COMMENT, b"remark"), (0, b"")];
                file.enhanced(0, ticks, &frame, if number == 10 { options } else { &[] })
            }
        };
        if with_journal && number == 3 {
            file = file.block(9, b"journal");
        }
    }
    let statistics = [&order.u32(0)[..], &[0; 8]].concat();
    let mut options = order.u16(1).to_vec();
    options.extend(order.u16(10));
    options.extend(b"statistics\0\0");
    options.extend(order.u16(5));
    options.extend(order.u16(8));
    options.extend(dropped);
    file.block(5, &[statistics, options].concat()).bytes
}

/// Its records: number, time, interface and bytes.
fn records(bytes: &[u8]) -> Vec<(u64, Option<i64>, u32, Vec<u8>)> {
    let mut reader = Reader::new(bytes).expect("a capture");
    let mut all = Vec::new();
    while let Some(r) = reader.next() {
        all.push((r.frame, r.time.map(|t| t.0), r.interface, r.data.to_vec()));
    }
    assert_eq!(reader.damage(), []);
    all
}

fn dropped(bytes: &[u8]) -> Option<u64> {
    let mut reader = Reader::new(bytes).expect("a capture");
    while reader.next().is_some() {}
    reader.dropped()
}

fn extracted(bytes: &[u8], flows: &[Verdict], key: Option<AnonymizeKey>) -> Vec<u8> {
    let mut choice = Choice::default();
    assert!(flows.iter().all(|flow| choice.add(flow)));
    let mut copy = Vec::new();
    let mut reader = Reader::new(bytes).expect("a capture");
    extract(&mut reader, &choice, key, &mut copy).expect("written");
    copy
}

fn annotated(bytes: &[u8]) -> (Vec<u8>, Comments, Written) {
    let mut comments = Comments::default();
    assert!(verdicts(bytes).iter().all(|flow| comments.add(flow)));
    let mut copy = Vec::new();
    let mut reader = Reader::new(bytes).expect("a capture");
    let written = annotate(&mut reader, &comments, &mut copy).expect("written");
    (copy, comments, written)
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

#[test]
fn an_extract_keeps_every_block_but_other_frames() {
    for order in Order::BOTH {
        let bytes = everything(order, true);
        let copy = extracted(&bytes, &verdicts(&bytes), None);
        assert!(copy == everything(order, false), "{order:?}");
    }
}

#[test]
fn an_anonymized_extract_keeps_clocks_and_counts_only() {
    for order in Order::BOTH {
        let bytes = everything(order, true);
        assert!(SECRETS.iter().all(|secret| holds(&bytes, secret)));
        let copy = extracted(&bytes, &verdicts(&bytes), Some(KEY.parse().expect("a key")));
        for secret in SECRETS {
            assert!(!holds(&copy, secret), "{order:?}: {secret}");
        }
        let (before, after) = (records(&everything(order, false)), records(&copy));
        assert_eq!(before.len(), after.len());
        for (before, after) in before.iter().zip(&after) {
            assert_eq!((before.0, before.1, before.2), (after.0, after.1, after.2));
            assert_eq!(before.3.len(), after.3.len());
        }
        assert_eq!((dropped(&bytes), dropped(&copy)), (Some(5), Some(5)));
    }
}

#[test]
fn comments_stand_before_the_options_that_are_there() {
    for order in Order::BOTH {
        let bytes = everything(order, true);
        let (copy, comments, written) = annotated(&bytes);
        assert_eq!(records(&bytes), records(&copy));
        assert!(SECRETS.iter().all(|secret| holds(&copy, secret)));
        // The journal's entry has a number, and the first FIN's block no options.
        assert_eq!(comments.frames(), [9, 10, 11, 12]);
        assert_eq!(
            (written.comments, written.left_out, written.lost),
            (3, 1, 0)
        );
        let length: usize = comments.frames()[1..]
            .iter()
            .map(|&frame| 4 + comments.of(frame).expect("one").len().next_multiple_of(4))
            .sum();
        // Two had no options yet, which end now.
        assert_eq!(copy.len(), bytes.len() + length + 2 * 4);
        for frame in [10, 11, 12] {
            assert!(holds(&copy, comments.of(frame).expect("one")));
        }
    }
}

#[test]
fn an_interface_that_cannot_be_read_keeps_its_number() {
    let mut file = PcapNg::new(Order::Little)
        .block(1, &[1, 0, 0, 0])
        .interface(ETHERNET, 0, &[]);
    for (number, frame) in (1..).zip(frames()) {
        file = file.enhanced(1, number * 1000, &frame, &[]);
    }
    let read = |bytes: &[u8]| {
        let mut reader = Reader::new(bytes).expect("a capture");
        let mut all = Vec::new();
        while let Some(r) = reader.next() {
            all.push((r.interface, r.data.to_vec()));
        }
        (all, reader.damage().len())
    };
    let (before, damage) = read(&file.bytes);
    assert_eq!((before.len(), damage), (11, 1));
    let copy = extracted(&file.bytes, &verdicts(&file.bytes), None);
    assert_eq!(read(&copy), (before.clone(), 0));
    assert_eq!(read(&annotated(&file.bytes).0), (before, 0));
}

#[test]
fn a_frame_check_sequence_is_told_and_zeroed() {
    const TWO_WORDS_OF_CHECK_SEQUENCE: u32 = 0x2400_0000;
    let network = u32::from(ETHERNET) | TWO_WORDS_OF_CHECK_SEQUENCE;
    for order in Order::BOTH {
        let mut file = Pcap::new(container::MICROSECONDS, order, network);
        for (second, frame) in (1..).zip(frames()) {
            let data = [&frame[..], b"FCS!"].concat();
            file = file.record((second, 7), &data, data.len() as u32);
        }
        let flows = verdicts(&file.bytes);
        let (copy, ..) = annotated(&file.bytes);
        let told = records(&copy);
        for (before, after) in records(&file.bytes).iter().zip(&told) {
            assert_eq!((before.0, before.1), (after.0, after.1));
            assert_eq!([&before.3[..], b"FCS!"].concat(), after.3);
        }
        assert!(extracted(&file.bytes, &flows, None) == file.bytes);
        let hidden = extracted(&file.bytes, &flows, Some(KEY.parse().expect("a key")));
        assert!(hidden.len() == file.bytes.len() && !holds(&hidden, "FCS!"));

        // Bits 5 to 8 of a packet's flags are its length.
        let flags = [2, 0, 4, 0, 4 << 5, 0, 0, 0];
        let told = copy.windows(flags.len()).filter(|window| *window == flags);
        assert_eq!(told.count(), 11);
    }
}
