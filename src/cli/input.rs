//! Where a capture comes from, and what is said of one that is damaged.

use super::failure::{Failure, note};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use whoclosed::capture::{Set, SetFile};
use whoclosed::close::summary::Summary;
use whoclosed::{Analysis, Options, analyze, analyze_set};

/// A capture that is being judged.
pub(crate) type Capture = Analysis<Box<dyn Read>>;

/// What becomes one report.
pub(crate) enum Input {
    /// A file, or standard input for `-`.
    File(PathBuf),
    /// Several files as one stream.
    Set(Vec<SetFile>),
}

impl Input {
    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Set(files) => {
                let first = files.first().map(|file| file.name().as_ref());
                let more = files.len().saturating_sub(1);
                format!("{} and {more} more", first.unwrap_or_default())
            }
        }
    }

    /// Opens it.
    pub(crate) fn open(self, time_wait: Option<i64>) -> Result<Capture, Failure> {
        let mut options = Options::default();
        options.time_wait = time_wait.unwrap_or(options.time_wait);
        match self {
            Self::File(path) => open(&path, options),
            Self::Set(files) => Ok(analyze_set(Set::new(files), &options)),
        }
    }
}

fn open(path: &Path, mut options: Options) -> Result<Capture, Failure> {
    let name = path.to_string_lossy();
    let fail = |error: String| Failure::Input(name.clone().into_owned(), error);
    let read: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(|error| fail(error.to_string()))?)
    };
    options.source = name.as_ref().into();
    analyze(read, &options).map_err(|error| fail(error.to_string()))
}

/// What the process ends with.
pub(crate) fn exit_code(whole: bool) -> ExitCode {
    if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    }
}

/// Says on standard error what could not be read; true if that is nothing.
pub(crate) fn is_whole(summary: &Summary) -> bool {
    let mut whole = true;
    for source in &summary.sources {
        for damage in &source.damage {
            let (frame, offset) = (damage.frame, damage.offset);
            let place = match source.bytes {
                // Nothing of it could be read: there is no place to name.
                0 => String::new(),
                _ => format!("frame {frame}, byte offset {offset}: "),
            };
            note(&format!("{}: {place}{}", source.source, damage.what));
            whole = false;
        }
    }
    whole
}
