//! What is said of a flow's frames, in few words.

use crate::close::verdict::{
    ActiveCloser, CloseEntry, CloseEvent, Confidence, Event, Reset, RstFate, Side, TimeWait,
    Verdict,
};

/// A frame, and what is said of it.
pub(super) type Said = (u64, String);

/// What is said of a flow: of each step of its close, of what else is worth knowing, and on the last of
/// these frames the verdict.
pub(super) fn words(verdict: &Verdict) -> Vec<Said> {
    let events = verdict.close.iter().filter_map(|entry| match entry {
        CloseEntry::Event(event) => Some((event.frame, of_event(verdict, event)?)),
        CloseEntry::More { .. } => None,
    });
    let mut said: Vec<Said> = events.collect();
    let resets = verdict.resets.iter();
    said.extend(resets.map(|reset| (reset.frame, of_reset(verdict, reset))));
    let last = said.iter().map(|(frame, _)| *frame).max();
    for finding in &verdict.findings {
        if let Some(&frame) = finding.frames.last() {
            let sure = sure(finding.confidence);
            said.push((
                frame,
                format!("{}{sure}: {}", finding.code, finding.message),
            ));
        }
    }
    let frame = last.unwrap_or(verdict.last_frame);
    let (outcome, confidence) = (verdict.outcome, verdict.confidence);
    said.push((
        frame,
        format!("{outcome}, {confidence}: {}", verdict.reason),
    ));
    said
}

/// What is said of a step; of the opening and of probes nothing.
fn of_event(verdict: &Verdict, event: &CloseEvent) -> Option<String> {
    let (side, peer) = (event.from, event.from.peer());
    let owned = verdict.time_wait.iter().find(|entry| entry.owner == side);
    Some(match event.event {
        Event::Fin => format!("{side} FIN{}{}", of_close(verdict, side), will_own(owned)),
        Event::FinAgain => format!("{side} FIN again"),
        Event::FinAcked => {
            let begins =
                owned.is_some_and(|entry| entry.start.is_some() && entry.start == event.time);
            let begins = if begins { "; its TIME-WAIT begins" } else { "" };
            format!("{side} acknowledges the {peer}'s FIN{begins}")
        }
        Event::TimeWaitAck if owned.is_some() => {
            format!("{side} acknowledges the {peer}'s FIN again; its TIME-WAIT begins anew")
        }
        Event::TimeWaitAck => format!("{side} acknowledges the {peer}'s FIN again"),
        // Resets have a list of their own.
        _ => return None,
    })
}

/// Which close a side's FIN is.
fn of_close(verdict: &Verdict, side: Side) -> String {
    let how = match (verdict.active_closer, side) {
        (ActiveCloser::Both, _) => ", active close on both sides",
        (ActiveCloser::Client, Side::Client) | (ActiveCloser::Server, Side::Server) => {
            ", active close"
        }
        (ActiveCloser::Client | ActiveCloser::Server, _) => ", passive close",
        _ => return String::new(),
    };
    format!("{how}{}", sure(verdict.confidence))
}

fn will_own(owned: Option<&TimeWait>) -> String {
    owned.map_or_else(String::new, |entry| {
        let sure = sure(entry.confidence);
        format!("; TIME-WAIT will be the {}'s{sure}", entry.owner)
    })
}

fn of_reset(verdict: &Verdict, reset: &Reset) -> String {
    let side = reset.from;
    let what = match reset.fate {
        RstFate::Challenged => "challenged by its receiver",
        RstFate::Ignored => "its receiver went on",
        RstFate::Effective => "",
    };
    if !what.is_empty() {
        return format!("{side} RST, {what}");
    }
    let cause = verdict.abort_cause.zip(verdict.cause_confidence);
    let is_first = verdict.resets.iter().find(|r| r.fate == RstFate::Effective);
    match cause.filter(|_| is_first == Some(reset)) {
        Some((cause, confidence)) => {
            format!("{side} RST, it ends the connection; cause {cause}, {confidence}")
        }
        None => format!("{side} RST"),
    }
}

/// How sure something is; nothing where it is certain.
const fn sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "",
        Confidence::Likely => " (likely)",
        Confidence::Possible => " (possible)",
    }
}
