//! What a check found: captures, what was asked of each, and the flows that show what came of it.

use crate::close::verdict::{Confidence, Endpoint, names};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

names! {
    /// What came of something that was asked. The order is the urgency: the first of several decides.
    Status {
        /// It does not hold.
        Broken = "broken",
        /// Too little is known.
        NotJudged = "not-judged",
        /// It holds.
        Holds = "holds",
    }
}

impl Status {
    /// What a process ends with that found this: 0 holds, 1 broken, 2 not judged.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Broken => 1,
            Self::NotJudged => 2,
        }
    }

    /// Of several together: broken if one is, else not judged if one could not be.
    pub fn of_all(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().min().unwrap_or(Self::Holds)
    }
}

/// A check of one or more captures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checked {
    /// All captures together.
    pub status: Status,
    /// Each of them, in the order in which they were given.
    pub captures: Vec<Capture>,
}

impl Checked {
    /// Of these captures.
    pub fn new(captures: Vec<Capture>) -> Self {
        let status = Status::of_all(captures.iter().map(|capture| capture.status));
        Self { status, captures }
    }

    /// What was asked of every capture, the first broken one first: with its capture.
    pub fn by_urgency(&self) -> Vec<(&Capture, &Item)> {
        let captures = self.captures.iter();
        let items = captures.flat_map(|capture| capture.items.iter().map(move |i| (capture, i)));
        let mut items: Vec<_> = items.collect();
        items.sort_by_key(|(_, item)| item.status);
        items
    }
}

/// A capture that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capture {
    /// Version of this format.
    pub schema: u32,
    /// Its name.
    pub source: Arc<str>,
    /// All that was asked of it together.
    pub status: Status,
    /// Number of its flows.
    pub flows: u64,
    /// Why it could not be judged as a whole: unreadable, damaged.
    pub problems: Vec<String>,
    /// What was asked of it, in the order of the policy.
    #[serde(skip)]
    pub items: Vec<Item>,
}

impl Capture {
    /// A capture of so many flows, what was asked of it, and what was wrong with it.
    pub fn new(source: Arc<str>, flows: u64, items: Vec<Item>, problems: Vec<String>) -> Self {
        let own = (!problems.is_empty()).then_some(Status::NotJudged);
        let status = Status::of_all(items.iter().map(|item| item.status).chain(own));
        Self {
            schema: crate::close::SCHEMA,
            source,
            status,
            flows,
            problems,
            items,
        }
    }
}

/// One thing that was asked of a capture, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Item {
    /// Version of this format.
    pub schema: u32,
    /// The capture's name.
    pub source: Arc<str>,
    /// What it is called: scope and key of a policy.
    pub rule: String,
    /// The kind of rule, by which it is looked up.
    pub kind: String,
    /// The file in which it is asked.
    pub file: Arc<str>,
    /// Its line there; `None`: it goes without saying.
    pub line: Option<u64>,
    /// What came of it.
    pub status: Status,
    /// What is asked, in words.
    pub asks: String,
    /// What was found, in words.
    pub found: String,
    /// What to do where it does not hold; empty where it does.
    pub advice: String,
    /// Why it is asked, in the words of its author.
    pub why: Option<String>,
    /// How many flows it is about.
    pub flows: u64,
    /// How many of them do not comply.
    pub broken: u64,
    /// Of how many too little is known.
    pub in_doubt: u64,
    /// The first of those flows: those that do not comply, then those in doubt.
    pub examples: Vec<Example>,
}

/// A flow, or a host, that shows why something does not hold or could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Example {
    /// The flow; `None`: it is about a host.
    pub flow: Option<u64>,
    /// Its client.
    pub client: Option<Endpoint>,
    /// Its server.
    pub server: Option<Endpoint>,
    /// The frames that show it.
    pub frames: Vec<u64>,
    /// What is wrong with it.
    pub what: String,
    /// How sure that is; `None` for a count.
    pub confidence: Option<Confidence>,
    /// It may comply: too little is known.
    pub in_doubt: bool,
    /// The verdict's own sentence.
    pub reason: String,
    /// A display filter that selects the flow.
    pub wireshark_filter: String,
}
