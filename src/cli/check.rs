//! `whoclosed check CAPTURE.. --policy FILE --expect FILE`: do connections close as is asked, and as
//! they did before?

mod expect;

use super::failure::{Failure, note};
use super::files::{Files, Inputs};
use super::how::How;
use super::input::{Input, damages, each};
use super::live::INTERRUPTED;
use super::output::{look, stdout};
use super::parallel::in_parallel;
use super::progress::{Progress, meter};
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use whoclosed::Options;
use whoclosed::check::expect::{CaptureExpectations, Observed};
use whoclosed::check::policy::rules::RULES;
use whoclosed::check::policy::{Checker, EXAMPLES, Example, Policy};
use whoclosed::check::result::{Capture, Checked};
use whoclosed::report::Look;
use whoclosed::report::check::{Format, write};

/// Captures at a time at most: the flows of each are kept.
const THREADS: usize = 8;
/// Bytes of a policy that are read: one more than it may have.
const POLICY: u64 = (1 << 20) + 1;

/// What is checked, and how.
#[derive(Debug, clap::Args)]
#[command(after_long_help = help())]
pub(crate) struct Args {
    /// Captures to check, compressed or not, or directories of them; - reads standard input
    ///
    /// Each is judged by itself, and then all together: broken if one is, else not judged if one
    /// could not be. Of a directory the captures in it are read, hidden files and directories in it
    /// are not.
    #[arg(required_unless_present = "print_policy")]
    capture: Vec<PathBuf>,

    /// What is asked of them
    #[arg(long, value_name = "FILE", required_unless_present_any = ["print_policy", "expect"])]
    policy: Option<PathBuf>,

    #[command(flatten)]
    expectations: expect::Asked,

    /// Print a policy to begin with, and end
    #[arg(long, value_name = "NAME", value_parser = example_parser(), exclusive = true)]
    print_policy: Option<Example>,

    /// The captures are one: the files of a ring, in the order of time
    #[arg(long)]
    joined: bool,

    /// Judge a damaged capture by what could be read of it
    ///
    /// Else it could not be judged, unless what is certain breaks a rule.
    #[arg(long)]
    allow_damaged: bool,

    /// Format of the report
    #[arg(long, value_name = "FORMAT", value_parser = format_parser(), default_value = "text")]
    format: Format,

    /// Write the report to a file as well, in another format (repeatable): junit=close.xml
    #[arg(long, value_name = "FORMAT=FILE", value_parser = report)]
    report: Vec<(Format, PathBuf)>,

    #[command(flatten)]
    how: How,
}

/// What came of a capture.
struct Judged {
    capture: Capture,
    /// What is to be said on standard error.
    notes: Vec<String>,
    /// What is expected of it from now on, if that is to be written.
    found: Option<CaptureExpectations>,
}

/// What the reading of captures shares.
struct Shared<'a> {
    args: &'a Args,
    policy: Option<&'a Policy>,
    expected: Option<&'a expect::Expected>,
    options: Options,
    interrupted: AtomicBool,
}

