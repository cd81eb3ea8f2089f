//! The findings: one row each.

use crate::close::case::Case;
use crate::close::detect::{self, Found};
use crate::close::sign::Sign;
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
        /// A SYN met an old connection and was answered with its ACK.
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
        /// A request crossed the close of an idle connection.
        KeepaliveRace = "keepalive-race",
        /// A 4-tuple was reused against the rules.
        PortReusedTooSoon = "port-reused-too-soon",
        /// A TSval went back within the flow.
        TimestampRegression = "timestamp-regression",
        /// A SYN's TSval is older than the flow before it on the same 4-tuple.
        TimestampRegressionAcrossFlows = "timestamp-regression-across-flows",
        /// Timestamps were offered and not echoed.
        TimestampsNotNegotiated = "timestamps-not-negotiated",
        /// It is a subflow of a Multipath TCP connection.
        MptcpSubflow = "mptcp-subflow",
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
    pub(super) detect: fn(&Case) -> Vec<Found>,
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
            advice: "Nothing. It is a reason not to shorten TIME-WAIT by force.",
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
            advice: "Packet loss: look at the path if there is much of it. If the repeats are \
                never answered, see last-ack-stuck.",
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
            advice: "Nothing to do.",
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
                net.ipv4.tcp_orphan_retries bounds the wait.",
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
            advice: "Find where the path broke. The peer needs keepalive or a timeout of its own \
                to notice; net.ipv4.tcp_orphan_retries bounds the wait of the closer.",
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
                at once, look at net.ipv4.tcp_max_tw_buckets and for SO_LINGER on the closer.",
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
                (tcp_tw_reuse), shown by a SYN whose TSecr is not 0.",
            meaning: "A new connection took the place of TIME-WAIT, by the rules, without waiting. \
                The client runs through its ports fast.",
            advice: "Nothing, while it works. It shows that ports are scarce towards this server: \
                keep connections open and reuse them, before a SYN is rejected.",
            rfc: &["RFC 6191", "RFC 9293 3.6.1", "RFC 7323 5"],
            linux: "`nstat -az TcpExtTWRecycled` on a client with net.ipv4.tcp_tw_reuse",
            zeek: "",
        },
    },
    Row {
        value: Code::TimeWaitSynRejected,
        needs: Sign::ODD,
        detect: detect::time_wait_syn_rejected,
        severity: Severity::Notice,
        term: Term {
            name: "time-wait-syn-rejected",
            summary: "a SYN met an old connection and was answered with its ACK",
            recognised: "A SYN is answered with an ACK of the connection before; the client resets \
                that, and sends its SYN again.",
            meaning: "The SYN met TIME-WAIT or LAST-ACK of an older connection and its ISN and \
                TSval were not higher. The handshake succeeds after one more round, or, if the RST \
                is ignored (tcp_rfc1337=1), only when TIME-WAIT is over.",
            advice: "A client, or several behind one NAT, reuses its ports faster than TIME-WAIT \
                ends. Widen the port range, reuse connections, or let the client's side close \
                first.",
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
        needs: Sign::RARE,
        detect: detect::half_close_used,
        severity: Severity::Info,
        term: Term {
            name: "half-close-used",
            summary: "data was sent after the peer's FIN",
            recognised: "Payload flows after the other side's FIN.",
            meaning: "Either the closer shut down sending only and still reads (a half-close, as \
                `nc -N`, ssh and some RPC protocols use it), or it has closed for good and answers \
                the data with a RST: see data-after-close.",
            advice: "Nothing, if the answer arrives whole. Proxies that take a FIN for an abort \
                break such clients.",
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
            recognised: "A side acknowledged the peer's FIN, and sent neither FIN nor RST for 5 s \
                or more, until the capture ended.",
            meaning: "It sits in CLOSE-WAIT: its application was told of the end and has not \
                closed its socket. No timer ends that; enough of them use up the file descriptors.",
            advice: "Find the process with `ss -tnp state close-wait` and mend the path on which \
                it forgets close(). Kernel settings do not help.",
            rfc: &["RFC 9293 3.6", "RFC 1122 4.2.2.13"],
            linux: "`ss -tn state close-wait`",
            zeek: "S2 or S3",
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
        value: Code::PortReusedTooSoon,
        needs: Sign::PREVIOUS,
        detect: detect::port_reused_too_soon,
        severity: Severity::Notice,
        term: Term {
            name: "port-reused-too-soon",
            summary: "a 4-tuple was reused against the rules",
            recognised: "A SYN on the 4-tuple while TIME-WAIT still ran, with an ISN and a TSval \
                that are not higher, and it was answered with a SYN-ACK all the same.",
            meaning: "The 4-tuple came back sooner than TCP allows: late segments of the old \
                connection could be taken for the new one's. The other side kept no TIME-WAIT, or \
                does not test.",
            advice: "Widen the client's port range (net.ipv4.ip_local_port_range), reuse \
                connections, or use more addresses. Behind a NAT, look at its own port table.",
            rfc: &["RFC 6191", "RFC 9293 3.4.1"],
            linux: "",
            zeek: "",
        },
    },
    Row {
        value: Code::TimestampRegression,
        needs: Sign::RARE,
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
        needs: Sign::PREVIOUS,
        detect: detect::regression_across_flows,
        severity: Severity::Notice,
        term: Term {
            name: "timestamp-regression-across-flows",
            summary: "a SYN's TSval is older than the flow before it on the same 4-tuple",
            recognised: "A SYN whose TSval is older than that of the connection just before on the \
                same 4-tuple.",
            meaning: "One clock does not go back, so several hosts may stand behind one address \
                (NAT, load balancer), or the host restarted. A server that compares timestamps per \
                address or in TIME-WAIT may drop or reject such SYNs.",
            advice: "Do not use tcp_tw_recycle (it was removed in Linux 4.12). On the NAT, widen \
                the port or address pool so that 4-tuples come back later.",
            rfc: &["RFC 7323 5.8", "RFC 6191"],
            linux: "`nstat -az TcpExtPAWSTimewait`",
            zeek: "",
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
            advice: "See whether the server (net.ipv4.tcp_timestamps) or a device on the way turns \
                the option off.",
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
        needs: Sign::UNFINISHED,
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

/// Every finding of a case, in the order of the table.
pub(super) fn findings(case: &Case) -> Vec<Finding> {
    let shown = Sign::of(case);
    if shown.is_none() && !cfg!(debug_assertions) {
        return Vec::new();
    }
    look_for(case, shown)
}

// Not in line: most cases show no sign, and the judgement needs the registers.
#[inline(never)]
fn look_for(case: &Case, shown: Sign) -> Vec<Finding> {
    let mut all = Vec::new();
    for row in FINDINGS {
        if row.needs.meets(shown) {
            let found = (row.detect)(case).into_iter();
            all.extend(found.map(|found| row.finding(found)));
        } else {
            debug_assert!((row.detect)(case).is_empty(), "{} needs less", row.value);
        }
    }
    all
}

impl Row {
    fn finding(&self, found: Found) -> Finding {
        let owned = |(key, value): (&str, _)| (key.to_owned(), value);
        Finding {
            code: self.value,
            severity: self.severity,
            side: found.side,
            frames: found.frames,
            confidence: found.confidence,
            message: found.message,
            data: found.data.into_iter().map(owned).collect(),
        }
    }
}
