//! What the connection before on the same addresses and ports had to do with this one.

use super::{Found, Founds, as_seconds, seconds, times};
use crate::close::case::Case;
use crate::close::verdict::Side;
use crate::flow::Seen;
use smallvec::smallvec;

pub(in crate::close) fn old_duplicate_syn(case: &Case) -> Founds {
    let Some(old) = case.facts.flow.odd().and_then(|odd| odd.old_syn) else {
        return Founds::new();
    };
    let side = case.facts.side(old.from);
    let message = format!("a SYN of another connection of the {side} reached this one");
    let frames = [old.copies.first.frame];
    smallvec![Found::likely(Some(side), frames, message).with("count", old.copies.count)]
}

pub(in crate::close) fn old_duplicate_segment(case: &Case) -> Founds {
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(|side| late(case, side))
        .collect()
}

/// Segments that came after the connection was over: after a newer one had begun, or payload that
/// had been acknowledged, after the FIN that followed it was.
fn late(case: &Case, side: Side) -> Option<Found> {
    let facts = &case.facts;
    let half = facts.half(side);
    if let Some(copies) = half.rare.as_ref().and_then(|rare| rare.late) {
        let message = format!(
            "segments of the {side} arrived {} after a newer connection had begun on the same \
             addresses and ports",
            times(copies.count)
        );
        let frames = [copies.first.frame];
        let found = Found::likely(Some(side), frames, message).with("count", copies.count);
        let Some(newer) = facts.flow.next.as_ref() else {
            return Some(found);
        };
        let after = copies.first.time.since(newer.first.time);
        return Some(
            found
                .with("newer_flow", newer.flow)
                .with("after_s", as_seconds(after)),
        );
    }
    let (fin, acked) = (facts.fin(side)?, facts.fin_acked(side)?);
    let is_late = |s: &&Seen| {
        !s.is_empty() && acked.is_before(s.at()) && !s.flags.fin() && s.end().at_or_before(fin.seq)
    };
    let first = facts.sent_by(side).find(is_late)?;
    let after = first.at().time.since(acked.time);
    let message = format!(
        "a copy of the {side}'s data arrived {} after its FIN was acknowledged",
        seconds(after)
    );
    let found = Found::likely(Some(side), [first.at().frame], message);
    Some(found.with("after_s", as_seconds(after)))
}
