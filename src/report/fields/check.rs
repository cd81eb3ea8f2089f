//! The lines of a check.

use super::Kind::{Bool, Count, List, Name, Nested, OneOfNames, Text, Version};
use super::flow::ENDPOINT;
use super::{Object, field};
use crate::check::result::Status;
use crate::close::terms::Group;

/// What can come of a rule.
const STATUSES: &[&str] = &[
    Status::Broken.name(),
    Status::NotJudged.name(),
    Status::Holds.name(),
];

/// A rule on a capture.
pub const CHECK_RULE: Object = Object {
    name: "check_rule",
    text: "what came of a rule on a capture (`whoclosed check --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field("source", Text, "the capture's name"),
        field("rule", Text, "the rule: its scope and its key"),
        field("kind", Text, "its key"),
        field("file", Text, "the policy"),
        field(
            "line",
            Count,
            "its line there; null: it goes without saying",
        )
        .nullable(),
        field("status", OneOfNames(STATUSES), "what came of it"),
        field("asks", Text, "what is asked, in words"),
        field("found", Text, "what was found, in words"),
        field("advice", Text, "what to do; empty where it holds"),
        field("why", Text, "why it is asked, in the words of the policy").nullable(),
        field("flows", Count, "how many flows it is about"),
        field("broken", Count, "how many of them do not comply"),
        field("in_doubt", Count, "of how many too little is known"),
        field(
            "examples",
            List(&Nested(&CHECK_EXAMPLE)),
            "the first of those that do not comply, then of those in doubt: 10 each at most",
        ),
    ],
};

pub(super) const CHECK_EXAMPLE: Object = Object {
    name: "check_example",
    text: "a flow, or a host, that shows why a rule does not hold or could not be judged",
    fields: &[
        field("flow", Count, "its number; null: it is about a host").nullable(),
        field("client", Nested(&ENDPOINT), "its client").nullable(),
        field("server", Nested(&ENDPOINT), "its server").nullable(),
        field("frames", List(&Count), "the frames that show it"),
        field("what", Text, "what is wrong with it"),
        field(
            "confidence",
            Name(Group::Confidence),
            "how sure that is; null for a count",
        )
        .nullable(),
        field("in_doubt", Bool, "it may comply: too little is known"),
        field("reason", Text, "one sentence on how it closed"),
        field("wireshark_filter", Text, "a display filter that selects it"),
    ],
};

/// A capture that was checked.
pub const CHECK_CAPTURE: Object = Object {
    name: "check_capture",
    text: "what came of all rules on a capture (`whoclosed check --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field("source", Text, "its name"),
        field("status", OneOfNames(STATUSES), "what came of them"),
        field("flows", Count, "its flows"),
        field(
            "problems",
            List(&Text),
            "why it could not be judged as a whole: unreadable, damaged",
        ),
    ],
};

/// A check.
pub const CHECK: Object = Object {
    name: "check",
    text: "what came of a check, its last line (`whoclosed check --format json`)",
    fields: &[
        field("schema", Version, "version of this format"),
        field("status", OneOfNames(STATUSES), "what came of it"),
        field(
            "exit_code",
            Count,
            "what the program ends with: 0 holds, 1 broken, 2 not judged",
        ),
        field(
            "headline",
            Text,
            "all in one sentence, the first broken rule first",
        ),
        field("captures", Count, "captures that were to be checked"),
        field("broken", Count, "how many of them break a rule"),
        field("not_judged", Count, "how many could not be judged"),
        field("holds", Count, "on how many every rule holds"),
    ],
};
