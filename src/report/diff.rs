//! One release against the next, for people and as JSON Lines.

use crate::check::diff::stats::Share;
use crate::check::diff::{Change, Comparison, CountChange, Distribution, DurationChange, Example};
use crate::report::explain::wrap;
use crate::report::json::line;
use crate::report::look::{BAD, FAINT, GOOD, HEADING, UNUSUAL};
use crate::report::time::span;
use crate::report::{Look, counted, printable};
use anstyle::Style;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Columns of sentences at most.
const WIDTH: usize = 100;

/// Writes a `count_change` for each thing that is counted, a `duration_change` for each that is
/// measured, then the `comparison`.
pub fn json(out: &mut impl Write, comparison: &Comparison) -> io::Result<()> {
    for row in &comparison.counts {
        line(out, "count_change", row)?;
    }
    for row in &comparison.spans {
        line(out, "duration_change", row)?;
    }
    line(out, "comparison", comparison)?;
    out.flush()
}

/// Writes what changed, the worst first, then all that was counted and measured.
pub fn text(out: &mut impl Write, look: Look, comparison: &Comparison) -> io::Result<()> {
    for (which, name, flows) in [
        ("old", &comparison.old, comparison.old_flows),
        ("new", &comparison.new, comparison.new_flows),
    ] {
        writeln!(
            out,
            "{which}: {}, {}",
            printable(name),
            counted(flows, "flow")
        )?;
    }
    // Flows of which it was told why they are judged so.
    let mut told = BTreeSet::new();
    for (change, title) in [
        (Change::Worse, "Worse"),
        (Change::Better, "Better"),
        (Change::Changed, "Different"),
    ] {
        section(out, look, (comparison, change, title), &mut told)?;
    }
    counts(out, look, &comparison.counts)?;
    spans(out, look, &comparison.spans)?;
    hosts(out, look, comparison)?;
    end(out, look, comparison)?;
    out.flush()
}

fn section(
    out: &mut impl Write,
    look: Look,
    (comparison, change, title): (&Comparison, Change, &str),
    told: &mut BTreeSet<u64>,
) -> io::Result<()> {
    let mut counts = comparison
        .counts
        .iter()
        .filter(|row| row.change == change)
        .peekable();
    let mut spans = comparison
        .spans
        .iter()
        .filter(|row| row.change == change)
        .peekable();
    if counts.peek().is_none() && spans.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "\n{}", look.paint(HEADING, title))?;
    for row in counts {
        count(out, look, row, told)?;
    }
    for row in spans {
        duration(out, look, row)?;
    }
    Ok(())
}

fn count(
    out: &mut impl Write,
    look: Look,
    row: &CountChange,
    told: &mut BTreeSet<u64>,
) -> io::Result<()> {
    let CountChange {
        measure,
        name,
        old,
        new,
        ..
    } = row;
    let text = format!("{measure} {name}: {} -> {}", share(*old), share(*new));
    writeln!(
        out,
        "  {}, {}",
        look.paint(style(row.change), text),
        chance(row.p, Some(row.p_corrected))
    )?;
    bullet(out, look, row.summary)?;
    if row.new.ratio() <= row.old.ratio() {
        return Ok(());
    }
    if row.change == Change::Worse {
        bullet(out, look, row.advice)?;
    }
    let (known, new): (Vec<_>, Vec<_>) = row.examples.iter().partition(|e| told.contains(&e.flow));
    for example in new {
        told.insert(example.flow);
        bullet(out, look, &instance(example))?;
    }
    let known: Vec<String> = known
        .iter()
        .map(|example| example.flow.to_string())
        .collect();
    match known.as_slice() {
        [] => Ok(()),
        [one] => bullet(out, look, &format!("new flow {one}, as above")),
        _ => bullet(
            out,
            look,
            &format!("new flows {}, as above", known.join(", ")),
        ),
    }
}

fn duration(out: &mut impl Write, look: Look, row: &DurationChange) -> io::Result<()> {
    let name = look.paint(style(row.change), row.span);
    writeln!(out, "  {name}: {}", row.summary)?;
    if let (Some(p), Some(larger)) = (row.p, row.larger) {
        let medians = [&row.old, &row.new].map(|values| time(values.median_ns));
        let [old, new] = medians;
        let text = format!(
            "median {old} -> {new}: a new one is longer than an old one in {} of all pairs, {}",
            percent(larger),
            chance(p, row.p_corrected)
        );
        bullet(out, look, &text)?;
    }
    if let Some(tail) = &row.tail {
        let text = format!(
            "above {}, where the slowest twentieth of both begins: {} -> {}, {}",
            span(tail.above_ns),
            share(tail.old),
            share(tail.new),
            chance(tail.p, Some(tail.p_corrected))
        );
        bullet(out, look, &text)?;
    }
    match &row.example {
        Some(example) => bullet(out, look, &format!("the longest: {}", instance(example))),
        None => Ok(()),
    }
}

fn instance(example: &Example) -> String {
    let Example {
        flow,
        first_frame,
        last_frame,
        reason,
    } = example;
    format!(
        "new flow {flow}, frames {first_frame} to {last_frame}: {}",
        printable(reason)
    )
}

const fn style(change: Change) -> Style {
    match change {
        Change::Worse => BAD,
        Change::Better => GOOD,
        Change::Changed => UNUSUAL,
        Change::Same => Style::new(),
    }
}

