//! From bytes to verdicts: the library's main entrance.

use crate::capture::{OpenError, Reader};
use crate::close::summary::{Damage, SourceSummary, Summary, Totals};
use crate::close::verdict::Verdict;
use crate::close::{Context, judge};
use crate::flow::{FlowTable, Flows};
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
    /// Stop at the first damage instead of going on behind it.
    pub strict: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: "-".into(),
            time_wait: 60 * SECOND,
            strict: false,
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
pub struct Analysis<R: Read> {
    reader: Reader<R>,
    options: Options,
    table: FlowTable,
    flows: Flows,
    read: bool,
    totals: Totals,
    not_decoded: [u64; NotDecoded::ALL.len()],
    /// The last record's place, with the latest time of any.
    end: Stamp,
    start: Option<Time>,
    timed: bool,
}

/// Reads a capture, compressed or not, and judges its flows.
pub fn analyze<R: Read>(read: R, options: &Options) -> Result<Analysis<R>, AnalyzeError> {
    Ok(Analysis {
        reader: Reader::new(read)?.strict(options.strict),
        options: options.clone(),
        table: FlowTable::default(),
        flows: Flows::default(),
        read: false,
        totals: Totals::default(),
        not_decoded: [0; NotDecoded::ALL.len()],
        end: Stamp::default(),
        start: None,
        timed: false,
    })
}

impl<R: Read> Iterator for Analysis<R> {
    type Item = Verdict;

    fn next(&mut self) -> Option<Verdict> {
        if !self.read {
            self.read_all();
        }
        let flow = self.flows.next()?;
        let context = Context {
            time_wait: self.options.time_wait,
            end: self.end,
            cut: self.reader.is_cut(),
            torn: self.reader.torn(),
        };
        let mut verdict = judge(flow, context, &self.options.source);
        if !self.timed {
            verdict.forget_times();
        }
        self.totals.add(&verdict);
        Some(verdict)
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
        source.dropped = self.reader.dropped();
        let damage = self.reader.damage().iter();
        source.damage = damage
            .map(|d| Damage::new(d.frame, d.offset, &d.what).skipping(d.skipped))
            .collect();
        source.unlisted_damage = self.reader.unlisted_damage();
        source.skipped = self.reader.skipped();
        let reasons = NotDecoded::ALL.iter().zip(self.not_decoded);
        let not_decoded = reasons
            .filter(|(_, n)| *n > 0)
            .map(|(r, n)| (r.name().to_owned(), n))
            .collect();
        self.totals.summary(vec![source], not_decoded)
    }

    fn read_all(&mut self) {
        self.read = true;
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
                continue;
            }
            match decode_by_layers(record.link, record.data, record.original_len) {
                Ok(segment) => table.push_other(&segment, at),
                Err(reason) => self.not_decoded[reason as usize] += 1,
            }
        }
        self.flows = std::mem::take(&mut self.table).finish();
    }
}
