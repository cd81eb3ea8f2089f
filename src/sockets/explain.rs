//! Which flow a socket is.

use super::course::Stay;
use super::join::{Flows, Part, View, pair};
use super::like::Like;
use super::line::Socket;
use super::reading::readings;
use super::result::{ClosedBy, Explained};
use super::span::span;
use super::taken::TakenFrom;
use super::timer::TimerKind;
use crate::close::SCHEMA;
use crate::close::verdict::{ActiveCloser, Confidence, Side, State};
use crate::stamp::{SECOND, Time};

/// How many flows are named that may be a socket.
const NAMED: usize = 8;

/// Says of a socket which flow it is.
pub(super) fn explain(socket: &Socket, (flows, like): (&Flows, &Like), view: &View) -> Explained {
    let mut explained = blank(socket, view);
    if let Some(ends) = pair(socket) {
        let parts = flows.of(ends, view.span().map(|(_, last)| last));
        match best(socket, &parts, view) {
            Some(part) => tell(&mut explained, socket, part, view),
            None => explained.message = unexplained(socket, view),
        }
        return explained;
    }
    let parts = like.of(socket);
    let parts: Vec<Part> = parts
        .filter(|part| stay(socket, *part, view).is_some())
        .collect();
    explained.candidate_count = parts.len() as u64;
    match parts.as_slice() {
        [] => {
            explained.message =
                String::from("no flow of the capture has these ports in this state");
        }
        [part] => {
            tell(&mut explained, socket, *part, view);
            explained.confidence = Some(Confidence::Possible);
        }
        several => {
            let named = several.iter().take(NAMED).map(|(course, _)| course.flow);
            explained.candidates = named.collect();
            explained.candidates.sort_unstable();
            let count = several.len();
            explained.message = format!("one of {count} flows with these ports in this state");
        }
    }
    explained
}

/// What the list alone says.
fn blank(socket: &Socket, view: &View) -> Explained {
    let until = left(socket).and_then(|_| runs_out(socket, view));
    Explained {
        schema: SCHEMA,
        line: socket.line,
        tool: socket.tool,
        state: socket.state,
        local: socket.local.clone(),
        peer: socket.peer.clone(),
        recv_q: socket.recv_q,
        send_q: socket.send_q,
        timer: socket.timer,
        process: socket.process.clone(),
        flow: None,
        confidence: None,
        candidates: Vec::new(),
        candidate_count: 0,
        side: None,
        expected: None,
        agrees: None,
        closed_by: match socket.state {
            // TIME-WAIT or FIN-WAIT-2.
            State::Unknown if is_timewait(socket) => ClosedBy::Local,
            state => by_state(state),
        },
        active_closer: None,
        outcome: None,
        since: until.map(|until| until.plus(view.time_wait.saturating_neg())),
        until,
        wireshark_filter: None,
        message: String::new(),
        readings: readings(socket, view),
    }
}

/// Who closed first, which a state says by itself (RFC 9293 section 3.3.2).
const fn by_state(state: State) -> ClosedBy {
    match state {
        State::FinWait1 | State::FinWait2 | State::TimeWait => ClosedBy::Local,
        State::CloseWait | State::LastAck => ClosedBy::Peer,
        State::Closing => ClosedBy::Both,
        State::Established | State::SynSent | State::SynReceived => ClosedBy::None,
        _ => ClosedBy::Unknown,
    }
}

/// Nanoseconds that a socket in TIME-WAIT still has.
fn left(socket: &Socket) -> Option<i64> {
    let timer = socket.timer.filter(|t| t.kind == TimerKind::TimeWait)?;
    timer.left_ns.filter(|_| socket.state == State::TimeWait)
}

/// When the timer of a timewait socket runs out, where it is known when the list was taken.
fn runs_out(socket: &Socket, view: &View) -> Option<Time> {
    let timer = socket.timer.filter(|t| t.kind == TimerKind::TimeWait)?;
    let known = view.taken.from != TakenFrom::CaptureEnd;
    Some(view.taken.at.filter(|_| known)?.plus(timer.left_ns?))
}

/// The flow in that state then, else the last one that had begun, else the next.
fn best<'a>(socket: &Socket, parts: &[Part<'a>], view: &View) -> Option<Part<'a>> {
    let last = view.span().map(|(_, last)| last);
    let begun = |(course, _): &&Part| last.is_none_or(|last| course.start <= Some(last));
    let agrees = |part: &&Part| stay(socket, **part, view).is_some();
    let found = parts.iter().find(|part| begun(part) && agrees(part));
    // A connection may be older than its first frame.
    let found = found.or_else(|| parts.iter().find(agrees));
    let found = found.or_else(|| parts.iter().find(begun));
    found.or(parts.last()).copied()
}

