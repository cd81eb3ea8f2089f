//! What a comparison comes to: the rows of its report.

use super::measures::Worse;
use super::sample::{Example, Measure, Span};
use super::stats::Share;
use crate::close::verdict::names;
use serde::{Deserialize, Serialize, Serializer};
use std::net::IpAddr;

names! {
    /// What became of something.
    Change {
        /// No difference that chance would not make.
        Same = "same",
        /// Another, neither better nor worse by itself.
        Changed = "changed",
        /// Better.
        Better = "better",
        /// Worse.
        Worse = "worse",
    }
}

/// How many flows are of a kind.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CountChange {
    /// Version of the format.
    pub schema: u32,
    /// What is counted.
    pub measure: Measure,
    /// Its name in the report.
    pub name: &'static str,
    /// How many of the old flows.
    #[serde(serialize_with = "share")]
    pub old: Share,
    /// How many of the new ones.
    #[serde(serialize_with = "share")]
    pub new: Share,
    /// How probable a difference at least as large is by chance.
    pub p: f64,
    /// The same, corrected for the number of comparisons.
    pub p_corrected: f64,
    /// What that is.
    pub change: Change,
    /// Which way is worse.
    pub worse_if: Worse,
    /// What the name means.
    pub summary: &'static str,
    /// What it means for the user, and what to do about it.
    pub advice: &'static str,
    /// Flows that show it: of the new side, or of the old where the new has none.
    pub examples: Vec<Example>,
    /// The examples are of the new side.
    pub examples_are_new: bool,
}

/// How long something takes.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct DurationChange {
    /// Version of the format.
    pub schema: u32,
    /// What is measured.
    pub span: Span,
    /// What that is.
    pub summary: &'static str,
    /// The old values.
    pub old: Distribution,
    /// The new ones.
    pub new: Distribution,
    /// How often a new value is larger than an old one, ties half.
    pub larger: Option<f64>,
    /// How probable a shift at least as large is by chance.
    pub p: Option<f64>,
    /// The same, corrected.
    pub p_corrected: Option<f64>,
    /// The slowest twentieth.
    pub tail: Option<Tail>,
    /// What that is.
    pub change: Change,
    /// Which way is worse.
    pub worse_if: Worse,
    /// The flow with the longest of the new side.
    pub example: Option<Example>,
}

/// Quantiles of a span, in nanoseconds: values that were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Distribution {
    /// How many values there are.
    pub count: u64,
    /// The median.
    pub median_ns: Option<i64>,
    /// Nine of ten are not longer.
    pub p90_ns: Option<i64>,
    /// 99 of 100 are not longer.
    pub p99_ns: Option<i64>,
    /// The longest.
    pub longest_ns: Option<i64>,
    /// The mean.
    pub mean_ns: Option<i64>,
}

/// How many of either side are slower than 95 of 100 of both together.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Tail {
    /// Slower than this.
    pub above_ns: i64,
    /// How many of the old ones.
    #[serde(serialize_with = "share")]
    pub old: Share,
    /// How many of the new ones.
    #[serde(serialize_with = "share")]
    pub new: Share,
    /// How probable a difference at least as large is by chance.
    pub p: f64,
    /// The same, corrected.
    pub p_corrected: f64,
}

/// TIME-WAITs of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HostChange {
    /// Its address.
    pub addr: IpAddr,
    /// How many it owned.
    pub old: u64,
    /// How many it owns.
    pub new: u64,
}

/// Two captures compared.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// Version of the format.
    pub schema: u32,
    /// The old capture's name.
    pub old: String,
    /// The new one's.
    pub new: String,
    /// Flows of the old one.
    pub old_flows: u64,
    /// Flows of the new one.
    pub new_flows: u64,
    /// The worst of all changes.
    pub change: Change,
    /// What got worse, by `measure name` or span.
    pub worse: Vec<String>,
    /// What got better.
    pub better: Vec<String>,
    /// What else differs.
    pub changed: Vec<String>,
    /// How many comparisons were made.
    pub tests: usize,
    /// What is called significant.
    pub alpha: f64,
    /// There are so few flows that shares could not differ more than by chance, whatever they are.
    pub too_few_flows: bool,
    /// TIME-WAITs by host, most first.
    pub time_wait_hosts: Vec<HostChange>,
    /// States were not told for so many flows: their times in states are not compared.
    pub without_states: u64,
    /// The counts.
    #[serde(skip)]
    pub counts: Vec<CountChange>,
    /// The spans.
    #[serde(skip)]
    pub spans: Vec<DurationChange>,
}

fn share<S: Serializer>(share: &Share, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Told {
        count: u64,
        of: u64,
        share: f64,
    }
    let Share { count, of } = *share;
    let told = Told {
        count,
        of,
        share: share.ratio(),
    };
    told.serialize(serializer)
}
