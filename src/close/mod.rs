//! Judgement.
pub mod cause;
pub mod finding;
pub mod outcome;
pub mod states;
pub mod summary;
pub mod terms;
pub mod verdict;
