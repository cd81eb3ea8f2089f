//! Captures written anew: with comments, some of their flows, other addresses.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use support::essence::Essence;
use support::{file_name, files, on_two_threads, report, testdata, verdicts};
use whoclosed::capture::Reader;
use whoclosed::close::verdict::{Confidence, Outcome, Verdict};
use whoclosed::packet::{AnonymizeKey, decode};
use whoclosed::rewrite::{Choice, Comments, annotate, extract};
use whoclosed::{Options, analyze};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const LINKS: &[&str] = &[".pcap", ".pcapng", ".gz", ".zst", ".lz4"];
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Every capture that is stored whole or damaged, in any container.
fn captures() -> Vec<PathBuf> {
    let folders = [
        "captures",
        "containers",
        "peers",
        "questions",
        "seeds",
        "seeds/mptcp",
    ];
    let all = folders.iter().flat_map(|folder| files(folder, LINKS));
    all.collect()
}

/// A packet as readers give it, but for its number.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Read {
    time: Option<i64>,
    link: u16,
    interface: u32,
    original_len: u32,
    data: Vec<u8>,
}

fn packets(bytes: &[u8]) -> Vec<Read> {
    let mut reader = Reader::new(bytes).expect("a capture");
    let mut all = Vec::new();
    while let Some(record) = reader.next() {
        all.push(Read {
            time: record.time.map(|time| time.0),
            link: record.link,
            interface: record.interface,
            original_len: record.original_len,
            data: record.data.to_vec(),
        });
    }
    all
}

fn key() -> AnonymizeKey {
    KEY.parse().expect("a key")
}

/// The chosen flows of a capture.
fn part(bytes: &[u8], flows: &[Verdict], key: Option<AnonymizeKey>) -> Vec<u8> {
    let mut choice = Choice::default();
    for flow in flows {
        assert!(choice.add(flow));
    }
    let mut reader = Reader::new(bytes).expect("a capture");
    let mut copy = Vec::new();
    let written = extract(&mut reader, &choice, key, &mut copy).expect("written");
    assert_eq!(written.packets, packets(&copy).len() as u64);
    copy
}

fn annotated(bytes: &[u8]) -> (Vec<u8>, Comments) {
    let mut comments = Comments::default();
    for verdict in verdicts(bytes) {
        assert!(comments.add(&verdict));
    }
    let mut reader = Reader::new(bytes).expect("a capture");
    let mut copy = Vec::new();
    annotate(&mut reader, &comments, &mut copy).expect("written");
    (copy, comments)
}

/// What a verdict claims, and from when to when it reaches.
fn claims(v: &Verdict) -> String {
    let owners: Vec<_> = v
        .time_wait
        .iter()
        .map(|t| (t.owner, t.start, t.basis))
        .collect();
    format!(
        "{} {} {:?} {:?} {} {owners:?} {:?} {:?} {:?}",
        v.outcome,
        v.active_closer,
        v.aborted_by,
        v.abort_cause,
        v.confidence,
        v.start,
        v.end,
        v.zeek
    )
}

/// The addresses of flows, as packets hold them and as reports write them.
fn addresses(flows: &[Verdict]) -> (BTreeSet<Vec<u8>>, BTreeSet<String>) {
    let ends = flows
        .iter()
        .flat_map(|flow| [flow.client.addr, flow.server.addr]);
    let ends = ends.filter(|addr| !addr.is_loopback());
    let bytes = |addr| match addr {
        IpAddr::V4(addr) => addr.octets().to_vec(),
        IpAddr::V6(addr) => addr.octets().to_vec(),
    };
    let both = ends.map(|addr| (bytes(addr), addr.to_string()));
    both.unzip()
}

