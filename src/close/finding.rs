//! The findings: one row each.

use crate::close::case::Case;
use crate::close::detect::{self, Found, Founds};
use crate::close::sign::{Sign, places};
use crate::close::terms::Term;
use crate::close::verdict::{Finding, names};
use serde::{Deserialize, Serialize};

names! {
    /// How urgent a finding is.
    Severity {
        /// Normal, worth knowing.
        Info = "info",
        /// Unusual.
        Notice = "notice",
        /// Somebody should act.
        Warning = "warning",
    }
}

names! {
    /// The code of a finding. Codes are never reused.
    Code {
        /// A SYN of an older connection reached this one.
        OldDuplicateSyn = "old-duplicate-syn",
        /// Segments of an older connection reached this one.
        OldDuplicateSegment = "old-duplicate-segment",
        /// The ACK of the second FIN was lost.
        FinalAckLost = "final-ack-lost",
        /// A FIN was sent again although it had been acknowledged.
        FinRetransmitted = "fin-retransmitted",
        /// The second FIN was repeated and never acknowledged.
        LastAckStuck = "last-ack-stuck",
        /// The first FIN was repeated and never acknowledged.
        FinWait1Stuck = "fin-wait-1-stuck",
        /// The active closer kept no socket for the peer's FIN.
        OwnerGone = "owner-gone",
        /// A RST ended TIME-WAIT before its time.
        TimeWaitReset = "time-wait-reset",
        /// A new connection took the place of TIME-WAIT.
        TimeWaitReused = "time-wait-reused",
        /// A SYN met an old connection and was not taken.
        TimeWaitSynRejected = "time-wait-syn-rejected",
        /// A RST after both FINs were acknowledged.
        RstAfterClose = "rst-after-close",
        /// A RST that its receiver ignored.
        RstIgnored = "rst-ignored",
        /// A RST that its receiver answered with a challenge ACK.
        RstChallenged = "rst-challenged",
        /// Data was sent after the peer's FIN.
        HalfCloseUsed = "half-close-used",
        /// A side received a FIN and did not close.
        CloseWaitLeak = "close-wait-leak",
        /// A side closed long after it had received the peer's FIN.
        SlowClose = "slow-close",
        /// A request crossed the close of an idle connection.
        KeepaliveRace = "keepalive-race",
        /// The close followed a silence.
        IdleTimeoutClose = "idle-timeout-close",
        /// The RST that ended it is unlike the side in whose name it came.
        ForeignRst = "foreign-rst",
        /// ICMP errors answer segments of the connection.
        IcmpError = "icmp-error",
        /// The server repeats its SYN-ACK, and nothing acknowledges it.
        SynAckUnanswered = "syn-ack-unanswered",
        /// The client's side of the handshake is complete, and the server does not say a word.
        AcceptQueueFull = "accept-queue-full",
        /// A server took a SYN that its TIME-WAIT must not let in.
        PortReusedTooSoon = "port-reused-too-soon",
        /// A TSval went back within the flow.
        TimestampRegression = "timestamp-regression",
        /// A SYN's TSval is older than another connection's clock.
        TimestampRegressionAcrossFlows = "timestamp-regression-across-flows",
        /// A SYN's TSval is older than another clock's behind its address, and nothing answered.
        SynDroppedByTimestamp = "syn-dropped-by-timestamp",
        /// Timestamps were offered and not echoed.
        TimestampsNotNegotiated = "timestamps-not-negotiated",
        /// It is a subflow of a Multipath TCP connection.
        MptcpSubflow = "mptcp-subflow",
        /// A message of the application announced the close.
        CloseAnnounced = "close-announced",
        /// A request was left without a complete response.
        RequestUnanswered = "request-unanswered",
        /// HTTP/2 announced the end of the connection.
        Goaway = "goaway",
        /// TLS sent an alert.
        TlsAlert = "tls-alert",
        /// The flow was forgotten before its end.
        Evicted = "evicted",
        /// The capture holds records twice.
        CaptureDuplicates = "capture-duplicates",
        /// Records stand out of order.
        CaptureReordered = "capture-reordered",
        /// The capture's clock went back.
        CaptureClockStep = "capture-clock-step",
        /// Bytes that were acknowledged are missing from the capture.
        CaptureGap = "capture-gap",
        /// Acknowledged data was never seen: the capture dropped records.
        CaptureDrops = "capture-drops",
        /// Only one direction was captured.
        CaptureOneDirection = "capture-one-direction",
        /// The capture begins inside the connection.
        CaptureStartsInside = "capture-starts-inside",
        /// The capture ends inside the connection.
        CaptureEndsInside = "capture-ends-inside",
        /// Headers were cut by the snaplen.
        CaptureSnaplen = "capture-snaplen",
        /// The capture's last record is cut.
        CaptureCut = "capture-cut",
        /// The capture is damaged while this connection was there.
        CaptureDamaged = "capture-damaged",
    }
}

/// One finding, its rule and its explanation.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its code.
    pub value: Code,
    /// What a case shows in which it can be found.
    pub(super) needs: Sign,
    /// Finds it in a case.
    pub(super) detect: fn(&Case) -> Founds,
    /// How urgent it is.
    pub severity: Severity,
    /// Its explanation.
    pub term: Term,
}

