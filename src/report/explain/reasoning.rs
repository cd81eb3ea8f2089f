//! The verdict in sentences: why it is what it is, and what the capture cannot show.

use crate::close::TLS13;
use crate::close::cause::CAUSES;
use crate::close::verdict::{
    AbortCause, AbortedBy, ActiveCloser, Basis, CloseEntry, CloseEvent, Confidence, EndedBy, Event,
    FinalAck, Finding, Reset, RolesFrom, RstFate, RstFit, RstForm, Side, TimeWait, Verdict,
};
use crate::report::time::{seconds, span};
use crate::seq::SeqNum;
use crate::stamp::Time;

/// The verdict in one line.
pub(super) fn headline(verdict: &Verdict) -> String {
    let mut parts = vec![format!("{}, {}", verdict.outcome, verdict.confidence)];
    match verdict.active_closer {
        ActiveCloser::Client | ActiveCloser::Server => {
            parts.push(format!("closed first by the {}", verdict.active_closer));
        }
        ActiveCloser::Both => parts.push("closed by both at once".to_owned()),
        ActiveCloser::None | ActiveCloser::Unknown => {}
    }
    parts.extend(
        verdict
            .aborted_by
            .map(|by| format!("reset by {}", whom(by))),
    );
    let owners = verdict.time_wait.iter();
    parts.extend(owners.map(|wait| format!("TIME-WAIT on the {}", wait.owner)));
    parts.join("; ")
}

/// Why, sentence by sentence.
pub(super) fn sentences(verdict: &Verdict) -> Vec<String> {
    let mut all = vec![sentence(&verdict.reason)];
    all.extend(fins(verdict));
    all.extend(closer(verdict));
    all.extend(final_ack(verdict));
    all.extend(
        verdict
            .time_wait
            .iter()
            .map(|wait| time_wait(verdict, wait)),
    );
    all.extend(verdict.resets.iter().map(|rst| reset(verdict, rst)));
    all.extend(abort(verdict));
    let findings = verdict
        .findings
        .iter()
        .filter(|finding| !on_capture(finding));
    all.extend(findings.map(finding));
    all
}

/// With a capital at the beginning and a full stop at the end.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    let stop = if text.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{}{}{stop}", first.unwrap_or_default(), chars.as_str())
}

/// What the capture cannot show, or not surely.
pub(super) fn limits(verdict: &Verdict) -> Vec<String> {
    let mut all = Vec::new();
    match verdict.confidence {
        Confidence::Certain => {}
        Confidence::Likely => all.push(
            "The verdict is likely and not certain: it is the usual reading of these frames, and \
             missing or unseen ones could change it."
                .to_owned(),
        ),
        Confidence::Possible => {
            all.push("The verdict is only possible: take it for a hint.".to_owned());
        }
    }
    all.extend(alternatives(verdict));
    if verdict
        .time_wait
        .iter()
        .any(|wait| wait.basis == Basis::Rule)
    {
        all.push(
            "TIME-WAIT is by the rules of TCP and was not seen: a host told to keep none \
             (tcp_max_tw_buckets) sends the same frames."
                .to_owned(),
        );
    }
    let computed = |wait: &TimeWait| matches!(wait.ended_by, EndedBy::Expiry | EndedBy::CaptureEnd);
    if verdict.time_wait.iter().any(computed) {
        all.push("The end of TIME-WAIT is computed: nothing is sent when it runs out.".to_owned());
    }
    if matches!(verdict.final_ack, FinalAck::Unseen | FinalAck::Unknown) {
        all.push("Whether the final ACK arrived is not in the capture.".to_owned());
    }
    if speaks_tls13(verdict) {
        all.push(
            "TLS 1.3 hides the type of its records: whether close_notify was sent before the FIN or \
             the RST is not in the capture."
                .to_owned(),
        );
    }
    if verdict.roles_from == RolesFrom::PortGuess {
        all.push(
            "No SYN was captured: the higher port is taken for the client's, and numbers count \
             from the first that was seen of each side."
                .to_owned(),
        );
    }
    let findings = verdict
        .findings
        .iter()
        .filter(|finding| on_capture(finding));
    all.extend(findings.map(finding));
    all
}

fn speaks_tls13(verdict: &Verdict) -> bool {
    let application = verdict.application.as_ref();
    application.is_some_and(|application| application.protocol == TLS13)
}

fn on_capture(finding: &Finding) -> bool {
    finding.code.name().starts_with("capture-")
}

