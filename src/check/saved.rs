//! A report that was saved: the JSON Lines of `whoclosed --format json`, line by line.

use crate::close::SCHEMA;
use crate::close::summary::Summary;
use crate::close::verdict::Verdict;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, Read};

/// Bytes of a line at most: a flow takes a few thousand.
const LONGEST: u64 = 4 << 20;

/// What a line tells of a capture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Line {
    /// A flow.
    Flow(Box<Verdict>),
    /// The totals, at the end.
    Summary(Box<Summary>),
}

/// Why a saved report cannot be read on, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It cannot be read.
    #[error("line {line}: {source}")]
    Io {
        /// Number of the line, from 1.
        line: u64,
        /// What the system says.
        source: io::Error,
    },
    /// It is not what was expected.
    #[error("line {line}{}: {what}", place(*.column))]
    Syntax {
        /// Number of the line, from 1.
        line: u64,
        /// The column in bytes, from 1; 0 where it is the whole line.
        column: usize,
        /// What is wrong, and what was expected.
        what: String,
    },
}

fn place(column: usize) -> String {
    match column {
        0 => String::new(),
        _ => format!(", column {column}"),
    }
}

/// True if a file that begins so is a saved report, if anything: a capture never begins with a brace.
#[must_use]
pub fn is_report(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    start.trim_ascii_start().starts_with(b"{")
}

/// The flows and totals of a saved report; other kinds of lines are passed over.
#[derive(Debug)]
pub struct SavedReport<R> {
    read: R,
    /// Lines read.
    line: u64,
    buffer: Vec<u8>,
    ended: bool,
}

/// What every line has.
#[derive(Deserialize)]
struct Head {
    r#type: Option<String>,
    schema: Option<u64>,
}

impl<R: BufRead> SavedReport<R> {
    /// Reads from here on.
    pub const fn new(read: R) -> Self {
        Self {
            read,
            line: 0,
            buffer: Vec::new(),
            ended: false,
        }
    }

    /// Takes the next line into the buffer; false at the end.
    fn fill(&mut self) -> Result<bool, ReportError> {
        self.buffer.clear();
        self.line += 1;
        let mut limited = Read::take(&mut self.read, LONGEST);
        let line = self.line;
        let read = limited.read_until(b'\n', &mut self.buffer);
        let read = read.map_err(|source| ReportError::Io { line, source })?;
        if read as u64 == LONGEST && !self.buffer.ends_with(b"\n") {
            return Err(self.wrong(0, format!("longer than {LONGEST} bytes: this is no report")));
        }
        Ok(read > 0)
    }

    fn parse(&self) -> Result<Option<Line>, ReportError> {
        let text = self.buffer.as_slice();
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if text.trim_ascii().is_empty() {
            return Ok(None);
        }
        let head: Head = self.json(text)?;
        let Some(kind) = head.r#type else {
            let what = "no \"type\": expected a line of `whoclosed --format json`";
            return Err(self.wrong(0, what.to_owned()));
        };
        if let Some(schema) = head.schema.filter(|&schema| schema != u64::from(SCHEMA)) {
            let what = format!("\"schema\": {schema}: expected version {SCHEMA} of the report");
            return Err(self.wrong(0, what));
        }
        Ok(match kind.as_str() {
            "flow" => Some(Line::Flow(self.json(text)?)),
            "summary" => Some(Line::Summary(self.json(text)?)),
            _ => None,
        })
    }

    fn json<T: DeserializeOwned>(&self, text: &[u8]) -> Result<T, ReportError> {
        serde_json::from_slice(text).map_err(|error| {
            let text = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let what = text.strip_suffix(&place).unwrap_or(&text);
            self.wrong(error.column(), what.to_owned())
        })
    }

    const fn wrong(&self, column: usize, what: String) -> ReportError {
        let line = self.line;
        ReportError::Syntax { line, column, what }
    }

    fn step(&mut self) -> Result<Option<Line>, ReportError> {
        while self.fill()? {
            if let Some(line) = self.parse()? {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }
}

/// Ends with the first error.
impl<R: BufRead> Iterator for SavedReport<R> {
    type Item = Result<Line, ReportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.step().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::{SavedReport, is_report};

    fn error(text: &[u8]) -> String {
        let mut lines = SavedReport::new(text);
        let last = lines.by_ref().last().expect("a line");
        assert!(lines.next().is_none());
        last.expect_err("it is wrong").to_string()
    }

    #[test]
    fn errors_name_the_place() {
        assert_eq!(
            error(b"\n{\"a\":1}\n"),
            "line 2: no \"type\": expected a line of `whoclosed --format json`"
        );
        assert_eq!(
            error(b"{\"type\":\"flow\",\"schema\":2}"),
            "line 1: \"schema\": 2: expected version 1 of the report"
        );
        let text = error(b"{\"type\":\"flow\",\"schema\":1,\"flow\":\"x\"}");
        assert!(
            text.starts_with("line 1, column 36: invalid type: string"),
            "{text}"
        );
    }

    #[test]
    fn hostile_lines_end_with_an_error() {
        let open = vec![b'['; 100_000];
        for (field, said) in [("type", "invalid type"), ("other", "EOF while parsing")] {
            let deep = [format!("{{\"{field}\":").as_bytes(), &open].concat();
            let error = error(&deep);
            assert!(error.contains(said), "{error}");
        }
        let long = vec![b' '; 5 << 20];
        assert!(error(&long).contains("longer than"), "{}", error(&long));
        let huge = error(b"{\"type\":\"flow\",\"schema\":1e999}");
        assert!(huge.contains("out of range"), "{huge}");
    }

    #[test]
    fn a_brace_tells_a_report_from_a_capture() {
        assert!(is_report(b"{\"type\""));
        assert!(is_report(b"\xef\xbb\xbf\r\n {"));
        assert!(!is_report(&[0xd4, 0xc3, 0xb2, 0xa1]));
        assert!(!is_report(b""));
    }
}