impl Args {
    /// Reads the captures and judges them.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        if let Some(example) = self.print_policy {
            let mut out = stdout();
            out.write_all(example.text.as_bytes())?;
            out.flush()?;
            return Ok(ExitCode::SUCCESS);
        }
        self.how.check()?;
        let policy = match self.policy.as_deref().map(read_policy).transpose()? {
            Some(Ok(policy)) => Some(policy),
            Some(Err(told)) => {
                // A closed standard error leaves nobody to tell.
                let _ = writeln!(anstream::stderr(), "{told}");
                return Ok(ExitCode::from(2));
            }
            None => None,
        };
        let expected = self.expectations.read()?;
        let inputs = Files::of(self.capture.clone()).inputs(!self.joined, self.how.threads())?;
        let mut options = self.how.options();
        (options.states, options.diagnosis) = (true, false);
        options.meter = meter();
        let shared = Shared {
            args: &self,
            policy: policy.as_ref(),
            expected: expected.as_ref(),
            options,
            interrupted: AtomicBool::new(false),
        };
        let (captures, found) = shared.check(inputs);
        let interrupted = shared.interrupted.into_inner();
        let captures = match expected {
            Some(expected) => expected.finish(captures, found, interrupted)?,
            None => captures,
        };
        let checked = Checked::new(captures);
        self.write(&checked)?;
        if interrupted {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Ok(ExitCode::from(checked.status.exit_code()))
    }

    /// Writes the report, and those to files.
    fn write(&self, checked: &Checked) -> Result<(), Failure> {
        let mut out = stdout();
        let written = write(&mut out, self.format, checked, look());
        match written.and_then(|()| out.flush()) {
            // Who has seen enough of the report still is told by the exit code.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written?,
        }
        drop(out);
        for (format, path) in &self.report {
            let fail = |error: io::Error| {
                let name = path.to_string_lossy().into_owned();
                Failure::Input(name, error.to_string())
            };
            let mut file = BufWriter::new(File::create(path).map_err(fail)?);
            let written = write(&mut file, *format, checked, Look::default());
            written.and_then(|()| file.flush()).map_err(fail)?;
        }
        Ok(())
    }
}

impl Shared<'_> {
    /// Judges all captures, several at a time. The order is that in which they were given.
    fn check(&self, inputs: Inputs) -> (Vec<Capture>, Vec<CaptureExpectations>) {
        let problem =
            |(name, why): (String, String)| Capture::new(name.into(), 0, Vec::new(), vec![why]);
        let mut captures: Vec<Capture> = inputs.problems.into_iter().map(problem).collect();
        let total: Option<u64> = inputs.all.iter().map(Input::bytes).sum();
        let progress = Progress::of(self.options.meter.as_ref(), total);
        let is_only = inputs.all.len() == 1 && captures.is_empty();
        let all = self.args.how.threads();
        let several = inputs.all.len().clamp(1, THREADS.min(all));
        // Of several captures each has its part of the threads.
        let judge = |input| self.judge(input, is_only, all / several);
        let results = in_parallel(inputs.all, several, judge);
        drop(progress);
        let mut found = Vec::new();
        for judged in results {
            for text in judged.notes {
                note(&text);
            }
            captures.push(judged.capture);
            found.extend(judged.found);
        }
        (captures, found)
    }

    /// Judges one capture.
    fn judge(&self, input: Input, is_only: bool, threads: usize) -> Judged {
        let name: Arc<str> = input.name().into();
        let opened = input.open_quietly(self.options.clone());
        let mut verdicts = match opened {
            Ok(verdicts) => verdicts,
            Err(failure) => {
                let why = failure.why();
                let notes = vec![format!("{name}: {why}")];
                return Judged {
                    capture: Capture::new(name, 0, Vec::new(), vec![why]),
                    notes,
                    found: None,
                };
            }
        };
        let checker = |policy| Checker::new(policy, self.options.time_wait);
        let mut checker = self.policy.map(checker);
        let mut observed = self
            .expected
            .map(|expected| expected.observe(&name, is_only));
        let mut flows = 0;
        each(&mut verdicts, threads, |verdict, extent| {
            flows += 1;
            if let Some(checker) = &mut checker {
                checker.see(verdict, extent.until);
            }
            if let Some(observed) = &mut observed {
                observed.see(verdict);
            }
        });
        let summary = verdicts.summary();
        let mut problems = Vec::new();
        if summary.interrupted {
            self.interrupted.store(true, Ordering::Relaxed);
            problems.push("interrupted: the rest was not read".to_owned());
        }
        let damages = damages(&summary);
        let notes = damages
            .iter()
            .map(|(source, what)| format!("{source}: {what}"));
        let notes: Vec<String> = notes.collect();
        if !self.args.allow_damaged {
            problems.extend(damages.into_iter().map(|(source, what)| {
                if source == name.as_ref() {
                    format!("damaged: {what}")
                } else {
                    format!("damaged: {source}: {what}")
                }
            }));
        }
        if !problems.is_empty() {
            checker.iter_mut().for_each(Checker::mark_damaged);
            observed.iter_mut().for_each(Observed::mark_damaged);
        }
        let mut items = checker.map_or_else(Vec::new, |checker| checker.finish(&name).1);
        let mut found = None;
        if let Some((expected, observed)) = self.expected.zip(observed) {
            let compared = expected.compare((&name, is_only), &observed);
            items.extend(compared.items);
            problems.extend(compared.problem);
            found = compared.found;
        }
        Judged {
            capture: Capture::new(name, flows, items, problems),
            notes,
            found,
        }
    }
}