/// What each side's FIN occupies and acknowledges: the numbers on which the closer hinges.
fn fins(verdict: &Verdict) -> Vec<String> {
    let mut sides = [Side::Client, Side::Server];
    sides.sort_by_key(|&side| fin_of(verdict, side).map(|fin| fin.frame));
    let fins = sides.into_iter().filter_map(|side| fin_of(verdict, side));
    fins.map(|fin| one_fin(verdict, fin)).collect()
}

/// An ACK equal to the FIN's own number is one of the data before it: the usual stumbling block.
fn one_fin(verdict: &Verdict, fin: &CloseEvent) -> String {
    let (side, number) = (fin.from, fin_number(fin));
    let behind = SeqNum(number).plus(1).0;
    let occupies = format!(
        "Frame {}: the {side}'s FIN occupies number {number} (an ACK of {number} is for what \
         comes before it, one of {behind} covers it)",
        fin.frame
    );
    let peer = fin_of(verdict, side.peer());
    let Some((peer, ack)) = peer.zip(fin.ack) else {
        return format!("{occupies}.");
    };
    let peers = fin_number(peer);
    let covers = if SeqNum(ack).after(SeqNum(peers)) {
        "covers"
    } else {
        "does not cover"
    };
    format!(
        "{occupies}; its own ACK, {ack}, {covers} the {}'s FIN (number {peers}, frame {}).",
        peer.from, peer.frame
    )
}

fn events(verdict: &Verdict) -> impl DoubleEndedIterator<Item = &CloseEvent> {
    verdict.close.iter().filter_map(|entry| match entry {
        CloseEntry::Event(event) => Some(event),
        CloseEntry::More { .. } => None,
    })
}

fn fin_of(verdict: &Verdict, side: Side) -> Option<&CloseEvent> {
    events(verdict).find(|event| event.event == Event::Fin && event.from == side)
}

/// The number that the FIN itself occupies, behind its payload.
const fn fin_number(fin: &CloseEvent) -> u32 {
    SeqNum(fin.seq).plus(fin.len).0
}

fn closer(verdict: &Verdict) -> Option<String> {
    let side = match verdict.active_closer {
        ActiveCloser::Client => Side::Client,
        ActiveCloser::Server => Side::Server,
        ActiveCloser::Both => {
            let both = "Both sides are active closers: each sent its FIN before it had received \
                        the other's.";
            return Some(both.to_owned());
        }
        ActiveCloser::None => return None,
        ActiveCloser::Unknown => {
            return Some("The capture does not tell who closed first.".to_owned());
        }
    };
    let sure = match verdict.confidence {
        Confidence::Certain => "",
        Confidence::Likely => "most likely ",
        Confidence::Possible => "possibly ",
    };
    let peer = side.peer();
    let why = match fin_of(verdict, peer) {
        Some(_) => format!("it sent its FIN without having received the {peer}'s"),
        None => format!("no FIN of the {peer} was seen"),
    };
    Some(format!("The {side} is {sure}the active closer: {why}."))
}

/// What became of the ACK of the second FIN, where there was one.
fn final_ack(verdict: &Verdict) -> Option<String> {
    let what = match verdict.final_ack {
        FinalAck::None => return None,
        FinalAck::Seen => {
            let mut acks = events(verdict).filter(|event| event.event == Event::FinAcked);
            let frame = acks
                .next_back()
                .map(|event| format!(" in frame {}", event.frame));
            return Some(format!(
                "The final ACK was captured{}.",
                frame.unwrap_or_default()
            ));
        }
        FinalAck::LostAfter => "passed the capture point and was lost behind it",
        FinalAck::LostBefore => "was lost before it came to the capture point",
        FinalAck::Never => "was never sent, as far as the capture shows",
        FinalAck::Unseen => "was most likely sent and not captured",
        FinalAck::Unknown => "is not in the capture, which ends too early to tell",
    };
    Some(format!("The final ACK, that of the second FIN, {what}."))
}

