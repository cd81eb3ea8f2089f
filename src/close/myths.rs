//! What is often believed of the end of a connection and is not so: one row each.

use crate::close::finding::Code;
use crate::close::terms::Term;
use crate::close::verdict::{
    AbortCause, EndedBy, Finding, Outcome, Side, State, TimeWait, Verdict,
};

/// A belief and what is true instead.
#[derive(Clone, Copy, Debug)]
pub struct Myth {
    /// What is believed, as a sentence.
    pub belief: &'static str,
    /// A flow on which it would mislead.
    applies: fn(&Verdict) -> bool,
    /// It misleads only where so many flows show it.
    pub from: u64,
    /// What is true: in a line (`summary`), whole (`meaning`), by which RFC and which file of the
    /// kernel.
    pub term: Term,
}

impl Myth {
    /// It would mislead whoever looks at this flow.
    #[must_use]
    pub fn applies(&self, verdict: &Verdict) -> bool {
        (self.applies)(verdict)
    }
}

/// The rows that apply to a flow by itself, in the order of the table.
pub fn of(verdict: &Verdict) -> impl Iterator<Item = &'static Myth> + '_ {
    let alone = MYTHS.iter().filter(|myth| myth.from == 1);
    alone.filter(|myth| myth.applies(verdict))
}

/// Every row, once.
pub const MYTHS: &[Myth] = &[
    Myth {
        belief: "A lower tcp_fin_timeout makes TIME-WAIT shorter.",
        applies: |v| waits(v, cut_short) || in_fin_wait_2(v),
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
        applies: |v| finding(v, Code::TimeWaitReused, |f| is_true(f, "tcp_tw_reuse")),
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
        applies: |v| waits(v, |w| w.ended_by == EndedBy::Reused),
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
        applies: |v| waits(v, |w| w.owner == Side::Server),
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
        applies: |v| {
            has(v, Code::SynDroppedByTimestamp)
                || has(v, Code::TimestampRegressionAcrossFlows)
                || has(v, Code::TimeWaitSynRejected)
        },
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
        applies: |v| v.abort_cause == Some(AbortCause::AppAbort),
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
        applies: |v| {
            let after_fin = v.outcome == Outcome::AbortedAfterFin;
            has(v, Code::FinWait1Stuck)
                || (after_fin && v.abort_cause == Some(AbortCause::AppAbort))
        },
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
        applies: |v| v.time_wait.len() > 1 || waits(v, cut_short),
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
        applies: in_fin_wait_2,
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
        applies: |v| has(v, Code::FinWait1Stuck),
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
        applies: |v| has(v, Code::CloseWaitLeak),
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
        applies: |v| {
            let causes = [AbortCause::UnreadData, AbortCause::DataAfterClose];
            v.abort_cause.is_some_and(|cause| causes.contains(&cause))
        },
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
        applies: |v| {
            waits(v, |w| {
                matches!(w.ended_by, EndedBy::Expiry | EndedBy::Reused)
            })
        },
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

fn finding(v: &Verdict, code: Code, shows: impl Fn(&Finding) -> bool) -> bool {
    v.findings.iter().any(|f| f.code == code && shows(f))
}

fn has(v: &Verdict, code: Code) -> bool {
    finding(v, code, |_| true)
}

fn is_true(finding: &Finding, key: &str) -> bool {
    finding.data.get(key) == Some(&true.into())
}

fn waits(v: &Verdict, shows: impl Fn(&TimeWait) -> bool) -> bool {
    v.time_wait.iter().any(shows)
}

fn cut_short(wait: &TimeWait) -> bool {
    matches!(wait.ended_by, EndedBy::Reused | EndedBy::Reset)
}

fn in_fin_wait_2(v: &Verdict) -> bool {
    let states = &v.final_states;
    v.abort_cause == Some(AbortCause::FinWait2Expired)
        || [Side::Client, Side::Server]
            .into_iter()
            .any(|side| *states.of(side) == State::FinWait2)
}