fn holds(whole: &[u8], part: &[u8]) -> bool {
    let found = whole.windows(part.len()).enumerate();
    let mut found = found.filter(|(_, window)| *window == part);
    // A low timestamp (8 10 0 0 1), or the end of a checksum before options (10 0 0 1 1 8 10), is no
    // address 10.0.0.1.
    let is_option = |at: usize| whole[at - 1] == 8 || whole[at + 4..].starts_with(&[1, 8, 10]);
    found.any(|(at, _)| part != [10, 0, 0, 1] || at == 0 || !is_option(at))
}

/// The verdicts on a capture whose payloads nobody looks at.
fn deaf_verdicts(bytes: &[u8]) -> Vec<Verdict> {
    let mut options = Options::default();
    options.no_payload = true;
    let analysis = analyze(bytes, &options).expect("a capture");
    let mut all: Vec<Verdict> = analysis.collect();
    all.sort_by_key(|v| v.flow);
    all
}

/// Damage is not copied.
const DAMAGE: &[&str] = &["capture-damaged"];

/// Gathers what is wrong with any capture.
fn on_captures(what: &str, wrong: impl Fn(&[u8]) -> Vec<String> + Sync) {
    let paths = captures();
    let lines = on_two_threads(&paths, |path| {
        let lines = wrong(&fs::read(path).expect("readable"));
        let name = file_name(path);
        let named = lines.into_iter().map(|line| format!("{name}: {line}"));
        named.collect::<Vec<_>>()
    });
    report(what, &lines.concat());
}

#[test]
fn each_flow_alone_has_the_same_verdict() {
    on_captures("differ", |bytes| {
        let all = verdicts(bytes);
        let mut wrong = Vec::new();
        for flow in &all {
            let copy = part(bytes, std::slice::from_ref(flow), None);
            let alone = verdicts(&copy);
            // A refusal is compared with what else its host sends, which is not there any more.
            let same = alone.iter().any(|one| {
                claims(one) == claims(flow)
                    || one.outcome == Outcome::Refused
                        && flow.outcome == Outcome::Refused
                        && one.confidence <= Confidence::Likely
            });
            if !same {
                let found: Vec<_> = alone.iter().map(claims).collect();
                wrong.push(format!("{}\n   {}", claims(flow), found.join("\n   ")));
            }
        }
        wrong
    });
}

#[test]
fn all_flows_together_have_the_same_verdicts_from_the_same_packets() {
    on_captures("differ", |bytes| {
        let all = verdicts(bytes);
        let copy = part(bytes, &all, None);
        let mut wrong = Vec::new();
        let (before, after) = (packets(bytes), packets(&copy));
        let is_of_a_flow = |p: &&Read| decode(p.link, &p.data, p.original_len).is_ok();
        let expected: Vec<&Read> = before.iter().filter(is_of_a_flow).collect();
        let found: Vec<&Read> = after.iter().filter(is_of_a_flow).collect();
        if expected != found {
            wrong.push(format!("{} packets, not {}", found.len(), expected.len()));
        }
        let again = verdicts(&copy);
        for (before, after) in all.iter().zip(&again) {
            let [one, other] = [before, after].map(|v| Essence::of(v).without(DAMAGE));
            wrong.extend(one.differences(&other));
        }
        if all.len() != again.len() {
            wrong.push(format!("{} flows, not {}", again.len(), all.len()));
        }
        wrong
    });
}

#[test]
fn a_whole_capture_is_copied_byte_for_byte() {
    for path in files("captures", &[".pcap", ".pcapng"]) {
        let bytes = fs::read(&path).expect("readable");
        let copy = part(&bytes, &verdicts(&bytes), None);
        // Others hold ARP besides.
        if packets(&bytes).len() == packets(&copy).len() {
            let is_pcap = !bytes.starts_with(&PCAPNG);
            // The length of a section is unknown afterwards.
            let from = if is_pcap { 0 } else { 24 };
            assert!(bytes[from..] == copy[from..], "{}", path.display());
        }
    }
}

