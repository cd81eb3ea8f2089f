//! Where a report goes, and what it may look like there.

use clap::ValueEnum;
use std::io::{self, BufWriter, IsTerminal, StdoutLock};
use whoclosed::report::Look;

/// The formats of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// JSON Lines: an object per flow, then the summary
    Json,
}

/// Bytes gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// Standard output for text.
pub(crate) fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(BUFFER, io::stdout().lock())
}

/// What standard output can show: the width of a terminal, and colours where they are wanted.
pub(crate) fn look() -> Look {
    let stdout = io::stdout();
    let colour = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    let terminal = stdout.is_terminal().then(terminal_size::terminal_size);
    let width = terminal.flatten().map(|(width, _)| usize::from(width.0));
    Look::new(width, colour)
}
