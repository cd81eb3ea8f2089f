//! Checks: does what a capture shows hold against what is asked of it?
//!
//! [`policy`] reads the rules of a policy file and judges flows by them, [`expect`] compares with verdicts
//! that were saved; [`result`] is what came of either, for the reports. [`diff`] compares one release
//! with the next one, [`claim`] is for tests in Rust.

pub mod claim;
pub mod diff;
pub mod expect;
pub mod policy;
pub mod result;
mod saved;

pub use saved::{Line, ReportError, SavedReport, is_report};
