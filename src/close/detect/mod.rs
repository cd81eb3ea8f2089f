//! The rule of each finding: what in a case shows it.

mod capture;
mod ending;
mod failing;
mod idle;
mod multipath;
mod opening;
mod resets;
mod reuse;
mod said;
mod timestamps;

pub(super) use capture::{
    clock_step, cut, damaged, drops, duplicates, ends_inside, evicted, gap, one_direction,
    reordered, snaplen, starts_inside,
};
pub(super) use ending::{
    close_wait_dwell, close_wait_leak, fin_retransmitted, fin_wait_1_stuck, final_ack_lost,
    half_close_used, last_ack_stuck, owner_gone, slow_close, time_wait_reset,
};
pub(super) use failing::{accept_queue_full, icmp_error, syn_ack_unanswered};
pub(super) use idle::idle_timeout_close;
pub(super) use multipath::mptcp_subflow;
pub(super) use opening::{old_duplicate_segment, old_duplicate_syn};
pub(super) use resets::{
    foreign_rst, keepalive_race, rst_after_close, rst_challenged, rst_ignored,
};
pub(super) use reuse::{port_reused_too_soon, time_wait_reused, time_wait_syn_rejected};
pub(super) use said::{close_announced, goaway, request_unanswered, tls_alert};
pub(super) use timestamps::{
    regression, regression_across_flows, syn_dropped, timestamps_not_negotiated,
};

use crate::close::figures::Figures;
use crate::close::phrase::Sentence;
use crate::close::verdict::{Confidence, Frames, Side};
use crate::stamp::SECOND;
use serde_json::Value;
use smallvec::SmallVec;
use std::borrow::Cow;

/// What a rule finds: mostly nothing, and seldom more than one.
pub(super) type Founds = SmallVec<[Found; 1]>;

/// A finding without its row.
pub(super) struct Found {
    pub(super) side: Option<Side>,
    pub(super) frames: Frames,
    pub(super) confidence: Confidence,
    pub(super) message: Cow<'static, str>,
    pub(super) data: Figures,
}

impl Found {
    fn likely(
        side: Option<Side>,
        frames: impl IntoIterator<Item = u64>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut all = Frames::new();
        for frame in frames {
            all.push(frame);
        }
        Self {
            side,
            frames: all,
            confidence: Confidence::Likely,
            message: message.into(),
            data: Figures::default(),
        }
    }

    fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.data.insert(key, value.into());
        self
    }

    fn saying(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    const fn sure(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }
}

/// Nanoseconds as seconds, for messages: three decimals.
fn seconds(ns: i64) -> String {
    Sentence::new("").seconds(ns).done()
}

/// Nanoseconds as seconds, for machines.
#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people, not a time stamp"
)]
fn as_seconds(ns: i64) -> Value {
    Value::from(ns as f64 / SECOND as f64)
}

/// "once", "twice", "7 times".
fn times(count: impl Into<u64>) -> String {
    Sentence::new("").times(count).done()
}

#[cfg(test)]
mod tests {
    use super::{as_seconds, seconds, times};

    #[test]
    fn durations_are_rounded_to_milliseconds() {
        assert_eq!(seconds(0), "0.000 s");
        assert_eq!(seconds(499_999), "0.000 s");
        assert_eq!(seconds(500_000), "0.001 s");
        assert_eq!(seconds(61_234_500_000), "61.235 s");
        assert_eq!(seconds(-1_500_000), "-0.002 s");
        assert_eq!(as_seconds(1_250_000_000), 1.25);
    }

    #[test]
    fn counts_are_told_in_words() {
        let words = [1_u64, 2, 3].map(times);
        assert_eq!(words, ["once", "twice", "3 times"]);
    }
}
