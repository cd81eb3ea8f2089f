//! The CSV report: a row per flow, and a column for each value that the JSON report has of one.
//!
//! The columns are the table of fields, nested objects spread out: `client` becomes `client_addr` and
//! `client_port`. The cells are cut from the flow's JSON line, so that the two cannot differ: text
//! without its quotes, numbers and names as they are, nothing for `null` and what is left out, and
//! lists as JSON. What is listed once per side, TIME-WAIT, has columns for each side.

use crate::close::summary::Summary;
use crate::close::terms::Group;
use crate::close::verdict::{Side, Verdict};
use crate::patterns::Diagnosis;
use crate::report::Report;
use crate::report::fields::{FLOW, Field, Kind, Object};
use crate::report::json::FlowLine;
use ::csv::{Writer, WriterBuilder};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Bytes gathered before they are written out.
const BUFFER: usize = 256 * 1024;
/// The field that says whose an item of a list is.
const OWNER: &str = "owner";

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// Its name: those of the fields that lead to the value, joined by `_`.
    pub name: String,
    /// The field whose value it holds.
    pub field: &'static Field,
}

/// The columns, in order.
#[must_use]
pub fn columns() -> Vec<Column> {
    let mut columns = Vec::new();
    // What is not there cannot be malformed.
    let _ = walk(&FLOW, (Path::Root, None), &mut |path, field, _| {
        let name = path.name(field.name);
        columns.push(Column { name, field });
        Ok(())
    });
    columns
}

/// Rows of CSV into a writer, through a buffer of its own. They hold what the verdicts do: the
/// Community ID if that was asked for when they were made.
#[derive(Debug)]
pub struct CsvReport<W: Write> {
    out: Writer<W>,
    line: FlowLine,
    /// The names of the columns have been written.
    named: bool,
}

impl<W: Write> CsvReport<W> {
    /// A report into `out`, which needs no buffer.
    pub fn new(out: W) -> Self {
        let out = WriterBuilder::new()
            .buffer_capacity(BUFFER)
            .from_writer(out);
        let line = FlowLine::default();
        let named = false;
        Self { out, line, named }
    }

    /// More rows of a table whose columns were named before.
    pub fn more(out: W) -> Self {
        let mut report = Self::new(out);
        report.named = true;
        report
    }

    /// The first row.
    fn name_columns(&mut self) -> io::Result<()> {
        if !self.named {
            self.named = true;
            self.out.write_record(columns().iter().map(|c| &c.name))?;
        }
        Ok(())
    }
}

impl<W: Write> Report for CsvReport<W> {
    fn flow(&mut self, verdict: &Verdict) -> io::Result<()> {
        self.name_columns()?;
        let Self { out, line, .. } = self;
        let line = Some(line.of(verdict));
        walk(&FLOW, (Path::Root, line), &mut |_, _, value| {
            cell(out, value)
        })?;
        out.write_record(None::<&[u8]>)?;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// A table of flows has no place for them.
    fn diagnoses(&mut self, _: &[Diagnosis]) -> io::Result<()> {
        Ok(())
    }

    /// A table of flows has no place for the totals; of no flow it has the names of the columns.
    fn summary(&mut self, _: &Summary, _: Option<u64>) -> io::Result<()> {
        self.name_columns()?;
        self.out.flush()
    }
}

/// How the walk came to an object.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Below(&'a Path<'a>, &'static str),
}

impl Path<'_> {
    /// The name of a column below it.
    fn name(self, last: &str) -> String {
        match self {
            Path::Root => last.to_owned(),
            Path::Below(parent, own) => format!("{}_{last}", parent.name(own)),
        }
    }
}

/// What is done with a column: the way to its object, its field, and the value's JSON if there is one.
type See<'s> = dyn FnMut(Path, &'static Field, Option<&str>) -> io::Result<()> + 's;

/// Goes through an object's columns, with or without a value of it in JSON.
fn walk(
    object: &'static Object,
    (path, json): (Path, Option<&str>),
    see: &mut See,
) -> io::Result<()> {
    let values = match json {
        Some(json) => values(json)?,
        None => BTreeMap::new(),
    };
    for field in object.fields {
        let value = values.get(field.name).map(|value| value.get());
        let value = value.filter(|&json| json != "null");
        let below = Path::Below(&path, field.name);
        match field.kind {
            Kind::Nested(inner) => walk(inner, (below, value), see)?,
            Kind::List(Kind::Nested(item)) if is_once_per_side(item) => {
                walk_sides(item, (below, value), see)?;
            }
            // Its side is in the names of the columns.
            Kind::Name(Group::Side) if field.name == OWNER => {}
            _ => see(path, field, value)?,
        }
    }
    Ok(())
}

