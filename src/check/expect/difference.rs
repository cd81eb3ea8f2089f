//! What differs from what was expected: which flow, what was, what is, and why that matters.

use super::class::{Class, Note};
use super::service::Service;
use crate::close::SCHEMA;
use crate::close::terms::{Group, Term};
use crate::close::verdict::{
    AbortCause, AbortedBy, CloseEntry, Confidence, Endpoint, Side, Verdict, names,
};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::sync::Arc;

names! {
    /// What kind of difference it is.
    Kind {
        /// The flows are there, and another thing is said of them.
        Changed = "changed",
        /// Flows that were expected are not there.
        Missing = "missing",
        /// Flows are there that were not expected.
        Unexpected = "unexpected",
    }
}

/// So many flows of a service differ from what was expected, all in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// Version of the format.
    pub schema: u32,
    /// The service.
    pub service: Service,
    /// What kind of difference it is.
    pub kind: Kind,
    /// How many flows.
    pub count: u64,
    /// One sentence.
    pub message: String,
    /// What was expected of them; `null` if they were not.
    pub expected: Option<Class>,
    /// What is said of them; `null` if they are not there.
    pub found: Option<Class>,
    /// What differs between the two.
    pub changes: Vec<FieldChange>,
    /// The first of the flows: of their class, where those that differ cannot be told from the others.
    pub flows: Vec<FlowExample>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldChange {
    /// Its name in the report.
    pub field: &'static str,
    /// What was expected; `none` for nothing.
    pub was: String,
    /// What is there; `none` for nothing.
    pub is: String,
    /// What that is.
    pub summary: &'static str,
    /// Why it matters.
    pub meaning: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// A flow that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FlowExample {
    /// Its number.
    pub flow: u64,
    /// The capture's name.
    pub source: Arc<str>,
    /// The opener.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// First frame.
    pub first_frame: u64,
    /// Last frame.
    pub last_frame: u64,
    /// How sure its verdict is.
    pub confidence: Confidence,
    /// The frames that mattered to the close.
    pub frames: Vec<u64>,
    /// Why it is judged as it is: a sentence that names the deciding frames.
    pub reason: String,
    /// A display filter that selects the flow.
    pub wireshark_filter: String,
}

impl FlowExample {
    pub(super) fn of(verdict: &Verdict) -> Self {
        let events = verdict.close.iter().filter_map(|entry| match entry {
            CloseEntry::Event(event) => Some(event.frame),
            CloseEntry::More { .. } => None,
        });
        Self {
            flow: verdict.flow,
            source: Arc::clone(&verdict.source),
            client: verdict.client,
            server: verdict.server,
            first_frame: verdict.first_frame,
            last_frame: verdict.last_frame,
            confidence: verdict.confidence,
            frames: events.collect(),
            reason: verdict.reason.clone(),
            wireshark_filter: verdict.wireshark_filter.to_string(),
        }
    }
}

impl Difference {
    /// So many flows of a service: what was expected of them, and what there is.
    pub(super) fn new(
        (service, count): (Service, u64),
        expected: Option<&Class>,
        found: Option<(&Class, Vec<FlowExample>)>,
    ) -> Self {
        let (found, flows) = found.unzip();
        let changes = match (expected, found) {
            (Some(was), Some(is)) => changes(was, is),
            _ => Vec::new(),
        };
        let kind = match (expected, found) {
            (_, None) => Kind::Missing,
            (None, _) => Kind::Unexpected,
            _ => Kind::Changed,
        };
        let of = match count {
            1 => format!("1 flow to {service}"),
            _ => format!("{count} flows to {service}"),
        };
        let message = match kind {
            Kind::Changed => format!("{of}: {}", in_words(&changes)),
            Kind::Missing => format!("{of} missing: {}", expected.map(told).unwrap_or_default()),
            Kind::Unexpected => {
                format!("{of} not expected: {}", found.map(told).unwrap_or_default())
            }
        };
        Self {
            schema: SCHEMA,
            service,
            kind,
            count,
            message,
            expected: expected.cloned(),
            found: found.cloned(),
            changes,
            flows: flows.unwrap_or_default(),
        }
    }
}

impl Difference {
    /// What is said of the flows, in a few words.
    pub(super) fn what(&self) -> String {
        self.found.as_ref().map(told).unwrap_or_default()
    }

