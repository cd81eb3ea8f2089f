//! Where a capture comes from, and what is said of one that is damaged.

use super::failure::{Failure, note};
use super::live::Live;
use super::progress::{Progress, meter};
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use whoclosed::capture::{Metered, Set, SetFile};
use whoclosed::close::summary::Summary;
use whoclosed::close::verdict::Verdict;
use whoclosed::{Analysis, Extent, Options, analyze, analyze_set};

/// A capture that is being judged.
pub(crate) type Capture = Analysis<Box<dyn Read + Send>>;

/// Shows all verdicts on a capture, by so many threads at most.
pub(crate) fn each(verdicts: &mut Capture, threads: usize, mut see: impl FnMut(&Verdict, Extent)) {
    let all = verdicts.show_all(threads, &mut |verdict, extent| {
        see(verdict, extent);
        ControlFlow::Continue(())
    });
    debug_assert!(all.is_continue(), "nothing stops it");
}

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
            Self::File(path) => vec![real(path)],
            Self::Set(files) => files.iter().map(SetFile::path).collect(),
        }
    }

    /// Opens it.
    pub(crate) fn open(self, mut options: Options) -> Result<(Capture, Progress), Failure> {
        options.meter = meter();
        let total = self.bytes();
        let progress = Progress::of(options.meter.as_ref(), total);
        Ok((self.open_quietly(options)?, progress))
    }

    /// The same without a word of how far it is; the meter of the options is told.
    pub(crate) fn open_quietly(self, options: Options) -> Result<Capture, Failure> {
        match self {
            Self::File(path) => open(&path, options),
            Self::Set(files) => Ok(open_set(files, &options)),
        }
    }

    /// How many bytes it has; `None` of one that is being made.
    pub(crate) fn bytes(&self) -> Option<u64> {
        match self {
            Self::File(path) => (!is_live(path)).then(|| size(real(path))),
            Self::Set(files) => Some(files.iter().map(|file| size(file.path())).sum()),
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// By its path, whatever it is: a file on standard input need not be waited for either.
fn real(path: &Path) -> &Path {
    if is_stdin(path) {
        Path::new("/dev/stdin")
    } else {
        path
    }
}

/// It is being made, or may be.
fn is_live(path: &Path) -> bool {
    fs::metadata(real(path)).map_or_else(|_| is_stdin(path), |about| !about.is_file())
}

fn open_set(mut files: Vec<SetFile>, options: &Options) -> Capture {
    if let Some(meter) = &options.meter {
        let metered = files.into_iter().map(|file| file.metered(meter.clone()));
        files = metered.collect();
    }
    analyze_set(Set::new(files), options)
}

/// The bytes of a file; 0 where that is not known.
pub(super) fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |about| about.len())
}

fn open(path: &Path, mut options: Options) -> Result<Capture, Failure> {
    let name = path.to_string_lossy();
    let fail = |error: String| Failure::Input(name.clone().into_owned(), error);
    options.live = is_live(path);
    let mut read: Box<dyn Read + Send> = match (is_stdin(path), options.live) {
        (true, true) => Box::new(Live::new(io::stdin())),
        (true, false) => Box::new(io::stdin()),
        (false, live) => {
            let file = File::open(path).map_err(|error| fail(error.to_string()))?;
            if live {
                Box::new(Live::new(file))
            } else {
                options.file = file.try_clone().ok().map(Arc::new);
                Box::new(file)
            }
        }
    };
    options.source = name.as_ref().into();
    if let Some(meter) = &options.meter {
        read = Box::new(Metered::new(read, meter.clone()));
    }
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
    let damages = damages(summary);
    for (source, damage) in &damages {
        note(&format!("{source}: {damage}"));
    }
    damages.is_empty()
}

/// What could not be read, and of which file.
pub(crate) fn damages(summary: &Summary) -> Vec<(&str, String)> {
    let mut all = Vec::new();
    for source in &summary.sources {
        for damage in &source.damage {
            let (frame, offset) = (damage.frame, damage.offset);
            let place = match source.bytes {
                // Nothing of it could be read: there is no place to name.
                0 => String::new(),
                _ => format!("frame {frame}, byte offset {offset}: "),
            };
            let skipped = damage.skipped.map(|n| format!("; {n} bytes were skipped"));
            let text = format!("{place}{}{}", damage.what, skipped.unwrap_or_default());
            all.push((source.source.as_ref(), text));
        }
        if source.unlisted_damage > 0 {
            let text = format!(
                "damaged at {} further places; {} bytes were skipped in all",
                source.unlisted_damage, source.skipped
            );
            all.push((source.source.as_ref(), text));
        }
    }
    all
}
