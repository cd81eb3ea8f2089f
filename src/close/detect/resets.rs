//! What RSTs did, and the race that ends in one.

use super::{Found, Founds, as_seconds, seconds};
use crate::close::abort::Abort;
use crate::close::case::Case;
use crate::close::phrase::Sentence;
use crate::close::reset::{Rst, follows_the_close};
use crate::close::verdict::{AbortCause, AbortedBy, Confidence, EndedBy, RstFate};
use crate::flow::Seen;
use crate::stamp::SECOND;
use smallvec::smallvec;

/// A connection that was silent for so long was idle when it was closed.
const IDLE: i64 = SECOND;

pub(in crate::close) fn rst_after_close(case: &Case) -> Founds {
    let noted = case.time_wait.iter().any(|t| t.ended_by == EndedBy::Reset);
    if !case.both_acked() || noted {
        return Founds::new();
    }
    let closed = |r: &&Rst| follows_the_close(case.facts, r.seen());
    let after = case.resets.iter().filter(closed);
    let Some(first) = after.clone().next() else {
        return Founds::new();
    };
    let frames: Vec<u64> = after.map(|r| r.seen().at().frame).collect();
    let message = format!(
        "a RST of the {} after both FINs were acknowledged",
        first.from
    );
    smallvec![Found::likely(Some(first.from), frames, message)]
}

pub(in crate::close) fn rst_ignored(case: &Case) -> Founds {
    by_fate(
        case,
        RstFate::Ignored,
        "ignored: its receiver went on as before",
    )
}

pub(in crate::close) fn rst_challenged(case: &Case) -> Founds {
    by_fate(
        case,
        RstFate::Challenged,
        "answered with a challenge ACK (RFC 5961) and had no effect",
    )
}

fn by_fate(case: &Case, fate: RstFate, what: &str) -> Founds {
    let told = |rst: &Rst| {
        let text = Sentence::new("a RST in the ").side(rst.from);
        let text = text.words("'s name was ").words(what);
        let text = if rst.signs.count() > 0 {
            text.words("; it may be forged: ").list(rst.signs.words())
        } else {
            text
        };
        let message = text.done();
        Found::likely(Some(rst.from), [rst.seen().at().frame], message)
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
pub(in crate::close) fn keepalive_race(case: &Case) -> Founds {
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
    // A bare ACK or a keepalive probe is no use of the connection: its idle timer runs on.
    let used = |s: &&Seen| !s.is_empty() && s.len() > 1 || s.flags.syn();
    let last = case
        .facts
        .log
        .iter()
        .filter(used)
        .rfind(|s| s.at().is_before(first) && s.at().is_before(trigger.seen.at()))?;
    let idle = first.time.since(last.at().time);
    if idle < IDLE {
        return None;
    }
    let margin = trigger.seen.at().time.since(first.time);
    let (mine, peer) = (case.facts.half(closer), case.facts.half(closer.peer()));
    let round_trip = mine.rtt.zip(peer.rtt).map(|(a, b)| a + b);
    let of = round_trip.map_or(String::new(), |rtt| {
        format!(" (the round trip is {})", seconds(rtt))
    });
    let message = format!(
        "the {closer} closed the connection {} after its last use, and a request of the {} crossed \
         its FIN by {}{of}: let the client close sooner than that, and repeat what is safe to repeat",
        seconds(idle),
        closer.peer(),
        seconds(margin.abs())
    );
    let frames = [
        last.at().frame,
        first.frame,
        trigger.seen.at().frame,
        rst.seen().at().frame,
    ];
    let found = Found::likely(Some(closer), frames, message)
        .with("closer", closer.name())
        .with("idle_seconds", as_seconds(idle))
        .with("margin_seconds", as_seconds(margin));
    Some(match round_trip {
        Some(rtt) => found.with("round_trip_seconds", as_seconds(rtt)),
        None => found,
    })
}

/// A RST that bears signs against the side in whose name it came. One alone leaves it in doubt.
pub(in crate::close) fn foreign_rst(case: &Case) -> Founds {
    let foreign = |a: &Abort| {
        let rst = case.resets.get(a.rst)?;
        (rst.signs.count() > 0).then(|| told_as_foreign(case, rst, a.by))
    };
    case.abort.as_ref().and_then(foreign).into_iter().collect()
}

fn told_as_foreign(case: &Case, rst: &Rst, by: AbortedBy) -> Found {
    let (side, signs) = (rst.from, rst.signs);
    let (who, sure) = if by == AbortedBy::Middlebox {
        (
            "was sent by a device between the two, most likely",
            Confidence::Likely,
        )
    } else {
        (
            "may have been sent by a device between the two",
            Confidence::Possible,
        )
    };
    let found = Found::likely(Some(side), [rst.seen().at().frame], "").sure(sure);
    if !case.facts.context.reasons {
        return found;
    }
    let text = Sentence::long("the RST in the ").side(side);
    let text = text.words("'s name ").words(who).words(": ");
    let text = text.list(signs.words()).words("; else the ").side(side);
    let text = text.words(
        "'s host itself sent it, and something on the way or another stack on that host changed it",
    );
    let found = found
        .saying(text.done())
        .with("signs", signs.count())
        .with("ttl", rst.seen().ttl);
    match case.facts.usual_ttl(side) {
        Some((low, high)) => found.with("usual_ttl", [low, high]),
        None => found,
    }
}
