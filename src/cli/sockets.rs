//! `whoclosed sockets --list FILE CAPTURE..`: the sockets of a host, and which flows they are.

use super::failure::Failure;
use super::files::{Files, Inputs};
use super::how::How;
use super::input::{each, exit_code, is_whole};
use super::live::INTERRUPTED;
use super::moment;
use super::output::{Format, look, stdout};
use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use whoclosed::Moment;
use whoclosed::close::summary::Summary;
use whoclosed::report::sockets as report;
use whoclosed::sockets::{Join, JoinOptions, Listing};
use whoclosed::stamp::Time;

/// Which list is explained by which capture.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The list: what `ss -tano`, `netstat -tano` or `lsof -nP -iTCP` printed; - reads standard input
    ///
    /// ss and netstat of Linux, netstat of macOS and the BSDs (`netstat -anp tcp`) and lsof are told
    /// apart line by line. Headings, other columns and other protocols are stepped over. -o (timers)
    /// and -p (processes) say more; numbers (-n) say more than names.
    #[arg(long, value_name = "FILE")]
    list: PathBuf,

    /// When the list was taken [default: by its TIME-WAIT timers, else the end of the capture]
    ///
    /// TIME is RFC 3339 (2026-11-21T02:00:00.5Z; without a zone it is UTC), seconds since 1970
    /// (1795226400.5), or with + the time since the first record (+30s, +250ms, +1.5m, +2h).
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    taken: Option<Moment>,

    /// An address of the list's host, besides those that the list shows (repeatable)
    ///
    /// Flows of the host's addresses are looked for in the list.
    #[arg(long, value_name = "ADDR")]
    as_host: Vec<IpAddr>,

    /// Format of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    how: How,
}

const EXAMPLES: &str = "\
Examples:
  ss -tanop > sockets.txt; whoclosed sockets --list sockets.txt trace.pcap
      which flow each socket is, who closed it, since when; what is missing on either side
  netstat -tano | whoclosed sockets --list - ring/
      a list from standard input, and the files of a ring
  whoclosed sockets --list sockets.txt --taken 2026-11-21T02:00:00Z trace.pcap
      a list without timers: say when it was taken
  whoclosed sockets --list sockets.txt --format json trace.pcap
      JSON Lines: an object per socket, then those that are missing, then the whole
";

/// Bytes of a list at most.
const LARGEST: u64 = 256 << 20;

impl Args {
    /// Reads the list, then the capture, and tells the sockets.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        self.how.check()?;
        let listing = self.listing()?;
        let Inputs { all, failed, .. } = self.files.inputs(false, self.how.threads())?;
        let mut inputs = all.into_iter();
        let (input, other) = (inputs.next(), inputs.next());
        let Some(input) = input else {
            return Ok(exit_code(false));
        };
        if other.is_some() {
            let text = "this and another file are not one capture (they hold the same packets, or \
                        one holds none); give one of them";
            return Err(Failure::Input(input.name(), text.to_owned()));
        }
        let mut options = self.how.options();
        options.states = true;
        let time_wait = options.time_wait;
        let (mut verdicts, progress) = input.open(options)?;
        let mut join = Join::new(listing, &self.as_host);
        each(&mut verdicts, self.how.threads(), |verdict, _| {
            join.see(verdict);
        });
        drop(progress);
        let summary = verdicts.summary();
        let capture = span(&summary);
        let mut options = JoinOptions::default();
        options.time_wait = time_wait;
        options.taken = self.taken.and_then(|taken| at(taken, capture));
        let joined = join.finish(&options, capture);
        match self.format {
            Format::Text => report::text(&mut stdout(), look(), &joined)?,
            Format::Json => report::json(&mut stdout(), &joined)?,
        }
        if summary.interrupted {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Ok(exit_code(is_whole(&summary) && !failed))
    }

    fn listing(&self) -> Result<Listing, Failure> {
        let name = self.list.to_string_lossy().into_owned();
        let fail = |error: String| Failure::Input(name.clone(), error);
        let is_stdin = self.list.as_os_str() == "-";
        if is_stdin && self.files.is_stdin() {
            let text = "standard input can only be one of the list and the capture";
            return Err(Failure::Usage(text.to_owned()));
        }
        let read: Box<dyn Read> = if is_stdin {
            Box::new(io::stdin().lock())
        } else {
            Box::new(File::open(&self.list).map_err(|error| fail(error.to_string()))?)
        };
        let mut bytes = Vec::new();
        let read = read.take(LARGEST + 1).read_to_end(&mut bytes);
        read.map_err(|error| fail(error.to_string()))?;
        if bytes.len() as u64 > LARGEST {
            return Err(fail(format!("it is larger than {LARGEST} bytes")));
        }
        // Masks and names may be in any encoding; nothing else is beyond ASCII.
        let text = String::from_utf8_lossy(&bytes);
        Listing::parse(&text).map_err(|error| fail(error.to_string()))
    }
}

/// When the capture began and ended.
fn span(summary: &Summary) -> Option<(Time, Time)> {
    let start = summary.sources.iter().filter_map(|s| s.start).min();
    let end = summary.sources.iter().filter_map(|s| s.end).max();
    start.zip(end)
}

/// A moment as a time.
fn at(moment: Moment, capture: Option<(Time, Time)>) -> Option<Time> {
    match moment {
        Moment::At(time) => Some(time),
        Moment::After(nanos) => Some(capture?.0.plus(nanos)),
    }
}
