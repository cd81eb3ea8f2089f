//! What many flows show together: no row of a table of flows, but what to do about it.

mod clocks;
mod diagnosis;

pub use clocks::Clocks;
pub use diagnosis::Diagnosis;

use crate::close::OffClock;
use crate::close::verdict::Verdict;
use crate::flow::Flow;

/// Watches the flows of a capture as they are judged. Bounded: by hosts and services, not by flows.
#[derive(Debug, Default)]
pub struct Patterns {
    clocks: Clocks,
}

impl Patterns {
    /// Takes in a flow that was judged.
    pub fn see(&mut self, flow: &Flow, verdict: &Verdict) {
        self.clocks.see(flow, verdict);
    }

    /// How the SYN of a flow that is yet to be judged goes back behind a clock of the flows before.
    pub fn off_clock(&mut self, flow: &Flow) -> Option<OffClock> {
        self.clocks.off(flow)
    }

    /// The few things that matter, the most important first. Whole after the last flow.
    pub fn diagnoses(&self) -> Vec<Diagnosis> {
        self.clocks.diagnoses()
    }
}
