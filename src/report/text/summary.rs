//! The totals.

use super::cells::{mark, style};
use super::sources;
use super::table::cut;
use crate::close::cause::CAUSES;
use crate::close::finding::{Code, Severity};
use crate::close::myths::MYTHS;
use crate::close::outcome::OUTCOMES;
use crate::close::summary::Summary;
use crate::close::vantage::{Point, Vantage};
use crate::report::look::{BAD, FAINT, HEADING, UNUSUAL};
use crate::report::{Look, counted, printable};
use anstyle::Style;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Hosts listed as owners of TIME-WAIT; the JSON report has them all.
const OWNERS: usize = 10;

/// One line of a section: how many, what, in which style, and what that means.
pub(in crate::report) struct Line<'a> {
    /// How many.
    pub(in crate::report) count: u64,
    /// Of what.
    pub(in crate::report) name: String,
    style: Style,
    /// What that means.
    pub(in crate::report) note: &'a str,
}

/// Writes the summary.
pub(super) fn write(
    out: &mut impl Write,
    look: Look,
    summary: &Summary,
    shown: Option<u64>,
) -> io::Result<()> {
    headline(out, look, summary, shown)?;
    if summary.flows == 0 {
        nothing_found(out, summary)?;
    }
    section(out, look, "Outcomes", &outcomes(summary))?;
    section(out, look, "Closed first", &closers(&summary.by_closer))?;
    section(out, look, "TIME-WAIT held by", &owners(summary))?;
    section(out, look, "Causes of aborts", &causes(&summary.by_cause))?;
    section(out, look, "Findings", &findings(summary, false))?;
    section(
        out,
        look,
        "Defects of the capture",
        &findings(summary, true),
    )?;
    section(
        out,
        look,
        "Frames not decoded",
        &plain(&summary.not_decoded),
    )?;
    sources::write(out, look, summary)
}

/// Writes what is true where flows may seem to bear out a belief; `counts`: of flows, by row.
pub(super) fn myths(out: &mut impl Write, look: Look, counts: &[u64]) -> io::Result<()> {
    let rows = MYTHS
        .iter()
        .zip(counts)
        .filter(|(row, count)| **count >= row.from);
    let lines = rows.map(|(myth, &count)| Line {
        count,
        name: myth.term.name.to_owned(),
        style: FAINT,
        note: myth.term.summary,
    });
    let lines: Vec<Line> = lines.collect();
    let title = "Often told otherwise (`whoclosed terms NAME`)";
    section(out, look, title, &lines)
}

fn headline(
    out: &mut impl Write,
    look: Look,
    summary: &Summary,
    shown: Option<u64>,
) -> io::Result<()> {
    let flows = match summary.flows {
        0 => "No TCP flow".to_owned(),
        flows => counted(flows, "TCP flow"),
    };
    let text = format!("{flows} in {}", sources::names(&summary.sources));
    write!(out, "{}", look.paint(HEADING, text))?;
    if let Some(shown) = shown {
        write!(out, "; {shown} selected")?;
    }
    writeln!(out)?;
    if summary.flows > 0 {
        let legend = "  ? likely, ?? possible, without a mark certain";
        writeln!(out, "{}", look.paint(FAINT, legend))?;
        captured_at(out, look, &summary.vantage)?;
    }
    Ok(())
}

/// Where the capture was taken, and the first sign of it.
fn captured_at(out: &mut impl Write, look: Look, vantage: &Vantage) -> io::Result<()> {
    let Some(text) = place(vantage) else {
        return Ok(());
    };
    writeln!(out, "  {}", look.paint(FAINT, text))
}

/// The same as a sentence.
pub(in crate::report) fn place(vantage: &Vantage) -> Option<String> {
    let place = match vantage.point {
        Point::Client => "at the client",
        Point::Server => "at the server",
        Point::Middle => "between client and server",
        Point::Unknown => return None,
    };
    let mark = mark(vantage.confidence);
    let sign = vantage.evidence.first().map_or("", String::as_str);
    Some(format!("captured {place}{mark}: {sign}"))
}

/// What to check when a capture holds no TCP.
fn nothing_found(out: &mut impl Write, summary: &Summary) -> io::Result<()> {
    let frames: u64 = summary.sources.iter().map(|source| source.frames).sum();
    if frames == 0 {
        return writeln!(
            out,
            "\nThe capture holds no frame. Check the interface and the capture filter."
        );
    }
    if summary.filtered_out + summary.outside_window > 0 {
        return writeln!(
            out,
            "\nNothing was left to judge; see below how much the filter and the times left out."
        );
    }
    writeln!(
        out,
        "\nNone of its {} holds a TCP segment that could be read. Check that the capture filter\n\
         lets TCP through, that the interface carried the traffic, and below what was not decoded.",
        counted(frames, "frame")
    )
}

/// A heading and its lines; nothing without lines.
fn section(out: &mut impl Write, look: Look, title: &str, lines: &[Line]) -> io::Result<()> {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", look.paint(HEADING, title))?;
    let width = lines.iter().map(|line| line.name.chars().count()).max();
    let width = width.unwrap_or_default();
    for line in lines {
        let name = look.paint(line.style, &line.name);
        if line.note.is_empty() {
            writeln!(out, "{:>9}  {name}", line.count)?;
            continue;
        }
        let pad = width - line.name.chars().count();
        let room = look.width.map(|columns| columns.saturating_sub(width + 13));
        let note = cut(line.note, room.unwrap_or(usize::MAX));
        writeln!(out, "{:>9}  {name}{:pad$}  {note}", line.count, "")?;
    }
    Ok(())
}

