//! What many flows show together.

use crate::close::finding::Severity;
use crate::patterns::{Diagnosis, Example};
use crate::report::Look;
use crate::report::explain::wrap;
use crate::report::look::{BAD, FAINT, GOOD, HEADING, UNUSUAL};
use anstyle::Style;
use std::io::{self, Write};

/// Diagnoses that are listed; the JSON report has them all.
const LISTED: usize = 8;
/// Frames of the example that are named.
const FRAMES: usize = 4;
/// Columns before the sentence.
const INDENT: usize = 11;
/// Columns of a line where the output is no terminal.
const COLUMNS: usize = 100;
/// Narrower than that no sentence is readable.
const LEAST: usize = 40;

/// Writes the section; nothing without diagnoses.
pub(super) fn write(out: &mut impl Write, look: Look, all: &[Diagnosis]) -> io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}", look.paint(HEADING, "Diagnosis"))?;
    for told in all.iter().take(LISTED) {
        one(out, look, told)?;
    }
    let more = all.len().saturating_sub(LISTED);
    if more > 0 {
        let text = format!("  and {more} more: see --format json");
        writeln!(out, "{}", look.paint(FAINT, text))?;
    }
    Ok(())
}

fn one(out: &mut impl Write, look: Look, told: &Diagnosis) -> io::Result<()> {
    let (label, style) = label(told);
    let mark = super::cells::mark(told.confidence);
    let sentence = format!("{}{mark} ({})", told.message, example(&told.example));
    let columns = look.width.unwrap_or(COLUMNS).saturating_sub(INDENT);
    let columns = columns.max(LEAST);
    let mut first = Some(look.paint(style, label));
    for line in wrap(&sentence, columns) {
        match first.take() {
            Some(label) => writeln!(out, "  {label}  {line}")?,
            None => writeln!(out, "{:INDENT$}{line}", "")?,
        }
    }
    // What is normal needs no advice here; the JSON report has it.
    if told.severity == Severity::Info {
        return Ok(());
    }
    for line in wrap(&told.advice, columns) {
        writeln!(out, "{:INDENT$}{}", "", look.paint(FAINT, line))?;
    }
    Ok(())
}

fn label(told: &Diagnosis) -> (&'static str, Style) {
    match told.severity {
        Severity::Warning => ("warning", BAD),
        Severity::Notice => ("notice ", UNUSUAL),
        Severity::Info if told.code == "healthy" => ("healthy", GOOD),
        Severity::Info => ("info   ", Style::new()),
    }
}

/// `flow 3, frames 8, 9`.
fn example(example: &Example) -> String {
    let named = example.frames.iter().take(FRAMES).map(u64::to_string);
    let named: Vec<String> = named.collect();
    let more = if example.frames.len() > FRAMES {
        ", .."
    } else {
        ""
    };
    let noun = if named.len() == 1 { "frame" } else { "frames" };
    if named.is_empty() {
        return format!("flow {}", example.flow);
    }
    format!("flow {}, {noun} {}{more}", example.flow, named.join(", "))
}
