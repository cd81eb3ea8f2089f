//! The states of RFC 9293 section 3.3.2: one row each.

use crate::close::terms::Term;
use crate::close::verdict::State;
use crate::close::words::Word;

/// Every state, once.
pub const STATES: &[Word<State>] = &[
    Word {
        value: State::Unknown,
        term: Term {
            name: "unknown",
            summary: "the capture does not tell the state",
            recognised: "The side was neither seen nor acknowledged.",
            meaning: "Nothing can be said of this side: its packets are not in the capture.",
            ..Term::BLANK
        },
    },
    Word {
        value: State::Listen,
        term: Term {
            name: "LISTEN",
            summary: "waits for a connection request",
            recognised: "Never derived from a capture: a listener sends nothing.",
            meaning: "A server's socket before anyone calls.",
            rfc: &["RFC 9293 3.3.2"],
            linux: "`ss -ltn`",
            ..Term::BLANK
        },
    },
    Word {
        value: State::SynSent,
        term: Term {
            name: "SYN-SENT",
            summary: "sent a SYN, waits for the answer",
            recognised: "A SYN, and no SYN-ACK for it.",
            meaning: "The client is connecting. Linux repeats the SYN net.ipv4.tcp_syn_retries \
                times, then connect() fails with ETIMEDOUT.",
            advice: "If sockets stay here, the SYN or its answer is dropped: capture at the \
                server.",
            rfc: &["RFC 9293 3.3.2", "RFC 9293 3.5"],
            linux: "`ss -tno state syn-sent`",
            zeek: "S0",
        },
    },
    Word {
        value: State::SynReceived,
        term: Term {
            name: "SYN-RECEIVED",
            summary: "answered a SYN, waits for the ACK of it",
            recognised: "A SYN-ACK, and nothing of the client that acknowledges it.",
            meaning: "The connection is half open: the server has answered, the client has not \
                confirmed.",
            advice: "Many at once are a SYN flood or a broken return path.",
            rfc: &["RFC 9293 3.3.2", "RFC 4987"],
            linux: "`ss -tno state syn-recv`",
            zeek: "S1",
        },
    },
    Word {
        value: State::Established,
        term: Term {
            name: "ESTABLISHED",
            summary: "open, data can flow both ways",
            recognised: "The handshake is complete (or traffic flows both ways), and this side \
                neither sent nor acknowledged a FIN.",
            meaning: "The normal state of work. A side that does not know that its peer has gone \
                stays here for ever, unless it sends or a keepalive probes.",
            rfc: &["RFC 9293 3.3.2"],
            linux: "`ss -tno state established`",
            zeek: "S1",
            ..Term::BLANK
        },
    },
    Word {
        value: State::FinWait1,
        term: Term {
            name: "FIN-WAIT-1",
            summary: "sent a FIN that is not acknowledged yet",
            recognised: "This side's FIN, and no ACK of it; no FIN of the peer.",
            meaning: "The side closed first and its FIN is on the way, or is being repeated.",
            advice: "If sockets stay here, the peer or the path is dead.",
            rfc: &["RFC 9293 3.3.2", "RFC 9293 3.6"],
            linux: "`ss -tno state fin-wait-1`; net.ipv4.tcp_orphan_retries bounds it after \
                close()",
            ..Term::BLANK
        },
    },
    Word {
        value: State::FinWait2,
        term: Term {
            name: "FIN-WAIT-2",
            summary: "its FIN was acknowledged, waits for the peer's FIN",
            recognised: "This side's FIN and the peer's ACK of it; no FIN of the peer.",
            meaning: "The side has closed and the peer has not. This is not TIME-WAIT and does not \
                become it by a timeout: only the peer's FIN leads there. Linux drops it after \
                net.ipv4.tcp_fin_timeout if the process has closed the socket; a later FIN then \
                meets a RST.",
            advice: "Look at the peer: it is in CLOSE-WAIT, and its application has to close.",
            rfc: &["RFC 9293 3.3.2", "RFC 9293 3.6"],
            linux: "`ss -tno state fin-wait-2`; net.ipv4.tcp_fin_timeout (default 60 s)",
            zeek: "S2 or S3",
        },
    },
    Word {
        value: State::CloseWait,
        term: Term {
            name: "CLOSE-WAIT",
            summary: "received the peer's FIN, has not closed itself",
            recognised: "This side acknowledged the peer's FIN and sent none of its own.",
            meaning: "The peer has finished; this side's application still holds the socket. No \
                timer ends it.",
            advice: "If sockets pile up here, the application forgets close(). Find it with `ss \
                -tnp state close-wait`.",
            rfc: &["RFC 9293 3.3.2", "RFC 1122 4.2.2.13"],
            linux: "`ss -tnp state close-wait`",
            zeek: "S2 or S3",
        },
    },
    Word {
        value: State::Closing,
        term: Term {
            name: "CLOSING",
            summary: "both FINs crossed, its own not acknowledged yet",
            recognised: "This side sent its FIN before it received the peer's, acknowledged that \
                one, and waits for the ACK of its own.",
            meaning: "A step of a simultaneous close. It lasts a round trip; TIME-WAIT follows.",
            rfc: &["RFC 9293 3.3.2", "RFC 9293 3.6"],
            linux: "`ss -tno state closing`",
            zeek: "SF",
            ..Term::BLANK
        },
    },
    Word {
        value: State::LastAck,
        term: Term {
            name: "LAST-ACK",
            summary: "passive closer, waits for the ACK of its FIN",
            recognised: "This side sent its FIN after it received the peer's, and no ACK of it was \
                seen.",
            meaning: "Everything is done but the last acknowledgement. The FIN is repeated until \
                that comes or the retries run out. A passive closer never has TIME-WAIT.",
            advice: "If sockets stay here, the active closer or something on the way has forgotten \
                the connection.",
            rfc: &["RFC 9293 3.3.2", "RFC 9293 3.6"],
            linux: "`ss -tno state last-ack`; net.ipv4.tcp_orphan_retries bounds it",
            zeek: "SF",
        },
    },
    Word {
        value: State::TimeWait,
        term: Term {
            name: "TIME-WAIT",
            summary: "active closer, all is acknowledged, waits out old duplicates",
            recognised: "This side is an active closer, its FIN was acknowledged, and it \
                acknowledged the peer's FIN.",
            meaning: "It lasts 60 s on Linux (compiled in: net.ipv4.tcp_fin_timeout does not \
                change it), 2 MSL = 4 minutes in the RFC; each repeated FIN starts it anew. It \
                lets the last ACK be repeated and keeps old segments out of a new connection on \
                the same ports. It costs a port of that 4-tuple and a little memory, nothing else.",
            advice: "Do not fight it; it is not a leak. If a client runs out of ports: reuse \
                connections, widen net.ipv4.ip_local_port_range, allow net.ipv4.tcp_tw_reuse on \
                the client, or let the other side close first.",
            rfc: &["RFC 9293 3.3.2", "RFC 9293 3.6.1", "RFC 1337", "RFC 6191"],
            linux: "`ss -tno state time-wait`; `nstat -az TcpExtTW TcpExtTCPTimeWaitOverflow`",
            zeek: "SF",
        },
    },
    Word {
        value: State::Closed,
        term: Term {
            name: "CLOSED",
            summary: "no connection",
            recognised: "A RST ended it, its FIN was acknowledged as the passive closer's, or \
                TIME-WAIT ran out.",
            meaning: "The host keeps nothing of the connection any more. A segment that still \
                arrives is answered with a RST.",
            rfc: &["RFC 9293 3.3.2", "RFC 9293 3.10.7.1"],
            ..Term::BLANK
        },
    },
];
