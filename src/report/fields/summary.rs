//! The line of the summary and the objects in it.

use super::Kind::{Addr, Bool, Count, List, Map, Name, Nested, Text, Time, Version};
use super::{Object, field};
use crate::close::terms::Group;

/// The totals.
pub const SUMMARY: Object = Object {
    name: "summary",
    text: "the totals, the last line",
    fields: &[
        field("schema", Version, "version of this format"),
        field("sources", List(&Nested(&SOURCE)), "the captures"),
        field("flows", Count, "number of flows"),
        field(
            "by_outcome",
            Map(Some(Group::Outcome)),
            "flows by outcome; those with none are left out",
        ),
        field(
            "by_closer",
            Map(Some(Group::ActiveCloser)),
            "flows by active closer",
        ),
        field(
            "by_cause",
            Map(Some(Group::Cause)),
            "aborted flows by cause",
        ),
        field("findings", Map(Some(Group::Finding)), "findings by code"),
        field(
            "time_wait_owners",
            List(&Nested(&OWNER)),
            "TIME-WAITs by host, most first",
        ),
        field(
            "not_decoded",
            Map(None),
            "frames that were not decoded, by reason",
        ),
        field("evicted", Count, "flows forgotten before their time"),
        field(
            "late_segments",
            Count,
            "segments of flows that had been written and forgotten",
        ),
        field(
            "unheard",
            Count,
            "messages of applications that were not kept, because too many flows had some",
        ),
        field("filtered_out", Count, "segments that the filter left out"),
        field(
            "outside_window",
            Count,
            "frames outside of the time that was asked for",
        ),
        field("vantage", Nested(&VANTAGE), "where the capture was taken"),
        field("interrupted", Bool, "the run was interrupted"),
        field(
            "shown",
            Count,
            "number of flow lines in this report, where a selection chose them",
        )
        .optional(),
    ],
};

pub(super) const SOURCE: Object = Object {
    name: "source",
    text: "one capture and what of it was read",
    fields: &[
        field("source", Text, "its name"),
        field("frames", Count, "records read"),
        field("bytes", Count, "bytes read, of the decompressed stream"),
        field(
            "link_types",
            List(&Text),
            "link types: LINKTYPE_ names without the prefix, in order of appearance",
        ),
        field(
            "interfaces",
            List(&Text),
            "names of its interfaces, as the capture says them (pcapng), each once, the first 64",
        ),
        field("start", Time, "the earliest time of a record").nullable(),
        field("end", Time, "the latest one").nullable(),
        field(
            "dropped",
            Count,
            "packets that the capture says it dropped (pcapng interface statistics)",
        )
        .nullable(),
        field(
            "damage",
            List(&Nested(&DAMAGE)),
            "where it could not be read; of the places behind which reading went on the first 16",
        ),
        field(
            "unlisted_damage",
            Count,
            "how many more places could not be read than are listed",
        ),
        field(
            "skipped",
            Count,
            "bytes stepped over because of damage, at all places",
        ),
    ],
};

pub(super) const DAMAGE: Object = Object {
    name: "damage",
    text: "a place where a capture could not be read",
    fields: &[
        field(
            "frame",
            Count,
            "number of the frame that could not be read; where the bytes hold no recognizable \
             record, the next one takes it",
        ),
        field(
            "offset",
            Count,
            "byte offset of the record or block in the file, or in the decompressed stream",
        ),
        field("what", Text, "what was found, and what was expected"),
        field(
            "skipped",
            Count,
            "bytes stepped over before reading went on; null where it ended",
        )
        .nullable(),
    ],
};

pub(super) const OWNER: Object = Object {
    name: "time_wait_owner",
    text: "how many TIME-WAITs a host owned",
    fields: &[
        field("addr", Addr, "the host"),
        field("time_waits", Count, "how many TIME-WAITs it owned"),
    ],
};

pub(super) const VANTAGE: Object = Object {
    name: "vantage",
    text: "where the capture was taken",
    fields: &[
        field("point", Name(Group::Vantage), "the place"),
        field(
            "confidence",
            Name(Group::Confidence),
            "how sure it is, `likely` at most",
        ),
        field("evidence", List(&Text), "what shows it, a sentence each"),
    ],
};