#[test]
fn an_annotated_capture_holds_the_same_packets_and_verdicts() {
    on_captures("differ", |bytes| {
        let (copy, comments) = annotated(bytes);
        let mut wrong = Vec::new();
        if !copy.starts_with(&PCAPNG) {
            wrong.push("no pcapng".to_owned());
        }
        if packets(bytes) != packets(&copy) {
            wrong.push("other packets".to_owned());
        }
        let (before, after) = (verdicts(bytes), verdicts(&copy));
        for (before, after) in before.iter().zip(&after) {
            // Frames behind a packet that cannot be read have other numbers.
            let renumbered = before.last_frame != after.last_frame;
            let same_reason = before.reason == after.reason || renumbered;
            if claims(before) != claims(after) || !same_reason {
                wrong.push(format!("{} -> {}", claims(before), claims(after)));
            }
        }
        if before.len() != after.len() || comments.frames().is_empty() != before.is_empty() {
            wrong.push(format!("{} flows, not {}", after.len(), before.len()));
        }
        wrong
    });
}

#[test]
fn an_anonymized_capture_holds_no_address_and_the_same_verdicts() {
    on_captures("wrong", |bytes| {
        let all = verdicts(bytes);
        let copy = part(bytes, &all, Some(key()));
        let mut wrong = Vec::new();
        for address in addresses(&all).0 {
            if holds(&copy, &address) {
                wrong.push(format!("holds {address:?}"));
            }
        }
        let again = verdicts(&copy);
        for (before, after) in deaf_verdicts(bytes).iter().zip(&again) {
            let [one, other] = [before, after].map(|v| Essence::of(v).without(DAMAGE));
            wrong.extend(one.differences(&other));
            if claims(before) != claims(after) {
                wrong.push(format!("{} -> {}", claims(before), claims(after)));
            }
        }
        if all.len() != again.len() {
            wrong.push(format!("{} flows, not {}", again.len(), all.len()));
        }
        let plain = part(bytes, &all, None);
        for (before, after) in packets(&plain).iter().zip(packets(&copy)) {
            let same = (
                before.time,
                before.link,
                before.original_len,
                before.data.len(),
            ) == (after.time, after.link, after.original_len, after.data.len());
            if !same {
                wrong.push(format!("{before:?} -> {after:?}"));
            }
        }
        wrong
    });
}

#[test]
fn tunnels_and_link_headers_hold_no_address_either() {
    let own: &[&[u8]] = &[
        &[172, 16, 0, 7],
        &[172, 16, 0, 9],
        &[0xfd, 0, 0, 0, 0, 0, 0, 0],
        &[2, 0, 0, 0, 5, 1],
        &[2, 0, 0, 0, 12, 1],
        b"ab\0",
    ];
    let mut found = 0;
    for path in files("containers", LINKS) {
        let bytes = fs::read(&path).expect("readable");
        let copy = part(&bytes, &verdicts(&bytes), Some(key()));
        for address in own {
            found += u32::from(holds(&bytes, address));
            assert!(!holds(&copy, address), "{} {address:?}", path.display());
        }
    }
    assert!(found > 100, "{found}");
}

#[test]
fn a_report_without_addresses_says_the_same() {
    on_captures("wrong", |bytes| {
        let all = verdicts(bytes);
        let mut options = Options::default();
        options.anonymize = Some(key());
        let mut analysis = analyze(bytes, &options).expect("a capture");
        let mut hidden: Vec<Verdict> = analysis.by_ref().collect();
        hidden.sort_by_key(|v| v.flow);
        let mut wrong = Vec::new();
        let report = (&hidden, analysis.diagnoses(), analysis.summary());
        let report = serde_json::to_string(&report).expect("JSON");
        for address in addresses(&all).1 {
            if report.contains(&address) {
                wrong.push(format!("holds {address}"));
            }
        }
        let copy = verdicts(&part(bytes, &all, Some(key())));
        for ((before, after), copied) in all.iter().zip(&hidden).zip(&copy) {
            if claims(before) != claims(after) {
                wrong.push(format!("{} -> {}", claims(before), claims(after)));
            }
            if (after.client, after.server) != (copied.client, copied.server) {
                wrong.push("the capture has other addresses than the report".to_owned());
            }
            if after.application.is_some() || after.in_flight.is_some() {
                wrong.push("words of an application".to_owned());
            }
        }
        wrong
    });
}

