//! What one host, or one of its services, held.

use super::series::{Grid, Held, Series};
use super::spans::Span;
use crate::close::verdict::{EndedBy, Outcome, Side, State, Verdict};

/// The states that are kept account of.
pub const KEPT: [State; 4] = [
    State::TimeWait,
    State::CloseWait,
    State::FinWait2,
    State::LastAck,
];

/// The place of a state in [`KEPT`].
pub(super) fn place(state: State) -> Option<usize> {
    KEPT.iter().position(|kept| *kept == state)
}

/// What one host, or one of its services, held.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// How many sockets came into each state of [`KEPT`].
    pub created: [u64; KEPT.len()],
    /// The longest time in each, in nanoseconds, of those that are over.
    pub longest: [i64; KEPT.len()],
    /// TIME-WAITs that followed from an active close of the owner alone.
    pub active: u64,
    /// TIME-WAITs that followed from FINs that crossed.
    pub simultaneous: u64,
    /// How often one was started anew by a repeated FIN.
    pub restarts: u64,
    /// TIME-WAITs by the place of their end in [`EndedBy::ALL`].
    pub ended_by: [u64; 5],
    /// The owner was the client of some, the server of some.
    pub roles: [u64; 2],
    pub(super) series: Series,
}

impl Account {
    /// Enters a side of a flow. Gives how many changes that takes.
    pub(super) fn enter(
        &mut self,
        verdict: &Verdict,
        side: Side,
        spans: &[Span],
        grid: Grid,
    ) -> usize {
        let mut changes = 0;
        for span in spans {
            let Some(kept) = place(span.state) else {
                continue;
            };
            self.created[kept] += 1;
            if let Some(to) = span.to {
                self.longest[kept] = self.longest[kept].max(to.since(span.from));
            }
            changes += self.series.add(kept as u32, (span.from, span.to), grid);
        }
        for wait in verdict.time_wait.iter().filter(|wait| wait.owner == side) {
            let crossed = verdict.outcome == Outcome::Simultaneous;
            self.simultaneous += u64::from(crossed);
            self.active += u64::from(!crossed);
            self.restarts += u64::from(wait.restarts);
            self.roles[side.index()] += 1;
            let end = EndedBy::ALL.iter().position(|end| *end == wait.ended_by);
            if let Some(count) = end.and_then(|end| self.ended_by.get_mut(end)) {
                *count += 1;
            }
        }
        changes
    }

    /// How many sockets were in the state at this place of [`KEPT`] over time.
    pub(super) fn held(&self, kept: usize, grid: Grid) -> Held {
        self.series.held(&[kept as u32], grid)
    }
}
