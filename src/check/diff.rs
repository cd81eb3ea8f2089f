//! One release against the next: what is counted and measured of two captures, and whether a
//! difference can be chance.
//!
//! Counts are compared by Fisher's exact test, spans by the test of Mann and Whitney and by how many
//! of either side are among the slowest twentieth of both. All of them are asked at once, hence
//! corrected after Holm. A difference is told if it is significant and large enough to matter.

mod measures;
mod result;
mod sample;
pub mod stats;

pub use measures::Worse;
pub use result::{Change, Comparison, CountChange, Distribution, DurationChange, HostChange, Tail};
pub use sample::{Example, Measure, Sample, Span};

use crate::close::SCHEMA;
use crate::close::terms::Term;
use measures::{SPANS, term, worse};
use sample::{Tally, Values};
use stats::{Share, Shift, fisher, holm, mann_whitney, quantile};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// What is called significant, unless somebody says otherwise: chance alone shows any difference at all
/// in one of twenty comparisons.
pub const ALPHA: f64 = 0.05;
/// A share that differs by less than this and less than half as much again is not told.
const POINT: f64 = 0.01;
const HALF_AGAIN: f64 = 1.5;
/// So much must a span be longer or shorter, of the shorter one, and in nanoseconds.
const FACTOR: f64 = 1.05;
const LEAST: i64 = 1_000_000;
/// The tail of a span: the slowest twentieth of both sides, in thousandths from below.
const TAIL: usize = 950;
/// Hosts listed.
const HOSTS: usize = 10;

/// A side and its name.
pub type Named<'a> = (&'a str, &'a Sample);

/// Compares two samples. `alpha` is the probability of calling any difference one where there is none.
#[must_use]
pub fn compare(old: Named, new: Named, alpha: f64) -> Comparison {
    let ((old_name, old), (new_name, new)) = (old, new);
    let mut counts = counts(old, new);
    let mut spans: Vec<DurationChange> = SPANS.iter().map(|row| span(row, old, new)).collect();
    let tests = correct(&mut counts, &mut spans);
    for row in &mut counts {
        row.change = row.judged(alpha);
    }
    for row in &mut spans {
        row.change = row.judged(alpha);
    }
    let mut comparison = Comparison {
        schema: SCHEMA,
        old: old_name.to_owned(),
        new: new_name.to_owned(),
        old_flows: old.flows,
        new_flows: new.flows,
        change: Change::Same,
        worse: Vec::new(),
        better: Vec::new(),
        changed: Vec::new(),
        tests,
        alpha,
        too_few_flows: is_too_few((old.flows, new.flows), tests, alpha),
        time_wait_hosts: hosts(old, new),
        without_states: old.stateless + new.stateless,
        counts,
        spans,
    };
    comparison.sum_up();
    comparison
}

impl Comparison {
    fn sum_up(&mut self) {
        let counts = self.counts.iter();
        let counts = counts.map(|row| (row.change, format!("{} {}", row.measure, row.name)));
        let spans = self.spans.iter();
        let spans = spans.map(|row| (row.change, row.span.to_string()));
        for (change, name) in counts.chain(spans) {
            self.change = self.change.max(change);
            match change {
                Change::Worse => self.worse.push(name),
                Change::Better => self.better.push(name),
                Change::Changed => self.changed.push(name),
                Change::Same => {}
            }
        }
    }
}

/// Even if all flows of one side were of a kind and none of the other, that could be chance.
fn is_too_few((old, new): (u64, u64), tests: usize, alpha: f64) -> bool {
    let none = Share { count: 0, of: old };
    let all = Share {
        count: new,
        of: new,
    };
    let tests = u32::try_from(tests).unwrap_or(u32::MAX);
    fisher(none, all) * f64::from(tests) > alpha
}

fn counts(old: &Sample, new: &Sample) -> Vec<CountChange> {
    let names: BTreeSet<_> = old
        .counts
        .keys()
        .chain(new.counts.keys())
        .copied()
        .collect();
    let rows = names.into_iter().map(|key| {
        let (measure, name) = key;
        let of = |sample: &Sample, tally: Option<&Tally>| Share {
            count: tally.map_or(0, |tally| tally.count),
            of: sample.flows,
        };
        let (was, is) = (old.counts.get(&key), new.counts.get(&key));
        let (old, new) = (of(old, was), of(new, is));
        let term = term(measure, name);
        CountChange {
            schema: SCHEMA,
            measure,
            name,
            old,
            new,
            p: fisher(old, new),
            p_corrected: 1.0,
            change: Change::Same,
            worse_if: worse(measure, name),
            summary: summary(measure, term),
            advice: term.map_or("", |term| term.advice),
            examples: is.or(was).map(|t| t.examples.clone()).unwrap_or_default(),
            examples_are_new: is.is_some(),
        }
    });
    rows.collect()
}

