//! `whoclosed annotate IN -o OUT`: a capture with our words on the frames that decide.

use super::failure::{Failure, note};
use super::how::How;
use super::selection::Selection;
use super::twice::Paths;
use std::process::ExitCode;
use whoclosed::rewrite::{Comments, Written, annotate};

/// What is said, and of which flows.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    paths: Paths,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    how: How,
}

const EXAMPLES: &str = "\
Examples:
  whoclosed annotate trace.pcap -o told.pcapng
      every packet of the capture, with comments on those that closed connections
  whoclosed annotate --only outcome=aborted trace.pcap -o told.pcapng
      comments on aborted connections only; every packet is copied nevertheless

The output is pcapng: Wireshark shows the comments above the packet, and lists them with the display
filter `frame.comment contains \"whoclosed\"`.
";

impl Args {
    /// Judges the capture, and copies it with comments.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        self.how.check()?;
        self.paths.check()?;
        let mut comments = Comments::default();
        let mut unsaid: u64 = 0;
        let summary = self.paths.judge(&self.how, |verdict| {
            if self.selection.has(verdict) {
                unsaid += u64::from(!comments.add(verdict));
            }
        })?;
        self.selection.check(&summary)?;
        let mut written = Written::default();
        let strict = self.how.is_strict();
        let code = self.paths.write(&summary, strict, |reader, out| {
            written = annotate(reader, &comments, out)?;
            Ok(())
        })?;
        if unsaid > 0 {
            note(&format!(
                "flows without comments: {unsaid}; there are too many, choose some with --only"
            ));
        }
        if written.left_out > 0 {
            note(&format!(
                "comments left out: {}; simple packet blocks have none",
                written.left_out
            ));
        }
        if written.lost > 0 {
            note(&format!(
                "packets that cannot be read and were not written: {}; frames behind them have lower \
                 numbers in {} than in its comments",
                written.lost,
                self.paths.output()
            ));
        }
        Ok(code)
    }
}
