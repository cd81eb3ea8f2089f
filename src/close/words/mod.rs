//! The small vocabularies of the report: states, closers, endings, resets. One table each.

pub mod claims;
pub mod ending;
pub mod patterns;
pub mod resets;
pub mod state;

use crate::close::terms::Term;

/// One value of a vocabulary and its explanation.
#[derive(Clone, Copy, Debug)]
pub struct Word<T> {
    /// The value.
    pub value: T,
    /// Its explanation.
    pub term: Term,
}
