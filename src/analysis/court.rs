//! From segments to verdicts.

use super::Options;
use super::batch::{Batch, Note};
use super::bench::{Bench, See};
use crate::capture::Places;
use crate::close::summary::{SourceSummary, Summary};
use crate::flow::{Clock, Due, FlowTable};
use crate::stamp::Stamp;
use std::collections::BTreeMap;

/// Keeps the flows, and lets each be judged once nothing more can belong to it.
pub(super) struct Court {
    pub(super) table: FlowTable,
    pub(super) bench: Bench,
    /// What time it is, for flows that may be let go.
    clock: Clock,
    /// So many arrivals and notes of the batch have been taken in.
    taken: [usize; 2],
    interrupted: bool,
    ended: bool,
    /// What the table counted, once the capture has ended.
    late: u64,
    unheard: u64,
}

/// What became of a batch.
pub(super) enum Next {
    /// A verdict was shown.
    Shown,
    /// All of the batch was taken in: there must be another one.
    Hungry,
    /// The capture has ended; what is left of the flows is judged next.
    Ended,
    /// There are no more flows.
    Over,
}

impl Court {
    pub(super) fn new(options: &Options, places: Option<Places>) -> Self {
        let mut table = FlowTable::new(options.limits, options.time_wait);
        if options.ledger.is_some() {
            // The books count every restart of a TIME-WAIT.
            table.be_patient();
        }
        if !options.asks_why() {
            table.forgo_histories();
        }
        Self {
            table,
            bench: Bench::new(options, places),
            clock: Clock::new(options.live),
            taken: [0; 2],
            interrupted: false,
            ended: false,
            late: 0,
            unheard: 0,
        }
    }

    /// Judges the next flow that is due, for which it takes in as much of the batch as it must.
    pub(super) fn go_on(&mut self, batch: &Batch, see: See<'_>) -> Next {
        loop {
            while let Some(due) = self.table.due(self.clock.now()) {
                if self.settle(&due, see) {
                    return Next::Shown;
                }
            }
            if self.ended {
                return Next::Over;
            }
            let is_due = self.take_in(batch);
            if !is_due {
                self.taken = [0; 2];
                return Next::Hungry;
            }
            if self.ended {
                return Next::Ended;
            }
        }
    }

    /// Takes in what is left of the batch until a flow may be due, or the capture has ended; false if
    /// neither came. By itself: the loop needs every register.
    #[inline(never)]
    fn take_in(&mut self, batch: &Batch) -> bool {
        loop {
            let [first, noted] = self.taken;
            let note = batch.notes.get(noted);
            let until = note.map_or(batch.arrivals.len(), |(at, _)| *at);
            if first < until {
                let arrivals = &batch.arrivals;
                let pushed = self
                    .table
                    .push_arrivals(arrivals, first..until, &mut self.clock);
                let (next, is_due) = pushed;
                if let Some(end) = arrivals.end(first..next) {
                    self.see(end);
                }
                if is_due {
                    self.taken = [next, noted];
                    return true;
                }
            }
            let Some((_, note)) = note else {
                return false;
            };
            self.taken = [until, noted + 1];
            if self.take_note(note) {
                return true;
            }
        }
    }

    /// A flow may be due by the record that stands at `at`.
    fn is_due(&mut self, at: Stamp) -> bool {
        self.see(at);
        let now = self.clock.tick(at.time);
        self.table.has_due(now)
    }

    /// Records up to that frame were seen, the latest of that time.
    fn see(&mut self, at: Stamp) {
        let end = &mut self.bench.ground.known.end;
        (end.frame, end.time) = (at.frame, end.time.max(at.time));
    }

    /// Takes in what few records bring; true as of [`Self::take_in`].
    #[cold]
    fn take_note(&mut self, note: &Note) -> bool {
        let known = &mut self.bench.ground.known;
        match note {
            Note::Record(at) => return self.is_due(*at),
            Note::Start(time) => known.start = Some(*time),
            Note::ClocksDiffer(differ) => known.clocks_differ = *differ,
            Note::Torn(torn) => known.torn = Some(*torn),
            Note::Domain(layers) => known.domains.push(**layers),
            Note::Quoted(quoted, domain, at) => known.errors.push(quoted, *domain, *at),
            Note::End { cut, interrupted } => {
                (known.cut, self.interrupted) = (*cut, *interrupted);
                self.end();
                return true;
            }
        }
        false
    }

    fn end(&mut self) {
        self.table.finish();
        self.ended = true;
        (self.late, self.unheard) = (self.table.late(), self.table.unheard());
    }

    /// Shows the verdict of a flow, if nothing more can belong to that.
    fn settle(&mut self, due: &Due, see: See<'_>) -> bool {
        let Some(flow) = self.table.facts(due) else {
            return false;
        };
        let settled = self.bench.judge(flow, due.why, see);
        if let Some(is_over) = settled {
            self.table.forget(due, is_over);
        }
        settled.is_some()
    }

    /// The totals of all flows so far.
    pub(super) fn summary(
        &self,
        sources: Vec<SourceSummary>,
        not_decoded: BTreeMap<String, u64>,
    ) -> Summary {
        let mut summary = self
            .bench
            .sitting
            .noted
            .totals
            .summary(sources, not_decoded);
        summary.late_segments = self.late.max(self.table.late());
        summary.unheard = self.unheard.max(self.table.unheard());
        summary.vantage = self.bench.sitting.noted.patterns.vantage();
        summary.interrupted = self.interrupted;
        summary
    }
}
