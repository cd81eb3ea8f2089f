//! The lines of `whoclosed sockets`.

use super::Kind::{Bool, Count, Int, List, Map, Name, Nested, Text, Time, Version};
use super::flow::ENDPOINT;
use super::{Object, field};
use crate::close::terms::Group;

/// A socket of the list.
pub const SOCKET: Object = Object {
    name: "socket",
    text: "a socket of a list, and which flow it is (`whoclosed sockets`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field("line", Count, "number of its line in the list, from 1"),
        field(
            "tool",
            Text,
            "whose form the line has: `ss`, `netstat`, `netstat-bsd`, `lsof`",
        ),
        field(
            "state",
            Name(Group::State),
            "its state in the list; `unknown` if that shows none",
        ),
        field(
            "local",
            Text,
            "the host's address and port, as far as the list shows them",
        ),
        field("peer", Text, "the other end's"),
        field("recv_q", Count, "bytes received and not read").nullable(),
        field("send_q", Count, "bytes not acknowledged or not sent").nullable(),
        field("timer", Nested(&TIMER), "its timer").nullable(),
        field("process", Nested(&PROCESS), "who holds it").nullable(),
        field(
            "flow",
            Count,
            "number of its flow; `null` if the capture has none, or several may be it",
        )
        .nullable(),
        field(
            "confidence",
            Name(Group::Confidence),
            "how sure that is: `certain` if the ends and the state are the same and its timer runs \
             out when the flow's TIME-WAIT does, `likely` by ends and state, `possible` by ends alone, \
             or by port and state where the list masks or names addresses",
        )
        .nullable(),
        field(
            "candidates",
            List(&Count),
            "numbers of the flows that may be it, where several may: 8 at most",
        ),
        field(
            "candidate_count",
            Count,
            "how many flows may be it, of at most 512 that were looked at; 0: the capture does not explain \
             it",
        ),
        field("side", Name(Group::Side), "the host's side of the flow").nullable(),
        field(
            "expected",
            Name(Group::State),
            "the state that the capture shows for the time of the list",
        )
        .nullable(),
        field(
            "agrees",
            Bool,
            "the list shows that state; `null` if one of them is not known",
        )
        .nullable(),
        field(
            "closed_by",
            Text,
            "who closed first: `local`, `peer`, `both`, `none` (nobody yet), `unknown`; by the flow, \
             without one by the state in the list",
        ),
        field(
            "active_closer",
            Name(Group::ActiveCloser),
            "the flow's own `active_closer`",
        )
        .nullable(),
        field("outcome", Name(Group::Outcome), "how the flow ended").nullable(),
        field(
            "since",
            Time,
            "since when it is in this state; of TIME-WAIT without a flow by its timer",
        )
        .nullable(),
        field("until", Time, "until when; of TIME-WAIT").nullable(),
        field(
            "wireshark_filter",
            Text,
            "a display filter that selects the flow",
        )
        .nullable(),
        field("message", Text, "what the join says, a sentence"),
        field(
            "readings",
            List(&Text),
            "what queues and timer say, a sentence each",
        ),
    ],
};

/// A socket that is not in the list.
pub const MISSING_SOCKET: Object = Object {
    name: "missing_socket",
    text: "a socket that the capture expects and a list does not show (`whoclosed sockets`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field("flow", Count, "number of the flow"),
        field("side", Name(Group::Side), "the host's side of it"),
        field("local", Nested(&ENDPOINT), "the host's end"),
        field("peer", Nested(&ENDPOINT), "the other one"),
        field("state", Name(Group::State), "the state it should be in"),
        field("since", Time, "since when").nullable(),
        field("until", Time, "until when; of TIME-WAIT").nullable(),
        field(
            "confidence",
            Name(Group::Confidence),
            "how sure it is, `likely` at most",
        ),
        field(
            "wireshark_filter",
            Text,
            "a display filter that selects the flow",
        ),
        field("message", Text, "what may have become of it, a sentence"),
    ],
};

/// The list as a whole.
pub const SOCKETS: Object = Object {
    name: "sockets",
    text: "a list of sockets as a whole, the last line of `whoclosed sockets`",
    fields: &[
        field("schema", Version, "version of this format"),
        field("listed", Count, "TCP sockets in the list, listeners too"),
        field("by_state", Map(Some(Group::State)), "the same by state"),
        field("other_protocols", Count, "lines of other protocols"),
        field("unclear_lines", Count, "lines that were not understood"),
        field("taken", Nested(&TAKEN), "when the list was taken"),
        field("capture_end", Time, "the end of the capture").nullable(),
        field(
            "explained",
            Count,
            "sockets that are a flow, in the state that the capture shows or one it cannot tell",
        ),
        field(
            "disagreeing",
            Count,
            "sockets that are a flow, in another state than the capture shows",
        ),
        field(
            "ambiguous",
            Count,
            "sockets that may be one of several flows",
        ),
        field(
            "unexplained",
            Count,
            "sockets that are no flow of the capture",
        ),
        field(
            "missing",
            Count,
            "sockets that the capture expects and the list does not show",
        ),
        field(
            "forgotten",
            Count,
            "flows that were over first and were not compared, because there were too many",
        ),
        field(
            "notes",
            List(&Text),
            "what should be known of the list, a sentence each",
        ),
    ],
};

pub(super) const TIMER: Object = Object {
    name: "timer",
    text: "the timer of a socket",
    fields: &[
        field(
            "kind",
            Text,
            "what for: `off`, `on` (a retransmission), `keepalive`, `timewait`, `persist`, `unknown`",
        ),
        field(
            "left_ns",
            Int,
            "nanoseconds left, cut to what the list shows (ss writes 2.067 s as `2.067ms`)",
        )
        .nullable(),
        field(
            "resolution_ns",
            Int,
            "how many nanoseconds more it can be, since the list cuts",
        ),
        field("retransmits", Count, "how often it has run out"),
    ],
};

pub(super) const PROCESS: Object = Object {
    name: "process",
    text: "a process that holds a socket",
    fields: &[
        field("name", Text, "its name"),
        field("pid", Count, "its number").nullable(),
    ],
};

pub(super) const TAKEN: Object = Object {
    name: "taken",
    text: "when a list was taken",
    fields: &[
        field("at", Time, "the time").nullable(),
        field(
            "from",
            Text,
            "how that is known: `user` (`--taken`), `timers` (of TIME-WAIT sockets whose start the \
             capture shows), `capture-end` (not known: the end of the capture)",
        ),
        field(
            "within_ns",
            Int,
            "how many nanoseconds earlier or later it may have been",
        ),
        field("timers", Count, "how many timers could be compared"),
        field("agreeing", Count, "how many of them agree with each other"),
        field("by_timers", Time, "what they say, where most of them agree").nullable(),
    ],
};
