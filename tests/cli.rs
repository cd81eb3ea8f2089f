//! The command line as a user meets it.

use std::process::{Command, Output, Stdio};

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
    refused(&["a.pcap", "b.pcap"], &["b.pcap"]);
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
fn a_directory_is_one_clear_line() {
    refused(
        &["."],
        &["whoclosed: .: Is a directory; a capture file was expected\n"],
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
