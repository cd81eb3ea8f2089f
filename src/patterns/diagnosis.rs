//! One thing that matters in a capture.

use crate::close::finding::Severity;
use crate::close::verdict::{Confidence, Verdict};
use crate::close::words::patterns::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing that matters in a capture, with its numbers and an example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Version of this format.
    pub schema: u32,
    /// Which pattern it is: the name of its row.
    pub code: String,
    /// How urgent.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// How many flows show it.
    pub flows: u64,
    /// One of them, by its number, and its frames that show it.
    pub example: Example,
    /// One sentence, with the numbers.
    pub message: String,
    /// What to do about it, and what not.
    pub advice: String,
    /// The figures of the message, for machines.
    pub data: Map<String, Value>,
}

/// A flow that shows a pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Example {
    /// Its number.
    pub flow: u64,
    /// The frames.
    pub frames: Vec<u64>,
}

impl Diagnosis {
    /// A pattern of the table: nothing to act upon, and likely, unless it is rated otherwise.
    pub(super) fn of(pattern: Pattern, flows: u64, message: String) -> Self {
        let term = &pattern.row().term;
        Self::new(term.name, flows, message).advising(term.advice)
    }

    /// One of the usual kind: nothing to act upon, and likely.
    pub(super) fn new(code: &str, flows: u64, message: String) -> Self {
        Self {
            schema: crate::close::SCHEMA,
            code: code.to_owned(),
            severity: Severity::Info,
            confidence: Confidence::Likely,
            flows,
            example: Example::default(),
            message,
            advice: String::new(),
            data: Map::new(),
        }
    }

    pub(super) fn shown_by(mut self, example: &Example) -> Self {
        self.example = example.clone();
        self
    }

    pub(super) const fn rated(mut self, severity: Severity, confidence: Confidence) -> Self {
        (self.severity, self.confidence) = (severity, confidence);
        self
    }

    pub(super) fn advising(mut self, advice: &str) -> Self {
        advice.clone_into(&mut self.advice);
        self
    }

    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.data.insert(key.to_owned(), value.into());
        self
    }
}

impl Example {
    /// A flow, shown by its first and its last frame.
    pub(super) fn whole(verdict: &Verdict) -> Self {
        let frames = vec![verdict.first_frame, verdict.last_frame];
        Self::new(verdict.flow, frames)
    }

    /// A flow, shown by these frames.
    pub(super) fn new(flow: u64, mut frames: Vec<u64>) -> Self {
        frames.dedup();
        Self { flow, frames }
    }
}
