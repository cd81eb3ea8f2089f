//! `whoclosed diff OLD NEW`: one release against the next.

use super::failure::{Failure, note};
use super::files::Files;
use super::how::How;
use super::input::{Capture, Input, each, is_whole};
use super::live::INTERRUPTED;
use super::output::{Format, look, stdout};
use clap::ValueEnum;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use whoclosed::check::diff::{ALPHA, Change, Comparison, Sample, compare};
use whoclosed::check::{Line, SavedReport, is_report};
use whoclosed::close::summary::Summary;
use whoclosed::report::diff;
use whoclosed::{Options, analyze};

/// What is compared.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// A capture, a directory that holds one in several files, or a report that was saved
    /// (--format json); - reads standard input
    old: PathBuf,

    /// What it is compared with: the same
    new: PathBuf,

    /// What ends with exit code 1
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    fail_on: FailOn,

    /// How often chance alone may show any difference where there is none: a probability
    #[arg(long, value_name = "P", default_value_t = ALPHA, value_parser = alpha)]
    alpha: f64,

    /// With fewer flows on either side nothing is judged: exit code 2
    #[arg(long, value_name = "N", default_value_t = 1)]
    min_flows: u64,

    /// Judge what could be read of a damaged capture, or of a report that ends early
    #[arg(long)]
    allow_damaged: bool,

    /// Format of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    how: How,
}

/// What is called a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// No difference
    #[default]
    Never,
    /// Something got worse
    Worse,
    /// Something changed, for better or worse
    Change,
}

const EXAMPLES: &str = "\
Examples:
  whoclosed diff release-1.pcap release-2.pcap
      what differs, and whether chance would make it
  whoclosed --format json release-1.pcap > release-1.jsonl
  whoclosed diff --fail-on worse release-1.jsonl release-2.pcap
      against a report that was saved; exit code 1 if something got worse
  whoclosed diff --filter 'port 443' old/ new/
      the flows of one service; each directory holds one capture

Exit codes:
  0  compared
  1  --fail-on: something got worse, or changed
  2  wrong usage, or not judged: unreadable, damaged, or too few flows
  130  interrupted by Ctrl-C
";

