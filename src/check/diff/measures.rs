//! Which way is worse: of every count and every span.

use super::sample::{Measure, Span};
use crate::close::finding::{FINDINGS, Severity};
use crate::close::terms::{Group, Term};
use crate::close::verdict::{EndedBy, Outcome, names};
use serde::{Deserialize, Serialize};

names! {
    /// Which way is worse.
    Worse {
        /// More of it, or longer.
        More = "more",
        /// Less of it.
        Fewer = "fewer",
        /// Neither: a change may be meant.
        Neither = "neither",
    }
}

/// One thing that flows are counted by.
pub(super) struct Row {
    measure: Measure,
    /// The taxonomy of its names.
    group: Group,
    /// Which way is worse, by name.
    worse: fn(&str) -> Worse,
}

/// Every measure, once.
pub(super) const MEASURES: &[Row] = &[
    Row {
        measure: Measure::Outcome,
        group: Group::Outcome,
        worse: |name| among(Outcome::ALL, Outcome::name, name).map_or(Worse::Neither, outcome),
    },
    Row {
        measure: Measure::ActiveCloser,
        group: Group::ActiveCloser,
        worse: |_| Worse::Neither,
    },
    Row {
        measure: Measure::AbortedBy,
        group: Group::AbortedBy,
        worse: |_| Worse::More,
    },
    Row {
        measure: Measure::AbortCause,
        group: Group::Cause,
        worse: |_| Worse::More,
    },
    Row {
        measure: Measure::TimeWait,
        group: Group::Side,
        worse: |_| Worse::Neither,
    },
    Row {
        measure: Measure::TimeWaitEnd,
        group: Group::EndedBy,
        worse: |name| among(EndedBy::ALL, EndedBy::name, name).map_or(Worse::Neither, ended_by),
    },
    Row {
        measure: Measure::Finding,
        group: Group::Finding,
        worse: finding,
    },
];

/// Every span, and which way is worse.
pub(super) const SPANS: &[(Span, Worse, &str)] = &[
    (
        Span::CloseHandshake,
        Worse::More,
        "from the first FIN to the ACK of the last, of flows that were closed",
    ),
    (
        Span::ClientCloseWait,
        Worse::More,
        "how long the client had the server's FIN and did not close",
    ),
    (
        Span::ServerCloseWait,
        Worse::More,
        "how long the server had the client's FIN and did not close",
    ),
    (
        Span::FinWait2,
        Worse::More,
        "how long a side waited for the peer's FIN",
    ),
    (
        Span::LastAck,
        Worse::More,
        "how long a side waited for the ACK of the last FIN",
    ),
    (
        Span::Silence,
        Worse::Neither,
        "the silence before the close, where it was a second or more",
    ),
    (
        Span::Lifetime,
        Worse::Neither,
        "from the first frame of a flow to its last",
    ),
];

/// Which way is worse for flows counted by this.
pub(super) fn worse(measure: Measure, name: &str) -> Worse {
    let row = MEASURES.iter().find(|row| row.measure == measure);
    row.map_or(Worse::Neither, |row| (row.worse)(name))
}

/// What the name means.
pub(super) fn term(measure: Measure, name: &str) -> Option<&'static Term> {
    let row = MEASURES.iter().find(|row| row.measure == measure)?;
    let mut entries = row.group.entries().into_iter();
    entries.find_map(|entry| (entry.term.name == name).then_some(entry.term))
}

fn among<T: Copy>(all: &[T], of: fn(T) -> &'static str, name: &str) -> Option<T> {
    all.iter().copied().find(|&value| of(value) == name)
}

const fn outcome(outcome: Outcome) -> Worse {
    match outcome {
        Outcome::Graceful => Worse::Fewer,
        // Both are clean, and of the rest the capture shows too little.
        Outcome::Simultaneous | Outcome::Open | Outcome::Indeterminate => Worse::Neither,
        Outcome::Refused
        | Outcome::Unanswered
        | Outcome::AbortedAfterFin
        | Outcome::Aborted
        | Outcome::FinalAckMissing
        | Outcome::HalfClosed
        | Outcome::FinUnacked
        | Outcome::HandshakeIncomplete => Worse::More,
    }
}

const fn ended_by(end: EndedBy) -> Worse {
    match end {
        EndedBy::Reset | EndedBy::Gone => Worse::More,
        EndedBy::Reused | EndedBy::Expiry | EndedBy::CaptureEnd => Worse::Neither,
    }
}

/// Somebody should act on a warning; the rest is unusual at most, or about the capture.
fn finding(name: &str) -> Worse {
    let row = FINDINGS.iter().find(|row| row.value.name() == name);
    match row.map(|row| row.severity) {
        Some(Severity::Warning) => Worse::More,
        _ => Worse::Neither,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close::verdict::{AbortedBy, ActiveCloser, Side};

    #[test]
    fn every_measure_and_span_has_its_row() {
        let measures: Vec<Measure> = MEASURES.iter().map(|row| row.measure).collect();
        assert_eq!(measures, Measure::ALL);
        let spans: Vec<Span> = SPANS.iter().map(|row| row.0).collect();
        assert_eq!(spans, Span::ALL);
    }

    #[test]
    fn every_name_is_explained() {
        let names = |all: &[&'static str], measure| {
            for name in all {
                assert!(term(measure, name).is_some(), "{measure} {name}");
            }
        };
        names(
            &Outcome::ALL.iter().map(|v| v.name()).collect::<Vec<_>>(),
            Measure::Outcome,
        );
        names(
            &ActiveCloser::ALL
                .iter()
                .map(|v| v.name())
                .collect::<Vec<_>>(),
            Measure::ActiveCloser,
        );
        names(
            &AbortedBy::ALL.iter().map(|v| v.name()).collect::<Vec<_>>(),
            Measure::AbortedBy,
        );
        names(
            &Side::ALL.iter().map(|v| v.name()).collect::<Vec<_>>(),
            Measure::TimeWait,
        );
        names(
            &EndedBy::ALL.iter().map(|v| v.name()).collect::<Vec<_>>(),
            Measure::TimeWaitEnd,
        );
    }

    #[test]
    fn worse_is_what_breaks_connections() {
        assert_eq!(worse(Measure::Outcome, "graceful"), Worse::Fewer);
        assert_eq!(worse(Measure::Outcome, "aborted"), Worse::More);
        assert_eq!(worse(Measure::Outcome, "open"), Worse::Neither);
        assert_eq!(worse(Measure::Finding, "close-wait-leak"), Worse::More);
        assert_eq!(worse(Measure::Finding, "capture-gap"), Worse::Neither);
        assert_eq!(worse(Measure::TimeWaitEnd, "reset"), Worse::More);
        assert_eq!(worse(Measure::ActiveCloser, "server"), Worse::Neither);
    }
}
