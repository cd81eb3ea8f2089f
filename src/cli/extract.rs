//! `whoclosed extract IN -o OUT`: some flows of a capture, as a capture.

use super::anonymize::Anonymize;
use super::failure::{Failure, note};
use super::how::How;
use super::selection::Selection;
use super::twice::Paths;
use std::process::ExitCode;
use whoclosed::rewrite::extract;

/// What is copied.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    paths: Paths,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    anonymize: Anonymize,

    #[command(flatten)]
    how: How,
}

const EXAMPLES: &str = "\
Examples:
  whoclosed extract --flow 7 trace.pcap -o flow7.pcap
      the frames of flow 7, and the ICMP errors about it
  whoclosed extract --only outcome=aborted --only host=10.0.0.1 trace.pcapng -o aborted.pcapng
      those of all flows of a host that were aborted
  whoclosed extract --flow 7 --anonymize trace.pcap -o shared.pcap
      to be shown to anybody: other addresses of the same prefixes, payloads zeroed
  whoclosed extract --flow 7 trace.pcap -o - | tshark -r -
      to another program

A pcap stays a pcap and a pcapng a pcapng, uncompressed; bytes, times and interfaces stay as they are.
";

impl Args {
    /// Judges the capture, and copies the flows that are meant.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        self.how.check()?;
        self.paths.check()?;
        let key = self.anonymize.key()?;
        let mut choice = self.how.choice();
        let mut fits = true;
        let summary = self.paths.judge(&self.how, |verdict| {
            if self.selection.has(verdict) {
                fits &= choice.add(verdict);
            }
        })?;
        self.selection.check(&summary)?;
        if !fits {
            let most = choice.flows();
            let text = format!("more than {most} flows; choose fewer with --only or --filter");
            return Err(Failure::Usage(text));
        }
        let strict = self.how.is_strict();
        let code = self.paths.write(&summary, strict, |reader, out| {
            extract(reader, &choice, key, out).map(|_| ())
        })?;
        if choice.flows() == 0 && !summary.interrupted {
            note("no flow matches: there are no packets in what was written");
        }
        Ok(code)
    }
}
