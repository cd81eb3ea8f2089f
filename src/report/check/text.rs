//! A check for people: what is broken first, then every capture.

use crate::check::result::{Capture, Checked, Item, Status};
use crate::report::check::{headline, place, told};
use crate::report::look::{BAD, FAINT, GOOD, HEADING, UNUSUAL};
use crate::report::{Look, counted, printable};
use anstyle::Style;
use std::io::{self, Write};

/// Columns before a text: the longest status and two spaces.
const INDENT: usize = 12;

pub(super) fn write(out: &mut dyn Write, checked: &Checked, look: Look) -> io::Result<()> {
    let line = headline(checked);
    let line = printable(&line);
    writeln!(out, "{}", look.paint(style(checked.status).bold(), line))?;
    for (_, item) in checked.by_urgency() {
        if item.status != Status::Holds {
            writeln!(out)?;
            rule(out, item, look)?;
        }
    }
    writeln!(out)?;
    for capture in &checked.captures {
        self::capture(out, capture, look)?;
    }
    Ok(())
}

const fn style(status: Status) -> Style {
    match status {
        Status::Broken => BAD,
        Status::NotJudged => UNUSUAL,
        Status::Holds => GOOD,
    }
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Broken => "broken",
        Status::NotJudged => "not judged",
        Status::Holds => "holds",
    }
}

/// A status in its column.
fn label(out: &mut dyn Write, status: Status, look: Look) -> io::Result<()> {
    let word = word(status);
    let gap = INDENT.saturating_sub(word.len());
    write!(out, "{}{:gap$}", look.paint(style(status), word), "")
}

/// A rule that does not hold: which flows, and what to do.
fn rule(out: &mut dyn Write, item: &Item, look: Look) -> io::Result<()> {
    label(out, item.status, look)?;
    let place = format!("({}) in {}", place(item), item.source);
    let place = printable(&place);
    writeln!(out, "{} {place}", look.paint(HEADING, &item.rule))?;
    for line in told(item) {
        let indent = INDENT + line.len() - line.trim_start().len();
        let faint = line.starts_with("    ");
        let line = printable(line.trim_start());
        let style = if faint { FAINT } else { Style::new() };
        writeln!(out, "{:indent$}{}", "", look.paint(style, line))?;
    }
    Ok(())
}

/// A capture in one line, and what is wrong with it.
fn capture(out: &mut dyn Write, capture: &Capture, look: Look) -> io::Result<()> {
    label(out, capture.status, look)?;
    let count = |status| {
        let items = capture.items.iter().filter(|item| item.status == status);
        items.count() as u64
    };
    let rules = counted(capture.items.len() as u64, "rule");
    let of_rules = match capture.status {
        _ if capture.items.is_empty() => String::new(),
        Status::Broken => format!(", {} of {rules} broken", count(Status::Broken)),
        Status::NotJudged => format!(", {} of {rules} not judged", count(Status::NotJudged)),
        Status::Holds => format!(", {rules}"),
    };
    let line = format!(
        "{}: {}{of_rules}",
        capture.source,
        counted(capture.flows, "flow")
    );
    writeln!(out, "{}", printable(&line))?;
    for problem in &capture.problems {
        writeln!(out, "{:INDENT$}{}", "", printable(problem))?;
    }
    Ok(())
}
