//! The causes of aborts: one row each.

use crate::close::terms::Term;
use crate::close::verdict::AbortCause;

/// One cause and its explanation.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The cause.
    pub value: AbortCause,
    /// Its explanation.
    pub term: Term,
}

/// Every cause, once.
pub const CAUSES: &[Row] = &[
    Row {
        value: AbortCause::Refused,
        term: Term {
            name: "refused",
            summary: "RST in answer to a SYN",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::HandshakeRejected,
        term: Term {
            name: "handshake-rejected",
            summary: "RST within the handshake",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::DataAfterClose,
        term: Term {
            name: "data-after-close",
            summary: "data met a side that had closed",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::FinWait2Expired,
        term: Term {
            name: "fin-wait-2-expired",
            summary: "the peer's first FIN met a side that no longer kept FIN-WAIT-2",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::TimeWaitGone,
        term: Term {
            name: "time-wait-gone",
            summary: "a repeated FIN met a side without TIME-WAIT",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::NoConnection,
        term: Term {
            name: "no-connection",
            summary: "a segment met no connection",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::AppAbort,
        term: Term {
            name: "app-abort",
            summary: "the application aborted",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::UnreadData,
        term: Term {
            name: "unread-data",
            summary: "closed with received bytes unread",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::KeepaliveTimeout,
        term: Term {
            name: "keepalive-timeout",
            summary: "keepalive probes went unanswered",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::RetransmissionTimeout,
        term: Term {
            name: "retransmission-timeout",
            summary: "retransmissions went unanswered",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::Injected,
        term: Term {
            name: "injected",
            summary: "a RST that was not sent by the side whose address it bears",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: AbortCause::Unknown,
        term: Term {
            name: "unknown",
            summary: "the capture does not tell why",
            recognised: "",
            meaning: "",
            advice: "",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
];
