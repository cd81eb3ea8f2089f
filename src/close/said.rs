//! What the applications said last, in the report's words.

use crate::close::case::Case;
use crate::close::facts::Facts;
use crate::close::verdict::{ActiveCloser, Application, InFlight, LastWords, Side};
use crate::flow::{
    Alert, Connection, GoAway, Heard, Protocol, Request, Response, Talk, Unanswered,
};
use std::fmt::Write;

/// The name of the version that hides the type of its records.
pub const TLS13: &str = "TLS 1.3";

/// A message about the close, and the side that sent it.
pub(super) struct Announced {
    pub(super) side: Side,
    pub(super) frame: u64,
    pub(super) what: What,
}

/// What announces a close.
pub(super) enum What {
    /// `Connection: close` in a request.
    Asked,
    /// The same in a response.
    Close,
    /// HTTP/2's GOAWAY.
    GoAway(GoAway),
}

impl Facts<'_> {
    /// What was said, if anything was understood.
    pub(super) fn talk(&self) -> Option<&Talk> {
        self.flow.talk.as_deref()
    }

    /// The last request without a complete response.
    pub(super) fn unanswered(&self) -> Option<Unanswered<'_>> {
        self.talk()?.unanswered(self.flow)
    }

    /// The last request, and who sent it.
    fn request(&self) -> Option<(Side, &Heard<Request>)> {
        let talk = self.talk()?;
        let side = self.side(talk.asker?);
        talk.request.as_ref().map(|request| (side, request))
    }

    fn response(&self) -> Option<(Side, &Heard<Response>)> {
        let talk = self.talk()?;
        let side = self.side(talk.asker?).peer();
        talk.response.as_ref().map(|response| (side, response))
    }

    pub(super) fn go_away(&self, side: Side) -> Option<&Heard<GoAway>> {
        let at = usize::from(self.index(side) & 1);
        self.talk().and_then(|talk| talk.go_away[at].as_ref())
    }

    pub(super) fn alert(&self, side: Side) -> Option<&Heard<Alert>> {
        let at = usize::from(self.index(side) & 1);
        self.talk().and_then(|talk| talk.alert[at].as_ref())
    }

    /// Who announced the close: a response, a GOAWAY; who asked for it.
    pub(super) fn announced(&self) -> Vec<Announced> {
        let mut all = Vec::new();
        if let Some((side, request)) = self.request()
            && request.what.connection == Some(Connection::Close)
        {
            let (frame, what) = (request.frame, What::Asked);
            all.push(Announced { side, frame, what });
        }
        if let Some((side, response)) = self.response()
            && response.what.connection == Some(Connection::Close)
        {
            let (frame, what) = (response.frame, What::Close);
            all.push(Announced { side, frame, what });
        }
        for side in [Side::Client, Side::Server] {
            all.extend(self.go_away(side).map(|away| {
                let (frame, what) = (away.frame, What::GoAway(away.what));
                Announced { side, frame, what }
            }));
        }
        all
    }
}

impl Announced {
    /// In a sentence on the close.
    pub(super) fn words(&self) -> String {
        let (side, frame) = (self.side, self.frame);
        match &self.what {
            What::Asked => format!("the {side} asked for it: Connection: close in frame {frame}"),
            What::Close => {
                format!("the {side} announced it: Connection: close in frame {frame}")
            }
            What::GoAway(away) => {
                format!(
                    "the {side} announced it: {} in frame {frame}",
                    go_away(*away)
                )
            }
        }
    }
}

/// What the reason adds: what announced the close of the side that closed first, and the request that
/// it left unanswered.
pub(super) fn addition(case: &Case) -> String {
    let mut text = String::new();
    let facts = case.facts;
    if facts.talk().is_none() {
        return text;
    }
    let closer = match case.closer.who {
        ActiveCloser::Client => Some(Side::Client),
        ActiveCloser::Server => Some(Side::Server),
        _ => None,
    };
    let decides = |a: &&Announced| Some(a.side) == closer;
    if let Some(announced) = facts.announced().iter().rfind(decides) {
        text.push_str("; ");
        text.push_str(&announced.words());
    }
    if let Some(unanswered) = left_unanswered(case) {
        text.push_str("; ");
        text.push_str(&unanswered_words(&unanswered));
    }
    text
}

