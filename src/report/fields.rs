//! The fields of the JSON report: one row each. The schema and the reference are made from them.

mod check;
mod diagnosis;
mod diff;
mod flow;
mod ledger;
mod sockets;
mod summary;

use crate::close::terms::Group;
use check::CHECK_EXAMPLE;
use diagnosis::EXAMPLE;
use diff::{DISTRIBUTION, HOST, SHARE, TAIL};
use flow::{
    APPLICATION, COUNTS, DWELL, DWELLS, ENDPOINT, EVENT, FILE, FINDING, IN_FLIGHT, LAST_WORDS,
    MORE, RESET, SILENCE, STATES, TIME_WAIT, TUNNEL, ZEEK,
};
use ledger::{POINT, RANGE, STAY};
use sockets::{PROCESS, TAKEN, TIMER};
use summary::{DAMAGE, OWNER, SOURCE, VANTAGE};

pub use check::{CHECK, CHECK_CAPTURE, CHECK_RULE};
pub use diagnosis::DIAGNOSIS;
pub use diff::{COMPARISON, COUNT_CHANGE, DURATION_CHANGE};
pub use flow::FLOW;
pub use ledger::{BIND_CONFLICT, LEDGER, PORT_USE, SOCKET_AT};
pub use sockets::{MISSING_SOCKET, SOCKET, SOCKETS};
pub use summary::SUMMARY;

/// An object of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Object {
    /// Its name in the schema; for a line, its `type`.
    pub name: &'static str,
    /// What it is.
    pub text: &'static str,
    /// Its fields, in the order in which they are written.
    pub fields: &'static [Field],
}

/// A field of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// Its key.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// When it is there and whether it can be `null`.
    pub need: Need,
    /// What it means, and its unit.
    pub text: &'static str,
}

/// Whether a field is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Need {
    /// Always, never `null`.
    Always,
    /// Always; `null` where nothing is known or nothing applies.
    Nullable,
    /// Left out where it does not apply.
    Optional,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The version of the format.
    Version,
    /// A number of something, from 0.
    Count,
    /// A whole number, negative ones too.
    Int,
    /// A number with decimals.
    Number,
    /// True or false.
    Bool,
    /// A text.
    Text,
    /// A time, RFC 3339, UTC, nine decimals.
    Time,
    /// An IPv4 or IPv6 address.
    Addr,
    /// A name of a taxonomy.
    Name(Group),
    /// One of a few names that need no taxonomy.
    OneOfNames(&'static [&'static str]),
    /// Another object.
    Nested(&'static Object),
    /// One of two objects.
    OneOf(&'static Object, &'static Object),
    /// A list.
    List(&'static Kind),
    /// Counts by name: of a taxonomy, or free.
    Map(Option<Group>),
    /// An object with keys of its own.
    Free,
}

const fn field(name: &'static str, kind: Kind, text: &'static str) -> Field {
    let need = Need::Always;
    Field {
        name,
        kind,
        need,
        text,
    }
}

impl Field {
    const fn nullable(mut self) -> Self {
        self.need = Need::Nullable;
        self
    }

    const fn optional(mut self) -> Self {
        self.need = Need::Optional;
        self
    }
}

/// The kinds of lines of the report.
pub const LINES: &[&Object] = &[
    &FLOW,
    &DIAGNOSIS,
    &LEDGER,
    &PORT_USE,
    &BIND_CONFLICT,
    &SOCKET_AT,
    &SUMMARY,
    &SOCKET,
    &MISSING_SOCKET,
    &SOCKETS,
    &COUNT_CHANGE,
    &DURATION_CHANGE,
    &COMPARISON,
    &CHECK_RULE,
    &CHECK_CAPTURE,
    &CHECK,
];

/// The objects within them.
pub const PARTS: &[&Object] = &[
    &ENDPOINT,
    &COUNTS,
    &STATES,
    &DWELLS,
    &DWELL,
    &TIME_WAIT,
    &EVENT,
    &MORE,
    &RESET,
    &FINDING,
    &SILENCE,
    &TUNNEL,
    &ZEEK,
    &FILE,
    &IN_FLIGHT,
    &APPLICATION,
    &LAST_WORDS,
    &EXAMPLE,
    &SOURCE,
    &DAMAGE,
    &OWNER,
    &VANTAGE,
    &STAY,
    &POINT,
    &RANGE,
    &TIMER,
    &PROCESS,
    &TAKEN,
    &SHARE,
    &DISTRIBUTION,
    &TAIL,
    &diff::EXAMPLE,
    &HOST,
    &CHECK_EXAMPLE,
];
