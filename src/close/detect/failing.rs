//! Openings that fail: what ICMP says, and who does not answer.

use super::{Found, Founds, as_seconds, seconds, times};
use crate::close::case::Case;
use crate::close::verdict::{Confidence, Outcome, Side};
use crate::flow::{ErrorSeen, IcmpKind, Seen};
use smallvec::smallvec;

/// ICMP errors about a segment of the connection.
pub(in crate::close) fn icmp_error(case: &Case) -> Founds {
    let mut errors = case.facts.errors();
    let first = errors.next();
    let last = errors.last().filter(|last| Some(last) != first.as_ref());
    first
        .map(|first| told(case, &first, last))
        .into_iter()
        .collect()
}

fn told(case: &Case, error: &ErrorSeen, last: Option<ErrorSeen>) -> Found {
    let side = case.facts.side(error.from);
    let from = error.reporter.ip();
    let sender = if error.by_receiver {
        format!("the {}'s own address", side.peer())
    } else {
        format!("{from}, a device on the way")
    };
    let [icmp_type, icmp_code] = error.number;
    let opening = case.facts.flow.is_syn_only();
    let message = format!(
        "an ICMP error ({}) from {sender} answers a segment of the {side} in frame {}: {}",
        error.kind.name(),
        error.at.frame,
        meaning(error.kind, opening)
    );
    let frames = [Some(error.at), last.map(|last| last.at)];
    let frames = frames.into_iter().flatten().map(|at| at.frame);
    let count = case.facts.context.errors.map_or(1, |errors| errors.count);
    Found::likely(Some(side), frames, message)
        .with("kind", error.kind.name())
        .with("icmp_type", icmp_type)
        .with("icmp_code", icmp_code)
        .with("reporter", from.to_string())
        .with("count", count)
}

const fn meaning(kind: IcmpKind, opening: bool) -> &'static str {
    match (kind, opening) {
        (IcmpKind::Prohibited, true) => "a firewall refused the connection",
        (IcmpKind::PortUnreachable, true) => {
            "a firewall refused the connection, for a host without a listener answers a SYN by a RST"
        }
        (IcmpKind::HostUnreachable, true) => {
            "there is no route, or nobody has that address: the connection could not be opened"
        }
        (IcmpKind::TimeExceeded, _) => "the hop limit ran out on the way: a routing loop, usually",
        (_, false) => {
            "the path or a rule changed while the connection was open; TCP goes on trying"
        }
    }
}

/// The server repeats its SYN-ACK, and nothing of the client acknowledges it.
pub(in crate::close) fn syn_ack_unanswered(case: &Case) -> Founds {
    let answer = case.facts.half(Side::Server).opening.as_ref();
    let copies = answer.filter(|o| o.ack).map(|o| o.copies);
    let incomplete = case.outcome == Outcome::HandshakeIncomplete;
    let Some(copies) = copies.filter(|copies| incomplete && copies.count > 1) else {
        return Founds::new();
    };
    let syns = case.facts.half(Side::Client).opening.as_ref();
    let syns = syns.map_or(0, |o| o.copies.count);
    let why = if syns > 1 {
        "the client repeats its SYN, so it does not get the SYN-ACK, or drops it"
    } else {
        "the client does not repeat its SYN: it is gone, or never was (a forged address)"
    };
    let span = copies.last.time.since(copies.first.time);
    let message = format!(
        "the server sent its SYN-ACK {} over {} and nothing acknowledges it; {why}",
        times(copies.count),
        seconds(span)
    );
    let frames = [copies.first.frame, copies.last.frame];
    smallvec![
        Found::likely(Some(Side::Server), frames, message)
            .with("syn_acks", copies.count)
            .with("syns", syns)
            .with("seconds", as_seconds(span)),
    ]
}

/// The client's ACK and data reach a server that repeats its SYN-ACK or says nothing at all: its
/// accept queue is full.
pub(in crate::close) fn accept_queue_full(case: &Case) -> Founds {
    let (client, server) = (case.facts.half(Side::Client), case.facts.half(Side::Server));
    let Some(answer) = server.opening.as_ref().filter(|o| o.ack) else {
        return Founds::new();
    };
    let waits = case.outcome == Outcome::Open && !server.spoke && client.payload > 0;
    if !waits {
        return Founds::new();
    }
    let data = |s: &&Seen| !s.is_empty() && !s.flags.syn();
    let sent: Vec<&Seen> = case.facts.sent_by(Side::Client).filter(data).collect();
    let (Some(first), Some(last)) = (sent.first(), sent.last()) else {
        return Founds::new();
    };
    if sent.len() < 2 {
        return Founds::new();
    }
    let span = last.at().time.since(first.at().time);
    let again = answer.copies.count > 1;
    let sure = if again {
        "is full, most likely"
    } else {
        "may be full"
    };
    let message = format!(
        "the client completed the handshake and sent its data {} over {}, but the server sent \
         nothing but its SYN-ACK ({}): its accept queue {sure}",
        times(sent.len() as u64),
        seconds(span),
        times(answer.copies.count)
    );
    let frames = [answer.copies.first.frame, first.at().frame, last.at().frame];
    let sure = if again {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    smallvec![
        Found::likely(Some(Side::Server), frames, message)
            .sure(sure)
            .with("syn_acks", answer.copies.count)
            .with("data_copies", sent.len() as u64)
            .with("seconds", as_seconds(span)),
    ]
}
