//! The flow lines of the JSON report, byte for byte what the derived serialization makes of the
//! same verdicts.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use std::fs::File;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use whoclosed::close::filter::WiresharkFilter;
use whoclosed::close::finding::{Code, Severity};
use whoclosed::close::verdict::{
    AbortCause, AbortedBy, ActiveCloser, Basis, Confidence, ConnState, EndedBy, Event, FinalAck,
    Outcome, RolesFrom, RstFate, RstFit, RstForm, Side, State, Verdict,
};
use whoclosed::report::Report;
use whoclosed::report::json::JsonReport;
use whoclosed::stamp::Time;
use whoclosed::{Options, analyze};

/// The line as serde writes it.
fn by_serde(verdict: &Verdict) -> String {
    let object = serde_json::to_string(verdict).expect("serializes");
    let fields = object.strip_prefix('{').expect("an object");
    format!("{{\"type\":\"flow\",{fields}\n")
}

fn same_as_serde(verdicts: &[Verdict], summary: &whoclosed::close::summary::Summary) {
    let mut out = Vec::new();
    let mut report = JsonReport::new(&mut out);
    for verdict in verdicts {
        report.flow(verdict).expect("a vector takes all");
    }
    report.summary(summary, None).expect("a vector takes all");
    let text = String::from_utf8(out).expect("UTF-8");
    let mut lines = text.split_inclusive('\n');
    for (verdict, line) in verdicts.iter().zip(&mut lines) {
        assert_eq!(line, by_serde(verdict));
        let value: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(value["type"], "flow");
    }
    assert!(lines.next().is_some_and(|line| line.contains("summary")));
    assert_eq!(lines.next(), None);
}

fn captures() -> Vec<PathBuf> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let folders = ["captures", "capgen"].map(|name| testdata.join(name));
    let entries = folders.iter().flat_map(|folder| {
        let entries = folder.read_dir().expect("a directory");
        entries.map(|entry| entry.expect("an entry").path())
    });
    let is_capture = |path: &PathBuf| {
        let end = path.extension().and_then(|end| end.to_str());
        matches!(end, Some("pcap" | "pcapng"))
    };
    entries.filter(is_capture).collect()
}

#[test]
fn every_flow_of_every_capture() {
    let captures = captures();
    assert!(captures.len() > 100, "{} captures", captures.len());
    let mut flows = 0;
    for path in captures {
        let file = File::open(&path).expect("readable");
        let mut analysis = analyze(file, &Options::default()).expect("a capture");
        let verdicts: Vec<Verdict> = analysis.by_ref().collect();
        flows += verdicts.len();
        same_as_serde(&verdicts, &analysis.summary());
    }
    assert!(flows > 500, "{flows} flows");
}

/// Any value of an enumeration, by the name serde gives it.
fn one<T: serde::Serialize>(all: &'static [T]) -> BoxedStrategy<Value> {
    let names = all.iter().map(|value| json!(value)).collect::<Vec<_>>();
    select(names).boxed()
}

fn maybe(some: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![Just(Value::Null), some].boxed()
}

fn list(of: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    proptest::collection::vec(of, 0..4)
        .prop_map(Value::from)
        .boxed()
}

/// Text of every kind that JSON escapes, and of others.
fn text() -> BoxedStrategy<Value> {
    let odd = "[a-z \"\\\\/\u{0}-\u{1f}\u{7f}\u{e9}\u{2028}\u{1f600}]{0,40}";
    let any = any::<String>();
    prop_oneof!["[ -~]{0,60}", odd, any]
        .prop_map(Value::from)
        .boxed()
}

/// The same, of as many bytes at most as a history has.
fn short_text() -> BoxedStrategy<Value> {
    let cut = |text: &str| Value::from(&text[..text.floor_char_boundary(31)]);
    text()
        .prop_map(move |text| cut(text.as_str().unwrap_or_default()))
        .boxed()
}

fn number<T: Into<Value> + Arbitrary + 'static>() -> BoxedStrategy<Value> {
    any::<T>().prop_map(Into::into).boxed()
}

fn small() -> BoxedStrategy<Value> {
    prop_oneof![0_u64..12, 0_u64..100_000, any::<u64>()]
        .prop_map(Value::from)
        .boxed()
}

/// Any time, or one of a few seconds around midnight of a leap day.
fn time() -> BoxedStrategy<Value> {
    let day: i64 = 1_709_251_200_000_000_000;
    prop_oneof![any::<i64>(), day - 3_000_000_000..day + 3_000_000_000]
        .prop_map(|nanos| json!(Time(nanos)))
        .boxed()
}

fn endpoint() -> BoxedStrategy<Value> {
    let fields = (any::<std::net::IpAddr>(), any::<u16>());
    fields
        .prop_map(|(addr, port)| json!({"addr": addr, "port": port}))
        .boxed()
}

fn per_side(of: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    object(vec![("client", of.clone()), ("server", of)])
}

