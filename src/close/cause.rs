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
            recognised: "A RST that answers a SYN, sent by the side that was called: R+ACK with \
                SEQ 0 and ACK = ISN+1.",
            meaning: "Nothing listens on that address and port, or a firewall rejects in the \
                host's name. The client's connect() fails with ECONNREFUSED.",
            advice: "Check that the service runs and on which address it listens (`ss -ltn`). \
                Whether the host answered or a firewall in its name does not show in the RST \
                alone: it is certain only if other connections show the host's TTL and the RST has \
                the same. A reject rule on the host itself looks exactly like the host.",
            rfc: &["RFC 9293 3.5.2", "RFC 9293 3.10.7.1"],
            linux: "reset reason NO_SOCKET",
            zeek: "REJ",
        },
    },
    Row {
        value: AbortCause::HandshakeRejected,
        term: Term {
            name: "handshake-rejected",
            summary: "RST within the handshake",
            recognised: "A RST of the client to a SYN-ACK, or a reply RST of the server before it \
                sent anything but its SYN-ACK.",
            meaning: "From the server: most often the accept queue was full and \
                net.ipv4.tcp_abort_on_overflow is 1. From the client: it had given up, or is a \
                port scanner that never meant to connect.",
            advice: "On an overflow make the application accept faster or raise its backlog \
                (listen() and net.core.somaxconn). Leave a scanner's RST alone.",
            rfc: &["RFC 9293 3.10.7.4", "RFC 9293 3.5.2"],
            linux: "`nstat -az TcpExtListenOverflows`; reset reason INVALID_SYN",
            zeek: "REJ, RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::DataAfterClose,
        term: Term {
            name: "data-after-close",
            summary: "data met a side that had closed",
            recognised: "A bare RST from a side that had already sent its FIN, in answer to a \
                segment with payload.",
            meaning: "That side had closed its socket for good, and the peer went on sending. The \
                data was thrown away. A client that leaves before the answer is complete looks so, \
                and so does a request that crosses the close of an idle connection.",
            advice: "If data must not be lost, the closing side has to shut down sending only \
                (shutdown(SHUT_WR)), read to the end of file, then close. For the crossing \
                request see keepalive-race. Do not blame the FIN: it loses nothing; the close() \
                behind it did.",
            rfc: &["RFC 9293 3.6.1", "RFC 1122 4.2.2.13"],
            linux: "`nstat -az TcpExtTCPAbortOnData` while the host keeps a full socket (its FIN \
                not acknowledged, or shutdown of both directions); once the FIN is acknowledged of \
                a closed socket the reset reason is TCP_TIMEWAIT_SOCKET, without a counter",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::FinWait2Expired,
        term: Term {
            name: "fin-wait-2-expired",
            summary: "the peer's first FIN met a side that no longer kept FIN-WAIT-2",
            recognised: "A bare RST that answers the peer's first FIN, from the side that had \
                closed before and whose FIN was acknowledged. A second or more after that \
                acknowledgement it is likely, sooner only possible.",
            meaning: "The peer closed so late that the closer's host no longer kept FIN-WAIT-2. \
                The data was delivered; the peer may see its close end in a reset. Nobody holds \
                TIME-WAIT.",
            advice: "Find out why the peer waited: it sat in CLOSE-WAIT. Linux drops an orphaned \
                FIN-WAIT-2 after net.ipv4.tcp_fin_timeout (default 60 s); at once if \
                net.ipv4.tcp_max_tw_buckets is used up. Do not raise tcp_fin_timeout instead: \
                that only moves the RST.",
            rfc: &["RFC 9293 3.6", "RFC 9293 3.10.7.1"],
            linux: "reset reason NO_SOCKET (TCP_FLAGS where a listener holds the port); `nstat -az \
                TcpExtTCPTimeWaitOverflow` if the RST came at once",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::TimeWaitGone,
        term: Term {
            name: "time-wait-gone",
            summary: "a repeated FIN met a side without TIME-WAIT",
            recognised: "A bare RST that answers a repeated FIN of the peer: its first FIN may \
                have been received, its sender was never told.",
            meaning: "The active closer should be in TIME-WAIT to acknowledge the repeated FIN, \
                and its host no longer is. The host keeps no TIME-WAIT (table full, or a load \
                balancer that forgets), or TIME-WAIT was over already.",
            advice: "Look at net.ipv4.tcp_max_tw_buckets on the closer and at devices between. \
                net.ipv4.tcp_fin_timeout does not shorten TIME-WAIT on Linux, so it is not the \
                reason.",
            rfc: &["RFC 9293 3.6", "RFC 9293 3.10.7.1"],
            linux: "reset reason NO_SOCKET (TCP_FLAGS where a listener holds the port); `nstat -az \
                TcpExtTCPTimeWaitOverflow`",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::NoConnection,
        term: Term {
            name: "no-connection",
            summary: "a segment met no connection",
            recognised: "A bare RST that answers a segment in the middle of the connection, from a \
                side that had sent no FIN.",
            meaning: "That host does not know the connection: it crashed or restarted, its socket \
                timed out, or a middlebox forgot its entry after an idle time and rejects in the \
                host's name.",
            advice: "Look at the idle time before the segment that was answered. The same round \
                number in many flows (60 s, 240 s, 350 s) is a device's timeout: send keepalives \
                more often than that. Otherwise look for a restart of the host or of the process.",
            rfc: &["RFC 9293 3.5.1", "RFC 9293 3.5.2", "RFC 5382 REQ-5"],
            linux: "reset reason NO_SOCKET (TCP_FLAGS where a listener holds the port), without a \
                counter",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::AppAbort,
        term: Term {
            name: "app-abort",
            summary: "the application aborted",
            recognised: "An active RST: R+ACK from a live connection, SEQ = SND.NXT, with the \
                socket's window and options; no sign of another cause.",
            meaning: "The application asked for it: SO_LINGER with timeout 0 and close(), \
                connect(AF_UNSPEC), a listener closed over connections not yet accepted, or an \
                administrator with `ss -K`. Data not yet sent or not yet received is lost.",
            advice: "Search the sender's code or configuration for SO_LINGER; many proxies do it \
                on purpose to avoid TIME-WAIT. Where the peer had sent payload, closing with bytes \
                unread makes the same segment: see the alternatives.",
            rfc: &["RFC 9293 3.9.1", "RFC 9293 3.5.2"],
            linux: "`nstat -az TcpExtTCPAbortOnData` counts SO_LINGER 0; connect(AF_UNSPEC), `ss \
                -K` and a closed listener have no counter (reset reason TCP_STATE); \
                TcpExtTCPAbortOnLinger counts TCP_LINGER2 < 0 in FIN-WAIT-2",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::UnreadData,
        term: Term {
            name: "unread-data",
            summary: "closed with received bytes unread",
            recognised: "An active RST that offers a larger window than its sender's last segment, \
                because closing freed a queue of unread bytes. A few bytes do not move the window; \
                then it is possible only, by what the sender did not wait for: payload after its \
                own FIN, a request that a server never answered, payload for which a client had \
                not asked, a server's answer sent before it had read a body of several segments.",
            meaning: "The application closed, or was killed, before it had read everything it was \
                sent. TCP says so by a RST instead of a FIN, and that RST can destroy an answer \
                that is still on its way to the peer. Impossible if the peer sent no payload.",
            advice: "Read to the end of file before closing: answer, shutdown(SHUT_WR), drain with \
                a limit, close. A typical case is a server that answers an error before it has \
                read the request's body.",
            rfc: &["RFC 2525 2.17", "RFC 1122 4.2.2.13"],
            linux: "`nstat -az TcpExtTCPAbortOnClose`; reset reason TCP_ABORT_ON_CLOSE",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::KeepaliveTimeout,
        term: Term {
            name: "keepalive-timeout",
            summary: "keepalive probes went unanswered",
            recognised: "An active RST after keepalive probes (SEQ one before SND.NXT, no or one \
                byte) at equal intervals that nobody answered; possible only, if the capture holds \
                answers, but the RST comes when the next probe was due: they were lost behind it.",
            meaning: "The peer, or the path to it, was dead for as long as the probes ran, and its \
                own host cleaned up. The peer's side may still believe in the connection.",
            advice: "Look for when the peer was last heard, and what happened then: a crash, a \
                lost route, a middlebox that forgot the idle connection. If probes come later than \
                such a device forgets, shorten TCP_KEEPIDLE.",
            rfc: &["RFC 9293 3.8.4", "RFC 1122 4.2.3.6"],
            linux: "`nstat -az TcpExtTCPAbortOnTimeout`; reset reason TCP_KEEPALIVE_TIMEOUT",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::RetransmissionTimeout,
        term: Term {
            name: "retransmission-timeout",
            summary: "retransmissions went unanswered",
            recognised: "An active RST after repeated segments that nobody acknowledged.",
            meaning: "The sender gave up on its data: the path or the peer was dead for longer \
                than its limit. Linux gives up without a RST, so the sender is another system or a \
                proxy.",
            advice: "Find the last frame of the peer: there the path broke. The limits are \
                TCP_USER_TIMEOUT and, on Linux, net.ipv4.tcp_retries2.",
            rfc: &["RFC 9293 3.8.3", "RFC 5482"],
            linux: "`nstat -az TcpExtTCPAbortOnTimeout` (Linux itself sends no RST then)",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::Injected,
        term: Term {
            name: "injected",
            summary: "a RST that was not sent by the side whose address it bears",
            recognised: "At least two signs against the side whose address the RST bears: TTL, IP \
                ID, window or missing timestamps unlike its other segments; the form of a reply \
                with nothing to reply to, or sooner than that host could answer; the side goes on \
                talking.",
            meaning: "Something between the two ends sent it: a firewall, an intrusion prevention \
                system, a load balancer with an idle timeout, or an attacker. The host named by \
                the address is innocent.",
            advice: "Capture at the alleged sender: the RST will not leave it. The difference in \
                TTL tells how many hops away the device stands.",
            rfc: &["RFC 5961 3", "RFC 3360"],
            linux: "no counter: the alleged sender never sent it. Receiver: `nstat -az \
                TcpEstabResets`",
            zeek: "RSTO or RSTR",
        },
    },
    Row {
        value: AbortCause::Unknown,
        term: Term {
            name: "unknown",
            summary: "the capture does not tell why",
            recognised: "The RST fits none of the other causes, or too little of the connection \
                was captured.",
            meaning: "Why the connection was aborted cannot be read from this capture. Who sent \
                the RST may still be known: see `aborted_by`.",
            advice: "Trace on the sender's host, where the kernel knows the reason: the trace \
                point tcp:tcp_send_reset names it.",
            rfc: &[],
            linux: "",
            zeek: "",
        },
    },
];
