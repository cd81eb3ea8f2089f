//! The words of the end: the last ACK, TIME-WAIT and the events of the close. One row each.

use crate::close::terms::Term;
use crate::close::verdict::{Basis, EndedBy, Event, FinalAck, SilenceEnd};
use crate::close::words::Word;

/// Every fate of the last ACK, once.
pub const FINAL_ACKS: &[Word<FinalAck>] = &[
    Word {
        value: FinalAck::Never,
        term: Term {
            name: "never",
            summary: "no ACK of the second FIN was sent, as far as the capture shows",
            recognised: "The second FIN was repeated and never acknowledged, or was answered with \
                a RST.",
            meaning: "The passive closer was left in LAST-ACK.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: FinalAck::LostBefore,
        term: Term {
            name: "lost-before",
            summary: "the FIN or its ACK was lost before the capture point",
            recognised: "The second FIN is repeated before any ACK of it was seen.",
            meaning: "A packet was lost on the active closer's side of the capture; which of the \
                two the capture cannot say.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: FinalAck::LostAfter,
        term: Term {
            name: "lost-after",
            summary: "the ACK was lost after the capture point",
            recognised: "An ACK of the second FIN was captured, yet more than a round trip later \
                that FIN came again.",
            meaning: "The ACK was lost between the capture point and the passive closer.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: FinalAck::Unknown,
        term: Term {
            name: "unknown",
            summary: "the capture ends too early to tell",
            recognised: "The second FIN is there, and the capture ends soon after it.",
            meaning: "The ACK may follow after the last record.",
            ..Term::BLANK
        },
    },
    Word {
        value: FinalAck::Unseen,
        term: Term {
            name: "unseen",
            summary: "sent most likely, and not captured",
            recognised: "One second FIN, no ACK of it, no repeat, and the capture runs on for 3 s \
                or more.",
            meaning: "Had the ACK not arrived, the FIN would have been repeated: so the capture \
                missed it.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: FinalAck::Seen,
        term: Term {
            name: "seen",
            summary: "captured",
            recognised: "An ACK that covers the second FIN is in the capture, and no later repeat \
                of the FIN shows that it was lost.",
            meaning: "The close is complete.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: FinalAck::None,
        term: Term {
            name: "none",
            summary: "there was no second FIN",
            recognised: "One FIN, or none, is in the capture.",
            meaning: "The question does not arise.",
            ..Term::BLANK
        },
    },
];

/// Every end of a TIME-WAIT, once.
pub const ENDINGS: &[Word<EndedBy>] = &[
    Word {
        value: EndedBy::Expiry,
        term: Term {
            name: "expiry",
            summary: "its time ran out",
            recognised: "Computed: the owner's last ACK of the peer's FIN, and the duration of \
                TIME-WAIT (60 s unless --time-wait says otherwise). Never observed.",
            meaning: "The normal end. The 4-tuple is free again.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: EndedBy::Reused,
        term: Term {
            name: "reused",
            summary: "a new connection took its place",
            recognised: "A new SYN on the 4-tuple was answered with a SYN-ACK while it ran, or the \
                owner reused its own port.",
            meaning: "Allowed if the ISN or the TSval is higher.",
            rfc: &["RFC 6191", "RFC 9293 3.6.1"],
            linux: "`nstat -az TcpExtTWRecycled` (the owner's own reuse)",
            ..Term::BLANK
        },
    },
    Word {
        value: EndedBy::Reset,
        term: Term {
            name: "reset",
            summary: "a RST ended it",
            recognised: "A bare RST at exactly the owner's RCV.NXT arrived during TIME-WAIT.",
            meaning: "TIME-WAIT assassination. Linux obeys such a RST unless net.ipv4.tcp_rfc1337 \
                is 1.",
            rfc: &["RFC 1337"],
            ..Term::BLANK
        },
    },
    Word {
        value: EndedBy::Gone,
        term: Term {
            name: "gone",
            summary: "its host had none any more",
            recognised: "The active closer answered a repeated FIN with a RST.",
            meaning: "The host keeps no TIME-WAIT: its table is full, or the device in its place \
                forgets.",
            rfc: &["RFC 9293 3.10.7.1"],
            linux: "`nstat -az TcpExtTCPTimeWaitOverflow`",
            ..Term::BLANK
        },
    },
    Word {
        value: EndedBy::CaptureEnd,
        term: Term {
            name: "capture-end",
            summary: "still running when the capture ended",
            recognised: "The capture ends before its time ran out; `left_ns` says how much was \
                left.",
            meaning: "It was alive at the end of the capture, by the rules of TCP.",
            ..Term::BLANK
        },
    },
];

/// Every basis of a TIME-WAIT, once.
pub const BASES: &[Word<Basis>] = &[
    Word {
        value: Basis::Rule,
        term: Term {
            name: "rule",
            summary: "the rules of TCP say so",
            recognised: "The segments of the close, as RFC 9293 asks.",
            meaning: "The owner should be in TIME-WAIT. A host told to keep none \
                (net.ipv4.tcp_max_tw_buckets) looks the same on the wire.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: Basis::Minisocket,
        term: Term {
            name: "minisocket",
            summary: "Linux's timewait socket showed itself",
            recognised: "The owner's ACK has IP ID 0 while its full socket's segments count, or a \
                later ACK echoes the first FIN's TSval instead of the newest.",
            meaning: "The owner is a Linux host and was seen to be in TIME-WAIT.",
            rfc: &["RFC 9293 3.6"],
            linux: "struct tcp_timewait_sock; `ss -tno state time-wait`",
            ..Term::BLANK
        },
    },
];

/// Every event of a close, once.
pub const EVENTS: &[Word<Event>] = &[
    Word {
        value: Event::Syn,
        term: Term {
            name: "syn",
            summary: "SYN",
            recognised: "SYN without ACK.",
            meaning: "A side asks for a connection.",
            rfc: &["RFC 9293 3.5"],
            zeek: "S or s",
            ..Term::BLANK
        },
    },
    Word {
        value: Event::SynAck,
        term: Term {
            name: "syn-ack",
            summary: "SYN-ACK",
            recognised: "SYN with ACK.",
            meaning: "The other side accepts.",
            rfc: &["RFC 9293 3.5"],
            zeek: "H or h",
            ..Term::BLANK
        },
    },
    Word {
        value: Event::Fin,
        term: Term {
            name: "fin",
            summary: "the first copy of a FIN",
            recognised: "A segment with FIN.",
            meaning: "This side has nothing more to send.",
            rfc: &["RFC 9293 3.6"],
            zeek: "F or f",
            ..Term::BLANK
        },
    },
    Word {
        value: Event::FinAgain,
        term: Term {
            name: "fin-again",
            summary: "a FIN repeated by its sender",
            recognised: "A FIN with the same number, not a duplicate made by network or capture \
                (those have the same IP ID and TSval).",
            meaning: "Its acknowledgement did not arrive in time.",
            rfc: &["RFC 9293 3.6"],
            ..Term::BLANK
        },
    },
    Word {
        value: Event::FinAcked,
        term: Term {
            name: "fin-acked",
            summary: "the first segment that acknowledges the peer's FIN",
            recognised: "ACK number at or above the number after the FIN.",
            meaning: "The sender of this segment received the FIN.",
            rfc: &["RFC 9293 3.6"],
            zeek: "A or a",
            ..Term::BLANK
        },
    },
    Word {
        value: Event::Rst,
        term: Term {
            name: "rst",
            summary: "RST",
            recognised: "A segment with RST.",
            meaning: "See its form, fit and fate in `resets`.",
            rfc: &["RFC 9293 3.5.2"],
            zeek: "R or r",
            ..Term::BLANK
        },
    },
    Word {
        value: Event::KeepaliveProbe,
        term: Term {
            name: "keepalive-probe",
            summary: "a keepalive or window probe",
            recognised: "SEQ one before SND.NXT, no or one byte of payload.",
            meaning: "The sender asks whether the peer is still there, or whether its window has \
                opened: the two look alike.",
            rfc: &["RFC 9293 3.8.4", "RFC 9293 3.8.6.1"],
            ..Term::BLANK
        },
    },
    Word {
        value: Event::TimeWaitAck,
        term: Term {
            name: "time-wait-ack",
            summary: "TIME-WAIT acknowledged again",
            recognised: "A further ACK of the peer's FIN by the owner of TIME-WAIT.",
            meaning: "A repeated FIN or an old duplicate reached it. TIME-WAIT starts anew.",
            rfc: &["RFC 9293 3.10.7.4"],
            zeek: "A or a",
            ..Term::BLANK
        },
    },
];

/// Every end of a silence, once.
pub const SILENCE_ENDS: &[Word<SilenceEnd>] = &[
    Word {
        value: SilenceEnd::Fin,
        term: Term {
            name: "fin",
            summary: "a FIN ended the silence",
            recognised: "The FIN that began the close came after it.",
            meaning: "The side closed an idle connection.",
            ..Term::BLANK
        },
    },
    Word {
        value: SilenceEnd::Rst,
        term: Term {
            name: "rst",
            summary: "a RST ended the silence",
            recognised: "The active RST that ended the connection came after it.",
            meaning: "The side aborted an idle connection.",
            ..Term::BLANK
        },
    },
    Word {
        value: SilenceEnd::Forgotten,
        term: Term {
            name: "forgotten",
            summary: "a segment ended the silence, and met no connection",
            recognised: "The first segment after it was answered by a RST of a side that had not \
                closed.",
            meaning: "The side's host or a device before it had forgotten the connection, at some \
                time during the silence.",
            rfc: &["RFC 9293 3.5.1", "RFC 5382 REQ-5"],
            ..Term::BLANK
        },
    },
    Word {
        value: SilenceEnd::Unanswered,
        term: Term {
            name: "unanswered",
            summary: "a segment ended the silence, was repeated and never answered",
            recognised: "The first payload after it was sent three times or more, and nothing of \
                the other side followed before the capture ended.",
            meaning: "A device on the way had forgotten the connection, most likely, and drops what \
                belongs to it without a word; or the path or the other host is gone.",
            rfc: &["RFC 9293 3.8.3", "RFC 5382 REQ-5"],
            ..Term::BLANK
        },
    },
];
