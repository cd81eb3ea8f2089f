//! A check as SARIF 2.1.0: a result per rule that does not hold, at its line in the policy.

use crate::check::expect;
use crate::check::policy::rules::{self, Row};
use crate::check::result::{Capture, Checked, Item, Status};
use crate::report::check::{flow, told};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

const SCHEMA: &str = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json";

pub(super) fn write(mut out: &mut dyn Write, checked: &Checked) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, &log(checked))?;
    writeln!(out)
}

fn log(checked: &Checked) -> Value {
    let urgent = checked.by_urgency();
    let kinds: BTreeSet<&str> = urgent.iter().map(|(_, item)| item.kind.as_str()).collect();
    let broken = urgent
        .iter()
        .filter(|(_, item)| item.status != Status::Holds);
    let results: Vec<Value> = broken.map(|(_, item)| result(item)).collect();
    let problems = checked.captures.iter().flat_map(notifications);
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "whoclosed",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": kinds.into_iter().map(rule).collect::<Vec<_>>(),
            }},
            "invocations": [{
                "executionSuccessful": checked.status != Status::NotJudged,
                "exitCode": checked.status.exit_code(),
                "toolExecutionNotifications": problems.collect::<Vec<_>>(),
            }],
            "artifacts": checked.captures.iter().map(artifact).collect::<Vec<_>>(),
            "results": results,
        }],
    })
}

/// A kind of rule, as far as the table knows it.
fn rule(kind: &str) -> Value {
    if kind == expect::RULE {
        return json!({"id": kind, "shortDescription": {"text": expect::SUMMARY}});
    }
    let Some(Row {
        summary,
        detail,
        advice,
        ..
    }) = rules::find(kind)
    else {
        return json!({"id": kind});
    };
    json!({
        "id": kind,
        "shortDescription": {"text": summary},
        "fullDescription": {"text": detail},
        "help": {"text": advice},
    })
}

fn artifact(capture: &Capture) -> Value {
    json!({"location": {"uri": uri(&capture.source)}, "roles": ["analysisTarget"]})
}

fn notifications(capture: &Capture) -> impl Iterator<Item = Value> {
    capture.problems.iter().map(|problem| {
        json!({
            "level": "error",
            "message": {"text": format!("{}: {problem}", capture.source)},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(&capture.source)}}}],
        })
    })
}

fn result(item: &Item) -> Value {
    let (kind, level) = match item.status {
        Status::Broken => ("fail", "error"),
        _ => ("review", "none"),
    };
    let mut place = json!({"artifactLocation": {"uri": uri(&item.file)}});
    if let Some(line) = item.line {
        place["region"] = json!({"startLine": line});
    }
    let flows = item.examples.iter().enumerate();
    let flows = flows.map(|(id, example)| {
        json!({
            "id": id,
            "message": {"text": flow(example)},
            "physicalLocation": {"artifactLocation": {"uri": uri(&item.source)}},
        })
    });
    json!({
        "ruleId": item.kind,
        "kind": kind,
        "level": level,
        "message": {"text": format!("{} in {}\n{}", item.rule, item.source, told(item).join("\n"))},
        "locations": [{"physicalLocation": place}],
        "relatedLocations": flows.collect::<Vec<_>>(),
        "partialFingerprints": {"ruleAndCapture/v1": format!("{}|{}", item.rule, item.source)},
        "properties": {"flows": item.flows, "broken": item.broken, "inDoubt": item.in_doubt},
    })
}

/// A path as a URI reference (RFC 3986): what has a meaning there, or is no ASCII, is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len() + 8);
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(byte.into());
            }
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    if uri.is_empty() { ".".to_owned() } else { uri }
}
