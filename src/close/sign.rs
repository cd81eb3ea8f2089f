//! Signs: what a case must show for a finding's rule to be asked at all. Most flows show none.

use crate::close::case::Case;
use crate::close::detect::close_wait_dwell;
use crate::close::verdict::{EndedBy, FinalAck, Outcome, Side};
use crate::flow::{Half, Rare, Seen};
use crate::seq::SeqNum;
use crate::stamp::Stamp;

/// What of these a case shows; what of them a rule needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sign(u32);

impl Sign {
    pub(super) const NONE: Self = Self(0);
    /// So many at most.
    pub(super) const COUNT: usize = u32::BITS as usize;
    /// Both sides' handshake, and timestamps that one of them declined.
    pub(super) const DECLINED: Self = Self(1);
    /// Records or segments that are not the connection's own ([`Odd`](crate::flow::Odd)).
    pub(super) const ODD: Self = Self(1 << 1);
    /// Headers that were cut, or what few sides say ([`Rare`](crate::flow::Rare)).
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
    /// Payload after the ACK of its sender's FIN, or after a newer connection.
    pub(super) const LATE: Self = Self(1 << 10);
    /// A FIN or an ACK that is missing, most likely.
    pub(super) const UNSEEN: Self = Self(1 << 11);
    /// Numbers of a side that were never seen, or an ACK of such.
    pub(super) const HOLE: Self = Self(1 << 12);
    /// Nothing of one side, though there was more than SYNs.
    pub(super) const ONE_SIDED: Self = Self(1 << 13);
    /// No handshake.
    pub(super) const MIDWAY: Self = Self(1 << 14);
    /// Its capture is damaged.
    pub(super) const TORN: Self = Self(1 << 15);
    /// A side that closed long after its peer.
    pub(super) const SLOW: Self = Self(1 << 16);
    /// ICMP errors.
    pub(super) const ERRORS: Self = Self(1 << 17);
    /// Segments of the opening, sent again and again.
    pub(super) const OPENING: Self = Self(1 << 18);
    /// Payload after the peer's FIN.
    pub(super) const HALF_USED: Self = Self(1 << 19);
    /// A close after a silence.
    pub(super) const SILENT: Self = Self(1 << 20);
    /// A SYN behind the clock of other connections.
    pub(super) const OFF_CLOCK: Self = Self(1 << 21);
    /// A TSval that went back.
    pub(super) const REGRESSED: Self = Self(1 << 22);
    /// It is not over, and the capture's last record is cut.
    pub(super) const CUT: Self = Self(1 << 23);
    /// Something that its applications said.
    pub(super) const SAID: Self = Self(1 << 24);
    /// It is open, and its server said nothing yet.
    pub(super) const UNHEARD: Self = Self(1 << 25);

