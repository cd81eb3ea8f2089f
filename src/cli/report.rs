//! `whoclosed FILE..`: every flow, then the summary.

use super::anonymize::{Anonymize, Nameless};
use super::failure::{Failure, note};
use super::files::{Files, Inputs};
use super::how::How;
use super::input::{Capture, Input, exit_code, is_whole};
use super::live::{INTERRUPTED, Shown};
use super::only::{Rule, selects};
use super::output::{Out, Output, ReportFormat as Format};
use super::progress::Progress;
use super::timewait::{period, range};
use clap::ValueEnum;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use whoclosed::Options;
use whoclosed::close::summary::Summary;
use whoclosed::close::verdict::Verdict;
use whoclosed::ledger::PortRange;
use whoclosed::packet::{AnonymizeKey, Anonymizer};
use whoclosed::report::csv::CsvReport;
use whoclosed::report::html::{self, HtmlReport};
use whoclosed::report::json::JsonReport;
use whoclosed::report::text::TextReport;
use whoclosed::report::zeek::{Part, ZeekReport};
use whoclosed::report::{Clock, Report, TimeStyle};
use whoclosed::stamp::Time;

/// Why several files are not one capture.
const POINTS: &str = "these files hold the same packets, captured at several points";

/// A report among several.
#[derive(Clone, Copy)]
struct Place {
    number: usize,
    count: usize,
    /// They are reports on the same traffic.
    points: bool,
    /// One before it has written something.
    begun: bool,
}

impl Place {
    /// Sets the report off from those before it.
    fn heading(self, output: &Output, progress: &mut Progress) -> io::Result<()> {
        let Self { number, count, .. } = self;
        if number == 1 && !self.points {
            return Ok(());
        }
        if matches!(output, Output::Stdout) {
            progress.make_way();
        }
        let mut out = output.sink()?;
        if number > 1 {
            writeln!(out)?;
        }
        if self.points {
            writeln!(out, "Capture {number} of {count}: {POINTS}\n")?;
        }
        out.flush()
    }
}

/// Tells what many flows show, and the totals; so many flows were shown, if not all.
fn conclude(
    mut report: Box<dyn Report>,
    verdicts: &Capture,
    (summary, shown): (&Summary, Option<u64>),
) -> io::Result<()> {
    report.diagnoses(&verdicts.diagnoses())?;
    if let Some(ledger) = verdicts.ledger() {
        report.ledger(ledger, period(summary))?;
    }
    report.summary(summary, shown)
}

/// What is reported, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: Files,

    /// Report on each file by itself
    #[arg(long)]
    separate: bool,

    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Write the report to FILE instead of standard output, which is - as well
    ///
    /// FILE is replaced when the report is whole; until then it stays as it was.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Only the diagnosis and the summary; every flow is still judged
    #[arg(long)]
    summary: bool,

    /// Show only the flows with KEY=VALUE (repeatable)
    ///
    /// KEY is one of outcome, closer, aborted-by, cause, finding, time-wait, confidence, host,
    /// port. The same key again is OR, different keys are AND; KEY!=VALUE negates, and every
    /// negation must hold. time-wait takes client, server, both or none; aborted-by and cause take
    /// none as well; host takes an address; host and port match either end. A wrong value is
    /// answered with the list of the right ones. Diagnosis and summary still count every flow.
    #[arg(long, value_name = "KEY=VALUE")]
    only: Vec<Rule>,

    /// Show only the flow with this number
    #[arg(long, value_name = "N")]
    flow: Option<u64>,

    /// How the text report writes times
    #[arg(long, value_enum, default_value_t, value_name = "STYLE")]
    time: TimeArg,

    /// With --format html: the ports that clients choose from [default: 32768-60999]
    #[arg(long, value_name = "FIRST-LAST", value_parser = range)]
    port_range: Option<PortRange>,

    /// Say of each flow its Community ID, by which Zeek, Suricata and Arkime name the same connection
    ///
    /// With --format json, where it takes some time more; csv and zeek always have it. Version 1,
    /// seed 0.
    #[arg(long)]
    community_id: bool,

    #[command(flatten)]
    anonymize: Anonymize,

    #[command(flatten)]
    how: How,
}

/// How a capture ended.
enum End {
    Whole,
    Damaged,
    /// The user did not want more of it.
    Interrupted,
}

/// How times are written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum TimeArg {
    /// Seconds since the capture began
    #[default]
    Rel,
    /// RFC 3339, UTC
    Utc,
    /// Seconds since 1970
    Epoch,
}

impl From<TimeArg> for TimeStyle {
    fn from(arg: TimeArg) -> Self {
        match arg {
            TimeArg::Rel => Self::Relative,
            TimeArg::Utc => Self::Utc,
            TimeArg::Epoch => Self::Epoch,
        }
    }
}