/// Goes through the columns of a list that has at most one item for each side.
fn walk_sides(
    item: &'static Object,
    (path, list): (Path, Option<&str>),
    see: &mut See,
) -> io::Result<()> {
    let items: Vec<&RawValue> = serde_json::from_str(list.unwrap_or("[]"))?;
    for side in Side::ALL {
        let mut own = None;
        for item in &items {
            let owner: Option<Side> = values(item.get())?
                .get(OWNER)
                .and_then(|owner| serde_json::from_str(owner.get()).ok());
            if owner == Some(*side) {
                own = Some(item.get());
            }
        }
        let below = Path::Below(&path, side.name());
        walk(item, (below, own), see)?;
    }
    Ok(())
}

fn is_once_per_side(item: &Object) -> bool {
    item.fields.iter().any(|field| field.name == OWNER)
}

/// The values of an object in JSON, as they stand there.
fn values(json: &str) -> io::Result<BTreeMap<&str, &RawValue>> {
    Ok(serde_json::from_str(json)?)
}

/// Writes a cell.
fn cell<W: Write>(out: &mut Writer<W>, json: Option<&str>) -> io::Result<()> {
    let json = json.unwrap_or_default();
    let text = json
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match text {
        None => out.write_field(json)?,
        Some(text) if !text.contains('\\') => out.write_field(text)?,
        Some(_) => out.write_field(serde_json::from_str::<String>(json)?)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{CsvReport, columns};
    use crate::report::{Report, samples};
    use serde_json::json;
    use std::collections::BTreeSet;

    fn rows(report: impl FnOnce(&mut CsvReport<&mut Vec<u8>>)) -> Vec<Vec<String>> {
        let mut out = Vec::new();
        report(&mut CsvReport::new(&mut out));
        let mut reader = ::csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(out.as_slice());
        let rows = reader.records().map(|row| row.unwrap());
        rows.map(|row| row.iter().map(str::to_owned).collect())
            .collect()
    }

    #[test]
    fn no_two_columns_have_one_name() {
        let columns = columns();
        let names: BTreeSet<_> = columns.iter().map(|column| &column.name).collect();
        assert_eq!(names.len(), columns.len());
        for name in [
            "flow",
            "client_addr",
            "packets_server",
            "time_wait_client_ended_by",
            "time_wait_server_left_ns",
            "final_states_server",
            "findings",
            "zeek_conn_state",
            "silence_by",
            "application_server_words",
            "community_id",
        ] {
            assert!(names.contains(&name.to_owned()), "{name} of {names:?}");
        }
        assert!(names.iter().all(|name| !name.ends_with("owner")));
    }

    #[test]
    fn without_flows_the_columns_are_named() {
        let rows = rows(|report| report.summary(&samples::summary(&[]), None).unwrap());
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].len(), columns().len());
    }

    #[test]
    fn what_a_name_holds_stays_in_its_cell() {
        for name in [
            "a,b.pcap",
            "\"quoted\".pcap",
            "two\nlines\r\n.pcap",
            "tab\there \u{1b}[2J \u{202e}\\x00\u{0}.pcap",
            "büro;\u{feff}=1+1",
            "",
        ] {
            let verdict = samples::verdict(0, json!({"source": name}));
            let rows = rows(|report| report.flow(&verdict).unwrap());
            assert_eq!(rows.len(), 2, "{name:?}");
            let at = rows[0].iter().position(|column| column == "source");
            assert_eq!(rows[1][at.unwrap()], name);
            assert_eq!(rows[1].len(), rows[0].len());
        }
    }

    #[test]
    fn more_rows_have_no_second_head() {
        let mut out = Vec::new();
        let mut report = CsvReport::more(&mut out);
        report.flow(&samples::verdict(3, json!({}))).unwrap();
        report.summary(&samples::summary(&[]), None).unwrap();
        drop(report);
        assert!(out.starts_with(b"1,3,a.pcap,10.0.0.1,40003,10.0.0.2,80,syn,"));
        assert_eq!(out.split_inclusive(|&byte| byte == b'\n').count(), 1);
    }
}
