//! CSV and Zeek's log say what the JSON says: of every capture, cell by cell, read back by others'
//! rules.

mod support;

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use whoclosed::close::community_id::CommunityId;
use whoclosed::close::verdict::Verdict;
use whoclosed::report::Report;
use whoclosed::report::csv::{CsvReport, columns};
use whoclosed::report::json::JsonReport;
use whoclosed::report::zeek::{Part, ZeekReport};
use whoclosed::{Options, analyze};

/// A capture with TIME-WAIT, a repeated FIN and findings.
const ONE: &str = "captures/final-ack-lost-after-mid.mid.pcapng";

fn captures() -> Vec<PathBuf> {
    let folders = ["captures", "questions", "seeds", "containers", "peers"];
    let all = folders.map(|folder| support::files(folder, &[".pcap", ".pcapng"]));
    all.concat()
}

/// What a report writes of a capture, and its flows.
fn written(
    path: &Path,
    make: impl Fn(&mut Vec<u8>) -> Box<dyn Report + '_>,
) -> (Vec<u8>, Vec<Verdict>) {
    let bytes = fs::read(path).expect("readable");
    let mut options = Options::default();
    options.community_id = true;
    options.source = support::file_name(path).into();
    (options.key_vlan, options.key_tunnel) = (true, true);
    let mut analysis = analyze(&*bytes, &options).expect("a capture");
    let (mut out, mut verdicts) = (Vec::new(), Vec::new());
    {
        let mut report = make(&mut out);
        for verdict in &mut analysis {
            report.flow(&verdict).expect("written");
            verdicts.push(verdict);
        }
        report.diagnoses(&analysis.diagnoses()).expect("written");
        report.summary(&analysis.summary(), None).expect("written");
    }
    (out, verdicts)
}

fn csv(path: &Path) -> (Vec<u8>, Vec<Verdict>) {
    written(path, |out| Box::new(CsvReport::new(out)))
}

fn zeek(path: &Path) -> (String, Vec<Verdict>) {
    let began = None;
    let (out, verdicts) = written(path, |out| {
        Box::new(ZeekReport::new(out, began, Part::WHOLE))
    });
    (String::from_utf8(out).expect("text"), verdicts)
}

