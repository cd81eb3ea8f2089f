//! `whoclosed schema`: the JSON Schema of the report, or of policies.

use super::failure::Failure;
use super::output::stdout;
use std::io::Write;
use std::process::ExitCode;

/// Which one.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// That of the policies of `whoclosed check` instead, for editors
    #[arg(long)]
    policy: bool,
}

impl Args {
    /// Prints it.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut out = stdout();
        if self.policy {
            whoclosed::check::policy::schema::write(&mut out)?;
        } else {
            whoclosed::report::schema::write(&mut out)?;
        }
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
