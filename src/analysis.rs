//! From bytes to verdicts: the library's main entrance.

use crate::capture::{OpenError, Reader};
use crate::close::summary::{Damage, SourceSummary, Summary, Totals};
use crate::close::verdict::Verdict;
use crate::close::{Context, judge};
use crate::flow::{Clock, Due, FlowTable, Limits, Why};
use crate::packet::{NotDecoded, Usual, decode_by_layers, link_type_name};
use crate::stamp::{SECOND, Stamp, Time};
use std::io::Read;
use std::sync::Arc;

/// How to analyze.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The capture's name in the report.
    pub source: Arc<str>,
    /// How long TIME-WAIT lasts, in nanoseconds. Linux: 60 s (`TCP_TIMEWAIT_LEN`, compiled in).
    pub time_wait: i64,
    /// How many flows are kept at once.
    pub limits: Limits,
    /// The capture is being made: a flow is let go by the first record that allows it.
    pub live: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: "-".into(),
            time_wait: 60 * SECOND,
            limits: Limits::default(),
            live: false,
        }
    }
}

/// Why nothing could be read of a capture at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyzeError {
    /// It is no capture, or its header cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// The verdicts of a capture, one after another; then [`Analysis::summary`].
pub struct Analysis<R> {
    reader: Reader<R>,
    options: Options,
    table: FlowTable,
    /// What time it is, for flows that may be let go.
    clock: Clock,
    now: Time,
    /// The capture has ended.
    ended: bool,
    totals: Totals,
    not_decoded: [u64; NotDecoded::ALL.len()],
    /// The last record's place, with the latest time of any.
    end: Stamp,
    start: Option<Time>,
    timed: bool,
}

/// Reads a capture and judges its flows.
pub fn analyze<R: Read>(read: R, options: &Options) -> Result<Analysis<R>, AnalyzeError> {
    Ok(Analysis {
        reader: Reader::new(read)?,
        options: options.clone(),
        table: FlowTable::new(options.limits, options.time_wait),
        clock: Clock::new(options.live),
        now: Time::default(),
        ended: false,
        totals: Totals::default(),
        not_decoded: [0; NotDecoded::ALL.len()],
        end: Stamp::default(),
        start: None,
        timed: false,
    })
}

impl<R: Read> Iterator for Analysis<R> {
    type Item = Verdict;

    /// Reads on until a flow is settled, and judges it.
    fn next(&mut self) -> Option<Verdict> {
        loop {
            while let Some(due) = self.table.due(self.now) {
                if let Some(verdict) = self.settle(&due) {
                    return Some(verdict);
                }
            }
            if self.ended {
                return None;
            }
            self.read();
        }
    }
}

impl<R: Read> Analysis<R> {
    /// The totals; whole after the last verdict.
    pub fn summary(&self) -> Summary {
        let mut source = SourceSummary::new(Arc::clone(&self.options.source));
        source.frames = self.reader.frames();
        source.bytes = self.reader.bytes();
        let names = self
            .reader
            .link_types()
            .iter()
            .map(|&l| link_type_name(l).into_owned());
        source.link_types = names.collect();
        source.start = self.start;
        source.end = self.timed.then_some(self.end.time);
        let damage = self.reader.damage();
        source.damage = damage
            .map(|d| Damage::new(d.frame, d.offset, &d.what))
            .into_iter()
            .collect();
        let reasons = NotDecoded::ALL.iter().zip(self.not_decoded);
        let not_decoded = reasons
            .filter(|(_, n)| *n > 0)
            .map(|(r, n)| (r.name().to_owned(), n))
            .collect();
        let mut summary = self.totals.summary(vec![source], not_decoded);
        summary.late_segments = self.table.late();
        summary
    }

    /// The verdict of a flow, if nothing more can belong to it.
    fn settle(&mut self, due: &Due) -> Option<Verdict> {
        let context = Context {
            time_wait: self.options.time_wait,
            end: self.end,
            cut: self.ended && self.reader.damage().is_some(),
            evicted: due.why == Why::Evicted,
        };
        let flow = self.table.facts(due)?;
        let mut verdict = judge(flow, context, &self.options.source);
        let is_over = verdict.outcome.is_over();
        if due.why == Why::Quiet && !is_over {
            return None;
        }
        self.table.forget(due, is_over);
        if !self.timed {
            verdict.forget_times();
        }
        self.totals.add(&verdict);
        Some(verdict)
    }

    /// Reads until a flow may be settled, or to the end.
    fn read(&mut self) {
        let table = &mut self.table;
        while let Some(record) = self.reader.next() {
            // A record without a time takes that of the record before it.
            let time = record.time.unwrap_or(self.end.time);
            let at = Stamp {
                frame: record.frame,
                time,
            };
            self.end = Stamp {
                frame: at.frame,
                time: self.end.time.max(time),
            };
            if record.time.is_some() {
                self.start = Some(self.start.map_or(time, |start| start.min(time)));
                self.timed = true;
            }
            if let Some(usual) = Usual::new(record.link, record.data) {
                table.push(&usual.segment(), at);
            } else {
                match decode_by_layers(record.link, record.data, record.original_len) {
                    Ok(segment) => table.push_other(&segment, at),
                    Err(reason) => self.not_decoded[reason as usize] += 1,
                }
            }
            self.now = self.clock.tick(time);
            if table.has_due(self.now) {
                return;
            }
        }
        self.ended = true;
        table.finish();
    }
}
