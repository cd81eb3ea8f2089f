//! Why a run ends early, and how it says so.

use std::io::{self, Write};
use std::process::ExitCode;
use whoclosed::report::printable;

/// What ended the run.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The input cannot be read at all: its name and why.
    Input(String, String),
    /// What is asked for contradicts itself.
    Usage(String),
    /// The report cannot be written.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Failure {
    /// The reason alone.
    pub(crate) fn why(self) -> String {
        match self {
            Self::Input(_, text) | Self::Usage(text) => text,
            Self::Output(error) => error.to_string(),
        }
    }

    /// Says it on standard error; returns the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            // The reader has seen enough (`whoclosed FILE | head`).
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::SUCCESS;
            }
            Self::Output(error) => note(&format!("the report cannot be written: {error}")),
            Self::Usage(text) => note(&text),
            Self::Input(name, error) => note(&format!("{name}: {error}")),
        }
        ExitCode::from(2)
    }
}

/// One line on standard error.
pub(crate) fn note(text: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(io::stderr(), "whoclosed: {}", printable(text));
}
