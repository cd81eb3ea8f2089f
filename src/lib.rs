//! How every TCP connection of a packet capture was closed, by whom, and who owned TIME-WAIT.
//!
//! ```text
//!  files, stdin ─capture──>  Record { frame, time, link type, bytes, original length }
//!                               │ packet::decode      link → IP → TCP
//!                               v
//!                            Segment
//!                               │ flow::FlowTable     facts: first, last, highest, count
//!                               v
//!                            Flow
//!                               │ close::judge        facts → verdict; pure, once per flow
//!                               v
//!                            Verdict ──> report::{text, json, csv, zeek, html, explain}
//!                                     ├─> patterns            what many flows show together
//!                                     ├─> ledger              TIME-WAIT and ports over time
//!                                     ├─> sockets             which flows a host's sockets are
//!                                     ├─> check               against policies, expectations, another capture
//!                                     └─> rewrite             the capture again: annotated, or a part of it
//! ```
//!
//! Data goes one way. [`analyze`] is the whole way in one call: an iterator of verdicts, then a
//! summary. Nothing is printed and nothing exits in this library. [`fn@check`] is for tests: what is
//! expected of a capture's flows is said, and what is not so is an error.
//!
//! ```
//! use std::fs::File;
//! use whoclosed::close::verdict::{ActiveCloser, Confidence, Outcome, Side};
//! use whoclosed::{Options, analyze};
//!
//! let capture = File::open("testdata/captures/close-server-first-4seg.mid.pcap")?;
//! let mut flows = analyze(capture, &Options::default())?;
//! for verdict in flows.by_ref() {
//!     assert_eq!(verdict.outcome, Outcome::Graceful);
//!     assert_eq!(verdict.active_closer, ActiveCloser::Server);
//!     assert_eq!(verdict.confidence, Confidence::Certain);
//!     assert_eq!(verdict.time_wait[0].owner, Side::Server);
//! }
//! assert_eq!(flows.summary().flows, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod analysis;
pub mod capture;
pub mod check;
pub mod close;
pub mod flow;
pub mod ledger;
pub mod packet;
pub mod patterns;
pub mod report;
pub mod rewrite;
pub mod seq;
pub mod sockets;
pub mod stamp;

pub use analysis::{
    Analysis, AnalyzeError, CheckError, Extent, Moment, Options, Streams, analyze, analyze_set,
    check, streams,
};
pub use packet::Filter;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../docs/regressions.md")]
struct Regressions;
