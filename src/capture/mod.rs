//! Captures as a stream of records: pcap and pcapng, from any `Read`, in one pass.
//!
//! The framing is ours: the length of every record and block is checked before anything looks
//! inside, so that damage is named where it stands, everything before it is kept, and reading goes
//! on at the next place that makes sense. Nothing here knows of IP.
//!
//! ```text
//! Read ──compression──> Source ──> Buffer ──pcap | pcapng──> Packet ──Reader──> Record
//! another thread, several ──apart──┘
//!                                                                    several ──Set──> Record
//! ```

mod ahead;
mod apart;
mod compression;
mod error;
mod interface;
mod meter;
mod order;
mod part;
mod pcap;
mod pcapng;
mod reader;
mod resume;
mod seen;
mod set;
mod source;

pub use error::{Damage, OpenError};
pub use meter::{Meter, Metered};
pub use reader::{Reader, Record};
pub use seen::Seen;
pub use set::{Set, SetFile, Span, by_name};

pub(crate) use ahead::Ahead;
pub(crate) use apart::Decompression;
pub(crate) use interface::option;
pub(crate) use order::Order;
pub(crate) use part::{Part, PcapHeader, What};
pub(crate) use set::Places;
