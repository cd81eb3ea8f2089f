//! The capture again: with our words on the frames that decide, or only some of its flows.
//!
//! A capture is judged first and then read a second time, to be copied. What is copied keeps its bytes:
//! times of any resolution, interfaces with their options, lengths. Where the capture is damaged, what
//! can be read is copied.
//!
//! ```
//! use std::fs::File;
//! use whoclosed::capture::Reader;
//! use whoclosed::rewrite::{Choice, extract};
//! use whoclosed::{Options, analyze};
//!
//! let path = "testdata/captures/close-server-first-4seg.mid.pcap";
//! let mut choice = Choice::default();
//! for verdict in analyze(File::open(path)?, &Options::default())? {
//!     choice.add(&verdict);
//! }
//! let mut copy = Vec::new();
//! let written = extract(&mut Reader::new(File::open(path)?)?, &choice, None, &mut copy)?;
//! assert_eq!((written.packets, copy), (11, std::fs::read(path)?));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod annotate;
mod blocks;
mod choice;
mod comments;
mod extract;
mod words;

pub use annotate::annotate;
pub use choice::Choice;
pub use comments::Comments;
pub use extract::extract;

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Written {
    /// Packets.
    pub packets: u64,
    /// Comments.
    pub comments: u64,
    /// Comments on packets that cannot have any (pcapng simple packet blocks).
    pub left_out: u64,
    /// Packets that have a number in the capture and cannot be read: frames behind them have lower
    /// numbers in what was written.
    pub lost: u64,
}
