//! What is expected of a flow: what the verdict says that another run would say again.

use super::Settings;
use crate::close::finding::Code;
use crate::close::verdict::{
    AbortCause, AbortedBy, ActiveCloser, FinalAck, Outcome, Side, Verdict,
};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What is said of a flow. Flows of which the same is said are of one class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// How it ended.
    pub outcome: Outcome,
    /// Who closed first.
    pub active_closer: ActiveCloser,
    /// Who aborted.
    pub aborted_by: Option<AbortedBy>,
    /// Why.
    pub abort_cause: Option<AbortCause>,
    /// What became of the last ACK.
    pub final_ack: FinalAck,
    /// Who owned TIME-WAIT.
    pub time_wait: Vec<Side>,
    /// What else was found, but for defects of the capture.
    pub findings: Vec<Note>,
}

/// A finding and its side: `close-wait-leak server`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Note {
    /// Which finding.
    pub code: Code,
    /// Whose it is, where it is one side's.
    pub side: Option<Side>,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.side {
            Some(side) => write!(f, "{} {side}", self.code),
            None => self.code.fmt(f),
        }
    }
}

impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Note {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (code, side) = match text.split_once(' ') {
            Some((code, side)) => (code, Some(side)),
            None => (text.as_str(), None),
        };
        let known = Code::ALL.iter().find(|known| known.name() == code);
        let side = side.map(|side| Side::ALL.iter().find(|known| known.name() == side));
        match (known, side) {
            (Some(&code), None) => Ok(Self { code, side: None }),
            (Some(&code), Some(Some(&side))) => Ok(Self {
                code,
                side: Some(side),
            }),
            _ => Err(D::Error::custom(format!(
                "unknown finding {text:?}: expected a name of `whoclosed terms`, and its side: \
                 \"close-wait-leak server\""
            ))),
        }
    }
}

/// A segment of the close was sent again.
const SENT_AGAIN: &[Code] = &[Code::FinRetransmitted, Code::FinalAckLost];

impl Class {
    /// What is expected of this flow.
    #[must_use]
    pub fn of(verdict: &Verdict, settings: Settings) -> Self {
        let notes = verdict.findings.iter().map(|found| Note {
            code: found.code,
            side: found.side,
        });
        let closed = matches!(verdict.outcome, Outcome::Graceful | Outcome::Simultaneous);
        let mut class = Self {
            outcome: verdict.outcome,
            active_closer: verdict.active_closer,
            aborted_by: verdict.aborted_by,
            abort_cause: verdict.abort_cause,
            final_ack: verdict.final_ack,
            time_wait: verdict.time_wait.iter().map(|wait| wait.owner).collect(),
            findings: notes.filter(|note| !is_of_the_capture(note.code)).collect(),
        };
        if !settings.retransmissions {
            class.findings.retain(|n| !SENT_AGAIN.contains(&n.code));
            if closed {
                class.final_ack = FinalAck::Seen;
            }
        }
        class.sort();
        class
    }

    /// The order in which somebody writes lists does not matter.
    pub(super) fn sort(&mut self) {
        self.time_wait.sort_unstable();
        self.time_wait.dedup();
        self.findings.sort_unstable();
        self.findings.dedup();
    }
}

/// It tells of the capture, not of the connection.
fn is_of_the_capture(code: Code) -> bool {
    code == Code::Evicted || code.name().starts_with("capture-")
}
