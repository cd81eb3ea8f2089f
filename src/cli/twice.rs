//! A capture that is judged and then read again, to be written anew.

use super::failure::Failure;
use super::how::How;
use super::input::{Input, each, exit_code, is_whole, size};
use super::live::{INTERRUPTED, interrupt};
use super::progress::{Progress, meter};
use std::borrow::Cow;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use whoclosed::capture::{Metered, Reader};
use whoclosed::close::summary::Summary;
use whoclosed::close::verdict::Verdict;

/// Bytes gathered before they are written.
const BUFFER: usize = 256 * 1024;

/// Where from and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Paths {
    /// The capture, compressed or not: one file, which is read twice
    #[arg(value_name = "IN")]
    input: PathBuf,

    /// The file to write, which is replaced if it is there; - is standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// A reader of the capture at the second reading.
pub(crate) type Again = Reader<Box<dyn Read>>;

impl Paths {
    /// Refuses what cannot be read twice, and to write where that would destroy the input.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let no = |path: &Path, text: &str| {
            let name = path.to_string_lossy().into_owned();
            Err(Failure::Input(name, text.to_owned()))
        };
        let about = match fs::metadata(&self.input) {
            _ if self.input.as_os_str() == "-" => None,
            Ok(about) => Some(about),
            Err(error) => return no(&self.input, &error.to_string()),
        };
        if about.as_ref().is_some_and(fs::Metadata::is_dir) {
            return no(
                &self.input,
                "a directory; one file is needed (mergecap -w makes one of several)",
            );
        }
        if !about.is_some_and(|about| about.is_file()) {
            return no(
                &self.input,
                "no regular file; it is read twice, which a pipe or standard input cannot be: write \
                 it to a file first",
            );
        }
        if self.is_stdout() {
            if io::stdout().is_terminal() {
                return no(&self.output, "a capture is not written to a terminal");
            }
            return Ok(());
        }
        if is_same(&self.input, &self.output) {
            return no(&self.output, "this is the input, which is still needed");
        }
        Ok(())
    }

    /// What messages call the output.
    pub(crate) fn output(&self) -> Cow<'_, str> {
        self.output.to_string_lossy()
    }

    /// Reads the capture for the first time.
    pub(crate) fn judge(&self, how: &How, see: impl FnMut(&Verdict)) -> Result<Summary, Failure> {
        let mut see = see;
        let input = Input::File(self.input.clone());
        let (mut verdicts, progress) = input.open(how.options())?;
        each(&mut verdicts, how.threads(), |verdict, _| see(verdict));
        drop(progress);
        Ok(verdicts.summary())
    }

    /// Reads it again, and writes.
    pub(crate) fn write(
        &self,
        summary: &Summary,
        strict: bool,
        work: impl FnOnce(&mut Again, &mut dyn Write) -> io::Result<()>,
    ) -> Result<ExitCode, Failure> {
        let whole = is_whole(summary);
        if summary.interrupted {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        let flag = interrupt();
        let (mut reader, progress) = self.again(flag.clone())?;
        reader = reader.strict(strict);
        if self.is_stdout() {
            let mut out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
            work(&mut reader, &mut out)?;
        } else {
            let file = File::create(&self.output).map_err(|error| self.unwritable(&error))?;
            let mut out = BufWriter::with_capacity(BUFFER, file);
            work(&mut reader, &mut out).map_err(|error| self.unwritable(&error))?;
        }
        drop(progress);
        if is_set(flag.as_ref()) {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        Ok(exit_code(whole))
    }

    /// Opens the capture once more.
    fn again(&self, flag: Option<Arc<AtomicBool>>) -> Result<(Again, Progress), Failure> {
        let unreadable = |error: &dyn Display| {
            let name = self.input.to_string_lossy().into_owned();
            Failure::Input(name, error.to_string())
        };
        let file = File::open(&self.input).map_err(|error| unreadable(&error))?;
        let mut read: Box<dyn Read> = Box::new(Interruptible { file, flag });
        let meter = meter();
        let progress = Progress::of(meter.as_ref(), Some(size(&self.input)));
        if let Some(meter) = meter {
            read = Box::new(Metered::new(read, meter));
        }
        let reader = Reader::new(read).map_err(|error| unreadable(&error))?;
        Ok((reader, progress))
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        let name = self.output.to_string_lossy().into_owned();
        Failure::Input(name, format!("cannot be written: {error}"))
    }

    fn is_stdout(&self) -> bool {
        self.output.as_os_str() == "-"
    }
}

/// The two are one file, whatever they are called.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let same_path = real(one).is_some_and(|one| Some(one) == real(other));
    same_path || is_linked(one, other)
}

#[cfg(unix)]
fn is_linked(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |path: &Path| {
        fs::metadata(path)
            .ok()
            .map(|about| (about.dev(), about.ino()))
    };
    place(one).is_some_and(|one| Some(one) == place(other))
}

#[cfg(not(unix))]
fn is_linked(_: &Path, _: &Path) -> bool {
    false
}

/// A file that ends where the user wants no more of it.
struct Interruptible {
    file: File,
    flag: Option<Arc<AtomicBool>>,
}

impl Read for Interruptible {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if is_set(self.flag.as_ref()) {
            return Ok(0);
        }
        self.file.read(into)
    }
}

fn is_set(flag: Option<&Arc<AtomicBool>>) -> bool {
    flag.is_some_and(|flag| flag.load(Ordering::Relaxed))
}