    /// The changes from which the others follow, and which came to something: of what is gone there is
    /// nothing to warn of.
    pub(super) fn causes(&self) -> impl Iterator<Item = &FieldChange> {
        let has = |field: Group| self.changes.iter().any(|c| c.field == field.field());
        let first = if has(Group::Outcome) {
            Group::Outcome
        } else {
            Group::ActiveCloser
        };
        let (only, cause) = (has(first), Group::Cause.field());
        let causes = self.changes.iter().filter(move |change| {
            let field = change.field;
            !only || field == first.field() || field == cause || field == FINDING
        });
        causes.filter(|change| change.is != NONE && !change.meaning.is_empty())
    }
}

/// A class in a few words.
fn told(class: &Class) -> String {
    let mut text = class.outcome.to_string();
    match (class.aborted_by, class.abort_cause) {
        (Some(by), Some(cause)) => {
            let _ = write!(text, " by {by} ({cause})");
        }
        (Some(by), None) => {
            let _ = write!(text, " by {by}");
        }
        _ => {
            let _ = write!(text, ", active closer {}", class.active_closer);
        }
    }
    for note in &class.findings {
        let _ = write!(text, ", {note}");
    }
    text
}

fn in_words(changes: &[FieldChange]) -> String {
    let changes = changes.iter().map(|change| {
        let FieldChange { field, was, is, .. } = change;
        format!("{field} {was} -> {is}")
    });
    changes.collect::<Vec<_>>().join(", ")
}

/// The field of a finding.
const FINDING: &str = "finding";
/// What stands for nothing.
const NONE: &str = "none";

fn changes(was: &Class, is: &Class) -> Vec<FieldChange> {
    let name = |name: Option<&'static str>| name.unwrap_or(NONE);
    let mut all = vec![
        (Group::Outcome, was.outcome.name(), is.outcome.name()),
        (
            Group::ActiveCloser,
            was.active_closer.name(),
            is.active_closer.name(),
        ),
        (
            Group::AbortedBy,
            name(was.aborted_by.map(AbortedBy::name)),
            name(is.aborted_by.map(AbortedBy::name)),
        ),
        (
            Group::Cause,
            name(was.abort_cause.map(AbortCause::name)),
            name(is.abort_cause.map(AbortCause::name)),
        ),
        (Group::FinalAck, was.final_ack.name(), is.final_ack.name()),
    ];
    all.retain(|(_, was, is)| was != is);
    let changes = all.into_iter();
    let mut changes: Vec<FieldChange> = changes
        .map(|(group, was, is)| FieldChange::new(group, (was.to_owned(), is.to_owned()), is))
        .collect();
    changes.extend(owners(was, is));
    let gone = was
        .findings
        .iter()
        .filter(|note| !is.findings.contains(note));
    changes.extend(gone.map(|note| noted(*note, (note.to_string(), NONE.to_owned()))));
    let new = is
        .findings
        .iter()
        .filter(|note| !was.findings.contains(note));
    changes.extend(new.map(|note| noted(*note, (NONE.to_owned(), note.to_string()))));
    changes
}

fn noted(note: Note, values: (String, String)) -> FieldChange {
    FieldChange::new(Group::Finding, values, note.code.name())
}

fn owners(was: &Class, is: &Class) -> Option<FieldChange> {
    let list = |owners: &[Side]| match owners {
        [] => NONE.to_owned(),
        [one] => one.to_string(),
        _ => "both".to_owned(),
    };
    (was.time_wait != is.time_wait).then(|| {
        let values = (list(&was.time_wait), list(&is.time_wait));
        let mut change = FieldChange::new(Group::State, values, "TIME-WAIT");
        change.field = "time_wait";
        change
    })
}

impl FieldChange {
    /// A field that holds names of `group`; `name` is the one that is explained.
    fn new(group: Group, (was, is): (String, String), name: &str) -> Self {
        let mut entries = group.entries().into_iter();
        let term = entries.find_map(|entry| (entry.term.name == name).then_some(entry.term));
        let field = match group {
            Group::Finding => FINDING,
            _ => group.field(),
        };
        let text = |of: fn(&Term) -> &'static str| term.map_or("", of);
        Self {
            field,
            was,
            is,
            summary: text(|term| term.summary),
            meaning: text(|term| term.meaning),
            advice: text(|term| term.advice),
        }
    }
}
