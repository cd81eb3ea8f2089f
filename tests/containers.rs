//! One capture in every container, byte order, resolution, link type and tunnel, compressed and
//! damaged, as files: each has the plain one's verdicts, and as many packets as tshark counts.
//!
//! `UPDATE=1 cargo test --test containers` writes the files, `testdata/containers/tshark.sh` counts.

#![allow(
    clippy::cast_sign_loss,
    reason = "times of test data are small and known"
)]

#[path = "common/container.rs"]
mod container;
mod support;

use container::{
    IXIA_HARDWARE, IXIA_SOFTWARE, MICROSECONDS, MODIFIED, NANOSECONDS, Order, Pcap, PcapNg,
};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use support::essence::Essence;
use support::tunnel::Tunnel;
use support::wrap::{self, Link, PLAIN, Packet};
use whoclosed::{Options, analyze};

const ETHERNET: u16 = 1;
const SECOND: i64 = 1_000_000_000;

/// How the names of the files end.
const ENDINGS: &[&str] = &[".pcap", ".pcapng", ".gz", ".zst", ".lz4"];

/// A close over IPv4 and an abort over IPv6.
fn packets() -> Vec<Packet> {
    let names = [
        "close-client-first-4seg.mid.pcap",
        "v6-linger0-server.mid.pcap",
    ];
    let read = |name| fs::read(support::testdata("captures").join(name)).expect("readable");
    let mut all: Vec<Packet> = names
        .iter()
        .flat_map(|name| wrap::read(&read(name)))
        .collect();
    all.sort_by_key(|packet| packet.time);
    all
}

/// Every file, by name.
fn files() -> BTreeMap<String, Vec<u8>> {
    let packets = packets();
    let mut files = BTreeMap::from([("plain.pcap".to_owned(), wrap::write(&packets, PLAIN))]);
    for order in Order::BOTH {
        let name = |what: &str| format!("{what}-{order:?}").to_lowercase();
        for (what, magic) in [
            ("micro", MICROSECONDS),
            ("nano", NANOSECONDS),
            ("modified", MODIFIED),
            ("ixia-hardware", IXIA_HARDWARE),
            ("ixia-software", IXIA_SOFTWARE),
        ] {
            files.insert(name(what) + ".pcap", pcap(&packets, magic, order));
        }
        for (what, resolution) in [("micro", 6), ("nano", 9), ("binary", 0x9e)] {
            files.insert(name(what) + ".pcapng", pcapng(&packets, order, resolution));
        }
        files.insert(name("obsolete") + ".pcapng", obsolete(&packets, order));
    }
    files.insert("sections.pcapng".to_owned(), sections(&packets));
    files.insert("interfaces.pcapng".to_owned(), interfaces(&packets));
    files.insert("offset.pcapng".to_owned(), offset(&packets));
    let links = Link::ALL
        .into_iter()
        .chain([Link::TaggedByTurns, Link::TunnelledByTurns]);
    let links = links.chain(Tunnel::ALL.map(Link::Tunnel));
    for link in links.filter(|&link| link != Link::Ethernet) {
        let name = match link {
            Link::Tunnel(tunnel) => format!("tunnel-{tunnel:?}.pcap"),
            link => format!("link-{link:?}.pcap"),
        };
        files.insert(name.to_lowercase(), wrap::write(&packets, (PLAIN.0, link)));
    }
    files.extend(damaged(&packets));
    files
}

