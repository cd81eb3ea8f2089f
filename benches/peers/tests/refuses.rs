//! The runner itself, on small captures: it measures a program that tells the truth, and refuses one
//! that does not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use tempfile::TempDir;

/// The program: what `WHOCLOSED` names, or a build without the minutes that a release takes.
static WHOCLOSED: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(path) = std::env::var_os("WHOCLOSED") {
        return Path::new(&path).canonicalize().expect("a binary");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built = Command::new(env!("CARGO"))
        .current_dir(root)
        .args(["build", "--locked", "--message-format", "json"])
        .output()
        .expect("Cargo");
    let lines = String::from_utf8(built.stdout).expect("text");
    let path = lines.lines().find_map(|line| {
        let artifact: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = artifact["executable"].as_str()?;
        path.ends_with("whoclosed").then(|| path.into())
    });
    path.expect("a binary")
});

/// A stand-in for the program: a script to which `$real` is the true one.
fn run(script: &str, arguments: &[&str]) -> Output {
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("stand-in");
    let real = WHOCLOSED.display();
    fs::write(&path, format!("#!/bin/sh\nreal='{real}'\n{script}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    Command::new(env!("CARGO_BIN_EXE_peers"))
        .args(["--quick", "--rounds", "1", "--only", "short"])
        .args(["--without", "tshark", "--without", "tcptrace"])
        .arg("--whoclosed")
        .arg(&path)
        .args(arguments)
        .output()
        .expect("the runner")
}

#[track_caller]
fn refused(script: &str, because: &str) {
    let output = run(script, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not measured, as it is wrong"), "{said}");
    assert!(said.contains(because), "{because} is not in: {said}");
    assert!(output.stdout.is_empty(), "a speed was printed");
}

#[test]
fn the_truth_is_measured() {
    let output = run("exec \"$real\" \"$@\"", &["--format", "json"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let results: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let contest = &results["contests"][0];
    assert_eq!(contest["name"], "short");
    let lines = contest["lines"].as_array().expect("lines");
    let who = |name: &str| lines.iter().find(|line| line["who"] == name);
    for name in ["json1", "summary1", "walk"] {
        let sample = &who(name).expect(name)["samples"][0];
        assert!(sample["wall"].as_f64() > Some(0.0), "{name}: {sample}");
        assert!(
            sample["peak"].as_u64() > Some(1_000_000),
            "{name}: {sample}"
        );
    }
    assert!(who("tcptrace").is_none(), "it was left out");
}

#[test]
fn tables_are_for_people() {
    let output = run("exec \"$real\" \"$@\"", &["--format", "markdown"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("| program "), "{said}");
    assert!(said.contains("| whoclosed --summary"), "{said}");
}

#[test]
fn another_closer_is_refused() {
    let script = r#""$real" "$@" | sed '9s/"active_closer":"[a-z]*"/"active_closer":"both"/'"#;
    refused(script, "closer: \"both\"");
}

#[test]
fn a_flow_that_is_not_told_is_refused() {
    refused(r#""$real" "$@" | sed 9d"#, "0 flows, not 1");
}

#[test]
fn a_flow_that_was_not_there_is_refused() {
    let script = r#""$real" "$@" | sed '9{h;s/"port":[0-9]*/"port":1/;p;x}'"#;
    refused(script, "there is no such flow");
}

#[test]
fn a_summary_of_its_own_is_refused() {
    // Of flows it tells the truth.
    let script = r#"case "$*" in
        *--summary*) "$real" "$@" | sed 's/^ *[0-9]*  graceful/ 1  graceful/' ;;
        *) exec "$real" "$@" ;;
    esac"#;
    refused(script, "outcomes: ");
}

#[test]
fn packets_that_are_lost_sight_of_are_refused() {
    let script = r#""$real" "$@" | sed 's/"late_segments":0/"late_segments":7/'"#;
    refused(script, "0 packets are in no flow, 7 are told to be late");
}

#[test]
fn silence_is_refused() {
    refused("exit 0", "outcomes: {}");
}

#[test]
fn a_failure_is_no_result() {
    let output = run(
        r#"[ "$1" = --version ] && exec "$real" --version; exit 3"#,
        &[],
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("exit status: 3"), "{said}");
}
