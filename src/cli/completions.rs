//! `whoclosed completions SHELL`: what a shell needs to complete the command line.

use super::Cli;
use super::failure::Failure;
use super::output::stdout;
use clap::CommandFactory;
use clap_complete::{Shell, generate};
use std::io::Write;
use std::process::ExitCode;

/// For which shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell that is to complete the command line
    #[arg(value_enum)]
    shell: Shell,
}

impl Args {
    /// Prints the script.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        // Into memory: `generate` panics where its output cannot be written.
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "whoclosed", &mut script);
        let mut out = stdout();
        out.write_all(&script)?;
        out.flush()?;
        Ok(ExitCode::SUCCESS)
    }
}
