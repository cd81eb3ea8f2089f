//! The HTML report: one page with all that it needs, to be opened, printed and sent.
//!
//! What stands still is written here; the flows lie in the page as JSON, of which its script makes the
//! table. Texts of the capture are escaped here and set as text there.

mod chart;
mod flow;
mod held;
mod sample;
mod totals;

use crate::close::finding::Severity;
use crate::close::summary::Summary;
use crate::close::verdict::{Confidence, Verdict};
use crate::close::words::patterns::Pattern;
use crate::ledger::Ledger;
use crate::patterns::Diagnosis;
use crate::report::look::{BAD, FAINT, GOOD, UNUSUAL};
use crate::report::text::{sources, summary as words};
use crate::report::time::{span, utc};
use crate::report::{Look, Report, counted};
use crate::stamp::Time;
use anstyle::Style;
use data_encoding::BASE64;
use held::Held;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sample::Sample;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use totals::{Totals, totals};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The table's columns: the script's name of each, and its heading.
const COLUMNS: &[(&str, &str)] = &[
    ("flow", "flow"),
    ("start", "start, s"),
    ("client", "client"),
    ("server", "server"),
    ("outcome", "outcome"),
    ("closer", "closed first"),
    ("reset", "reset by"),
    ("waits", "TIME-WAIT"),
    ("ack", "final ACK"),
    ("findings", "findings"),
];

/// Diagnoses that are not folded away.
const LISTED: usize = 8;

/// Which part of a page is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Nothing of the page was written before.
    pub begins: bool,
    /// Nothing of the page is written after.
    pub ends: bool,
    /// Which capture it is.
    pub number: usize,
    /// Of how many.
    pub count: usize,
    /// They are captures of the same traffic.
    pub points: bool,
}

impl Part {
    /// A page of one capture.
    pub const WHOLE: Self = Self {
        begins: true,
        ends: true,
        number: 1,
        count: 1,
        points: false,
    };

    /// One of several captures on a page; `begins`: those before it have written nothing.
    #[must_use]
    pub const fn of(number: usize, count: usize, begins: bool) -> Self {
        Self {
            begins,
            ends: number == count,
            number,
            count,
            points: false,
        }
    }
}

/// A page, or a part of one, into a writer at the end.
#[derive(Debug)]
pub struct HtmlReport<W> {
    out: W,
    part: Part,
    flows: Sample,
    diagnoses: Vec<Diagnosis>,
    held: Option<Held>,
}

impl<W: Write> HtmlReport<W> {
    /// A report into `out`.
    pub fn new(out: W, part: Part) -> Self {
        Self {
            out,
            part,
            flows: Sample::default(),
            diagnoses: Vec::new(),
            held: None,
        }
    }

    /// What is written of a capture.
    fn section(&self, summary: &Summary, shown: Option<u64>) -> Markup {
        let Part { number, count, .. } = self.part;
        let start = summary.sources.iter().filter_map(|s| s.start).min();
        let end = summary.sources.iter().filter_map(|s| s.end).max();
        let totals = totals(summary);
        // Flows that are all in order do not tell that ports run out; the books do.
        let warnings = self.held.as_ref().map(Held::warnings).unwrap_or_default();
        let told = |d: &&Diagnosis| warnings.0.is_empty() || d.code != Pattern::Healthy.name();
        let diagnoses: Vec<&Diagnosis> = self.diagnoses.iter().filter(told).collect();
        html! {
            section.capture data-start=[start.map(Time::rfc3339)] data-end=[end.map(Time::rfc3339)] {
                h1 {
                    @if count > 1 { span.faint { "Capture " (number) " of " (count) ": " } }
                    (sources::names(&summary.sources))
                }
                (about(summary, shown))
                @if self.part.points { p.faint {
                    "One of several captures of the same packets, taken at several points; each is \
                     judged by itself."
                } }
                @if !self.diagnoses.is_empty() { h2 { "Diagnosis" } }
                (warnings)
                @for told in diagnoses.iter().take(LISTED) { (diagnosis(told)) }
                @if let Some(more @ [_, ..]) = diagnoses.get(LISTED..) {
                    details { summary { "and " (more.len()) " more" } @for told in more { (diagnosis(told)) } }
                }
                (totals::section(&totals, summary.flows))
                @if let Some(held) = &self.held { (held.sections()) }
                (table(&totals, &self.flows))
                h2 { "Read" }
                pre { (read(summary)) }
            }
        }
    }
}

