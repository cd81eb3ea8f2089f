//! The reports on a check, each validated by something that did not write it.

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use whoclosed::report::schema::schema;

const POLICY: &str = "testdata/policies/every-rule.toml";
const GOOD: &str = "testdata/captures/close-client-first-4seg.mid.pcap";
const BAD: &str = "testdata/captures/close-wait-leak.mid.pcap";
const NONE: &str = "testdata/captures/syn-unanswered.mid.pcap";
/// A name that has to be escaped, each time in another way; it is no capture.
const HOSTILE: &str = "no %0A,:<&>\"'|`*_@[x](y) \u{1b}[2J\n::error::é.pcap";

/// The report on captures that hold, break rules, and could not be judged.
fn report(format: &str) -> (String, Output) {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("check-formats")
        .join(format);
    let _ = fs::remove_dir_all(&scratch);
    fs::create_dir_all(&scratch).expect("created");
    let hostile = scratch.join(HOSTILE);
    fs::write(&hostile, "no capture").expect("written");
    let pile = "testdata/questions/time-wait-pile.mid.pcap";
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.args(["check", "--policy", POLICY, "--format", format]);
    let command = command
        .args([GOOD, BAD, NONE, pile])
        .arg(hostile)
        .stdin(Stdio::null());
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    (text, output)
}

/// The numbers of rules of each status, from the lines of JSON.
fn counts() -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in report("json").0.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        if line["type"] == "check_rule" {
            let status = line["status"].as_str().expect("a name").to_owned();
            *counts.entry(status).or_default() += 1;
        }
    }
    counts
}

#[test]
fn every_line_of_json_is_valid() {
    let mut schema = schema();
    for definition in schema["$defs"]
        .as_object_mut()
        .expect("definitions")
        .values_mut()
    {
        if definition.get("properties").is_some() {
            definition["additionalProperties"] = false.into();
        }
    }
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&schema).expect("a schema");
    let text = report("json").0;
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    for line in &lines {
        let errors: Vec<String> = validator.iter_errors(line).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{line}");
    }
    let of = |kind| lines.iter().filter(|line| line["type"] == kind).count();
    assert_eq!(
        (of("check_rule"), of("check_capture"), of("check")),
        (4 * 18, 5, 1)
    );
    let last = lines.last().expect("a line");
    assert_eq!(last["status"], "broken");
    assert_eq!(last["exit_code"], 1);
    assert!(
        last["headline"]
            .as_str()
            .expect("text")
            .starts_with("broken: same.forbid-outcomes in")
    );
}

#[test]
fn junit_xml_is_valid_by_the_schema_of_jenkins() {
    let (text, _) = report("junit");
    let schema = support::testdata("schemas/junit-10.xsd");
    let mut command = Command::new("xmllint");
    let command = command
        .args(["--noout", "--nonet", "--schema"])
        .arg(schema)
        .arg("-");
    let command = command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .expect("xmllint is installed (libxml2-utils)");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("ends");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{text}");
    let (counts, captures) = (counts(), 5);
    let of = |tag: &str| text.matches(tag).count();
    assert_eq!(of("<testsuite "), captures);
    assert_eq!(of("<testcase "), counts.values().sum::<usize>() + captures);
    assert_eq!(of("<failure "), counts["broken"]);
    // And the capture that is none.
    assert_eq!(of("<error "), counts["not-judged"] + 1);
}

