//! What went wrong in many flows: findings, aborts and openings, grouped by what they are.

use crate::close::finding::{Code, Severity};
use crate::close::verdict::{
    AbortCause, AbortedBy, Confidence, Finding, Outcome, Side, SilenceEnd, Verdict,
};
use crate::close::words::patterns::Pattern;
use crate::flow::Flow;
use crate::patterns::at::At;
use crate::patterns::diagnosis::{Diagnosis, Example};
use crate::patterns::figure::connections;
use crate::patterns::group::{Group, Kind, One, Shown};
use serde_json::Value;

/// The groups seen.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// A few kinds occur: they are found sooner one by one than in a tree.
    groups: Vec<(Kind, Group)>,
    /// All flows, and those that are over in good order.
    pub(super) flows: u64,
    closed: u64,
    open: u64,
    example: Option<Example>,
}

impl Tally {
    /// Takes in a flow.
    pub(super) fn see(&mut self, flow: &Flow, verdict: &Verdict, client: u8) {
        self.flows += 1;
        match verdict.outcome {
            Outcome::Graceful | Outcome::Simultaneous => self.closed += 1,
            Outcome::Open | Outcome::HalfClosed => self.open += 1,
            _ => {}
        }
        if self.example.is_none() {
            self.example = Some(Example::whole(verdict));
        }
        for finding in &verdict.findings {
            if finding.severity > Severity::Info && !is_part_of_race(finding.code, verdict) {
                self.add((flow, verdict, client), &One::finding(finding));
            }
        }
        if let Some(cause) = verdict.abort_cause {
            if !is_told_otherwise(verdict) {
                self.add((flow, verdict, client), &One::abort(verdict, cause));
            }
        } else if let Some((stuck, from)) = stuck(flow, verdict) {
            let side = if from == client {
                Side::Client
            } else {
                Side::Server
            };
            self.add((flow, verdict, client), &One::stuck(stuck, side));
        } else if let Some(severity) = of_outcome(verdict) {
            self.add((flow, verdict, client), &One::outcome(verdict, severity));
        }
    }

    fn add(&mut self, (flow, verdict, client): (&Flow, &Verdict, u8), one: &One) {
        let known = self.groups.iter().position(|(kind, _)| *kind == one.kind);
        let place = known.unwrap_or_else(|| {
            self.groups.push((one.kind, Group::new(verdict, one)));
            self.groups.len() - 1
        });
        if let Some((_, group)) = self.groups.get_mut(place) {
            group.add(one, [client, client ^ 1].map(|end| At::end(flow, end)));
        }
    }

    /// A diagnosis for each group.
    pub(super) fn diagnoses(&self) -> Vec<Diagnosis> {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_unstable_by_key(|(kind, _)| *kind);
        let told = groups.iter().map(|(kind, group)| group.diagnosis(*kind));
        told.collect()
    }

    /// Nothing is to be done; how many flows were closed.
    pub(super) fn healthy(&self) -> Diagnosis {
        let all = connections(self.flows);
        let rest = self.flows - self.closed;
        let message = match rest {
            0 => format!("{all}, all closed in order; nothing to do"),
            _ if rest == self.open => format!(
                "{all}, {} closed in order and {rest} still open when the capture ends; nothing to do",
                self.closed
            ),
            _ => format!(
                "{all}, {} closed in order; of {rest} the capture does not show the end; nothing to do",
                self.closed
            ),
        };
        let confidence = if rest == 0 {
            Confidence::Certain
        } else {
            Confidence::Likely
        };
        let example = self.example.clone().unwrap_or_default();
        Diagnosis::of(Pattern::Healthy, self.flows, message)
            .rated(Severity::Info, confidence)
            .shown_by(&example)
            .with("closed", self.closed)
            .with("open", self.open)
    }
}

impl<'a> One<'a> {
    fn finding(finding: &'a Finding) -> Self {
        let figure = |key| finding.data.get(key).and_then(Value::as_f64);
        Self {
            kind: Kind::Finding(finding.code),
            severity: finding.severity,
            confidence: finding.confidence,
            side: finding.side,
            between: false,
            seconds: figure("seconds").or_else(|| figure("idle_seconds")),
            shown: Shown::By(&finding.frames),
        }
    }