#[test]
fn what_a_fuzzer_found_is_copied_as_far_as_it_goes() {
    let folders = fs::read_dir(testdata("fuzz")).expect("a directory");
    let mut read = 0;
    for folder in folders.map(|entry| entry.expect("an entry").path()) {
        for path in files(&format!("fuzz/{}", file_name(&folder)), &[""]) {
            let bytes = fs::read(path).expect("readable");
            if Reader::new(&bytes[..]).is_err() {
                continue;
            }
            read += 1;
            let (copy, _) = annotated(&bytes);
            assert_eq!(packets(&bytes), packets(&copy));
            for key in [None, Some(key())] {
                part(&bytes, &verdicts(&bytes), key);
            }
        }
    }
    assert!(read > 0);
}

// The command.

fn whoclosed(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.args(args).stdin(Stdio::null());
    command.output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A capture of the lab by its name.
fn lab(name: &str) -> String {
    testdata("captures")
        .join(name)
        .to_string_lossy()
        .into_owned()
}

/// A file of this test alone.
fn scratch(name: &str) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rewrite");
    fs::create_dir_all(&folder).expect("writable");
    folder.join(name).to_string_lossy().into_owned()
}

/// The command fails, with these words, and writes nothing to standard output.
fn refused(args: &[&str], words: &str) {
    let output = whoclosed(args);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(stderr.contains(words), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty());
}

