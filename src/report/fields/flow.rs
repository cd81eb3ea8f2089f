//! The line of a flow and the objects in it.

use super::Kind::{Addr, Bool, Count, Free, Int, List, Name, Nested, OneOf, Text, Time, Version};
use super::{Object, field};
use crate::close::terms::Group;

/// The verdict on one flow.
pub const FLOW: Object = Object {
    name: "flow",
    text: "the verdict on one flow",
    fields: &[
        field("schema", Version, "version of this format"),
        field(
            "flow",
            Count,
            "number of the flow, from 0, by first frame; that of a SYN which turned out to be an old duplicate is left out",
        ),
        field("source", Text, "the capture's name"),
        field(
            "client",
            Nested(&ENDPOINT),
            "the opener, or who is taken for it",
        ),
        field("server", Nested(&ENDPOINT), "the other end"),
        field(
            "roles_from",
            Name(Group::RolesFrom),
            "what tells client from server",
        ),
        field("start", Time, "time of the first frame").nullable(),
        field("end", Time, "time of the last frame").nullable(),
        field("first_frame", Count, "number of the first frame, from 1"),
        field("last_frame", Count, "number of the last frame"),
        field(
            "packets",
            Nested(&COUNTS),
            "segments by sender, duplicate records not counted",
        ),
        field(
            "payload_bytes",
            Nested(&COUNTS),
            "bytes of payload by sender, each sequence number once",
        ),
        field("outcome", Name(Group::Outcome), "how it ended"),
        field(
            "active_closer",
            Name(Group::ActiveCloser),
            "who closed first, by acknowledgement numbers",
        ),
        field(
            "aborted_by",
            Name(Group::AbortedBy),
            "who sent the RST that ended it; `null` if none did",
        )
        .nullable(),
        field("abort_cause", Name(Group::Cause), "why").nullable(),
        field(
            "cause_confidence",
            Name(Group::Confidence),
            "how sure the cause is",
        )
        .nullable(),
        field(
            "cause_alternatives",
            List(&Name(Group::Cause)),
            "what else it may have been",
        ),
        field(
            "final_ack",
            Name(Group::FinalAck),
            "what became of the ACK of the second FIN",
        ),
        field(
            "confidence",
            Name(Group::Confidence),
            "the least over `outcome`, `active_closer` and `aborted_by`",
        ),
        field(
            "reason",
            Text,
            "one sentence that names the deciding frames",
        ),
        field(
            "time_wait",
            List(&Nested(&TIME_WAIT)),
            "one entry per owner of TIME-WAIT; empty if nobody owns one",
        ),
        field(
            "final_states",
            Nested(&STATES),
            "each side's state at the end of the capture, derived",
        ),
        field(
            "states",
            Nested(&DWELLS),
            "how long each side was in which state, derived; those without a connection left out; \
             `null` if nobody asked for it",
        )
        .nullable(),
        field(
            "close",
            List(&OneOf(&EVENT, &MORE)),
            "the segments that mattered, at most 16, then how many more",
        ),
        field("resets", List(&Nested(&RESET)), "the RSTs"),
        field(
            "findings",
            List(&Nested(&FINDING)),
            "what else is worth knowing",
        ),
        field(
            "in_flight",
            Nested(&IN_FLIGHT),
            "the last HTTP/1 request to which no complete response was seen; `null` if there is none, or if that is not known: payload not captured, encrypted, not looked at (`--no-payload`) or not understood",
        )
        .nullable(),
        field(
            "previous_flow",
            Count,
            "number of the flow before on the same addresses and ports",
        )
        .nullable(),
        field(
            "wireshark_filter",
            Text,
            "a display filter that selects this flow",
        ),
        field("zeek", Nested(&ZEEK), "Zeek's names for the same flow"),
        field(
            "silence",
            Nested(&SILENCE),
            "the silence before the close, if that followed one of a second or more",
        )
        .optional(),
        field(
            "vlan",
            List(&Count),
            "with `--key-vlan`: the VLANs that keep this flow apart, outermost first",
        )
        .optional(),
        field(
            "tunnel",
            List(&Nested(&TUNNEL)),
            "with `--key-tunnel`: the tunnels that keep this flow apart, outermost first",
        )
        .optional(),
        field(
            "files",
            List(&Nested(&FILE)),
            "where the frames that this flow names stand in the files, if several are read as one; \
             frame numbers are then those of the whole, as mergecap would write it",
        )
        .optional(),
        field(
            "application",
            Nested(&APPLICATION),
            "what the applications said last, if payload was captured in clear and understood",
        )
        .optional(),
        field(
            "community_id",
            Text,
            "with `--community-id`, and always in CSV: the Community ID (version 1, seed 0), by which \
             Zeek, Suricata and Arkime name the same connection",
        )
        .optional(),
    ],
};

