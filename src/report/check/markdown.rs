//! A check as Markdown, for the summary of a build or a comment on a pull request.

use crate::check::result::{Checked, Item, Status};
use crate::report::check::{examples, flow, headline, more, place};
use std::io::{self, Write};

pub(super) fn write(out: &mut dyn Write, checked: &Checked) -> io::Result<()> {
    writeln!(
        out,
        "### {} {}\n",
        mark(checked.status),
        escaped(&headline(checked))
    )?;
    writeln!(
        out,
        "| | rule | capture | found |\n| --- | --- | --- | --- |"
    )?;
    let urgent = checked.by_urgency();
    for (_, item) in &urgent {
        row(out, item)?;
    }
    for capture in &checked.captures {
        for problem in &capture.problems {
            let (source, problem) = (escaped(&capture.source), escaped(problem));
            writeln!(
                out,
                "| {} | | {source} | {problem} |",
                mark(Status::NotJudged)
            )?;
        }
    }
    for (_, item) in urgent
        .iter()
        .filter(|(_, item)| item.status != Status::Holds)
    {
        details(out, item)?;
    }
    Ok(())
}

const fn mark(status: Status) -> &'static str {
    match status {
        Status::Broken => "❌",
        Status::NotJudged => "❔",
        Status::Holds => "✅",
    }
}

fn row(out: &mut dyn Write, item: &Item) -> io::Result<()> {
    let (rule, asks) = (escaped(&item.rule), escaped(&item.asks));
    let (source, found) = (escaped(&item.source), escaped(&item.found));
    let mark = mark(item.status);
    writeln!(out, "| {mark} | **{rule}**: {asks} | {source} | {found} |")
}

/// The flows of a rule that does not hold.
fn details(out: &mut dyn Write, item: &Item) -> io::Result<()> {
    let title = format!("{} ({}) in {}", item.rule, place(item), item.source);
    writeln!(out, "\n<details><summary>{}</summary>\n", escaped(&title))?;
    if let Some(why) = &item.why {
        writeln!(out, "{}\n", escaped(why))?;
    }
    for example in examples(item) {
        writeln!(out, "- {}", escaped(&flow(example)))?;
        if !example.reason.is_empty() {
            writeln!(out, "  {}", escaped(&example.reason))?;
        }
    }
    let more = more(item);
    if more > 0 {
        writeln!(out, "- and {more} more")?;
    }
    writeln!(out, "\n{}\n\n</details>", escaped(&item.advice))
}

/// A text that stays in its cell and shows as it is.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '|' | '[' | ']' | '#' | '~' | '@' => {
                safe.push('\\');
                safe.push(c);
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