/// What the name means; of a side, what it is the side of.
fn summary(measure: Measure, term: Option<&'static Term>) -> &'static str {
    match measure {
        Measure::TimeWait => "the side that was left with TIME-WAIT",
        _ => term.map_or("", |term| term.summary),
    }
}

impl CountChange {
    fn judged(&self, alpha: f64) -> Change {
        let (old, new) = (self.old.ratio(), self.new.ratio());
        let matters = (old - new).abs() >= POINT || old.max(new) >= HALF_AGAIN * old.min(new);
        if self.p_corrected > alpha || !matters {
            return Change::Same;
        }
        directed(self.worse_if, new > old)
    }
}

const fn directed(worse: Worse, more: bool) -> Change {
    match (worse, more) {
        (Worse::Neither, _) => Change::Changed,
        (Worse::More, true) | (Worse::Fewer, false) => Change::Worse,
        (Worse::More, false) | (Worse::Fewer, true) => Change::Better,
    }
}

fn span(
    &(span, worse_if, summary): &(Span, Worse, &'static str),
    old: &Sample,
    new: &Sample,
) -> DurationChange {
    let none = Values::default();
    let (was, is) = (
        old.spans.get(&span).unwrap_or(&none),
        new.spans.get(&span).unwrap_or(&none),
    );
    let (olds, news) = (sorted(was), sorted(is));
    let shift = mann_whitney(&olds, &news);
    DurationChange {
        schema: SCHEMA,
        span,
        summary,
        old: Distribution::of(was, &olds),
        new: Distribution::of(is, &news),
        larger: shift.map(|Shift { larger, .. }| larger),
        p: shift.map(|Shift { p, .. }| p),
        p_corrected: None,
        tail: tail(&olds, &news),
        change: Change::Same,
        worse_if,
        example: is.example.clone(),
    }
}

fn sorted(values: &Values) -> Vec<i64> {
    let mut kept = values.kept.clone();
    kept.sort_unstable();
    kept
}

/// The threshold is one of both sides together: given that, the counts are those of a table with fixed
/// margins, and Fisher's test is exact.
fn tail(old: &[i64], new: &[i64]) -> Option<Tail> {
    if old.is_empty() || new.is_empty() {
        return None;
    }
    let mut all = [old, new].concat();
    all.sort_unstable();
    let above_ns = quantile(&all, TAIL)?;
    let slower = |values: &[i64]| {
        let not = values.partition_point(|&value| value <= above_ns);
        let (of, not) = (values.len() as u64, not as u64);
        Share {
            count: of - not,
            of,
        }
    };
    let (old, new) = (slower(old), slower(new));
    Some(Tail {
        above_ns,
        old,
        new,
        p: fisher(old, new),
        p_corrected: 1.0,
    })
}

impl DurationChange {
    fn judged(&self, alpha: f64) -> Change {
        let shift = self.p_corrected.filter(|&p| p <= alpha);
        let medians = self.old.median_ns.zip(self.new.median_ns);
        let shifted = shift.and(medians).and_then(longer);
        let tail = self.tail.as_ref().filter(|tail| tail.p_corrected <= alpha);
        let slowest = self.old.p99_ns.zip(self.new.p99_ns);
        let more = tail.map(|tail| tail.new.ratio() > tail.old.ratio());
        let slower = slowest
            .and_then(longer)
            .filter(|&slower| Some(slower) == more);
        let changes = [shifted, slower].into_iter().flatten();
        let changes = changes.map(|more| directed(self.worse_if, more));
        changes.max().unwrap_or(Change::Same)
    }
}

/// The new one is longer, or shorter, by enough to matter.
fn longer((old, new): (i64, i64)) -> Option<bool> {
    let (short, long) = (old.min(new), old.max(new));
    let factor = stats::float(long.unsigned_abs()) / stats::float(short.unsigned_abs());
    let matters = long - short >= LEAST && factor >= FACTOR;
    matters.then_some(new > old)
}

impl Distribution {
    fn of(values: &Values, sorted: &[i64]) -> Self {
        Self {
            count: values.count,
            median_ns: quantile(sorted, 500),
            p90_ns: quantile(sorted, 900),
            p99_ns: quantile(sorted, 990),
            longest_ns: (values.count > 0).then_some(values.longest()),
            mean_ns: values.mean(),
        }
    }
}

/// Corrects every p; gives how many there are.
fn correct(counts: &mut [CountChange], spans: &mut [DurationChange]) -> usize {
    let of_counts = counts.iter().map(|row| row.p);
    let of_spans = spans.iter().flat_map(|row| {
        let tail = row.tail.as_ref().map(|tail| tail.p);
        row.p.into_iter().chain(tail)
    });
    let all: Vec<f64> = of_counts.chain(of_spans).collect();
    let mut corrected = holm(&all).into_iter();
    for row in counts {
        row.p_corrected = corrected.next().unwrap_or(1.0);
    }
    for row in spans {
        if row.p.is_some() {
            row.p_corrected = corrected.next();
        }
        if let Some(tail) = &mut row.tail {
            tail.p_corrected = corrected.next().unwrap_or(1.0);
        }
    }
    all.len()
}

fn hosts(old: &Sample, new: &Sample) -> Vec<HostChange> {
    let all: BTreeSet<IpAddr> = old
        .time_waits
        .keys()
        .chain(new.time_waits.keys())
        .copied()
        .collect();
    let count = |sample: &Sample, addr| sample.time_waits.get(&addr).copied().unwrap_or(0);
    let mut hosts: Vec<HostChange> = all
        .into_iter()
        .map(|addr| HostChange {
            addr,
            old: count(old, addr),
            new: count(new, addr),
        })
        .collect();
    hosts.sort_by_key(|host| std::cmp::Reverse(host.old.max(host.new)));
    hosts.truncate(HOSTS);
    hosts
}
