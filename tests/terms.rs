//! `whoclosed terms` and `whoclosed schema` as a user meets them.

use serde_json::Value;
use std::process::{Command, Output};
use whoclosed::close::terms::all;
use whoclosed::report::schema::schema;

fn whoclosed(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    command.args(args).output().expect("runs")
}

fn printed(args: &[&str]) -> String {
    let output = whoclosed(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    assert!(output.stderr.is_empty(), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn all_names_are_listed() {
    let text = printed(&["terms"]);
    for entry in all() {
        assert!(text.contains(entry.term.summary), "{}", entry.term.name);
    }
}

#[test]
fn a_name_is_found_in_any_case() {
    let text = printed(&["terms", "TIME-WAIT"]);
    assert!(text.starts_with("TIME-WAIT (state): "));
    assert!(text.contains("tcp_fin_timeout"));
    assert_eq!(printed(&["terms", "time-wait"]), text);
    assert_eq!(printed(&["terms", "Time-Wait"]), text);
}

#[test]
fn a_name_of_two_taxonomies_is_told_for_both() {
    let text = printed(&["terms", "refused"]);
    assert!(text.starts_with("refused (outcome): "));
    assert!(text.contains("\nrefused (cause): "));
}

#[test]
fn json_is_an_object_per_name() {
    let lines = |args: &[&str]| -> Vec<Value> {
        let text = printed(args);
        let lines = text.lines().map(serde_json::from_str);
        lines.map(|line| line.expect("JSON")).collect()
    };
    assert_eq!(lines(&["terms", "--format", "json"]).len(), all().count());
    let refused = lines(&["terms", "refused", "--format", "json"]);
    let groups: Vec<_> = refused.iter().map(|line| &line["group"]).collect();
    assert_eq!(groups, ["outcome", "cause"]);
    assert_eq!(refused[0]["zeek"], "REJ");
}

#[test]
fn an_unknown_name_is_a_usage_error_with_a_hint() {
    for (name, hint) in [
        ("gracefull", "did you mean graceful?"),
        ("close-wait-leek", "did you mean close-wait-leak or"),
        ("xyzzy", "lists all"),
    ] {
        for format in ["text", "json"] {
            let output = whoclosed(&["terms", name, "--format", format]);
            let stderr = String::from_utf8(output.stderr).expect("text");
            assert_eq!(output.status.code(), Some(2), "{name}");
            assert!(output.stdout.is_empty(), "{name}");
            assert!(stderr.contains(hint) && stderr.contains(name), "{stderr}");
        }
    }
}

#[test]
fn the_schema_is_printed_whole() {
    let text = printed(&["schema"]);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value, schema());
    assert!(text.ends_with("}\n"));
}
