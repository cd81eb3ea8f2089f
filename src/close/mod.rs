//! Judgement: how a flow was closed, by whom, and who owned TIME-WAIT.

mod abort;
mod case;
pub mod cause;
mod closer;
mod detect;
mod dwell;
mod events;
mod facts;
pub mod filter;
mod final_state;
pub mod finding;
mod hosts;
mod judge;
pub mod known;
mod last_ack;
pub mod myths;
pub mod outcome;
mod phrase;
mod reading;
mod reason;
mod reset;
mod said;
mod sign;
mod silence;
pub mod states;
pub mod summary;
pub mod terms;
mod time_wait;
pub mod vantage;
pub mod verdict;
pub mod words;
mod zeek;

pub use facts::{Context, OffClock};
pub use hosts::{HostSeen, Hosts};
pub use judge::{SCHEMA, judge};
pub use said::TLS13;
