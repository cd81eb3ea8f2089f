//! Policies: which flows a scope is about, and what is asked of them.
//!
//! ```
//! use whoclosed::check::policy::Policy;
//!
//! let text = "[scope.web]\nport = 8080\nallow-closers = [\"client\"]\n";
//! let policy = Policy::parse("close.toml", text.as_bytes())?;
//! assert_eq!(policy.scopes.len(), 2); // `all` goes without saying: a flow at least
//!
//! let wrong = Policy::parse("close.toml", b"[scope.all]\nallow-closer = [\"client\"]\n");
//! let error = wrong.unwrap_err().to_string();
//! assert!(error.contains("close.toml:2:1") && error.contains("`allow-closers`"));
//! # Ok::<(), whoclosed::check::policy::PolicyError>(())
//! ```
//!
//! # What is known for certain, and what is not
//!
//! A rule counts what verdicts claim with the confidence it asks for, `likely` unless it says otherwise.
//! What is less sure, or unknown, is in doubt: it neither breaks a rule nor complies. A rule that holds
//! only if flows in doubt comply could not be judged, but for as many of them as the scope's
//! `max-indeterminate` lets pass.

mod asked;
mod claims;
mod error;
mod examples;
mod judge;
mod keys;
mod net;
mod read;
pub mod rules;
pub mod schema;
mod spent;
mod value;
mod words;

pub use claims::{Claim, Claims, ShownBy};
pub use error::PolicyError;
pub use examples::{EXAMPLES, Example};
pub use judge::Checker;
pub use keys::{KEYS, Key, Takes};
pub use net::Net;
pub use spent::{Spent, Stretch};

use crate::close::verdict::{Confidence, RolesFrom, Verdict};
use rules::Row;
use std::sync::Arc;

/// A policy file that makes sense.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// Its name.
    pub file: Arc<str>,
    /// Its scopes, in its order; `all` is always among them.
    pub scopes: Vec<Scope>,
}

/// Some flows, and what is asked of them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scope {
    /// What it is called.
    pub name: String,
    /// Which flows those are.
    pub select: Select,
    /// What is asked of them: what goes without saying first, then as it stands in the file.
    pub rules: Vec<Rule>,
    /// How many flows may be in doubt.
    pub doubt: Limit,
}

/// Which flows a scope is about: each list that is not empty holds one that fits.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Select {
    /// Where the client is.
    pub client: Vec<Net>,
    /// Where the server is.
    pub server: Vec<Net>,
    /// Where either of them is.
    pub net: Vec<Net>,
    /// The server's port.
    pub port: Vec<u16>,
}

/// Something that is asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Rule {
    /// Its kind.
    pub row: &'static Row,
    /// The line it stands in; `None`: it goes without saying.
    pub line: Option<u64>,
    /// What it is compared with.
    pub value: Value,
    /// So many flows need not comply.
    pub at_most: Limit,
    /// What counts is at least so sure.
    pub confidence: Confidence,
    /// Why it is asked.
    pub why: Option<String>,
}

/// What is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Names of a taxonomy.
    Names(Vec<&'static str>),
    /// Nanoseconds.
    Duration(i64),
    /// A number.
    Count(u64),
    /// A number of flows, or a share of them.
    Limit(Limit),
}

/// How many flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// So many.
    Flows(u64),
    /// So many in a million of those of the scope: a share in per cent with four decimals.
    PerMillion(u32),
}

impl Limit {
    /// None at all.
    pub const NONE: Self = Self::Flows(0);

    /// So many of `flows` are not too many.
    pub fn allows(self, count: u64, flows: u64) -> bool {
        match self {
            Self::Flows(most) => count <= most,
            Self::PerMillion(share) => {
                u128::from(count) * 1_000_000 <= u128::from(flows) * u128::from(share)
            }
        }
    }
}

impl Select {
    /// The flow is one of them.
    pub fn has(&self, verdict: &Verdict) -> bool {
        let (client, server) = (verdict.client, verdict.server);
        let fits = |nets: &[Net], addrs: &[_]| {
            nets.is_empty() || nets.iter().any(|net| addrs.iter().any(|a| net.has(*a)))
        };
        // Which end is the server's may be a guess: then either may.
        let guess = verdict.roles_from == RolesFrom::PortGuess;
        let port = |port: &u16| *port == server.port || guess && *port == client.port;
        fits(&self.client, &[client.addr])
            && fits(&self.server, &[server.addr])
            && fits(&self.net, &[client.addr, server.addr])
            && (self.port.is_empty() || self.port.iter().any(port))
    }

    /// It takes every flow.
    pub const fn is_all(&self) -> bool {
        let Self {
            client,
            server,
            net,
            port,
        } = self;
        client.is_empty() && server.is_empty() && net.is_empty() && port.is_empty()
    }
}

impl Policy {
    /// Reads a policy file. Tells everything that is wrong with it.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, PolicyError> {
        read::policy(file, text)
    }
}
