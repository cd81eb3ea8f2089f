//! TIME-WAITs over time: a chart on a terminal, a list of points elsewhere.

use crate::ledger::{Books, Point};
use crate::report::look::HEADING;
use crate::report::{Clock, Look};
use std::io::{self, Write};

/// Lines of the chart.
const ROWS: u64 = 6;
/// Columns of the chart, at least and at most.
const COLUMNS: (usize, usize) = (10, 100);
/// Columns before the chart.
const INDENT: usize = 12;
/// From none to all of a column's height.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Writes the section; nothing where there is nothing to show.
pub(super) fn write(
    out: &mut impl Write,
    look: Look,
    clock: Clock,
    books: &Books,
) -> io::Result<()> {
    let points = &books.all.over_time;
    if points.is_empty() {
        return Ok(());
    }
    let width = look
        .width
        .filter(|_| books.all.time_wait.peak > 0 && books.start < books.end);
    let what = if width.is_some() {
        "TIME-WAITs held"
    } else {
        "Held"
    };
    let title = format!("{what} over time, all hosts together");
    writeln!(out, "\n{}", look.paint(HEADING, title))?;
    match width {
        Some(width) => chart(out, clock, books, width),
        None => list(out, clock, points),
    }
}

fn list(out: &mut impl Write, clock: Clock, points: &[Point]) -> io::Result<()> {
    let times = points.iter().map(|point| clock.show(Some(point.time), 3));
    let times: Vec<String> = times.collect();
    let width = times.iter().map(String::len).max().unwrap_or(0).max(10);
    let head = "TIME-WAIT  CLOSE-WAIT  FIN-WAIT-2  LAST-ACK";
    writeln!(out, "  {:>width$}  {head}", "time")?;
    for (point, time) in points.iter().zip(times) {
        writeln!(
            out,
            "  {time:>width$}  {:>9}  {:>10}  {:>10}  {:>8}",
            point.time_wait, point.close_wait, point.fin_wait_2, point.last_ack
        )?;
    }
    Ok(())
}

fn chart(out: &mut impl Write, clock: Clock, books: &Books, width: usize) -> io::Result<()> {
    let room = width.saturating_sub(INDENT + 1).clamp(COLUMNS.0, COLUMNS.1);
    let heights = columns(books, room);
    let most = heights.iter().copied().max().unwrap_or(0).max(1);
    for row in (0..ROWS).rev() {
        let label = match row {
            _ if row == ROWS - 1 => most.to_string(),
            _ if row == ROWS / 2 - 1 => (most / 2).to_string(),
            _ => String::new(),
        };
        let line: String = heights
            .iter()
            .map(|&height| block(height, most, row))
            .collect();
        writeln!(out, "{label:>10} │{}", line.trim_end())?;
    }
    writeln!(out, "{:>10} └{}", 0, "─".repeat(heights.len()))?;
    let (from, to) = (
        clock.show(Some(books.start), 1),
        clock.show(Some(books.end), 1),
    );
    let gap = heights.len().saturating_sub(from.len());
    writeln!(out, "{:INDENT$}{from}{to:>gap$}", "")
}

/// The part of a column that stands in a row.
fn block(height: u64, most: u64, row: u64) -> char {
    let eighths = u128::from(height) * u128::from(ROWS * 8);
    let eighths = eighths.div_ceil(u128::from(most)) as u64;
    let part = eighths.saturating_sub(row * 8).min(8);
    BLOCKS.get(part as usize).copied().unwrap_or(' ')
}

/// The most TIME-WAITs in each column's time.
fn columns(books: &Books, count: usize) -> Vec<u64> {
    let (start, length) = (books.start, books.end.since(books.start));
    let begin = |column: usize| {
        let share = i128::from(length) * column as i128 / count.max(1) as i128;
        start.plus(i64::try_from(share).unwrap_or(length))
    };
    let column = |at: usize| {
        // The last instant belongs to the last column.
        let end = begin(at + 1).plus(i64::from(at + 1 == count));
        books.time_waits.most(begin(at), end)
    };
    (0..count).map(column).collect()
}
