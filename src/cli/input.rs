//! Where a capture comes from, and what is said of one that is damaged.

use super::duration;
use super::failure::{Failure, note};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;
use whoclosed::close::summary::Summary;
use whoclosed::{Analysis, Options, analyze};

/// A capture that is being judged.
pub(crate) type Capture = Analysis<Box<dyn Read>>;

/// How a capture is read and judged.
#[derive(Debug, clap::Args)]
pub(crate) struct Reading {
    /// How long TIME-WAIT lasts: 60s, 250ms, 4m, 1h [default: 60s]
    ///
    /// Linux: 60 s, compiled in; its setting for FIN timeouts does not change that. RFC 9293 asks
    /// for 2 MSL, 4 minutes. Windows and BSD have settings of their own.
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    time_wait: Option<i64>,

    /// Stop at the first damage of the capture instead of going on behind it
    #[arg(long)]
    strict: bool,
}

/// Opens a file, or standard input for `-`.
pub(crate) fn open(path: &Path, how: &Reading) -> Result<Capture, Failure> {
    let name = path.to_string_lossy();
    let fail = |error: String| Failure::Input(name.clone().into_owned(), error);
    let read: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(file(path).map_err(|error| fail(error.to_string()))?)
    };
    let mut options = Options::default();
    options.source = name.as_ref().into();
    options.time_wait = how.time_wait.unwrap_or(options.time_wait);
    options.strict = how.strict;
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
            let skipped = damage.skipped.map(|n| format!("; {n} bytes were skipped"));
            note(&format!(
                "{}: frame {frame}, byte offset {offset}: {}{}",
                source.source,
                damage.what,
                skipped.unwrap_or_default()
            ));
            code = ExitCode::from(2);
        }
        if source.unlisted_damage > 0 {
            note(&format!(
                "{}: damaged at {} further places; {} bytes were skipped in all",
                source.source, source.unlisted_damage, source.skipped
            ));
        }
    }
    code
}
