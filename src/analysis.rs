//! From bytes to verdicts: the library's main entrance.

mod input;
mod points;

pub use points::{Streams, streams};

use crate::capture::{OpenError, Reader, Set};
use crate::close::summary::{Summary, Totals};
use crate::close::verdict::Verdict;
use crate::close::{Context, judge};
use crate::flow::{FlowTable, Flows};
use crate::packet::{NotDecoded, Usual, decode_by_layers};
use crate::stamp::{SECOND, Stamp, Time};
use input::Input;
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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: "-".into(),
            time_wait: 60 * SECOND,
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
    input: Input<R>,
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

/// Reads a capture and judges its flows.
pub fn analyze<R: Read>(read: R, options: &Options) -> Result<Analysis<R>, AnalyzeError> {
    let reader = Reader::new(read)?;
    Ok(Analysis::new(Input::One(reader), options))
}

/// Reads several files as one capture and judges its flows: each says which frames of which file
/// are its evidence. The set brings the names of its files; that of the options is not used.
///
/// ```
/// use std::path::Path;
/// use whoclosed::capture::{Set, SetFile};
/// use whoclosed::{Options, analyze_set};
///
/// let path = "testdata/captures/close-server-first-4seg.mid.pcap";
/// let files = vec![SetFile::look(Path::new(path), path.into())?];
/// let mut flows = analyze_set(Set::new(files), &Options::default());
/// let flow = flows.next().expect("a flow");
/// assert_eq!(flow.files.expect("it is of a set")[0].frames[0], [1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn analyze_set(set: Set, options: &Options) -> Analysis<Box<dyn Read>> {
    Analysis::new(Input::Set(Box::new(set)), options)
}

impl<R: Read> Iterator for Analysis<R> {
    type Item = Verdict;

    fn next(&mut self) -> Option<Verdict> {
        if !self.read {
            self.read_all();
        }
        let flow = self.flows.next()?;
        let cut = self.input.is_cut();
        let context = Context {
            time_wait: self.options.time_wait,
            end: self.end,
            cut,
        };
        let mut verdict = judge(flow, context, &self.options.source);
        if !self.timed {
            verdict.forget_times();
        }
        self.input.place(&mut verdict);
        self.totals.add(&verdict);
        Some(verdict)
    }
}

impl<R: Read> Analysis<R> {
    fn new(input: Input<R>, options: &Options) -> Self {
        Self {
            input,
            options: options.clone(),
            table: FlowTable::default(),
            flows: Flows::default(),
            read: false,
            totals: Totals::default(),
            not_decoded: [0; NotDecoded::ALL.len()],
            end: Stamp::default(),
            start: None,
            timed: false,
        }
    }

    /// The totals; whole after the last verdict.
    pub fn summary(&self) -> Summary {
        let times = self.start.zip(self.timed.then_some(self.end.time));
        let sources = self.input.sources(&self.options.source, times);
        let reasons = NotDecoded::ALL.iter().zip(self.not_decoded);
        let not_decoded = reasons
            .filter(|(_, n)| *n > 0)
            .map(|(r, n)| (r.name().to_owned(), n))
            .collect();
        self.totals.summary(sources, not_decoded)
    }

    fn read_all(&mut self) {
        self.read = true;
        let table = &mut self.table;
        loop {
            let Some(record) = self.input.next() else {
                if self.input.turn() {
                    continue;
                }
                break;
            };
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
