//! Servers that could not be started again at once: `bind()` fails with EADDRINUSE while a socket of the
//! port is in TIME-WAIT, unless the new one sets `SO_REUSEADDR` (and the old ones had).

use super::Ledger;
use super::series::{Grid, Series};
use super::spans::Span;
use crate::close::verdict::{Endpoint, State};
use crate::stamp::Time;
use serde::{Deserialize, Serialize};

/// TIME-WAITs that a server owns on its listening port.
#[derive(Clone, Debug, Default)]
pub(super) struct Bind {
    time_waits: u64,
    from: Option<Time>,
    until: Option<Time>,
    pub(super) series: Series,
}

/// A port on which a server could not be started again without `SO_REUSEADDR`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BindConflict {
    /// Version of this format.
    pub schema: u32,
    /// The address and port it listens on.
    pub server: Endpoint,
    /// How many TIME-WAITs it owned there.
    pub time_waits: u64,
    /// How many of them run when the capture ends.
    pub at_end: u64,
    /// Since when there was one.
    pub from: Option<Time>,
    /// Until when `bind()` fails.
    pub until: Option<Time>,
    /// For how many seconds within the capture it would have failed.
    pub seconds: f64,
}

impl Bind {
    /// Enters the server's side of a flow. Gives how many changes that takes.
    pub(super) fn enter(&mut self, spans: &[Span], grid: Grid) -> usize {
        let mut changes = 0;
        for span in spans.iter().filter(|span| span.state == State::TimeWait) {
            self.time_waits += 1;
            self.from = Some(self.from.map_or(span.from, |from| from.min(span.from)));
            self.until = self.until.max(span.to);
            changes += self.series.add(0, (span.from, span.to), grid);
        }
        changes
    }
}

impl Ledger {
    /// The servers with TIME-WAITs on their listening ports, those with most first.
    pub(super) fn bind_conflicts(&self, start: Time, end: Time) -> Vec<BindConflict> {
        let binds = self.binds.iter().filter(|(_, bind)| bind.time_waits > 0);
        let conflicts = binds.map(|(&(addr, port), bind)| {
            let held = bind.series.held(&[0], self.rooms.binds.grid);
            BindConflict {
                schema: crate::close::SCHEMA,
                server: Endpoint { addr, port },
                time_waits: bind.time_waits,
                at_end: held.at(end),
                from: bind.from,
                until: bind.until,
                seconds: super::books::seconds(held.at_least(1, start, end).0),
            }
        });
        let mut conflicts: Vec<BindConflict> = conflicts.collect();
        let key = |c: &BindConflict| (c.server.addr, c.server.port);
        conflicts.sort_by(|a, b| {
            let most = b.time_waits.cmp(&a.time_waits);
            most.then_with(|| key(a).cmp(&key(b)))
        });
        conflicts
    }
}
