//! The line of a diagnosis.

use super::Kind::{Count, Free, List, Name, Nested, Text, Version};
use super::{Object, field};
use crate::close::terms::Group;

/// What many flows show together.
pub const DIAGNOSIS: Object = Object {
    name: "diagnosis",
    text: "what many flows show together; after the flows, the most important first",
    fields: &[
        field("schema", Version, "version of this format"),
        field(
            "code",
            Text,
            "which pattern (`healthy`, `idle-timeout` ..), or the finding, abort cause or outcome that \
             these flows share",
        ),
        field("severity", Name(Group::Severity), "how urgent"),
        field("confidence", Name(Group::Confidence), "how sure it is"),
        field("flows", Count, "how many flows show it"),
        field("example", Nested(&EXAMPLE), "one of them"),
        field("message", Text, "one sentence, with the numbers"),
        field("advice", Text, "what to do about it, and what not"),
        field(
            "data",
            Free,
            "figures of the message, for machines; units in the keys",
        ),
    ],
};

pub(super) const EXAMPLE: Object = Object {
    name: "example",
    text: "a flow that shows a pattern",
    fields: &[
        field("flow", Count, "its number"),
        field("frames", List(&Count), "the frames that show it"),
    ],
};
