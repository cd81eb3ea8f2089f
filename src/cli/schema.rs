//! `whoclosed schema`: the JSON Schema of the report.

use super::failure::Failure;
use super::output::stdout;
use std::io::Write;
use std::process::ExitCode;

/// Nothing to choose.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    /// Prints it.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let Self {} = self;
        let mut out = stdout();
        whoclosed::report::schema::write(&mut out)?;
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