pub(super) const IN_FLIGHT: Object = Object {
    name: "in_flight",
    text: "a request without a complete response",
    fields: &[
        field("frame", Count, "the frame in which it begins"),
        field("method", Text, "its method"),
        field(
            "path",
            Text,
            "its target, cut to 64 bytes (`..` at its end); bytes that cannot be printed as `\\xNN`",
        ),
        field("acknowledged", Bool, "all of it was acknowledged"),
        field(
            "status",
            Count,
            "the status of the response that came in part",
        )
        .nullable(),
    ],
};

pub(super) const APPLICATION: Object = Object {
    name: "application",
    text: "what the applications said last, as far as messages began a segment's payload",
    fields: &[
        field(
            "protocol",
            Text,
            "`HTTP/1`, `HTTP/2`, or TLS with the version that the server chose",
        ),
        field("client", Nested(&LAST_WORDS), "the client's last message").nullable(),
        field("server", Nested(&LAST_WORDS), "the server's").nullable(),
    ],
};

pub(super) const LAST_WORDS: Object = Object {
    name: "last_words",
    text: "a message of an application",
    fields: &[
        field("frame", Count, "its frame"),
        field(
            "words",
            Text,
            "request line without its version, status, GOAWAY or alert; with the `Connection` field, if it says close or keep-alive",
        ),
    ],
};

pub(super) const ENDPOINT: Object = Object {
    name: "endpoint",
    text: "an address and a port",
    fields: &[
        field("addr", Addr, "IPv4 or IPv6 address"),
        field("port", Count, "TCP port"),
    ],
};

pub(super) const COUNTS: Object = Object {
    name: "counts",
    text: "a number for each side",
    fields: &[
        field("client", Count, "the client's"),
        field("server", Count, "the server's"),
    ],
};

pub(super) const STATES: Object = Object {
    name: "states",
    text: "a state for each side",
    fields: &[
        field("client", Name(Group::State), "the client's"),
        field("server", Name(Group::State), "the server's"),
    ],
};

pub(super) const DWELLS: Object = Object {
    name: "dwells",
    text: "the states of each side in turn",
    fields: &[
        field("client", List(&Nested(&DWELL)), "the client's"),
        field("server", List(&Nested(&DWELL)), "the server's"),
    ],
};

pub(super) const DWELL: Object = Object {
    name: "dwell",
    text: "how long a side was in a state, as seen at the capture point",
    fields: &[
        field("state", Name(Group::State), "the state"),
        field("from", Time, "since when; `null` if that was not captured").nullable(),
        field(
            "to",
            Time,
            "until when; `null` if that is not known, or it is so at the end of the capture",
        )
        .nullable(),
    ],
};

pub(super) const TIME_WAIT: Object = Object {
    name: "time_wait",
    text: "one TIME-WAIT: who held it, from when to when",
    fields: &[
        field(
            "owner",
            Name(Group::Side),
            "the active closer that holds it",
        ),
        field(
            "start",
            Time,
            "the owner's first ACK of the peer's FIN; `null` if that was not captured",
        )
        .nullable(),
        field(
            "end",
            Time,
            "when it ended or will end; `null` if that cannot be computed",
        )
        .nullable(),
        field("ended_by", Name(Group::EndedBy), "how it ended"),
        field("basis", Name(Group::Basis), "on what the statement rests"),
        field("confidence", Name(Group::Confidence), "how sure it is"),
        field(
            "restarts",
            Count,
            "how many later ACKs of the owner started it anew",
        ),
        field(
            "left_ns",
            Int,
            "nanoseconds still to run when the capture ended, for `capture-end`",
        )
        .optional(),
    ],
};

