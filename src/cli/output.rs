//! Where a report goes, and what it may look like there.

use super::progress::Progress;
use clap::ValueEnum;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
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

/// The formats of the report on all flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people
    #[default]
    Text,
    /// JSON Lines: an object per flow, then the summary
    Json,
    /// A row per flow, columns named in the first row; without diagnosis and summary
    Csv,
    /// A page for the browser that loads nothing: diagnosis, outcomes, a table of the flows, each with
    /// its ladder
    Html,
    /// A conn.log as Zeek writes it, our columns after its own; without diagnosis and summary
    Zeek,
}

/// Bytes gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// Standard output for text.
pub(crate) fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(BUFFER, io::stdout().lock())
}

/// Standard output for a report that begins while the capture is read.
pub(crate) struct Out {
    stdout: StdoutLock<'static>,
    progress: Progress,
}

impl Out {
    /// The progress makes way for what is written, and ends with it.
    pub(crate) fn new(progress: Progress) -> Self {
        let stdout = io::stdout().lock();
        Self { stdout, progress }
    }

    /// The same for text.
    pub(crate) fn for_text(progress: Progress) -> BufWriter<Self> {
        BufWriter::with_capacity(BUFFER, Self::new(progress))
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.progress.make_way();
        self.stdout.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// What standard output can show: the width of a terminal, and colours where they are wanted.
pub(crate) fn look() -> Look {
    let stdout = io::stdout();
    let colour = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
    let terminal = stdout.is_terminal().then(terminal_size::terminal_size);
    let width = terminal.flatten().map(|(width, _)| usize::from(width.0));
    Look::new(width, colour)
}
