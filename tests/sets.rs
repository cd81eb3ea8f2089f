//! Several files as one capture: in the order of time whatever order they are given in, merged
//! where they overlap, apart where they are captures of the same traffic.

mod support;

use proptest::prelude::*;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use support::wrap::{Container, Link, Packet, write};
use whoclosed::capture::{Set, SetFile};
use whoclosed::report::Report;
use whoclosed::report::json::JsonReport;
use whoclosed::{Options, analyze, analyze_set, streams};

const PCAP: (Container, Link) = (
    Container::Pcap {
        big: false,
        nanos: true,
    },
    Link::Ethernet,
);
const PCAPNG: (Container, Link) = (Container::Pcapng { big: false }, Link::Ethernet);

/// An empty directory of this test.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("sets")
        .join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a directory");
    path
}

fn put(folder: &Path, name: &str, packets: &[Packet]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, write(packets, PCAP)).expect("written");
    path
}

fn look(path: &Path) -> SetFile {
    SetFile::look(path, path.to_string_lossy().into()).expect("a capture")
}

fn whoclosed<S: AsRef<std::ffi::OsStr>>(args: &[&str], files: &[S]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.args(args).args(files).stdin(Stdio::null());
    command.output().expect("runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = text(&output.stdout);
    let lines = text.lines();
    let lines = lines.map(|line| serde_json::from_str(line).expect("JSON"));
    lines
        .filter(|line: &Value| line["type"] != "diagnosis")
        .collect()
}

/// The JSON report of a set.
fn of_set(files: Vec<SetFile>) -> String {
    let mut found = streams(files);
    assert_eq!(found.streams.len(), 1);
    let set = Set::new(found.streams.remove(0));
    json(analyze_set(set, &Options::default()))
}

/// The JSON report of one capture.
fn of_one(bytes: &[u8]) -> String {
    json(analyze(bytes, &Options::default()).expect("a capture"))
}

fn json<R: std::io::Read>(mut analysis: whoclosed::Analysis<R>) -> String {
    let mut out = Vec::new();
    let mut report = JsonReport::new(&mut out);
    for verdict in &mut analysis {
        report.flow(&verdict).expect("written");
    }
    report.diagnoses(&analysis.diagnoses()).expect("written");
    report.summary(&analysis.summary(), None).expect("written");
    text(&out)
}

/// The report byte for byte, but for `source`, `sources` and `files`.
fn without_files(report: &str) -> String {
    let line = |line: &str| {
        let mut line = line.to_owned();
        if let Some(at) = line.find(r#","files":["#) {
            line.replace_range(at.., "}");
        }
        let sources = (r#""sources":["#, r#"],"flows""#);
        for (from, to) in [sources, (r#""source":""#, r#"","client""#)] {
            if let Some(at) = line.find(from) {
                let end = line[at..].find(to).expect("its end") + at;
                line.replace_range(at + from.len()..end, "");
            }
        }
        line + "\n"
    };
    report.lines().map(line).collect()
}

/// The packets in twenty files, cut where `cuts` say, in the order of the names.
fn cut(folder: &Path, packets: &[Packet], cuts: &[usize; 19]) -> Vec<PathBuf> {
    let mut cuts = cuts.map(|cut| cut % (packets.len() + 1));
    cuts.sort_unstable();
    let starts = [0].into_iter().chain(cuts);
    let ends = cuts.into_iter().chain([packets.len()]);
    let parts = starts.zip(ends).enumerate();
    parts
        .map(|(i, (start, end))| put(folder, &format!("ring{i}.pcap"), &packets[start..end]))
        .collect()
}

/// The same capture with other times: as they are; many equal; out of order by less than 1 ms.
const VARIANTS: [fn(i64, i64) -> i64; 3] = [
    |time, _| time,
    |time, _| time - time.rem_euclid(50_000_000),
    |time, i| time + (i * 7 % 5) * 200_000,
];

#[test]
fn every_capture_cut_into_twenty_is_the_same_in_any_order() {
    let mut subjects = support::everything();
    // A clock that was set back just where the capture is cut is not to be told from files of the
    // same time.
    subjects.retain(|subject| !has_clock_set_back(&subject.packets));
    let numbered: Vec<_> = subjects.iter().enumerate().collect();
    let wrong = support::on_two_threads(&numbered, |(n, subject)| {
        let folder = folder(&format!("twenty-{n}"));
        let mut wrong = Vec::new();
        let v = n % VARIANTS.len();
        for variant in [VARIANTS[0], VARIANTS[v]] {
            let mut packets = subject.packets.clone();
            for (packet, i) in packets.iter_mut().zip(0..) {
                packet.time = variant(packet.time, i);
            }
            let cuts = std::array::from_fn(|i| (i + 1) * (n + 31) * 7919);
            let mut files = cut(&folder, &packets, &cuts);
            // Any order, another one each time.
            files.sort_by_key(|path| {
                let name = support::file_name(path);
                name.bytes()
                    .map(|b| u64::from(b) * (*n as u64 + 3))
                    .sum::<u64>()
                    * 31
                    % 17
            });
            let parts = of_set(files.iter().map(|path| look(path)).collect());
            let whole = of_one(&write(&packets, PCAP));
            if without_files(&parts) != without_files(&whole) {
                wrong.push(format!("{} variant {v}", subject.name));
            }
        }
        fs::remove_dir_all(&folder).expect("removed");
        wrong
    });
    assert!(wrong.len() > 300);
    support::report("captures that differ when cut", &wrong.concat());
}

fn has_clock_set_back(packets: &[Packet]) -> bool {
    let mut pairs = packets.windows(2);
    pairs.any(|pair| pair[0].time - pair[1].time > 1_000_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_large_capture_cut_anywhere_is_the_same(cuts: [u16; 19], shuffled in Just((0..20).collect::<Vec<usize>>()).prop_shuffle()) {
        let path = support::testdata("capgen/short.pcap");
        let packets = support::wrap::read(&fs::read(path).expect("readable"));
        let folder = folder("large");
        let files = cut(&folder, &packets, &cuts.map(usize::from));
        let files: Vec<&PathBuf> = shuffled.iter().map(|&i| &files[i]).collect();
        let parts = whoclosed(&["--format", "json"], &files);
        prop_assert_eq!(text(&parts.stderr), "");
        let whole = of_one(&write(&packets, PCAP));
        prop_assert_eq!(without_files(&text(&parts.stdout)), without_files(&whole));
    }

    #[test]
    fn a_large_capture_dealt_to_files_is_the_same(deal in proptest::collection::vec(0_usize..5, 1..60)) {
        let path = support::testdata("capgen/short.pcap");
        let mut packets = support::wrap::read(&fs::read(path).expect("readable"));
        let folder = folder("dealt");
        let mut hands: [Vec<Packet>; 5] = Default::default();
        let mut places = Vec::new();
        for ((packet, i), hand) in packets.iter_mut().zip(0..).zip(deal.iter().cycle()) {
            // No two at the same time: their order would be that of the files.
            packet.time = EPOCH + i * 1000;
            hands[*hand].push(packet.clone());
            places.push((*hand, hands[*hand].len()));
        }
        let paths: Vec<_> = hands
            .iter()
            .zip(0..)
            .map(|(hand, i)| put(&folder, &format!("{i}"), hand))
            .collect();
        let parts = of_set(paths.iter().map(|path| look(path)).collect());
        prop_assert_eq!(without_files(&parts), without_files(&of_one(&write(&packets, PCAP))));
        for line in parts.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            for file in line["files"].as_array().into_iter().flatten() {
                for pair in file["frames"].as_array().expect("a list") {
                    let [frame, number] = [0, 1].map(|i| pair[i].as_u64().expect("a number") as usize);
                    let (hand, place) = places[frame - 1];
                    prop_assert_eq!(number, place);
                    prop_assert_eq!(&file["source"], &*paths[hand].to_string_lossy());
                }
            }
        }
    }
}

/// 2026-01-01T00:00:00Z.
const EPOCH: i64 = 1_767_225_600_000_000_000;

#[test]
fn the_client_the_middle_and_the_server_are_three_reports() {
    let all = support::files("captures", &[".pcap", ".pcapng"]);
    let scenario = |path: &PathBuf| {
        let name = support::file_name(path);
        name.split('.').next().expect("a name").to_owned()
    };
    let mut several = 0;
    let mut wrong = Vec::new();
    for points in all.chunk_by(|a, b| scenario(a) == scenario(b)) {
        // Any order will do.
        let points: Vec<&PathBuf> = points.iter().rev().collect();
        let output = whoclosed(&["--format", "json"], &points);
        let single = points.iter().map(|path| {
            let mut options = Options::default();
            options.source = path.to_string_lossy().into();
            let bytes = fs::read(path).expect("readable");
            json(analyze(&*bytes, &options).expect("a capture"))
        });
        if text(&output.stdout) != single.collect::<String>() {
            wrong.push(scenario(points[0]));
        }
        several += usize::from(text(&output.stderr).contains("hold the same packets"));
    }
    support::report("scenarios whose points are mixed up", &wrong);
    assert!(several > 90, "{several}");
}

/// The packets of a capture of the lab.
fn packets() -> Vec<Packet> {
    let path = support::testdata("captures/close-server-first-4seg.mid.pcap");
    support::wrap::read(&fs::read(path).expect("readable"))
}

#[test]
fn files_of_the_same_time_are_merged_as_mergecap_does() {
    let folder = folder("merged");
    let mut packets = packets();
    // Of equal times that of the earlier file goes first.
    packets[5].time = packets[4].time;
    let every = |rest: usize| -> Vec<Packet> {
        let of = packets.iter().enumerate().filter(|(i, _)| i % 2 == rest);
        of.map(|(_, packet)| packet.clone()).collect()
    };
    let even = put(&folder, "b.pcap", &every(0));
    let odd = put(&folder, "a.pcap", &every(1));
    let output = whoclosed(&["--format", "json"], &[&odd, &even]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let whole = of_one(&write(&packets, PCAP));
    assert_eq!(without_files(&text(&output.stdout)), without_files(&whole));
    let lines = lines(&output);
    let files = lines[0]["files"].as_array().expect("a list");
    let (even, odd) = (even.to_str().expect("text"), odd.to_str().expect("text"));
    assert_eq!(lines[0]["source"], even);
    assert_eq!([&files[0]["source"], &files[1]["source"]], [even, odd]);
    for (file, rest) in files.iter().zip(1_u64..) {
        for pair in file["frames"].as_array().expect("a list") {
            let [frame, number] = [0, 1].map(|i| pair[i].as_u64().expect("a number"));
            assert_eq!(frame, number * 2 + rest - 2, "{files:?}");
        }
    }
}

#[test]
fn frames_that_are_no_packets_are_numbered_as_mergecap_numbers_them() {
    let folder = folder("journal");
    let packets = packets();
    let every = |rest: usize| packets.iter().skip(rest).step_by(2).cloned();
    let even = write(&every(0).collect::<Vec<_>>(), PCAPNG);
    // A journal entry after every packet.
    let mut journal = Vec::new();
    let mut rest = &even[..];
    while let Some((head, _)) = rest.split_first_chunk::<8>() {
        let [kind, size] = [0, 4].map(|at| head[at..at + 4].try_into().expect("four bytes"));
        let (block, after) = rest.split_at(u32::from_le_bytes(size) as usize);
        journal.extend(block);
        if u32::from_le_bytes(kind) == 6 {
            for word in [&[9, 0, 0, 0][..], &[16, 0, 0, 0], b"A=b\n", &[16, 0, 0, 0]] {
                journal.extend(word);
            }
        }
        rest = after;
    }
    let [a, b] = ["a.pcapng", "b.pcapng"].map(|name| folder.join(name));
    fs::write(&a, journal).expect("written");
    fs::write(&b, write(&every(1).collect::<Vec<_>>(), PCAPNG)).expect("written");
    let output = whoclosed(&["--format", "json"], &[&a, &b]);
    let files = &lines(&output)[0]["files"];
    // As in `mergecap -w merged.pcapng b.pcapng a.pcapng` of mergecap 4.0.
    assert_eq!(
        files[0]["frames"],
        serde_json::json!([[1, 1], [13, 9], [16, 11]])
    );
    assert_eq!(
        files[1]["frames"],
        serde_json::json!([[3, 1], [12, 4], [15, 5]])
    );
}

#[test]
fn one_file_says_nothing_of_files() {
    let folder = folder("one");
    let one = put(&folder, "one.pcap", &packets());
    fs::write(folder.join("notes.txt"), "none").expect("written");
    let direct = whoclosed(&["--format", "json"], &[&one]);
    assert!(!text(&direct.stdout).contains("\"files\""));
    // A directory with one capture is that capture.
    let found = whoclosed(&["--format", "json"], &[&folder]);
    assert_eq!(text(&found.stdout), text(&direct.stdout));
}

#[test]
fn a_directory_is_its_captures() {
    let folder = folder("directory");
    let packets = packets();
    put(&folder, "ring10.pcap", &packets[8..]);
    put(&folder, "ring9.pcap", &packets[..8]);
    put(&folder, ".hidden.pcap", &packets);
    fs::create_dir(folder.join("deeper")).expect("a directory");
    put(&folder.join("deeper"), "ring1.pcap", &packets);
    fs::write(folder.join("notes.txt"), "These are notes.\n").expect("written");
    fs::write(folder.join("empty.pcap"), "").expect("written");
    let output = whoclosed(&["--format", "json"], &[&folder]);
    assert_eq!(output.status.code(), Some(0));
    let expected = "whoclosed: 4 entries of directories skipped (hidden, or no captures)\n";
    assert_eq!(text(&output.stderr), expected);
    let whole = of_one(&write(&packets, PCAP));
    assert_eq!(without_files(&text(&output.stdout)), without_files(&whole));
    // A file that is given as well counts once.
    let twice = whoclosed(
        &["--format", "json"],
        &[&folder.join("ring9.pcap"), &folder],
    );
    assert_eq!(lines(&twice).last(), lines(&output).last());

    let separate = whoclosed(&["--format", "json", "--separate"], &[&folder]);
    assert_eq!(text(&separate.stderr), expected);
    let single = |name| text(&whoclosed(&["--format", "json"], &[&folder.join(name)]).stdout);
    let both = single("ring9.pcap") + &single("ring10.pcap");
    assert_eq!(text(&separate.stdout), both);

    let nothing = whoclosed(&[], &[&folder.join("deeper").join("..").join("none")]);
    assert_eq!(nothing.status.code(), Some(2));
}

#[test]
fn a_directory_without_a_capture_says_so() {
    let folder = folder("nothing");
    for command in [&[][..], &["--separate"], &["explain"]] {
        let output = whoclosed(command, &[&folder]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stderr), "whoclosed: no capture found\n");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_judged() {
    let folder = folder("unreadable");
    let packets = packets();
    let files = [
        put(&folder, "ring1.pcap", &packets[..8]),
        folder.join("ring2.pcap"),
        put(&folder, "ring3.pcap", &packets[8..]),
        folder.join("ring4.pcap"),
    ];
    fs::write(&files[3], "").expect("written");
    for separate in [false, true] {
        let args = ["--format", "json", "--separate"];
        let output = whoclosed(&args[..2 + usize::from(separate)], &files);
        assert_eq!(output.status.code(), Some(2));
        let stderr = text(&output.stderr);
        assert!(stderr.contains("ring2.pcap: No such file"), "{stderr}");
        assert!(
            stderr.contains("ring4.pcap: the input is empty"),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 2, "{stderr}");
        let flows = lines(&output)
            .iter()
            .filter(|l| l["type"] == "flow")
            .count();
        assert_eq!(flows, 1 + usize::from(separate));
        // The report of the set says so as well.
        let summary = lines(&output).pop().expect("a summary");
        let sources = summary["sources"].as_array().expect("a list").len();
        assert_eq!(sources, if separate { 1 } else { 4 });
    }
}

#[test]
fn a_damaged_file_ends_early_and_the_next_one_follows() {
    let folder = folder("damaged");
    let packets = packets();
    let bytes = write(&packets[..6], PCAP);
    let cut = folder.join("ring1.pcap");
    fs::write(&cut, &bytes[..bytes.len() - 3]).expect("written");
    let next = put(&folder, "ring2.pcap", &packets[6..]);
    let output = whoclosed(&["--format", "json"], &[&next, &cut]);
    assert_eq!(output.status.code(), Some(2));
    let lines = lines(&output);
    assert_eq!(lines[0]["outcome"], "graceful");
    let sources = &lines.last().expect("a summary")["sources"];
    assert_eq!(sources[0]["frames"], 5);
    assert_eq!(sources[0]["damage"][0]["frame"], 6);
    assert_eq!(sources[1]["frames"], packets.len() - 6);
    // Frame 9 of what the capture was.
    assert_eq!(lines[0]["files"][1]["frames"][1], serde_json::json!([8, 3]));
    assert!(text(&output.stderr).contains("ring1.pcap: frame 6, byte offset "));
}

#[test]
fn files_that_vanish_or_grow_after_the_first_look_are_told() {
    let folder = folder("moving");
    let packets = packets();
    let parts = [&packets[..3], &packets[3..6], &packets[6..]];
    let names = ["ring1.pcap", "ring2.pcap", "ring3.pcap"];
    let paths: Vec<_> = names
        .iter()
        .zip(parts)
        .map(|(name, part)| put(&folder, name, part))
        .collect();
    let files: Vec<_> = paths.iter().map(|path| look(path)).collect();
    fs::remove_file(&paths[1]).expect("removed");
    let mut more = packets[6..].to_vec();
    more.push(packets[packets.len() - 1].clone());
    put(&folder, "ring3.pcap", &more);
    let report = of_set(files);
    let summary: Value =
        serde_json::from_str(report.lines().last().expect("a line")).expect("JSON");
    let damage = |source: usize| summary["sources"][source]["damage"].clone();
    assert_eq!(damage(0), serde_json::json!([]));
    let gone = damage(1)[0]["what"].as_str().expect("a text").to_owned();
    assert!(
        gone.starts_with("gone or changed since the first look: "),
        "{gone}"
    );
    let grown = damage(2)[0]["what"].as_str().expect("a text").to_owned();
    assert!(
        grown.contains("5 frames at the first look, 6 now"),
        "{grown}"
    );
    assert_eq!(summary["sources"][2]["frames"], more.len());
}

#[test]
fn more_files_than_may_be_open() {
    let folder = folder("many");
    let packets = packets();
    // Each file holds one packet of the connection and one at the end: all of them overlap.
    let noise = |i: i64| {
        let mut packet = packets[0].clone();
        packet.time = packets[packets.len() - 1].time + 2_000_000 + i;
        packet.ip[9] = 17;
        packet
    };
    let mut all = Vec::new();
    for (packet, i) in packets.iter().zip(0..) {
        all.push(vec![packet.clone(), noise(i)]);
    }
    for i in (0..100).skip(packets.len()) {
        let mut early = noise(i);
        early.time = packets[0].time - i;
        all.push(vec![early, noise(i)]);
    }
    for (i, packets) in all.iter().enumerate() {
        put(&folder, &format!("{:02x}", i * 37 % 256), packets);
    }
    let command = "ulimit -n 32; exec \"$0\" --format json \"$1\"";
    let output = Command::new("sh")
        .args(["-c", command, env!("CARGO_BIN_EXE_whoclosed")])
        .arg(&folder)
        .output()
        .expect("runs");
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    let lines = lines(&output);
    assert_eq!(lines[0]["outcome"], "graceful");
    let sources = lines[1]["sources"].as_array().expect("a list");
    assert_eq!(sources.len(), 100);
    assert!(sources.iter().all(|source| source["frames"] == 2));
    let of_flow = lines[0]["files"].as_array().expect("a list");
    assert!(of_flow.iter().all(|file| file["frames"][0][1] == 1));

    let report = text(&whoclosed(&[], &[&folder]).stdout);
    assert!(report.contains("1 TCP flow in 100 files, "), "{report}");
    assert!(report.lines().count() < 30, "{report}");
}

#[test]
fn read_is_the_same_as_file_and_standard_input_stands_alone() {
    let folder = folder("read");
    let packets = packets();
    let first = put(&folder, "ring1.pcap", &packets[..5]);
    let second = put(&folder, "ring2.pcap", &packets[5..]);
    let [a, b] = [&first, &second].map(|path| path.to_str().expect("text"));
    let expected = text(&whoclosed(&["--format", "json"], &[a, b]).stdout);
    assert!(expected.contains("graceful"));
    for args in [["-r", a, "-r", b], ["-r", b, "--read", a]] {
        assert_eq!(
            text(&whoclosed(&["--format", "json"], &args).stdout),
            expected
        );
    }
    assert_eq!(
        text(&whoclosed(&["--format", "json", "-r", b], &[a]).stdout),
        expected
    );
    for args in [&["-", a][..], &["-r", "-", a], &["--separate", "-", a]] {
        let output = whoclosed(&[], args);
        assert_eq!(output.status.code(), Some(2));
        let stderr = text(&output.stderr);
        assert!(
            stderr.contains("standard input can only be read alone"),
            "{stderr}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_pipe_can_be_read_by_itself_but_not_in_a_set() {
    let folder = folder("pipe");
    let file = put(&folder, "file.pcap", &packets());
    let command = "cat \"$1\" | \"$0\" --format json $2 /dev/stdin \"$1\"";
    let run = |separate| {
        let mut run = Command::new("sh");
        let run = run.args(["-c", command, env!("CARGO_BIN_EXE_whoclosed")]);
        run.arg(&file).arg(separate).output().expect("runs")
    };
    let set = run("");
    assert_eq!(set.status.code(), Some(2));
    assert!(text(&set.stderr).contains("/dev/stdin: no regular file"));
    assert_eq!(lines(&set).len(), 2);
    let separate = run("--separate");
    assert_eq!(
        separate.status.code(),
        Some(0),
        "{}",
        text(&separate.stderr)
    );
    assert_eq!(lines(&separate).len(), 4);
}

#[test]
fn pcap_and_pcapng_make_one_set() {
    let folder = folder("mixed");
    let packets = packets();
    let first = put(&folder, "a.pcap", &packets[..5]);
    let second = folder.join("b.pcapng");
    fs::write(&second, write(&packets[5..], PCAPNG)).expect("written");
    let output = whoclosed(&["--format", "json"], &[&second, &first]);
    let whole = of_one(&write(&packets, PCAP));
    assert_eq!(without_files(&text(&output.stdout)), without_files(&whole));
}

#[test]
fn rings_of_two_points_are_two_reports() {
    let folder = folder("rings");
    let packets = ["client", "server"].map(|point| {
        let name = format!("captures/close-server-first-4seg.{point}.pcap");
        let bytes = fs::read(support::testdata(&name)).expect("readable");
        support::wrap::read(&bytes)
    });
    let [client, server] = &packets;
    put(&folder, "server2.pcap", &server[6..]);
    put(&folder, "client1.pcap", &client[..7]);
    put(&folder, "server1.pcap", &server[..6]);
    put(&folder, "client2.pcap", &client[7..]);
    let output = whoclosed(&["--format", "json"], &[&folder]);
    let expected = packets.map(|packets| without_files(&of_one(&write(&packets, PCAP))));
    assert_eq!(without_files(&text(&output.stdout)), expected.concat());
}

#[test]
fn the_text_report_tells_capture_points_and_explain_names_the_files() {
    let points = ["client", "mid"].map(|point| {
        let name = format!("captures/close-server-first-4seg.{point}.pcap");
        support::testdata(&name)
    });
    let output = whoclosed(&[], &points);
    assert_eq!(output.status.code(), Some(0));
    let report = text(&output.stdout);
    for words in [
        "Capture 1 of 2: these files hold the same packets",
        "Capture 2 of 2: ",
    ] {
        assert!(report.contains(words), "{report}");
    }
    let stderr = text(&output.stderr);
    assert!(
        stderr.contains("each of the 2 is reported by itself"),
        "{stderr}"
    );
    let refused = whoclosed(&["explain"], &points);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("explain one of them"));

    let folder = folder("explain");
    let packets = packets();
    put(&folder, "ring1.pcap", &packets[..8]);
    put(&folder, "ring2.pcap", &packets[8..]);
    let story = text(&whoclosed(&["explain"], &[&folder]).stdout);
    assert!(story.contains("In the files"), "{story}");
    assert!(story.contains("are frames 1 to 3 of"), "{story}");
}
