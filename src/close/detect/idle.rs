//! The close of an idle connection.

use super::{Found, Founds, as_seconds, seconds};
use crate::close::case::Case;
use crate::close::known;
use crate::close::verdict::{AbortCause, Side, Silence, SilenceEnd};
use smallvec::smallvec;

pub(in crate::close) fn idle_timeout_close(case: &Case) -> Founds {
    let Some(silence) = &case.silence else {
        return Founds::new();
    };
    if silence.how == SilenceEnd::Unanswered {
        return Founds::new(); // nobody closed
    }
    // These have a timeout of another kind.
    let gave_up = [
        AbortCause::KeepaliveTimeout,
        AbortCause::RetransmissionTimeout,
    ];
    if case
        .abort
        .as_ref()
        .is_some_and(|a| gave_up.contains(&a.cause))
    {
        return Founds::new();
    }
    let frames = silence.payload_frame.into_iter().chain([silence.frame]);
    let found = Found::likely(Some(silence.by), frames, "");
    let found = found.with("seconds", as_seconds(silence.nanos()));
    if !case.facts.context.reasons {
        return smallvec![found];
    }
    smallvec![tell(silence, found)]
}

/// The same in words, and with the figures that only people ask for.
fn tell(silence: &Silence, found: Found) -> Found {
    let known = known::of(silence);
    let name = known::names(&known).map_or_else(String::new, |name| format!(": {name}"));
    let message = format!("{}{}{name}", what(silence), whose(silence));
    let mut found = found
        .saying(message)
        .with(
            "since_segment_seconds",
            as_seconds(silence.since_segment_ns),
        )
        .with("how", silence.how.name());
    if let Some(side) = silence.payload_by {
        found = found.with("payload_by", side.name());
    }
    if silence.at_least {
        found = found.with("at_least", true);
    }
    found.with("known_timeouts", known::list(&known))
}

fn what(silence: &Silence) -> String {
    let least = if silence.at_least { "at least " } else { "" };
    let (by, after) = (silence.by, seconds(silence.nanos()));
    match silence.how {
        SilenceEnd::Fin => format!("the {by} closed after {least}{after} of silence"),
        SilenceEnd::Rst => format!("the {by} aborted after {least}{after} of silence"),
        SilenceEnd::Forgotten | SilenceEnd::Unanswered => format!(
            "after {least}{after} of silence the {}'s next segment met a RST: the {by}'s host, or a \
             device before it, had forgotten the connection",
            by.peer()
        ),
    }
}

fn whose(silence: &Silence) -> &'static str {
    let closed = silence.how != SilenceEnd::Forgotten;
    match (silence.by, silence.payload_by) {
        (Side::Client, Some(Side::Client)) if closed => {
            "; its own payload was the last, so it may have waited for an answer"
        }
        (Side::Server, Some(Side::Client)) if closed => {
            "; the client's payload was the last and has no answer"
        }
        _ => "",
    }
}