#[test]
fn sarif_is_valid_by_its_schema() {
    let (text, _) = report("sarif");
    let log: Value = serde_json::from_str(&text).expect("JSON");
    let bytes = fs::read(support::testdata("schemas/sarif-schema-2.1.0.json")).expect("readable");
    let schema: Value = serde_json::from_slice(&bytes).expect("JSON");
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&schema).expect("a schema");
    let errors: Vec<String> = validator
        .iter_errors(&log)
        .map(|error| format!("{error} at {}", error.instance_path))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let run = &log["runs"][0];
    let results = run["results"].as_array().expect("a list");
    let counts = counts();
    let failed = results
        .iter()
        .filter(|result| result["kind"] == "fail")
        .count();
    assert_eq!(failed, counts["broken"]);
    assert_eq!(results.len(), counts["broken"] + counts["not-judged"]);
    assert_eq!(run["invocations"][0]["exitCode"], 1);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], POLICY);
    let line = place["region"]["startLine"].as_u64().expect("a number") as usize;
    let policy = fs::read_to_string(support::testdata("policies/every-rule.toml")).expect("text");
    let line = policy.lines().nth(line - 1).expect("a line");
    assert!(
        line.starts_with(results[0]["ruleId"].as_str().expect("text")),
        "{line}"
    );
    // Every result's kind is explained.
    let rules = run["tool"]["driver"]["rules"].as_array().expect("a list");
    for result in results {
        assert!(
            rules.iter().any(|rule| rule["id"] == result["ruleId"]),
            "{result}"
        );
    }
}

#[test]
fn an_annotation_is_one_line_whatever_it_says() {
    let (text, _) = report("github");
    let counts = counts();
    let of = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    // The last line is the verdict on all.
    assert_eq!(of("::error file="), counts["broken"]);
    assert_eq!(of("::error title="), 1);
    assert_eq!(of("::warning file="), counts["not-judged"] + 1);
    assert_eq!(
        text.lines().count(),
        counts["broken"] + counts["not-judged"] + 2
    );
    for line in text.lines() {
        let (head, message) = line
            .trim_start_matches("::")
            .split_once("::")
            .expect("a message");
        assert!(!message.is_empty() && !line.contains('\x1b'), "{line:?}");
        let properties = head.split_once(' ').expect("properties").1;
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').expect("a value");
            assert!(
                matches!(name, "file" | "line" | "title") && !value.contains(':'),
                "{line}"
            );
        }
    }
    let first = text.lines().next().expect("a line");
    assert!(
        first.starts_with("::error file=testdata/policies/every-rule.toml,line="),
        "{first}"
    );
    assert!(text.contains("no %250A%2C%3A<&>"), "{text}");
}

#[test]
fn a_table_of_markdown_has_four_columns_whatever_it_says() {
    let (text, _) = report("markdown");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 2 + counts().values().sum::<usize>() + 1);
    for row in &rows {
        let bars = row.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 5, "{row}");
    }
    assert!(
        rows[2].starts_with("| ❌ | **same.forbid-outcomes**"),
        "{}",
        rows[2]
    );
    assert!(!text.contains("<&>") && !text.contains('\x1b'));
    insta::assert_snapshot!(
        "check-markdown",
        text.replace(env!("CARGO_TARGET_TMPDIR"), "TMP")
    );
}

#[test]
fn text_obeys_no_name() {
    let (text, output) = report("text");
    assert!(!text.contains('\x1b') && !text.contains("\n::error"));
    assert!(!String::from_utf8_lossy(&output.stderr).contains('\x1b'));
}

#[test]
fn reports_go_to_files_as_well() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("check-files");
    fs::create_dir_all(&scratch).expect("created");
    let file = |format: &str| format!("{format}={}", scratch.join(format).display());
    let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
    let command = command.args(["check", "--policy", POLICY, BAD, "--report", &file("junit")]);
    let command = command
        .args(["--report", &file("sarif")])
        .stdin(Stdio::null());
    let output = command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.starts_with(b"broken: "));
    let read = |format: &str| fs::read_to_string(scratch.join(format)).expect("written");
    assert!(read("junit").contains("<testsuites "));
    assert!(read("sarif").contains("\"2.1.0\""));
    for wrong in ["junit", "junit=", "html=a", "junit=/nowhere/at/all"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whoclosed"));
        let command = command.args(["check", "--policy", POLICY, GOOD, "--report", wrong]);
        let command = command.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(
            command.output().expect("runs").status.code(),
            Some(2),
            "{wrong}"
        );
    }
}
