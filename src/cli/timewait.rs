//! `whoclosed timewait FILE..`: who held TIME-WAITs, how many at once, and what that leads to.

use super::failure::{Failure, note};
use super::files::{Files, Inputs};
use super::how::How;
use super::input::{Input, each, exit_code, is_whole};
use super::live::INTERRUPTED;
use super::output::{Format, look, stdout};
use super::report::TimeArg;
use super::{duration, moment};
use std::io::{self, Write};
use std::net::IpAddr;
use std::process::ExitCode;
use whoclosed::close::summary::Summary;
use whoclosed::ledger::{PortRange, Socket, sockets_at};
use whoclosed::report::json::JsonReport;
use whoclosed::report::{Clock, Report, ledger};
use whoclosed::stamp::Time;
use whoclosed::{Moment, Options};

/// What is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: Files,

    /// List the sockets of this moment instead, as `ss -tan` would have
    ///
    /// TIME is written as that of --since. A step is taken when its segment passed the capture point.
    /// What was queued a capture does not tell: - stands for it.
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    at: Option<Moment>,

    /// Of those only the sockets of this host
    #[arg(long, value_name = "ADDR", requires = "at")]
    as_host: Option<IpAddr>,

    /// The ports that clients choose from
    #[arg(long, value_name = "FIRST-LAST", default_value = "32768-60999", value_parser = range)]
    port_range: PortRange,

    /// Time between the points of the curve [default: so that 60 are enough]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    step: Option<i64>,

    /// Format of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// How times are written in text
    #[arg(long, value_enum, default_value_t, value_name = "STYLE")]
    time: TimeArg,

    #[command(flatten)]
    how: How,
}

impl Args {
    /// Reads the captures and tells.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        self.how.check()?;
        let Inputs {
            all, mut failed, ..
        } = self.files.inputs(false, self.how.threads())?;
        let several = all.len() > 1;
        for (number, input) in (0..).zip(all) {
            if several && self.format == Format::Text {
                let gap = if number == 0 { "" } else { "\n" };
                let mut out = stdout();
                writeln!(out, "{gap}{}:", whoclosed::report::printable(&input.name()))?;
                out.flush()?;
            }
            let summary = self.tell(input)?;
            if summary.interrupted {
                return Ok(ExitCode::from(INTERRUPTED));
            }
            failed |= !is_whole(&summary);
        }
        Ok(exit_code(!failed))
    }

    /// Reads one capture and tells of it.
    fn tell(&self, input: Input) -> Result<Summary, Failure> {
        let mut options: Options = self.how.options();
        options.diagnosis = false;
        options.states = true;
        options.ledger = self.at.is_none().then(|| self.port_range.into());
        let time_wait = options.time_wait;
        let (mut verdicts, progress) = input.open(options)?;
        let mut sockets = Vec::new();
        let mut at = None;
        each(&mut verdicts, self.how.threads(), |verdict, extent| {
            let Some(moment) = self.at else { return };
            let at = *at.get_or_insert_with(|| in_capture(moment, extent.began));
            sockets.extend(sockets_at(verdict, at, time_wait).filter(|s| self.is_wanted(s)));
        });
        drop(progress);
        let summary = verdicts.summary();
        if let Some(moment) = self.at {
            let began = verdicts.extent().began;
            self.list(sockets, in_capture(moment, began), &summary)?;
        } else if let Some(ledger) = verdicts.ledger() {
            let (start, end) = period(&summary);
            let books = ledger.books(start, end, self.step);
            let mut out = stdout();
            if self.format == Format::Json {
                ledger::json(&mut out, &books)?;
            } else {
                let clock = Clock::new(self.time.into(), Some(start));
                ledger::text(&mut out, look(), clock, &books)?;
            }
            self.end(out, &summary)?;
        }
        Ok(summary)
    }

    fn is_wanted(&self, socket: &Socket) -> bool {
        self.as_host.is_none_or(|host| host == socket.local.addr)
    }

    /// Lists the sockets of a moment.
    fn list(&self, mut sockets: Vec<Socket>, at: Time, summary: &Summary) -> io::Result<()> {
        let (start, end) = period(summary);
        if at < start || end < at {
            note(&format!(
                "the capture runs from {} to {}: of another time it shows little",
                start.rfc3339(),
                end.rfc3339()
            ));
        }
        let key = |s: &Socket| (s.local.addr, s.local.port, s.peer.addr, s.peer.port, s.flow);
        sockets.sort_by_key(key);
        let mut out = stdout();
        if self.format == Format::Json {
            ledger::json_sockets(&mut out, &sockets)?;
        } else {
            ledger::listing(&mut out, &sockets)?;
        }
        self.end(out, summary)
    }

    /// The totals, in JSON.
    fn end(&self, mut out: impl Write, summary: &Summary) -> io::Result<()> {
        if self.format == Format::Json {
            JsonReport::summary_only(&mut out).summary(summary, None)?;
        }
        out.flush()
    }
}

/// When the capture began and ended.
pub(super) fn period(summary: &Summary) -> (Time, Time) {
    let sources = &summary.sources;
    let start = sources.iter().filter_map(|source| source.start).min();
    let end = sources.iter().filter_map(|source| source.end).max();
    (start.unwrap_or_default(), end.unwrap_or_default())
}

/// When the moment is in a capture that began then.
fn in_capture(moment: Moment, began: Option<Time>) -> Time {
    match moment {
        Moment::At(time) => time,
        Moment::After(nanos) => began.unwrap_or_default().plus(nanos),
    }
}

pub(super) fn range(text: &str) -> Result<PortRange, String> {
    let range = text.split_once('-').and_then(|(first, last)| {
        let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        (0 < first && first <= last).then_some(PortRange { first, last })
    });
    range.ok_or_else(|| "expected two ports from 1 to 65535, as 32768-60999".to_owned())
}
