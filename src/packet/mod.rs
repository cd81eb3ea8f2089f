//! Link, IP and TCP headers.
mod segment;
pub use segment::{End, Flags, Segment, Timestamps};
