//! The words of the claims: who closed, who aborted, how sure. One row each.

use crate::close::finding::Severity;
use crate::close::terms::Term;
use crate::close::vantage::Point;
use crate::close::verdict::{AbortedBy, ActiveCloser, Confidence, RolesFrom, Side};
use crate::close::words::Word;

/// Every active closer, once.
pub const ACTIVE_CLOSERS: &[Word<ActiveCloser>] = &[
    Word {
        value: ActiveCloser::Client,
        term: Term {
            name: "client",
            summary: "the client closed first",
            recognised: "The client's FIN does not acknowledge the server's FIN, or the server \
                sent none. File order does not count.",
            meaning: "The client decided to end the connection; in a complete close it owns \
                TIME-WAIT.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: ActiveCloser::Server,
        term: Term {
            name: "server",
            summary: "the server closed first",
            recognised: "The server's FIN does not acknowledge the client's FIN, or the client \
                sent none. File order does not count.",
            meaning: "The server decided to end the connection (a keep-alive timeout, `Connection: \
                close`); in a complete close it owns TIME-WAIT.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: ActiveCloser::Both,
        term: Term {
            name: "both",
            summary: "both closed at once: the FINs crossed",
            recognised: "Neither first FIN acknowledges the other one.",
            meaning: "A simultaneous close: both sides own a TIME-WAIT.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: ActiveCloser::None,
        term: Term {
            name: "none",
            summary: "nobody sent a FIN",
            recognised: "No FIN is in the capture, and nothing suggests that one is missing.",
            meaning: "The connection was aborted, never opened, or still open when the capture \
                ended.",
            ..Term::BLANK
        },
    },
    Word {
        value: ActiveCloser::Unknown,
        term: Term {
            name: "unknown",
            summary: "the capture does not tell who closed first",
            recognised: "A FIN is missing from the capture, or only one direction is there.",
            meaning: "Someone closed; the segments that would tell who are missing.",
            advice: "Capture both directions and without drops.",
            ..Term::BLANK
        },
    },
];

/// Both sides, once.
pub const SIDES: &[Word<Side>] = &[
    Word {
        value: Side::Client,
        term: Term {
            name: "client",
            summary: "the side that opened the connection",
            recognised: "The sender of the SYN, or who is taken for it: see `roles_from`.",
            meaning: "The application that called connect().",
            rfc: &["RFC 9293 3.5"],
            zeek: "orig",
            ..Term::BLANK
        },
    },
    Word {
        value: Side::Server,
        term: Term {
            name: "server",
            summary: "the other side",
            recognised: "The receiver of the SYN.",
            meaning: "The application that listens, or something that answers in its name.",
            rfc: &["RFC 9293 3.5"],
            zeek: "resp",
            ..Term::BLANK
        },
    },
];

/// Every author of an abort, once.
pub const ABORTED_BY: &[Word<AbortedBy>] = &[
    Word {
        value: AbortedBy::Client,
        term: Term {
            name: "client",
            summary: "the client's RST ended the connection",
            recognised: "The first effective RST bears the client's address, and nothing speaks \
                against it.",
            meaning: "The client, or a firewall on its host, tore the connection down.",
            rfc: &["RFC 9293 3.5.2"],
            zeek: "RSTO",
            ..Term::BLANK
        },
    },
    Word {
        value: AbortedBy::Server,
        term: Term {
            name: "server",
            summary: "the server's RST ended the connection",
            recognised: "The first effective RST bears the server's address, and nothing speaks \
                against it.",
            meaning: "The server, or a firewall on its host, tore the connection down.",
            rfc: &["RFC 9293 3.5.2"],
            zeek: "RSTR or REJ",
            ..Term::BLANK
        },
    },
    Word {
        value: AbortedBy::Both,
        term: Term {
            name: "both",
            summary: "each side sent a RST of its own",
            recognised: "Each side sent an active RST and could not have received the other's yet.",
            meaning: "Both aborted at about the same moment, independently.",
            rfc: &["RFC 9293 3.5.2"],
            ..Term::BLANK
        },
    },
    Word {
        value: AbortedBy::Middlebox,
        term: Term {
            name: "middlebox",
            summary: "a device between the two sent the RST",
            recognised: "At least two independent signs against the side whose address the RST \
                bears (see cause injected).",
            meaning: "A firewall, a load balancer or an attacker ended the connection in a host's \
                name.",
            advice: "Capture at the alleged sender: the RST will not leave it.",
            rfc: &["RFC 5961 3", "RFC 3360"],
            ..Term::BLANK
        },
    },
    Word {
        value: AbortedBy::Unknown,
        term: Term {
            name: "unknown",
            summary: "the sender of the RST is in doubt",
            recognised: "An effective RST that may be its sender's or a device's.",
            meaning: "The connection was aborted; by whom this capture cannot say.",
            ..Term::BLANK
        },
    },
];

/// Every confidence, once.
pub const CONFIDENCES: &[Word<Confidence>] = &[
    Word {
        value: Confidence::Possible,
        term: Term {
            name: "possible",
            summary: "a hint",
            recognised: "Signs point this way, others are just as possible.",
            meaning: "Do not act on it alone.",
            ..Term::BLANK
        },
    },
    Word {
        value: Confidence::Likely,
        term: Term {
            name: "likely",
            summary: "the usual reading; another one exists",
            recognised: "What the capture shows is nearly always caused so; the other reading is \
                named or follows from missing records.",
            meaning: "Good enough to look for the cause there. Whatever rests on packets that were \
                not seen is at most likely.",
            ..Term::BLANK
        },
    },
    Word {
        value: Confidence::Certain,
        term: Term {
            name: "certain",
            summary: "hosts that follow the RFC leave no other reading",
            recognised: "The deciding segments are in the capture, and no missing record could \
                turn the statement over.",
            meaning: "It can be relied on, even if the capture lost records.",
            ..Term::BLANK
        },
    },
];

/// Every source of the roles, once.
pub const ROLES: &[Word<RolesFrom>] = &[
    Word {
        value: RolesFrom::Syn,
        term: Term {
            name: "syn",
            summary: "a SYN was captured",
            recognised: "The client is the SYN's sender.",
            meaning: "Client and server are known.",
            rfc: &["RFC 9293 3.5"],
            ..Term::BLANK
        },
    },
    Word {
        value: RolesFrom::SynAck,
        term: Term {
            name: "syn-ack",
            summary: "only the SYN-ACK was captured",
            recognised: "The client is the SYN-ACK's receiver.",
            meaning: "Client and server are known.",
            rfc: &["RFC 9293 3.5"],
            ..Term::BLANK
        },
    },
    Word {
        value: RolesFrom::PortGuess,
        term: Term {
            name: "port-guess",
            summary: "neither was captured: the higher port is taken for the client's",
            recognised: "The capture begins inside the connection.",
            meaning: "Client and server may be swapped; the verdict on each address holds all the \
                same.",
            ..Term::BLANK
        },
    },
];

/// Every severity, once.
pub const SEVERITIES: &[Word<Severity>] = &[
    Word {
        value: Severity::Info,
        term: Term {
            name: "info",
            summary: "normal, worth knowing",
            meaning: "Nothing to do.",
            ..Term::BLANK
        },
    },
    Word {
        value: Severity::Notice,
        term: Term {
            name: "notice",
            summary: "unusual",
            meaning: "Worth a look if there are many.",
            ..Term::BLANK
        },
    },
    Word {
        value: Severity::Warning,
        term: Term {
            name: "warning",
            summary: "somebody should act",
            meaning: "Something is stuck, leaking or failing.",
            ..Term::BLANK
        },
    },
];

/// Every capture point, once.
pub const POINTS: &[Word<Point>] = &[
    Word {
        value: Point::Client,
        term: Term {
            name: "client",
            summary: "at the clients, or on their network",
            recognised: "The TTL of the clients' segments is one that hosts begin with and that of \
                the servers' is lower; the clients answer at once and the servers after a round \
                trip.",
            meaning: "What the clients sent was seen as they sent it. What the servers sent has \
                come all the way: a segment that is missing here may have been lost.",
            ..Term::BLANK
        },
    },
    Word {
        value: Point::Server,
        term: Term {
            name: "server",
            summary: "at the servers, or on their network",
            recognised: "As at the clients, with the sides swapped.",
            meaning: "What the servers sent was seen as they sent it. A segment of theirs may still \
                have been lost on its way.",
            ..Term::BLANK
        },
    },
    Word {
        value: Point::Middle,
        term: Term {
            name: "middle",
            summary: "between the two",
            recognised: "No TTL is one that hosts begin with; neither side answers at once.",
            meaning: "Segments of both sides may be lost before and after this point.",
            ..Term::BLANK
        },
    },
    Word {
        value: Point::Unknown,
        term: Term {
            name: "unknown",
            summary: "the capture does not tell",
            recognised: "No router between the two, signs that contradict one another, or \
                connections that differ: captured on a host that is client of some and server of \
                others.",
            meaning: "Where a segment was lost cannot be told from one capture.",
            ..Term::BLANK
        },
    },
];
