//! The words of the diagnosis: what many flows show together, where no finding, cause or outcome
//! says it. One row each.

use crate::close::terms::Term;
use crate::close::verdict::names;
use crate::close::words::Word;
use serde::{Deserialize, Serialize};

names! {
    /// What many flows show together.
    Pattern {
        /// Nothing is to be done.
        Healthy = "healthy",
        /// Connections are closed after the same silence.
        IdleTimeout = "idle-timeout",
        /// Connections do not outlive a silence.
        ForgottenWhileIdle = "forgotten-while-idle",
        /// A host is server on one hop and client on the next.
        Proxy = "proxy",
        /// A connection for each request.
        ConnectionPerRequest = "connection-per-request",
        /// Connections within one host.
        Loopback = "loopback",
        /// Data is repeated in vain.
        DataUnanswered = "data-unanswered",
        /// A window stays shut.
        WindowShut = "window-shut",
        /// There were too many services.
        ServicesLeftOut = "services-left-out",
    }
}

/// Every pattern, once.
pub const PATTERNS: &[Word<Pattern>] = &[
    Word {
        value: Pattern::Healthy,
        term: Term {
            name: "healthy",
            summary: "nothing is to be done",
            recognised: "No flow has an abort, an opening without an answer, or a finding of \
                severity notice or warning, and none is stuck.",
            meaning: "Every connection whose end the capture shows was closed in order. What else \
                is listed is worth knowing, no more.",
            advice: "Nothing.",
            ..Term::BLANK
        },
    },
    Word {
        value: Pattern::IdleTimeout,
        term: Term {
            name: "idle-timeout",
            summary: "connections are closed after the same silence",
            recognised: "Three or more connections to one service that the same side closed (or \
                aborted) after silences within one in a hundred of one another; or, of a server, \
                all within 1.1 s: a timer that is looked at once a second. Tells the median and \
                the largest distance from it, and the well-known timeouts that the closer may have \
                and the median equals (from 50 ms or half a percent below to 200 ms or one percent \
                above).",
            meaning: "The closer has an idle timeout of so long. That is no fault: it bounds how \
                many connections are kept for nothing.",
            advice: "Make whoever uses these connections again give them up sooner than that: \
                requests that cross the close fail. Keepalive probes do not help against a timeout \
                of an application.",
            rfc: &["RFC 9112 9.5"],
            ..Term::BLANK
        },
    },
    Word {
        value: Pattern::ForgottenWhileIdle,
        term: Term {
            name: "forgotten-while-idle",
            summary: "connections do not outlive a silence",
            recognised: "The first segment after a silence of a second or more met a RST of a side \
                that had not closed, or was repeated and never answered. The timeout lies between \
                the longest silence to the same service that was survived and the shortest that was \
                not; well-known timeouts between the two are named.",
            meaning: "A device between (NAT, firewall, load balancer) dropped its entry, or the \
                host lost its connections. The side that sends finds out only then.",
            advice: "Send keepalive probes (TCP_KEEPIDLE) or close idle connections sooner than the \
                shortest of these silences. Look for a device with that timeout; if the host \
                restarted instead, the times of the RSTs are close together.",
            rfc: &["RFC 5382 REQ-5", "RFC 9293 3.5.1"],
            linux: "net.ipv4.tcp_keepalive_time (default 7200 s) is too late for most devices",
            ..Term::BLANK
        },
    },
    Word {
        value: Pattern::Proxy,
        term: Term {
            name: "proxy",
            summary: "a host is server on one hop and client on the next",
            recognised: "The address of a service is a client's of another one; or the capture was \
                taken at the server and holds connections over its loopback interface (possible: \
                the two may have nothing to do with one another).",
            meaning: "Each hop has connections of its own, with closers and TIME-WAITs of its own.",
            advice: "Judge the hops one by one. Between a proxy and its servers kept connections (a \
                pool) cost the least; the proxy's idle timeout has to be shorter than its servers'.",
            ..Term::BLANK
        },
    },
    Word {
        value: Pattern::ConnectionPerRequest,
        term: Term {
            name: "connection-per-request",
            summary: "a connection for each request",
            recognised: "Ten or more connections to a service, nine in ten of them with one \
                exchange: payload of the client, then of the server. Round trips are the sums of \
                the smallest ones to both sides.",
            meaning: "Each request waits for a handshake first and leaves a TIME-WAIT behind, on \
                the side that closes first.",
            advice: "Keep connections open and use them again (keep-alive, a pool), if there are \
                enough of them to matter. Do not fight TIME-WAIT with tcp_tw_recycle (gone since \
                Linux 4.12) or SO_LINGER 0.",
            rfc: &["RFC 9112 9.3"],
            ..Term::BLANK
        },
    },
    Word {
        value: Pattern::Loopback,
        term: Term {
            name: "loopback",
            summary: "connections within one host",
            recognised: "The service has a loopback address.",
            meaning: "Both ends are sockets of one host, which holds every TIME-WAIT. A capture on \
                the `any` interface may hold each packet twice, once sent and once received; the \
                copies are folded.",
            advice: "net.ipv4.tcp_tw_reuse is 2 by default since Linux 4.19: over the loopback \
                interface a client takes a port in TIME-WAIT again after a second, without any \
                setting.",
            linux: "net.ipv4.tcp_tw_reuse",
            ..Term::BLANK
        },
    },
    Word {
        value: Pattern::DataUnanswered,
        term: Term {
            name: "data-unanswered",
            summary: "payload was repeated and never acknowledged, still so at the end of the capture",
            recognised: "An open connection whose one side has sent payload again twice or more \
                since the other one was heard.",
            meaning: "The sender waits, and so does its application, until retries run out: about \
                15 minutes on Linux.",
            advice: "The path or the other host is gone, or a device drops what belongs to the \
                connection: capture at the other end. net.ipv4.tcp_retries2 or TCP_USER_TIMEOUT \
                bounds the wait.",
            rfc: &["RFC 9293 3.8.3", "RFC 6298 5"],
            linux: "`ss -tno`: the timer `on` with its number of retries",
            ..Term::BLANK
        },
    },
    Word {
        value: Pattern::WindowShut,
        term: Term {
            name: "window-shut",
            summary: "its receive window was shut, still so at the end of the capture",
            recognised: "An open connection whose one side's last window is 0, and whose other side \
                had sent payload.",
            meaning: "The application does not read. What was sent waits in its queue, what is to be \
                sent at the other side, and a close there as well: its FIN stands behind the data.",
            advice: "Look at what the application waits for. The sender sits in ESTABLISHED, or in \
                FIN-WAIT-1 without a FIN on the wire.",
            rfc: &["RFC 9293 3.8.6.1"],
            linux: "`ss -tn`: Recv-Q of the one, Send-Q of the other; `nstat -az \
                TcpExtTCPToZeroWindowAdv`",
            ..Term::BLANK
        },
    },
    Word {
        value: Pattern::ServicesLeftOut,
        term: Term {
            name: "services-left-out",
            summary: "there were more services than are told apart",
            recognised: "Connections to more than 16,384 addresses and ports, or silences of more \
                than 4096 closers.",
            meaning: "What is said of hops, habits and idle timeouts leaves the rest out. Findings, \
                aborts and outcomes are all counted.",
            advice: "Look at fewer services at once with `--filter`.",
            ..Term::BLANK
        },
    },
];

impl Pattern {
    /// The row of the table.
    pub fn row(self) -> &'static Word<Self> {
        // The table holds every pattern (a test says so), in the order of the enum.
        &PATTERNS[self as usize]
    }
}
