//! What the names of the report mean: text for people and JSON Lines for programs.

use crate::close::finding::Severity;
use crate::close::terms::{Entry, Group, all};
use crate::report::explain::wrap;
use serde::Serialize;
use std::io::{self, Write};

/// Columns before a text: two spaces and the longest label.
const INDENT: usize = 14;

/// Writes all names by group, each with its summary.
pub fn list(out: &mut impl Write) -> io::Result<()> {
    let width = all().map(|entry| entry.term.name.len()).max().unwrap_or(0);
    for group in Group::ALL {
        writeln!(out, "{} ({group})", group.title())?;
        for entry in group.entries() {
            writeln!(out, "  {:width$}  {}", entry.term.name, entry.term.summary)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "`whoclosed terms NAME` tells all about one.")
}

/// Writes everything about some names, wrapped to `width` columns.
pub fn describe(out: &mut impl Write, entries: &[Entry], width: usize) -> io::Result<()> {
    for (i, entry) in entries.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        let term = entry.term;
        write!(out, "{} ({}", term.name, entry.group)?;
        if let Some(severity) = entry.severity {
            write!(out, ", {severity}")?;
        }
        writeln!(out, "): {}", term.summary)?;
        let rfc = term.rfc.join(", ");
        let field = format!("`{}` in the report", entry.group.field());
        for (label, text) in [
            ("Belief", entry.belief.unwrap_or_default()),
            ("Recognised", term.recognised),
            ("Meaning", term.meaning),
            ("Advice", term.advice),
            ("Linux", term.linux),
            ("Zeek", term.zeek),
            ("RFC", &rfc),
            ("Field", &field),
        ] {
            paragraph(out, label, text, width)?;
        }
    }
    Ok(())
}

/// Writes names as JSON Lines, an object each; `null` where nothing is said.
pub fn json(out: &mut impl Write, entries: impl IntoIterator<Item = Entry>) -> io::Result<()> {
    for entry in entries {
        serde_json::to_writer(&mut *out, &Line::from(entry))?;
        writeln!(out)?;
    }
    Ok(())
}

/// Up to three names that resemble `name`, the nearest first.
pub fn nearest(name: &str) -> Vec<&'static str> {
    let wanted = name.to_ascii_lowercase();
    let mut names: Vec<_> = all()
        .map(|entry| entry.term.name)
        .filter_map(|name| Some((unlikeness(&wanted, &name.to_ascii_lowercase())?, name)))
        .collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|(_, name)| name).take(3).collect()
}

/// How far `name` is from `wanted`; `None` where they do not resemble each other.
fn unlikeness(wanted: &str, name: &str) -> Option<usize> {
    let contains = wanted.len() > 2 && name.contains(wanted);
    let far = distance(wanted, name);
    let longer = wanted.chars().count().max(name.chars().count());
    (contains || far * 3 <= longer).then_some(far)
}

/// How many characters must be inserted, deleted or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for ((y, above_left), above) in b.chars().zip(&row).zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or(i);
            let changed = above_left + usize::from(x != y);
            next.push(changed.min(left + 1).min(above + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

fn paragraph(out: &mut impl Write, label: &str, text: &str, width: usize) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let mut label = label;
    for line in wrap(text, width.saturating_sub(INDENT)) {
        writeln!(out, "  {label:0$}{line}", INDENT - 2)?;
        label = "";
    }
    Ok(())
}

/// A name as JSON.
#[derive(Serialize)]
struct Line {
    group: &'static str,
    field: &'static str,
    name: &'static str,
    severity: Option<&'static str>,
    belief: Option<&'static str>,
    summary: &'static str,
    recognised: Option<&'static str>,
    meaning: Option<&'static str>,
    advice: Option<&'static str>,
    rfc: &'static [&'static str],
    linux: Option<&'static str>,
    zeek: Option<&'static str>,
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        let term = entry.term;
        let said = |text: &'static str| (!text.is_empty()).then_some(text);
        Self {
            group: entry.group.name(),
            field: entry.group.field(),
            name: term.name,
            severity: entry.severity.map(Severity::name),
            belief: entry.belief,
            summary: term.summary,
            recognised: said(term.recognised),
            meaning: said(term.meaning),
            advice: said(term.advice),
            rfc: term.rfc,
            linux: said(term.linux),
            zeek: said(term.zeek),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{describe, distance, json, list, nearest};
    use crate::close::terms::{all, find};
    use serde_json::Value;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_list_holds_every_name_with_its_summary() {
        let text = text(|out| list(out).unwrap());
        for entry in all() {
            let line = text.lines().find(|line| {
                line.trim_start()
                    .starts_with(&format!("{} ", entry.term.name))
            });
            assert!(line.is_some(), "{}", entry.term.name);
            assert!(text.contains(entry.term.summary), "{}", entry.term.name);
        }
    }

    #[test]
    fn a_name_in_two_groups_is_told_twice() {
        let text = text(|out| describe(out, &find("refused"), 80).unwrap());
        assert!(text.starts_with("refused (outcome): the SYN was answered by a RST\n  Recognised"));
        assert!(text.contains("\n\nrefused (cause): "));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }

    #[test]
    fn wrapping_loses_no_word() {
        for entry in all() {
            let text = text(|out| describe(out, &[entry], 60).unwrap());
            let words: Vec<&str> = text.split_whitespace().collect();
            let words = words.join(" ");
            for part in [entry.term.recognised, entry.term.meaning, entry.term.advice] {
                assert!(words.contains(part), "{}: {words}", entry.term.name);
            }
        }
    }

    #[test]
    fn json_has_null_where_nothing_is_said() {
        let text = text(|out| json(out, all()).unwrap());
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), all().count());
        assert!(!text.contains("\"\""));
        assert_eq!(lines[0]["name"], "refused");
        assert_eq!(lines[0]["severity"], Value::Null);
        let leak = lines.iter().find(|line| line["name"] == "close-wait-leak");
        assert_eq!(leak.unwrap()["severity"], "warning");
    }

    #[test]
    fn slips_are_recognised() {
        assert_eq!(nearest("gracefull")[0], "graceful");
        assert_eq!(nearest("timewait")[0], "TIME-WAIT");
        assert_eq!(
            nearest("final-ack")[..2],
            ["final-ack-lost", "final-ack-missing"]
        );
        assert!(nearest("xyzzy").is_empty());
        assert!(nearest("").is_empty());
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
