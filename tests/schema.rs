//! Every line of every capture's report against the schema, by an independent validator.

mod support;

use jsonschema::Validator;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use whoclosed::capture::{Set, SetFile};
use whoclosed::report::Report;
use whoclosed::report::json::JsonReport;
use whoclosed::report::schema::schema;
use whoclosed::{Options, analyze, analyze_set};

#[test]
fn the_schema_is_one() {
    assert!(jsonschema::meta::is_valid(&schema()));
}

#[test]
fn every_line_of_every_capture_is_valid() {
    let validator = validator(&strict(schema()));
    let mut wrong = Vec::new();
    let (mut flows, mut summaries, mut diagnoses) = (0, 0, 0);
    let (mut networks, mut community_ids) = (0, 0);
    for path in captures() {
        for line in report(&path, None) {
            flows += usize::from(line["type"] == "flow");
            diagnoses += usize::from(line["type"] == "diagnosis");
            networks += usize::from(!line["vlan"].is_null() || !line["tunnel"].is_null());
            community_ids += usize::from(line["community_id"].is_string());
            summaries += usize::from(line["type"] == "summary");
            if let Err(error) = validator.validate(&line) {
                wrong.push(format!("{}: {error}\n{line}", support::file_name(&path)));
            }
        }
    }
    support::report("lines the schema does not allow", &wrong);
    assert!(flows > 300 && summaries > 250, "{flows}, {summaries}");
    assert!(diagnoses > 250, "{diagnoses}");
    assert!(networks > 20, "{networks}");
    assert_eq!(community_ids, flows);
}

#[test]
fn the_lines_of_a_selection_are_valid() {
    let lines = report(&support::testdata(ONE), Some(0));
    let summary = lines.last().expect("a summary");
    assert_eq!(summary["shown"], 0);
    assert!(validator(&strict(schema())).is_valid(summary));
}

#[test]
fn the_lines_of_a_set_are_valid_and_name_its_files() {
    let path = support::testdata(ONE);
    let name = path.to_string_lossy();
    let files = vec![SetFile::look(&path, name.as_ref().into()).expect("a capture")];
    let mut out = Vec::new();
    let mut report = JsonReport::new(&mut out);
    let mut analysis = analyze_set(Set::new(files), &Options::default());
    for verdict in &mut analysis {
        report.flow(&verdict).expect("written");
    }
    report.summary(&analysis.summary(), None).expect("written");
    let validator = validator(&strict(schema()));
    for line in String::from_utf8(out).expect("text").lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert!(validator.is_valid(&line), "{line}");
        assert_eq!(line.get("files").is_some(), line["type"] == "flow");
    }
}

#[test]
fn names_are_closed_and_objects_open() {
    let validator = validator(&schema());
    let flow = report(&support::testdata(ONE), None).remove(0);
    assert!(validator.is_valid(&flow));
    let allowed = |field: &str, value: Value| {
        let mut changed = flow.clone();
        changed[field] = value;
        validator.is_valid(&changed)
    };
    assert!(allowed("a_later_field", json!(1)));
    assert!(allowed("outcome", json!("aborted")));
    assert!(!allowed("outcome", json!("closed")));
    assert!(!allowed("outcome", json!(null)));
    assert!(allowed("aborted_by", json!("middlebox")));
    assert!(!allowed("aborted_by", json!("nobody")));
    assert!(!allowed("flow", json!(-1)));
    assert!(!allowed("flow", json!("0")));
    assert!(!allowed("schema", json!(2)));
    assert!(!allowed("type", json!("flows")));
    assert!(!allowed("start", json!("2026-11-21T03:33:00Z")));
    assert!(!allowed("client", json!({"addr": "nowhere", "port": 1})));
    assert!(!allowed(
        "final_states",
        json!({"client": "TIME_WAIT", "server": "CLOSED"})
    ));
}

#[test]
fn no_field_of_a_line_can_be_missing() {
    let validator = validator(&schema());
    for line in report(&support::testdata(ONE), None) {
        let fields = line.as_object().expect("an object").keys();
        // Those that are there only if they are asked for.
        for field in fields.filter(|field| *field != "community_id") {
            let mut changed = line.clone();
            changed.as_object_mut().expect("an object").remove(field);
            assert!(!validator.is_valid(&changed), "{field}");
        }
    }
}

const ONE: &str = "captures/close-server-first-4seg.mid.pcap";

fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).expect("a schema")
}

/// The schema with closed objects: a field that the table does not know is an error.
fn strict(mut schema: Value) -> Value {
    let definitions = schema["$defs"].as_object_mut().expect("definitions");
    for definition in definitions.values_mut() {
        if definition.get("properties").is_some() {
            definition["additionalProperties"] = false.into();
        }
    }
    schema
}

fn captures() -> Vec<PathBuf> {
    let mut all = support::files("captures", &[".pcap", ".pcapng"]);
    all.extend(support::files("questions", &[".pcap"]));
    all.extend(support::files("seeds", &[".pcap"]));
    all.extend(support::files("containers", &[".pcap", ".pcapng"]));
    all
}

/// The lines of the JSON report on a capture.
fn report(path: &Path, shown: Option<u64>) -> Vec<Value> {
    let bytes = fs::read(path).expect("readable");
    let mut out = Vec::new();
    let mut report = JsonReport::new(&mut out);
    let mut options = Options::default();
    (options.key_vlan, options.key_tunnel) = (true, true);
    options.community_id = true;
    let mut analysis = analyze(&*bytes, &options).expect("a capture");
    for verdict in &mut analysis {
        report.flow(&verdict).expect("written");
    }
    report.diagnoses(&analysis.diagnoses()).expect("written");
    report.summary(&analysis.summary(), shown).expect("written");
    let text = String::from_utf8(out).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}