/// Every finding, once.
pub const FINDINGS: &[Row] = &[
    Row {
        value: Code::OldDuplicateSyn,
        needs: Sign::ODD,
        detect: detect::old_duplicate_syn,
        severity: Severity::Info,
        term: Term {
            name: "old-duplicate-syn",
            summary: "a SYN of an older connection reached this one",
            recognised: "A SYN with another ISN while the connection lives, and the connection \
                goes on with its own numbers.",
            meaning: "A SYN that had been delayed in the network arrived late. TCP answers it with \
                an ACK and goes on; no new connection began.",
            advice: "Nothing, if rare. Often in one place: look for a device that queues or \
                replays packets.",
            rfc: &["RFC 9293 3.5", "RFC 5961 4"],
            linux: "`nstat -az TcpExtTCPSYNChallenge`",
            zeek: "",
        },
    },
    Row {
        value: Code::OldDuplicateSegment,
        needs: Sign::LATE,
        detect: detect::old_duplicate_segment,
        severity: Severity::Info,
        term: Term {
            name: "old-duplicate-segment",
            summary: "segments arrived after their connection was over",
            recognised: "Segments with an older connection's numbers arrive after a newer one has \
                begun on the same addresses and ports, or a copy of payload arrives after the FIN \
                behind it was acknowledged.",
            meaning: "Late copies from the network. They are counted with the connection whose \
                numbers they fit, and disturb no other. That they can be told apart is what \
                TIME-WAIT and fresh ISNs are for.",
            advice: "Nothing, if rare: TIME-WAIT, fresh ISNs and PAWS are there for them. Often \
                in one place: look for a device that queues or replays packets. Do not shorten \
                TIME-WAIT by force (SO_LINGER 0): it keeps such segments out of the next \
                connection.",
            rfc: &["RFC 9293 3.4.1", "RFC 7323 5"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::FinalAckLost,
        needs: Sign::LAST_ACK,
        detect: detect::final_ack_lost,
        severity: Severity::Notice,
        term: Term {
            name: "final-ack-lost",
            summary: "the ACK of the second FIN was lost",
            recognised: "The second FIN is repeated by its sender: either more than a round trip \
                after an ACK of it had passed the capture (lost after it), or before any ACK was \
                seen (the FIN or its ACK was lost on the other side).",
            meaning: "The passive closer stayed in LAST-ACK until a repeat got through. TIME-WAIT \
                on the active closer did its work and, if it lives, acknowledged again. No data \
                was lost.",
            advice: "Nothing, if rare: it is packet loss. If there is much of it look at the \
                path; if the repeats are never answered see last-ack-stuck. Do not change \
                TIME-WAIT: it did what it is for.",
            rfc: &["RFC 9293 3.6"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::FinRetransmitted,
        needs: Sign::LAST_ACK,
        detect: detect::fin_retransmitted,
        severity: Severity::Info,
        term: Term {
            name: "fin-retransmitted",
            summary: "a FIN was sent again although it had been acknowledged",
            recognised: "A FIN is repeated within a round trip of its acknowledgement: the two \
                crossed.",
            meaning: "Its sender's timer was a little too quick, or the ACK was delayed (delayed \
                ACKs wait 40 ms or more). Harmless, but a late copy can make TIME-WAIT answer a \
                socket that is gone: see time-wait-reset.",
            advice: "Nothing to do. Do not count it as loss.",
            rfc: &["RFC 6298 5", "RFC 8985 7"],
            linux: "`nstat -az TcpExtTCPLossProbes TcpRetransSegs`",
            zeek: "",
        },
    },
    Row {
        value: Code::LastAckStuck,
        needs: Sign::LAST_ACK,
        detect: detect::last_ack_stuck,
        severity: Severity::Warning,
        term: Term {
            name: "last-ack-stuck",
            summary: "the second FIN was repeated and never acknowledged",
            recognised: "The second FIN is repeated, and no ACK of it appears.",
            meaning: "The passive closer sits in LAST-ACK until its retries run out. The active \
                closer, its host, or something on the way has forgotten the connection without a \
                word.",
            advice: "Look for a firewall or NAT that drops its entry at the first FIN, and for a \
                host that went away. If it is your host that sits in LAST-ACK, \
                net.ipv4.tcp_orphan_retries bounds the wait. Do not blame the application: it has \
                closed.",
            rfc: &["RFC 9293 3.6"],
            linux: "`ss -tno state last-ack`; at the end `nstat -az TcpExtTCPAbortOnTimeout`",
            zeek: "",
        },
    },
    Row {
        value: Code::FinWait1Stuck,
        needs: Sign::ONE_FIN,
        detect: detect::fin_wait_1_stuck,
        severity: Severity::Warning,
        term: Term {
            name: "fin-wait-1-stuck",
            summary: "the first FIN was repeated and never acknowledged",
            recognised: "The first FIN is repeated, and no ACK of it appears.",
            meaning: "The closer cannot deliver its FIN: the peer or the path is dead. The peer, \
                if it lives, still believes in the connection and keeps its socket.",
            advice: "Capture at both ends to find where FIN or ACK is lost; look at firewalls \
                that forget a connection at its FIN. The peer needs keepalive or a timeout of its \
                own to notice; net.ipv4.tcp_orphan_retries bounds the wait of the closer. Do not \
                take it for a broken peer, and do not set SO_LINGER against it: on Linux an \
                expired linger sends no RST.",
            rfc: &["RFC 9293 3.6"],
            linux: "`ss -tno state fin-wait-1`; at the end `nstat -az TcpExtTCPAbortOnTimeout`",
            zeek: "",
        },
    },
    Row {
        value: Code::OwnerGone,
        needs: Sign::LAST_ACK,
        detect: detect::owner_gone,
        severity: Severity::Notice,
        term: Term {
            name: "owner-gone",
            summary: "the active closer kept no socket for the peer's FIN",
            recognised: "The active closer answered the peer's FIN with a RST instead of an ACK.",
            meaning: "Its host kept no socket for the rest of the close: FIN-WAIT-2 had expired, \
                TIME-WAIT was refused or over, or SO_LINGER 0 was used late. The passive closer \
                sees a reset at the end of a close that was otherwise clean.",
            advice: "If the peer took long to close, mend that (close-wait-leak). If the RST came \
                at once, look at net.ipv4.tcp_max_tw_buckets (raise it) and for SO_LINGER on the \
                closer. Do not count it as lost data: the passive closer's own FIN was its last.",
            rfc: &["RFC 9293 3.6", "RFC 9293 3.10.7.1"],
            linux: "`nstat -az TcpExtTCPTimeWaitOverflow`",
            zeek: "",
        },
    },
    Row {
        value: Code::TimeWaitReset,
        needs: Sign::CUT_SHORT,
        detect: detect::time_wait_reset,
        severity: Severity::Notice,
        term: Term {
            name: "time-wait-reset",
            summary: "a RST ended TIME-WAIT before its time",
            recognised: "After TIME-WAIT began, its owner acknowledged a late segment, and a bare \
                RST at exactly its RCV.NXT came back.",
            meaning: "TIME-WAIT assassination: the other side's socket was gone, its host answered \
                the ACK with a RST, and TIME-WAIT ended before its time. In ordinary traffic a \
                repeated FIN is enough. It aborts nothing: the close was complete.",
            advice: "Usually nothing. Where old duplicates are a danger, net.ipv4.tcp_rfc1337=1 on \
                the owner makes it ignore such RSTs.",
            rfc: &["RFC 1337", "RFC 9293 3.10.7.4"],
            linux: "net.ipv4.tcp_rfc1337 (default 0: the RST is obeyed)",
            zeek: "",
        },
    },
    Row {
        value: Code::TimeWaitReused,
        needs: Sign::CUT_SHORT,
        detect: detect::time_wait_reused,
        severity: Severity::Info,
        term: Term {
            name: "time-wait-reused",
            summary: "a new connection took the place of TIME-WAIT",
            recognised: "A SYN on the same 4-tuple was answered with a SYN-ACK while TIME-WAIT \
                still ran: its ISN or its TSval was higher. Or the owner itself reused its port \
                (tcp_tw_reuse), shown by a SYN whose TSecr is not 0. The data give the interval \
                since the old connection, both steps, the SYNs spent and what the handshake cost \
                beyond a round trip.",
            meaning: "A new connection took the place of TIME-WAIT, by the rules, without waiting. \
                The client runs through its ports fast.",
            advice: "Nothing, while it works: a server's TIME-WAIT takes no port and keeps no \
                client out. Where it is frequent, ports are scarce towards this server: keep \
                connections open and reuse them, before a SYN is rejected. Do not use SO_LINGER 0 \
                or a lower tcp_fin_timeout against it: the one loses data, the other does not \
                change TIME-WAIT.",
            rfc: &["RFC 6191", "RFC 9293 3.6.1", "RFC 7323 5"],
            linux: "`nstat -az TcpExtTWRecycled` on a client with net.ipv4.tcp_tw_reuse",
            zeek: "",
        },
    },
    Row {
        value: Code::TimeWaitSynRejected,
        needs: Sign::ODD.or(Sign::PREVIOUS),
        detect: detect::time_wait_syn_rejected,
        severity: Severity::Notice,
        term: Term {
            name: "time-wait-syn-rejected",
            summary: "a SYN met an old connection and was answered with its ACK, a RST or nothing",
            recognised: "A SYN is answered with an ACK of the connection before; the client \
                resets that, and sends its SYN again. Or (possible) soon after a close on the \
                same 4-tuple a SYN goes unanswered, or is refused by the host that holds \
                TIME-WAIT. `refused_by` tells which, `old_state` whose ACK it was.",
            meaning: "The SYN met TIME-WAIT or LAST-ACK of an older connection, and in TIME-WAIT \
                its ISN and TSval were not higher. The handshake succeeds after one more round \
                (the data give its cost), or, if the RST is ignored (tcp_rfc1337=1), only when \
                TIME-WAIT is over. Silence is rather a firewall or balancer that still knows the \
                4-tuple: then a second or more.",
            advice: "A client, or several behind one NAT, reuses its ports faster than TIME-WAIT \
                ends. Widen the port range, reuse connections, or let the client's side close \
                first. At silence look at the devices between. Do not set tcp_rfc1337=1 there, \
                nor look for tcp_tw_recycle: it is gone since Linux 4.12.",
            rfc: &["RFC 9293 3.10.7.3", "RFC 6191", "RFC 5961 4"],
            linux: "`nstat -az TcpExtPAWSTimewait TcpExtTCPACKSkippedTimeWait \
                TcpExtTCPSYNChallenge`",
            zeek: "",
        },
    },
    Row {
        value: Code::RstAfterClose,
        needs: Sign::RESET,
        detect: detect::rst_after_close,
        severity: Severity::Info,
        term: Term {
            name: "rst-after-close",
            summary: "a RST after both FINs were acknowledged",
            recognised: "A RST after both FINs were acknowledged.",
            meaning: "The connection was closed already: the RST took nothing away. Hosts send one \
                for a late segment, some clients to leave TIME-WAIT.",
            advice: "Nothing to do. Do not count it as an abort.",
            rfc: &["RFC 9293 3.10.7.1", "RFC 1337"],
            linux: "",
            zeek: "SF",
        },
    },
    Row {
        value: Code::RstIgnored,
        needs: Sign::RESET,
        detect: detect::rst_ignored,
        severity: Severity::Notice,
        term: Term {
            name: "rst-ignored",
            summary: "a RST that its receiver ignored",
            recognised: "A RST, and after at least a round trip its receiver goes on and \
                acknowledges newer data.",
            meaning: "The RST did not end the connection: its SEQ lay outside the window, or it \
                was lost after the capture point. Often it is a forged or a very late one.",
            advice: "See the RST's `fit`. RSTs outside of the window, again and again: somebody \
                guesses, or a device injects with stale numbers.",
            rfc: &["RFC 5961 3", "RFC 9293 3.5.3"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::RstChallenged,
        needs: Sign::RESET,
        detect: detect::rst_challenged,
        severity: Severity::Notice,
        term: Term {
            name: "rst-challenged",
            summary: "a RST that its receiver answered with a challenge ACK",
            recognised: "A RST in the receive window but not at its left edge, answered with an \
                empty ACK (a challenge ACK); the connection goes on.",
            meaning: "The receiver asked the sender to prove itself. A real peer would have \
                answered with an exact RST; none came, so the RST was forged or stale.",
            advice: "Look at its TTL and IP ID against the peer's other segments. Many of them are \
                an attack or a broken middlebox.",
            rfc: &["RFC 5961 3.2", "RFC 9293 3.10.7.4"],
            linux: "`nstat -az TcpExtTCPChallengeACK`",
            zeek: "",
        },
    },
    Row {
        value: Code::HalfCloseUsed,
        needs: Sign::HALF_USED,
        detect: detect::half_close_used,
        severity: Severity::Info,
        term: Term {
            name: "half-close-used",
            summary: "data was sent after the peer's FIN",
            recognised: "Payload flows after the other side's FIN.",
            meaning: "Either the closer shut down sending only and still reads (a half-close, as \
                `nc -N`, ssh and some RPC protocols use it), or it has closed for good and answers \
                the data with a RST: see data-after-close.",
            advice: "Nothing, if the answer arrives whole. Do not take the FIN for an abort: \
                proxies that do break such clients.",
            rfc: &["RFC 9293 3.6", "RFC 9293 3.9.1"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CloseWaitLeak,
        needs: Sign::ONE_FIN,
        detect: detect::close_wait_leak,
        severity: Severity::Warning,
        term: Term {
            name: "close-wait-leak",
            summary: "a side received a FIN and did not close",
            recognised: "A side acknowledged the peer's FIN, and sent no FIN and no RST. It was \
                silent from there, or from its last data on, to the end of the capture, for as \
                long as --close-wait-threshold says (5 s) or longer.",
            meaning: "It sits in CLOSE-WAIT: its application was told of the end and has not \
                closed its socket. No timer ends that; enough of them use up the file descriptors.",
            advice: "Find the process with `ss -tnp state close-wait` and mend the path on which \
                it forgets close(). Kernel settings do not help: neither tcp_fin_timeout nor \
                keepalive ends it. `ss -K` ends single ones from outside; a restart only hides \
                the leak.",
            rfc: &["RFC 9293 3.6", "RFC 1122 4.2.2.13"],
            linux: "`ss -tn state close-wait`",
            zeek: "S2 or S3",
        },
    },
    Row {
        value: Code::SlowClose,
        needs: Sign::SLOW,
        detect: detect::slow_close,
        severity: Severity::Notice,
        term: Term {
            name: "slow-close",
            summary: "a side closed long after it had received the peer's FIN",
            recognised: "Both FINs, and before the second one its sender was silent for as long \
                as --close-wait-threshold says (5 s) or longer.",
            meaning: "The side was in CLOSE-WAIT for that time, and its peer in FIN-WAIT-2: its \
                application was told of the end and took its time. It did close, so nothing leaks, \
                but many at once use up descriptors.",
            advice: "Look for what that application waits for before it closes: a timeout of the \
                same length, a pool that looks at its connections only then. Past the closer's \
                FIN-WAIT-2 limit (60 s on Linux) the late FIN meets a RST.",
            rfc: &["RFC 9293 3.6", "RFC 1122 4.2.2.13"],
            linux: "`ss -tnp state close-wait` while it lasts; the closer's side: \
                net.ipv4.tcp_fin_timeout",
            zeek: "SF",
        },
    },
    Row {
        value: Code::KeepaliveRace,
        needs: Sign::RESET,
        detect: detect::keepalive_race,
        severity: Severity::Warning,
        term: Term {
            name: "keepalive-race",
            summary: "a request crossed the close of an idle connection",
            recognised: "A side closes an idle connection, and a request that was sent before that \
                FIN can have arrived crosses it and is answered with a RST.",
            meaning: "Nobody made a mistake on the wire: the server's idle timeout ran out at the \
                moment when the client reused the connection. The client sees a failed request (a \
                proxy: 502, 503).",
            advice: "Let the side that sends requests give up idle connections first: its idle \
                timeout should be some seconds below the server's. Requests that are safe to \
                repeat should be repeated.",
            rfc: &["RFC 9112 9.5", "RFC 9293 3.6"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::IdleTimeoutClose,
        needs: Sign::SILENT,
        detect: detect::idle_timeout_close,
        severity: Severity::Info,
        term: Term {
            name: "idle-timeout-close",
            summary: "the close followed a silence",
            recognised: "Neither side had sent payload for a second or more when a FIN or RST \
                began the close, or when a segment met a RST of a side that knew of no connection. \
                What the closer had not received does not count, nor do keepalive probes.",
            meaning: "The connection was closed because it was idle: by a timeout of the closer's, \
                most likely, which is named where the seconds are a well-known one's. Where the \
                connection was forgotten, a middlebox or the host dropped it during the silence, \
                at some time before it ended. If the closer's own payload was the last, it may \
                have waited for an answer instead.",
            advice: "Nothing, if the side that uses the connection again sees the close in time. \
                If requests fail now and then, make the client's idle timeout shorter than the \
                server's and every device's between; keepalive probes help against devices only, \
                not against an application's timeout.",
            rfc: &["RFC 9293 3.8.4", "RFC 5382 REQ-5", "RFC 9112 9.5"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::ForeignRst,
        needs: Sign::RESET,
        detect: detect::foreign_rst,
        severity: Severity::Notice,
        term: Term {
            name: "foreign-rst",
            summary: "the RST that ended it is unlike the side in whose name it came",
            recognised: "Signs against the side whose address the RST bears: TTL, IP ID, missing \
                timestamps or window unlike its other segments; an answer to nothing, or sooner \
                than that host could answer; the side goes on talking. One sign leaves it open, \
                two make a device between the two likely.",
            meaning: "A firewall, an intrusion prevention system or a load balancer spoke in the \
                host's name. The other reading, weaker with every sign: the host sent it itself, \
                by another path or another stack (a kernel bypass, a proxy on the same address).",
            advice: "Capture at the host that is named: a RST of its own leaves it, a foreign one \
                does not. The RST's TTL against those of the host tells how many hops away its \
                sender stands.",
            rfc: &["RFC 5961 3", "RFC 3360"],
            linux: "no counter on the host that is named; `nstat -az TcpOutRsts` there stays still",
            zeek: "",
        },
    },
    Row {
        value: Code::IcmpError,
        needs: Sign::ERRORS,
        detect: detect::icmp_error,
        severity: Severity::Notice,
        term: Term {
            name: "icmp-error",
            summary: "ICMP errors answer segments of the connection",
            recognised: "An ICMP or ICMPv6 error (destination unreachable, time exceeded) that \
                quotes addresses, ports and the sequence number of a segment of this connection. \
                One that says \"packet too big\" is no failure and is left out.",
            meaning: "To a SYN: a firewall refused it (prohibited, or port unreachable, which no \
                TCP says for itself), or there is no way to the host. connect() fails at once with \
                EHOSTUNREACH, or ECONNREFUSED for a port. Later in a connection TCP only notes it \
                and goes on trying.",
            advice: "`data` names who sent it: the host's own address means a rule on that host \
                (or in its name), another one is the device where the packet stopped. Look at its \
                rules or routes.",
            rfc: &["RFC 792", "RFC 4443 3", "RFC 5461"],
            linux: "`nstat -az IcmpInDestUnreachs IcmpOutDestUnreachs`",
            zeek: "S0",
        },
    },
    Row {
        value: Code::SynAckUnanswered,
        needs: Sign::OPENING,
        detect: detect::syn_ack_unanswered,
        severity: Severity::Notice,
        term: Term {
            name: "syn-ack-unanswered",
            summary: "the server repeats its SYN-ACK, and nothing acknowledges it",
            recognised: "More than one SYN-ACK, and no segment of the client that acknowledges it.",
            meaning: "Where the client repeats its SYN as well, the SYN-ACK does not reach it: the \
                way back is broken, asymmetric or filtered. Where it does not, the client is gone, \
                or the SYN came from a forged address: many of these to one service are a SYN \
                flood.",
            advice: "Capture at the client: does the SYN-ACK arrive? For a flood see that \
                net.ipv4.tcp_syncookies is on.",
            rfc: &["RFC 9293 3.5", "RFC 4987"],
            linux: "server: `ss -tn state syn-recv`, `nstat -az TcpExtTCPReqQFullDoCookies \
                TcpExtSyncookiesSent`",
            zeek: "S1",
        },
    },
    Row {
        value: Code::AcceptQueueFull,
        needs: Sign::UNHEARD,
        detect: detect::accept_queue_full,
        severity: Severity::Warning,
        term: Term {
            name: "accept-queue-full",
            summary: "the client's side of the handshake is complete, and the server does not say a word",
            recognised: "SYN, SYN-ACK and the client's ACK, then its data again and again, and of \
                the server nothing but SYN-ACKs.",
            meaning: "The server's accept queue is full: its kernel drops the last ACK of the \
                handshake and the data with it, and repeats the SYN-ACK. The client believes that \
                it is connected. With net.ipv4.tcp_abort_on_overflow=1 it would get a RST: see \
                handshake-rejected. The other reading: the client's segments are lost on the way.",
            advice: "The application accepts too slowly, or its backlog is too small: look at \
                `ss -ltn` (Recv-Q against Send-Q) on the server; raise listen()'s backlog together \
                with net.core.somaxconn.",
            rfc: &["RFC 9293 3.5"],
            linux: "server: `nstat -az TcpExtListenOverflows TcpExtListenDrops`",
            zeek: "S1",
        },
    },
    Row {
        value: Code::PortReusedTooSoon,
        needs: Sign::PREVIOUS,
        detect: detect::port_reused_too_soon,
        severity: Severity::Notice,
        term: Term {
            name: "port-reused-too-soon",
            summary: "a server took a SYN that its TIME-WAIT must not let in",
            recognised: "A SYN on the 4-tuple while the server's own TIME-WAIT still ran, with an \
                ISN and a TSval that are not higher, and the server answered it with a SYN-ACK \
                all the same.",
            meaning: "The 4-tuple came back sooner than TCP allows: late segments of the old \
                connection could be taken for the new one's. The server kept no TIME-WAIT \
                (tcp_max_tw_buckets, SO_LINGER 0), or its stack or a proxy in its name does not \
                test.",
            advice: "Look at who answers for the server's address: a balancer, a user-space \
                stack, a host without TIME-WAIT. On the client widen the port range \
                (net.ipv4.ip_local_port_range) or reuse connections; behind a NAT, look at its \
                own port table. Do not take it for a fault of the client: it may send the SYN, \
                the server must not take it.",
            rfc: &["RFC 6191", "RFC 9293 3.4.1"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::TimestampRegression,
        needs: Sign::REGRESSED,
        detect: detect::regression,
        severity: Severity::Notice,
        term: Term {
            name: "timestamp-regression",
            summary: "a TSval went back within the flow",
            recognised: "A segment (no RST) with new data, or answered by a duplicate ACK, whose \
                TSval is older than the newest one its receiver had taken.",
            meaning: "The receiver drops such a segment as an old duplicate (PAWS). One clock does \
                not go back: a middlebox rewrites timestamps, or several hosts share the address.",
            advice: "Look at the devices on the way that touch timestamps (NAT, TCP accelerators, \
                load balancers). Compare a capture on each side of them.",
            rfc: &["RFC 7323 5.2", "RFC 7323 5.3"],
            linux: "`nstat -az TcpExtPAWSEstab`",
            zeek: "",
        },
    },
    Row {
        value: Code::TimestampRegressionAcrossFlows,
        needs: Sign::PREVIOUS.or(Sign::OFF_CLOCK),
        detect: detect::regression_across_flows,
        severity: Severity::Notice,
        term: Term {
            name: "timestamp-regression-across-flows",
            summary: "a SYN's TSval is older than another connection's clock",
            recognised: "A SYN whose TSval is older than that of the connection just before on the \
                same 4-tuple, within 60 s; or behind the clock that two other connections of its \
                addresses were seen to share. Linux gives each connection an offset of its own \
                (since 4.10): such SYNs share no clock and show nothing.",
            meaning: "One clock does not go back, so several hosts may stand behind one address \
                (NAT, load balancer), or the host restarted. A server that compares timestamps per \
                address or in TIME-WAIT may drop or reject such SYNs.",
            advice: "Nothing, while all SYNs are answered. Do not use tcp_tw_recycle (it was \
                removed in Linux 4.12), and do not read TSvals as uptimes. If SYNs are rejected, \
                widen the NAT's port or address pool so that 4-tuples come back later.",
            rfc: &["RFC 7323 5.8", "RFC 6191"],
            linux: "`nstat -az TcpExtPAWSTimewait`",
            zeek: "",
        },
    },
    Row {
        value: Code::SynDroppedByTimestamp,
        needs: Sign::PREVIOUS.or(Sign::OFF_CLOCK),
        detect: detect::syn_dropped,
        severity: Severity::Warning,
        term: Term {
            name: "syn-dropped-by-timestamp",
            summary: "SYNs with an older TSval than another host's behind their address, unanswered",
            recognised: "A SYN is sent several times and nothing answers, not even a RST. Its TSval \
                is older than that of the connection before on the same 4-tuple, within 60 s, or \
                lies behind the clock that two other connections of its addresses share, which were \
                answered.",
            meaning: "Several hosts stand behind one address (NAT, load balancer), and the server, \
                or a device before it, remembers the newest TSval of that address: it drops the SYNs \
                of every host whose clock is behind. That is what net.ipv4.tcp_tw_recycle=1 did. Some \
                clients connect always, some only when the others were quiet for a minute.",
            advice: "Turn tcp_tw_recycle off on servers before Linux 4.12, which removed it (2017); \
                nothing replaces it, and it never helped against TIME-WAIT on a server. On a present \
                server look at the load balancer or firewall before it. Do not turn off \
                tcp_timestamps for good: that costs PAWS and tcp_tw_reuse.",
            rfc: &["RFC 7323 5.8", "RFC 6191 4"],
            linux: "`nstat -az TcpExtPAWSPassive` (until Linux 4.11); `TcpExtPAWSTimewait`",
            zeek: "S0",
        },
    },
    Row {
        value: Code::TimestampsNotNegotiated,
        needs: Sign::DECLINED,
        detect: detect::timestamps_not_negotiated,
        severity: Severity::Info,
        term: Term {
            name: "timestamps-not-negotiated",
            summary: "timestamps were offered and not echoed",
            recognised: "The SYN offers timestamps, the SYN-ACK does not echo them.",
            meaning: "The connection runs without timestamps: no PAWS, coarser round-trip samples, \
                and the client's net.ipv4.tcp_tw_reuse cannot reuse a TIME-WAIT of this pair.",
            advice: "See whether the server (net.ipv4.tcp_timestamps) or a device on the way \
                turns the option off. Do not turn it off yourself: without it fast reuse of ports \
                hangs on the ISN alone.",
            rfc: &["RFC 7323 3.2"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::MptcpSubflow,
        needs: Sign::RARE,
        detect: detect::mptcp_subflow,
        severity: Severity::Info,
        term: Term {
            name: "mptcp-subflow",
            summary: "the flow is a subflow of a Multipath TCP connection",
            recognised: "SYN and SYN-ACK carry MP_CAPABLE or MP_JOIN, or a segment carries the data \
                of a connection (DSS).",
            meaning: "FIN and RST close this subflow only; outcome, active closer and TIME-WAIT are \
                the subflow's. The connection itself is closed by a DATA_FIN of each side, or \
                aborted by MP_FASTCLOSE, in whichever subflow; a RST may carry its reason \
                (MP_TCPRST).",
            advice: "Judge the connection by its DATA_FINs; look for its other subflows.",
            rfc: &["RFC 8684 3.3.3", "RFC 8684 3.5", "RFC 8684 3.6"],
            linux: "`ss -Mtin`, `nstat -az 'MPTcpExt*'`",
            zeek: "",
        },
    },
    Row {
        value: Code::CloseAnnounced,
        needs: Sign::SAID,
        detect: detect::close_announced,
        severity: Severity::Info,
        term: Term {
            name: "close-announced",
            summary: "an HTTP message announced the close",
            recognised: "The last HTTP/1 request or response holds Connection: close, and a FIN or a \
                RST follows.",
            meaning: "In a request it asks the server to close after its response, in a response it \
                announces that its sender closes. Such a close is meant, and whoever closes first \
                owns TIME-WAIT.",
            advice: "Nothing, unless connections should be reused: then find who sets it (a limit of \
                requests per connection, HTTP/1.0 behind a proxy, a health check). A close that \
                nobody announced can meet a request that is on its way.",
            rfc: &["RFC 9112 9.6"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::RequestUnanswered,
        needs: Sign::SAID,
        detect: detect::request_unanswered,
        severity: Severity::Warning,
        term: Term {
            name: "request-unanswered",
            summary: "the connection ended with an HTTP request in flight",
            recognised: "The last HTTP/1 request has no response, or one that is shorter than its \
                Content-Length, lacks its last chunk, or was ended by a RST; and the connection \
                is over.",
            meaning: "The client cannot know whether the request took effect. If it was acknowledged \
                the server's host had it, which does not say that the application read it.",
            advice: "Look at the side that ended the connection, at the time of this frame: crash, \
                restart, timeout. Clients may repeat it by themselves only if it is idempotent \
                (GET, HEAD, PUT, DELETE). Do not retry a POST blindly.",
            rfc: &["RFC 9112 8", "RFC 9112 9.3.1", "RFC 9110 9.2.2"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::Goaway,
        needs: Sign::SAID,
        detect: detect::goaway,
        severity: Severity::Info,
        term: Term {
            name: "goaway",
            summary: "HTTP/2 announced the end of the connection",
            recognised: "A GOAWAY frame of HTTP/2 without TLS, at the end of a segment's payload.",
            meaning: "Its sender takes no new streams. Streams of the peer above the last one that \
                it names were not processed; with NO_ERROR the end is orderly (idle, or a limit \
                of requests), any other error is a complaint.",
            advice: "Requests on higher streams may be repeated on another connection, of any method. \
                ENHANCE_YOUR_CALM means too much: mostly pings too often.",
            rfc: &["RFC 9113 6.8", "RFC 9113 7"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::TlsAlert,
        needs: Sign::SAID,
        detect: detect::tls_alert,
        severity: Severity::Info,
        term: Term {
            name: "tls-alert",
            summary: "TLS sent an alert",
            recognised: "A record of type 21 at the end of a segment's payload. Level and description \
                are there before encryption only; later ones are taken for close_notify, which \
                ends every orderly connection.",
            meaning: "A clear one refuses the handshake and says why. An encrypted one before a FIN is \
                the usual end. TLS 1.3 hides the type of its records: there close_notify cannot be \
                seen, nor missed.",
            advice: "Clear: set right what it names (versions, certificates, names). Encrypted: \
                nothing; but a peer that closes without reading the other's close_notify answers \
                it with a RST, which harms nobody.",
            rfc: &["RFC 8446 6", "RFC 5246 7.2"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::Evicted,
        needs: Sign::EVICTED,
        detect: detect::evicted,
        severity: Severity::Notice,
        term: Term {
            name: "evicted",
            summary: "the flow was forgotten before its end",
            recognised: "More flows were open at once than the limits allow, and this one had to go: \
                SYNs without an answer first, then what was idle for longest.",
            meaning: "What came after its last frame was not looked at. How it closed is not known, \
                unless it had closed before.",
            advice: "Raise `--max-flows` or `--max-half-open`, or look at fewer flows with `--filter`.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureDuplicates,
        needs: Sign::ODD,
        detect: detect::duplicates,
        severity: Severity::Info,
        term: Term {
            name: "capture-duplicates",
            summary: "the capture holds records twice",
            recognised: "The same packet stands in the capture twice: equal in everything but TTL \
                and link header (IP ID and TSval too).",
            meaning: "It was captured at two places, such as the `any` interface, a mirror of both \
                ports, or tagged and untagged. The copies are folded before anything is judged: \
                they are no retransmissions.",
            advice: "Capture on one interface, or in one direction of the mirror. Nothing in the \
                verdict depends on it.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureReordered,
        needs: Sign::ODD,
        detect: detect::reordered,
        severity: Severity::Info,
        term: Term {
            name: "capture-reordered",
            summary: "records stand out of order",
            recognised: "Records stand in the file in another order than their packets travelled.",
            meaning: "Network cards with several queues, and merged files, do that. Who closed \
                first is decided by acknowledgement numbers, not by this order.",
            advice: "Nothing. `reordercap` sorts by time, where the times are right.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureClockStep,
        needs: Sign::ODD,
        detect: detect::clock_step,
        severity: Severity::Notice,
        term: Term {
            name: "capture-clock-step",
            summary: "the capture's clock went back",
            recognised: "A record is much older than the one before it.",
            meaning: "The capturing host's clock was set back, the capture's interfaces have clocks \
                that differ (the message says which), or files were merged badly. Durations across \
                the step mean nothing.",
            advice: "Trust the order of frames, not their times, around the step. Keep the clock \
                of the capturing host slewed, not stepped.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureGap,
        needs: Sign::UNSEEN,
        detect: detect::gap,
        severity: Severity::Notice,
        term: Term {
            name: "capture-gap",
            summary: "bytes that were acknowledged are missing from the capture",
            recognised: "Numbers that were acknowledged, or skipped by their own sender, are \
                missing from the capture where they matter: a byte that may have been a FIN, or an \
                ACK that must have been sent.",
            meaning: "The capture missed something that decides. The verdict takes the weaker \
                reading and says so by its confidence.",
            advice: "Capture again nearer to one end, with a larger buffer (`tcpdump -B 65536`), \
                or headers only (`-s 96`).",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureDrops,
        needs: Sign::HOLE,
        detect: detect::drops,
        severity: Severity::Notice,
        term: Term {
            name: "capture-drops",
            summary: "acknowledged data was never seen: the capture dropped records",
            recognised: "A side acknowledges payload that is not in the capture.",
            meaning: "The capture dropped records. Retransmissions, FINs or RSTs may be among \
                them; nothing that rests on their absence is certain.",
            advice: "Look at what tcpdump printed as \"dropped by kernel\". A larger buffer \
                (`-B`), a narrower filter or a shorter snaplen helps.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureOneDirection,
        needs: Sign::ONE_SIDED,
        detect: detect::one_direction,
        severity: Severity::Notice,
        term: Term {
            name: "capture-one-direction",
            summary: "only one direction was captured",
            recognised: "Every segment of the flow has the same sender.",
            meaning: "The other direction took another path, or the mirror shows one way only. How \
                the connection closed needs both.",
            advice: "Mirror both directions, or capture on one of the two hosts.",
            rfc: &[],
            linux: "",
            zeek: "SH, SHR or OTH",
        },
    },
    Row {
        value: Code::CaptureStartsInside,
        needs: Sign::MIDWAY,
        detect: detect::starts_inside,
        severity: Severity::Info,
        term: Term {
            name: "capture-starts-inside",
            summary: "the capture begins inside the connection",
            recognised: "Neither SYN nor SYN-ACK was seen: the first segment belongs to a \
                connection that was already running.",
            meaning: "The close can be judged nevertheless. Unknown are the negotiated options, \
                and which side is the client: the higher port is taken for it.",
            advice: "Start the capture first, if the options matter.",
            rfc: &[],
            linux: "",
            zeek: "OTH",
        },
    },
    Row {
        value: Code::CaptureEndsInside,
        needs: Sign::UNFINISHED,
        detect: detect::ends_inside,
        severity: Severity::Info,
        term: Term {
            name: "capture-ends-inside",
            summary: "the capture ends inside the connection",
            recognised: "The capture ends while the connection, or a step of its close, is not \
                complete.",
            meaning: "What is missing may simply come after the last record. So nothing that rests \
                on absence is certain.",
            advice: "Capture for longer: beyond the close, and 60 s more if TIME-WAIT matters.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureSnaplen,
        needs: Sign::RARE,
        detect: detect::snaplen,
        severity: Severity::Info,
        term: Term {
            name: "capture-snaplen",
            summary: "headers were cut by the snaplen",
            recognised: "Records are cut inside the TCP header.",
            meaning: "Numbers and flags are there, options may not be: nothing is said of \
                timestamps then, and some tests for forged RSTs are left out.",
            advice: "Capture with a snaplen of 96 or more (`tcpdump -s 96`); 128 with tunnels or \
                IPv6.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureCut,
        needs: Sign::CUT,
        detect: detect::cut,
        severity: Severity::Notice,
        term: Term {
            name: "capture-cut",
            summary: "the capture's last record is cut",
            recognised: "The file ends in the middle of its last record.",
            meaning: "The writer was stopped or the disk was full. Everything before the cut was \
                read and judged.",
            advice: "Stop tcpdump with SIGINT or SIGTERM, not SIGKILL; `-U` writes each packet at \
                once.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::CaptureDamaged,
        needs: Sign::TORN,
        detect: detect::damaged,
        severity: Severity::Notice,
        term: Term {
            name: "capture-damaged",
            summary: "the capture is damaged within the connection",
            recognised: "Bytes of the capture were skipped because they hold no readable record, \
                and the connection was not over before.",
            meaning: "Records of this connection may have been among them, as if the capture had \
                dropped them: nothing that rests on their absence is certain.",
            advice: "Copy the capture again from where it was written; the summary names each \
                place and how much was skipped. `--strict` stops at the first.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
];

impl Code {
    /// The row of the table.
    pub fn row(self) -> &'static Row {
        // The table holds every code (a test says so), in the order of the enum.
        &FINDINGS[self as usize]
    }
}

/// Every finding of a case, in the order of the table. `room`: for them.
pub(super) fn findings(case: &Case, mut room: Vec<Finding>) -> Vec<Finding> {
    let shown = Sign::of(case);
    if !shown.is_none() || cfg!(debug_assertions) {
        look_for(case, shown, &mut room);
    }
    room
}

/// The rows that need a sign, each as the bit of its place: few need any that a case shows, and the
/// table is many cache lines.
static ROWS: [u64; Sign::COUNT] = {
    assert!(FINDINGS.len() <= u64::BITS as usize);
    let mut rows = [0; Sign::COUNT];
    let mut sign = 0;
    while sign < rows.len() {
        let mut row = 0;
        while row < FINDINGS.len() {
            if FINDINGS[row].needs.meets(Sign::nth(sign)) {
                rows[sign] |= 1 << row;
            }
            row += 1;
        }
        sign += 1;
    }
    rows
};

// Not in line: most cases show no sign, and the judgement needs the registers.
#[inline(never)]
fn look_for(case: &Case, shown: Sign, all: &mut Vec<Finding>) {
    let signs = shown.places().filter_map(|sign| ROWS.get(sign));
    let rows = signs.fold(0, |rows, of_sign| rows | of_sign);
    for row in places(rows).filter_map(|row| FINDINGS.get(row)) {
        let mut founds = (row.detect)(case);
        // The last one first: to take the list apart from its front, all of it would be moved.
        founds.reverse();
        while let Some(found) = founds.pop() {
            all.push(row.finding(found));
        }
    }
    if cfg!(debug_assertions) {
        let others = FINDINGS.iter().filter(|row| !row.needs.meets(shown));
        for row in others {
            assert!((row.detect)(case).is_empty(), "{} needs less", row.value);
        }
    }
}

impl Row {
    fn finding(&self, found: Found) -> Finding {
        Finding {
            code: self.value,
            severity: self.severity,
            side: found.side,
            frames: found.frames,
            confidence: found.confidence,
            message: found.message,
            data: found.data,
        }
    }
}
