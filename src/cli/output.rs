//! Where a report goes, and what it may look like there.

use super::failure::Failure;
use super::input::Input;
use super::progress::Progress;
use super::twice::is_same;
use clap::ValueEnum;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
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
    /// A page for the browser that loads nothing: diagnosis, totals, TIME-WAIT and ports over time, a
    /// table of the flows, each with its ladder
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

/// Where a report goes: standard output, or a file, which is replaced when the report is whole.
pub(crate) enum Output {
    Stdout,
    /// What is no regular file (a pipe, a device) is written as it comes.
    Special(File),
    /// What is written, and where it goes in the end.
    File(NamedTempFile, PathBuf),
}

impl Output {
    /// The file at `path`, or standard output for none and for `-`. Refuses to replace an input.
    pub(crate) fn open(path: Option<&Path>, inputs: &[Input]) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| path.as_os_str() != "-") else {
            return Ok(Self::Stdout);
        };
        let name = || path.to_string_lossy().into_owned();
        let mut read = inputs.iter().flat_map(Input::paths);
        if read.any(|input| is_same(input, path)) {
            let text = "this is the input, which is still needed";
            return Err(Failure::Input(name(), text.to_owned()));
        }
        Self::file(path)
            .map_err(|error| Failure::Input(name(), format!("cannot be written: {error}")))
    }

    fn file(path: &Path) -> io::Result<Self> {
        // Of a link what it leads to is replaced.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let before = fs::metadata(&real).ok();
        if before.as_ref().is_some_and(|before| !before.is_file()) {
            return Ok(Self::Special(File::options().write(true).open(&real)?));
        }
        let folder = real
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let file = builder().tempfile_in(folder.unwrap_or(Path::new(".")))?;
        if let Some(before) = before {
            file.as_file().set_permissions(before.permissions())?;
        }
        Ok(Self::File(file, real))
    }

    /// The way there.
    pub(crate) fn sink(&self) -> io::Result<Sink> {
        Ok(match self {
            Self::Stdout => Sink::Stdout(io::stdout().lock()),
            Self::Special(file) => Sink::File(file.try_clone()?),
            Self::File(file, _) => Sink::File(file.as_file().try_clone()?),
        })
    }

    /// The report is whole. What is not kept leaves the file as it was.
    pub(crate) fn keep(self) -> io::Result<()> {
        match self {
            Self::Stdout | Self::Special(_) => Ok(()),
            Self::File(file, path) => file.persist(path).map(drop).map_err(|error| error.error),
        }
    }

    /// What can be shown there.
    pub(crate) fn look(&self) -> Look {
        if matches!(self, Self::Stdout) {
            return look();
        }
        let always = anstream::ColorChoice::global() == anstream::ColorChoice::Always;
        Look::new(None, always)
    }
}

/// Makes a file that others may read as any other.
#[cfg(unix)]
fn builder() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.permissions(fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn builder() -> tempfile::Builder<'static, 'static> {
    tempfile::Builder::new()
}

/// A way to an [`Output`].
pub(crate) enum Sink {
    Stdout(StdoutLock<'static>),
    File(File),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

/// Where a report goes that begins while the capture is read.
pub(crate) struct Out {
    sink: Sink,
    progress: Progress,
}

impl Out {
    /// The progress makes way for what is written, and ends with it.
    pub(crate) const fn new(sink: Sink, progress: Progress) -> Self {
        Self { sink, progress }
    }

    /// The same for text.
    pub(crate) fn buffered(self) -> BufWriter<Self> {
        BufWriter::with_capacity(BUFFER, self)
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.sink, Sink::Stdout(_)) {
            self.progress.make_way();
        }
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
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
