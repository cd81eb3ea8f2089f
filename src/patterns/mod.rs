//! What many flows show together: no row of a table of flows, but what to do about it.

mod diagnosis;

pub use diagnosis::Diagnosis;

use crate::close::verdict::Verdict;
use crate::flow::Flow;

/// Watches the flows of a capture as they are judged. Bounded: by hosts and services, not by flows.
#[derive(Debug, Default)]
pub struct Patterns {}

impl Patterns {
    /// Takes in a flow that was judged.
    pub fn see(&mut self, _flow: &Flow, _verdict: &Verdict) {}

    /// The few things that matter, the most important first. Whole after the last flow.
    pub fn diagnoses(&self) -> Vec<Diagnosis> {
        Vec::new()
    }
}