    fn abort(verdict: &Verdict, cause: AbortCause) -> Self {
        let (side, between) = match verdict.aborted_by {
            Some(AbortedBy::Client) => (Some(Side::Client), false),
            Some(AbortedBy::Server) => (Some(Side::Server), false),
            Some(AbortedBy::Middlebox) => (None, true),
            _ => (None, false),
        };
        Self {
            kind: Kind::Cause(cause),
            severity: of_cause(cause),
            confidence: verdict.cause_confidence.unwrap_or(Confidence::Possible),
            side,
            between,
            seconds: None,
            shown: Shown::Reset,
        }
    }

    fn stuck(stuck: Pattern, side: Side) -> Self {
        Self {
            kind: Kind::Stuck(stuck),
            severity: Severity::Warning,
            confidence: Confidence::Likely,
            side: Some(side),
            between: false,
            seconds: None,
            shown: Shown::Last,
        }
    }

    fn outcome(verdict: &Verdict, severity: Severity) -> Self {
        Self {
            kind: Kind::Outcome(verdict.outcome),
            severity,
            confidence: verdict.confidence,
            side: None,
            between: false,
            seconds: None,
            shown: Shown::Ends,
        }
    }
}

/// In a race the closer has no socket for the peer's FIN either: that is no event of its own.
fn is_part_of_race(code: Code, verdict: &Verdict) -> bool {
    let race = |finding: &Finding| finding.code == Code::KeepaliveRace;
    code == Code::OwnerGone && verdict.findings.iter().any(race)
}

/// What holds up an open connection, and whose end it is: of the repeated payload's sender, or of the
/// shut window. One that was idle before is told with its silence.
fn stuck(flow: &Flow, verdict: &Verdict) -> Option<(Pattern, u8)> {
    if verdict.outcome != Outcome::Open || verdict.silence.is_some() {
        return None;
    }
    [0, 1].into_iter().find_map(|from: u8| {
        let (mine, peer) = (
            &flow.half[usize::from(from)],
            &flow.half[usize::from(from ^ 1)],
        );
        let is_shut = mine.window == Some(0) && peer.payload > 0;
        if is_shut {
            return Some((Pattern::WindowShut, from));
        }
        (mine.repeats >= 2 && peer.window != Some(0)).then_some((Pattern::DataUnanswered, from))
    })
}

/// A finding, or what was forgotten while idle, says the same better.
fn is_told_otherwise(verdict: &Verdict) -> bool {
    let better = [Code::KeepaliveRace, Code::OwnerGone];
    let forgotten = verdict
        .silence
        .is_some_and(|silence| silence.how == SilenceEnd::Forgotten && !silence.at_least);
    forgotten || verdict.findings.iter().any(|f| better.contains(&f.code))
}

/// How urgent an abort is. An application may abort on purpose, and what is not known is no alarm.
const fn of_cause(cause: AbortCause) -> Severity {
    match cause {
        AbortCause::AppAbort
        | AbortCause::FinWait2Expired
        | AbortCause::TimeWaitGone
        | AbortCause::Unknown => Severity::Notice,
        _ => Severity::Warning,
    }
}

/// A finding says why nobody answered.
fn explains_itself(verdict: &Verdict) -> bool {
    let explains = |finding: &Finding| finding.code == Code::SynDroppedByTimestamp;
    verdict.findings.iter().any(explains)
}

/// How urgent an outcome is that is no close and no abort.
fn of_outcome(verdict: &Verdict) -> Option<Severity> {
    match verdict.outcome {
        Outcome::Unanswered if explains_itself(verdict) => None,
        // The answer to a single one may come after the capture.
        Outcome::Unanswered if verdict.packets.client > 1 => Some(Severity::Warning),
        Outcome::Unanswered | Outcome::HandshakeIncomplete => Some(Severity::Notice),
        _ => None,
    }
}
