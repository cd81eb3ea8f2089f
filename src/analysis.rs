//! From bytes to verdicts: the library's main entrance.

use crate::close::summary::Summary;
use crate::close::verdict::Verdict;
use crate::stamp::SECOND;
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

/// The verdicts of a capture, one after another; then [`Analysis::summary`].
pub struct Analysis<R> {
    _read: R,
}

/// Why nothing could be read of a capture at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyzeError {}

/// Reads a capture and judges its flows.
pub fn analyze<R: Read>(_read: R, _options: &Options) -> Result<Analysis<R>, AnalyzeError> {
    unimplemented!()
}

impl<R: Read> Iterator for Analysis<R> {
    type Item = Verdict;

    fn next(&mut self) -> Option<Verdict> {
        None
    }
}

impl<R: Read> Analysis<R> {
    /// The totals; call it after the last verdict.
    pub fn summary(&self) -> Summary {
        unimplemented!()
    }
}