impl Args {
    /// Reads the captures and reports them.
    pub(crate) fn run(mut self) -> Result<ExitCode, Failure> {
        self.how.check()?;
        self.check()?;
        let key = self.anonymize.key()?;
        if let Some(key) = key {
            let mut anonymizer = Anonymizer::new(key);
            let rules = self.only.iter_mut();
            rules.for_each(|rule| *rule = rule.hidden(&mut anonymizer));
        }
        let Inputs {
            all,
            points,
            mut failed,
            ..
        } = self.files.inputs(self.separate, self.how.threads())?;
        let output = Output::open(self.output.as_deref(), &all)?;
        let (count, mut begun, mut interrupted) = (all.len(), false, false);
        if points {
            note(&format!(
                "{POINTS}; each of the {count} is reported by itself"
            ));
        }
        for (number, input) in (1..).zip(all) {
            let place = Place {
                number,
                count,
                points,
                begun,
            };
            match self.report_on(input, (place, &output), key) {
                Ok(End::Whole) => begun = true,
                Ok(End::Damaged) => (begun, failed) = (true, true),
                Ok(End::Interrupted) => {
                    (begun, interrupted) = (true, true);
                    break;
                }
                Err(failure @ Failure::Input(..)) => {
                    failure.report();
                    failed = true;
                }
                Err(failure) => return Err(failure),
            }
        }
        if begun {
            output.keep()?;
        }
        if interrupted {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Ok(exit_code(!failed))
    }

    /// Refuses what the format cannot show.
    fn check(&self) -> Result<(), Failure> {
        let text = match self.format {
            Format::Csv | Format::Zeek if self.summary => {
                "--format csv and --format zeek hold flows alone, no summary"
            }
            Format::Html if self.summary => "--format html always holds flows",
            Format::Text | Format::Html if self.community_id => {
                "--community-id is for --format json; csv and zeek always have it"
            }
            Format::Html => return Ok(()),
            _ if self.port_range.is_some() => {
                "--port-range is for --format html and for whoclosed timewait"
            }
            _ => return Ok(()),
        };
        Err(Failure::Usage(text.to_owned()))
    }

    /// Flows are reported with all that is known of them.
    fn has_flows_in_full(&self) -> bool {
        matches!(self.format, Format::Json | Format::Csv | Format::Html) && !self.summary
    }

    /// Reads one capture and reports it.
    fn report_on(
        &self,
        input: Input,
        (place, output): (Place, &Output),
        key: Option<AnonymizeKey>,
    ) -> Result<End, Failure> {
        // Of a report that failed something may be left.
        drop(Shown::take());
        let (mut verdicts, progress) = input.open(self.options(key))?;
        let mut progress = Some(progress);
        let mut begin = |began| match progress.take() {
            Some(progress) => self.begin((place, output), (began, key.is_some()), progress),
            None => Ok(()),
        };
        let (mut count, mut failed) = (0, Ok(()));
        let shown = verdicts.show_all(self.how.threads(), &mut |verdict, extent| {
            match begin(extent.began).and_then(|()| self.show(verdict)) {
                Ok(shown) => count += shown,
                Err(error) => {
                    failed = Err(error);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        failed?;
        debug_assert!(shown.is_continue(), "only a failure stops it");
        begin(verdicts.extent().began)?;
        let summary = verdicts.summary();
        let selection = !self.only.is_empty() || self.flow.is_some();
        if let Some(report) = Shown::take() {
            conclude(report, &verdicts, (&summary, selection.then_some(count)))?;
        }
        if place.number == place.count {
            // The process ends here: to free every flow by itself would take longer than to judge
            // it.
            std::mem::forget(verdicts);
        }
        if summary.interrupted {
            return Ok(End::Interrupted);
        }
        Ok(if is_whole(&summary) {
            End::Whole
        } else {
            End::Damaged
        })
    }

    fn options(&self, key: Option<AnonymizeKey>) -> Options {
        let mut options = self.how.options();
        options.anonymize = key;
        options.ledger =
            (self.format == Format::Html).then(|| self.port_range.unwrap_or_default().into());
        options.states = self.has_flows_in_full();
        options.reasons = !self.summary;
        options.community_id = self.community_id || self.format == Format::Csv;
        options
    }

    /// Begins the report on a capture that began then.
    fn begin(
        &self,
        (place, output): (Place, &Output),
        (began, nameless): (Option<Time>, bool),
        mut progress: Progress,
    ) -> io::Result<()> {
        if self.format == Format::Text {
            place.heading(output, &mut progress)?;
        }
        let report = self.report(began, (place, output), progress)?;
        Shown::begin(if nameless {
            Box::new(Nameless::new(report))
        } else {
            report
        });
        Ok(())
    }

    /// Reports the flow if it is selected. Gives how many were.
    fn show(&self, verdict: &Verdict) -> io::Result<u64> {
        let right = self.flow.is_none_or(|flow| flow == verdict.flow);
        if !right || !selects(&self.only, verdict) {
            return Ok(0);
        }
        Shown::with(|report| report.flow(verdict)).transpose()?;
        Ok(1)
    }

    /// The report that was asked for; the capture began at `began`.
    fn report(
        &self,
        began: Option<Time>,
        (place, output): (Place, &Output),
        progress: Progress,
    ) -> io::Result<Box<dyn Report>> {
        let clock = Clock::new(self.time.into(), began);
        let (out, look) = (Out::new(output.sink()?, progress), output.look());
        let Place {
            number,
            count,
            points,
            begun,
        } = place;
        Ok(match (self.format, self.summary) {
            (Format::Text, false) => Box::new(TextReport::new(out.buffered(), look, clock)),
            (Format::Text, true) => Box::new(TextReport::summary_only(out.buffered(), look)),
            (Format::Json, false) => Box::new(JsonReport::new(out)),
            (Format::Json, true) => Box::new(JsonReport::summary_only(out)),
            (Format::Html, _) => {
                let mut part = html::Part::of(number, count, !begun);
                part.points = points;
                Box::new(HtmlReport::new(out.buffered(), part))
            }
            (Format::Csv, _) if begun => Box::new(CsvReport::more(out)),
            (Format::Csv, _) => Box::new(CsvReport::new(out)),
            (Format::Zeek, _) => {
                let (first, last) = (!begun, number == count);
                let part = Part { first, last };
                Box::new(ZeekReport::new(out, began, part))
            }
        })
    }
}
