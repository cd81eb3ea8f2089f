//! Where a capture comes from, and what is said of one that is damaged.

use super::failure::{Failure, note};
use super::keys::Keys;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;
use whoclosed::close::summary::Summary;
use whoclosed::{Analysis, Options, analyze};

/// A capture that is being judged.
pub(crate) type Capture = Analysis<Box<dyn Read>>;

/// Opens a file, or standard input for `-`.
pub(crate) fn open(path: &Path, time_wait: Option<i64>, keys: Keys) -> Result<Capture, Failure> {
    let name = path.to_string_lossy();
    let fail = |error: String| Failure::Input(name.clone().into_owned(), error);
    let read: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(file(path).map_err(|error| fail(error.to_string()))?)
    };
    let mut options = Options::default();
    options.source = name.as_ref().into();
    options.time_wait = time_wait.unwrap_or(options.time_wait);
    keys.apply(&mut options);
    analyze(read, &options).map_err(|error| fail(error.to_string()))
}

fn file(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        let kind = io::ErrorKind::IsADirectory;
        return Err(io::Error::new(
            kind,
            "Is a directory; a capture file was expected",
        ));
    }
    Ok(file)
}

/// Says on standard error what could not be read; returns the exit code.
pub(crate) fn damage(summary: &Summary) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for source in &summary.sources {
        for damage in &source.damage {
            let (frame, offset) = (damage.frame, damage.offset);
            note(&format!(
                "{}: frame {frame}, byte offset {offset}: {}",
                source.source, damage.what
            ));
            code = ExitCode::from(2);
        }
    }
    code
}