/// Damage between the records: all of the packets are there.
fn damaged(packets: &[Packet]) -> Vec<(String, Vec<u8>)> {
    let plain = wrap::write(packets, PLAIN);
    let halves = |file: fn(&[Packet]) -> Vec<u8>| (file(&packets[..7]), file(packets));
    let with = |(before, whole): (Vec<u8>, Vec<u8>), between: &[u8]| {
        let (head, tail) = whole.split_at(before.len());
        [head, between, tail].concat()
    };
    let pcap = halves(|packets| wrap::write(packets, PLAIN));
    let pcapng = || halves(|packets| pcapng(packets, Order::Little, 6));
    let none = PcapNg::new(Order::Little);
    let empty = none.bytes.len();
    let of_no_interface = none.enhanced(9, 0, &[0; 60], &[]).bytes.split_off(empty);
    let cut = [&plain[..], &plain[24..60]].concat();
    [
        ("damaged-junk.pcap", with(pcap, &[0xa5; 40])),
        ("damaged-junk.pcapng", with(pcapng(), &[0xa5; 40])),
        ("damaged-block.pcapng", with(pcapng(), &of_no_interface)),
        ("damaged-end.pcap", cut),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .into()
}

/// The plain file, compressed: in one piece, and in two. What comes out of it differs from version to
/// version of a library, so what is stored is only written where it is missing.
fn compressed() -> Vec<(String, Vec<u8>)> {
    let plain = wrap::write(&packets(), PLAIN);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    let lz4 = |bytes: &[u8]| {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 19).expect("memory");
    let two = |pack: &dyn Fn(&[u8]) -> Vec<u8>| {
        let (first, second) = plain.split_at(700);
        [pack(first), pack(second)].concat()
    };
    [
        ("compressed.pcap.gz", gzip(&plain)),
        ("compressed-members.pcap.gz", two(&gzip)),
        ("compressed.pcap.zst", zstd(&plain)),
        ("compressed-frames.pcap.zst", two(&zstd)),
        ("compressed.pcap.lz4", lz4(&plain)),
        ("compressed-frames.pcap.lz4", two(&lz4)),
    ]
    .map(|(name, bytes)| (name.to_owned(), bytes))
    .into()
}

fn ethernet(packet: &Packet) -> (Vec<u8>, u32) {
    let (frame, wire) = wrap::framed(packet, Link::Ethernet, false);
    (frame, wire as u32)
}

fn pcap(packets: &[Packet], magic: u32, order: Order) -> Vec<u8> {
    let unit = if magic == NANOSECONDS { 1 } else { 1000 };
    let file = Pcap::new(magic, order, ETHERNET.into());
    let record = |file: Pcap, packet: &Packet| {
        let (frame, wire) = ethernet(packet);
        let (seconds, fraction) = (packet.time / SECOND, packet.time % SECOND / unit);
        file.record((seconds as u32, fraction as u32), &frame, wire)
    };
    packets.iter().fold(file, record).bytes
}

/// The time in ticks of an interface with this `if_tsresol`.
fn ticks(time: i64, resolution: u8) -> u64 {
    let per_second = match resolution {
        0x80.. => 1_i128 << (resolution & 0x7f),
        power => 10_i128.pow(power.into()),
    };
    (i128::from(time) * per_second / i128::from(SECOND)) as u64
}

fn pcapng(packets: &[Packet], order: Order, resolution: u8) -> Vec<u8> {
    let options: &[(u16, &[u8])] = &[(2, b"lab"), (9, &[resolution]), (0, &[])];
    let file = PcapNg::new(order).interface(ETHERNET, 0, options);
    packets
        .iter()
        .fold(file, |file, packet| {
            let (frame, wire) = ethernet(packet);
            file.enhanced_cut(0, ticks(packet.time, resolution), &frame, wire, &[])
        })
        .bytes
}

fn obsolete(packets: &[Packet], order: Order) -> Vec<u8> {
    let file = PcapNg::new(order).interface(ETHERNET, 0, &[]);
    let record = |file: PcapNg, packet: &Packet| {
        file.obsolete(0, ticks(packet.time, 6), &ethernet(packet).0)
    };
    packets.iter().fold(file, record).bytes
}

/// A section of each byte order, with blocks that hold no packets between the packets.
fn sections(packets: &[Packet]) -> Vec<u8> {
    let file = PcapNg::new(Order::Little).interface(ETHERNET, 0, &[]);
    let record = |file: PcapNg, (at, packet): (usize, &Packet)| {
        let file = match at {
            9 => file
                .section(Order::Big, &[(4, b"whoclosed")])
                .interface(ETHERNET, 0, &[]),
            // Names, and what is anybody's own.
            at if at % 3 == 1 => file.block(4, &[0; 4]).block(0x4000_0001, &[7; 20]),
            _ => file,
        };
        let (frame, wire) = ethernet(packet);
        file.enhanced_cut(0, ticks(packet.time, 6), &frame, wire, &[(1, b"a comment")])
    };
    packets.iter().enumerate().fold(file, record).bytes
}

/// Two interfaces, of another link type and resolution each.
fn interfaces(packets: &[Packet]) -> Vec<u8> {
    let file = PcapNg::new(Order::Little).interface(ETHERNET, 0, &[]);
    let file = file.interface(276, 0, &[(9, &[9]), (0, &[])]);
    let record = |file: PcapNg, (at, packet): (usize, &Packet)| {
        let (link, resolution) = [(Link::Ethernet, 6), (Link::Sll2, 9)][at % 2];
        let (frame, wire) = wrap::framed(packet, link, false);
        let ticks = ticks(packet.time, resolution);
        file.enhanced_cut(at as u32 % 2, ticks, &frame, wire as u32, &[])
    };
    packets.iter().enumerate().fold(file, record).bytes
}

/// Times count from a day before.
fn offset(packets: &[Packet]) -> Vec<u8> {
    let day = packets[0].time / SECOND - 86_400;
    let file =
        PcapNg::new(Order::Big).interface(ETHERNET, 0, &[(14, &day.to_be_bytes()), (0, &[])]);
    let record = |file: PcapNg, packet: &Packet| {
        let (frame, wire) = ethernet(packet);
        file.enhanced_cut(0, ticks(packet.time - day * SECOND, 6), &frame, wire, &[])
    };
    packets.iter().fold(file, record).bytes
}

/// The frames, how many of them are TCP, and what is said of the flows but for damage.
fn judged(path: &Path) -> (u64, u64, Vec<Essence>) {
    let file = &fs::read(path).expect("readable")[..];
    let mut analysis = analyze(file, &Options::default()).expect("a capture");
    let mut verdicts: Vec<_> = analysis.by_ref().collect();
    verdicts.sort_by_key(|v| v.flow);
    let summary = analysis.summary();
    let frames: u64 = summary.sources.iter().map(|source| source.frames).sum();
    let others: u64 = summary.not_decoded.values().sum();
    let is_damaged = !summary.sources[0].damage.is_empty();
    let name = support::file_name(path);
    assert_eq!(is_damaged, name.starts_with("damaged"), "{name}");
    let of_damage = ["capture-damaged", "capture-cut"];
    let flows = verdicts.iter().map(|v| Essence::of(v).without(&of_damage));
    (frames, frames - others, flows.collect())
}

/// What tshark counts in each file: frames, and frames with TCP; none where it knows nothing of the
/// link type or the tunnel.
fn tshark() -> BTreeMap<String, Vec<u64>> {
    let table = fs::read_to_string(support::testdata("containers/tshark.txt")).expect("readable");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let mut words = row.split_whitespace();
        let name = words.next().expect("a name").to_owned();
        (name, words.map(|n| n.parse().expect("a number")).collect())
    })
    .collect()
}

