//! The lines of a comparison.

use super::Kind::{Addr, Bool, Count, Int, List, Nested, Number, OneOfNames, Text, Version};
use super::{Object, field};
use crate::check::diff::{Change, Measure, Span, Worse};

/// What can become of something.
const CHANGES: &[&str] = &[
    Change::Same.name(),
    Change::Changed.name(),
    Change::Better.name(),
    Change::Worse.name(),
];

const DIRECTIONS: &[&str] = &[
    Worse::More.name(),
    Worse::Fewer.name(),
    Worse::Neither.name(),
];

const MEASURES: &[&str] = &[
    Measure::Outcome.name(),
    Measure::ActiveCloser.name(),
    Measure::AbortedBy.name(),
    Measure::AbortCause.name(),
    Measure::TimeWait.name(),
    Measure::TimeWaitEnd.name(),
    Measure::Finding.name(),
];

const SPANS: &[&str] = &[
    Span::CloseHandshake.name(),
    Span::ClientCloseWait.name(),
    Span::ServerCloseWait.name(),
    Span::FinWait2.name(),
    Span::LastAck.name(),
    Span::Silence.name(),
    Span::Lifetime.name(),
];

const P: &str = "how probable a difference at least as large is by chance";
const CORRECTED: &str = "the same, corrected for the number of comparisons (Holm)";
const CHANGE: &str = "what became of it: `same` if chance may have made the difference, or if it is \
     too small to matter";
const DIRECTION: &str = "which way is worse; `neither`: a difference may be meant";

/// How many flows are of a kind.
pub const COUNT_CHANGE: Object = Object {
    name: "count_change",
    text: "how many flows are of a kind, before and now (`whoclosed diff --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field(
            "measure",
            OneOfNames(MEASURES),
            "the field they are counted by",
        ),
        field("name", Text, "what it holds"),
        field("old", Nested(&SHARE), "how many of the old flows"),
        field("new", Nested(&SHARE), "how many of the new ones"),
        field("p", Number, P),
        field("p_corrected", Number, CORRECTED),
        field("change", OneOfNames(CHANGES), CHANGE),
        field("worse_if", OneOfNames(DIRECTIONS), DIRECTION),
        field("summary", Text, "what the name means"),
        field("advice", Text, "what to do about it"),
        field(
            "examples",
            List(&Nested(&EXAMPLE)),
            "the first such flows, 3 at most",
        ),
        field(
            "examples_are_new",
            Bool,
            "they are of the new side; else of the old, where the new has none",
        ),
    ],
};

/// How long something takes.
pub const DURATION_CHANGE: Object = Object {
    name: "duration_change",
    text: "how long something takes, before and now (`whoclosed diff --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field("span", OneOfNames(SPANS), "what is measured"),
        field("summary", Text, "what that is"),
        field("old", Nested(&DISTRIBUTION), "the old values"),
        field("new", Nested(&DISTRIBUTION), "the new ones"),
        field(
            "larger",
            Number,
            "how often a new value is larger than an old one, ties half: 0.5 without a shift",
        )
        .nullable(),
        field(
            "p",
            Number,
            "how probable a shift at least as large is by chance (Mann and Whitney)",
        )
        .nullable(),
        field("p_corrected", Number, CORRECTED).nullable(),
        field(
            "tail",
            Nested(&TAIL),
            "the slowest twentieth of both sides together; `null` where a side has no values",
        )
        .nullable(),
        field("change", OneOfNames(CHANGES), CHANGE),
        field("worse_if", OneOfNames(DIRECTIONS), DIRECTION),
        field(
            "example",
            Nested(&EXAMPLE),
            "the flow with the longest of the new side",
        )
        .nullable(),
    ],
};

/// The whole comparison.
pub const COMPARISON: Object = Object {
    name: "comparison",
    text: "two captures compared, the last line (`whoclosed diff --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field("old", Text, "the old capture or report"),
        field("new", Text, "the new one"),
        field("old_flows", Count, "flows of the old one"),
        field("new_flows", Count, "flows of the new one"),
        field("change", OneOfNames(CHANGES), "the worst of all changes"),
        field(
            "worse",
            List(&Text),
            "what got worse: measure and name, or the span",
        ),
        field("better", List(&Text), "what got better"),
        field("changed", List(&Text), "what else differs"),
        field("tests", Count, "how many comparisons were made"),
        field(
            "alpha",
            Number,
            "up to which corrected probability a difference is told",
        ),
        field(
            "too_few_flows",
            Bool,
            "so few that their shares can differ in any way by chance",
        ),
        field(
            "time_wait_hosts",
            List(&Nested(&HOST)),
            "TIME-WAITs by host, most first: 10 at most",
        ),
        field(
            "without_states",
            Count,
            "flows whose states nobody asked for: times in CLOSE-WAIT and its like lack them",
        ),
    ],
};

pub(super) const SHARE: Object = Object {
    name: "share",
    text: "so many of so many",
    fields: &[
        field("count", Count, "how many"),
        field("of", Count, "of how many"),
        field("share", Number, "the one by the other, 0 to 1"),
    ],
};

pub(super) const DISTRIBUTION: Object = Object {
    name: "distribution",
    text: "quantiles of a duration: values that were seen, in nanoseconds",
    fields: &[
        field("count", Count, "how many values there are"),
        field("median_ns", Int, "half of them are not longer").nullable(),
        field("p90_ns", Int, "nine of ten are not longer").nullable(),
        field("p99_ns", Int, "99 of 100 are not longer").nullable(),
        field("longest_ns", Int, "the longest").nullable(),
        field("mean_ns", Int, "the mean").nullable(),
    ],
};

pub(super) const TAIL: Object = Object {
    name: "tail",
    text: "how many of either side are slower than 95 of 100 of both together",
    fields: &[
        field("above_ns", Int, "slower than so many nanoseconds"),
        field("old", Nested(&SHARE), "how many of the old values"),
        field("new", Nested(&SHARE), "how many of the new ones"),
        field("p", Number, P),
        field("p_corrected", Number, CORRECTED),
    ],
};

pub(super) const EXAMPLE: Object = Object {
    name: "diff_example",
    text: "a flow of a side",
    fields: &[
        field("flow", Count, "its number"),
        field("first_frame", Count, "its first frame"),
        field("last_frame", Count, "its last frame"),
        field(
            "reason",
            Text,
            "why it is judged as it is, and by which frames",
        ),
    ],
};

pub(super) const HOST: Object = Object {
    name: "time_wait_host",
    text: "the TIME-WAITs of a host",
    fields: &[
        field("addr", Addr, "its address"),
        field("old", Count, "how many it owned"),
        field("new", Count, "how many it owns"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_names_are_whole() {
        assert_eq!(CHANGES.len(), Change::ALL.len());
        assert_eq!(DIRECTIONS.len(), Worse::ALL.len());
        assert_eq!(MEASURES.len(), Measure::ALL.len());
        assert_eq!(SPANS.len(), Span::ALL.len());
    }
}
