//! What RSTs did, and the race that ends in one.

use super::{Found, as_seconds, seconds};
use crate::close::case::Case;
use crate::close::reset::{Rst, follows_the_close};
use crate::close::verdict::{AbortCause, Confidence, EndedBy, RstFate};
use crate::stamp::SECOND;

/// A connection that was silent for so long was idle when it was closed.
const IDLE: i64 = SECOND;

pub(in crate::close) fn rst_after_close(case: &Case) -> Vec<Found> {
    let noted = case.time_wait.iter().any(|t| t.ended_by == EndedBy::Reset);
    if !case.both_acked() || noted {
        return Vec::new();
    }
    let closed = |r: &&Rst| follows_the_close(case.facts, r.seen());
    let after = case.resets.iter().filter(closed);
    let Some(first) = after.clone().next() else {
        return Vec::new();
    };
    let frames: Vec<u64> = after.map(|r| r.seen().at().frame).collect();
    let message = format!(
        "a RST of the {} after both FINs were acknowledged",
        first.from
    );
    vec![Found::likely(Some(first.from), frames, message)]
}

pub(in crate::close) fn rst_ignored(case: &Case) -> Vec<Found> {
    by_fate(
        case,
        RstFate::Ignored,
        "ignored: its receiver went on as before",
    )
}

pub(in crate::close) fn rst_challenged(case: &Case) -> Vec<Found> {
    by_fate(
        case,
        RstFate::Challenged,
        "answered with a challenge ACK (RFC 5961) and had no effect",
    )
}

fn by_fate(case: &Case, fate: RstFate, what: &str) -> Vec<Found> {
    let told = |rst: &Rst| {
        let signs = rst.signs.words();
        let foreign = if signs.is_empty() {
            String::new()
        } else {
            format!("; it may be forged: {}", signs.join(", "))
        };
        let message = format!("a RST in the {}'s name was {what}{foreign}", rst.from);
        Found::likely(Some(rst.from), vec![rst.seen().at().frame], message)
            .with("fit", rst.fit.name())
            .with("signs", rst.signs.count())
    };
    case.resets
        .iter()
        .filter(|r| r.fate == fate && !follows_the_close(case.facts, r.seen()))
        .map(told)
        .collect()
}

/// A side closed an idle connection, and the peer's request crossed the FIN.
pub(in crate::close) fn keepalive_race(case: &Case) -> Vec<Found> {
    race(case).into_iter().collect()
}

fn race(case: &Case) -> Option<Found> {
    let abort = case
        .abort
        .as_ref()
        .filter(|a| a.cause == AbortCause::DataAfterClose)?;
    let rst = case.resets.get(abort.rst)?;
    let (trigger, closer) = (rst.trigger?, abort.from);
    let fin = case.facts.fin(closer)?;
    if trigger.seen.acks(fin.seq.plus(1)) {
        return None; // it knew of the FIN
    }
    let first = fin.copies.first;
    let last = case
        .facts
        .log
        .iter()
        .rfind(|s| s.at().is_before(first) && s.at().is_before(trigger.seen.at()))?;
    let begun = first.time.min(trigger.seen.at().time);
    let idle = begun.since(last.at().time);
    if idle < IDLE {
        return None;
    }
    let margin = trigger.seen.at().time.since(first.time);
    let message = format!(
        "the {closer} closed the connection after {} of silence, and a request of the {} crossed \
         its FIN by {}",
        seconds(idle),
        closer.peer(),
        seconds(margin.abs())
    );
    let frames = vec![
        last.at().frame,
        first.frame,
        trigger.seen.at().frame,
        rst.seen().at().frame,
    ];
    Some(
        Found::likely(Some(closer), frames, message)
            .sure(Confidence::Likely)
            .with("idle_seconds", as_seconds(idle))
            .with("margin_seconds", as_seconds(margin)),
    )
}
