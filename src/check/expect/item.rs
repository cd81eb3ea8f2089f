//! Expectations as rules of a check: one for each service.

use super::difference::{Difference, FlowExample};
use super::file::{CaptureExpectations, ServiceExpectations};
use super::observed::{Observed, TooMany};
use super::service::Service;
use crate::check::result::{Example, Item, Status};
use crate::close::SCHEMA;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What these rules are called.
pub const RULE: &str = "expect";
/// What they ask.
pub const SUMMARY: &str = "connections close as was written down of them before";
/// Sentences of each kind in an item at most.
const SENTENCES: usize = 10;

/// What is expected of a capture, and what came of it. `names` are those of the capture and of the file
/// of expectations.
pub fn items(
    names: (&Arc<str>, &Arc<str>),
    expected: &CaptureExpectations,
    observed: &Observed,
) -> Result<Vec<Item>, TooMany> {
    let mut differences: BTreeMap<Service, Vec<Difference>> = BTreeMap::new();
    for difference in observed.compare(expected)? {
        let of = differences.entry(difference.service).or_default();
        of.push(difference);
    }
    let mut items = Vec::new();
    for known in &expected.services {
        let found = differences.remove(&known.service).unwrap_or_default();
        items.push(item(names, (known.service, Some(known)), &found));
    }
    for (service, found) in differences {
        items.push(item(names, (service, None), &found));
    }
    if observed.is_damaged() {
        items.iter_mut().for_each(doubt);
    }
    Ok(items)
}

/// Takes what is different for what could not be read.
fn doubt(item: &mut Item) {
    if item.status == Status::Broken {
        item.status = Status::NotJudged;
        (item.broken, item.in_doubt) = (0, item.broken);
        item.examples.iter_mut().for_each(|e| e.in_doubt = true);
    }
}

fn item(
    (source, file): (&Arc<str>, &Arc<str>),
    (service, known): (Service, Option<&ServiceExpectations>),
    found: &[Difference],
) -> Item {
    let entries = known.map_or([].as_slice(), |known| &known.flows);
    let expected = entries.iter().map(|entry| entry.count);
    let expected = expected.fold(0_u64, u64::saturating_add);
    let asks = match expected {
        0 => "no flows to this service".to_owned(),
        1 => "1 flow as it was".to_owned(),
        _ => format!("{expected} flows as they were"),
    };
    let broken = found.iter().map(|difference| difference.count);
    let broken = broken.fold(0_u64, u64::saturating_add);
    let (status, found_text) = match broken {
        0 => (Status::Holds, "all are".to_owned()),
        _ => (
            Status::Broken,
            sentences(found.iter().map(|d| d.message.clone())),
        ),
    };
    let examples = found.iter().flat_map(|difference| {
        let flows = difference.flows.iter();
        flows.map(|flow| example(difference, flow))
    });
    Item {
        schema: SCHEMA,
        source: Arc::clone(source),
        rule: format!("{RULE} {service}"),
        kind: RULE.to_owned(),
        file: Arc::clone(file),
        line: Some(known.map_or(1, |known| known.line.max(1))),
        status,
        asks,
        found: found_text,
        advice: advice(found),
        why: None,
        flows: expected,
        broken,
        in_doubt: 0,
        examples: examples.take(SENTENCES).collect(),
    }
}

fn example(difference: &Difference, flow: &FlowExample) -> Example {
    Example {
        flow: Some(flow.flow),
        client: Some(flow.client),
        server: Some(flow.server),
        frames: flow.frames.clone(),
        what: difference.what(),
        confidence: Some(flow.confidence),
        in_doubt: false,
        reason: flow.reason.clone(),
        wireshark_filter: flow.wireshark_filter.clone(),
    }
}

/// Why what is there now matters, and what to do; each once.
fn advice(found: &[Difference]) -> String {
    let mut told: Vec<String> = Vec::new();
    for change in found.iter().flat_map(Difference::causes) {
        let (is, summary) = (&change.is, change.summary);
        let text = format!("{is} ({summary}): {} {}", change.meaning, change.advice);
        let text = text.trim_end().to_owned();
        if !told.contains(&text) {
            told.push(text);
        }
    }
    if !found.is_empty() {
        told.push("If this is meant, write the expectations anew with --update.".to_owned());
    }
    told.join(" ")
}

fn sentences(all: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = all.collect();
    let more = all.len().saturating_sub(SENTENCES);
    all.truncate(SENTENCES);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all.join("; ")
}
