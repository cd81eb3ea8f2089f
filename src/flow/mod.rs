//! Facts: what a capture shows of each connection. Nothing here judges.

mod connection;
mod half;
mod history;
mod numbers;
mod record;
mod seen;
mod table;

pub use half::{Copies, Fin, Half, Ids, Opening, Regressions, Unheard};
pub use history::History;
pub use numbers::Numbers;
pub use record::{Flow, Key, OldSyn, Predecessor, ResetSeen, Snapshot, Successor};
pub use seen::{Log, Seen};
pub use table::FlowTable;
