//! The report as Zeek writes its conn.log: tab-separated, with the head that zeek-cut reads.
//!
//! First the columns of conn.log in Zeek's order, as far as they are known, then `community_id` under
//! the name that Zeek gives it, then ours. Not known here, and unset: on which side hosts are, what a
//! gap has swallowed, and the lengths of IP packets.

mod cell;
mod columns;

use crate::close::summary::Summary;
use crate::close::verdict::Verdict;
use crate::patterns::Diagnosis;
use crate::report::Report;
use crate::stamp::Time;
use cell::{EMPTY, Row, UNSET};
use columns::COLUMNS;
use std::io::{self, BufWriter, Write};

/// Bytes gathered before they are written out.
const BUFFER: usize = 256 * 1024;

/// Which part of a log a report writes, where several make up one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// It begins the log, with its head.
    pub first: bool,
    /// It ends the log.
    pub last: bool,
}

impl Part {
    /// The whole log.
    pub const WHOLE: Self = Self {
        first: true,
        last: true,
    };
}

/// A conn.log into a writer, through a buffer of its own.
#[derive(Debug)]
pub struct ZeekReport<W: Write> {
    out: BufWriter<W>,
    row: Row,
    part: Part,
    /// When the capture began.
    began: Option<Time>,
    /// The head is still to be written.
    headless: bool,
}

impl<W: Write> ZeekReport<W> {
    /// A report into `out`, which needs no buffer; the capture began at `began`.
    pub fn new(out: W, began: Option<Time>, part: Part) -> Self {
        Self {
            out: BufWriter::with_capacity(BUFFER, out),
            row: Row::default(),
            part,
            began,
            headless: part.first,
        }
    }

    /// The head, in the order in which Zeek writes it. The log opens when the capture begins, so that
    /// the same capture makes the same log.
    fn head(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.headless) {
            return Ok(());
        }
        let out = &mut self.out;
        writeln!(out, "#separator \\x09")?;
        writeln!(out, "#set_separator\t,")?;
        writeln!(out, "#empty_field\t{EMPTY}")?;
        writeln!(out, "#unset_field\t{UNSET}")?;
        writeln!(out, "#path\tconn")?;
        moment(out, "open", self.began)?;
        write!(out, "#fields")?;
        for column in COLUMNS {
            write!(out, "\t{}", column.name)?;
        }
        write!(out, "\n#types")?;
        for column in COLUMNS {
            write!(out, "\t{}", column.kind)?;
        }
        writeln!(out)
    }
}

impl<W: Write> Report for ZeekReport<W> {
    fn flow(&mut self, verdict: &Verdict) -> io::Result<()> {
        self.head()?;
        self.row.clear();
        for column in COLUMNS {
            self.row.begin();
            (column.write)(verdict, &mut self.row);
        }
        writeln!(self.out, "{}", self.row.text())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// A log of connections has no place for them.
    fn diagnoses(&mut self, _: &[Diagnosis]) -> io::Result<()> {
        Ok(())
    }

    /// A log of connections has no place for the totals; it ends with the capture.
    fn summary(&mut self, summary: &Summary, _: Option<u64>) -> io::Result<()> {
        self.head()?;
        if self.part.last {
            let ends = summary.sources.iter().filter_map(|source| source.end);
            moment(&mut self.out, "close", ends.max())?;
        }
        self.out.flush()
    }
}

/// A line with a time in UTC, as `2026-11-21-02-00-00`; none where it is not known.
fn moment(out: &mut impl Write, name: &str, time: Option<Time>) -> io::Result<()> {
    let Some(time) = time else { return Ok(()) };
    let text = time.rfc3339().replace(['T', ':'], "-");
    writeln!(out, "#{name}\t{}", text.get(..19).unwrap_or(UNSET))
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, Part, ZeekReport};
    use crate::close::verdict::Verdict;
    use crate::report::{Report, samples};
    use crate::stamp::Time;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn log(part: Part, verdicts: &[Verdict]) -> String {
        let mut out = Vec::new();
        let began = Some(Time(1_795_226_400_000_000_000));
        let mut report = ZeekReport::new(&mut out, began, part);
        for verdict in verdicts {
            report.flow(verdict).unwrap();
        }
        report.summary(&samples::summary(verdicts), None).unwrap();
        drop(report);
        String::from_utf8(out).unwrap()
    }

    /// The value of a column, as it stands there.
    fn value(name: &str, changes: serde_json::Value) -> String {
        let log = log(Part::WHOLE, &[samples::verdict(0, changes)]);
        let row = log.lines().find(|line| !line.starts_with('#')).unwrap();
        let at = COLUMNS.iter().position(|column| column.name == name);
        row.split('\t').nth(at.unwrap()).unwrap().to_owned()
    }

    #[test]
    fn a_log_of_every_outcome() {
        insta::assert_snapshot!(log(Part::WHOLE, &samples::one_of_each()));
    }

    #[test]
    fn no_two_columns_have_one_name() {
        let names: BTreeSet<_> = COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), COLUMNS.len());
    }

    #[test]
    fn several_parts_are_one_log() {
        let verdicts = samples::one_of_each();
        let whole = log(Part::WHOLE, &verdicts);
        let (first, last) = (true, true);
        let mut parts = String::new();
        let (some, others) = verdicts.split_at(5);
        parts.push_str(&log(Part { first, last: false }, some));
        parts.push_str(&log(Part { first: false, last }, others));
        assert_eq!(parts, whole);
    }

    #[test]
    fn what_a_name_holds_stays_in_its_cell() {
        for (name, shown) in [
            ("a b.pcap", "a b.pcap"),
            ("tab\tnew\nline\r.pcap", "tab\\x09new\\x0aline\\x0d.pcap"),
            ("\u{1b}[2J\u{202e}", "\\x1b[2J\\xe2\\x80\\xae"),
            ("büro\\x09", "büro\\x5cx09"),
            ("-", "\\x2d"),
            ("(empty)", "\\x28empty)"),
            ("", "(empty)"),
            ("#close", "#close"),
        ] {
            assert_eq!(value("source", json!({"source": name})), shown, "{name:?}");
        }
    }

    #[test]
    fn bytes_are_set_where_zeek_sets_them() {
        assert_eq!(value("orig_bytes", json!({})), "120");
        assert_eq!(value("duration", json!({})), "2.040000");
        // One packet alone, or several at one moment.
        let moment = json!({"end": samples::at(0)});
        assert_eq!(value("orig_bytes", moment.clone()), "-");
        assert_eq!(value("duration", moment.clone()), "-");
        assert_eq!(value("orig_pkts", moment), "6");
        let unknown = json!({"start": null, "end": null});
        assert_eq!(value("ts", unknown.clone()), "-");
        assert_eq!(value("orig_bytes", unknown), "-");
    }

    #[test]
    fn uids_differ_and_stay() {
        let uids: Vec<String> = (1..50)
            .map(|frame| value("uid", json!({"first_frame": frame})))
            .collect();
        let different: BTreeSet<&String> = uids.iter().collect();
        assert_eq!(different.len(), uids.len());
        assert_eq!(uids[0], value("uid", json!({})));
        for uid in &uids {
            assert!(uid.len() == 18 && uid.starts_with('C'), "{uid}");
            assert!(uid.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        }
    }
}
