//! Figures in sentences and for machines.

use crate::stamp::SECOND;
use serde_json::Value;

/// Nanoseconds as seconds, for machines.
#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people, not a time stamp"
)]
pub(super) fn seconds(ns: i64) -> f64 {
    ns as f64 / SECOND as f64
}

/// The same, as a value with at most nine decimals.
pub(super) fn as_seconds(ns: i64) -> Value {
    Value::from(seconds(ns))
}

/// Nanoseconds as seconds in a sentence: three decimals below 100 s, one above.
pub(super) fn in_words(ns: i64) -> String {
    let figure = seconds(ns);
    if figure < 100.0 {
        format!("{figure:.3} s")
    } else {
        format!("{figure:.1} s")
    }
}

/// `1 connection`, `2 connections`.
pub(super) fn connections(count: u64) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} connection{plural}")
}

/// Of so many things a second, two decimals; none without a duration.
pub(super) fn rate(count: u64, ns: i64) -> Option<f64> {
    let figure = u32::try_from(count).map_or(f64::from(u32::MAX), f64::from);
    (ns > 0).then(|| (figure / seconds(ns) * 100.0).round() / 100.0)
}
