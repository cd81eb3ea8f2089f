//! What is counted and measured of one side of a comparison.

use crate::close::finding::Code;
use crate::close::summary::Summary;
use crate::close::verdict::{
    CloseEntry, Dwell, EndedBy, Event, Outcome, PerSide, Side, State, Verdict, names,
};
use crate::stamp::Time;
use foldhash::fast::RandomState;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

names! {
    /// What flows are counted by.
    Measure {
        /// How they ended.
        Outcome = "outcome",
        /// Who closed first.
        ActiveCloser = "active_closer",
        /// Who aborted.
        AbortedBy = "aborted_by",
        /// Why they were aborted.
        AbortCause = "abort_cause",
        /// Whose TIME-WAIT they left.
        TimeWait = "time_wait",
        /// How that ended, if not by itself.
        TimeWaitEnd = "time_wait_ended_by",
        /// What else was found.
        Finding = "finding",
    }
}

names! {
    /// What is measured of them.
    Span {
        /// From the first FIN to the ACK of the last.
        CloseHandshake = "close-handshake",
        /// The client's time in CLOSE-WAIT.
        ClientCloseWait = "client-close-wait",
        /// The server's.
        ServerCloseWait = "server-close-wait",
        /// Time in FIN-WAIT-2, of either side.
        FinWait2 = "fin-wait-2",
        /// Time in LAST-ACK, of either side.
        LastAck = "last-ack",
        /// The silence before the close, if that was a second or more.
        Silence = "silence",
        /// From the first frame to the last.
        Lifetime = "lifetime",
    }
}

/// A flow that shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Example {
    /// Number of the flow.
    pub flow: u64,
    /// Its first frame.
    pub first_frame: u64,
    /// Its last frame.
    pub last_frame: u64,
    /// Why it is judged as it is: a sentence that names the deciding frames.
    pub reason: String,
}

impl Example {
    pub(crate) fn of(verdict: &Verdict) -> Self {
        Self {
            flow: verdict.flow,
            first_frame: verdict.first_frame,
            last_frame: verdict.last_frame,
            reason: verdict.reason.clone(),
        }
    }
}

/// Examples kept of each.
const EXAMPLES: usize = 3;
/// Hosts whose TIME-WAITs are counted.
const HOSTS: usize = 1 << 16;

/// How many flows there are of a kind, and the first of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) count: u64,
    pub(super) examples: Vec<Example>,
}

/// One side of a comparison: a capture or a report, in bounded memory.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub(super) flows: u64,
    pub(super) counts: BTreeMap<(Measure, &'static str), Tally>,
    pub(super) spans: BTreeMap<Span, Values>,
    pub(super) time_waits: HashMap<IpAddr, u64, RandomState>,
    /// Flows whose states nobody asked for.
    pub(super) stateless: u64,
    damaged: bool,
    ended: bool,
}

