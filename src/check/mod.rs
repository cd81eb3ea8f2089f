//! Checks: does what a capture shows hold against what is asked of it?
//!
//! [`policy`] reads the rules of a policy file and judges flows by them; [`result`] is what came of it,
//! for the reports.

pub mod policy;
pub mod result;