impl Args {
    /// Reads both sides and compares them.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        self.how.check()?;
        if self.old == self.new && self.old.as_os_str() == "-" {
            let text = "standard input can only be one of OLD and NEW";
            return Err(Failure::Usage(text.to_owned()));
        }
        let mut sides = Vec::new();
        for path in [&self.old, &self.new] {
            let (sample, interrupted) = self.read(path)?;
            if interrupted {
                return Ok(ExitCode::from(INTERRUPTED));
            }
            sides.push((path.to_string_lossy(), sample));
        }
        let [(old_name, old), (new_name, new)] = sides.as_slice() else {
            return Ok(ExitCode::from(2));
        };
        let comparison = compare((old_name, old), (new_name, new), self.alpha);
        match self.format {
            Format::Text => diff::text(&mut stdout(), look(), &comparison)?,
            Format::Json => diff::json(&mut stdout(), &comparison)?,
        }
        let mut judged = self.can_tell(&comparison);
        for (name, sample) in &sides {
            judged &= self.is_enough(name, sample);
        }
        Ok(ExitCode::from(self.code(&comparison, judged)))
    }

    const fn code(&self, comparison: &Comparison, judged: bool) -> u8 {
        if !judged {
            return 2;
        }
        let failed = match self.fail_on {
            FailOn::Never => false,
            FailOn::Worse => matches!(comparison.change, Change::Worse),
            FailOn::Change => !matches!(comparison.change, Change::Same),
        };
        failed as u8
    }

    /// Says that nothing could be told of so few flows; true if something could, or was, or if nobody
    /// asked.
    fn can_tell(&self, comparison: &Comparison) -> bool {
        let nothing = comparison.too_few_flows && comparison.change == Change::Same;
        let can = self.fail_on == FailOn::Never || !nothing;
        if !can {
            note("not judged: of so few flows any difference can be chance; see check --expect");
        }
        can
    }

    /// Says why a side cannot be judged; true if it can.
    fn is_enough(&self, name: &str, sample: &Sample) -> bool {
        if !sample.is_whole() && !self.allow_damaged {
            note(&format!(
                "{name}: not judged: damaged, or a report without its end (--allow-damaged judges it)"
            ));
            return false;
        }
        if sample.flows() < self.min_flows {
            note(&format!(
                "{name}: not judged: {} flows, expected {} or more (--min-flows)",
                sample.flows(),
                self.min_flows
            ));
            return false;
        }
        true
    }

    /// Reads a side; true if it was interrupted.
    fn read(&self, path: &Path) -> Result<(Sample, bool), Failure> {
        let name = path.to_string_lossy().into_owned();
        let fail = |error: io::Error| Failure::Input(name.clone(), error.to_string());
        if path.is_dir() {
            return self.directory(path);
        }
        if path.as_os_str() == "-" {
            // What is looked at stays in the buffer of standard input.
            let mut stdin = io::stdin().lock();
            if is_report(stdin.fill_buf().map_err(fail)?) {
                return Ok((self.report(&name, stdin)?, false));
            }
            drop(stdin);
            return self.capture(Input::File(path.to_path_buf()));
        }
        let file = File::open(path).map_err(fail)?;
        let is_file = file.metadata().map_err(fail)?.is_file();
        let mut read = BufReader::new(file);
        if is_report(read.fill_buf().map_err(fail)?) {
            return Ok((self.report(&name, read)?, false));
        }
        if is_file {
            return self.capture(Input::File(path.to_path_buf()));
        }
        // A pipe can only be opened once.
        let mut options = self.options();
        options.source = name.as_str().into();
        let read: Box<dyn Read + Send> = Box::new(read);
        let analysis = analyze(read, &options);
        let analysis = analysis.map_err(|error| Failure::Input(name, error.to_string()))?;
        Ok(sampled(analysis, self.how.threads()))
    }

    fn directory(&self, path: &Path) -> Result<(Sample, bool), Failure> {
        let inputs = Files::of(vec![path.to_path_buf()]).inputs(false, self.how.threads())?;
        let mut all = inputs.all.into_iter();
        match (all.next(), all.next()) {
            (Some(input), None) if !inputs.failed => self.capture(input),
            (None, _) => Err(not_one(path, "it holds no capture")),
            (Some(_), None) => Err(not_one(path, "some of its files could not be read")),
            _ => Err(not_one(
                path,
                "its files are not one capture (they hold the same packets, or one holds none); give \
                 one of them",
            )),
        }
    }

    fn capture(&self, input: Input) -> Result<(Sample, bool), Failure> {
        let (analysis, progress) = input.open(self.options())?;
        let sampled = sampled(analysis, self.how.threads());
        drop(progress);
        Ok(sampled)
    }

    fn options(&self) -> Options {
        let mut options = self.how.options();
        options.states = true;
        options.diagnosis = false;
        options
    }

    fn report(&self, name: &str, read: impl BufRead) -> Result<Sample, Failure> {
        if self.how.chooses() {
            let text = format!(
                "{name} is a report: --filter, --since and --until choose from a capture only"
            );
            return Err(Failure::Usage(text));
        }
        let mut sample = Sample::default();
        for line in SavedReport::new(read) {
            match line {
                Ok(Line::Flow(verdict)) => sample.see(&verdict),
                Ok(Line::Summary(summary)) => end(&mut sample, &summary),
                Ok(_) => {}
                Err(error) => return Err(Failure::Input(name.to_owned(), error.to_string())),
            }
        }
        Ok(sample)
    }
}

/// The files of a directory must be one capture.
fn not_one(path: &Path, text: &str) -> Failure {
    Failure::Input(path.to_string_lossy().into_owned(), text.to_owned())
}

/// Counts the flows of a capture; true if that was interrupted.
fn sampled(mut analysis: Capture, threads: usize) -> (Sample, bool) {
    let mut sample = Sample::default();
    each(&mut analysis, threads, |verdict, _| sample.see(verdict));
    let summary = analysis.summary();
    end(&mut sample, &summary);
    (sample, summary.interrupted)
}

/// Takes the totals in, and says what is damaged.
fn end(sample: &mut Sample, summary: &Summary) {
    sample.end(summary);
    is_whole(summary);
}

fn alpha(text: &str) -> Result<f64, String> {
    let alpha: Option<f64> = text.parse().ok();
    let alpha = alpha.filter(|alpha| 0.0 < *alpha && *alpha < 1.0);
    alpha.ok_or_else(|| "expected a probability between 0 and 1, as 0.05".to_owned())
}
