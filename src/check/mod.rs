//! Whether the closes of a capture are what somebody wants them to be.
//!
//! [`expect`] compares with verdicts that were saved, [`diff`] one release with the next one,
//! [`claim`] is for tests in Rust.

pub mod claim;
pub mod diff;
pub mod expect;
mod saved;

pub use saved::{Line, ReportError, SavedReport, is_report};
