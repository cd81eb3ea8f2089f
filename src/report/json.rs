//! The JSON report: JSON Lines, a `flow` per flow, then a `diagnosis` for each, and one `summary`.

mod flow;
mod lines;
mod piece;
mod summary;
mod value;

use crate::close::summary::Summary;
use crate::close::verdict::Verdict;
use crate::patterns::Diagnosis;
use crate::report::Report;
use lines::Lines;
use serde::Serialize;
use std::io::{self, BufWriter, Write};

/// Bytes gathered before they are written out.
const BUFFER: usize = 256 * 1024;

/// JSON Lines into a writer, through a buffer of its own.
#[derive(Debug)]
pub struct JsonReport<W> {
    out: W,
    lines: Lines,
    flows: bool,
}

impl<W: Write> JsonReport<W> {
    /// A report into `out`, which needs no buffer.
    pub fn new(out: W) -> Self {
        // Room for the line that overflows the buffer.
        let lines = Lines::with_capacity(BUFFER + 16 * 1024);
        let flows = true;
        Self { out, lines, flows }
    }

    /// The summary line alone.
    pub fn summary_only(out: W) -> Self {
        let (lines, flows) = (Lines::default(), false);
        Self { out, lines, flows }
    }
}

impl<W: Write> Report for JsonReport<W> {
    fn flow(&mut self, verdict: &Verdict) -> io::Result<()> {
        if !self.flows {
            return Ok(());
        }
        self.lines.flow(verdict);
        if self.lines.text().len() < BUFFER {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(self.lines.text())?;
        self.lines.clear();
        self.out.flush()
    }

    fn diagnoses(&mut self, diagnoses: &[Diagnosis]) -> io::Result<()> {
        self.flush()?;
        let mut out = BufWriter::new(&mut self.out);
        for diagnosis in diagnoses {
            line(&mut out, "diagnosis", diagnosis)?;
        }
        out.flush()
    }

    fn summary(&mut self, summary: &Summary, shown: Option<u64>) -> io::Result<()> {
        let Self { out, lines, .. } = self;
        lines.summary(summary, shown, |lines| {
            out.write_all(lines.text())?;
            lines.clear();
            Ok(())
        })?;
        self.out.flush()
    }
}

/// The line of a flow, for formats that are made from it.
#[derive(Debug, Default)]
pub(super) struct FlowLine(Lines);

impl FlowLine {
    /// The line of this flow.
    pub(super) fn of(&mut self, verdict: &Verdict) -> &str {
        self.0.clear();
        self.0.flow(verdict);
        // Lines are put together from texts.
        str::from_utf8(self.0.text()).unwrap_or_default()
    }
}

/// Writes a line: `type`, and the fields of `object`.
pub(super) fn line<T: Serialize>(out: &mut impl Write, kind: &str, object: &T) -> io::Result<()> {
    let line = Line {
        r#type: kind,
        object,
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'a str,
    #[serde(flatten)]
    object: &'a T,
}

#[cfg(test)]
mod tests {
    use super::JsonReport;
    use crate::report::{Report, samples};
    use serde_json::{Value, json};

    fn report(shown: Option<u64>) -> Vec<Value> {
        let mut out = Vec::new();
        let mut report = JsonReport::new(&mut out);
        let verdicts = samples::one_of_each();
        for verdict in &verdicts {
            report.flow(verdict).unwrap();
        }
        report.summary(&samples::summary(&verdicts), shown).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with(r#"{"type":"flow","schema":1,"flow":0,"#));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_line_per_flow_then_the_summary() {
        let lines = report(None);
        let verdicts = samples::one_of_each();
        assert_eq!(lines.len(), verdicts.len() + 1);
        for (line, verdict) in lines.iter().zip(&verdicts) {
            let mut expected = serde_json::to_value(verdict).unwrap();
            expected["type"] = "flow".into();
            assert_eq!(line, &expected);
        }
        let summary = lines.last().unwrap();
        assert_eq!(summary["type"], "summary");
        assert_eq!(summary["flows"], verdicts.len());
        assert_eq!(summary.get("shown"), None);
    }

    #[test]
    fn the_fields_are_those_of_the_format() {
        let flow = report(None).remove(0);
        let names: Vec<&str> = flow
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let expected = json!({"type":"flow","schema":1,"flow":0,"source":"","client":{},"server":{},
            "roles_from":"","start":"","end":"","first_frame":1,"last_frame":1,"packets":{},
            "payload_bytes":{},"outcome":"","active_closer":"","aborted_by":null,
            "abort_cause":null,"cause_confidence":null,"cause_alternatives":[],"final_ack":"",
            "confidence":"","reason":"","time_wait":[],"final_states":{},"states":{},"close":[],"resets":[],
            "findings":[],"in_flight":null,"previous_flow":null,"wireshark_filter":"","zeek":{}});
        let expected: Vec<&str> = expected
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(names, expected);
    }

    #[test]
    fn the_summary_is_as_serde_writes_it() {
        let summary = samples::summary(&samples::one_of_each());
        let mut out = Vec::new();
        JsonReport::summary_only(&mut out)
            .summary(&summary, None)
            .unwrap();
        let expected = serde_json::to_string(&summary).unwrap();
        let expected = expected.replacen('{', "{\"type\":\"summary\",", 1) + "\n";
        assert_eq!(String::from_utf8(out), Ok(expected));
    }

    #[test]
    fn a_selection_says_how_many_it_left() {
        assert_eq!(report(Some(3)).last().unwrap()["shown"], 3);
    }
}