impl<W: Write> Report for HtmlReport<W> {
    fn flow(&mut self, verdict: &Verdict) -> io::Result<()> {
        if self.flows.takes_next() {
            self.flows.take(flow::json(verdict)?);
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

    fn ledger(&mut self, ledger: &Ledger, period: (Time, Time)) -> io::Result<()> {
        self.held = Some(Held::of(ledger, period));
        Ok(())
    }

    fn summary(&mut self, summary: &Summary, shown: Option<u64>) -> io::Result<()> {
        if self.part.begins {
            let names = sources::names(&summary.sources);
            let more = match self.part.count {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            let head = head(&format!("{names}{more}: who closed"));
            self.out.write_all(head.into_string().as_bytes())?;
        }
        let section = self.section(summary, shown);
        self.out.write_all(section.into_string().as_bytes())?;
        if self.part.ends {
            self.out.write_all(b"</main></body></html>\n")?;
        }
        self.out.flush()
    }
}

/// All before the first section. The browser closes what stays open.
fn head(title: &str) -> Markup {
    // Nothing is loaded from anywhere, and no other script runs.
    let mut script = [0; 44];
    BASE64.encode_mut(&Sha256::digest(SCRIPT), &mut script);
    let script = String::from_utf8_lossy(&script);
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script}'; base-uri 'none'; \
         form-action 'none'"
    );
    html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\">"))
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="referrer" content="no-referrer";
            title { (title) }
            style { (PreEscaped(STYLE)) }
            script { (PreEscaped(SCRIPT)) }
        }
        (PreEscaped("<body><main>"))
    }
}

/// How much there is, of when, and where it was captured.
fn about(summary: &Summary, shown: Option<u64>) -> Markup {
    let start = summary.sources.iter().filter_map(|s| s.start).min();
    let end = summary.sources.iter().filter_map(|s| s.end).max();
    let damage: usize = summary.sources.iter().map(|s| s.damage.len()).sum();
    html! {
        p {
            strong { (counted(summary.flows, "TCP flow")) }
            @if let Some((start, end)) = start.zip(end) {
                " in " (span(end.since(start))) " from " (utc(start, 3))
            }
            @if let Some(place) = words::place(&summary.vantage) { span.faint { "; " (place) } }
        }
        @if let Some(shown) = shown {
            p.unusual { (counted(shown, "flow")) " selected for the table (--only, --flow); all else is on all flows" }
        }
        @if damage > 0 { p.bad { "The capture is damaged: see at the end what was read." } }
        @if summary.interrupted { p.unusual { "Interrupted: the rest of the capture was not read." } }
    }
}

/// What was read, as the text report tells it.
fn read(summary: &Summary) -> String {
    let mut text = Vec::new();
    // Writing to a list cannot fail.
    let _ = sources::list(&mut text, Look::default(), summary);
    String::from_utf8_lossy(&text).into_owned()
}

fn diagnosis(told: &Diagnosis) -> Markup {
    html! {
        div.told.(told.severity) {
            p {
                strong { (told.code) } " " (told.message)
                @if told.confidence != Confidence::Certain { " (" (told.confidence) ")" } " "
                button type="button" data-example=(told.example.flow) { "show flow " (told.example.flow) }
            }
            @if told.severity != Severity::Info { p.faint { (told.advice) } }
        }
    }
}

fn table(totals: &[Totals], flows: &Sample) -> Markup {
    html! {
        h2 { "Flows" }
        @if let Some(every) = flows.left_out() {
            p.unusual {
                "There are " (flows.seen()) " flows; the table holds one of " (every) ", " (flows.len())
                " in all. Totals and charts are on all of them. Choose some with --only or --filter to \
                 have them all."
            }
        }
        noscript { p.unusual { "The table needs JavaScript; whoclosed --format text prints one without." } }
        p.faint {
            "A click on a flow shows its close step by step. Marks: ? likely, ?? possible, without a mark \
             certain. " code { "whoclosed terms NAME" } " explains every word."
        }
        div.tools {
            input.find type="search" placeholder="address, port, outcome, finding .." aria-label="Find flows with these words";
            @for total in totals { @if total.shares.len() > 1 {
                select data-field=(total.field) aria-label=(total.title) {
                    option value="" { (total.title) ": all" }
                    @for (name, ..) in &total.shares { option value=(name) { (name) } }
                }
            } }
            button.clear type="button" hidden { "Clear" }
        }
        div.pages { span.shown.faint role="status" {} button.back type="button" hidden { "‹ before" }
            button.on type="button" hidden { "next ›" } }
        div.wide { table.flows {
            thead { tr { @for (name, heading) in COLUMNS {
                th data-column=(name) scope="col" { button type="button" { (heading) } }
            } } }
            tbody {}
        } }
        script.flows type="application/json" { (PreEscaped(flows.json())) }
    }
}

