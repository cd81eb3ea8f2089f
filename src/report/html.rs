//! The HTML report: one page with all that it needs, to be opened, printed and sent.
//!
//! The frame of the page and the diagnosis are written here; the flows lie in it as JSON, of which its
//! script makes the table. Texts of the capture are escaped here and set as text there.

mod sample;

use crate::close::finding::Severity;
use crate::close::summary::Summary;
use crate::close::verdict::{
    AbortCause, AbortedBy, ActiveCloser, Confidence, FinalAck, Finding, Outcome, TimeWaits, Verdict,
};
use crate::patterns::Diagnosis;
use crate::report::explain::{Ladder, ladder};
use crate::report::{Report, printable};
use crate::stamp::Time;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sample::Sample;
use serde::Serialize;
use std::io::{self, Write};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
/// Nothing is loaded from anywhere.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// The table's columns: the script's name of each, and its heading.
const COLUMNS: &[(&str, &str)] = &[
    ("flow", "flow"),
    ("start", "start"),
    ("client", "client"),
    ("server", "server"),
    ("outcome", "outcome"),
    ("closer", "by"),
    ("cause", "cause"),
    ("waits", "TIME-WAIT"),
    ("final_ack", "final ACK"),
    ("findings", "findings"),
];

/// What the page tells of a flow.
#[derive(Serialize)]
struct Shown<'a> {
    flow: u64,
    start: Option<Time>,
    client: String,
    server: String,
    outcome: Outcome,
    confidence: Confidence,
    closer: ActiveCloser,
    aborted_by: Option<AbortedBy>,
    cause: Option<AbortCause>,
    time_wait: &'a TimeWaits,
    final_ack: FinalAck,
    reason: &'a str,
    findings: &'a [Finding],
    wireshark_filter: String,
    ladder: Ladder,
}

/// A page into a writer, at the end.
#[derive(Debug)]
pub struct HtmlReport<W> {
    out: W,
    flows: Sample,
    diagnoses: Vec<Diagnosis>,
}

impl<W: Write> HtmlReport<W> {
    /// A report into `out`.
    pub fn new(out: W) -> Self {
        let (flows, diagnoses) = (Sample::default(), Vec::new());
        Self {
            out,
            flows,
            diagnoses,
        }
    }
}

impl<W: Write> Report for HtmlReport<W> {
    fn flow(&mut self, verdict: &Verdict) -> io::Result<()> {
        if self.flows.takes_next() {
            self.flows.take(flow(verdict)?);
        }
        Ok(())
    }

    /// A page is written at once.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn diagnoses(&mut self, diagnoses: &[Diagnosis]) -> io::Result<()> {
        self.diagnoses = diagnoses.to_vec();
        Ok(())
    }

    fn summary(&mut self, summary: &Summary, _: Option<u64>) -> io::Result<()> {
        let page = page(summary, &self.diagnoses, &self.flows);
        self.out.write_all(page.into_string().as_bytes())?;
        self.out.flush()
    }
}

/// A flow in JSON, fit for a script element: no `<` that could end it.
fn flow(verdict: &Verdict) -> io::Result<String> {
    let shown = Shown {
        flow: verdict.flow,
        start: verdict.start,
        client: verdict.client.to_string(),
        server: verdict.server.to_string(),
        outcome: verdict.outcome,
        confidence: verdict.confidence,
        closer: verdict.active_closer,
        aborted_by: verdict.aborted_by,
        cause: verdict.abort_cause,
        time_wait: &verdict.time_wait,
        final_ack: verdict.final_ack,
        reason: &verdict.reason,
        findings: &verdict.findings,
        wireshark_filter: verdict.wireshark_filter.to_string(),
        ladder: ladder(verdict),
    };
    // Outside of texts JSON has none.
    Ok(serde_json::to_string(&shown)?.replace('<', "\\u003c"))
}

