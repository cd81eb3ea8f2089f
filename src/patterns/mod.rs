//! What many flows show together: no row of a table of flows, but what to do about it.

mod at;
mod clocks;
mod diagnosis;
mod figure;
mod group;
mod hops;
mod idle;
mod services;
mod tally;
mod vantage;

pub use clocks::Clocks;
pub use diagnosis::{Diagnosis, Example};

use crate::close::OffClock;
use crate::close::finding::Severity;
use crate::close::vantage::Vantage;
use crate::close::verdict::{Endpoint, Verdict};
use crate::close::words::patterns::Pattern;
use crate::flow::Flow;
use figure::connections;
use idle::Silences;
use services::{Services, Use};
use std::cmp::Reverse;
use tally::Tally;
use vantage::Votes;

/// Watches the flows of a capture as they are judged. Bounded: by hosts and services, not by flows.
#[derive(Debug, Default)]
pub struct Patterns {
    clocks: Clocks,
    tally: Tally,
    services: Services,
    silences: Silences,
    votes: Votes,
    /// Only the clocks are watched, on which findings of single flows rest.
    clocks_only: bool,
}

impl Patterns {
    /// `diagnosis`: it will be asked for.
    pub fn new(diagnosis: bool) -> Self {
        Self {
            clocks_only: !diagnosis,
            ..Self::default()
        }
    }

    /// Takes in a flow that was judged.
    pub fn see(&mut self, flow: &Flow, verdict: &Verdict) {
        self.clocks.see(flow, verdict);
        if !self.clocks_only {
            self.watch(flow, verdict);
        }
    }

    fn watch(&mut self, flow: &Flow, verdict: &Verdict) {
        let client = client_of(flow, verdict);
        let use_ = Use::of(flow, client);
        self.tally.see(flow, verdict, client);
        self.services.see(flow, verdict, client, &use_);
        self.votes.see(flow, verdict, client, &use_);
        if let Some(silence) = &verdict.silence {
            self.silences.see(verdict, silence);
        }
    }

    /// How the SYN of a flow that is yet to be judged goes back behind a clock of the flows before.
    pub fn off_clock(&mut self, flow: &Flow) -> Option<OffClock> {
        self.clocks.off(flow)
    }

    /// The few things that matter, the most important first. Whole after the last flow.
    pub fn diagnoses(&self) -> Vec<Diagnosis> {
        if self.tally.flows == 0 {
            return Vec::new();
        }
        let mut all = self.tally.diagnoses();
        all.extend(self.silences.diagnoses(&self.services));
        all.extend(hops::diagnoses(&self.services, &self.vantage()));
        all.extend(self.clocks.diagnoses());
        all.extend(self.left_out());
        all.sort_by_key(|told| Reverse((told.severity, told.flows)));
        if all.iter().all(|told| told.severity == Severity::Info) {
            all.insert(0, self.tally.healthy());
        }
        all
    }

    /// Where the capture was taken, as far as the flows show it.
    pub fn vantage(&self) -> Vantage {
        self.votes.vantage()
    }

    /// Says when there were more services than are kept.
    fn left_out(&self) -> Option<Diagnosis> {
        let flows = self.services.beyond + self.silences.beyond();
        let message = format!(
            "{} went to more services than are told apart: what is said of hops, habits and idle \
             timeouts leaves them out",
            connections(flows)
        );
        let told = Diagnosis::of(Pattern::ServicesLeftOut, flows, message);
        (flows > 0).then_some(told)
    }
}

/// Which end of the flow is the client.
fn client_of(flow: &Flow, verdict: &Verdict) -> u8 {
    let [a, b] = &flow.key.ends;
    let Endpoint { addr, port } = verdict.client;
    // Ports mostly tell.
    if a.port != b.port {
        return u8::from(b.port == port);
    }
    let is_first = (a.port, a.ip()) == (port, addr);
    // Both ends may be the same.
    u8::from(!is_first && (b.port, b.ip()) == (port, addr))
}
