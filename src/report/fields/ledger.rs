//! The lines of the books on TIME-WAIT and ports.

use super::Kind::{Addr, Bool, Count, List, Map, Name, Nested, Number, Time, Version};
use super::flow::ENDPOINT;
use super::{Object, field};
use crate::close::terms::Group;

/// What a host held, or a service of it.
pub const LEDGER: Object = Object {
    name: "ledger",
    text: "the sockets in TIME-WAIT and its like of all hosts, of a host, or of one of its services \
           (`whoclosed timewait --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field(
            "owner",
            Addr,
            "the host that held them; null: all hosts together",
        )
        .nullable(),
        field("peer", Addr, "its peer, where the line is on one service").nullable(),
        field("port", Count, "the server's port of that service").nullable(),
        field("time_wait", Nested(&STAY), "in TIME-WAIT"),
        field("close_wait", Nested(&STAY), "in CLOSE-WAIT"),
        field("fin_wait_2", Nested(&STAY), "in FIN-WAIT-2"),
        field("last_ack", Nested(&STAY), "in LAST-ACK"),
        field(
            "active",
            Count,
            "TIME-WAITs after an active close of the owner alone",
        ),
        field("simultaneous", Count, "TIME-WAITs after FINs that crossed"),
        field("as_client", Count, "TIME-WAITs of the owner as client"),
        field(
            "as_server",
            Count,
            "TIME-WAITs of the owner as server: they use no ephemeral port",
        ),
        field("restarts", Count, "how often a TIME-WAIT was started anew"),
        field(
            "ended_by",
            Map(Some(Group::EndedBy)),
            "TIME-WAITs by how they ended",
        ),
        field(
            "time_wait_bytes",
            Count,
            "kernel memory of the most TIME-WAITs at once: 256 bytes each (slab tw_sock_TCP, Linux \
             6.18 on x86-64)",
        ),
        field(
            "resolution_ns",
            Count,
            "nanoseconds between the instants at which numbers are exact: multiples of it since 1970",
        ),
        field(
            "step_ns",
            Count,
            "nanoseconds between the points of the curve",
        ),
        field(
            "over_time",
            List(&Nested(&POINT)),
            "the numbers held over time, from none on: a point where one is another than at the point \
             before; empty for a service",
        ),
    ],
};

pub(super) const STAY: Object = Object {
    name: "stay",
    text: "the sockets in one state",
    fields: &[
        field("created", Count, "how many came into it"),
        field("per_second", Number, "how many a second of the capture").nullable(),
        field("peak", Count, "the most at once"),
        field(
            "peak_time",
            Time,
            "when there were so many for the first time",
        )
        .nullable(),
        field("mean", Number, "how many there were on average").nullable(),
        field("at_end", Count, "how many there are when the capture ends"),
        field(
            "longest_seconds",
            Number,
            "how long the longest was in it, of those that are over",
        ),
    ],
};

pub(super) const POINT: Object = Object {
    name: "point",
    text: "how many sockets were in each state",
    fields: &[
        field("time", Time, "when"),
        field("time_wait", Count, "in TIME-WAIT"),
        field("close_wait", Count, "in CLOSE-WAIT"),
        field("fin_wait_2", Count, "in FIN-WAIT-2"),
        field("last_ack", Count, "in LAST-ACK"),
    ],
};

/// The ephemeral ports of a client.
pub const PORT_USE: Object = Object {
    name: "port_use",
    text: "the ephemeral ports of a client towards a service (`whoclosed timewait --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field("client", Addr, "whose ports"),
        field("server", Nested(&ENDPOINT), "where they lead"),
        field("range", Nested(&RANGE), "what they are chosen from"),
        field("ports", Count, "how many ports that are"),
        field("connections", Count, "connections from one of them"),
        field("outside", Count, "connections from other ports"),
        field(
            "reused",
            Count,
            "connections from a port that a connection before had used",
        ),
        field(
            "client_time_waits",
            Count,
            "TIME-WAITs of the client: each keeps a port",
        ),
        field(
            "time_waits_reused",
            Count,
            "those of them whose port the client used again before they ran out (tcp_tw_reuse)",
        ),
        field(
            "server_time_waits",
            Count,
            "TIME-WAITs of the server: they keep none",
        ),
        field(
            "peak",
            Count,
            "the most ports in use at once, open or in TIME-WAIT",
        ),
        field("peak_time", Time, "when that was for the first time").nullable(),
        field("peak_percent", Number, "the same in per cent of the range"),
        field(
            "peak_even",
            Count,
            "even ones of them: Linux first tries those of the parity of the first port",
        ),
        field("peak_odd", Count, "odd ones of them"),
        field("at_end", Count, "ports in use when the capture ends"),
        field(
            "per_second",
            Number,
            "connections a second from the first to the last; null below ten",
        )
        .nullable(),
        field(
            "sustainable_per_second",
            Number,
            "connections a second for which the range is enough, if each ends in TIME-WAIT of the \
             client",
        ),
        field(
            "exhausted",
            Bool,
            "every port of the range was in use at once: connect() fails with EADDRNOTAVAIL then, unless \
             the client uses ports in TIME-WAIT again",
        ),
        field("exhausted_seconds", Number, "for how many seconds"),
        field("exhausted_since", Time, "since when").nullable(),
        field("last_opened", Time, "when the last connection began").nullable(),
        field(
            "runs_out",
            Time,
            "when the ports run out if connections go on as they did; null: they do not, or have",
        )
        .nullable(),
        field(
            "reuse_helps",
            Bool,
            "both sides use timestamps: tcp_tw_reuse lets the client use ports in TIME-WAIT again; \
             null: not known, or the client has none",
        )
        .nullable(),
    ],
};

pub(super) const RANGE: Object = Object {
    name: "port_range",
    text: "the ports that a host chooses from",
    fields: &[
        field("first", Count, "the lowest"),
        field("last", Count, "the highest"),
    ],
};

/// A server that could not be started again at once.
pub const BIND_CONFLICT: Object = Object {
    name: "bind_conflict",
    text: "a server with TIME-WAITs on its listening port: started again without SO_REUSEADDR it fails \
           (`whoclosed timewait --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field(
            "server",
            Nested(&ENDPOINT),
            "the address and port it listens on",
        ),
        field("time_waits", Count, "how many TIME-WAITs it owned there"),
        field(
            "at_end",
            Count,
            "how many of them run when the capture ends",
        ),
        field("from", Time, "since when there was one").nullable(),
        field("until", Time, "until when bind() fails").nullable(),
        field(
            "seconds",
            Number,
            "for how many seconds within the capture it would have failed",
        ),
    ],
};

/// A socket of a moment.
pub const SOCKET_AT: Object = Object {
    name: "socket_at",
    text: "a socket that a host held at a moment (`whoclosed timewait --at TIME --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field("time", Time, "when"),
        field("state", Name(Group::State), "its state then"),
        field("local", Nested(&ENDPOINT), "the host's end"),
        field("peer", Nested(&ENDPOINT), "the other end"),
        field("flow", Count, "the flow it belongs to"),
        field("since", Time, "since when it is in that state"),
        field("confidence", Name(Group::Confidence), "how sure that is"),
    ],
};
