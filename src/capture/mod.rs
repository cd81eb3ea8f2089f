//! Captures as a stream of records: pcap and pcapng, from any `Read`, in one pass.
//!
//! The framing is ours: the length of every record and block is checked before anything looks
//! inside, so that damage is named where it stands and everything before it is kept. Nothing here
//! knows of IP.
//!
//! ```text
//! Read ──source──> Buffer ──pcap | pcapng──> Packet ──Reader──> Record ──Set──> Record
//! ```

mod error;
mod interface;
mod meter;
mod order;
mod pcap;
mod pcapng;
mod reader;
mod set;
mod source;

pub use error::{Damage, OpenError};
pub use meter::{Meter, Metered};
pub use reader::{Reader, Record};
pub use set::{Seen, Set, SetFile, Span, by_name};
