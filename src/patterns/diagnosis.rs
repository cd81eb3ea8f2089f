//! One thing that matters in a capture.

use crate::close::finding::Severity;
use crate::close::verdict::Confidence;
use serde::{Deserialize, Serialize};

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
    pub data: serde_json::Map<String, serde_json::Value>,
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
