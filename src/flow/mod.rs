//! Facts: what a capture shows of each connection. Nothing here judges.

mod agenda;
mod awake;
mod brief;
mod bytes;
mod clock;
mod connection;
mod errors;
mod flows;
mod forgotten;
mod half;
mod history;
mod key;
mod letters;
mod log;
mod loose;
mod merge;
mod number;
mod numbers;
mod packed;
mod parts;
mod pool;
mod record;
mod relations;
mod reorder;
mod seen;
mod slab;
mod table;
mod talk;

pub use crate::packet::IcmpKind;
pub use clock::Clock;
pub use errors::{ErrorSeen, ErrorTable, Errors};
pub use half::Half;
pub use history::History;
pub use key::Key;
pub use letters::{Letters, NotLetters};
pub use log::Log;
pub use numbers::Numbers;
pub use parts::{Copies, Fin, Ids, Opening, Rare, Regressions, Sent, Subflow};
pub use record::Flow;
pub use relations::{Odd, OldSyn, Predecessor, ResetSeen, Snapshot, Successor, SynFacts};
pub use seen::Seen;
pub use table::{Due, FlowTable, Limits, Why};
pub use talk::{Heard, Protocol, Talk, Unanswered};

pub use crate::packet::{Alert, Connection, GoAway, Request, Response};