/// The flow lines of the JSON report on these flows.
fn json(verdicts: &[Verdict]) -> Vec<Value> {
    let mut out = Vec::new();
    let mut report = JsonReport::new(&mut out);
    for verdict in verdicts {
        report.flow(verdict).expect("written");
    }
    report.flush().expect("written");
    drop(report);
    let text = String::from_utf8(out).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// An object's values by the names of their columns.
fn flat(object: &Map<String, Value>, before: &str, to: &mut BTreeMap<String, Value>) {
    for (key, value) in object {
        let name = format!("{before}{key}");
        match value {
            Value::Object(inner) => flat(inner, &format!("{name}_"), to),
            Value::Array(items) if name == "time_wait" => {
                for item in items {
                    let mut item = item.as_object().expect("an object").clone();
                    let owner = item.remove("owner").expect("an owner");
                    let owner = owner.as_str().expect("a side");
                    flat(&item, &format!("{name}_{owner}_"), to);
                }
            }
            Value::Null => {}
            _ => assert!(to.insert(name, value.clone()).is_none(), "twice: {key}"),
        }
    }
}

/// What a cell should hold.
fn same(cell: &str, value: Option<&Value>) -> bool {
    match value {
        None => cell.is_empty(),
        Some(Value::String(text)) => cell == text,
        Some(other) => serde_json::from_str(cell).is_ok_and(|value: Value| value == *other),
    }
}

#[test]
fn every_cell_of_csv_is_a_value_of_the_json() {
    let (mut rows, mut wrong) = (0, Vec::new());
    let mut filled = BTreeMap::new();
    for path in captures() {
        let (out, verdicts) = csv(&path);
        let mut reader = ::csv::Reader::from_reader(out.as_slice());
        let names = reader.headers().expect("a head").clone();
        let records: Vec<_> = reader.records().map(|row| row.expect("a row")).collect();
        assert_eq!(records.len(), verdicts.len(), "{}", path.display());
        for (record, line) in records.iter().zip(json(&verdicts)) {
            let mut values = BTreeMap::new();
            flat(line.as_object().expect("an object"), "", &mut values);
            values.remove("type");
            for (name, cell) in names.iter().zip(record) {
                let value = values.remove(name);
                *filled.entry(name.to_owned()).or_insert(0) += u32::from(value.is_some());
                if !same(cell, value.as_ref()) {
                    wrong.push(format!("{} {name}: {cell:?}, {value:?}", path.display()));
                }
            }
            if !values.is_empty() {
                wrong.push(format!("{} has no column for {values:?}", path.display()));
            }
            rows += 1;
        }
    }
    support::report("cells that are not as in the JSON", &wrong);
    assert!(rows > 500, "{rows}");
    // Of a single capture no flow has its places in files.
    filled.retain(|name, count| *count == 0 && name != "files");
    assert!(filled.is_empty(), "never filled: {filled:?}");
}

#[test]
fn the_columns_are_those_of_the_table() {
    let (out, _) = csv(&support::testdata(ONE));
    let mut reader = ::csv::Reader::from_reader(out.as_slice());
    let names: Vec<String> = columns().into_iter().map(|column| column.name).collect();
    assert_eq!(reader.headers().expect("a head"), names);
}

/// A log of Zeek's, read as its documentation says: names, types, rows.
struct Log {
    names: Vec<String>,
    types: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Log {
    fn parse(text: &str) -> Self {
        let mut lines = text.lines().peekable();
        assert_eq!(lines.next(), Some("#separator \\x09"));
        let mut head: BTreeMap<String, Vec<String>> = BTreeMap::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('#')) {
            let mut cells = line.split('\t').map(str::to_owned);
            head.insert(cells.next().expect("a name"), cells.collect());
        }
        assert_eq!(head["#set_separator"], [","]);
        assert_eq!(head["#empty_field"], ["(empty)"]);
        assert_eq!(head["#unset_field"], ["-"]);
        assert_eq!(head["#path"], ["conn"]);
        let rows = lines.filter(|line| !line.starts_with("#close\t"));
        let rows = rows.map(|line| line.split('\t').map(str::to_owned).collect());
        Self {
            names: head["#fields"].clone(),
            types: head["#types"].clone(),
            rows: rows.collect(),
        }
    }
}

/// The value of a cell by Zeek's type; `None` is one that is not set.
fn parsed(cell: &str, kind: &str) -> Result<Option<Value>, String> {
    let list = |items: &str| -> Vec<Value> {
        let items = items.split(',').filter(|_| items != "(empty)");
        items.map(|item| text(item).into()).collect()
    };
    let number = |cell: &str| cell.parse::<u64>().map_err(|error| error.to_string());
    Ok(Some(match kind {
        _ if cell == "-" => return Ok(None),
        "string" | "enum" => text(cell).into(),
        "count" => number(cell)?.into(),
        "port" => cell.parse::<u16>().map_err(|e| e.to_string())?.into(),
        "addr" => {
            let addr: IpAddr = cell.parse().map_err(|_| "no address")?;
            addr.to_string().into()
        }
        "time" | "interval" => {
            let (whole, micros) = cell.split_once('.').ok_or("no point")?;
            assert_eq!(micros.len(), 6, "{cell}");
            (number(whole)? * 1_000_000 + number(micros)?).into()
        }
        "bool" => matches!(cell, "T" | "F")
            .then_some(cell == "T")
            .ok_or("no bool")?
            .into(),
        "vector[string]" | "set[string]" => list(cell).into(),
        _ => return Err(format!("no such type as {kind}")),
    }))
}

/// A text without its escapes.
fn text(cell: &str) -> String {
    if cell == "(empty)" {
        return String::new();
    }
    let mut bytes = Vec::new();
    let mut parts = cell.split("\\x");
    bytes.extend(parts.next().expect("a part").bytes());
    for part in parts {
        let (hex, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(hex, 16).expect("two digits"));
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).expect("text")
}

/// Where the JSON has what a column of the log holds.
const SAME: &[(&str, &str)] = &[
    ("id.orig_h", "/client/addr"),
    ("id.orig_p", "/client/port"),
    ("id.resp_h", "/server/addr"),
    ("id.resp_p", "/server/port"),
    ("conn_state", "/zeek/conn_state"),
    ("orig_pkts", "/packets/client"),
    ("resp_pkts", "/packets/server"),
    ("community_id", "/community_id"),
    ("source", "/source"),
    ("flow", "/flow"),
    ("previous_flow", "/previous_flow"),
    ("first_frame", "/first_frame"),
    ("last_frame", "/last_frame"),
    ("roles_from", "/roles_from"),
    ("outcome", "/outcome"),
    ("active_closer", "/active_closer"),
    ("aborted_by", "/aborted_by"),
    ("abort_cause", "/abort_cause"),
    ("cause_confidence", "/cause_confidence"),
    ("final_ack", "/final_ack"),
    ("confidence", "/confidence"),
    ("orig_state", "/final_states/client"),
    ("resp_state", "/final_states/server"),
    ("reason", "/reason"),
];
/// What is worked out.
const OTHERS: &[&str] = &[
    "ts",
    "uid",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "history",
    "time_wait",
    "findings",
];
/// What is never known.
const UNKNOWN: &[&str] = &[
    "local_orig",
    "local_resp",
    "missed_bytes",
    "orig_ip_bytes",
    "resp_ip_bytes",
    "tunnel_parents",
];

#[test]
fn every_column_of_the_log_is_checked() {
    let log = Log::parse(&zeek(&support::testdata(ONE)).0);
    assert_eq!(log.names.len(), log.types.len());
    let mut checked: Vec<&str> = SAME.iter().map(|(name, _)| *name).collect();
    checked.extend(OTHERS.iter().chain(UNKNOWN));
    for name in &log.names {
        let at = checked.iter().position(|known| known == name);
        checked.remove(at.expect(name));
    }
    assert!(checked.is_empty(), "no columns {checked:?}");
}

#[test]
fn every_cell_of_the_log_is_of_its_type_and_as_in_the_json() {
    let (mut rows, mut wrong) = (0, Vec::new());
    for path in captures() {
        let (text, verdicts) = zeek(&path);
        let log = Log::parse(&text);
        assert_eq!(log.rows.len(), verdicts.len(), "{}", path.display());
        for ((row, verdict), line) in log.rows.iter().zip(&verdicts).zip(json(&verdicts)) {
            assert_eq!(row.len(), log.names.len(), "{row:?}");
            let mut cells = BTreeMap::new();
            for ((name, kind), cell) in log.names.iter().zip(&log.types).zip(row) {
                match parsed(cell, kind) {
                    Ok(value) => drop(cells.insert(name.as_str(), value)),
                    Err(error) => wrong.push(format!("{name} {kind} {cell:?}: {error}")),
                }
            }
            for (name, place) in SAME {
                let expected = line.pointer(place).filter(|value| !value.is_null());
                if cells[name].as_ref() != expected {
                    wrong.push(format!("{name}: {:?}, {expected:?}", cells[name]));
                }
            }
            worked_out(&cells, verdict);
            rows += 1;
        }
    }
    support::report("cells that are not as in the JSON", &wrong);
    assert!(rows > 500, "{rows}");
}

fn worked_out(cells: &BTreeMap<&str, Option<Value>>, verdict: &Verdict) {
    let count = |name: &str| cells[name].as_ref().and_then(Value::as_u64);
    let micros = |nanos: i64| u64::try_from(nanos / 1000).ok();
    let span = match (verdict.start, verdict.end) {
        (Some(start), Some(end)) => Some(end.since(start)).filter(|span| *span > 0),
        _ => None,
    };
    assert_eq!(count("ts"), verdict.start.and_then(|start| micros(start.0)));
    assert_eq!(count("duration"), span.and_then(micros));
    let (bytes, timed) = (verdict.payload_bytes, span.is_some());
    assert_eq!(count("orig_bytes"), timed.then_some(bytes.client));
    assert_eq!(count("resp_bytes"), timed.then_some(bytes.server));
    assert_eq!(cells["proto"], Some("tcp".into()));
    let history = verdict.zeek.history.as_str();
    assert_eq!(
        cells["history"],
        (!history.is_empty()).then(|| history.into())
    );
    let owners: Vec<&str> = verdict.time_wait.iter().map(|w| w.owner.name()).collect();
    assert_eq!(cells["time_wait"], Some(owners.into()));
    let codes: Vec<&str> = verdict.findings.iter().map(|f| f.code.name()).collect();
    assert_eq!(cells["findings"], Some(codes.into()));
    let services = [None, Some("http".into()), Some("ssl".into())];
    assert!(
        services.contains(&cells["service"]),
        "{:?}",
        cells["service"]
    );
    for name in UNKNOWN {
        assert_eq!(cells[name], None, "{name}");
    }
}

#[test]
fn uids_tell_the_flows_of_a_capture_apart() {
    for path in captures() {
        let log = Log::parse(&zeek(&path).0);
        let mut uids: Vec<&String> = log.rows.iter().map(|row| &row[1]).collect();
        let all = uids.len();
        uids.sort_unstable();
        uids.dedup();
        assert_eq!(uids.len(), all, "{}", path.display());
    }
}

#[test]
fn community_ids_are_there_when_asked_for_and_the_same_both_ways() {
    let path = support::testdata(ONE);
    let (_, verdicts) = csv(&path);
    for verdict in &verdicts {
        let id = CommunityId::of(verdict.server, verdict.client);
        assert_eq!(verdict.community_id, Some(id));
    }
    let bytes = fs::read(&path).expect("readable");
    for verdict in support::verdicts(&bytes) {
        assert_eq!(verdict.community_id, None);
    }
}

#[test]
fn a_table_of_one_capture() {
    let (out, _) = csv(&support::testdata(ONE));
    insta::assert_snapshot!(String::from_utf8(out).expect("text"));
}

#[test]
fn a_log_of_one_capture() {
    insta::assert_snapshot!(zeek(&support::testdata(ONE)).0);
}