pub(in crate::report) fn outcomes(summary: &Summary) -> Vec<Line<'static>> {
    let lines = OUTCOMES.iter().filter_map(|row| {
        let count = *summary.by_outcome.get(row.value.name())?;
        Some(Line {
            count,
            name: row.value.to_string(),
            style: style(row.value),
            note: row.term.summary,
        })
    });
    by_count(lines.collect())
}

pub(in crate::report) fn causes(by_cause: &BTreeMap<String, u64>) -> Vec<Line<'static>> {
    let lines = CAUSES.iter().filter_map(|row| {
        let count = *by_cause.get(row.value.name())?;
        Some(Line {
            count,
            name: row.value.to_string(),
            style: Style::new(),
            note: row.term.summary,
        })
    });
    by_count(lines.collect())
}

pub(in crate::report) fn closers(by_closer: &BTreeMap<String, u64>) -> Vec<Line<'static>> {
    let mut lines = plain(by_closer);
    for line in &mut lines {
        line.note = match line.name.as_str() {
            "both" => "their FINs crossed",
            "none" => "no FIN was seen",
            "unknown" => "the capture does not tell",
            _ => "",
        };
    }
    lines
}

fn owners(summary: &Summary) -> Vec<Line<'static>> {
    let owners = &summary.time_wait_owners;
    let listed = owners.iter().take(OWNERS).map(|owner| Line {
        count: owner.time_waits,
        name: owner.addr.to_string(),
        style: Style::new(),
        note: "",
    });
    let mut lines: Vec<Line> = listed.collect();
    let rest = owners.get(OWNERS..).unwrap_or_default();
    if !rest.is_empty() {
        lines.push(Line {
            count: rest.iter().map(|owner| owner.time_waits).sum(),
            name: format!("{} more hosts", rest.len()),
            style: FAINT,
            note: "",
        });
    }
    lines
}

/// The findings on the capture itself, or the others: warnings first.
fn findings(summary: &Summary, capture: bool) -> Vec<Line<'static>> {
    let named = Code::ALL.iter().map(|code| code.row());
    let wanted = named.filter(|row| row.value.name().starts_with("capture-") == capture);
    let mut lines: Vec<(Severity, Line)> = wanted
        .filter_map(|row| {
            let count = *summary.findings.get(row.value.name())?;
            let (label, style) = match row.severity {
                Severity::Warning => ("warning", BAD),
                Severity::Notice => ("notice ", UNUSUAL),
                Severity::Info => ("info   ", Style::new()),
            };
            let name = format!("{label}  {}", row.value);
            let note = row.term.summary;
            Some((
                row.severity,
                Line {
                    count,
                    name,
                    style,
                    note,
                },
            ))
        })
        .collect();
    lines.sort_by(|(a, x), (b, y)| b.cmp(a).then(y.count.cmp(&x.count)));
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Names and counts, most first.
fn plain(counts: &BTreeMap<String, u64>) -> Vec<Line<'static>> {
    let lines = counts.iter().map(|(name, &count)| Line {
        count,
        name: printable(name).into_owned(),
        style: Style::new(),
        note: "",
    });
    by_count(lines.collect())
}

fn by_count(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by_key(|line| std::cmp::Reverse(line.count));
    lines
}

#[cfg(test)]
mod tests {
    use super::write;
    use crate::report::{Look, samples};

    fn text(summary: &crate::close::summary::Summary, shown: Option<u64>) -> String {
        let mut out = Vec::new();
        write(&mut out, Look::default(), summary, shown).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn without_flows_it_says_what_to_check() {
        insta::assert_snapshot!(text(&samples::summary(&[]), None));
    }

    #[test]
    fn an_empty_capture_says_so() {
        let mut summary = samples::summary(&[]);
        summary.sources = vec![crate::close::summary::SourceSummary::new(
            "\x1b.pcap".into(),
        )];
        summary.not_decoded.clear();
        insta::assert_snapshot!(text(&summary, None));
    }

    #[test]
    fn the_selection_is_counted() {
        let mut summary = samples::summary(&samples::one_of_each());
        summary.evicted = 2;
        summary.late_segments = 1;
        summary.interrupted = true;
        let text = text(&summary, Some(3));
        assert!(
            text.starts_with("12 TCP flows in a.pcap; 3 selected\n"),
            "{text}"
        );
        assert!(text.contains("2 flows forgotten early"), "{text}");
        assert!(text.contains("1 segment came when"), "{text}");
        assert!(text.contains("interrupted"), "{text}");
    }

    #[test]
    fn many_owners_are_summed_up() {
        let verdicts: Vec<_> = (0..14)
            .map(|i| {
                let client = serde_json::json!({"addr":format!("10.0.1.{i}"),"port":1});
                samples::verdict(i, serde_json::json!({"client":client}))
            })
            .collect();
        let text = text(&samples::summary(&verdicts), None);
        assert!(text.contains("        4  4 more hosts\n"), "{text}");
    }
}
