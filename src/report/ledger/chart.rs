//! TIME-WAITs over time: a chart on a terminal, a list of points elsewhere.

use crate::ledger::{Books, Point};
use crate::report::look::HEADING;
use crate::report::{Clock, Look};
use crate::stamp::Time;
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
    writeln!(
        out,
        "\n{}",
        look.paint(HEADING, "Held over time, all hosts together")
    )?;
    match look.width {
        Some(width) if books.all.time_wait.peak > 0 && books.start < books.end => {
            chart(out, clock, books, width)
        }
        _ => list(out, clock, points),
    }
}

fn list(out: &mut impl Write, clock: Clock, points: &[Point]) -> io::Result<()> {
    writeln!(
        out,
        "  {:>14}  {:>9}  {:>10}  {:>10}  {:>8}",
        "time", "TIME-WAIT", "CLOSE-WAIT", "FIN-WAIT-2", "LAST-ACK"
    )?;
    for point in points {
        writeln!(
            out,
            "  {:>14}  {:>9}  {:>10}  {:>10}  {:>8}",
            clock.show(Some(point.time), 3),
            point.time_wait,
            point.close_wait,
            point.fin_wait_2,
            point.last_ack
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

/// The most TIME-WAITs at any point of each column's time, and at its beginning.
fn columns(books: &Books, count: usize) -> Vec<u64> {
    let (start, length) = (books.start, books.end.since(books.start));
    let wide = i64::try_from(count).unwrap_or(1).max(1);
    // Not more columns than there are points: a curve by steps would look exact.
    let wide = wide.min(length / books.all.step_ns.max(1) + 1);
    let mut heights = Vec::new();
    let mut points = books.all.over_time.iter().peekable();
    let mut held = 0;
    for column in 1..=wide {
        let share = i128::from(length) * i128::from(column) / i128::from(wide);
        let end = start.plus(i64::try_from(share).unwrap_or(length));
        let end = if column == wide { Time(i64::MAX) } else { end };
        let mut most = held;
        let mut first = true;
        while let Some(point) = points.next_if(|point| point.time < end) {
            held = point.time_wait;
            most = if first { held } else { most.max(held) };
            first = false;
        }
        heights.push(most);
    }
    heights
}
