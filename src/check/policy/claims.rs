//! What verdicts claim, as names with their confidence and the frames that show them.

use crate::close::verdict::{
    AbortCause, ActiveCloser, CloseEntry, Confidence, Event, Finding, Outcome, RolesFrom, Verdict,
};
use smallvec::SmallVec;

/// A name that a flow has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The name.
    pub name: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// It says that nothing is known.
    pub is_unknown: bool,
    /// What shows it.
    pub shown_by: ShownBy,
    /// It may be one of these instead: they look alike.
    pub alike: SmallVec<[&'static str; 2]>,
    /// How sure it is that it is one of them all.
    pub together: Confidence,
}

/// What shows a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownBy {
    /// FINs and RSTs.
    Close,
    /// The finding at this place.
    Finding(usize),
}

/// The claims of a flow. Most have one of a kind.
pub type Claims = SmallVec<[Claim; 2]>;

impl Claim {
    fn new(name: &'static str, confidence: Confidence) -> Self {
        Self {
            name,
            confidence,
            is_unknown: false,
            shown_by: ShownBy::Close,
            alike: SmallVec::new(),
            together: confidence,
        }
    }

    /// Its name, and those that look alike.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        [self.name].into_iter().chain(self.alike.iter().copied())
    }

    /// The finding that it is about.
    pub fn finding<'v>(&self, verdict: &'v Verdict) -> Option<&'v Finding> {
        match self.shown_by {
            ShownBy::Finding(at) => verdict.findings.get(at),
            ShownBy::Close => None,
        }
    }

    /// The frames that show it.
    pub fn frames(&self, verdict: &Verdict) -> Vec<u64> {
        let finding = self.finding(verdict);
        let frames = finding.map_or_else(|| ends(verdict), |finding| finding.frames.to_vec());
        if frames.is_empty() {
            return vec![verdict.first_frame, verdict.last_frame];
        }
        frames
    }
}

/// The frames of the first FINs and of the RSTs.
fn ends(verdict: &Verdict) -> Vec<u64> {
    let fins = verdict.close.iter().filter_map(|entry| match entry {
        CloseEntry::Event(event) if event.event == Event::Fin => Some(event.frame),
        _ => None,
    });
    let resets = verdict.resets.iter().map(|reset| reset.frame);
    let mut frames: Vec<u64> = fins.chain(resets).collect();
    frames.sort_unstable();
    frames.dedup();
    frames
}

/// How it ended.
pub(super) fn outcome(verdict: &Verdict) -> Claims {
    let mut claim = Claim::new(verdict.outcome.name(), verdict.confidence);
    claim.is_unknown = verdict.outcome == Outcome::Indeterminate;
    [claim].into_iter().collect()
}

/// Who closed first.
pub(super) fn closer(verdict: &Verdict) -> Claims {
    let mut claim = Claim::new(verdict.active_closer.name(), of_a_side(verdict));
    claim.is_unknown = verdict.active_closer == ActiveCloser::Unknown;
    [claim].into_iter().collect()
}

/// Why it was aborted.
pub(super) fn cause(verdict: &Verdict) -> Claims {
    let cause = verdict.abort_cause.map(|cause| {
        let confidence = verdict.cause_confidence.unwrap_or(Confidence::Possible);
        let mut claim = Claim::new(cause.name(), confidence);
        claim.is_unknown = cause == AbortCause::Unknown;
        claim.alike = verdict
            .cause_alternatives
            .iter()
            .map(|cause| cause.name())
            .collect();
        claim.together = verdict.confidence.min(Confidence::Likely);
        claim
    });
    cause.into_iter().collect()
}

/// Who owns a TIME-WAIT.
pub(super) fn owners(verdict: &Verdict) -> Claims {
    let guess = of_roles(verdict);
    let owners = verdict.time_wait.iter();
    owners
        .map(|wait| Claim::new(wait.owner.name(), wait.confidence.min(guess)))
        .collect()
}

/// What was found.
pub(super) fn findings(verdict: &Verdict) -> Claims {
    let findings = verdict.findings.iter().enumerate();
    let claim = |(at, finding): (usize, &Finding)| Claim {
        shown_by: ShownBy::Finding(at),
        ..Claim::new(finding.code.name(), finding.confidence)
    };
    findings.map(claim).collect()
}

/// How urgent what was found is.
pub(super) fn severities(verdict: &Verdict) -> Claims {
    let findings = verdict.findings.iter().enumerate();
    let claim = |(at, finding): (usize, &Finding)| Claim {
        shown_by: ShownBy::Finding(at),
        ..Claim::new(finding.severity.name(), finding.confidence)
    };
    findings.map(claim).collect()
}

/// Too little was seen for a verdict that is so sure.
pub(super) fn is_indeterminate(verdict: &Verdict, confidence: Confidence) -> bool {
    verdict.outcome == Outcome::Indeterminate || verdict.confidence < confidence
}

/// What is said of a side is no surer than which side it is.
fn of_a_side(verdict: &Verdict) -> Confidence {
    verdict.confidence.min(of_roles(verdict))
}

const fn of_roles(verdict: &Verdict) -> Confidence {
    match verdict.roles_from {
        RolesFrom::PortGuess => Confidence::Likely,
        RolesFrom::Syn | RolesFrom::SynAck => Confidence::Certain,
    }
}
