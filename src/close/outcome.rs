//! The outcomes: one row each, in the order in which they are tried.

use crate::close::terms::Term;
use crate::close::verdict::Outcome;

/// One outcome and its explanation.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The outcome.
    pub value: Outcome,
    /// Its explanation.
    pub term: Term,
}

/// Every outcome, once.
pub const OUTCOMES: &[Row] = &[
    Row {
        value: Outcome::Refused,
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
