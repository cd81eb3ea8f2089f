//! Reports on a check: for people, for programs, and as build servers read them.

mod github;
mod json;
mod junit;
mod markdown;
mod sarif;
mod text;

use crate::check::result::{Checked, Example, Item, Status};
use crate::close::verdict::names;
use crate::report::Look;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};

names! {
    /// The formats of a report on a check.
    Format {
        /// For people.
        Text = "text",
        /// JSON Lines.
        Json = "json",
        /// `JUnit` XML: a test case per rule, a test suite per capture.
        Junit = "junit",
        /// SARIF 2.1.0.
        Sarif = "sarif",
        /// Annotations of a workflow on GitHub.
        Github = "github",
        /// A summary for pull requests.
        Markdown = "markdown",
    }
}

/// Writes the report on a check. `look` is for text alone.
pub fn write(out: &mut dyn Write, format: Format, checked: &Checked, look: Look) -> io::Result<()> {
    match format {
        Format::Text => text::write(out, checked, look),
        Format::Json => json::write(out, checked),
        Format::Junit => junit::write(out, checked),
        Format::Sarif => sarif::write(out, checked),
        Format::Github => github::write(out, checked),
        Format::Markdown => markdown::write(out, checked),
    }
}

/// What came of all, in one sentence: the first broken rule first.
fn headline(checked: &Checked) -> String {
    let holds = |status| {
        checked
            .captures
            .iter()
            .filter(|c| c.status == status)
            .count()
    };
    let of_captures = match checked.captures.len() {
        1 => String::new(),
        all => format!("; {} of {all} captures hold", holds(Status::Holds)),
    };
    let urgent = checked.by_urgency();
    let count = |status| {
        urgent
            .iter()
            .filter(|(_, item)| item.status == status)
            .count()
    };
    let Some((_, first)) = urgent
        .first()
        .filter(|(_, item)| item.status == checked.status)
    else {
        let what = match checked.status {
            Status::Holds => format!("every rule holds{of_captures}"),
            _ => format!("not judged: {}{of_captures}", first_problem(checked)),
        };
        return what;
    };
    let (name, capture, others) = (&first.rule, &first.source, count(first.status) - 1);
    let more = match others {
        0 => String::new(),
        1 => ", and 1 more".to_owned(),
        _ => format!(", and {others} more"),
    };
    match first.status {
        Status::Holds => format!("every rule holds{of_captures}"),
        Status::Broken => format!("broken: {name} in {capture}{more}{of_captures}"),
        Status::NotJudged => format!("not judged: {name} in {capture}{more}{of_captures}"),
    }
}

fn first_problem(checked: &Checked) -> String {
    let mut broken = checked.captures.iter().filter(|c| !c.problems.is_empty());
    let capture = broken.next();
    capture.map_or_else(String::new, |capture| {
        let problem = capture.problems.first().map_or("", String::as_str);
        format!("{}: {problem}", capture.source)
    })
}

/// Where a rule stands: `close.toml:12`.
fn place(item: &Item) -> String {
    match item.line {
        Some(line) => format!("{}:{line}", item.file),
        None => format!("{}: goes without saying", item.file),
    }
}

/// A flow in one line: which, what, how sure.
fn flow(example: &Example) -> String {
    let number = example.flow.map(|flow| format!("flow {flow}"));
    let ends = example.client.zip(example.server);
    let ends = ends.map(|(client, server)| format!("{client} -> {server}"));
    let frames = (!example.frames.is_empty()).then(|| frames(&example.frames));
    let sure = match (example.confidence, example.in_doubt) {
        (Some(confidence), true) => format!(" ({confidence}: in doubt)"),
        (Some(confidence), false) => format!(" ({confidence})"),
        (None, _) => String::new(),
    };
    let what = format!("{}{sure}", example.what);
    let parts = [number, ends, frames, Some(what)];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

fn frames(frames: &[u64]) -> String {
    let numbers: Vec<String> = frames.iter().map(ToString::to_string).collect();
    let noun = if frames.len() == 1 { "frame" } else { "frames" };
    format!("{noun} {}", numbers.join(", "))
}

/// So many flows of a rule are told to people; the JSON report has more.
const TOLD: usize = 4;

/// The flows of a rule that are told.
fn examples(item: &Item) -> impl Iterator<Item = &Example> {
    item.examples.iter().take(TOLD)
}

/// How many more flows there are than are told.
fn more(item: &Item) -> u64 {
    let shown = examples(item).filter(|example| example.flow.is_some());
    let counted = match item.status {
        Status::Holds => 0,
        _ => item.broken + item.in_doubt,
    };
    counted.saturating_sub(shown.count() as u64)
}

/// All that is said of a rule that does not hold, line by line.
fn told(item: &Item) -> Vec<String> {
    let mut lines = vec![
        format!("asked: {}", item.asks),
        format!("found: {}", item.found),
    ];
    lines.extend(item.why.iter().map(|why| format!("why: {why}")));
    for example in examples(item) {
        lines.push(format!("  {}", flow(example)));
        if !example.reason.is_empty() {
            lines.push(format!("    {}", example.reason));
        }
    }
    let more = more(item);
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    if !item.advice.is_empty() {
        lines.push(format!("do: {}", item.advice));
    }
    lines
}
