//! Which flows are meant: those of `--only`, or the one of `--flow`.

use super::failure::Failure;
use super::only::{Rule, selects};
use whoclosed::close::summary::Summary;
use whoclosed::close::verdict::Verdict;

/// Which flows are meant; without any of it all.
#[derive(Debug, clap::Args)]
pub(crate) struct Selection {
    /// Only the flow with this number
    #[arg(long, value_name = "N")]
    flow: Option<u64>,

    /// Only the flows with KEY=VALUE (repeatable), as in `whoclosed --help`
    #[arg(long, value_name = "KEY=VALUE")]
    only: Vec<Rule>,
}

impl Selection {
    pub(crate) fn has(&self, verdict: &Verdict) -> bool {
        let right = self.flow.is_none_or(|flow| flow == verdict.flow);
        right && selects(&self.only, verdict)
    }

    /// Refuses a number that no flow has.
    pub(crate) fn check(&self, summary: &Summary) -> Result<(), Failure> {
        let missing = self.flow.filter(|&flow| flow >= summary.flows);
        if missing.is_none() || summary.interrupted {
            return Ok(());
        }
        let name = summary.sources.first().map(|source| source.source.as_ref());
        let name = name.unwrap_or_default().to_owned();
        Err(super::explain::not_found(name, summary.flows))
    }
}