/// The request that the end of the flow left without a complete response.
pub(super) fn left_unanswered<'a>(case: &Case<'a, '_>) -> Option<Unanswered<'a>> {
    let (side, _) = case.facts.request()?;
    let is_over = case.outcome.is_over() || case.facts.fin(side.peer()).is_some();
    case.facts.unanswered().filter(|_| is_over)
}

/// Which request, and how far it came.
pub(super) fn unanswered_words(unanswered: &Unanswered) -> String {
    let request = &unanswered.request.what;
    let (method, path, frame) = (
        request.method.name(),
        request.path,
        unanswered.request.frame,
    );
    let acked = if unanswered.acknowledged {
        ""
    } else {
        ", never acknowledged,"
    };
    let request = format!("the request in frame {frame} ({method} {path})");
    let Some(response) = unanswered.response else {
        return format!("{request}{acked} has no response");
    };
    let (at, status) = (response.frame, response.what.status);
    if unanswered.is_late {
        return format!(
            "{request} was given up before its response in frame {at} (status {status}) came"
        );
    }
    format!("{request} has no complete response: that of frame {at} (status {status}) is cut short")
}

/// The report's field.
pub(super) fn in_flight(facts: &Facts) -> Option<InFlight> {
    let Unanswered {
        request,
        response,
        is_late,
        acknowledged,
    } = facts.unanswered()?;
    Some(InFlight {
        frame: request.frame,
        method: request.what.method.name().to_owned(),
        path: request.what.path.to_string(),
        acknowledged,
        status: response
            .filter(|_| !is_late)
            .map(|response| response.what.status),
    })
}

/// The report's field.
pub(super) fn application(facts: &Facts) -> Option<Application> {
    let talk = facts.talk()?;
    let protocol = match talk.protocol {
        Protocol::Tls => tls_name(talk.tls_version),
        Protocol::Http2 => "HTTP/2",
        Protocol::Http1 => "HTTP/1",
    };
    Some(Application {
        protocol: protocol.to_owned(),
        client: last_words(facts, Side::Client),
        server: last_words(facts, Side::Server),
    })
}

const fn tls_name(version: Option<u16>) -> &'static str {
    match version {
        Some(0x0300) => "SSL 3.0",
        Some(0x0301) => "TLS 1.0",
        Some(0x0302) => "TLS 1.1",
        Some(0x0303) => "TLS 1.2",
        Some(0x0304) => TLS13,
        _ => "TLS",
    }
}

fn last_words(facts: &Facts, side: Side) -> Option<LastWords> {
    if let Some(heard) = facts.alert(side) {
        return Some(LastWords::new(heard.frame, alert(heard.what)));
    }
    if let Some(heard) = facts.go_away(side) {
        return Some(LastWords::new(heard.frame, go_away(heard.what)));
    }
    if let Some((_, heard)) = facts.request().filter(|(from, _)| *from == side) {
        let request = &heard.what;
        let line = format!("{} {}", request.method.name(), request.path);
        return Some(LastWords::new(
            heard.frame,
            with_field(line, request.connection),
        ));
    }
    let (_, heard) = facts.response().filter(|(from, _)| *from == side)?;
    let line = format!("status {}", heard.what.status);
    Some(LastWords::new(
        heard.frame,
        with_field(line, heard.what.connection),
    ))
}

fn with_field(mut line: String, connection: Option<Connection>) -> String {
    if let Some(connection) = connection {
        line.push_str(", Connection: ");
        line.push_str(connection.name());
    }
    line
}

/// The error's name, or its number where it has none.
pub(super) fn error_name(away: GoAway) -> String {
    let name = away.error_name().map(str::to_owned);
    name.unwrap_or_else(|| away.error.to_string())
}

fn go_away(away: GoAway) -> String {
    format!(
        "GOAWAY {}, last stream {}",
        error_name(away),
        away.last_stream
    )
}

/// An alert in words.
pub(super) fn alert(alert: Alert) -> String {
    let Alert::Clear(level, number) = alert else {
        return "encrypted alert".to_owned();
    };
    let level = if level == 1 { "warning" } else { "fatal" };
    let mut text = format!("alert {level} ");
    // Writing to a string does not fail.
    let _ = match alert.description() {
        Some(name) => write!(text, "{name} ({number})"),
        None => write!(text, "{number}"),
    };
    text
}
