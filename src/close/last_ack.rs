//! The ACK of the second FIN: whether it arrived, and where it was lost.
//!
//! RFC 9293 section 3.6 and figure 12; which row of the table holds is relative to the capture
//! point.

use crate::close::case::Case;
use crate::close::facts::Facts;
use crate::close::verdict::{ActiveCloser, FinalAck, Side};
use crate::flow::Seen;
use crate::stamp::SECOND;

/// A capture that runs on for so long after a FIN would have shown it again.
const RUNS_ON: i64 = 3 * SECOND;

/// What happened to the last ACK, and to which side's FIN.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastAck<'a> {
    pub(super) value: FinalAck,
    /// The sender of the FIN in question.
    pub(super) side: Option<Side>,
    pub(super) detail: Option<Detail<'a>>,
}

/// Which row of the table it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Detail<'a> {
    /// What answered the FIN: an ACK, or a RST.
    answer: Option<&'a Seen>,
    /// A FIN crossed the ACK.
    pub(super) crossed: bool,
    /// The active closer answered with a RST.
    pub(super) owner_gone: bool,
    /// How often the FIN was sent.
    pub(super) copies: usize,
    /// From the first FIN to the last, in nanoseconds.
    pub(super) span: i64,
    /// The round trip was known.
    pub(super) rtt_known: bool,
}

impl LastAck<'_> {
    /// Frames of the FIN's copies and of what answered it, each once, in order.
    pub(super) fn frames(&self, facts: &Facts) -> Vec<u64> {
        let copies = self.side.map_or(&[][..], |side| facts.fin_copies(side));
        let answer = self.detail.as_ref().and_then(|detail| detail.answer);
        let mut frames: Vec<u64> = copies
            .iter()
            .copied()
            .chain(answer)
            .map(|s| s.at().frame)
            .collect();
        frames.sort_unstable();
        frames.dedup();
        frames
    }
}

/// The last ACK of a close.
pub(super) fn last_ack<'a>(case: &Case<'_, 'a>) -> LastAck<'a> {
    let facts = case.facts;
    let none = LastAck {
        value: FinalAck::None,
        side: None,
        detail: None,
    };
    if facts.one_direction() {
        let any = facts
            .fin(Side::Client)
            .or(facts.fin(Side::Server))
            .is_some();
        let value = if any {
            FinalAck::Unknown
        } else {
            FinalAck::None
        };
        return LastAck { value, ..none };
    }
    if !facts.both_fins() {
        return none;
    }
    let of = |side: Side| of_fin(facts, side);
    match case.closer.who {
        ActiveCloser::Client => of(Side::Server),
        ActiveCloser::Server => of(Side::Client),
        // The worse of the two; the order of the values says which is.
        _ => {
            let both = [of(Side::Client), of(Side::Server)];
            both.into_iter().min_by_key(|l| l.value).unwrap_or(none)
        }
    }
}

/// The table, for the FIN of `p`.
fn of_fin<'a>(facts: &Facts<'a>, p: Side) -> LastAck<'a> {
    let copies = facts.fin_copies(p);
    let unknown = LastAck {
        value: FinalAck::Unknown,
        side: Some(p),
        detail: None,
    };
    let (Some(first), Some(last)) = (copies.first(), copies.last()) else {
        return unknown;
    };
    let ack = facts.acks_of_fin(p).next();
    let resets = |s: &&Seen| s.flags.rst() && first.at().is_before(s.at());
    let answer = ack.or_else(|| facts.sent_by(p.peer()).find(resets));
    let rtt = facts.half(p).rtt;
    let mut detail = Detail {
        answer,
        crossed: false,
        owner_gone: false,
        copies: copies.len(),
        span: last.at().time.since(first.at().time),
        rtt_known: rtt.is_some(),
    };
    let value = match ack {
        Some(ack) => {
            let value = acked(copies, ack, rtt.unwrap_or(0), &mut detail);
            if value == FinalAck::Seen || !every_ack_arrived(facts, p, value, copies.len()) {
                value
            } else {
                FinalAck::Seen
            }
        }
        None => unacked(facts, copies, answer, &mut detail),
    };
    LastAck {
        value,
        side: Some(p),
        detail: Some(detail),
    }
}

fn acked(copies: &[&Seen], ack: &Seen, rtt: i64, detail: &mut Detail) -> FinalAck {
    if copies.len() < 2 {
        return FinalAck::Seen;
    }
    let before = copies.iter().filter(|c| c.at().is_before(ack.at())).count();
    let after = copies.iter().filter(|c| ack.at().is_before(c.at()));
    let late = after
        .clone()
        .any(|c| c.at().time.since(ack.at().time) > rtt);
    if late {
        return FinalAck::LostAfter;
    }
    detail.crossed = before > 0 && after.count() > 0;
    if before > 1 {
        FinalAck::LostBefore
    } else {
        FinalAck::Seen
    }
}

/// The first ACK that arrives closes the socket of `p`, and each one after it meets none and draws
/// a RST: with a RST for every ACK but one, none was lost, only late.
fn every_ack_arrived(facts: &Facts, p: Side, value: FinalAck, copies: usize) -> bool {
    let Some(end) = facts.half(p).fin_end() else {
        return false;
    };
    let acks = facts.acks_of_fin(p).count();
    let reply = |s: &&Seen| s.flags.rst() && !s.flags.ack() && s.seq == end;
    let refused = facts.sent_by(p).filter(reply).count();
    let enough = value == FinalAck::LostAfter || acks >= copies;
    enough && acks > 1 && refused + 1 >= acks
}

fn unacked(facts: &Facts, copies: &[&Seen], reset: Option<&Seen>, detail: &mut Detail) -> FinalAck {
    let Some(last) = copies.last() else {
        return FinalAck::Unknown;
    };
    if let Some(reset) = reset {
        detail.owner_gone = true;
        let repeated = copies
            .iter()
            .filter(|c| c.at().is_before(reset.at()))
            .count()
            > 1;
        return if repeated {
            FinalAck::LostBefore
        } else {
            FinalAck::Never
        };
    }
    if copies.len() > 1 {
        return FinalAck::Never;
    }
    if facts.end().time.since(last.at().time) >= RUNS_ON {
        return FinalAck::Unseen;
    }
    FinalAck::Unknown
}
