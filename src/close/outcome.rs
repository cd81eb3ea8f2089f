//! The outcomes: one row each, in the order in which they are tried.

use crate::close::case::Case;
use crate::close::terms::Term;
use crate::close::verdict::{ActiveCloser, Outcome, Side};

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
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::Unanswered,
        holds: unanswered,
        term: Term {
            name: "unanswered",
            summary: "SYNs that nobody answered",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::Graceful,
        holds: graceful,
        term: Term {
            name: "graceful",
            summary: "both FINs shown and acknowledged",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::Simultaneous,
        holds: simultaneous,
        term: Term {
            name: "simultaneous",
            summary: "both FINs crossed",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::AbortedAfterFin,
        holds: aborted_after_fin,
        term: Term {
            name: "aborted-after-fin",
            summary: "a RST ended it, and a FIN was seen as well",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::Aborted,
        holds: aborted,
        term: Term {
            name: "aborted",
            summary: "a RST ended it",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::FinalAckMissing,
        holds: final_ack_missing,
        term: Term {
            name: "final-ack-missing",
            summary: "both FINs shown, the second never acknowledged",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::HalfClosed,
        holds: half_closed,
        term: Term {
            name: "half-closed",
            summary: "one side closed, the other has not",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::FinUnacked,
        holds: fin_unacked,
        term: Term {
            name: "fin-unacked",
            summary: "one FIN, and no ACK of it",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::HandshakeIncomplete,
        holds: handshake_incomplete,
        term: Term {
            name: "handshake-incomplete",
            summary: "a SYN-ACK that the client never acknowledged",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::Open,
        holds: open,
        term: Term {
            name: "open",
            summary: "no sign of a close",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Outcome::Indeterminate,
        holds: indeterminate,
        term: Term {
            name: "indeterminate",
            summary: "too little was seen to tell",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
];

/// SYNs of one end, no SYN-ACK, and nothing else but RSTs and ACKs of older connections.
fn only_syns(case: &Case) -> bool {
    case.facts.flow.is_syn_only()
}

fn refused(case: &Case) -> bool {
    let end = case.facts.half(Side::Client).opening.map(|o| o.end);
    only_syns(case)
        && case
            .facts
            .sent_by(Side::Server)
            .any(|s| s.flags.rst() && s.flags.ack() && Some(s.ack) == end)
}

fn unanswered(case: &Case) -> bool {
    only_syns(case) && (!case.facts.one_direction() || case.resets.is_empty())
}

/// Of one direction only: no rule that needs both sides holds.
fn two_sided(case: &Case) -> bool {
    !case.facts.one_direction()
}

fn both_active(case: &Case) -> bool {
    case.closer.who == ActiveCloser::Both
}

fn graceful(case: &Case) -> bool {
    two_sided(case) && case.both_acked() && !both_active(case)
}

fn simultaneous(case: &Case) -> bool {
    two_sided(case)
        && case.facts.both_fins()
        && both_active(case)
        && (case.both_acked() || case.abort.is_none())
}

fn any_fin(case: &Case) -> bool {
    case.facts.fin(Side::Client).is_some() || case.facts.fin(Side::Server).is_some()
}

fn aborted_after_fin(case: &Case) -> bool {
    two_sided(case) && case.abort.is_some() && any_fin(case)
}

fn aborted(case: &Case) -> bool {
    two_sided(case) && case.abort.is_some() && !any_fin(case) && !only_syns(case)
}

fn final_ack_missing(case: &Case) -> bool {
    two_sided(case) && case.facts.both_fins()
}

/// The one FIN shown is acknowledged.
fn one_fin_acked(case: &Case) -> bool {
    let acked = |side| case.facts.fin(side).is_some() && case.facts.fin_was_acked(side).is_some();
    acked(Side::Client) || acked(Side::Server)
}

fn half_closed(case: &Case) -> bool {
    two_sided(case) && any_fin(case) && one_fin_acked(case)
}

fn fin_unacked(case: &Case) -> bool {
    two_sided(case) && any_fin(case)
}

/// A SYN-ACK, and nothing of the client that acknowledges it.
fn handshake_incomplete(case: &Case) -> bool {
    let facts = &case.facts;
    let answered = facts.half(Side::Server).opening.filter(|o| o.ack);
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
    two_sided(case) && active(Side::Client) && active(Side::Server)
}

const fn indeterminate(_: &Case) -> bool {
    true
}
