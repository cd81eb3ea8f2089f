//! How every TCP connection of a packet capture was closed, by whom, and who owned TIME-WAIT.
#![forbid(unsafe_code)]

mod analysis;
pub mod capture;
pub mod close;
pub mod flow;
pub mod packet;
pub mod report;
pub mod seq;
pub mod stamp;
pub use analysis::{Analysis, AnalyzeError, Options, analyze};
