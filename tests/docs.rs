//! The documents are what the tables and the program say. `UPDATE=1 cargo test --test docs` writes
//! them anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use whoclosed::check::policy;
use whoclosed::report::{reference, schema};

#[test]
fn the_reference_is_fresh() {
    fresh("docs/verdicts.md", &text(reference::write));
}

#[test]
fn the_schema_is_fresh() {
    fresh("docs/schema.json", &text(schema::write));
}

#[test]
fn the_schema_of_policies_is_fresh() {
    fresh("docs/policy.schema.json", &text(policy::schema::write));
}

#[test]
fn the_reference_of_policies_is_fresh() {
    let document = fs::read_to_string(path("docs/check.md")).expect("readable");
    let document = between(
        &document,
        "<!-- generated: keys -->\n",
        &text(reference::keys),
    );
    let rules = text(reference::rules);
    fresh(
        "docs/check.md",
        &between(&document, "<!-- generated: rules -->\n", &rules),
    );
}

#[test]
fn the_readme_is_fresh() {
    let readme = fs::read_to_string(path("README.md")).expect("readable");
    let table = text(reference::outcomes);
    let readme = between(&readme, "<!-- generated: verdicts -->\n", &table);
    fresh("README.md", &with_transcripts(&readme));
}

/// Fails if the file is not this, or writes it.
fn fresh(name: &str, expected: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(name), expected).expect("written");
        return;
    }
    let found = fs::read_to_string(path(name)).unwrap_or_default();
    let line = found
        .lines()
        .zip(expected.lines())
        .position(|(a, b)| a != b)
        .unwrap_or_else(|| found.lines().count().min(expected.lines().count()));
    assert!(
        found == expected,
        "{name} is stale from line {}:\n  {}\nshould be\n  {}\n`UPDATE=1 cargo test --test docs`",
        line + 1,
        found.lines().nth(line).unwrap_or("(its end)"),
        expected.lines().nth(line).unwrap_or("(its end)"),
    );
}

/// The document with `new` between the marker and its second copy.
fn between(document: &str, marker: &str, new: &str) -> String {
    let parts: Vec<&str> = document.split(marker).collect();
    assert_eq!(parts.len(), 3, "{marker}");
    format!("{}{marker}{new}{marker}{}", parts[0], parts[2])
}

/// The document with what the program prints now below every `$ whoclosed ...` of its consoles.
fn with_transcripts(document: &str) -> String {
    let mut out = String::new();
    let mut rest = document;
    while let Some((before, console)) = rest.split_once("```console\n$ whoclosed ") {
        let (command, printed) = console.split_once('\n').expect("a line");
        let (_, after) = printed.split_once("```").expect("the console's end");
        let printed = run(command);
        out.extend([
            before,
            "```console\n$ whoclosed ",
            command,
            "\n",
            &printed,
            "```",
        ]);
        rest = after;
    }
    assert!(!out.is_empty(), "the document has a transcript");
    out + rest
}

fn run(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_whoclosed"))
        .args(command.split(' '))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("runs");
    assert!(output.status.success(), "{command}");
    String::from_utf8(output.stdout).expect("text")
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("written");
    String::from_utf8(out).expect("text")
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
