//! What is often believed of the end of a connection and is not so: one row each.

use crate::close::finding::Code;
use crate::close::terms::Term;
use crate::close::verdict::{AbortCause, EndedBy, Finding, Outcome, Side, State, Verdict};

/// A belief and what is true instead.
#[derive(Clone, Copy, Debug)]
pub struct Myth {
    /// What is believed, as a sentence.
    pub belief: &'static str,
    /// What a flow shows on which it would mislead: one of these will do.
    shown_by: Marks,
    /// It misleads only where so many flows show it.
    pub from: u64,
    /// What is true: in a line (`summary`), whole (`meaning`), by which RFC and which file of the
    /// kernel.
    pub term: Term,
}

impl Myth {
    /// It would mislead whoever looks at a flow with these marks.
    #[must_use]
    pub const fn applies(&self, marks: Marks) -> bool {
        self.shown_by.0 & marks.0 != 0
    }
}

/// What of all that myths are about a flow shows: read off it once, for every row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks(u32);

impl Marks {
    /// A TIME-WAIT whose place was taken, or that a RST ended.
    const CUT_SHORT: Self = Self(1);
    /// One whose place was taken.
    const REUSED: Self = Self(1 << 1);
    /// One that lasted.
    const EXPIRED: Self = Self(1 << 2);
    /// One of the server.
    const OF_SERVER: Self = Self(1 << 3);
    /// More than one.
    const SEVERAL: Self = Self(1 << 4);
    /// A FIN-WAIT-2 that stays or was given up.
    const FIN_WAIT_2: Self = Self(1 << 5);
    /// A FIN that is repeated and not acknowledged.
    const FIN_WAIT_1: Self = Self(1 << 6);
    /// A CLOSE-WAIT that stays.
    const CLOSE_WAIT: Self = Self(1 << 7);
    /// A client took its own port out of TIME-WAIT.
    const OWN_PORT: Self = Self(1 << 8);
    /// A SYN met timestamps or TIME-WAIT of another connection.
    const SYN_MET_OTHERS: Self = Self(1 << 9);
    /// The application aborted.
    const APP_ABORT: Self = Self(1 << 10);
    /// The same, after a FIN.
    const ABORT_AFTER_FIN: Self = Self(1 << 11);
    /// An abort over data.
    const LOST_DATA: Self = Self(1 << 12);

    /// What a flow shows.
    pub fn of(verdict: &Verdict) -> Self {
        let states = &verdict.final_states;
        let waits = [states.client, states.server].contains(&State::FinWait2);
        let mut marks = Self(0)
            .and(waits, Self::FIN_WAIT_2)
            .and(verdict.time_wait.len() > 1, Self::SEVERAL);
        for wait in &verdict.time_wait {
            marks = marks.or(match wait.ended_by {
                EndedBy::Reused => Self::REUSED.or(Self::CUT_SHORT),
                EndedBy::Reset => Self::CUT_SHORT,
                EndedBy::Expiry => Self::EXPIRED,
                _ => Self(0),
            });
            marks = marks.and(wait.owner == Side::Server, Self::OF_SERVER);
        }
        if let Some(cause) = verdict.abort_cause {
            marks = marks.or(Self::of_abort(cause, verdict.outcome));
        }
        let findings = verdict.findings.iter().map(Self::of_finding);
        findings.fold(marks, Self::or)
    }

    fn of_abort(cause: AbortCause, outcome: Outcome) -> Self {
        match cause {
            AbortCause::FinWait2Expired => Self::FIN_WAIT_2,
            AbortCause::UnreadData | AbortCause::DataAfterClose => Self::LOST_DATA,
            AbortCause::AppAbort if outcome == Outcome::AbortedAfterFin => {
                Self::APP_ABORT.or(Self::ABORT_AFTER_FIN)
            }
            AbortCause::AppAbort => Self::APP_ABORT,
            _ => Self(0),
        }
    }

    fn of_finding(finding: &Finding) -> Self {
        match finding.code {
            Code::FinWait1Stuck => Self::FIN_WAIT_1,
            Code::CloseWaitLeak => Self::CLOSE_WAIT,
            Code::SynDroppedByTimestamp
            | Code::TimestampRegressionAcrossFlows
            | Code::TimeWaitSynRejected => Self::SYN_MET_OTHERS,
            Code::TimeWaitReused if finding.data["tcp_tw_reuse"] == true => Self::OWN_PORT,
            _ => Self(0),
        }
    }