/// The class of a style of the text report.
fn class(style: Style) -> &'static str {
    let classes = [
        (GOOD, "good"),
        (UNUSUAL, "unusual"),
        (BAD, "bad"),
        (FAINT, "faint"),
    ];
    let found = classes.into_iter().find(|(known, _)| *known == style);
    found.map_or("", |(_, class)| class)
}

#[cfg(test)]
mod tests {
    use super::{HtmlReport, Part, SCRIPT};
    use crate::close::verdict::Verdict;
    use crate::report::{Report, samples};
    use serde_json::{Value, json};

    fn part(verdicts: &[Verdict], count: usize, part: Part) -> String {
        let mut out = Vec::new();
        let mut report = HtmlReport::new(&mut out, part);
        for at in 0..count {
            report.flow(&verdicts[at % verdicts.len()]).unwrap();
        }
        report.summary(&samples::summary(verdicts), None).unwrap();
        drop(report);
        String::from_utf8(out).unwrap()
    }

    fn page(verdicts: &[Verdict], count: usize) -> String {
        part(verdicts, count, Part::WHOLE)
    }

    fn flows(page: &str) -> Vec<Value> {
        let start = "<script class=\"flows\" type=\"application/json\">";
        let (_, rest) = page.split_once(start).unwrap();
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
            assert!(page.contains(&format!("data-value=\"{}\"", verdict.outcome)));
            let last = flow["ladder"].as_array().unwrap().last().unwrap();
            assert!(last[5].is_string() && last[6].is_string());
        }
        assert!(!page.contains("the table holds one of"));
    }

    #[test]
    fn a_page_of_each_outcome() {
        let verdicts = samples::one_of_each();
        let page = page(&verdicts, verdicts.len());
        let (_, body) = page.split_once("<body>").unwrap();
        let (body, _) = body.split_once("<script").unwrap();
        // Read it line by line.
        insta::assert_snapshot!(body.replace('>', ">\n").replace("</", "\n</"));
    }

    #[test]
    fn of_many_flows_some_are_taken_and_that_is_said() {
        let page = page(&samples::one_of_each(), 25_000);
        assert_eq!(flows(&page).len(), 25_000_usize.div_ceil(4));
        assert!(page.contains("the table holds one of 4, 6250 in all."));
    }

    #[test]
    fn several_captures_make_one_page() {
        let verdicts = samples::one_of_each();
        let parts = [Part::of(1, 2, true), Part::of(2, 2, false)];
        let parts = parts.map(|which| part(&verdicts, 3, which));
        let page = parts.concat();
        for (what, count) in [
            ("<!DOCTYPE html>", 1),
            ("<style>", 1),
            ("<section", 2),
            ("</section>", 2),
            ("</html>", 1),
        ] {
            assert_eq!(page.matches(what).count(), count, "{what}");
        }
        assert!(page.contains("Capture 2 of 2: "));
    }

    #[test]
    fn nothing_of_a_capture_becomes_markup() {
        let evil = "</script><script>alert('\"&\u{1b}')</script><!--";
        let verdict = samples::verdict(0, json!({"reason": evil}));
        let mut out = Vec::new();
        let mut report = HtmlReport::new(&mut out, Part::WHOLE);
        report.flow(&verdict).unwrap();
        let mut summary = samples::summary(std::slice::from_ref(&verdict));
        summary.sources[0].source = evil.into();
        summary.sources[0].interfaces = vec![evil.to_owned()];
        summary.sources[0].damage[0].what = evil.into();
        report.summary(&summary, None).unwrap();
        drop(report);
        let page = String::from_utf8(out).unwrap();
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("<!--") && !page.contains('\u{1b}'));
        let escaped = "&lt;/script&gt;&lt;script&gt;alert('&quot;&amp;";
        // Title, heading, name, interface and damage.
        assert_eq!(page.matches(escaped).count(), 5);
        assert_eq!(flows(&page)[0]["reason"], evil);
    }

    #[test]
    fn nothing_is_loaded_and_no_text_is_parsed_as_markup() {
        let page = page(&samples::one_of_each(), 3);
        for way in ["http://", "https://", " src=", " href=", "@import", "url("] {
            assert!(!page.contains(way), "{way}");
        }
        assert!(page.contains("default-src 'none'"));
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