/// The state of the socket as the capture shows it, if it does so for the time of the list.
fn stay(socket: &Socket, (course, side): Part, view: &View) -> Option<Stay> {
    let is = |state| match socket.state {
        State::Unknown => is_timewait(socket) == matches!(state, State::TimeWait | State::FinWait2),
        listed => listed == state,
    };
    let span = if has_run_out(socket) {
        view.late_span()
    } else {
        view.span()
    };
    course.held(side, span).find(|stay| is(stay.state))
}

/// A timewait socket whose timer has nothing left.
fn has_run_out(socket: &Socket) -> bool {
    is_timewait(socket) && socket.timer.is_some_and(|timer| timer.left_ns == Some(0))
}

fn is_timewait(socket: &Socket) -> bool {
    socket.timer.is_some_and(|t| t.kind == TimerKind::TimeWait)
}

/// It is that flow.
fn tell(explained: &mut Explained, socket: &Socket, part: Part, view: &View) {
    let (course, side) = part;
    let shown = stay(socket, part, view);
    let told = course.stays(side).next().is_some();
    let then = course.at(side, view.taken.at).map(|stay| stay.state);
    explained.flow = Some(course.flow);
    explained.candidate_count = 1;
    explained.side = Some(side);
    explained.outcome = Some(course.outcome);
    explained.active_closer = Some(course.active_closer);
    explained.wireshark_filter = Some(course.filter);
    let expected = shown.map(|stay| stay.state).or(then);
    explained.expected = expected.or_else(|| told.then_some(State::Closed));
    explained.agrees = told.then_some(shown.is_some());
    let closed = closed_by(part);
    let is_open = by_state(socket.state) == ClosedBy::None && shown.is_some();
    if closed != ClosedBy::Unknown && !is_open {
        explained.closed_by = closed;
    }
    let Some(shown) = shown else {
        explained.confidence = Some(Confidence::Possible);
        explained.message = disagreement(socket, part, explained.expected, view);
        return;
    };
    let wait = course.wait(side).filter(|_| shown.state == State::TimeWait);
    explained.since = wait.and_then(|wait| wait.start).or(shown.from);
    explained.until = wait
        .and_then(|wait| wait.end)
        .or(shown.to.filter(|_| wait.is_some()));
    explained.confidence = Some(confidence(socket, explained.until, view));
    explained.message = agreement(shown, explained.until, view);
    let restarts = wait.map_or(0, |wait| wait.restarts);
    if restarts > 0 {
        let text = format!("TIME-WAIT began anew {restarts} times: the peer repeated its FIN");
        explained.readings.push(text);
    }
    explained
        .readings
        .extend(off(socket, explained.until, view));
}

/// By the verdict, as this side sees it.
const fn closed_by((course, side): Part) -> ClosedBy {
    match (course.active_closer, side) {
        (ActiveCloser::Both, _) => ClosedBy::Both,
        (ActiveCloser::Client, Side::Client) | (ActiveCloser::Server, Side::Server) => {
            ClosedBy::Local
        }
        (ActiveCloser::Client, Side::Server) | (ActiveCloser::Server, Side::Client) => {
            ClosedBy::Peer
        }
        _ => ClosedBy::Unknown,
    }
}

/// The same ends in the same state may be a later connection, or another host's. Of a TIME-WAIT whose
/// timer runs out when the flow's does that cannot be, where it is known when the list was taken.
fn confidence(socket: &Socket, until: Option<Time>, view: &View) -> Confidence {
    let known = match view.taken.from {
        TakenFrom::User => true,
        TakenFrom::Timers => view.taken.agreeing > 1,
        TakenFrom::CaptureEnd => false,
    };
    let near = apart(socket, until, view).is_some_and(|apart| apart <= SECOND);
    if known && near {
        Confidence::Certain
    } else {
        Confidence::Likely
    }
}

/// How far the timer's end and the flow's lie from each other.
fn apart(socket: &Socket, until: Option<Time>, view: &View) -> Option<i64> {
    Some(runs_out(socket, view)?.since(until?).saturating_abs())
}

