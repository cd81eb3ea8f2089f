//! Signs: what a case must show for a finding's rule to be asked at all. Most flows show none.

use crate::close::case::Case;
use crate::close::verdict::{EndedBy, FinalAck, Outcome};

/// What of these a case shows; what of them a rule needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign(u16);

impl Sign {
    /// Every case shows it.
    pub(super) const ANY: Self = Self(1);
    /// Records or segments that are not the connection's own ([`Odd`](crate::flow::Odd)).
    pub(super) const ODD: Self = Self(1 << 1);
    /// What few sides show ([`Rare`](crate::flow::Rare)).
    pub(super) const RARE: Self = Self(1 << 2);
    /// A RST.
    pub(super) const RESET: Self = Self(1 << 3);
    /// A connection before on the same ends.
    pub(super) const PREVIOUS: Self = Self(1 << 4);
    /// A TIME-WAIT that did not last.
    pub(super) const CUT_SHORT: Self = Self(1 << 5);
    /// A last ACK that did not simply arrive.
    pub(super) const LAST_ACK: Self = Self(1 << 6);
    /// One FIN.
    pub(super) const ONE_FIN: Self = Self(1 << 7);
    /// It is not over.
    pub(super) const UNFINISHED: Self = Self(1 << 8);
    /// It was forgotten before its end.
    pub(super) const EVICTED: Self = Self(1 << 9);

    /// What a case shows.
    pub(super) fn of(case: &Case) -> Self {
        let flow = case.facts.flow;
        let last_ack = case.last_ack.detail.as_ref();
        let short = |ended_by| matches!(ended_by, EndedBy::Reset | EndedBy::Reused);
        let shown = [
            (Self::ANY, true),
            (Self::ODD, flow.odd().is_some()),
            (Self::RARE, case.facts.has_rare()),
            (Self::RESET, !case.resets.is_empty()),
            (Self::PREVIOUS, flow.previous.is_some()),
            (
                Self::CUT_SHORT,
                case.time_wait.iter().any(|t| short(t.ended_by)),
            ),
            (
                Self::LAST_ACK,
                last_ack.is_some_and(|d| d.crossed || case.last_ack.value != FinalAck::Seen),
            ),
            (
                Self::ONE_FIN,
                matches!(case.outcome, Outcome::FinUnacked | Outcome::HalfClosed),
            ),
            (Self::UNFINISHED, !case.outcome.is_over()),
            (Self::EVICTED, case.facts.context.evicted),
        ];
        let bits = shown.map(|(sign, shows)| if shows { sign.0 } else { 0 });
        Self(bits.iter().fold(0, |all, bit| all | bit))
    }

    /// They have one in common.
    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
