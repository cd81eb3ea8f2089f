//! `whoclosed explain FILE`: one flow, told.

use super::failure::{Failure, note};
use super::input;
use super::output::{Format, look, stdout};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use whoclosed::close::verdict::Verdict;
use whoclosed::report::explain;

/// Which flow is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Capture to read, pcap or pcapng, compressed or not; - reads standard input
    file: PathBuf,

    /// Number of the flow; without it the first one
    #[arg(long, value_name = "N")]
    flow: Option<u64>,

    /// Format of the explanation
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    reading: input::Reading,
}

impl Args {
    /// Reads the capture and tells the flow.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut verdicts = input::open(&self.file, &self.reading)?;
        let wanted = self.flow.unwrap_or(0);
        let mut found: Option<Verdict> = None;
        for verdict in &mut verdicts {
            if verdict.flow == wanted {
                found = Some(verdict);
            }
        }
        let summary = verdicts.summary();
        let Some(verdict) = found else {
            input::damage(&summary);
            return Err(self.not_found(summary.flows));
        };
        self.tell(&verdict, summary.flows)?;
        Ok(input::damage(&summary))
    }

    /// Writes the explanation, and how to choose another flow where nobody chose this one.
    fn tell(&self, verdict: &Verdict, flows: u64) -> io::Result<()> {
        let mut out = stdout();
        if self.format == Format::Json {
            return explain::json(&mut out, verdict, flows);
        }
        explain::text(&mut out, look(), verdict)?;
        if self.flow.is_none() && flows > 1 {
            let last = flows - 1;
            note(&format!(
                "this is the first of {flows} flows; choose another with --flow 0 to {last}"
            ));
        }
        Ok(())
    }

    fn not_found(&self, flows: u64) -> Failure {
        let name = self.file.to_string_lossy().into_owned();
        let text = match flows {
            0 => "the capture holds no TCP flow".to_owned(),
            1 => "there is only flow 0".to_owned(),
            _ => format!("there are only flows 0 to {}", flows - 1),
        };
        Failure::Input(name, text)
    }
}
