//! The flows of a capture for tests in Rust: what is expected of them is said, and what is not so comes
//! back as an error that names flows and frames.

use super::expect::{Expectations, Note, Observed};
use crate::close::finding::{Code, Severity};
use crate::close::verdict::{ActiveCloser, Confidence, Outcome, Side, Verdict};
use std::error::Error;
use std::fmt;

/// The flows of a capture, or some of them. What is expected is expected of each; where there is none,
/// nothing is met.
#[derive(Clone, Debug)]
pub struct Flows {
    verdicts: Vec<Verdict>,
}

/// What was expected and is not so. Written with `{:?}` too it is the message: that is how tests show
/// errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Unmet {
    message: String,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Unmet {}

/// What expectations come to.
pub type Met<'a> = Result<&'a Flows, Unmet>;

/// Flows named in a message.
const NAMED: usize = 5;

impl Flows {
    /// These flows.
    #[must_use]
    pub fn new(mut verdicts: Vec<Verdict>) -> Self {
        verdicts.sort_by_key(|verdict| verdict.flow);
        Self { verdicts }
    }

    /// The verdicts, by number of flow.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// Only the flows to this port.
    #[must_use]
    pub fn to_port(self, port: u16) -> Self {
        self.only(|verdict| verdict.server.port == port)
    }

    /// Only these flows.
    #[must_use]
    pub fn only(mut self, wanted: impl FnMut(&Verdict) -> bool) -> Self {
        self.verdicts.retain(wanted);
        self
    }

    /// There are so many flows.
    pub fn expect_flows(&self, count: usize) -> Met<'_> {
        let found = self.verdicts.len();
        if found == count {
            return Ok(self);
        }
        let message = format!("expected {count} flows: there are {found}");
        Err(Unmet { message })
    }

    /// Each ended so.
    pub fn expect_outcome(&self, outcome: Outcome) -> Met<'_> {
        self.each(&format!("outcome {outcome}"), |verdict| {
            (verdict.outcome != outcome).then(|| verdict.outcome.to_string())
        })
    }

    /// Each was closed in an orderly way: both FINs sent and acknowledged.
    pub fn expect_closed(&self) -> Met<'_> {
        self.each("outcome graceful or simultaneous", |verdict| {
            let closed = matches!(verdict.outcome, Outcome::Graceful | Outcome::Simultaneous);
            (!closed).then(|| verdict.outcome.to_string())
        })
    }

    /// This side closed each first.
    pub fn expect_closer(&self, closer: ActiveCloser) -> Met<'_> {
        self.each(&format!("active closer {closer}"), |verdict| {
            (verdict.active_closer != closer).then(|| verdict.active_closer.to_string())
        })
    }

    /// This side, and no other, owned the TIME-WAIT of each.
    pub fn expect_time_wait(&self, owner: Side) -> Met<'_> {
        self.each(&format!("TIME-WAIT of the {owner}"), |verdict| {
            let owners = verdict.time_wait.iter().map(|wait| wait.owner);
            let owners: Vec<Side> = owners.collect();
            (owners != [owner]).then(|| match owners.as_slice() {
                [] => "nobody".to_owned(),
                [other] => other.to_string(),
                _ => "both".to_owned(),
            })
        })
    }

    /// No RST ended any of them.
    pub fn expect_no_abort(&self) -> Met<'_> {
        self.each("no abort", |verdict| {
            let by = verdict.aborted_by?;
            let cause = verdict.abort_cause.map_or("unknown", |cause| cause.name());
            Some(format!("aborted by {by} ({cause})"))
        })
    }

    /// None shows this.
    pub fn expect_without(&self, code: Code) -> Met<'_> {
        self.each(&format!("no {code}"), |verdict| {
            let mut found = verdict.findings.iter().filter(|found| found.code == code);
            found.next().map(|found| found.message.to_string())
        })
    }

    /// None shows anything on which somebody should act.
    pub fn expect_no_warning(&self) -> Met<'_> {
        self.each("no warning", |verdict| {
            let mut found = verdict.findings.iter();
            let found = found.find(|found| found.severity == Severity::Warning)?;
            let (code, side) = (found.code, found.side);
            Some(format!("{}: {}", Note { code, side }, found.message))
        })
    }

    /// All that is said of each is at least so sure.
    pub fn expect_confidence(&self, least: Confidence) -> Met<'_> {
        self.each(&format!("confidence {least} or better"), |verdict| {
            (verdict.confidence < least).then(|| verdict.confidence.to_string())
        })
    }

    /// They are what a file of expectations says of its only capture.
    pub fn expect_saved(&self, expectations: &Expectations) -> Met<'_> {
        let Some(expected) = expectations.of("", true) else {
            let message =
                "the file of expectations names its captures: use one with a single capture";
            let message = message.to_owned();
            return Err(Unmet { message });
        };
        let mut observed = Observed::new(expectations.settings(), Some(expected));
        self.verdicts
            .iter()
            .for_each(|verdict| observed.see(verdict));
        let differences = observed.compare(expected).map_err(|error| Unmet {
            message: error.to_string(),
        })?;
        let mut lines: Vec<String> = Vec::new();
        for difference in &differences {
            lines.push(difference.message.clone());
            let flows = difference.flows.iter();
            lines.extend(flows.map(|flow| {
                let frames = (flow.first_frame, flow.last_frame);
                place(flow.flow, frames, &flow.reason)
            }));
        }
        if differences.is_empty() {
            return Ok(self);
        }
        let message = lines.join("\n");
        Err(Unmet { message })
    }

    /// Of each flow nothing is wrong; else `wrong` says what it is instead.
    fn each(&self, expected: &str, wrong: impl Fn(&Verdict) -> Option<String>) -> Met<'_> {
        if self.verdicts.is_empty() {
            let message = format!("expected {expected}: there is no flow");
            return Err(Unmet { message });
        }
        let all = self.verdicts.iter();
        let found = all.filter_map(|verdict| Some((verdict, wrong(verdict)?)));
        let found: Vec<(&Verdict, String)> = found.collect();
        if found.is_empty() {
            return Ok(self);
        }
        let (count, all) = (found.len(), self.verdicts.len());
        let mut lines = vec![format!(
            "expected {expected}: not so of {count} of {all} flows"
        )];
        for (verdict, is) in found.iter().take(NAMED) {
            let frames = (verdict.first_frame, verdict.last_frame);
            let text = format!("{is}. {}", verdict.reason);
            lines.push(place(verdict.flow, frames, &text));
        }
        if count > NAMED {
            lines.push(format!("  and {} more", count - NAMED));
        }
        let message = lines.join("\n");
        Err(Unmet { message })
    }
}

fn place(flow: u64, (first, last): (u64, u64), text: &str) -> String {
    format!("  flow {flow}, frames {first} to {last}: {text}")
}
