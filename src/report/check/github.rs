//! A check as annotations of a workflow on GitHub: a command per line.

use crate::check::result::{Checked, Item, Status};
use crate::report::check::{headline, told};
use crate::report::printable;
use std::io::{self, Write};

pub(super) fn write(out: &mut dyn Write, checked: &Checked) -> io::Result<()> {
    for (_, item) in checked.by_urgency() {
        match item.status {
            Status::Broken => annotate(out, "error", item)?,
            Status::NotJudged => annotate(out, "warning", item)?,
            Status::Holds => {}
        }
    }
    for capture in &checked.captures {
        for problem in &capture.problems {
            let (file, title) = (property(&capture.source), property("capture not judged"));
            let text = message(&format!("{}: {problem}", capture.source));
            writeln!(out, "::warning file={file},title={title}::{text}")?;
        }
    }
    let kind = match checked.status {
        Status::Broken | Status::NotJudged => "error",
        Status::Holds => "notice",
    };
    let text = message(&headline(checked));
    writeln!(out, "::{kind} title=whoclosed check::{text}")
}

fn annotate(out: &mut dyn Write, kind: &str, item: &Item) -> io::Result<()> {
    let file = property(&item.file);
    let line = item
        .line
        .map(|line| format!(",line={line}"))
        .unwrap_or_default();
    let title = property(&format!("{} in {}", item.rule, item.source));
    let text = message(&told(item).join("\n"));
    writeln!(out, "::{kind} file={file}{line},title={title}::{text}")
}

/// What ends a message or begins an escape is escaped, and what a terminal would obey.
fn message(text: &str) -> String {
    let lines = text.split('\n');
    let lines = lines.map(|line| printable(line).replace('%', "%25"));
    lines.collect::<Vec<_>>().join("%0A")
}

/// And what ends a property.
fn property(text: &str) -> String {
    let line = text.replace('\n', " ");
    message(&line).replace(':', "%3A").replace(',', "%2C")
}
