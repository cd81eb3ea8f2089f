//! The command line: what can be asked, and the exit codes.
//!
//! 0: reported, or a check holds. 1: a check found something broken. 2: usage, or input that is unreadable or damaged.

mod annotate;
mod anonymize;
mod check;
mod completions;
mod diff;
use whoclosed::stamp::duration;
mod explain;
mod extract;
mod failure;
mod files;
mod how;
mod input;
mod keys;
mod live;
mod man;
mod moment;
mod only;
mod output;
mod parallel;
mod progress;
mod report;
mod schema;
mod selection;
mod sockets;
mod terms;
mod timewait;
mod twice;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};
use failure::Failure;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// Says for every TCP connection of a packet capture how it was closed, by whom, and who owned
/// TIME-WAIT.
#[derive(Debug, Parser)]
#[command(
    name = "whoclosed",
    version,
    after_help = "Run `whoclosed --help` for examples.",
    after_long_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    report: report::Args,

    /// When to use colours; auto: on a terminal, unless the environment forbids it
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    color: Color,

    #[command(subcommand)]
    command: Option<Command>,
}

/// When the output has colours.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    const fn choice(self) -> anstream::ColorChoice {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tells one flow: a ladder of its close, the states, and the reasoning frame by frame
    Explain(explain::Args),
    /// Tells who held TIME-WAITs, how many at once, and whether ports run out
    Timewait(timewait::Args),
    /// Joins a list of sockets (ss, netstat, lsof) with the flows of a capture
    Sockets(sockets::Args),
    /// Compares two captures or saved reports: what got worse, and whether chance would make it
    Diff(diff::Args),
    /// Copies a capture with comments on the frames that close connections
    Annotate(annotate::Args),
    /// Copies some flows of a capture
    Extract(extract::Args),
    /// Checks that connections close as a policy asks: for tests and CI
    Check(check::Args),
    /// Tells what an outcome, cause, finding, state or other word of the report means
    Terms(terms::Args),
    /// Prints the JSON Schema of the JSON report, or of policies
    Schema(schema::Args),
    /// Prints what a shell needs to complete the command line
    Completions(completions::Args),
    /// Prints the manual page of whoclosed or of a subcommand, or writes all of them
    Man(man::Args),
}

const EXAMPLES: &str = "\
Examples:
  whoclosed trace.pcap
      a line per connection: how it ended, who closed first, who owns TIME-WAIT; then the totals
  whoclosed --only outcome=aborted --only outcome=aborted-after-fin trace.pcap
      the connections that a RST ended
  whoclosed --only aborted-by=server --only cause!=refused trace.pcap
      the server's resets, refused connections left out
  whoclosed explain --flow 7 trace.pcap
      why flow 7 is judged as it is, frame by frame
  whoclosed timewait trace.pcap
      who held TIME-WAITs, how many at once, and whether ports run out
  ss -tano | whoclosed sockets --list - trace.pcap
      which connections the sockets of a host are, who closed them, since when
  whoclosed annotate trace.pcap -o told.pcapng
      the capture with comments on the frames that decide, for Wireshark
  whoclosed extract --flow 7 --anonymize trace.pcap -o shared.pcap
      one flow as a capture, without addresses and payloads
  whoclosed check --policy close.toml trace.pcap
      does every connection close as the policy asks; --print-policy strict shows one
  whoclosed diff --fail-on worse old.pcap new.pcap
      what got worse from one release to the next, and would chance make it
  whoclosed terms close-wait-leak
      what a word of the report means, and what to do about it
  whoclosed ring/
  whoclosed ring/trace.pcap*
      the files of a ring, or any files that belong together, as one capture
  whoclosed --separate *.pcap
      a report on each file
  whoclosed --filter 'host 10.0.0.1 and port 443' --since +10m --until +15m trace.pcap
      part of a capture
  tcpdump -w - 'tcp port 443' | whoclosed --format json -
      JSON Lines from standard input: an object per flow, then the summary
  whoclosed --format csv trace.pcap
      a row per flow, for spreadsheets and databases; --format zeek writes a conn.log
  whoclosed --format html -o report.html trace.pcap
      a page for the browser, to be shown and sent

Exit codes:
  0  the capture was read and reported; what was checked holds
  1  `whoclosed check`: a rule is broken; `whoclosed diff --fail-on`: something got worse
  2  wrong usage, or a capture that is unreadable or damaged (what could be read is reported);
     `whoclosed check`: it could not be judged
  130  interrupted by Ctrl-C (what was read is reported)
";

/// Runs the command that was asked for.
pub(crate) fn run() -> Result<ExitCode, Failure> {
    if std::env::args_os().len() < 2 {
        return Ok(nothing_asked());
    }
    let cli = Cli::parse();
    cli.color.choice().write_global();
    match cli.command {
        Some(Command::Explain(args)) => args.run(),
        Some(Command::Timewait(args)) => args.run(),
        Some(Command::Sockets(args)) => args.run(),
        Some(Command::Diff(args)) => args.run(),
        Some(Command::Annotate(args)) => args.run(),
        Some(Command::Extract(args)) => args.run(),
        Some(Command::Check(args)) => args.run(),
        Some(Command::Terms(args)) => args.run(),
        Some(Command::Schema(args)) => args.run(),
        Some(Command::Completions(args)) => args.run(),
        Some(Command::Man(args)) => args.run(),
        None => cli.report.run(),
    }
}

/// Without any argument: the short help.
fn nothing_asked() -> ExitCode {
    let mut command = Cli::command();
    let help = command.render_help();
    let mut stderr = anstream::stderr().lock();
    // A closed standard error leaves nobody to tell.
    let _ = write!(stderr, "{}", help.ansi());
    if !std::io::stdin().is_terminal() {
        let _ = writeln!(
            stderr,
            "\nTo read a capture from standard input give `-` as FILE."
        );
    }
    ExitCode::from(2)
}
