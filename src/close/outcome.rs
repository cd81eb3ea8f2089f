//! The outcomes: one row each, in the order in which they are tried.

use crate::close::case::Case;
use crate::close::terms::Term;
use crate::close::verdict::{ActiveCloser, Outcome, Side};
use crate::flow::Seen;

/// One outcome, its rule and its explanation.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The outcome.
    pub value: Outcome,
    /// It holds for a flow, if none before it does.
    pub(super) holds: fn(&Case) -> bool,
    /// Its explanation.
    pub term: Term,
}

/// Every outcome, once.
pub const OUTCOMES: &[Row] = &[
    Row {
        value: Outcome::Refused,
        holds: refused,
        term: Term {
            name: "refused",
            summary: "the SYN was answered by a RST",
            recognised: "SYNs and no SYN-ACK; the side that was called sent a RST that \
                acknowledges the SYN.",
            meaning: "The host, or a firewall in its name, said no at once. Usually nothing \
                listens on that port: a service that is down, still starting, or bound to another \
                address.",
            advice: "Look on the server with `ss -ltn 'sport = :PORT'`. If something does listen, \
                look for a firewall rule that rejects with a TCP reset: it looks the same unless \
                its TTL or its speed betrays it (foreign-rst).",
            rfc: &["RFC 9293 3.5.2", "RFC 9293 3.10.7.1"],
            linux: "reset reason NO_SOCKET (trace point tcp:tcp_send_reset); `nstat -az \
                TcpOutRsts`",
            zeek: "REJ",
        },
    },
    Row {
        value: Outcome::Unanswered,
        holds: unanswered,
        term: Term {
            name: "unanswered",
            summary: "SYNs that nobody answered",
            recognised: "One or more SYNs, and nothing of the other side that belongs to them: no \
                SYN-ACK, no RST.",
            meaning: "The SYN or its answer was dropped: a filter, a wrong route, a host that is \
                down, a full accept queue, or a SYN that its receiver discards on purpose. The \
                client waits and repeats it: with Linux's defaults more than two minutes.",
            advice: "Capture at the server. SYNs that arrive there and get no answer: look at its \
                firewall and its listen queue (`ss -ltn`, Recv-Q against Send-Q). SYNs that do not \
                arrive: look at the path.",
            rfc: &["RFC 9293 3.8.3"],
            linux: "on the server `nstat -az TcpExtListenDrops TcpExtListenOverflows`; on the \
                client `ss -tn state syn-sent`",
            zeek: "S0",
        },
    },
    Row {
        value: Outcome::Graceful,
        holds: graceful,
        term: Term {
            name: "graceful",
            summary: "both FINs shown and acknowledged",
            recognised: "Both FINs are in the capture and both were acknowledged, and they did not \
                cross: one side closed first, the other followed.",
            meaning: "The ordinary close. Nothing that was sent before the FINs was lost. The side \
                that closed first owns TIME-WAIT.",
            advice: "Nothing to do. If TIME-WAIT piles up on a host, `active_closer` tells on \
                which side to change who closes first; do not abort connections to avoid it.",
            rfc: &["RFC 9293 3.6"],
            linux: "",
            zeek: "SF",
        },
    },
    Row {
        value: Outcome::Simultaneous,
        holds: simultaneous,
        term: Term {
            name: "simultaneous",
            summary: "both FINs crossed",
            recognised: "Both FINs are in the capture and each side sent its own before it \
                received the other's: neither first FIN acknowledges the other one.",
            meaning: "Both applications closed at about the same moment. It is a clean close, but \
                both sides are active closers and both own a TIME-WAIT.",
            advice: "Nothing to do. Where it is frequent, the two sides probably run the same idle \
                timeout: make one of them longer, or requests will meet a close.",
            rfc: &["RFC 9293 3.6", "RFC 9293 3.10.7.4"],
            linux: "",
            zeek: "SF",
        },
    },
    Row {
        value: Outcome::AbortedAfterFin,
        holds: aborted_after_fin,
        term: Term {
            name: "aborted-after-fin",
            summary: "a RST ended it, and a FIN was seen as well",
            recognised: "A RST ended the connection, and a FIN of it is in the capture as well, \
                before or after the RST.",
            meaning: "One side had begun to close in an orderly way, then one of the two tore the \
                connection down. Data on its way at that moment may be lost. It is often harmless: \
                a client that closes and does not want the rest of an answer.",
            advice: "Read `abort_cause`: data-after-close and unread-data mean that somebody \
                stopped listening while the other was still talking. Compare with what the \
                application logged at that time.",
            rfc: &["RFC 9293 3.5.2", "RFC 9293 3.10.7"],
            linux: "`nstat -az TcpExtTCPAbortOnData TcpExtTCPAbortOnClose`",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: Outcome::Aborted,
        holds: aborted,
        term: Term {
            name: "aborted",
            summary: "a RST ended it",
            recognised: "A RST ended the connection, and no FIN of it was seen.",
            meaning: "The connection was torn down: whatever was sent and not yet received is \
                lost. The receiver's application gets ECONNRESET. Nobody holds TIME-WAIT.",
            advice: "Read `aborted_by` and `abort_cause` first: an application that aborts on \
                purpose, a crash, a keepalive timeout and a middlebox ask for different remedies.",
            rfc: &["RFC 9293 3.5.2", "RFC 9293 3.5.3"],
            linux: "`nstat -az TcpEstabResets TcpOutRsts`",
            zeek: "RSTO, RSTR, RSTOS0 or RSTRH; REJ within the handshake",
        },
    },
    Row {
        value: Outcome::FinalAckMissing,
        holds: final_ack_missing,
        term: Term {
            name: "final-ack-missing",
            summary: "both FINs shown, the second never acknowledged",
            recognised: "Both FINs are in the capture; the one that was sent later is not seen to \
                be acknowledged.",
            meaning: "The passive closer sits in LAST-ACK and repeats its FIN until it is \
                acknowledged or it gives up. All data before that FIN may well have arrived.",
            advice: "See `final_ack` for what became of the ACK. A single case is packet loss; \
                many with one host suggest that something drops packets of closed connections (a \
                NAT or firewall that forgets them at the first FIN).",
            rfc: &["RFC 9293 3.6", "RFC 9293 3.10.7.4"],
            linux: "`ss -tn state last-ack`; after the last repeat `nstat -az \
                TcpExtTCPAbortOnTimeout`",
            zeek: "SF",
        },
    },
    Row {
        value: Outcome::HalfClosed,
        holds: half_closed,
        term: Term {
            name: "half-closed",
            summary: "one side closed, the other has not",
            recognised: "One FIN, and the other side acknowledged it; the other side's FIN was not \
                seen.",
            meaning: "One side has finished sending, the other has not: it is in CLOSE-WAIT, the \
                closer in FIN-WAIT-2. That may be intended (the answer still comes) or an \
                application that forgets to close. FIN-WAIT-2 is not TIME-WAIT and never becomes \
                it by a timeout.",
            advice: "On the side in CLOSE-WAIT look for sockets that stay: `ss -tnp state \
                close-wait` names the process. Only that application can end it, by closing the \
                socket. Do not wait for a timer: the other side's FIN-WAIT-2 vanishes after \
                tcp_fin_timeout and never becomes TIME-WAIT; CLOSE-WAIT stays.",
            rfc: &["RFC 9293 3.6", "RFC 9293 3.3.2"],
            linux: "closer: a FIN-WAIT-2 without a process is dropped after \
                net.ipv4.tcp_fin_timeout (60 s by default)",
            zeek: "S2 or S3",
        },
    },
    Row {
        value: Outcome::FinUnacked,
        holds: fin_unacked,
        term: Term {
            name: "fin-unacked",
            summary: "one FIN, and no ACK of it",
            recognised: "One FIN, and nothing that acknowledges it.",
            meaning: "The closer is in FIN-WAIT-1, as far as the capture shows. The other host or \
                the path is gone, the FIN was lost, or the capture ends too early.",
            advice: "If the FIN is repeated (finding fin-wait-1-stuck), look for where the path \
                broke. The other side does not know of the close and stays ESTABLISHED until it \
                sends, or a keepalive probes. Do not conclude that the peer is broken: loss and a \
                firewall look the same.",
            rfc: &["RFC 9293 3.6"],
            linux: "`ss -tno state fin-wait-1`; after the last repeat `nstat -az \
                TcpExtTCPAbortOnTimeout`",
            zeek: "S2 or S3",
        },
    },
    Row {
        value: Outcome::HandshakeIncomplete,
        holds: handshake_incomplete,
        term: Term {
            name: "handshake-incomplete",
            summary: "a SYN-ACK that the client never acknowledged",
            recognised: "A SYN-ACK, and no segment of the client that acknowledges it.",
            meaning: "The server holds a half-open connection. The SYN-ACK did not reach the \
                client, the client's ACK was lost, or the SYN came from a forged address or a \
                scanner.",
            advice: "Single cases are noise. Many from one network: look at the return path. Many \
                from everywhere: a SYN flood; SYN cookies (net.ipv4.tcp_syncookies) keep the \
                listener alive.",
            rfc: &["RFC 9293 3.5", "RFC 4987"],
            linux: "`ss -tn state syn-recv`; `nstat -az TcpExtTCPReqQFullDoCookies`",
            zeek: "S1",
        },
    },
    Row {
        value: Outcome::Open,
        holds: open,
        term: Term {
            name: "open",
            summary: "no sign of a close",
            recognised: "Traffic in both directions and no FIN and no effective RST.",
            meaning: "No close was captured. The connection was alive when the capture ended, or \
                it died without a packet: a pulled cable, a host that lost power, a middlebox that \
                forgot it.",
            advice: "Nothing, if the capture simply ended. For connections that should be gone ask \
                both hosts with `ss -tno`, or capture for longer than the longest idle timeout.",
            rfc: &["RFC 9293 3.3.2"],
            linux: "`ss -tno state established`",
            zeek: "S1; OTH when the capture starts inside",
        },
    },
    Row {
        value: Outcome::Indeterminate,
        holds: |_| true,
        term: Term {
            name: "indeterminate",
            summary: "too little was seen to tell",
            recognised: "Too few segments, or those of one direction only.",
            meaning: "The capture does not hold enough to say how this connection ended. No answer \
                is the right answer here.",
            advice: "Capture both directions, and begin before the connection does. On a switch \
                see that the mirror port carries both ways. Do not count it with either side.",
            rfc: &[],
            linux: "",
            zeek: "OTH, SH or SHR",
        },
    },
];

/// SYNs of one end, no SYN-ACK, and nothing else but RSTs and ACKs of older connections.
fn only_syns(case: &Case) -> bool {
    case.facts.flow.is_syn_only()
}

fn refused(case: &Case) -> bool {
    // Asked of every flow, and most have no RST.
    if !case.facts.any_reset || !only_syns(case) {
        return false;
    }
    let opening = case.facts.half(Side::Client).opening.as_ref();
    let end = opening.map(|o| o.end);
    let refuses = |s: &Seen| s.flags.rst() && s.flags.ack() && Some(s.ack) == end;
    case.facts.sent_by(Side::Server).any(refuses)
}

fn unanswered(case: &Case) -> bool {
    only_syns(case) && (!case.facts.one_direction() || case.resets.is_empty())
}

/// Of one direction only: no rule that needs both sides holds.
/// Where one end is all that was captured, no row but the last one may hold. FINs and ACKs of both, and
/// an abort, are not to be had then: who asks for those has asked for both ends.
fn two_sided(case: &Case) -> bool {
    !case.facts.one_direction()
}

fn both_active(case: &Case) -> bool {
    case.closer.who == ActiveCloser::Both
}

fn graceful(case: &Case) -> bool {
    case.both_acked() && !both_active(case)
}

fn simultaneous(case: &Case) -> bool {
    case.facts.both_fins() && both_active(case) && (case.both_acked() || case.abort.is_none())
}

fn any_fin(case: &Case) -> bool {
    case.facts.fin(Side::Client).is_some() || case.facts.fin(Side::Server).is_some()
}

fn aborted_after_fin(case: &Case) -> bool {
    case.abort.is_some() && any_fin(case)
}

fn aborted(case: &Case) -> bool {
    case.abort.is_some() && !any_fin(case) && !only_syns(case)
}

fn final_ack_missing(case: &Case) -> bool {
    case.facts.both_fins()
}

/// The one FIN shown is acknowledged.
fn one_fin_acked(case: &Case) -> bool {
    let acked = |side| case.facts.fin(side).is_some() && case.facts.fin_was_acked(side).is_some();
    acked(Side::Client) || acked(Side::Server)
}

fn half_closed(case: &Case) -> bool {
    two_sided(case) && one_fin_acked(case)
}

fn fin_unacked(case: &Case) -> bool {
    two_sided(case) && any_fin(case)
}

/// A SYN-ACK, and nothing of the client that acknowledges it.
fn handshake_incomplete(case: &Case) -> bool {
    let facts = &case.facts;
    let answered = facts.half(Side::Server).opening.as_ref().filter(|o| o.ack);
    two_sided(case)
        && answered.is_some_and(|o| {
            let isn = o.end.minus(1);
            !facts
                .half(Side::Client)
                .ack
                .is_some_and(|ack| ack.after(isn))
                && !facts.half(Side::Client).spoke
        })
}

/// Payload or an ACK from each side.
fn open(case: &Case) -> bool {
    let active = |side| {
        let half = case.facts.half(side);
        half.payload > 0 || half.ack.is_some()
    };
    active(Side::Client) && active(Side::Server)
}