impl Sample {
    /// Counts a flow.
    pub fn see(&mut self, verdict: &Verdict) {
        self.flows += 1;
        let mut count = |measure, name| {
            let tally = self.counts.entry((measure, name)).or_default();
            tally.count += 1;
            if tally.examples.len() < EXAMPLES {
                tally.examples.push(Example::of(verdict));
            }
        };
        count(Measure::Outcome, verdict.outcome.name());
        count(Measure::ActiveCloser, verdict.active_closer.name());
        if let Some(by) = verdict.aborted_by {
            count(Measure::AbortedBy, by.name());
        }
        if let Some(cause) = verdict.abort_cause {
            count(Measure::AbortCause, cause.name());
        }
        for wait in &verdict.time_wait {
            count(Measure::TimeWait, wait.owner.name());
            // Whether it ran out in the capture depends on how long that is.
            if !matches!(wait.ended_by, EndedBy::Expiry | EndedBy::CaptureEnd) {
                count(Measure::TimeWaitEnd, wait.ended_by.name());
            }
        }
        let mut codes: Vec<Code> = verdict.findings.iter().map(|found| found.code).collect();
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            count(Measure::Finding, code.name());
        }
        self.hosts(verdict);
        self.measure(verdict);
    }

    /// Takes note of what the capture's totals say of it: reading ended there as it should.
    pub fn end(&mut self, summary: &Summary) {
        let damaged = |s: &crate::close::summary::SourceSummary| !s.damage.is_empty();
        self.damaged |= summary.sources.iter().any(damaged) || summary.interrupted;
        self.ended = true;
    }

    /// How many flows there are.
    pub const fn flows(&self) -> u64 {
        self.flows
    }

    /// It was read to its end, and nothing of it is damaged.
    pub const fn is_whole(&self) -> bool {
        self.ended && !self.damaged
    }

    fn hosts(&mut self, verdict: &Verdict) {
        for wait in &verdict.time_wait {
            let host = match wait.owner {
                Side::Client => verdict.client.addr,
                Side::Server => verdict.server.addr,
            };
            if self.time_waits.len() < HOSTS || self.time_waits.contains_key(&host) {
                *self.time_waits.entry(host).or_default() += 1;
            }
        }
    }

    fn measure(&mut self, verdict: &Verdict) {
        let example = |nanos: i64| (nanos, Example::of(verdict));
        let mut add = |span, nanos: Option<i64>| {
            // A clock that went back measured nothing.
            if let Some(nanos) = nanos.filter(|&nanos| nanos >= 0) {
                let values: &mut Values = self.spans.entry(span).or_default();
                values.add(nanos, || example(nanos).1);
            }
        };
        add(Span::CloseHandshake, close_handshake(verdict));
        add(Span::Silence, verdict.silence.map(|s| s.nanos()));
        let lifetime = verdict.start.zip(verdict.end);
        add(Span::Lifetime, lifetime.map(|(a, b)| b.since(a)));
        let Some(PerSide { client, server }) = &verdict.states else {
            self.stateless += 1;
            return;
        };
        for (dwells, close_wait) in [
            (client, Span::ClientCloseWait),
            (server, Span::ServerCloseWait),
        ] {
            for dwell in dwells {
                let span = match dwell.state {
                    State::CloseWait => close_wait,
                    State::FinWait2 => Span::FinWait2,
                    State::LastAck => Span::LastAck,
                    _ => continue,
                };
                add(span, length(dwell));
            }
        }
    }
}

fn length(dwell: &Dwell) -> Option<i64> {
    Some(dwell.to?.since(dwell.from?))
}

/// From the first FIN to the ACK of the last, of flows that were closed.
fn close_handshake(verdict: &Verdict) -> Option<i64> {
    if !matches!(verdict.outcome, Outcome::Graceful | Outcome::Simultaneous) {
        return None;
    }
    let (mut first, mut last): (Option<Time>, Option<Time>) = (None, None);
    for entry in &verdict.close {
        let CloseEntry::Event(event) = entry else {
            continue;
        };
        let time = event.time?;
        match event.event {
            Event::Fin => first = Some(first.map_or(time, |first| first.min(time))),
            Event::FinAcked => last = last.max(Some(time)),
            _ => {}
        }
    }
    Some(last?.since(first?))
}

/// Values kept of each span: of more, as many are drawn.
const KEPT: usize = 100_000;

/// Durations in nanoseconds. Memory is bounded: of very many, some are drawn, always the same ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    pub(super) count: u64,
    pub(super) kept: Vec<i64>,
    sum: i128,
    longest: i64,
    pub(super) example: Option<Example>,
    state: u64,
}

impl Values {
    fn add(&mut self, nanos: i64, example: impl FnOnce() -> Example) {
        self.count += 1;
        self.sum += i128::from(nanos);
        if self.example.is_none() || nanos > self.longest {
            self.longest = nanos;
            self.example = Some(example());
        }
        if self.kept.len() < KEPT {
            self.kept.push(nanos);
            return;
        }
        // Vitter's algorithm R.
        let place = self.random() % self.count;
        let place = usize::try_from(place).ok();
        if let Some(kept) = place.and_then(|place| self.kept.get_mut(place)) {
            *kept = nanos;
        }
    }

    /// `SplitMix64`.
    const fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn mean(&self) -> Option<i64> {
        let mean = self.sum.checked_div(self.count.into())?;
        i64::try_from(mean).ok()
    }

    pub(super) const fn longest(&self) -> i64 {
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::{Example, KEPT, Values};

    #[test]
    fn of_very_many_values_some_are_drawn_evenly() {
        let example = || Example {
            flow: 0,
            first_frame: 1,
            last_frame: 1,
            reason: String::new(),
        };
        let mut values = Values::default();
        for value in 0..1_000_000 {
            values.add(value, example);
        }
        assert_eq!((values.kept.len(), values.count), (KEPT, 1_000_000));
        assert_eq!((values.mean(), values.longest()), (Some(499_999), 999_999));
        let early = values.kept.iter().filter(|&&v| v < 500_000).count();
        assert!((48_000..52_000).contains(&early), "{early}");
    }
}
