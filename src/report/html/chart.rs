//! A chart over time: areas in SVG, stacked on each other, its labels beside it in HTML, so that they
//! stay readable however it is stretched. Colours come from the page's style: they differ by day and
//! by night, which is why the markup is made here and not by a plotting library.

use crate::ledger::ROUND_TIMES;
use crate::report::time::{seconds, span};
use crate::stamp::{MILLISECOND, SECOND, Time};
use maud::{Markup, html};
use std::fmt::Write;

/// Labels along the time at most.
const LABELS: i64 = 5;

/// Numbers over time, by name.
pub(super) struct Series<'a> {
    pub(super) name: String,
    /// The class that colours it.
    pub(super) class: String,
    /// One for each slot.
    pub(super) values: &'a [u64],
}

/// A chart.
pub(super) struct Chart<'a> {
    /// What stands above it.
    pub(super) title: Markup,
    /// What it shows, for those who do not see it.
    pub(super) label: String,
    /// The areas, from the lowest.
    pub(super) series: Vec<Series<'a>>,
    /// What cannot be exceeded.
    pub(super) limit: Option<u64>,
    /// When the capture began and ended.
    pub(super) period: (Time, Time),
}

impl Chart<'_> {
    /// The chart; nothing without slots.
    pub(super) fn draw(&self) -> Markup {
        let slots = self.series.first().map_or(0, |series| series.values.len());
        if slots == 0 {
            return html! {};
        }
        let stacks = self.stacks(slots);
        let peak = stacks.last().and_then(|top| top.iter().max());
        let peak = peak.copied().unwrap_or(0);
        // A ceiling far above leaves no room to see anything.
        let limit = self.limit.filter(|limit| *limit <= peak.saturating_mul(3));
        let top = rounded(peak.max(limit.unwrap_or(0)).max(1));
        let half = top.is_multiple_of(2).then_some(top / 2);
        let (start, end) = self.period;
        let values: Vec<(&str, &[u64])> = { self.series.iter() }
            .map(|series| (series.name.as_str(), series.values))
            .collect();
        let values = serde_json::to_string(&values).unwrap_or_default();
        let view = format!("0 0 {slots} {top}");
        html! {
            figure.chart data-length=(end.since(start)) data-values=(values) {
                figcaption { (self.title) }
                div.plot {
                    div.y { span { (top) } span { @if let Some(half) = half { (half) } } span { "0" } }
                    svg viewBox=(view) preserveAspectRatio="none" role="img" aria-label=(self.label) {
                        line.grid x1="0" x2=(slots) y1="0" y2="0" {}
                        @if let Some(half) = half { line.grid x1="0" x2=(slots) y1=(half) y2=(half) {} }
                        @for (at, series) in self.series.iter().enumerate() {
                            path class={ "area " (series.class) } d=(area(&stacks, at, top)) {}
                        }
                        @if let Some(limit) = limit {
                            line.limit x1="0" x2=(slots) y1=(top - limit) y2=(top - limit) {}
                        }
                        line.cursor x1="-1" x2="-1" y1="0" y2=(top) {}
                    }
                    div.x { @for (place, text) in labels(end.since(start)) {
                        span style={ "left:" (place) "%" } { (text) }
                    } }
                }
                p.readout.faint aria-live="off" {}
            }
        }
    }

    /// The upper edge of each area.
    fn stacks(&self, slots: usize) -> Vec<Vec<u64>> {
        let mut edge = vec![0; slots];
        let edges = self.series.iter().map(|series| {
            for (sum, value) in edge.iter_mut().zip(series.values) {
                *sum += value;
            }
            edge.clone()
        });
        edges.collect()
    }
}

/// The outline of an area: along its upper edge and back along the one below.
fn area(stacks: &[Vec<u64>], at: usize, top: u64) -> String {
    let ground = vec![0; stacks.first().map_or(0, Vec::len)];
    let upper = stacks.get(at).unwrap_or(&ground);
    let lower = at.checked_sub(1).and_then(|below| stacks.get(below));
    let lower = lower.unwrap_or(&ground);
    let mut path = String::from("M0");
    // Writing to a string cannot fail.
    let mut first = true;
    for (slot, value) in upper.iter().enumerate() {
        let sign = if first { " " } else { "V" };
        first = false;
        let _ = write!(path, "{sign}{}H{}", top.saturating_sub(*value), slot + 1);
    }
    for (slot, value) in lower.iter().enumerate().rev() {
        let _ = write!(path, "V{}H{slot}", top.saturating_sub(*value));
    }
    path.push('Z');
    path
}

/// The next number with one digit that is even, or ten: half of it is a number as well.
fn rounded(number: u64) -> u64 {
    let mut unit = 1_u64;
    while number > unit.saturating_mul(10) {
        unit = unit.saturating_mul(10);
    }
    let digits = [1, 2, 4, 6, 8, 10].into_iter();
    let mut tops = digits.map(|digit: u64| digit.saturating_mul(unit));
    tops.find(|top| *top >= number).unwrap_or(number)
}

/// Places in per cent of the length, and what stands there.
fn labels(length: i64) -> Vec<(String, String)> {
    let step = ROUND_TIMES.into_iter().find(|step| length / step < LABELS);
    let step = step.unwrap_or(length / LABELS + 1);
    let count = length / step;
    let label = |at: i64| {
        let thousandths = i128::from(at * step) * 100_000 / i128::from(length.max(1));
        let place = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        (place, written(at * step, step))
    };
    (0..=count).map(label).collect()
}

/// In the unit of the step.
fn written(nanos: i64, step: i64) -> String {
    const HOUR: i64 = 3600 * SECOND;
    match step {
        _ if nanos == 0 => "0".to_owned(),
        HOUR.. => format!("{} h", nanos / HOUR),
        60_000_000_000.. => format!("{} min", nanos / (60 * SECOND)),
        SECOND.. => format!("{} s", nanos / SECOND),
        100_000_000.. => format!("{} s", seconds(nanos, 1)),
        MILLISECOND.. => format!("{} ms", nanos / MILLISECOND),
        _ => span(nanos),
    }
}

#[cfg(test)]
mod tests {
    use super::{ROUND_TIMES, labels, rounded};

    #[test]
    fn the_axis_ends_at_a_round_number_that_is_enough() {
        let tops = [1, 2, 3, 5, 7, 9, 11, 20, 21, 100, 101, 28_232].map(rounded);
        assert_eq!(tops, [1, 2, 4, 6, 8, 10, 20, 20, 40, 100, 200, 40_000]);
        for number in [1, 999, u64::MAX / 2, u64::MAX] {
            assert!(rounded(number) >= number);
        }
    }

    #[test]
    fn the_time_has_some_labels_and_never_many() {
        let said = |length| -> Vec<String> { labels(length).into_iter().map(|l| l.1).collect() };
        assert_eq!(said(2_600_000_000), ["0", "1 s", "2 s"]);
        assert_eq!(
            said(200_000_000),
            ["0", "50 ms", "100 ms", "150 ms", "200 ms"]
        );
        assert_eq!(said(5_500_000_000_000), ["0", "30 min", "60 min", "90 min"]);
        assert!(ROUND_TIMES.is_sorted());
        for power in 0..63 {
            let count = labels(1 << power).len();
            assert!((1..=6).contains(&count), "{power}: {count}");
        }
    }
}
