//! The words of a RST: its form, fit and fate. One row each.

use crate::close::terms::Term;
use crate::close::verdict::{RstFate, RstFit, RstForm};
use crate::close::words::Word;

/// Every form of a RST, once.
pub const FORMS: &[Word<RstForm>] = &[
    Word {
        value: RstForm::Active,
        term: Term {
            name: "active",
            summary: "a live connection was aborted",
            recognised: "R+ACK with SEQ = SND.NXT, ACK = RCV.NXT, the socket's window and options. \
                On Linux the next IP ID.",
            meaning: "An application or its socket ended the connection of its own accord.",
            rfc: &["RFC 9293 3.5.2", "RFC 9293 3.10.5"],
            linux: "tcp_send_active_reset()",
            ..Term::BLANK
        },
    },
    Word {
        value: RstForm::Reply,
        term: Term {
            name: "reply",
            summary: "answers a segment that no connection accepts",
            recognised: "RST without ACK, SEQ = the ACK of the segment it answers (R+ACK with SEQ \
                0 if that had none), window 0, no options. On Linux IP ID 0.",
            meaning: "A segment met a closed or missing socket. A firewall that rejects with a TCP \
                reset sends the same bytes.",
            rfc: &["RFC 9293 3.5.2", "RFC 9293 3.10.7.1"],
            linux: "tcp_v4_send_reset(), tcp_v6_send_reset()",
            ..Term::BLANK
        },
    },
];

/// Every fit of a RST, once.
pub const FITS: &[Word<RstFit>] = &[
    Word {
        value: RstFit::Exact,
        term: Term {
            name: "exact",
            summary: "SEQ is exactly what the receiver expects next",
            recognised: "SEQ = RCV.NXT, as far as known.",
            meaning: "The receiver obeys it.",
            rfc: &["RFC 5961 3.2", "RFC 9293 3.5.3"],
            ..Term::BLANK
        },
    },
    Word {
        value: RstFit::InWindow,
        term: Term {
            name: "in-window",
            summary: "SEQ lies in the receive window, not at its edge",
            recognised: "RCV.NXT < SEQ < RCV.NXT + window.",
            meaning: "A receiver that follows RFC 5961 answers with a challenge ACK and goes on.",
            rfc: &["RFC 5961 3.2"],
            linux: "`nstat -az TcpExtTCPChallengeACK`",
            ..Term::BLANK
        },
    },
    Word {
        value: RstFit::Outside,
        term: Term {
            name: "outside",
            summary: "SEQ lies outside of the receive window",
            recognised: "SEQ before RCV.NXT, or beyond the window.",
            meaning: "The receiver drops it without an answer.",
            rfc: &["RFC 5961 3.2"],
            ..Term::BLANK
        },
    },
    Word {
        value: RstFit::Unknown,
        term: Term {
            name: "unknown",
            summary: "what the receiver expects is not known",
            recognised: "Too little of the connection was captured.",
            meaning: "Whether the RST was acceptable cannot be said.",
            ..Term::BLANK
        },
    },
];

/// Every fate of a RST, once.
pub const FATES: &[Word<RstFate>] = &[
    Word {
        value: RstFate::Effective,
        term: Term {
            name: "effective",
            summary: "it ended the connection",
            recognised: "After it no side sends anything that needs the connection.",
            meaning: "The connection is gone; for its receiver at the latest with the next RST.",
            rfc: &["RFC 9293 3.5.3"],
            ..Term::BLANK
        },
    },
    Word {
        value: RstFate::Challenged,
        term: Term {
            name: "challenged",
            summary: "answered with a challenge ACK, the connection went on",
            recognised: "A round trip or more later the receiver sends an empty ACK at its \
                SND.NXT, and the alleged sender does not reset that.",
            meaning: "The RST was forged or stale.",
            rfc: &["RFC 5961 3.2"],
            linux: "`nstat -az TcpExtTCPChallengeACK`",
            ..Term::BLANK
        },
    },
    Word {
        value: RstFate::Ignored,
        term: Term {
            name: "ignored",
            summary: "the receiver went on",
            recognised: "A round trip or more later the receiver acknowledges data that was first \
                sent after the RST.",
            meaning: "The RST was not acceptable, or it never arrived.",
            rfc: &["RFC 5961 3.2"],
            ..Term::BLANK
        },
    },
];
