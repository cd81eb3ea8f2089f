//! Where a capture comes from, and what is said of one that is damaged.

use super::failure::{Failure, note};
use super::live::{Live, Shown};
use super::progress::{Progress, meter};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use whoclosed::capture::{Metered, Set, SetFile};
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

    /// The files that it is read from.
    pub(crate) fn paths(&self) -> Vec<&Path> {
        match self {
            Self::File(path) if path.as_os_str() == "-" => vec![Path::new("/dev/stdin")],
            Self::File(path) => vec![path],
            Self::Set(files) => files.iter().map(SetFile::path).collect(),
        }
    }

    /// Opens it. What is `shown` is shown at once while a live one is waited for.
    pub(crate) fn open(
        self,
        mut options: Options,
        shown: &Shown,
    ) -> Result<(Capture, Progress), Failure> {
        options.meter = meter();
        match self {
            Self::File(path) => open(&path, options, shown),
            Self::Set(files) => Ok(open_set(files, &options)),
        }
    }
}

fn open_set(mut files: Vec<SetFile>, options: &Options) -> (Capture, Progress) {
    let sizes = files.iter().map(|file| size(file.path()));
    let progress = Progress::of(options.meter.as_ref(), Some(sizes.sum()));
    if let Some(meter) = &options.meter {
        let metered = files.into_iter().map(|file| file.metered(meter.clone()));
        files = metered.collect();
    }
    (analyze_set(Set::new(files), options), progress)
}

/// The bytes of a file; 0 where that is not known.
pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len())
}

fn open(path: &Path, mut options: Options, shown: &Shown) -> Result<(Capture, Progress), Failure> {
    let name = path.to_string_lossy();
    let fail = |error: String| Failure::Input(name.clone().into_owned(), error);
    let is_stdin = path.as_os_str() == "-";
    // By its path, whatever it is: a file on standard input need not be waited for either.
    let at = if is_stdin {
        Path::new("/dev/stdin")
    } else {
        path
    };
    options.live = fs::metadata(at).map_or(is_stdin, |about| !about.is_file());
    let mut read: Box<dyn Read> = match (is_stdin, options.live) {
        (true, true) => Box::new(Live::new(io::stdin(), Rc::clone(shown))),
        (true, false) => Box::new(io::stdin().lock()),
        (false, live) => {
            let file = File::open(path).map_err(|error| fail(error.to_string()))?;
            if live {
                Box::new(Live::new(file, Rc::clone(shown)))
            } else {
                Box::new(file)
            }
        }
    };
    options.source = name.as_ref().into();
    let total = (!options.live).then(|| size(at));
    let progress = Progress::of(options.meter.as_ref(), total);
    if let Some(meter) = &options.meter {
        read = Box::new(Metered::new(read, meter.clone()));
    }
    let capture = analyze(read, &options).map_err(|error| fail(error.to_string()))?;
    Ok((capture, progress))
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
            let skipped = damage.skipped.map(|n| format!("; {n} bytes were skipped"));
            note(&format!(
                "{}: {place}{}{}",
                source.source,
                damage.what,
                skipped.unwrap_or_default()
            ));
            whole = false;
        }
        if source.unlisted_damage > 0 {
            note(&format!(
                "{}: damaged at {} further places; {} bytes were skipped in all",
                source.source, source.unlisted_damage, source.skipped
            ));
        }
    }
    whole
}