fn share(share: Share) -> String {
    format!(
        "{} of {} ({})",
        share.count,
        share.of,
        percent(share.ratio())
    )
}

fn percent(ratio: f64) -> String {
    format!("{:.1}%", ratio * 100.0)
}

/// How probable it is by chance.
fn chance(p: f64, corrected: Option<f64>) -> String {
    let corrected = corrected.map(|p| format!(" ({} corrected)", probability(p)));
    format!("p {}{}", probability(p), corrected.unwrap_or_default())
}

fn probability(p: f64) -> String {
    if p < 1e-6 {
        return "<0.000001".to_owned();
    }
    let decimals = if p < 0.001 { 6 } else { 3 };
    format!("{p:.decimals$}")
}

fn counts(out: &mut impl Write, look: Look, rows: &[CountChange]) -> io::Result<()> {
    let mut table = vec![["flows by", "", "old", "", "new", "", ""].map(str::to_owned)];
    let mut styles = vec![HEADING];
    for row in rows {
        let change = match row.change {
            Change::Same => String::new(),
            change => change.to_string(),
        };
        table.push([
            row.measure.to_string(),
            row.name.to_owned(),
            row.old.count.to_string(),
            percent(row.old.ratio()),
            row.new.count.to_string(),
            percent(row.new.ratio()),
            change,
        ]);
        styles.push(style(row.change));
    }
    write(out, look, &table, (&styles, 2))
}

fn spans(out: &mut impl Write, look: Look, rows: &[DurationChange]) -> io::Result<()> {
    let title = [
        "time", "", "count", "median", "90 %", "99 %", "longest", "mean",
    ];
    let mut table = vec![title.map(str::to_owned)];
    let mut styles = vec![HEADING];
    for row in rows.iter().filter(|row| row.old.count + row.new.count > 0) {
        table.push(distribution(row.span.name(), "old", &row.old));
        table.push(distribution("", "new", &row.new));
        styles.extend([Style::new(), style(row.change)]);
    }
    if table.len() == 1 {
        return Ok(());
    }
    write(out, look, &table, (&styles, 2))
}

fn distribution(name: &str, side: &str, values: &Distribution) -> [String; 8] {
    [
        name.to_owned(),
        side.to_owned(),
        values.count.to_string(),
        time(values.median_ns),
        time(values.p90_ns),
        time(values.p99_ns),
        time(values.longest_ns),
        time(values.mean_ns),
    ]
}

fn time(nanos: Option<i64>) -> String {
    nanos.map_or_else(|| "-".to_owned(), span)
}

/// Writes a table; so many columns are flush left, and the last of a table of words is, too.
fn write<const N: usize>(
    out: &mut impl Write,
    look: Look,
    table: &[[String; N]],
    (styles, left): (&[Style], usize),
) -> io::Result<()> {
    let mut widths = [0; N];
    for row in table {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    writeln!(out)?;
    for (row, style) in table.iter().zip(styles) {
        let cells = row.iter().zip(widths).enumerate();
        let cells: Vec<String> = cells
            .map(|(place, (cell, width))| {
                if place < left || N == 7 && place == N - 1 {
                    format!("{cell:width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        writeln!(out, "{}", look.paint(*style, cells.join("  ").trim_end()))?;
    }
    Ok(())
}

fn hosts(out: &mut impl Write, look: Look, comparison: &Comparison) -> io::Result<()> {
    if comparison.time_wait_hosts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", look.paint(HEADING, "TIME-WAITs by host"))?;
    for host in &comparison.time_wait_hosts {
        writeln!(out, "  {}: {} -> {}", host.addr, host.old, host.new)?;
    }
    Ok(())
}

fn end(out: &mut impl Write, look: Look, comparison: &Comparison) -> io::Result<()> {
    let Comparison {
        tests,
        alpha,
        worse,
        better,
        changed,
        ..
    } = comparison;
    let text = format!(
        "{} worse, {} better, {} different",
        worse.len(),
        better.len(),
        changed.len()
    );
    writeln!(out, "\n{}", look.paint(style(comparison.change), text))?;
    let text = format!(
        "of {}, corrected for their number (Holm): chance alone shows any difference in {} of 100 \
         such reports",
        counted(*tests as u64, "comparison"),
        (alpha * 10_000.0).round() / 100.0
    );
    writeln!(out, "{}", look.paint(FAINT, text))?;
    if comparison.too_few_flows {
        let text = "so few flows can differ in any way by chance: of tests that are the same every time \
                    `whoclosed check --expect` tells what changed";
        writeln!(out, "{}", look.paint(UNUSUAL, text))?;
    }
    if comparison.without_states > 0 {
        let text = format!(
            "{} without states: times in CLOSE-WAIT, FIN-WAIT-2 and LAST-ACK lack them",
            counted(comparison.without_states, "flow")
        );
        writeln!(out, "{}", look.paint(FAINT, text))?;
    }
    Ok(())
}

fn bullet(out: &mut impl Write, look: Look, text: &str) -> io::Result<()> {
    let width = look.width.map_or(WIDTH, |width| width.clamp(40, WIDTH));
    let mut before = "    - ";
    for line in wrap(text, width.saturating_sub(6)) {
        writeln!(out, "{before}{line}")?;
        before = "      ";
    }
    Ok(())
}