/// An object of these fields.
fn object(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let fields_of = move |values: Vec<Value>| {
        let names = names.iter().map(|name| (*name).to_owned());
        Value::Object(names.zip(values).collect())
    };
    values.prop_map(fields_of).boxed()
}

/// A field left out where it is null, as the format has it.
fn without_null(name: &'static str, of: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    of.prop_map(move |mut value| {
        if value[name].is_null() {
            value.as_object_mut().expect("an object").remove(name);
        }
        value
    })
    .boxed()
}

fn time_wait() -> BoxedStrategy<Value> {
    let fields = object(vec![
        ("owner", one(Side::ALL)),
        ("start", maybe(time())),
        ("end", maybe(time())),
        ("ended_by", one(EndedBy::ALL)),
        ("basis", one(Basis::ALL)),
        ("confidence", one(Confidence::ALL)),
        ("restarts", number::<u32>()),
        ("left_ns", maybe(number::<i64>())),
    ]);
    without_null("left_ns", fields)
}

fn close() -> BoxedStrategy<Value> {
    let event = object(vec![
        ("frame", small()),
        ("time", maybe(time())),
        ("from", one(Side::ALL)),
        ("event", one(Event::ALL)),
        ("seq", number::<u32>()),
        ("ack", maybe(number::<u32>())),
        ("len", number::<u32>()),
    ]);
    list(prop_oneof![event, object(vec![("more", small())])])
}

fn reset() -> BoxedStrategy<Value> {
    object(vec![
        ("frame", small()),
        ("time", maybe(time())),
        ("from", one(Side::ALL)),
        ("form", one(RstForm::ALL)),
        ("fit", one(RstFit::ALL)),
        ("fate", one(RstFate::ALL)),
        ("copies", number::<u32>()),
    ])
}

/// Data of findings: scalars of all kinds, and one level of nesting.
fn data() -> BoxedStrategy<Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        number::<bool>(),
        number::<i64>(),
        (-1e300..1e300).prop_map(Value::from),
        (0.0..1e3).prop_map(Value::from),
        text(),
    ];
    let value = prop_oneof![scalar.clone(), list(scalar)];
    proptest::collection::vec((any::<String>(), value), 0..3)
        .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>()))
        .boxed()
}

fn finding() -> BoxedStrategy<Value> {
    object(vec![
        ("code", one(Code::ALL)),
        ("severity", one(Severity::ALL)),
        ("side", maybe(one(Side::ALL))),
        ("frames", list(small())),
        ("confidence", one(Confidence::ALL)),
        ("message", text()),
        ("data", data()),
    ])
}

fn filter() -> BoxedStrategy<Value> {
    any::<([IpAddr; 2], [u16; 2], [u64; 2])>()
        .prop_map(|(addrs, ports, frames)| {
            let filter = WiresharkFilter {
                addrs,
                ports,
                frames,
            };
            filter.to_string().into()
        })
        .boxed()
}

fn files() -> BoxedStrategy<Value> {
    let pair = any::<[u64; 2]>().prop_map(|pair| json!(pair));
    list(object(vec![("source", text()), ("frames", list(pair))]))
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let fields = object(vec![
        ("schema", number::<u32>()),
        ("flow", small()),
        ("source", text()),
        ("client", endpoint()),
        ("server", endpoint()),
        ("roles_from", one(RolesFrom::ALL)),
        ("start", maybe(time())),
        ("end", maybe(time())),
        ("first_frame", small()),
        ("last_frame", small()),
        ("packets", per_side(small())),
        ("payload_bytes", per_side(small())),
        ("outcome", one(Outcome::ALL)),
        ("active_closer", one(ActiveCloser::ALL)),
        ("aborted_by", maybe(one(AbortedBy::ALL))),
        ("abort_cause", maybe(one(AbortCause::ALL))),
        ("cause_confidence", maybe(one(Confidence::ALL))),
        ("cause_alternatives", list(one(AbortCause::ALL))),
        ("final_ack", one(FinalAck::ALL)),
        ("confidence", one(Confidence::ALL)),
        ("reason", text()),
        ("time_wait", list(time_wait())),
        ("final_states", per_side(one(State::ALL))),
        ("close", close()),
        ("resets", list(reset())),
        ("findings", list(finding())),
        ("previous_flow", maybe(small())),
        ("wireshark_filter", filter()),
        (
            "zeek",
            object(vec![
                ("conn_state", one(ConnState::ALL)),
                ("history", short_text()),
            ]),
        ),
        ("files", maybe(files())),
    ]);
    without_null("files", fields)
        .prop_map(|value| serde_json::from_value(value).expect("a verdict"))
}

proptest! {
    #[test]
    fn any_verdicts(verdicts in proptest::collection::vec(verdict(), 1..4)) {
        let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/capgen/short.pcap");
        let file = File::open(capture).expect("readable");
        let analysis = analyze(file, &Options::default()).expect("a capture");
        same_as_serde(&verdicts, &analysis.summary());
    }
}
