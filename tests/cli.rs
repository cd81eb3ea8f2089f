//! The command line as a user meets it.

use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

fn whoclosed(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.args(args).stdin(Stdio::null());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The run is a usage error: exit code 2, nothing on standard output, and these words.
fn refused(args: &[&str], words: &[&str]) {
    let output = whoclosed(args);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert!(output.stdout.is_empty(), "{args:?}");
    for word in words {
        assert!(stderr.contains(word), "{args:?} lacks {word:?}: {stderr}");
    }
}

#[test]
fn without_arguments_the_short_help_and_exit_code_2() {
    refused(&[], &["Usage: whoclosed", "explain", "give `-` as FILE"]);
}

#[test]
fn help_has_examples_and_exit_codes() {
    let output = whoclosed(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = text(&output.stdout);
    for word in [
        "Examples:",
        "Exit codes:",
        "--only",
        "whoclosed explain --flow 7",
    ] {
        assert!(help.contains(word), "{help}");
    }
    let short = whoclosed(&["-h"]);
    assert!(short.stdout.len() < output.stdout.len());
    assert!(!text(&short.stdout).contains('\x1b'));
}

#[test]
fn the_version() {
    let output = whoclosed(&["-V"]);
    let expected = concat!("whoclosed ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(text(&output.stdout), expected);
}

#[test]
fn usage_errors_name_what_is_valid() {
    refused(&["--summary"], &["FILE"]);
    refused(
        &["--only", "outcome", "x.pcap"],
        &["KEY=VALUE", "aborted-by"],
    );
    refused(
        &["--only", "who=me", "x.pcap"],
        &["`who`", "time-wait, confidence, host, port"],
    );
    refused(
        &["--only", "closer=me", "x.pcap"],
        &["client, server, both, none, unknown"],
    );
    refused(&["--time-wait", "60d", "x.pcap"], &["60s, 250ms, 4m, 1h"]);
    refused(&["--time", "local", "x.pcap"], &["rel, utc, epoch"]);
    refused(&["--format", "xml", "x.pcap"], &["text, json"]);
    refused(&["--flow", "first", "x.pcap"], &["--flow"]);
    refused(
        &["a.pcap", "b.pcap"],
        &["a.pcap: No such file", "b.pcap: No such file"],
    );
    refused(&["explain"], &["FILE"]);
}

#[test]
fn a_missing_file_is_one_clear_line() {
    for args in [&["no-such.pcap"][..], &["explain", "no-such.pcap"]] {
        let output = whoclosed(args);
        assert_eq!(output.status.code(), Some(2));
        let stderr = text(&output.stderr);
        assert!(
            stderr.starts_with("whoclosed: no-such.pcap: No such file"),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1);
    }
}

#[test]
fn a_directory_without_captures_is_clear() {
    refused(
        &["src"],
        &[
            "entries of directories skipped",
            "whoclosed: no capture found\n",
        ],
    );
}

#[test]
fn control_characters_of_a_name_never_reach_the_terminal() {
    let output = whoclosed(&["no\x1b[2J\nsuch.pcap"]);
    let stderr = text(&output.stderr);
    assert!(
        stderr.starts_with("whoclosed: no\\u{1b}[2J\\nsuch.pcap: "),
        "{stderr}"
    );
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const CLIENT: u8 = 1;
const SERVER: u8 = 2;

/// A pcap file of raw IPv4 packets: a segment each 10 ms of the sender, the client's port, SEQ,
/// ACK and flags.
fn pcap(segments: &[(u8, u16, u32, u32, u8)]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 101] {
        file.extend(word.to_le_bytes());
    }
    for (&(from, port, seq, ack, flags), n) in segments.iter().zip(0_u32..) {
        for word in [1_800_000_000 + n / 100, n % 100 * 10_000, 40, 40] {
            file.extend(word.to_le_bytes());
        }
        let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let (src, dst, ports) = if from == CLIENT {
            (client, server, [port, 80])
        } else {
            (server, client, [80, port])
        };
        file.extend([0x45, 0, 0, 40, 0, n as u8 + 1, 0x40, 0, 64, 6, 0, 0]);
        file.extend([src, dst].concat());
        file.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
        file.extend([seq.to_be_bytes(), ack.to_be_bytes()].concat());
        file.extend([0x50, flags, 0x10, 0, 0, 0, 0, 0]);
    }
    file
}

/// A connection that the client closes, one that the server resets, and one that stays open.
fn three_flows() -> Vec<u8> {
    let open = |port| {
        [
            (CLIENT, port, 100, 0, SYN),
            (SERVER, port, 500, 101, SYN | ACK),
            (CLIENT, port, 101, 501, ACK),
        ]
    };
    let close = [
        (CLIENT, 4000, 101, 501, FIN | ACK),
        (SERVER, 4000, 501, 102, ACK),
        (SERVER, 4000, 501, 102, FIN | ACK),
        (CLIENT, 4000, 102, 502, ACK),
    ];
    let reset = [(SERVER, 4001, 501, 101, RST | ACK)];
    let segments = [&open(4000)[..], &close, &open(4001), &reset, &open(4002)].concat();
    pcap(&segments)
}

/// A capture file of this test run.
fn file(name: &str, bytes: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = text(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn flows(output: &Output) -> Vec<u64> {
    let lines = lines(output);
    let flows = lines.iter().filter(|line| line["type"] == "flow");
    flows.map(|line| line["flow"].as_u64().unwrap()).collect()
}

/// Runs on standard input; `prepare` gets the child before the capture is written.
fn from_stdin(args: &[&str], capture: &[u8], prepare: impl FnOnce(&mut Child)) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.args(args).stdin(Stdio::piped());
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    prepare(&mut child);
    child.stdin.take().unwrap().write_all(capture).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_text_report_names_each_flow_and_sums_up() {
    let output = whoclosed(&[&file("text.pcap", &three_flows())]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let report = text(&output.stdout);
    let line = |flow: &str| report.lines().find(|line| line.contains(flow)).unwrap();
    assert!(line("10.0.0.1:4000").contains("graceful"), "{report}");
    assert!(line("10.0.0.1:4001").contains("server RST"), "{report}");
    assert!(line("10.0.0.1:4002").contains("open"), "{report}");
    assert!(report.contains("3 TCP flows in "), "{report}");
    assert!(report.contains("Outcomes"), "{report}");
    assert!(output.stderr.is_empty());
}

#[test]
fn the_summary_alone_counts_every_flow() {
    let path = file("summary.pcap", &three_flows());
    let report = text(&whoclosed(&["--summary", &path]).stdout);
    assert!(report.starts_with("Diagnosis\n"), "{report}");
    assert!(report.contains("\n\n3 TCP flows in "), "{report}");
    assert!(!report.contains("10.0.0.1:4000"), "{report}");
    let json = lines(&whoclosed(&["--summary", "--format", "json", &path]));
    let (summary, diagnoses) = json.split_last().expect("lines");
    assert_eq!(summary["flows"], 3);
    assert!(!diagnoses.is_empty());
    assert!(diagnoses.iter().all(|line| line["type"] == "diagnosis"));
}

#[test]
fn a_selection_chooses_lines_and_the_summary_counts_all() {
    let path = file("only.pcap", &three_flows());
    let run = |args: &[&str]| {
        let args = [&["--format", "json", &path], args].concat();
        whoclosed(&args)
    };
    assert_eq!(flows(&run(&[])), [0, 1, 2]);
    assert_eq!(lines(&run(&[])).last().unwrap().get("shown"), None);
    let aborted = run(&["--only", "aborted-by=server"]);
    assert_eq!(flows(&aborted), [1]);
    assert_eq!(lines(&aborted).last().unwrap()["shown"], 1);
    assert_eq!(lines(&aborted).last().unwrap()["flows"], 3);
    assert_eq!(
        flows(&run(&["--only", "port=4000", "--only", "port=4002"])),
        [0, 2]
    );
    assert_eq!(
        flows(&run(&["--only", "aborted-by!=server", "--flow", "2"])),
        [2]
    );
    let none = text(&whoclosed(&["--only", "port=9", &path]).stdout);
    assert!(
        none.contains("\n\n3 TCP flows in ") && none.contains("; 0 selected"),
        "{none}"
    );
}

#[test]
fn times_are_written_as_asked() {
    let path = file("time.pcap", &three_flows());
    let start = |style: &str| {
        let report = text(&whoclosed(&["--time", style, &path]).stdout);
        let line = report.lines().nth(1).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(start("rel"), "0.000000");
    assert_eq!(start("epoch"), "1800000000.000000");
    assert_eq!(start("utc"), "2027-01-15T08:00:00.000000Z");
}

#[test]
fn time_wait_lasts_as_long_as_it_is_told() {
    let path = file("time-wait.pcap", &three_flows());
    for (asked, shown) in [
        ("60s", "client 60s"),
        ("4m", "client 240s"),
        ("500ms", "client 0.5s"),
    ] {
        let report = text(&whoclosed(&["--time-wait", asked, &path]).stdout);
        assert!(report.contains(shown), "{asked}: {report}");
    }
}

#[test]
fn standard_input_gives_the_same_report() {
    let piped = from_stdin(&["--format", "json", "-"], &three_flows(), |_| ());
    assert_eq!(piped.status.code(), Some(0));
    let of_file = whoclosed(&["--format", "json", &file("stdin.pcap", &three_flows())]);
    assert_eq!(flows(&piped), flows(&of_file));
    assert_eq!(lines(&piped)[0]["source"], "-");
    assert_eq!(lines(&piped)[0]["reason"], lines(&of_file)[0]["reason"]);
}

#[test]
fn a_closed_output_ends_it_quietly() {
    for args in [&["-"][..], &["--format", "json", "-"], &["explain", "-"]] {
        let close = |child: &mut Child| drop(child.stdout.take());
        let output = from_stdin(args, &three_flows(), close);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert!(
            output.stderr.is_empty(),
            "{args:?}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn damage_is_told_after_the_report() {
    let mut cut = three_flows();
    cut.truncate(cut.len() - 7);
    let path = file("cut.pcap", &cut);
    for args in [
        &["--format", "json", &path][..],
        &["explain", "--format", "json", &path],
    ] {
        let output = whoclosed(args);
        assert_eq!(output.status.code(), Some(2));
        assert!(!lines(&output).is_empty());
        let stderr = text(&output.stderr);
        let line = format!("whoclosed: {path}: frame 14, byte offset ");
        assert!(stderr.starts_with(&line), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

/// The three flows, and in the middle of them a record whose length is destroyed.
fn damaged() -> Vec<u8> {
    let mut bytes = three_flows();
    let eighth = 24 + 7 * 56;
    bytes[eighth + 8..eighth + 12].fill(0xff);
    bytes
}

#[test]
fn reading_goes_on_behind_damage_unless_it_is_strict() {
    let path = file("damaged.pcap", &damaged());
    let output = whoclosed(&["--format", "json", &path]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(flows(&output), [0, 1, 2]);
    let expected = format!(
        "whoclosed: {path}: frame 8, byte offset 416: a record of 4294967295 captured bytes, \
         where at most 262144 were expected; 56 bytes were skipped\n"
    );
    assert_eq!(text(&output.stderr), expected);
    let source = lines(&output).last().unwrap()["sources"][0].clone();
    assert_eq!(source["frames"], 13);
    assert_eq!(source["bytes"], 24 + 14 * 56);
    assert_eq!(
        (&source["skipped"], &source["unlisted_damage"]),
        (&56.into(), &0.into())
    );
    assert_eq!(source["damage"][0]["skipped"], 56);
    assert_eq!(source["dropped"], Value::Null);
    let found = lines(&output)[1]["findings"].clone();
    let codes: Vec<_> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["code"])
        .collect();
    assert!(codes.contains(&&"capture-damaged".into()), "{codes:?}");
    let report = text(&whoclosed(&["--summary", &path]).stdout);
    assert!(report.contains("expected; 56 bytes skipped"), "{report}");

    let strict = whoclosed(&["--strict", "--format", "json", &path]);
    assert_eq!(strict.status.code(), Some(2));
    assert_eq!(flows(&strict), [0]);
    let source = lines(&strict).last().unwrap()["sources"][0].clone();
    assert_eq!(
        (&source["frames"], &source["bytes"]),
        (&7.into(), &416.into())
    );
    assert_eq!(source["damage"][0]["skipped"], Value::Null);
}

#[test]
fn many_places_of_damage_are_summed_up() {
    let mut bytes = three_flows();
    let records = bytes.split_off(24);
    for n in 0..20_u32 {
        let at = bytes.len();
        let mut copy = records.clone();
        for record in copy.chunks_mut(56) {
            record[..4].copy_from_slice(&(1_800_000_000 + n).to_le_bytes());
        }
        bytes.extend(copy);
        bytes[at + 7 * 56 + 8..at + 7 * 56 + 12].fill(0xff);
    }
    let output = whoclosed(&["--summary", &file("many.pcap", &bytes)]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(stderr.lines().count(), 17, "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(
        last.ends_with("damaged at 4 further places; 1120 bytes were skipped in all"),
        "{last}"
    );
    assert!(
        stdout.contains("damaged at 4 further places; 1120 bytes skipped"),
        "{stdout}"
    );
}

#[test]
fn compressed_captures_are_told_by_content() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&three_flows()).unwrap();
    let packed = encoder.finish().unwrap();
    let of_file = whoclosed(&["--format", "json", &file("packed.pcap", &packed)]);
    assert_eq!(of_file.status.code(), Some(0), "{}", text(&of_file.stderr));
    assert_eq!(flows(&of_file), [0, 1, 2]);
    let piped = from_stdin(&["--format", "json", "-"], &packed, |_| ());
    assert_eq!(flows(&piped), [0, 1, 2]);
    let cut = from_stdin(
        &["--format", "json", "-"],
        &packed[..packed.len() - 9],
        |_| (),
    );
    assert_eq!(cut.status.code(), Some(2));
    assert_eq!(lines(&cut).last().unwrap()["type"], "summary");
    let stderr = text(&cut.stderr);
    assert!(stderr.contains("the gzip archive ends early ("), "{stderr}");
}

#[test]
fn dropped_packets_are_told() {
    let mut bytes = Vec::new();
    for (kind, body) in [
        (
            0x0a0d_0d0a_u32,
            vec![0x1a2b_3c4d_u32, 1, u32::MAX, u32::MAX],
        ),
        (1, vec![101, 0]),
        (5, vec![0, 0, 0, 8 << 16 | 5, 12, 0, 0]),
    ] {
        let size = body.len() as u32 * 4 + 12;
        let words = [&[kind, size][..], &body, &[size]].concat();
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }
    let path = file("dropped.pcapng", &bytes);
    let json = lines(&whoclosed(&["--format", "json", &path]));
    assert_eq!(json[0]["sources"][0]["dropped"], 12);
    let report = text(&whoclosed(&[&path]).stdout);
    assert!(
        report.contains("12 packets dropped while capturing"),
        "{report}"
    );
}

#[test]
fn what_is_no_capture_is_one_clear_line() {
    for (name, bytes) in [
        ("empty.pcap", &b""[..]),
        ("text.txt", b"This is no capture at all.\n"),
    ] {
        let path = file(name, bytes);
        let output = whoclosed(&[&path]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let stderr = text(&output.stderr);
        assert!(
            stderr.starts_with(&format!("whoclosed: {path}: ")),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn colour_only_where_it_is_wanted() {
    let path = file("colour.pcap", &three_flows());
    let coloured = |args: &[&str], variable: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
        let command = command.args(args).arg(&path).env_remove("NO_COLOR");
        let command = command.env_remove("CLICOLOR_FORCE").env(variable, "1");
        text(&command.output().unwrap().stdout).contains('\x1b')
    };
    assert!(!coloured(&[], "UNUSED"));
    assert!(coloured(&["--color", "always"], "UNUSED"));
    assert!(coloured(&["explain", "--color", "always"], "UNUSED"));
    assert!(coloured(&[], "CLICOLOR_FORCE"));
    assert!(!coloured(&["--color", "never"], "CLICOLOR_FORCE"));
    assert!(!coloured(&[], "NO_COLOR"));
}

#[test]
fn one_flow_is_explained() {
    let path = file("explain.pcap", &three_flows());
    let first = whoclosed(&["explain", &path]);
    assert_eq!(first.status.code(), Some(0));
    let story = text(&first.stdout);
    for words in [
        "Flow 0: 10.0.0.1:4000 > 10.0.0.2:80",
        "FIN-WAIT-1",
        "TIME-WAIT begins",
    ] {
        assert!(story.contains(words), "{story}");
    }
    assert!(text(&first.stderr).contains("first of 3 flows; choose another with --flow 0 to 2"));
    let second = whoclosed(&["explain", "--flow", "1", "--format", "json", &path]);
    assert!(second.stderr.is_empty());
    let object = &lines(&second)[0];
    assert_eq!(object["type"], "explanation");
    assert_eq!(object["verdict"]["flow"], 1);
    refused(
        &["explain", "--flow", "3", &path],
        &["there are only flows 0 to 2"],
    );
}

#[test]
fn a_key_option_names_the_network_of_each_flow() {
    let path = "testdata/captures/link-vlan.mid.pcap";
    let networks = |more: &[&str]| {
        let output = whoclosed(&[&["--format", "json", path], more].concat());
        assert_eq!(output.status.code(), Some(0));
        let text = text(&output.stdout);
        let lines = text.lines().map(|l| serde_json::from_str(l).unwrap());
        let flows = lines.filter(|line: &Value| line["type"] == "flow");
        let vlans = flows.map(|flow| (flow["vlan"].clone(), flow["tunnel"].clone()));
        vlans.collect::<Vec<_>>()
    };
    assert_eq!(networks(&[]), [(Value::Null, Value::Null)]);
    assert_eq!(networks(&["--key-tunnel"]), [(Value::Null, Value::Null)]);
    let vlan = networks(&["--key-vlan", "--key-tunnel"]);
    assert_eq!(vlan, [(serde_json::json!([42]), Value::Null)]);
    let explained = whoclosed(&["explain", "--key-vlan", "--format", "json", path]);
    assert!(text(&explained.stdout).contains("\"vlan\":[42]"));
    let explained = whoclosed(&["explain", "--key-vlan", path]);
    assert!(text(&explained.stdout).contains("\n  in VLAN 42\n"));
    let table = whoclosed(&["--key-vlan", path]);
    assert!(text(&table.stdout).contains("  in VLAN 42; "));
    let path = "testdata/containers/tunnel-greinvxlaningtp.pcap";
    let explained = whoclosed(&["explain", "--key-tunnel", path]);
    assert!(text(&explained.stdout).contains("\n  in vxlan 5000, gre 3\n"));
}

/// The rows of a table that the program prints.
fn table(args: &[&str], code: i32) -> Vec<Vec<String>> {
    let output = whoclosed(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}");
    let mut reader = ::csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(output.stdout.as_slice());
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn csv_is_one_table_of_several_captures() {
    let path = file("table.pcap", &three_flows());
    let other = file("table-again.pcap", &three_flows());
    let none = file("no-table.pcap", b"no capture at all");
    let rows = table(&["--format", "csv", "--separate", &none, &path, &other], 2);
    assert_eq!(rows.len(), 7);
    assert_eq!(rows.iter().filter(|row| row[1] == "flow").count(), 1);
    let sources: Vec<&str> = rows.iter().skip(1).map(|row| row[2].as_str()).collect();
    assert_eq!(sources, [[path.as_str(); 3], [other.as_str(); 3]].concat());
    let rows = table(&["--format", "csv", "--flow", "1", &path], 0);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1][1], "1");
    let rows = table(&["--format", "csv", "--flow", "77", &path], 0);
    assert_eq!(rows.len(), 1);
}

#[test]
fn a_log_of_several_captures_has_one_head_and_one_end() {
    let path = file("log.pcap", &three_flows());
    let other = file("log-again.pcap", &three_flows());
    let output = whoclosed(&["--format", "zeek", "--separate", &path, &other]);
    let log = text(&output.stdout);
    let count = |start: &str| log.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(
        (count("#fields\t"), count("#open\t"), count("#close\t")),
        (1, 1, 1)
    );
    assert_eq!(log.lines().filter(|line| !line.starts_with('#')).count(), 6);
    assert!(log.lines().last().unwrap().starts_with("#close\t"));
}

#[test]
fn any_name_of_a_capture_stays_in_its_cell() {
    let name = "\"a\",b\tc\nd\u{1b}[2J'=1+1.pcap";
    let path = file(name, &three_flows());
    let rows = table(&["--format", "csv", &path], 0);
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().skip(1).all(|row| row[2] == path));
    let log = text(&whoclosed(&["--format", "zeek", &path]).stdout);
    let rows: Vec<&str> = log.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert!(
            row.contains("\"a\",b\\x09c\\x0ad\\x1b[2J'=1+1.pcap\t"),
            "{row}"
        );
        assert!(!row.contains('\u{1b}'));
    }
}

#[test]
fn community_ids_are_asked_for() {
    let path = file("community.pcap", &three_flows());
    let flows = |args: &[&str]| {
        let lines = text(&whoclosed(args).stdout);
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        lines.into_iter().filter(|line| line["type"] == "flow")
    };
    for flow in flows(&["--format", "json", &path]) {
        assert!(flow.get("community_id").is_none());
    }
    let rows = table(&["--format", "csv", &path], 0);
    for (flow, row) in flows(&["--format", "json", "--community-id", &path]).zip(&rows[1..]) {
        assert!(flow["community_id"].as_str().unwrap().starts_with("1:"));
        assert_eq!(flow["community_id"], *row.last().unwrap());
    }
}

#[test]
fn what_a_format_cannot_show_is_refused() {
    for format in ["csv", "zeek"] {
        refused(
            &["--format", format, "--summary", "x"],
            &["flows alone, no summary"],
        );
    }
    refused(&["--community-id", "x"], &["--format json"]);
}

/// The flows that a page holds for its table.
fn flows_of_page(page: &str) -> Vec<Value> {
    let start = "<script class=\"flows\" type=\"application/json\">";
    let (_, rest) = page.split_once(start).unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

#[test]
fn the_page_holds_the_flows_of_the_json() {
    let path = file(
        "<script>alert(1)</script>'\".pcap"
            .replace('/', "_")
            .as_str(),
        &three_flows(),
    );
    let output = whoclosed(&["--format", "html", &path]);
    assert_eq!(output.status.code(), Some(0));
    let page = text(&output.stdout);
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    let mut flows = flows_of_page(&page);
    flows.sort_by_key(|flow| flow["flow"].as_u64());
    let json = lines(&whoclosed(&["--format", "json", &path]));
    let mut expected: Vec<&Value> = json.iter().filter(|line| line["type"] == "flow").collect();
    expected.sort_by_key(|flow| flow["flow"].as_u64());
    assert_eq!(flows.len(), expected.len());
    for (flow, line) in flows.iter().zip(expected) {
        for name in [
            "flow",
            "outcome",
            "reason",
            "time_wait",
            "findings",
            "wireshark_filter",
        ] {
            assert_eq!(flow[name], line[name], "{name}");
        }
        assert_eq!(flow["final_states"], line["final_states"]);
    }
}

#[test]
fn an_anonymous_page_names_nobody() {
    let path = file("secret-place.pcap", &three_flows());
    let page = whoclosed(&["--format", "html", "--anonymize", &path]);
    let page = text(&page.stdout);
    let json = lines(&whoclosed(&["--format", "json", &path]));
    for flow in json.iter().filter(|line| line["type"] == "flow") {
        for side in ["client", "server"] {
            let addr = flow[side]["addr"].as_str().unwrap();
            assert!(!page.contains(addr), "{addr}");
        }
    }
    assert!(!page.contains("secret-place") && page.contains("capture 1"));
    assert_eq!(flows_of_page(&page).len(), 3);
}

#[test]
fn a_page_has_a_section_for_each_capture() {
    let (path, other) = (
        file("page.pcap", &three_flows()),
        file("page-2.pcap", &three_flows()),
    );
    let missing = file("page-3.pcap", &[]);
    std::fs::remove_file(&missing).unwrap();
    let output = whoclosed(&["--format", "html", "--separate", &missing, &path, &other]);
    assert_eq!(output.status.code(), Some(2));
    let page = text(&output.stdout);
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert_eq!(page.matches("<section").count(), 2);
    refused(
        &["--format", "html", "--summary", &path],
        &["always holds flows"],
    );
    let range = ["--port-range", "1-9", &path];
    refused(&range, &["--port-range is for --format html"]);
}

#[test]
fn a_report_goes_to_a_file() {
    let path = file("to-a-file.pcap", &three_flows());
    let out = format!("{path}.report");
    for format in ["text", "json", "csv", "html", "zeek"] {
        let expected = whoclosed(&["--format", format, &path]);
        std::fs::write(&out, "old").unwrap();
        let output = whoclosed(&["--format", format, "--output", &out, &path]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{format}");
        // Zeek's log says when it was opened and closed.
        let plain = |bytes: &[u8]| -> Vec<String> {
            let text = text(bytes);
            let lines = text.lines().map(str::to_owned);
            let timed = |line: &String| line.starts_with("#open") || line.starts_with("#close");
            lines.filter(|line| !timed(line)).collect()
        };
        let written = std::fs::read(&out).unwrap();
        assert_eq!(plain(&written), plain(&expected.stdout), "{format}");
    }
    let output = whoclosed(&["-o", "-", &path]);
    assert!(text(&output.stdout).contains("3 TCP flows"));
    std::fs::remove_file(&out).unwrap();
}

#[test]
fn an_input_is_not_written_over_and_a_report_that_fails_replaces_nothing() {
    // By itself: others write next to their inputs as well.
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("kept");
    std::fs::create_dir_all(&folder).unwrap();
    let path = file("kept/input.pcap", &three_flows());
    let bytes = std::fs::read(&path).unwrap();
    refused(&["-o", &path, &path], &["this is the input"]);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    let out = format!("{path}.kept");
    std::fs::write(&out, "kept").unwrap();
    refused(&["-o", &out, "/nonexistent.pcap"], &["/nonexistent.pcap"]);
    assert_eq!(std::fs::read(&out).unwrap(), b"kept");
    refused(
        &["-o", "/nonexistent/report.txt", &path],
        &["/nonexistent/report.txt: cannot be written"],
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    std::fs::remove_dir_all(&folder).unwrap();
}