#[test]
fn the_files_are_those() {
    let folder = support::testdata("containers");
    let mut wrong = Vec::new();
    for (name, bytes) in files() {
        let path = folder.join(&name);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &bytes).expect("writable");
        }
        if fs::read(&path).ok().as_ref() != Some(&bytes) {
            wrong.push(name);
        }
    }
    for (name, bytes) in compressed() {
        let path = folder.join(&name);
        if std::env::var_os("UPDATE").is_some() && !path.exists() {
            fs::write(&path, &bytes).expect("writable");
        }
    }
    support::report("files that are other ones", &wrong);
    let stored = support::files("containers", ENDINGS);
    assert_eq!(stored.len(), files().len() + compressed().len());
    assert!(stored.len() >= 60);
}

#[test]
fn every_file_has_the_plain_ones_verdicts() {
    let plain = judged(&support::testdata("containers/plain.pcap"));
    assert_eq!(
        (plain.0, plain.1),
        (packets().len() as u64, packets().len() as u64)
    );
    let outcomes: Vec<_> = plain
        .2
        .iter()
        .map(|e| e.values["outcome"].clone())
        .collect();
    assert_eq!(outcomes, ["graceful", "aborted"]);
    let mut wrong = Vec::new();
    for path in support::files("containers", ENDINGS) {
        let name = support::file_name(&path);
        let (frames, tcp, flows) = judged(&path);
        // A block that cannot be read has a number.
        let frames = frames - u64::from(name == "damaged-block.pcapng");
        let tcp = tcp.min(frames);
        if (frames, tcp, flows.len()) != (plain.0, plain.1, plain.2.len()) {
            wrong.push(format!(
                "{name}: {frames} frames, {tcp} of TCP, {} flows",
                flows.len()
            ));
        }
        for (flow, other) in plain.2.iter().zip(&flows) {
            wrong.extend(
                flow.differences(other)
                    .into_iter()
                    .map(|line| format!("{name}: {line}")),
            );
        }
    }
    support::report("files of other verdicts", &wrong);
}

#[test]
fn the_counts_are_tsharks() {
    let table = tshark();
    let mut wrong = Vec::new();
    let mut read = 0;
    for path in support::files("containers", ENDINGS) {
        let name = support::file_name(&path);
        let (frames, tcp, _) = judged(&path);
        match table.get(name).map(Vec::as_slice) {
            None => wrong.push(format!("{name}: not counted")),
            Some([]) => {}
            // It stops at damage.
            Some([theirs, ..]) if name.starts_with("damaged") && *theirs <= frames => {}
            Some([theirs]) if *theirs == frames => {}
            Some([theirs, theirs_tcp]) if (*theirs, *theirs_tcp) == (frames, tcp) => read += 1,
            Some(theirs) => wrong.push(format!("{name}: {frames} {tcp}, tshark {theirs:?}")),
        }
    }
    support::report("counts that differ", &wrong);
    assert!(read >= 60, "{read}");
}