pub(super) const EVENT: Object = Object {
    name: "event",
    text: "a segment that mattered to the close",
    fields: &[
        field("frame", Count, "frame number"),
        field("time", Time, "its time").nullable(),
        field("from", Name(Group::Side), "its sender"),
        field("event", Name(Group::Event), "what it is"),
        field(
            "seq",
            Count,
            "sequence number, relative to the sender's ISN",
        ),
        field(
            "ack",
            Count,
            "acknowledgement number, relative to the peer's ISN; `null` without the ACK bit",
        )
        .nullable(),
        field("len", Count, "bytes of payload"),
    ],
};

pub(super) const MORE: Object = Object {
    name: "more",
    text: "the last entry of a list of events that was cut",
    fields: &[field("more", Count, "how many events are left out")],
};

pub(super) const RESET: Object = Object {
    name: "reset",
    text: "one RST, or several that are one event",
    fields: &[
        field("frame", Count, "frame of the first copy"),
        field("time", Time, "its time").nullable(),
        field("from", Name(Group::Side), "the side whose address it bears"),
        field("form", Name(Group::RstForm), "its form"),
        field(
            "fit",
            Name(Group::RstFit),
            "its SEQ against what its receiver expected",
        ),
        field("fate", Name(Group::RstFate), "what it did"),
        field("copies", Count, "how many there were"),
    ],
};

pub(super) const FINDING: Object = Object {
    name: "finding",
    text: "something worth knowing about a flow",
    fields: &[
        field("code", Name(Group::Finding), "which finding"),
        field("severity", Name(Group::Severity), "how urgent"),
        field(
            "side",
            Name(Group::Side),
            "whose it is, where it is one side's",
        )
        .nullable(),
        field("frames", List(&Count), "the frames that show it"),
        field("confidence", Name(Group::Confidence), "how sure it is"),
        field("message", Text, "one sentence"),
        field(
            "data",
            Free,
            "figures of the message, for machines; units in the keys",
        ),
    ],
};

pub(super) const SILENCE: Object = Object {
    name: "silence",
    text: "the silence before a close",
    fields: &[
        field(
            "by",
            Name(Group::Side),
            "who ended it; of a connection that was forgotten, who did not know it any more",
        ),
        field("how", Name(Group::SilenceEnd), "what ended it"),
        field(
            "frame",
            Count,
            "the FIN or RST; of a connection that was forgotten, the segment that met none",
        ),
        field(
            "since_payload_ns",
            Int,
            "nanoseconds since the last payload of either side that the closer knew; `null` if \
             there was none",
        )
        .nullable(),
        field(
            "payload_by",
            Name(Group::Side),
            "who sent that; `null` if it is not known",
        )
        .nullable(),
        field("payload_frame", Count, "its frame").nullable(),
        field(
            "since_segment_ns",
            Int,
            "nanoseconds since the last segment that was no keepalive probe and no answer to one",
        ),
        field(
            "at_least",
            Bool,
            "it lasted longer: its beginning is not kept",
        ),
    ],
};

pub(super) const TUNNEL: Object = Object {
    name: "tunnel",
    text: "a tunnel with a number of its own",
    fields: &[
        field(
            "kind",
            Text,
            "`vxlan`, `geneve`, `gre`, `erspan` or `pppoe`",
        ),
        field(
            "id",
            Count,
            "network identifier (VXLAN, Geneve), key (GRE) or session (ERSPAN, PPPoE)",
        ),
    ],
};

pub(super) const FILE: Object = Object {
    name: "file",
    text: "frames that stand in one of several files",
    fields: &[
        field("source", Text, "the file's name"),
        field(
            "frames",
            List(&List(&Count)),
            "pairs: the frame's number in the whole, and that in the file",
        ),
    ],
};

pub(super) const ZEEK: Object = Object {
    name: "zeek",
    text: "Zeek's names for the same flow",
    fields: &[
        field("conn_state", Text, "`conn_state` of conn.log"),
        field("history", Text, "`history` of conn.log"),
    ],
};