    /// With one more, if it is shown.
    const fn and(self, shows: bool, mark: Self) -> Self {
        Self(self.0 | if shows { mark.0 } else { 0 })
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Most flows show little of it.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// The rows that apply to a flow by itself, in the order of the table.
pub fn of(verdict: &Verdict) -> impl Iterator<Item = &'static Myth> + '_ {
    let marks = Marks::of(verdict);
    let alone = MYTHS.iter().filter(|myth| myth.from == 1);
    alone.filter(move |myth| myth.applies(marks))
}

/// Every row, once.
pub const MYTHS: &[Myth] = &[
    Myth {
        belief: "A lower tcp_fin_timeout makes TIME-WAIT shorter.",
        shown_by: Marks::CUT_SHORT.or(Marks::FIN_WAIT_2),
        from: 1,
        term: Term {
            name: "fin-timeout-is-not-time-wait",
            summary: "tcp_fin_timeout does not change TIME-WAIT",
            recognised: "A TIME-WAIT whose place was needed, or a FIN-WAIT-2.",
            meaning: "net.ipv4.tcp_fin_timeout bounds how long Linux keeps FIN-WAIT-2 of a socket \
                that its application has closed. TIME-WAIT lasts TCP_TIMEWAIT_LEN, 60 s, which is \
                compiled in.",
            advice: "Leave it alone. If TIME-WAITs are too many, open fewer connections: keep them \
                open and reuse them.",
            rfc: &["RFC 9293 3.6.1"],
            linux: "`TCP_TIMEWAIT_LEN` and `tcp_fin_time()` in include/net/tcp.h; \
                Documentation/networking/ip-sysctl.rst",
            zeek: "",
        },
    },
    Myth {
        belief: "SO_REUSEADDR lets a client take a port again that is in TIME-WAIT.",
        shown_by: Marks::OWN_PORT,
        from: 1,
        term: Term {
            name: "reuseaddr-is-not-tw-reuse",
            summary: "SO_REUSEADDR is not tcp_tw_reuse",
            recognised: "A client took its own port out of TIME-WAIT (tcp_tw_reuse).",
            meaning: "SO_REUSEADDR allows bind() to a local port on which sockets in TIME-WAIT \
                remain: it lets a server restart. Whether connect() may take a 4-tuple out of \
                TIME-WAIT is decided by net.ipv4.tcp_tw_reuse (needs timestamps and an age of 1 s; \
                since Linux 4.19 on by default, for loopback only).",
            advice: "Set SO_REUSEADDR on listeners; for clients short of ports use a pool of \
                connections first, tcp_tw_reuse=1 second.",
            rfc: &["RFC 6191", "RFC 9293 3.6.1"],
            linux: "`inet_csk_bind_conflict()` in net/ipv4/inet_connection_sock.c, \
                `tcp_twsk_unique()` in net/ipv4/tcp_ipv4.c",
            zeek: "",
        },
    },
    Myth {
        belief: "A server can hold 65,535 connections at most, because there are no more ports.",
        shown_by: Marks::REUSED,
        from: 1,
        term: Term {
            name: "ports-are-per-destination",
            summary: "65,535 is not a limit of a server's connections",
            recognised: "A 4-tuple came again while the last connection on it was in TIME-WAIT: \
                ports towards this destination are taken fast.",
            meaning: "A connection is named by both addresses and both ports; all connections of a \
                listener share its one port. What runs out is a client's ephemeral ports towards \
                one address and port (28,232 by default on Linux), or a NAT's.",
            advice: "Count ports per client address, server address and server port. More server \
                ports, more client addresses or a wider ip_local_port_range each help the client; \
                nothing on the server does.",
            rfc: &["RFC 9293 3.3.1", "RFC 6056 3.2"],
            linux: "`__inet_hash_connect()` in net/ipv4/inet_hashtables.c",
            zeek: "",
        },
    },
    Myth {
        belief: "TIME-WAITs on a server use up its ports and keep clients from connecting.",
        shown_by: Marks::OF_SERVER,
        from: 20,
        term: Term {
            name: "server-time-wait-takes-no-port",
            summary: "a server's TIME-WAIT takes no port and stops no client",
            recognised: "The server closed first and holds TIME-WAIT, of twenty connections or more.",
            meaning: "It shares the listener's port with all others. A client's new SYN on the same \
                4-tuple is taken out of TIME-WAIT at once if its ISN or TSval is higher; even one \
                that is not gets through after an ACK, a RST and a second SYN.",
            advice: "Nothing on the server. Thousands of them are normal where the server closes \
                first.",
            rfc: &["RFC 6191", "RFC 9293 3.10.7.4"],
            linux: "`tcp_timewait_state_process()` in net/ipv4/tcp_minisocks.c",
            zeek: "",
        },
    },
    Myth {
        belief: "Set tcp_tw_recycle=1 against TIME-WAIT.",
        shown_by: Marks::SYN_MET_OTHERS,
        from: 1,
        term: Term {
            name: "tw-recycle-is-gone",
            summary: "tcp_tw_recycle was removed in Linux 4.12, and broke clients behind NAT before",
            recognised: "A SYN met timestamps or TIME-WAIT of another connection.",
            meaning: "It dropped SYNs whose TSval was older than the last one of the same address: \
                all hosts behind a NAT but one. Since Linux 4.10 offsets differ by connection, \
                which would have made it drop almost anything; 4.12 (2017) removed it.",
            advice: "Remove it from sysctl.conf and from runbooks; on older kernels set it to 0. \
                tcp_tw_reuse is another thing and harmless.",
            rfc: &["RFC 7323 5.8", "RFC 6191"],
            linux: "commit 4396e46187ca (tcp: remove tcp_tw_recycle)",
            zeek: "",
        },
    },
    Myth {
        belief: "SO_LINGER with timeout 0 cures TIME-WAIT.",
        shown_by: Marks::APP_ABORT,
        from: 1,
        term: Term {
            name: "linger-0-is-no-cure",
            summary: "SO_LINGER 0 trades TIME-WAIT for lost data and resets",
            recognised: "An application aborted the connection by a RST.",
            meaning: "close() then sends a RST and drops what was not sent or not acknowledged; the \
                peer gets ECONNRESET and may lose what it had not read. Without TIME-WAIT late \
                segments of this connection can reach the next one on the same ports.",
            advice: "Do not use it to save TIME-WAITs: let the other side close first, or reuse \
                connections. It is right for giving a broken or hostile peer up.",
            rfc: &["RFC 9293 3.10.5", "RFC 1337"],
            linux: "`__tcp_close()` in net/ipv4/tcp.c",
            zeek: "",
        },
    },
    Myth {
        belief: "SO_LINGER with n seconds resets the connection when they are over.",
        shown_by: Marks::FIN_WAIT_1.or(Marks::ABORT_AFTER_FIN),
        from: 1,
        term: Term {
            name: "linger-n-sends-no-rst",
            summary: "on Linux SO_LINGER with n > 0 sends no RST when it expires",
            recognised: "A FIN that is not acknowledged, or an abort after a FIN.",
            meaning: "close() only waits up to n seconds for the FIN to be acknowledged, then \
                returns; the kernel goes on to repeat the FIN as for any orphan \
                (tcp_orphan_retries). Other systems may send a RST.",
            advice: "Do not take the RST after a FIN for an expired linger. To learn whether the \
                peer got everything use shutdown(SHUT_WR) and read to the end.",
            rfc: &["RFC 9293 3.9.1"],
            linux: "`sk_stream_wait_close()` in net/core/stream.c, called by `__tcp_close()` in \
                net/ipv4/tcp.c",
            zeek: "",
        },
    },
    Myth {
        belief: "TIME-WAIT is the server's (or the client's) and costs as much as a connection.",
        shown_by: Marks::SEVERAL.or(Marks::CUT_SHORT),
        from: 1,
        term: Term {
            name: "time-wait-is-the-active-closers",
            summary: "TIME-WAIT belongs to who closes first, and costs some hundred bytes",
            recognised: "Both sides hold one, or one ended before its time.",
            meaning: "Whoever sends the first FIN holds TIME-WAIT; both do where the FINs cross; a \
                passive closer never does. The socket, its buffers and its file descriptor are gone: \
                what remains is a small record.",
            advice: "To move TIME-WAITs let the other side close first. Count them, but do not \
                alarm on them.",
            rfc: &["RFC 9293 3.6", "RFC 9293 3.6.1"],
            linux: "`struct tcp_timewait_sock` in include/linux/tcp.h",
            zeek: "",
        },
    },
    Myth {
        belief: "FIN-WAIT-2 turns into TIME-WAIT when its timeout is over.",
        shown_by: Marks::FIN_WAIT_2,
        from: 1,
        term: Term {
            name: "fin-wait-2-vanishes",
            summary: "FIN-WAIT-2 does not turn into TIME-WAIT by timeout: it vanishes",
            recognised: "A FIN was acknowledged, and the peer's own did not come or came too late.",
            meaning: "Only the peer's FIN leads to TIME-WAIT. A closed socket in FIN-WAIT-2 is \
                dropped after tcp_fin_timeout without a word, and the peer's later FIN is answered by \
                a RST. One that its application still holds (shutdown) waits for ever.",
            advice: "Mend the peer that does not close (close-wait-leak).",
            rfc: &["RFC 9293 3.6", "RFC 9293 3.10.7.1"],
            linux: "`tcp_rcv_state_process()` in net/ipv4/tcp_input.c, `tcp_time_wait()` in \
                net/ipv4/tcp_minisocks.c",
            zeek: "",
        },
    },
    Myth {
        belief: "A socket stuck in FIN-WAIT-1 shows that the peer's operating system is broken.",
        shown_by: Marks::FIN_WAIT_1,
        from: 1,
        term: Term {
            name: "fin-wait-1-is-no-proof",
            summary: "FIN-WAIT-1 that stays is no proof of a broken peer",
            recognised: "A FIN is repeated and not acknowledged.",
            meaning: "The FIN, or its ACK, does not get through: loss, a firewall that dropped its \
                entry, a dead path. Or the FIN was never sent: it waits behind data for which the \
                peer's window is shut, because its application does not read.",
            advice: "Capture at both ends. See with `ss -tno state fin-wait-1` whether data waits in \
                the send queue.",
            rfc: &["RFC 9293 3.8.6.1", "RFC 9293 3.10.4"],
            linux: "`tcp_out_of_resources()` and tcp_orphan_retries in net/ipv4/tcp_timer.c",
            zeek: "",
        },
    },
    Myth {
        belief: "CLOSE-WAIT goes away by itself, or by a sysctl.",
        shown_by: Marks::CLOSE_WAIT,
        from: 1,
        term: Term {
            name: "close-wait-ends-by-close",
            summary: "CLOSE-WAIT ends by the application, or by `ss -K`",
            recognised: "A side was told of the end and does not close.",
            meaning: "TCP waits for its user: there is no timer, and neither tcp_fin_timeout nor \
                tcp_keepalive_time is one (keepalive finds dead peers; this one may be alive). Killing \
                the process or `ss -K` (CONFIG_INET_DIAG_DESTROY) ends it from outside.",
            advice: "Find the process and the path on which it forgets close(): pools that do not \
                look at idle connections, handlers that never return.",
            rfc: &["RFC 9293 3.6", "RFC 1122 4.2.2.13"],
            linux: "`tcp_fin()` in net/ipv4/tcp_input.c, `tcp_abort()` in net/ipv4/tcp.c",
            zeek: "",
        },
    },
    Myth {
        belief: "The peer's FIN, or a shutdown, threw data away.",
        shown_by: Marks::LOST_DATA,
        from: 1,
        term: Term {
            name: "fin-loses-nothing",
            summary: "a FIN loses no data; a close over unread data does",
            recognised: "A close met data: unread, or still to come.",
            meaning: "A FIN stands behind all data of its sender and is delivered after it. But \
                close() with received bytes unread sends a RST, and so does data that meets a closed \
                socket; a RST can destroy what its receiver had not read yet.",
            advice: "Send FIN by shutdown(SHUT_WR), read until the peer's end, then close().",
            rfc: &["RFC 9293 3.6", "RFC 1122 4.2.2.13", "RFC 2525 2.17"],
            linux: "`__tcp_close()` in net/ipv4/tcp.c (TCPAbortOnClose), \
                `tcp_rcv_state_process()` in net/ipv4/tcp_input.c (TCPAbortOnData)",
            zeek: "",
        },
    },
    Myth {
        belief: "TIME-WAIT lasts 4 minutes (2 MSL).",
        shown_by: Marks::EXPIRED.or(Marks::REUSED),
        from: 1,
        term: Term {
            name: "four-minutes-are-the-rfcs",
            summary: "2 MSL of 4 minutes is the RFC's, not Linux's",
            recognised: "A TIME-WAIT ran out within the capture, or its 4-tuple came again.",
            meaning: "RFC 9293 takes MSL to be 2 minutes, an engineering choice. Linux waits 60 s, \
                compiled in; Windows 30 s to 4 minutes by TcpTimedWaitDelay; the BSDs twice \
                net.inet.tcp.msl.",
            advice: "Tell this program of other hosts by --time-wait.",
            rfc: &["RFC 9293 3.4.2", "RFC 9293 3.6.1"],
            linux: "`TCP_TIMEWAIT_LEN` in include/net/tcp.h",
            zeek: "",
        },
    },
];
