//! Verdicts that were saved to be expected again, and what differs from them now.
//!
//! An expectation holds what a change of the program under test changes, and nothing that another run
//! of the same program changes: no client addresses and ports, no times, no numbers of frames. Flows
//! are told apart by their service, and counted by what is said of them; or, if so asked, compared in
//! the order in which they began.

mod align;
mod class;
mod difference;
mod file;
mod item;
mod observed;
mod service;

pub use class::{Class, Note};
pub use difference::{Difference, FieldChange, FlowExample, Kind};
pub use file::{CaptureExpectations, Entry, ExpectError, Expectations, ServiceExpectations};
pub use item::{RULE, SUMMARY, items};
pub use observed::{Observed, TooMany};
pub use service::Service;

use crate::close::verdict::names;
use serde::{Deserialize, Serialize};

names! {
    /// How the flows of a service are matched.
    Compare {
        /// So many of each kind, in whatever order.
        Count = "count",
        /// One after the other, by first frame.
        Order = "order",
    }
}

/// What matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How the flows of a service are matched.
    pub compare: Compare,
    /// Segments of the close that were sent again are part of what is expected.
    pub retransmissions: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            compare: Compare::Count,
            retransmissions: true,
        }
    }
}
