//! The entrance for tests: a capture that must be whole.

use super::{AnalyzeError, Options, analyze};
use crate::check::claim::Flows;
use std::io::Read;

/// Why a capture cannot be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// It is no capture, or its header cannot be read.
    #[error(transparent)]
    Analyze(#[from] AnalyzeError),
    /// Part of it cannot be read: flows may be missing.
    #[error("the capture is damaged: frame {frame}, byte offset {offset}: {what}")]
    Damaged {
        /// The frame that could not be read.
        frame: u64,
        /// Its place in the file.
        offset: u64,
        /// What was found, and what was expected.
        what: String,
    },
}

/// Reads a capture for a test: what is expected of its flows can then be said.
///
/// A capture that is damaged is an error, and of one without flows nothing is met: neither passes.
///
/// ```
/// use std::fs::File;
/// use whoclosed::close::finding::Code;
/// use whoclosed::close::verdict::{ActiveCloser, Outcome, Side};
///
/// let capture = File::open("testdata/captures/close-server-first-4seg.mid.pcap")?;
/// whoclosed::check(capture)?
///     .expect_flows(1)?
///     .expect_outcome(Outcome::Graceful)?
///     .expect_closer(ActiveCloser::Server)?
///     .expect_time_wait(Side::Server)?
///     .expect_without(Code::CloseWaitLeak)?;
///
/// // What is not so is an error that names flows and frames.
/// let capture = File::open("testdata/captures/close-server-first-4seg.mid.pcap")?;
/// let checked = whoclosed::check(capture)?;
/// let unmet = checked.expect_closer(ActiveCloser::Client).unwrap_err();
/// assert!(unmet.to_string().starts_with(
///     "expected active closer client: not so of 1 of 1 flows\n  flow 0, frames 1 to 11: server. "
/// ));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check<R: Read>(capture: R) -> Result<Flows, CheckError> {
    let mut analysis = analyze(capture, &Options::default())?;
    let verdicts = analysis.by_ref().collect();
    let summary = analysis.summary();
    let damage = summary.sources.iter().flat_map(|source| &source.damage);
    if let Some(damage) = damage.into_iter().next() {
        return Err(CheckError::Damaged {
            frame: damage.frame,
            offset: damage.offset,
            what: damage.what.clone(),
        });
    }
    Ok(Flows::new(verdicts))
}
