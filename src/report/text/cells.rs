//! What the table says of a flow.

use super::table::{Cell, Row};
use crate::close::verdict::{
    ActiveCloser, CloseEntry, Confidence, Endpoint, Event, FinalAck, Outcome, TimeWait, Verdict,
};
use crate::report::look::{BAD, FAINT, GOOD, UNUSUAL};
use crate::report::network::network;
use crate::report::time::short_span;
use crate::report::{Clock, Look};
use anstyle::Style;
use std::net::IpAddr;

/// Columns of an address with its port on a terminal: any IPv4, and a shortened IPv6.
const END_ON_TERMINAL: usize = 23;
/// Deciding frames named in the table.
const FRAMES: usize = 3;

/// The line of one flow.
pub(super) fn row(verdict: &Verdict, look: Look, clock: Clock) -> Row {
    let faint = |text: String| Cell { text, style: FAINT };
    let decimals = if look.width.is_some() { 3 } else { 6 };
    Row {
        cells: [
            verdict.flow.to_string().into(),
            faint(clock.show(verdict.start, decimals)),
            end(&verdict.client, look).into(),
            format!("> {}", end(&verdict.server, look)).into(),
            outcome(verdict),
            closer(verdict.active_closer),
            faint(frames(verdict)),
            time_wait(&verdict.time_wait),
            final_ack(verdict.final_ack),
        ],
        why: why(verdict),
        reason: verdict.reason.clone(),
        spare: verdict.aborted_by.is_some()
            || verdict.time_wait.is_empty() && verdict.final_ack == FinalAck::None,
    }
}

/// `?` for likely, `??` for possible, nothing for certain.
pub(in crate::report) const fn mark(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "",
        Confidence::Likely => "?",
        Confidence::Possible => "??",
    }
}

/// The colour of an outcome.
pub(in crate::report) const fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Graceful | Outcome::Simultaneous => GOOD,
        Outcome::Aborted | Outcome::AbortedAfterFin | Outcome::Refused => BAD,
        Outcome::Open | Outcome::Indeterminate => FAINT,
        _ => UNUSUAL,
    }
}

/// An address and a port; on a terminal a long IPv6 address loses its middle.
fn end(end: &Endpoint, look: Look) -> String {
    let full = end.to_string();
    let IpAddr::V6(addr) = end.addr else {
        return full;
    };
    if look.width.is_none() || full.len() <= END_ON_TERMINAL {
        return full;
    }
    let text = addr.to_string();
    let first = text.split(':').next().unwrap_or_default();
    let last = text.rsplit(':').next().unwrap_or_default();
    format!("[{first}:…:{last}]:{}", end.port)
}

fn outcome(verdict: &Verdict) -> Cell {
    Cell {
        text: format!("{}{}", verdict.outcome, mark(verdict.confidence)),
        style: style(verdict.outcome),
    }
}

fn closer(closer: ActiveCloser) -> Cell {
    match closer {
        ActiveCloser::None => Cell::none(),
        _ => closer.to_string().into(),
    }
}

fn final_ack(final_ack: FinalAck) -> Cell {
    let style = match final_ack {
        FinalAck::None => return Cell::none(),
        FinalAck::Seen => Style::new(),
        FinalAck::Unseen | FinalAck::Unknown => FAINT,
        _ => UNUSUAL,
    };
    let text = final_ack.to_string();
    Cell { text, style }
}

/// The owner, and for how long: `client 60s`, `both 60s`.
pub(in crate::report) fn time_wait(entries: &[TimeWait]) -> Cell {
    let (owner, entry) = match entries {
        [] => return Cell::none(),
        [one] => (one.owner.name(), one),
        [first, second, ..] => {
            let least = first.confidence <= second.confidence;
            ("both", if least { first } else { second })
        }
    };
    let length = entries.iter().filter_map(length).max();
    let length = length.map(|nanos| format!(" {}", short_span(nanos)));
    format!(
        "{owner}{}{}",
        length.unwrap_or_default(),
        mark(entry.confidence)
    )
    .into()
}

/// Nanoseconds from the start to the end of a TIME-WAIT.
fn length(entry: &TimeWait) -> Option<i64> {
    Some(entry.end?.since(entry.start?))
}

/// The frames that decide: the FINs, for an abort the RSTs too, without either the SYNs.
fn frames(verdict: &Verdict) -> String {
    let ends: &[Event] = match verdict.aborted_by {
        Some(_) => &[Event::Fin, Event::Rst],
        None => &[Event::Fin],
    };
    let mut numbers = numbers_of(verdict, ends);
    if numbers.is_empty() {
        numbers = numbers_of(verdict, &[Event::Syn, Event::SynAck]);
    }
    if numbers.is_empty() {
        return "-".to_owned();
    }
    numbers.join(",")
}

fn numbers_of(verdict: &Verdict, wanted: &[Event]) -> Vec<String> {
    let events = verdict.close.iter().filter_map(|entry| match entry {
        CloseEntry::Event(event) if wanted.contains(&event.event) => Some(event.frame.to_string()),
        _ => None,
    });
    events.take(FRAMES).collect()
}

/// A few words why: the network where flows are kept apart by it, the abort, then the findings, the
/// gravest first.
fn why(verdict: &Verdict) -> String {
    let mut findings: Vec<_> = verdict.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let codes = findings
        .iter()
        .map(|finding| finding.code.name().to_owned());
    let first = network(verdict).into_iter().chain(abort(verdict));
    let words: Vec<String> = first.chain(codes).collect();
    words.join(", ")
}

/// Who aborted, and why: `server RST: unread-data or app-abort`.
fn abort(verdict: &Verdict) -> Option<String> {
    let by = verdict.aborted_by?;
    let Some(cause) = verdict.abort_cause else {
        return Some(format!("{by} RST"));
    };
    let mut text = format!("{by} RST: {cause}");
    for other in &verdict.cause_alternatives {
        text.push_str(" or ");
        text.push_str(other.name());
    }
    Some(text)
}
