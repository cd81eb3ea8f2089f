//! Facts: what a capture shows of each connection. Nothing here judges.

mod agenda;
mod awake;
mod brief;
mod bytes;
mod clock;
mod connection;
mod flows;
mod forgotten;
mod half;
mod history;
mod key;
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

pub use clock::Clock;
pub use half::Half;
pub use history::History;
pub use key::Key;
pub use log::Log;
pub use numbers::Numbers;
pub use parts::{Copies, Fin, Ids, Opening, Rare, Regressions, Sent, Subflow};
pub use record::Flow;
pub use relations::{Odd, OldSyn, Predecessor, ResetSeen, Snapshot, Successor, SynFacts};
pub use seen::Seen;
pub use table::{Due, FlowTable, Limits, Why};
