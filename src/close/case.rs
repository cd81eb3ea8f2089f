//! One flow under judgement: the facts, and what has been concluded from them so far.

use crate::close::abort::{Abort, abort};
use crate::close::closer::{Closer, active_closer};
use crate::close::facts::Facts;
use crate::close::last_ack::{LastAck, last_ack};
use crate::close::outcome;
use crate::close::reset::{Rst, Rsts, resets};
use crate::close::silence::silence;
use crate::close::time_wait::time_waits;
use crate::close::verdict::{Confidence, FinalAck, Outcome, RstForm, Side, Silence, TimeWaits};
use std::cell::Cell;

/// A flow and the conclusions, each of which rests on those above it.
pub(super) struct Case<'f, 'a> {
    pub(super) facts: &'f Facts<'a>,
    pub(super) resets: Rsts<'a>,
    /// The RST that ended the flow; none once both FINs were acknowledged.
    pub(super) abort: Option<Abort>,
    pub(super) closer: Closer,
    pub(super) outcome: Outcome,
    /// How sure the outcome is.
    pub(super) outcome_confidence: Confidence,
    pub(super) last_ack: LastAck<'a>,
    pub(super) time_wait: TimeWaits,
    pub(super) silence: Option<Silence>,
    /// A text whose room may be used.
    pub(super) spare: Cell<String>,
}

impl<'f, 'a> Case<'f, 'a> {
    /// Nothing is concluded before [`Self::conclude`]: apart from this, or the case would be moved
    /// once more.
    pub(super) fn new(facts: &'f Facts<'a>) -> Self {
        let resets = resets(facts);
        let abort = Some(())
            .filter(|()| !resets.is_empty() && !both_acked(facts) && !facts.one_direction())
            .and_then(|()| abort(facts, &resets));
        let by_reset = abort
            .as_ref()
            .filter(|a| a.confidence == Confidence::Certain)
            .map(|a| (a.from, a.covers_fin));
        let closer = active_closer(facts, by_reset);
        let unknown = LastAck {
            value: FinalAck::None,
            side: None,
            detail: None,
        };
        Self {
            facts,
            resets,
            abort,
            closer,
            outcome: Outcome::Indeterminate,
            outcome_confidence: Confidence::Likely,
            last_ack: unknown,
            time_wait: TimeWaits::new(),
            silence: None,
            spare: Cell::default(),
        }
    }

    /// The outcome, and what rests on it.
    pub(super) fn conclude(&mut self) {
        self.outcome = outcome::OUTCOMES
            .iter()
            .find(|row| (row.holds)(self))
            .map_or(Outcome::Indeterminate, |row| row.value);
        let is_known = self.outcome.is_over() || self.outcome == Outcome::Unanswered;
        if self.facts.context.evicted && !is_known {
            self.outcome = Outcome::Indeterminate;
        }
        if !matches!(
            self.outcome,
            Outcome::Refused | Outcome::Aborted | Outcome::AbortedAfterFin
        ) {
            self.abort = None;
        }
        self.outcome_confidence = self.confidence_of_outcome();
        self.last_ack = last_ack(self);
        self.time_wait = time_waits(self);
        self.silence = silence(self);
    }

    /// Both FINs are shown and acknowledged.
    pub(super) fn both_acked(&self) -> bool {
        both_acked(self.facts)
    }

    /// The least over outcome, active closer and abort.
    pub(super) fn confidence(&self) -> Confidence {
        let abort = self
            .abort
            .as_ref()
            .map_or(Confidence::Certain, |a| a.confidence);
        let least = self
            .outcome_confidence
            .min(self.closer.confidence)
            .min(abort);
        if self.facts.may_be_two() {
            least.min(Confidence::Likely)
        } else {
            least
        }
    }

    /// A FIN of one side may be missing from the capture.
    pub(super) fn hidden_fin(&self) -> bool {
        self.facts.possible_fin(Side::Client) || self.facts.possible_fin(Side::Server)
    }

    /// A RST that is a reply by an active closer, where both FINs are shown.
    fn reply_by_active_closer(&self) -> bool {
        let reply = |r: &Rst| r.form == RstForm::Reply && self.closer.includes(r.from);
        self.facts.both_fins() && self.resets.iter().any(reply)
    }

    /// Where a FIN may be missing from the capture, the active closer is only possible already.
    fn confidence_of_outcome(&self) -> Confidence {
        match self.outcome {
            Outcome::Graceful | Outcome::Simultaneous => {
                let sure = self.both_acked() && !self.reply_by_active_closer();
                if sure {
                    self.closer.confidence
                } else {
                    Confidence::Likely
                }
                .max(Confidence::Likely)
            }
            Outcome::Refused => self
                .abort
                .as_ref()
                .map_or(Confidence::Likely, |a| a.confidence),
            Outcome::Aborted | Outcome::AbortedAfterFin => {
                let abort = self.abort.as_ref();
                let least = abort.map_or(Confidence::Likely, |a| a.confidence);
                if self.reply_by_active_closer() {
                    least.min(Confidence::Likely)
                } else {
                    least
                }
            }
            Outcome::Unanswered if self.facts.flow.unconfirmed => Confidence::Possible,
            _ => Confidence::Likely,
        }
    }
}

fn both_acked(facts: &Facts) -> bool {
    facts.both_fins()
        && facts.fin_was_acked(Side::Client).is_some()
        && facts.fin_was_acked(Side::Server).is_some()
}