/// The policy, or what is wrong with it.
fn read_policy(path: &Path) -> Result<Result<Policy, String>, Failure> {
    let name = path.to_string_lossy();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(POLICY).read_to_end(&mut bytes));
    read.map_err(|error| Failure::Input(name.clone().into_owned(), error.to_string()))?;
    let colours = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let colours = colours && io::stderr().is_terminal();
    Ok(Policy::parse(&name, &bytes).map_err(|error| error.render(colours)))
}

fn example_parser() -> impl clap::builder::TypedValueParser<Value = Example> {
    let names = EXAMPLES
        .iter()
        .map(|example| clap::builder::PossibleValue::new(example.name).help(example.summary));
    PossibleValuesParser::new(names).try_map(|name| {
        let found = EXAMPLES.iter().find(|example| example.name == name);
        found.copied().ok_or("there is no such policy")
    })
}

fn format_parser() -> impl clap::builder::TypedValueParser<Value = Format> {
    let names = Format::ALL.iter().map(|format| format.name());
    PossibleValuesParser::new(names).try_map(|name| format(&name).ok_or("there is no such format"))
}

fn format(name: &str) -> Option<Format> {
    Format::ALL
        .iter()
        .find(|format| format.name() == name)
        .copied()
}

/// `FORMAT=FILE`.
fn report(text: &str) -> Result<(Format, PathBuf), String> {
    let parts = text.split_once('=').filter(|(_, file)| !file.is_empty());
    let (name, file) = parts.ok_or("expected FORMAT=FILE, as junit=close.xml")?;
    let format = format(name).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
        format!(
            "there is no format `{name}`; it is one of {}",
            names.join(", ")
        )
    })?;
    Ok((format, PathBuf::from(file)))
}

/// The rules of policies, for the help.
fn help() -> String {
    let mut help = String::from(HELP);
    let width = RULES.iter().map(|row| row.key.len()).max().unwrap_or(0);
    for row in RULES {
        // Writing to a string cannot fail.
        let _ = writeln!(help, "  {:width$}  {}", row.key, row.summary);
    }
    help + MORE
}

const HELP: &str = "\
Examples:
  whoclosed check --print-policy web-server > close.toml
      a policy to begin with
  whoclosed check --policy close.toml trace.pcap
      does every connection close as it asks
  whoclosed check --expect close.json --update trace.pcap
      write down how connections close now; to be reviewed and kept beside the tests
  whoclosed check --expect close.json trace.pcap
      do they still close so
  whoclosed check --policy close.toml --format github --report junit=close.xml captures/
      annotations for a workflow on GitHub, and a file for another build server

Exit codes:
  0  every rule holds
  1  a rule is broken, even if another capture could not be judged
  2  a capture could not be judged: unreadable, damaged, too few flows, too little known of them;
     or wrong usage, or a policy with a mistake
  130  interrupted by Ctrl-C

A policy has scopes, each with what it is about (client, server, net, port; `all` has every flow),
and rules:
";
const MORE: &str = "
A rule counts what is at least `likely`, or as sure as its `confidence` says; what is less sure is
in doubt. A rule that holds only if flows in doubt comply could not be judged, unless
`max-indeterminate` lets so many pass. `whoclosed schema --policy` prints a JSON Schema for editors.
";
