//! `--expect FILE`: what was written down of captures before, and writing it down.

use crate::cli::failure::{Failure, note};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use whoclosed::check::expect::{
    CaptureExpectations, Compare, Expectations, Observed, Settings, items,
};
use whoclosed::check::result::{Capture, Item};

/// Bytes of a file that are read.
const LARGEST: u64 = (64 << 20) + 1;

/// Whether anything is expected, or is to be from now on.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Asked {
    /// Compare with what this file says of the captures; --update writes it
    ///
    /// It is JSON, sorted and indented, to be kept and reviewed beside the tests: of each service
    /// (address and port of the server; * stands for any) how many flows ended how. Clients'
    /// addresses and ports, times, sequence numbers and defects of the capture are not part of it.
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,

    /// Write the file of --expect instead: what is found is expected from now on
    #[arg(long, requires = "expect")]
    update: bool,

    /// With --update: the order of a service's flows matters, not only how many of each kind there are
    #[arg(long, requires = "update")]
    in_order: bool,

    /// With --update: FINs that are sent again, and last ACKs that are lost, do not matter
    #[arg(long, requires = "update")]
    ignore_retransmissions: bool,
}

impl Asked {
    /// Reads the file, if there is one.
    pub(super) fn read(&self) -> Result<Option<Expected>, Failure> {
        let Some(path) = &self.expect else {
            return Ok(None);
        };
        let file: Arc<str> = path.to_string_lossy().into();
        let fail = |error: String| Failure::Input(file.to_string(), error);
        let mut text = Vec::new();
        let read = File::open(path).and_then(|read| read.take(LARGEST).read_to_end(&mut text));
        let known = match read {
            Err(error) if self.update && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(fail(error.to_string())),
            Ok(_) => match Expectations::parse(&text) {
                Ok(known) => Some(known),
                Err(error) if self.update => {
                    let text = format!("{error}\nIt is not overwritten: remove it first");
                    return Err(fail(text));
                }
                Err(error) => return Err(fail(error.to_string())),
            },
        };
        let mut settings = known
            .as_ref()
            .map_or_else(Settings::default, Expectations::settings);
        if self.in_order {
            settings.compare = Compare::Order;
        }
        settings.retransmissions &= !self.ignore_retransmissions;
        Ok(Some(Expected {
            path: path.clone(),
            file,
            settings,
            known,
            update: self.update,
        }))
    }
}

/// What is expected of captures, or is to be.
pub(super) struct Expected {
    path: PathBuf,
    file: Arc<str>,
    settings: Settings,
    known: Option<Expectations>,
    update: bool,
}

/// What came of a capture.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) items: Vec<Item>,
    /// Why it could not be judged.
    pub(super) problem: Option<String>,
    /// What is expected of it from now on.
    pub(super) found: Option<CaptureExpectations>,
}

impl Compared {
    fn not(problem: impl Into<String>) -> Self {
        Self {
            problem: Some(problem.into()),
            ..Self::default()
        }
    }
}

impl Expected {
    /// Begins to look at a capture.
    pub(super) fn observe(&self, name: &str, is_only: bool) -> Observed {
        Observed::new(self.settings, self.of(name, is_only))
    }

    fn of(&self, name: &str, is_only: bool) -> Option<&CaptureExpectations> {
        self.known.as_ref()?.of(last(name), is_only)
    }

    /// Compares what was seen of a capture, or makes it what is expected.
    pub(super) fn compare(
        &self,
        (name, is_only): (&Arc<str>, bool),
        observed: &Observed,
    ) -> Compared {
        if observed.flows() == 0 {
            return Compared::not("no flows: there is nothing to expect");
        }
        if self.update {
            return match observed.expectations(last(name)) {
                Ok(found) => Compared {
                    found: Some(found),
                    ..Compared::default()
                },
                Err(error) => Compared::not(error.to_string()),
            };
        }
        let Some(expected) = self.of(name, is_only) else {
            let (file, name) = (&self.file, last(name));
            let text = format!("{file} expects nothing of a capture of the name {name:?}");
            return Compared::not(text);
        };
        match items((name, &self.file), expected, observed) {
            Ok(items) => Compared {
                items,
                ..Compared::default()
            },
            Err(error) => Compared::not(error.to_string()),
        }
    }

    /// Adds the captures that are missing, or writes the file: not if any could not be judged.
    pub(super) fn finish(
        &self,
        mut captures: Vec<Capture>,
        found: Vec<CaptureExpectations>,
        interrupted: bool,
    ) -> Result<Vec<Capture>, Failure> {
        if !self.update {
            captures.extend(self.missing(&captures));
            return Ok(captures);
        }
        let mut names = BTreeSet::new();
        let twice = found.iter().find(|found| !names.insert(&found.capture));
        if let Some(name) = twice.and_then(|twice| twice.capture.as_deref()) {
            let text = format!("two captures have the name {name:?}: which one would be meant?");
            return Err(Failure::Usage(text));
        }
        let unjudged = captures.iter().any(|capture| !capture.problems.is_empty());
        if unjudged || interrupted {
            note(&format!(
                "{}: not written: a capture could not be judged",
                self.file
            ));
            return Ok(captures);
        }
        let count = found.len();
        self.write(&Expectations::new(self.settings, found))?;
        note(&format!(
            "{}: written: what is expected of {count} capture{}",
            self.file,
            if count == 1 { "" } else { "s" }
        ));
        Ok(captures)
    }

    /// Beside the old file first: that stays whole whatever happens.
    fn write(&self, expectations: &Expectations) -> Result<(), Failure> {
        let fail = |error: io::Error| Failure::Input(self.file.to_string(), error.to_string());
        let mut text = Vec::new();
        expectations.write(&mut text)?;
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        fs::write(&beside, text).map_err(fail)?;
        fs::rename(&beside, &self.path).map_err(fail)
    }

    /// Captures of which something is expected, and which are not there.
    fn missing(&self, captures: &[Capture]) -> Vec<Capture> {
        let there: BTreeSet<&str> = captures.iter().map(|c| last(&c.source)).collect();
        let expected = self.known.iter().flat_map(|known| &known.captures);
        let names = expected.filter_map(|expected| expected.capture.as_deref());
        let missing = names.filter(|name| !there.contains(name));
        let captures = missing.map(|name| {
            let problem = format!("{} expects something of it, and it is not there", self.file);
            Capture::new(name.into(), 0, Vec::new(), vec![problem])
        });
        captures.collect()
    }
}

/// The name without directories.
fn last(name: &str) -> &str {
    let last = Path::new(name).file_name().and_then(|name| name.to_str());
    last.unwrap_or(name)
}
