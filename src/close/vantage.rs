//! Where a capture was taken, as its summary says.

use crate::close::verdict::{Confidence, names};
use serde::{Deserialize, Serialize};

names! {
    /// A place between two hosts.
    Point {
        /// At the clients.
        Client = "client",
        /// At the servers.
        Server = "server",
        /// Between them.
        Middle = "middle",
        /// The capture does not tell, or it differs from connection to connection.
        Unknown = "unknown",
    }
}

/// Where the capture was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Vantage {
    /// The place.
    pub point: Point,
    /// How sure it is: likely at most.
    pub confidence: Confidence,
    /// What shows it, a sentence each.
    pub evidence: Vec<String>,
}

impl Default for Vantage {
    fn default() -> Self {
        Self {
            point: Point::Unknown,
            confidence: Confidence::Possible,
            evidence: Vec::new(),
        }
    }
}

impl Vantage {
    /// A place and what shows it.
    pub const fn new(point: Point, confidence: Confidence, evidence: Vec<String>) -> Self {
        Self {
            point,
            confidence,
            evidence,
        }
    }
}
