//! Shares of the flows, by what they have in common. A click on one chooses its flows in the table.

use crate::close::finding::{Code, Severity};
use crate::close::summary::Summary;
use crate::report::text::summary::{causes, closers, outcomes};
use maud::{Markup, html};
use std::cmp::Reverse;

/// What flows are counted by.
pub(super) struct Totals {
    /// The field of the table by which they are chosen.
    pub(super) field: &'static str,
    /// What it is called.
    pub(super) title: &'static str,
    /// Most first.
    pub(super) shares: Vec<Share>,
}

/// A name, how many flows, and what that means.
pub(super) type Share = (String, u64, &'static str);

/// Names that are not folded away.
const LISTED: usize = 10;

/// All of them.
pub(super) fn totals(summary: &Summary) -> [Totals; 4] {
    let lines = |lines: Vec<crate::report::text::summary::Line<'static>>| {
        let lines = lines.into_iter();
        lines
            .map(|line| (line.name, line.count, line.note))
            .collect()
    };
    [
        ("outcome", "How they ended", lines(outcomes(summary))),
        (
            "closer",
            "Who closed first",
            lines(closers(&summary.by_closer)),
        ),
        (
            "cause",
            "Why they were reset",
            lines(causes(&summary.by_cause)),
        ),
        ("finding", "What stands out", findings(summary)),
    ]
    .map(|(field, title, shares)| Totals {
        field,
        title,
        shares,
    })
}

/// Warnings first.
fn findings(summary: &Summary) -> Vec<Share> {
    let rows = Code::ALL.iter().map(|code| code.row());
    let found = rows.filter_map(|row| {
        let count = *summary.findings.get(row.value.name())?;
        Some((row.severity, count, row))
    });
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|(severity, count, _)| Reverse((*severity, *count)));
    let told = found.into_iter();
    told.map(|(_, count, row)| (row.value.name().to_owned(), count, row.term.summary))
        .collect()
}

/// How urgent a finding is, by its name.
pub(super) fn severity(name: &str) -> Option<Severity> {
    let code = Code::ALL.iter().find(|code| code.name() == name);
    code.map(|code| code.row().severity)
}

/// The section; nothing without flows.
pub(super) fn section(totals: &[Totals], flows: u64) -> Markup {
    html! {
        @if flows > 0 {
            h2 { "Totals" }
            p.faint { "Click a line to see its flows in the table below." }
            div.totals { @for total in totals { @if !total.shares.is_empty() {
                div.total {
                    h3 { (total.title) }
                    @for share in total.shares.iter().take(LISTED) { (row(total.field, share, flows)) }
                    @if let Some(more @ [_, ..]) = total.shares.get(LISTED..) {
                        details {
                            summary { "and " (more.len()) " more" }
                            @for share in more { (row(total.field, share, flows)) }
                        }
                    }
                }
            } } }
        }
    }
}

fn row(field: &str, (name, count, note): &Share, all: u64) -> Markup {
    let all = u128::from(all.max(1));
    let tenths = (u128::from(*count) * 1000 + all / 2) / all;
    let percent = match tenths {
        0 => "<0.1".to_owned(),
        _ => format!("{}.{}", tenths / 10, tenths % 10),
    };
    // What there is shows.
    let width = tenths.max(4);
    let width = format!("{}.{}", width / 10, width % 10);
    let severity = severity(name).filter(|_| field == "finding");
    html! {
        button.share type="button" data-field=(field) data-value=(name) aria-pressed="false" {
            span.name {
                @if let Some(severity) = severity { span class={ "dot " (severity) } title=(severity) {} " " }
                (name)
            }
            span.count { (count) span.faint { " " (percent) "%" } }
            svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" {
                rect.ground width="100" height="1" {}
                rect.part width=(width) height="1" {}
            }
            @if !note.is_empty() { span.note.faint { (note) } }
        }
    }
}