fn page(summary: &Summary, diagnoses: &[Diagnosis], flows: &Sample) -> Markup {
    let names: Vec<_> = summary
        .sources
        .iter()
        .map(|source| printable(&source.source))
        .collect();
    let names = names.join(", ");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "whoclosed: " (names) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { "Who closed: " (names) }
                p.faint { (super::counted(summary.flows, "TCP flow")) (period(summary)) }
                @for source in &summary.sources {
                    @for damage in &source.damage {
                        p.bad { (printable(&source.source)) ", frame " (damage.frame) ": " (printable(&damage.what)) }
                    }
                }
                h2 { "Diagnosis" }
                @for told in diagnoses { (diagnosis(told)) }
                h2 { "Outcomes" }
                @for (name, count) in &summary.by_outcome { (share(name, *count, summary.flows)) }
                h2 { "Flows" }
                (table(summary, flows))
                script id="flows" type="application/json" { (PreEscaped(flows.json())) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// From when to when.
fn period(summary: &Summary) -> String {
    let start = summary.sources.iter().filter_map(|s| s.start).min();
    let end = summary.sources.iter().filter_map(|s| s.end).max();
    let utc = |time| super::time::utc(time, 3);
    match (start, end) {
        (Some(start), Some(end)) => format!(", {} to {}", utc(start), utc(end)),
        _ => String::new(),
    }
}

fn diagnosis(told: &Diagnosis) -> Markup {
    html! {
        div.told.(told.severity) {
            p { strong { (told.code) } " " (told.message) @if told.confidence != Confidence::Certain { " (" (told.confidence) ")" } }
            @if told.severity != Severity::Info { p.faint { (told.advice) } }
            button type="button" data-example=(told.example.flow) { "flow " (told.example.flow) }
        }
    }
}

/// An outcome's share of the flows; a click chooses those.
fn share(name: &str, count: u64, all: u64) -> Markup {
    let tenths = count.saturating_mul(1000) / all.max(1);
    let percent = format!("{}.{}%", tenths / 10, tenths % 10);
    let width = format!("width:{percent}");
    html! {
        button.share type="button" data-outcome=(name) aria-pressed="false" {
            span { (name) } span { span.bar style={ "display:block;" (width) } {} }
            span { (count) " (" (percent) ")" }
        }
    }
}

fn table(summary: &Summary, flows: &Sample) -> Markup {
    html! {
        @if let Some(every) = flows.left_out() {
            p.unusual { "The table holds one flow of " (every) "; choose some with --only to see them all." }
        }
        noscript { p { "The table needs JavaScript; whoclosed --format text prints one without." } }
        div.tools {
            input #find type="search" placeholder="address, port, outcome, finding .." aria-label="Filter";
            select #outcome aria-label="Outcome" {
                option value="" { "every outcome" }
                @for name in summary.by_outcome.keys() { option value=(name) { (name) } }
            }
            span #count.faint role="status" {}
        }
        div.wide { table.flows {
            thead { tr { @for (name, heading) in COLUMNS {
                th data-column=(name) scope="col" { button type="button" { (heading) } }
            } } }
            tbody #rows {}
        } }
        button #more type="button" hidden { "more flows" }
    }
}

#[cfg(test)]
mod tests {
    use super::{HtmlReport, SCRIPT};
    use crate::close::verdict::Verdict;
    use crate::report::{Report, samples};
    use serde_json::{Value, json};

    fn page(verdicts: &[Verdict], count: usize) -> String {
        let mut out = Vec::new();
        let mut report = HtmlReport::new(&mut out);
        for at in 0..count {
            report.flow(&verdicts[at % verdicts.len()]).unwrap();
        }
        report.summary(&samples::summary(verdicts), None).unwrap();
        drop(report);
        String::from_utf8(out).unwrap()
    }

    fn flows(page: &str) -> Vec<Value> {
        let (_, rest) = page
            .split_once("<script id=\"flows\" type=\"application/json\">")
            .unwrap();
        let (json, _) = rest.split_once("</script>").unwrap();
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn every_flow_is_in_it_with_its_ladder() {
        let verdicts = samples::one_of_each();
        let page = page(&verdicts, verdicts.len());
        let flows = flows(&page);
        assert_eq!(flows.len(), verdicts.len());
        for (flow, verdict) in flows.iter().zip(&verdicts) {
            assert_eq!(flow["outcome"], verdict.outcome.name());
            assert_eq!(flow["reason"], verdict.reason);
            assert!(page.contains(&format!("data-outcome=\"{}\"", verdict.outcome)));
            let ladder = &flow["ladder"];
            assert_eq!(ladder["end"]["client"], verdict.final_states.client.name());
            assert!(ladder["steps"].is_array() && ladder["before"]["server"].is_string());
        }
        assert!(!page.contains("The table holds one flow of"));
    }

    #[test]
    fn of_many_flows_some_are_taken_and_that_is_said() {
        let page = page(&samples::one_of_each(), 25_000);
        assert_eq!(flows(&page).len(), 25_000_usize.div_ceil(4));
        assert!(page.contains("The table holds one flow of 4;"));
    }

    #[test]
    fn nothing_of_a_capture_becomes_markup() {
        let evil = "</script><script>alert('\"&\u{1b}')</script><!--";
        let verdict = samples::verdict(0, json!({"reason": evil}));
        let mut out = Vec::new();
        let mut report = HtmlReport::new(&mut out);
        report.flow(&verdict).unwrap();
        let mut summary = samples::summary(std::slice::from_ref(&verdict));
        summary.sources[0].source = evil.into();
        summary.sources[0].damage[0].what = evil.into();
        report.summary(&summary, None).unwrap();
        drop(report);
        let page = String::from_utf8(out).unwrap();
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("<!--") && !page.contains('\u{1b}'));
        assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert('&quot;&amp;"));
        assert_eq!(flows(&page)[0]["reason"], evil);
    }

    #[test]
    fn nothing_is_loaded_and_no_text_is_parsed_as_markup() {
        let page = page(&samples::one_of_each(), 3);
        for way in ["http://", "https://", "src=", "href=", "@import", "url("] {
            assert!(!page.contains(way), "{way}");
        }
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval(",
        ] {
            assert!(!SCRIPT.contains(way), "{way}");
        }
    }
}