    /// What a case shows.
    pub(super) fn of(case: &Case) -> Self {
        let flow = case.facts.flow;
        let [a, b] = &flow.half;
        let (last_ack, value) = (case.last_ack.detail.as_ref(), case.last_ack.value);
        let declined = |h: &Half| {
            h.opening
                .as_ref()
                .is_some_and(|o| o.timestamps == Some(false))
        };
        // Where records are in order, what is later stands at the end.
        let rare = flow.half.iter().filter_map(|half| half.rare.as_deref());
        let rare = rare.fold(Self::NONE, |all, rare| all.or(Self::of_rare(rare)));
        let ordered = flow.odd().is_none() && !rare.meets(Self::LATE);
        let last = case.facts.log.iter().rfind(|s| !s.is_empty());
        let late = |side| {
            let from = case.facts.index(side);
            let payload = |s: &Seen| s.from() == from && !s.is_empty();
            let after = |at: Stamp| {
                let later = case.facts.log.iter().rev();
                later.take_while(|s| at.is_before(s.at())).any(payload)
            };
            // Mostly the last payload of both is the earlier one.
            let may_be = |at: &Stamp| last.is_some_and(|last| at.is_before(last.at()));
            !ordered || case.facts.fin_acked(side).filter(may_be).is_some_and(after)
        };
        let lacks = |h: &Half, ack: Option<SeqNum>| {
            let numbers = h.numbers.as_ref().zip(ack);
            numbers.is_some_and(|(n, ack)| !n.holes().is_empty() || ack.after(n.next))
        };
        let short = |ended_by| matches!(ended_by, EndedBy::Reset | EndedBy::Reused);
        let one_fin = matches!(case.outcome, Outcome::FinUnacked | Outcome::HalfClosed);
        let cut_short = case.time_wait.iter().any(|t| short(t.ended_by));
        let ack_lost = last_ack.is_some_and(|d| d.crossed || value != FinalAck::Seen);
        let unseen = case.hidden_fin() || value == FinalAck::Unseen;
        let midway = a.opening.is_none() && b.opening.is_none();
        let one_sided = case.facts.one_direction() && !case.facts.is_syn_series();
        let is_unfinished = !case.outcome.is_over();
        let unheard = case.outcome == Outcome::Open && !case.facts.half(Side::Server).spoke;
        let slow = close_wait_dwell(case, Side::Client).is_some()
            || close_wait_dwell(case, Side::Server).is_some();
        Self::NONE
            .and(flow.odd().is_some(), Self::ODD)
            .or(rare)
            .and(!case.resets.is_empty(), Self::RESET)
            .and(flow.previous.is_some(), Self::PREVIOUS)
            .and(cut_short, Self::CUT_SHORT)
            .and(ack_lost, Self::LAST_ACK)
            .and(one_fin, Self::ONE_FIN)
            .and(is_unfinished, Self::UNFINISHED)
            .and(is_unfinished && case.facts.context.cut, Self::CUT)
            .and(unheard, Self::UNHEARD)
            .and(case.facts.context.evicted, Self::EVICTED)
            .and(declined(a) || declined(b), Self::DECLINED)
            .and(late(Side::Client) || late(Side::Server), Self::LATE)
            .and(unseen, Self::UNSEEN)
            .and(lacks(a, b.ack) || lacks(b, a.ack), Self::HOLE)
            .and(one_sided, Self::ONE_SIDED)
            .and(midway, Self::MIDWAY)
            .and(case.facts.context.errors.is_some(), Self::ERRORS)
            .and(opens_again(&flow.half), Self::OPENING)
            .and(slow, Self::SLOW)
            .and(case.facts.context.torn.is_some(), Self::TORN)
            .and(case.facts.context.off_clock.is_some(), Self::OFF_CLOCK)
            .and(case.silence.is_some(), Self::SILENT)
            .and(flow.talk.is_some(), Self::SAID)
    }

    #[cold]
    #[inline(never)]
    fn of_rare(rare: &Rare) -> Self {
        Self::NONE
            .and(rare.cut.is_some() || rare.subflow.is_some(), Self::RARE)
            .and(rare.after_peer_fin.is_some(), Self::HALF_USED)
            .and(rare.regressions.is_some(), Self::REGRESSED)
            .and(rare.late.is_some(), Self::LATE)
    }

    /// With one more, if it is shown.
    const fn and(self, shows: bool, sign: Self) -> Self {
        Self(self.0 | if shows { sign.0 } else { 0 })
    }

    /// One of them, by its place.
    pub(super) const fn nth(place: usize) -> Self {
        Self(1 << place)
    }

    /// The places of those shown.
    pub(super) fn places(self) -> impl Iterator<Item = usize> {
        places(self.0.into())
    }

    /// Most cases show none of them.
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// One of the two will do.
    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// They have one in common.
    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// The places of the bits that are set, the lowest first.
pub(super) fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then_some(bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(place)
    })
}

/// A SYN-ACK came more than once.
fn opens_again(half: &[Half; 2]) -> bool {
    let again = |h: &Half| {
        let opening = h.opening.as_ref();
        opening.is_some_and(|o| o.ack && o.copies.count > 1)
    };
    half.iter().any(again)
}