/// Who held TIME-WAIT, from when to when, and how it ended.
fn time_wait(verdict: &Verdict, wait: &TimeWait) -> String {
    let owner = wait.owner;
    let at = |time: Option<Time>| {
        let time = time.zip(verdict.start)?;
        Some(format!("{} s", seconds(time.0.since(time.1), 6)))
    };
    let basis = match wait.basis {
        Basis::Rule => "by the rules of TCP",
        Basis::Minisocket => "as its kernel's timewait socket shows",
    };
    let begin = at(wait.start).map_or_else(String::new, |start| format!(" from {start} on"));
    let again = match wait.restarts {
        0 => String::new(),
        1 => ", started anew once".to_owned(),
        n => format!(", started anew {n} times"),
    };
    let end = at(wait.end).map_or_else(String::new, |end| format!(" at {end}"));
    let ended = match wait.ended_by {
        EndedBy::Expiry | EndedBy::CaptureEnd if wait.start.is_none() => {
            "its beginning was not captured".to_owned()
        }
        EndedBy::Expiry => format!("it ran out{end}"),
        EndedBy::CaptureEnd => match wait.left_ns {
            Some(left) => format!("{} of it were left when the capture ended", span(left)),
            None => "it was still running when the capture ended".to_owned(),
        },
        EndedBy::Reused => format!("a new connection took its place{end}"),
        EndedBy::Reset => format!("a RST ended it{end}"),
        EndedBy::Gone => "its host had none any more when asked".to_owned(),
    };
    let sure = wait.confidence;
    format!("The {owner} held TIME-WAIT{begin}{again}, {basis}; {ended} ({sure}).")
}

fn reset(verdict: &Verdict, reset: &Reset) -> String {
    let doubted = matches!(
        verdict.aborted_by,
        Some(AbortedBy::Middlebox | AbortedBy::Unknown)
    );
    let whose = if doubted {
        format!("a RST in the {}'s name", reset.from)
    } else {
        format!("the {}'s RST", reset.from)
    };
    let form = match reset.form {
        RstForm::Active => "sent by a live connection that is aborted",
        RstForm::Reply => "the answer to a segment that no connection accepts",
    };
    let fit = match reset.fit {
        RstFit::Exact => "exactly the number its receiver expected",
        RstFit::InWindow => "within its receiver's window, not at its edge",
        RstFit::Outside => "outside of its receiver's window",
        RstFit::Unknown => "a number that cannot be compared with what its receiver expected",
    };
    let fate = match reset.fate {
        RstFate::Effective if verdict.aborted_by.is_none() => "the connection was closed already",
        RstFate::Effective => "it took effect",
        RstFate::Challenged => "its receiver sent a challenge ACK (RFC 5961) and went on",
        RstFate::Ignored => "it aborted nothing",
    };
    let copies = match reset.copies {
        0 | 1 => String::new(),
        n => format!(" ({n} copies)"),
    };
    format!(
        "Frame {}: {whose}{copies} has the {} form, {form}, and {fit}; {fate}.",
        reset.frame, reset.form
    )
}

const fn whom(by: AbortedBy) -> &'static str {
    match by {
        AbortedBy::Client => "the client",
        AbortedBy::Server => "the server",
        AbortedBy::Both => "both sides",
        AbortedBy::Middlebox => "something between the two",
        AbortedBy::Unknown => "an unknown sender",
    }
}

/// Who aborted, and why.
fn abort(verdict: &Verdict) -> Option<String> {
    let by = whom(verdict.aborted_by?);
    let Some(cause) = verdict.abort_cause else {
        return Some(format!("It was reset by {by}."));
    };
    let sure = verdict.cause_confidence;
    let sure = sure.map(|sure| format!(", {sure}")).unwrap_or_default();
    let meaning = meaning(cause);
    let linux = CAUSES.iter().find(|row| row.value == cause);
    let linux = linux.map_or("", |row| row.term.linux);
    let confirm = if linux.is_empty() {
        String::new()
    } else {
        format!(" To confirm it on a Linux host: {linux}.")
    };
    Some(format!(
        "It was reset by {by}; the cause is {cause}{sure}: {meaning}.{confirm}"
    ))
}

fn meaning(cause: AbortCause) -> &'static str {
    let row = CAUSES.iter().find(|row| row.value == cause);
    row.map_or("", |row| row.term.summary)
}

/// The causes that would look the same.
fn alternatives(verdict: &Verdict) -> Vec<String> {
    let others = verdict.cause_alternatives.iter();
    let sentences = others.map(|&other| {
        let meaning = meaning(other);
        format!("The cause may also be {other}: {meaning}.")
    });
    sentences.collect()
}

fn finding(finding: &Finding) -> String {
    let (code, severity, sure) = (finding.code, finding.severity, finding.confidence);
    format!(
        "{code} ({severity}, {sure}): {}",
        sentence(&finding.message)
    )
}
