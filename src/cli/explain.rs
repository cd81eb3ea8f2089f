//! `whoclosed explain FILE`: one flow, told.

use super::anonymize::{Anonymize, Names};
use super::failure::{Failure, note};
use super::files::{Files, Inputs};
use super::how::How;
use super::input::{each, exit_code, is_whole};
use super::output::{Format, look, stdout};
use std::io;
use std::process::ExitCode;
use whoclosed::close::verdict::Verdict;
use whoclosed::report::explain;

/// Which flow is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: Files,

    /// Number of the flow; without it the first one
    #[arg(long, value_name = "N")]
    flow: Option<u64>,

    /// Format of the explanation
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    #[command(flatten)]
    anonymize: Anonymize,

    #[command(flatten)]
    how: How,
}

impl Args {
    /// Reads the capture and tells the flow.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        self.how.check()?;
        let Inputs { all, failed, .. } = self.files.inputs(false, self.how.threads())?;
        let mut inputs = all.into_iter();
        let (input, other) = (inputs.next(), inputs.next());
        let Some(input) = input else {
            return Ok(exit_code(false));
        };
        let name = input.name();
        if other.is_some() {
            let text = "this and another file are not one capture (they hold the same packets, or \
                        one holds none); explain one of them";
            return Err(Failure::Input(name, text.to_owned()));
        }
        let mut options = self.how.options();
        options.anonymize = self.anonymize.key()?;
        let hides = options.anonymize.is_some();
        let (mut verdicts, progress) = input.open(options)?;
        let wanted = self.flow.unwrap_or(0);
        let mut found: Option<Verdict> = None;
        each(&mut verdicts, self.how.threads(), |verdict, _| {
            if verdict.flow == wanted {
                found = Some(verdict.clone());
            }
        });
        drop(progress);
        let summary = verdicts.summary();
        let Some(mut verdict) = found else {
            is_whole(&summary);
            return Err(not_found(name, summary.flows));
        };
        if hides {
            Names::default().hide(&mut verdict);
        }
        self.tell(&verdict, summary.flows)?;
        Ok(exit_code(is_whole(&summary) && !failed))
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
}

pub(super) fn not_found(name: String, flows: u64) -> Failure {
    let text = match flows {
        0 => "the capture holds no TCP flow".to_owned(),
        1 => "there is only flow 0".to_owned(),
        _ => format!("there are only flows 0 to {}", flows - 1),
    };
    Failure::Input(name, text)
}
