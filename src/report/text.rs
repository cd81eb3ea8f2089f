//! The text report: a table with one line per flow, what many of them show, then the summary.

mod cells;
mod diagnosis;
pub(super) mod sources;
pub(super) mod summary;
mod table;

use crate::close::myths::{MYTHS, Marks};
use crate::close::summary::Summary;
use crate::close::verdict::Verdict;
use crate::patterns::Diagnosis;
use crate::report::{Clock, Look, Report};
use cells::row;
pub(super) use cells::{mark, style, time_wait};
use std::io::{self, Write};
use table::{Layout, Row};

/// Flows whose cells decide the widths of the columns. Later ones that are wider shift only
/// their own line.
const LOOKAHEAD: usize = 256;

/// The report for people, into a buffered writer.
#[derive(Debug)]
pub struct TextReport<W> {
    out: W,
    look: Look,
    clock: Clock,
    table: Table,
    /// How many flows each row of [`MYTHS`] applies to.
    myths: [u64; MYTHS.len()],
    /// A diagnosis was written.
    told: bool,
}

/// What becomes of the table of flows.
#[derive(Debug)]
enum Table {
    /// Not wanted: only the summary.
    Hidden,
    /// The first flows are kept back until the widths are known.
    Waiting(Vec<Row>),
    /// The header is written.
    Begun(Layout),
}

impl<W: Write> TextReport<W> {
    /// The table of flows and the summary.
    pub const fn new(out: W, look: Look, clock: Clock) -> Self {
        let table = Table::Waiting(Vec::new());
        Self {
            out,
            look,
            clock,
            table,
            myths: [0; MYTHS.len()],
            told: false,
        }
    }

    /// The summary alone.
    pub const fn summary_only(out: W, look: Look) -> Self {
        let clock = Clock::new(crate::report::TimeStyle::Relative, None);
        let table = Table::Hidden;
        Self {
            out,
            look,
            clock,
            table,
            myths: [0; MYTHS.len()],
            told: false,
        }
    }

    /// Writes the header and the rows kept back. Without rows there is no header.
    fn begin(&mut self) -> io::Result<()> {
        let Table::Waiting(rows) = &mut self.table else {
            return Ok(());
        };
        let rows = std::mem::take(rows);
        if rows.is_empty() {
            return Ok(());
        }
        let layout = Layout::of(&rows, self.look);
        layout.header(&mut self.out)?;
        for row in &rows {
            layout.row(&mut self.out, row)?;
        }
        self.table = Table::Begun(layout);
        Ok(())
    }
}

impl<W: Write> Report for TextReport<W> {
    fn flow(&mut self, verdict: &Verdict) -> io::Result<()> {
        let marks = Marks::of(verdict);
        if !marks.is_none() {
            for (count, myth) in self.myths.iter_mut().zip(MYTHS) {
                *count += u64::from(myth.applies(marks));
            }
        }
        match &mut self.table {
            Table::Hidden => Ok(()),
            Table::Begun(layout) => layout.row(&mut self.out, &row(verdict, self.look, self.clock)),
            Table::Waiting(rows) => {
                rows.push(row(verdict, self.look, self.clock));
                if rows.len() < LOOKAHEAD {
                    return Ok(());
                }
                self.begin()
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.begin()?;
        self.out.flush()
    }

    fn diagnoses(&mut self, diagnoses: &[Diagnosis]) -> io::Result<()> {
        self.begin()?;
        if matches!(self.table, Table::Begun(_)) && !diagnoses.is_empty() {
            writeln!(self.out)?;
        }
        diagnosis::write(&mut self.out, self.look, diagnoses)?;
        self.told |= !diagnoses.is_empty();
        Ok(())
    }

    fn summary(&mut self, summary: &Summary, shown: Option<u64>) -> io::Result<()> {
        self.begin()?;
        if matches!(self.table, Table::Begun(_)) || self.told {
            writeln!(self.out)?;
        }
        summary::write(&mut self.out, self.look, summary, shown)?;
        summary::myths(&mut self.out, self.look, &self.myths)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::TextReport;
    use crate::report::{Clock, Look, Report, TimeStyle, samples};
    use crate::stamp::Time;

    fn report(look: Look, style: TimeStyle) -> String {
        let mut out = Vec::new();
        let clock = Clock::new(style, Some(Time(1_795_226_400_000_000_000)));
        let mut report = TextReport::new(&mut out, look, clock);
        let mut verdicts = samples::one_of_each();
        verdicts.retain(|verdict| look.width != Some(80) || verdict.client.addr.is_ipv4());
        for verdict in &verdicts {
            report.flow(verdict).unwrap();
        }
        report.summary(&samples::summary(&verdicts), None).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Columns of the widest line of the table.
    fn widest(text: &str) -> usize {
        let table = text.lines().take_while(|line| !line.is_empty());
        table.map(|line| line.chars().count()).max().unwrap()
    }

    #[test]
    fn piped() {
        insta::assert_snapshot!(report(Look::default(), TimeStyle::Relative));
    }

    #[test]
    fn on_a_terminal_of_120_columns() {
        let text = report(Look::new(Some(120), false), TimeStyle::Relative);
        insta::assert_snapshot!(text);
        assert!(widest(&text) <= 120);
    }

    #[test]
    fn on_a_terminal_of_80_columns() {
        let text = report(Look::new(Some(80), false), TimeStyle::Utc);
        insta::assert_snapshot!(text);
        assert!(widest(&text) <= 80);
    }

    #[test]
    fn colour_adds_nothing_to_the_words() {
        let plain = report(Look::new(Some(120), false), TimeStyle::Epoch);
        let coloured = report(Look::new(Some(120), true), TimeStyle::Epoch);
        assert_ne!(plain, coloured);
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    }

    #[test]
    fn late_flows_keep_the_columns_of_the_first() {
        let mut out = Vec::new();
        let mut report = TextReport::new(&mut out, Look::default(), Clock::default());
        let verdict = samples::verdict(0, serde_json::json!({}));
        for _ in 0..super::LOOKAHEAD + 5 {
            report.flow(&verdict).unwrap();
        }
        report.summary(&samples::summary(&[]), None).unwrap();
        let text = String::from_utf8(out).unwrap();
        let table: Vec<&str> = text.lines().skip(1).take(super::LOOKAHEAD + 5).collect();
        assert_eq!(table.first(), table.last());
    }
}
