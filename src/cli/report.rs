//! `whoclosed FILE`: every flow, then the summary.

use super::failure::Failure;
use super::input;
use super::only::{Rule, selects};
use super::output::{Format, look, stdout};
use clap::ValueEnum;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use whoclosed::close::verdict::Verdict;
use whoclosed::report::json::JsonReport;
use whoclosed::report::text::TextReport;
use whoclosed::report::{Clock, Report, TimeStyle};
use whoclosed::stamp::Time;

/// What is reported, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Capture to read, pcap or pcapng, compressed or not; - reads standard input
    #[arg(required = true)]
    file: Option<PathBuf>,

    /// Format of the report
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Only the summary; every flow is still judged
    #[arg(long)]
    summary: bool,

    /// Show only the flows with KEY=VALUE (repeatable)
    ///
    /// KEY is one of outcome, closer, aborted-by, cause, finding, time-wait, confidence, host,
    /// port. The same key again is OR, different keys are AND; KEY!=VALUE negates, and every
    /// negation must hold. time-wait takes client, server, both or none; aborted-by and cause take
    /// none as well; host takes an address; host and port match either end. A wrong value is
    /// answered with the list of the right ones. The summary still counts every flow.
    #[arg(long, value_name = "KEY=VALUE")]
    only: Vec<Rule>,

    /// Show only the flow with this number
    #[arg(long, value_name = "N")]
    flow: Option<u64>,

    /// How the text report writes times
    #[arg(long, value_enum, default_value_t, value_name = "STYLE")]
    time: TimeArg,

    #[command(flatten)]
    reading: input::Reading,
}

/// How times are written.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum TimeArg {
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
    /// Reads the capture and reports it.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        // clap has seen to it that there is one.
        let path = self.file.as_deref().unwrap_or("-".as_ref());
        let mut verdicts = input::open(path, &self.reading)?;
        let first = verdicts.next();
        let began = verdicts.summary().sources.first().and_then(|s| s.start);
        let mut report = self.report(began);
        let mut shown = 0;
        for verdict in first.into_iter().chain(&mut verdicts) {
            if self.selects(&verdict) {
                shown += 1;
                report.flow(&verdict)?;
            }
        }
        let summary = verdicts.summary();
        let selection = !self.only.is_empty() || self.flow.is_some();
        report.summary(&summary, selection.then_some(shown))?;
        // The process ends here: to free every flow by itself would take longer than to judge it.
        std::mem::forget(verdicts);
        Ok(input::damage(&summary))
    }

    fn selects(&self, verdict: &Verdict) -> bool {
        self.flow.is_none_or(|flow| flow == verdict.flow) && selects(&self.only, verdict)
    }

    /// The report that was asked for; the capture began at `began`.
    fn report(&self, began: Option<Time>) -> Box<dyn Report> {
        let clock = Clock::new(self.time.into(), began);
        match (self.format, self.summary) {
            (Format::Text, false) => Box::new(TextReport::new(stdout(), look(), clock)),
            (Format::Text, true) => Box::new(TextReport::summary_only(stdout(), look())),
            (Format::Json, false) => Box::new(JsonReport::new(io::stdout().lock())),
            (Format::Json, true) => Box::new(JsonReport::summary_only(io::stdout().lock())),
        }
    }
}
