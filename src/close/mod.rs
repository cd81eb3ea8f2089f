//! Judgement: how a flow was closed, by whom, and who owned TIME-WAIT.

mod abort;
mod case;
pub mod cause;
mod closer;
mod detect;
mod events;
mod facts;
pub mod filter;
mod final_state;
pub mod finding;
mod judge;
mod last_ack;
pub mod outcome;
mod phrase;
mod reason;
mod reset;
mod sign;
pub mod states;
pub mod summary;
pub mod terms;
mod time_wait;
pub mod verdict;
pub mod words;
mod zeek;

pub use facts::Context;
pub use judge::{SCHEMA, judge};
