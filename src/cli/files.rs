//! Which files are meant, and which of them are one capture.

use super::failure::{Failure, note};
use super::input::{Input, size};
use super::parallel::in_parallel;
use super::progress::{Progress, meter};
use std::collections::HashSet;
use std::fmt::Display;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use whoclosed::capture::{Meter, OpenError, Reader, SetFile, by_name};
use whoclosed::streams;

/// The captures to read.
#[derive(Debug, clap::Args)]
pub(crate) struct Files {
    /// Captures to read, compressed or not, or directories of them; - reads standard input
    ///
    /// Several files are one capture in the order of time, as the files of a ring are (tcpdump -C
    /// and -G, dumpcap -b), whatever order they are given in; files that run at the same time are
    /// merged. Files that hold the same traffic, captured at several points, are reported one by
    /// one. Of a directory the captures in it are read, hidden files and directories in it are
    /// not. - stands alone.
    #[arg(required_unless_present = "read")]
    file: Vec<PathBuf>,

    /// The same as FILE (repeatable)
    #[arg(short, long, value_name = "FILE")]
    read: Vec<PathBuf>,
}

/// The inputs, one for each report.
pub(crate) struct Inputs {
    pub(crate) all: Vec<Input>,
    /// They are captures of the same traffic.
    pub(crate) points: bool,
    /// Some could not be read; that has been said.
    pub(crate) failed: bool,
    /// Which, and why.
    pub(crate) problems: Vec<(String, String)>,
}

/// A path, and whether it was found in a directory: nobody has said that it is a capture.
struct Candidate {
    path: PathBuf,
    found: bool,
}

impl Files {
    /// These.
    pub(crate) const fn of(file: Vec<PathBuf>) -> Self {
        let read = Vec::new();
        Self { file, read }
    }

    /// Standard input is read.
    pub(crate) fn is_stdin(&self) -> bool {
        let mut paths = self.file.iter().chain(&self.read);
        paths.any(|path| path.as_os_str() == "-")
    }

    /// Finds the captures, and which of them are one; all of them are separate if so asked. They are
    /// looked through by so many threads.
    pub(crate) fn inputs(&self, separate: bool, threads: usize) -> Result<Inputs, Failure> {
        let paths: Vec<&PathBuf> = self.file.iter().chain(&self.read).collect();
        if let [path] = paths.as_slice()
            && !path.is_dir()
        {
            return Ok(Inputs::of(vec![Input::File((*path).clone())]));
        }
        if paths.iter().any(|path| path.as_os_str() == "-") {
            let error = "standard input can only be read alone, not among files";
            return Err(Failure::Input("-".to_owned(), error.to_owned()));
        }
        let mut search = Search::default();
        for path in paths {
            search.add(path);
        }
        if separate {
            return Ok(search.separate());
        }
        Ok(search.sets(threads))
    }
}

impl Inputs {
    const fn of(inputs: Vec<Input>) -> Self {
        Self {
            all: inputs,
            points: false,
            failed: false,
            problems: Vec::new(),
        }
    }
}

/// The files found so far.
#[derive(Default)]
struct Search {
    candidates: Vec<Candidate>,
    /// What was seen already, by its real path: a file counts once.
    known: HashSet<PathBuf>,
    /// Files in directories that are no captures.
    skipped: u64,
    problems: Vec<(String, String)>,
}

impl Search {
    /// Adds a file, or the files in a directory.
    fn add(&mut self, path: &Path) {
        if !path.is_dir() {
            self.candidate(path.to_path_buf(), false);
            return;
        }
        match entries(path) {
            Err(error) => self.fail(path, &error),
            Ok(entries) => {
                for path in entries {
                    if is_hidden(&path) || !path.is_file() {
                        self.skipped += 1;
                    } else {
                        self.candidate(path, true);
                    }
                }
            }
        }
    }

    fn candidate(&mut self, path: PathBuf, found: bool) {
        // What has no real path cannot be opened either, and says so then.
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if self.known.insert(real) {
            self.candidates.push(Candidate { path, found });
        }
    }