/// What tshark says; `None` where there is none. The project's own checks must have it.
#[expect(clippy::print_stderr, reason = "who runs the tests should know")]
fn tshark(args: &[&str]) -> Option<String> {
    let Ok(output) = Command::new("tshark").args(args).output() else {
        assert!(std::env::var_os("CI").is_none(), "tshark is missing");
        eprintln!("skipped: tshark is missing (apt-get install tshark)");
        return None;
    };
    let stderr = text(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    Some(text(&output.stdout))
}

#[test]
fn tshark_shows_the_comments_on_the_right_frames() {
    for name in [
        "close-server-first-4seg.mid.pcap",
        "simultaneous.mid.pcapng",
    ] {
        let (input, out) = (lab(name), scratch(&format!("{name}.told.pcapng")));
        let output = whoclosed(&["annotate", &input, "-o", &out]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let fields = ["-T", "fields", "-e", "frame.number", "-e", "frame.comment"];
        let args = [&["-r", &out, "-E", "separator=|"][..], &fields].concat();
        let Some(shown) = tshark(&args) else { return };
        let shown: BTreeMap<u64, &str> = shown
            .lines()
            .filter_map(|line| line.split_once('|'))
            .filter(|(_, comment)| !comment.is_empty())
            .map(|(frame, comment)| (frame.parse().expect("a number"), comment))
            .collect();
        let bytes = fs::read(&input).expect("readable");
        let (_, comments) = annotated(&bytes);
        assert_eq!(shown.keys().copied().collect::<Vec<_>>(), comments.frames());
        for (frame, comment) in &shown {
            assert_eq!(comments.of(*frame), Some(*comment));
        }
        let fins = tshark(&[
            "-r",
            &out,
            "-Y",
            "tcp.flags.fin == 1 && frame.comment contains \"active close\"",
            "-T",
            "fields",
            "-e",
            "frame.number",
        ]);
        let fins = fins.unwrap_or_default().lines().count();
        assert_eq!(
            fins,
            if name.starts_with("close") { 1 } else { 2 },
            "{shown:?}"
        );
    }
    let told = fs::read(scratch("close-server-first-4seg.mid.pcap.told.pcapng")).expect("written");
    let words = b"server FIN, active close; TIME-WAIT will be the server's";
    assert!(holds(&told, words));
}

#[test]
fn tshark_finds_the_checksums_right_and_the_payload_empty() {
    for name in [
        "close-server-first-4seg.mid.pcap",
        "v6-linger0-server.mid.pcap",
    ] {
        let out = scratch(&format!("{name}.hidden.pcap"));
        let output = whoclosed(&["extract", "--anonymize", &lab(name), "-o", &out]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let check = [
            "-o",
            "ip.check_checksum:TRUE",
            "-o",
            "tcp.check_checksum:TRUE",
        ];
        let wrong = "ip.checksum.status == 0 || tcp.checksum.status != 1";
        let args = [&["-r", &out, "-Y", wrong][..], &check].concat();
        let Some(shown) = tshark(&args) else { return };
        assert_eq!(shown, "", "{name}");
        let payloads = |path: &str| {
            tshark(&["-r", path, "-Y", "tcp", "-T", "fields", "-e", "tcp.payload"])
                .unwrap_or_default()
        };
        let (before, after) = (payloads(&lab(name)), payloads(&out));
        let zeros = |text: &str| text.replace(|c: char| c.is_ascii_hexdigit(), "0");
        assert!(before != after && zeros(&before) == after, "{name}");
        assert!(!holds(&fs::read(&out).expect("written"), b"HTTP"));
    }
}

#[test]
fn one_flow_or_those_of_a_rule() {
    let input = lab("burst-client-first.mid.pcap");
    let out = scratch("one.pcap");
    let output = whoclosed(&["extract", "--flow", "3", &input, "-o", &out]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let all = verdicts(&fs::read(&input).expect("readable"));
    let one = verdicts(&fs::read(&out).expect("written"));
    assert_eq!(one.len(), 1);
    assert_eq!(
        (one[0].client, claims(&one[0])),
        (all[3].client, claims(&all[3]))
    );

    let port = all[5].client.port;
    let rule = format!("port={port}");
    let output = whoclosed(&["extract", "--only", &rule, &input, "-o", "-"]);
    assert_eq!(output.status.code(), Some(0));
    let some = verdicts(&output.stdout);
    assert_eq!(
        some.len(),
        all.iter().filter(|v| v.client.port == port).count()
    );

    let output = whoclosed(&["extract", "--only", "port=1", &input, "-o", "-"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("no flow matches"));
    assert_eq!(packets(&output.stdout), []);
}

#[test]
fn what_cannot_be_is_refused() {
    let copy = scratch("copy.pcap");
    fs::copy(lab("close-server-first-4seg.mid.pcap"), &copy).expect("copied");
    let before = fs::read(&copy).expect("readable");
    let folder = testdata("captures").to_string_lossy().into_owned();
    for command in ["extract", "annotate"] {
        refused(&[command, &copy, "-o", &copy], "this is the input");
        refused(&[command, "-", "-o", &scratch("no.pcap")], "read twice");
        refused(&[command, &folder, "-o", "-"], "one file is needed");
        refused(&[command, "nothing.pcap", "-o", "-"], "nothing.pcap: ");
        refused(
            &[command, "--flow", "9", &copy, "-o", "-"],
            "there is only flow 0",
        );
        refused(
            &[command, &copy, "-o", "/nowhere/out.pcap"],
            "cannot be written",
        );
        refused(&[command, &copy], "--output");
    }
    refused(&["--anonymize-key", KEY, &copy], "--anonymize");
    refused(
        &["--anonymize", "--anonymize-key", "12", &copy],
        "64 hexadecimal",
    );
    assert!(!Path::new(&scratch("no.pcap")).exists());
    assert_eq!(before, fs::read(&copy).expect("readable"));
}

#[cfg(unix)]
#[test]
fn the_input_is_not_replaced_under_another_name() {
    let (input, link, hard) = (
        scratch("in.pcap"),
        scratch("soft.pcap"),
        scratch("hard.pcap"),
    );
    for path in [&input, &link, &hard] {
        // Of a run before.
        let _ = fs::remove_file(path);
    }
    fs::copy(lab("close-server-first-4seg.mid.pcap"), &input).expect("copied");
    std::os::unix::fs::symlink(&input, &link).expect("linked");
    fs::hard_link(&input, &hard).expect("linked");
    for other in [&link, &hard] {
        refused(&["extract", &input, "-o", other], "this is the input");
    }
}

#[test]
fn of_a_damaged_capture_what_can_be_read_is_written() {
    let whole = fs::read(lab("close-server-first-4seg.mid.pcap")).expect("readable");
    let input = scratch("cut.pcap");
    fs::write(&input, &whole[..whole.len() - 30]).expect("written");
    for (command, name) in [("extract", "cut-out.pcap"), ("annotate", "cut-out.pcapng")] {
        let out = scratch(name);
        let output = whoclosed(&[command, &input, "-o", &out]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        let stderr = text(&output.stderr);
        assert_eq!(
            stderr.matches("frame 11, byte offset ").count(),
            1,
            "{stderr}"
        );
        let written = packets(&fs::read(&out).expect("written"));
        assert_eq!(written, packets(&whole)[..10], "{command}");
    }
}

#[test]
fn what_lies_behind_damage_is_written_too() {
    for name in [
        "damaged-block.pcapng",
        "damaged-junk.pcap",
        "damaged-junk.pcapng",
    ] {
        let path = testdata("containers")
            .join(name)
            .to_string_lossy()
            .into_owned();
        let bytes = fs::read(&path).expect("readable");
        let output = whoclosed(&["annotate", &path, "-o", "-"]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert_eq!(packets(&output.stdout), packets(&bytes), "{name}");
        let told = text(&output.stderr).contains("were not written: 1; frames behind");
        assert_eq!(
            told,
            name == "damaged-block.pcapng",
            "{}",
            text(&output.stderr)
        );
        let strict = whoclosed(&["annotate", "--strict", &path, "-o", "-"]);
        assert!(
            packets(&strict.stdout).len() < packets(&bytes).len(),
            "{name}"
        );
    }
}

#[test]
fn anonymized_reports_hold_no_address_no_name_and_no_words() {
    for name in [
        "close-server-first-4seg.mid.pcap",
        "v6-linger0-server.mid.pcap",
    ] {
        let path = lab(name);
        let all = verdicts(&fs::read(&path).expect("readable"));
        for args in [
            &["--format", "text"][..],
            &["--format", "json"],
            &["explain"],
        ] {
            let report = |more: &[&str]| {
                let output = whoclosed(&[args, more, &[&path]].concat());
                assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
                text(&output.stdout)
            };
            let (plain, hidden) = (report(&[]), report(&["--anonymize"]));
            for address in addresses(&all).1 {
                assert!(
                    plain.contains(&address) && !hidden.contains(&address),
                    "{hidden}"
                );
            }
            assert!(plain.contains(name) && !hidden.contains(name), "{hidden}");
            let keyed = || report(&["--anonymize", "--anonymize-key", KEY]);
            assert_eq!(keyed(), keyed());
            assert_ne!(report(&["--anonymize"]), hidden);
        }
    }
}

#[test]
fn a_rule_names_the_true_address() {
    let path = lab("close-server-first-4seg.mid.pcap");
    let flows = |host: &str| {
        let rule = format!("host={host}");
        let args = ["--format", "json", "--anonymize", "--only", &rule, &path];
        text(&whoclosed(&args).stdout)
            .matches("\"type\":\"flow\"")
            .count()
    };
    assert_eq!((flows("198.51.100.10"), flows("198.51.100.11")), (1, 0));
}
