//! What the applications said last: announced closes, requests without a response, alerts.

use super::{Found, Founds, keepalive_race};
use crate::close::case::Case;
use crate::close::said::{Announced, What, alert, error_name, left_unanswered, unanswered_words};
use crate::close::verdict::{Confidence, Side};
use crate::flow::Alert;
use smallvec::smallvec;

/// A `Connection: close`, where a close followed.
pub(in crate::close) fn close_announced(case: &Case) -> Founds {
    let facts = case.facts;
    let has_closed = [Side::Client, Side::Server]
        .iter()
        .any(|&side| facts.fin(side).is_some());
    if facts.talk().is_none() || !has_closed && case.abort.is_none() {
        return Founds::new();
    }
    let mut all = facts.announced();
    all.retain(|announced| !matches!(announced.what, What::GoAway(_)));
    let Some(last) = all.last() else {
        return Founds::new();
    };
    let words: Vec<String> = all.iter().map(Announced::words).collect();
    let frames = all.iter().map(|announced| announced.frame);
    let mut found = Found::likely(Some(last.side), frames, words.join("; "));
    for announced in &all {
        let key = match announced.what {
            What::Asked => "asked_in_frame",
            _ => "announced_in_frame",
        };
        found = found.with(key, announced.frame);
    }
    smallvec![found.sure(Confidence::Certain)]
}

/// A request that the end of the connection left without a complete response.
pub(in crate::close) fn request_unanswered(case: &Case) -> Founds {
    let Some(unanswered) = left_unanswered(case) else {
        return Founds::new();
    };
    // Of a race that finding tells more, and the verdict names the request.
    if !keepalive_race(case).is_empty() {
        return Founds::new();
    }
    let request = unanswered.request;
    let response = unanswered.response;
    let side = case.facts.talk().and_then(|talk| talk.asker);
    let side = side.map(|asker| case.facts.side(asker).peer());
    let frames = [Some(request.frame), response.map(|response| response.frame)];
    let frames = frames.into_iter().flatten();
    let found = Found::likely(side, frames, unanswered_words(&unanswered))
        .with("method", request.what.method.name())
        .with("path", request.what.path.to_string())
        .with("acknowledged", unanswered.acknowledged);
    smallvec![match response {
        Some(response) => found
            .with("status", response.what.status)
            .with("late", unanswered.is_late),
        None => found,
    }]
}

/// A GOAWAY of HTTP/2 in clear.
pub(in crate::close) fn goaway(case: &Case) -> Founds {
    let of = |side| {
        let heard = case.facts.go_away(side)?;
        let (away, frame) = (heard.what, heard.frame);
        let (error, last) = (error_name(away), away.last_stream);
        let message = format!(
            "the {side} announced the end of the connection by GOAWAY in frame {frame}: {error}, last \
             stream {last}"
        );
        let found = Found::likely(Some(side), [frame], message);
        let found = found.with("error", error).with("error_code", away.error);
        Some(found.with("last_stream", last))
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(of)
        .collect()
}

/// A TLS alert, clear or not.
pub(in crate::close) fn tls_alert(case: &Case) -> Founds {
    let of = |side| {
        let heard = case.facts.alert(side)?;
        let frame = heard.frame;
        let found = |message| Found::likely(Some(side), [frame], message);
        Some(match heard.what {
            Alert::Encrypted => {
                let message = format!(
                    "the {side} sent an encrypted TLS alert in frame {frame}, most likely close_notify"
                );
                found(message).with("encrypted", true)
            }
            Alert::Clear(level, number) => {
                let message = format!(
                    "the {side} sent the TLS {} in frame {frame}",
                    alert(heard.what)
                );
                let found = found(message).with("encrypted", false);
                let found = found.with("level", level).with("description", number);
                match heard.what.description() {
                    Some(name) => found.with("name", name),
                    None => found,
                }
            }
        })
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(of)
        .collect()
}