    /// Each file by itself.
    fn separate(mut self) -> Inputs {
        let mut inputs = Vec::new();
        for Candidate { path, found } in std::mem::take(&mut self.candidates) {
            if found && File::open(&path).map_or(Ok(()), is_capture).is_err() {
                self.skipped += 1;
            } else {
                inputs.push(Input::File(path));
            }
        }
        self.result(inputs)
    }

    /// All files as one, unless some hold the same traffic.
    fn sets(mut self, threads: usize) -> Inputs {
        let meter = meter();
        let sizes = self.candidates.iter().map(|file| size(&file.path));
        let progress = Progress::of(meter.as_ref(), Some(sizes.sum()));
        let files = self.look_through(threads, meter.as_deref());
        if files.iter().all(|file| file.error().is_some()) {
            drop(progress);
            for file in &files {
                self.fail(file.path(), file.error().unwrap_or_default());
            }
            return self.result(Vec::new());
        }
        let found = streams(files);
        drop(progress);
        let inputs = found
            .streams
            .into_iter()
            .map(|stream| match stream.as_slice() {
                [file] => Input::File(file.path().to_path_buf()),
                _ => Input::Set(stream),
            });
        let mut inputs = self.result(inputs.collect());
        inputs.points = found.capture_points;
        inputs
    }

    fn look_through(&mut self, threads: usize, meter: Option<&Meter>) -> Vec<SetFile> {
        let candidates = std::mem::take(&mut self.candidates);
        let looked = in_parallel(candidates, threads, |candidate| {
            let looked = look(&candidate.path);
            if let Some(meter) = meter {
                meter.add_bytes(size(&candidate.path));
            }
            (candidate, looked)
        });
        let mut files = Vec::new();
        for (Candidate { path, found }, looked) in looked {
            match looked {
                Ok(file) => files.push(file),
                Err(OpenError::NotACapture { .. } | OpenError::Empty) if found => {
                    self.skipped += 1;
                }
                Err(error) => files.push(unreadable(&path, &error)),
            }
        }
        files
    }

    fn fail(&mut self, path: &Path, error: &(impl Display + ?Sized)) {
        let problem = (path.display().to_string(), error.to_string());
        note(&format!("{}: {}", problem.0, problem.1));
        self.problems.push(problem);
    }

    fn result(mut self, inputs: Vec<Input>) -> Inputs {
        match self.skipped {
            0 => {}
            1 => note("1 entry of a directory skipped (hidden, or no capture)"),
            n => note(&format!(
                "{n} entries of directories skipped (hidden, or no captures)"
            )),
        }
        if inputs.is_empty() && self.problems.is_empty() {
            const NOTHING: &str = "no capture found";
            note(NOTHING);
            self.problems.push((String::from("-"), NOTHING.to_owned()));
        }
        Inputs {
            all: inputs,
            points: false,
            failed: !self.problems.is_empty(),
            problems: self.problems,
        }
    }
}

/// The paths in a directory, in the order of their names.
fn entries(path: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort_by(|a, b| by_name(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok(paths)
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}

/// Looks a file of a set through. What can be read only once is refused.
fn look(path: &Path) -> Result<SetFile, OpenError> {
    let refuse = |kind, text: &str| OpenError::Io {
        offset: 0,
        source: io::Error::new(kind, text),
    };
    let fail = |source| OpenError::Io { offset: 0, source };
    let metadata = fs::metadata(path).map_err(fail)?;
    if !metadata.is_file() {
        let text =
            "no regular file; the files of a set are read twice, a pipe can only be read alone";
        return Err(refuse(io::ErrorKind::InvalidInput, text));
    }
    SetFile::look(path, path.to_string_lossy().into())
}

fn unreadable(path: &Path, error: &OpenError) -> SetFile {
    let name = path.to_string_lossy().into();
    match error {
        OpenError::Io { offset: 0, source } => SetFile::unreadable(path, name, source),
        _ => SetFile::unreadable(path, name, error),
    }
}

/// Fails where it is certain that the file is no capture.
fn is_capture(file: File) -> Result<(), ()> {
    match Reader::new(file) {
        Err(OpenError::NotACapture { .. } | OpenError::Empty) => Err(()),
        _ => Ok(()),
    }
}
