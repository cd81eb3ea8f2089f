//! The order of a set's files, and which of them are merged record by record.
//!
//! A ring is one stream that its writer cut: its files are joined whole, so that records which stand
//! a little out of order around a cut stay as they were written. Files that run at the same time are
//! other interfaces or other machines: their records are merged by time, as mergecap does. What
//! tells the two apart is how long the files overlap.

use super::file::{SetFile, Span};
use crate::stamp::{REORDER_WINDOW, Time};
use std::cmp::Ordering;
use std::ops::Range;

/// Puts the files in order and says which of them form a run: the files of a run are merged by
/// time, the runs follow each other. The order in which the files were given does not matter.
pub(super) fn plan(files: &mut [SetFile]) -> Vec<Range<usize>> {
    files.sort_by(|a, b| by_name(&a.name, &b.name));
    if !follow_each_other(files) {
        files.sort_by_key(place);
        return runs(files);
    }
    (0..files.len()).map(|i| i..i + 1).collect()
}

/// Each file begins where the one before it ends: the names count up with the time, as a ring's
/// do. They order even files of equal times, and those of a clock that was set back.
fn follow_each_other(files: &[SetFile]) -> bool {
    let spans: Vec<Span> = files.iter().filter_map(|file| file.span).collect();
    let mut pairs = spans.windows(2);
    pairs.all(|pair| match pair {
        [before, after] => before.last.since(after.first) <= REORDER_WINDOW,
        _ => true,
    })
}

/// Files without a time go first; equal ones stay in the order of their names.
fn place(file: &SetFile) -> Option<(Time, Time)> {
    file.span.map(|span| (span.first, span.last))
}

/// Cuts the files, in their order, where one begins after all those before it have ended.
fn runs(files: &[SetFile]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut latest: Option<Time> = None;
    for (i, file) in files.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if overlaps(latest, file.span) => run.end = i + 1,
            _ => runs.push(i..i + 1),
        }
        latest = latest.max(file.span.map(|span| span.latest));
    }
    runs
}

/// Records within the window stand in either order in one capture too.
fn overlaps(latest: Option<Time>, span: Option<Span>) -> bool {
    let overlap = latest.zip(span);
    overlap.is_some_and(|(latest, span)| latest.since(span.earliest) > REORDER_WINDOW)
}

/// Names as people count: `trace.pcap2` before `trace.pcap10`.
#[must_use]
pub fn by_name(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(x), Some(y)) = (left.chars().next(), right.chars().next()) {
        let order = if x.is_ascii_digit() && y.is_ascii_digit() {
            let (m, n) = (number(&mut left), number(&mut right));
            m.len().cmp(&n.len()).then(m.cmp(n))
        } else {
            left = left.get(x.len_utf8()..).unwrap_or_default();
            right = right.get(y.len_utf8()..).unwrap_or_default();
            x.cmp(&y)
        };
        if order.is_ne() {
            return order;
        }
    }
    // One is a prefix of the other, or they differ in leading zeros.
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// Takes the digits at the beginning; without leading zeros.
fn number<'a>(text: &mut &'a str) -> &'a str {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.get(..text.len() - rest.len()).unwrap_or_default();
    *text = rest;
    digits.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A file of records at these milliseconds.
    fn file(name: &str, times: &[i64]) -> SetFile {
        let times: Vec<_> = times.iter().map(|ms| Time(ms * 1_000_000)).collect();
        let span = times.first().map(|first| Span {
            first: *first,
            last: times[times.len() - 1],
            earliest: *times.iter().min().unwrap(),
            latest: *times.iter().max().unwrap(),
        });
        SetFile {
            path: PathBuf::new(),
            name: name.into(),
            frames: times.len() as u64,
            span,
            unreadable: None,
            meter: None,
        }
    }

    /// The names in the order of the plan, runs in brackets.
    fn planned(mut files: Vec<SetFile>) -> String {
        let runs = plan(&mut files);
        let run = |run: Range<usize>| {
            let names: Vec<&str> = files[run].iter().map(|f| &*f.name).collect();
            names.join("+")
        };
        runs.into_iter().map(run).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_ring_is_joined_in_the_order_of_time() {
        let ring = vec![
            file("c", &[0, 5]),
            file("a", &[20, 25]),
            file("b", &[10, 15]),
        ];
        assert_eq!(planned(ring), "c b a");
    }

    #[test]
    fn equal_times_are_in_the_order_of_names() {
        let ring = vec![
            file("t10", &[5, 6]),
            file("t9", &[5, 5]),
            file("t1", &[5, 5]),
        ];
        assert_eq!(planned(ring), "t1 t9 t10");
    }

    #[test]
    fn names_that_count_up_outweigh_records_out_of_order() {
        let ring = vec![file("t2", &[10]), file("t1", &[11]), file("t3", &[12])];
        assert_eq!(planned(ring), "t1 t2 t3");
        let other = vec![file("x", &[10]), file("a", &[12]), file("b", &[14])];
        assert_eq!(planned(other), "x a b");
    }

    #[test]
    fn a_clock_that_goes_back_within_a_file_does_not_tear_a_ring() {
        let ring = vec![
            file("t2", &[4, 9]),
            file("t1", &[10, 20, 3]),
            file("t3", &[9, 30]),
        ];
        assert_eq!(planned(ring), "t1 t2 t3");
    }

    #[test]
    fn files_at_the_same_time_are_merged() {
        let files = vec![
            file("eth1", &[3, 30]),
            file("eth0", &[0, 20]),
            file("later", &[40]),
            file("short", &[25, 26]),
        ];
        assert_eq!(planned(files), "eth0+eth1+short later");
    }

    #[test]
    fn a_file_without_times_joins_no_run() {
        let files = vec![file("b", &[0, 9]), file("e", &[]), file("a", &[5, 7])];
        assert_eq!(planned(files), "e b+a");
    }

    #[test]
    fn names_are_compared_as_people_count() {
        let order = ["a", "a02", "a2", "a10", "a10b", "b", "\u{e9}"];
        for (i, x) in order.iter().enumerate() {
            for (j, y) in order.iter().enumerate() {
                assert_eq!(by_name(x, y), i.cmp(&j), "{x} {y}");
            }
        }
    }
}