/// What a timer says that does not run out when the capture lets expect it.
fn off(socket: &Socket, until: Option<Time>, view: &View) -> Option<String> {
    let resolution = socket.timer.map_or(0, |timer| timer.resolution_ns);
    let apart = apart(socket, until, view)?;
    let far = apart > SECOND + resolution && !has_run_out(socket);
    let later = runs_out(socket, view) > until;
    let (way, why) = if later {
        (
            "later",
            "the peer's FIN came again and the capture does not show it",
        )
    } else {
        (
            "earlier",
            "the host keeps TIME-WAIT for a shorter time than --time-wait says",
        )
    };
    far.then(|| format!("its timer runs out {} {way} than the capture lets expect: {why}, or the list is of another time", span(apart)))
}

/// What the capture shows of a socket in the state of the list.
fn agreement(stay: Stay, until: Option<Time>, view: &View) -> String {
    let long = view
        .since(stay.from)
        .map(|nanos| format!(" for {}", span(nanos)));
    let long = long.unwrap_or_default();
    match stay.state {
        State::TimeWait => match (until, view.taken.at) {
            (Some(until), Some(at)) if until > at => format!("ends in {}", span(until.since(at))),
            _ => "is about to end".to_owned(),
        },
        State::CloseWait => format!("the peer closed; this host has not{long}"),
        State::FinWait2 => format!("this host closed, the peer has not{long}"),
        State::FinWait1 => format!("this host's FIN has not been acknowledged{long}"),
        State::LastAck => {
            format!("both closed; this host's FIN has not been acknowledged{long}")
        }
        State::Closing => {
            format!("the FINs crossed; this host's has not been acknowledged{long}")
        }
        State::SynReceived => format!("its SYN-ACK has not been acknowledged{long}"),
        State::SynSent => format!("its SYN has not been answered{long}"),
        _ => "open".to_owned(),
    }
}

/// Why the list shows another state than the capture.
fn disagreement(
    socket: &Socket,
    (course, side): Part,
    expected: Option<State>,
    view: &View,
) -> String {
    let (flow, state) = (course.flow, socket.state);
    let Some(at) = view.taken.at else {
        return format!("flow {flow} has these ends; the capture does not show its state");
    };
    if let Some(later) = course.start.map(|start| start.since(at)).filter(|&n| n > 0) {
        return format!(
            "flow {flow} has these ends but began {} after the list",
            span(later)
        );
    }
    let mut same = course.stays(side).filter(|stay| stay.state == state);
    if let Some(stay) = same.next() {
        if let Some(later) = stay.from.map(|from| from.since(at)).filter(|&n| n > 0) {
            return format!("it came to {state} {} after the list", span(later));
        }
        let since = stay.to.and_then(|to| view.since(Some(to)));
        let since = since.map_or_else(String::new, |n| format!(" {}", span(n)));
        return format!(
            "by the capture it left {state}{since} before the list: what it received then was lost \
             behind the capture point, or the list is older"
        );
    }
    match expected {
        None => format!("flow {flow} has these ends; the capture does not show this side's state"),
        Some(State::Closed) => format!(
            "by the capture it is over ({}): what ended it has not reached this host, or the list is \
             of another time",
            course.outcome
        ),
        Some(expected) => format!(
            "the capture shows {expected} ({}): what makes the difference was lost on one side of it, \
             or the list is of another time",
            course.outcome
        ),
    }
}

/// Why the capture may hold nothing of it.
fn unexplained(socket: &Socket, view: &View) -> String {
    let mut text = "no flow of the capture has these ends".to_owned();
    let ends = [&socket.local, &socket.peer];
    let loopback = ends.map(|end| end.endpoint().is_some_and(|end| end.addr.is_loopback()));
    let quiet = [State::Established, State::CloseWait, State::FinWait2];
    if let Some(left) = left(socket) {
        let ago = view.time_wait.saturating_sub(left);
        let began = runs_out(socket, view).map(|end| end.plus(view.time_wait.saturating_neg()));
        let before = began
            .zip(view.start)
            .is_some_and(|(began, start)| began < start);
        text.push_str(": by its timer TIME-WAIT began ");
        text.push_str(&span(ago));
        text.push_str(" before the list");
        text.push_str(if before {
            ", before the capture did"
        } else {
            ""
        });
    } else if loopback == [true, true] {
        text.push_str(": loopback, which only a capture on that interface shows");
    } else if quiet.contains(&socket.state) {
        text.push_str(": it said nothing while the capture ran, or takes another way");
    }
    text
}
