//! The file of expectations: small, sorted, indented, to be kept and reviewed beside the tests.

use super::class::Class;
use super::service::Service;
use super::{Compare, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Version of the file.
const VERSION: u32 = 1;
/// What the file says that it is.
const KIND: &str = "expectations";
/// Bytes of a file at most.
pub(super) const LARGEST: usize = 64 << 20;
/// Entries of a file at most.
const ENTRIES: usize = 100_000;

/// What is expected of some captures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectations {
    whoclosed: String,
    schema: u32,
    /// How the flows of a service are matched.
    pub compare: Compare,
    /// Segments of the close that were sent again matter.
    pub retransmissions: bool,
    /// The captures, by name.
    pub captures: Vec<CaptureExpectations>,
}

/// What is expected of a capture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureExpectations {
    /// Its file's name without directories; `null` if there is only one, whatever its name is.
    pub capture: Option<String>,
    /// Its services.
    pub services: Vec<ServiceExpectations>,
}

/// What is expected of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceExpectations {
    /// Which one.
    pub service: Service,
    /// Its flows.
    pub flows: Vec<Entry>,
    /// Where the file says so: the line, from 1; 0 where it was not read from one.
    #[serde(skip)]
    pub line: u64,
}

/// So many flows of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// How many, from 1; compared in order: one after the other.
    pub count: u64,
    /// What is said of them.
    pub verdict: Class,
}

/// Why a file of expectations cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", place(*.line, *.column))]
pub struct ExpectError {
    /// The line, from 1; 0 where it is the whole file.
    pub line: usize,
    /// The column in bytes, from 1.
    pub column: usize,
    /// What is wrong, and what was expected.
    pub what: String,
}

fn place(line: usize, column: usize) -> String {
    match line {
        0 => String::new(),
        _ => format!("line {line}, column {column}: "),
    }
}

/// What says what a file is.
#[derive(Deserialize)]
struct Head {
    whoclosed: Option<String>,
    schema: Option<u64>,
    r#type: Option<String>,
}

impl Expectations {
    /// Reads a file.
    pub fn parse(text: &[u8]) -> Result<Self, ExpectError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if text.len() > LARGEST {
            return Err(whole(format!("larger than {LARGEST} bytes")));
        }
        check_head(text)?;
        let mut file: Self = serde_json::from_slice(text).map_err(|error| located(&error))?;
        file.check()?;
        for entry in file.entries_mut() {
            entry.verdict.sort();
        }
        file.locate(text);
        Ok(file)
    }

    /// What is expected of these captures, from now on.
    #[must_use]
    pub fn new(settings: Settings, mut captures: Vec<CaptureExpectations>) -> Self {
        captures.sort_by(|a, b| a.capture.cmp(&b.capture));
        if let [only] = captures.as_mut_slice() {
            only.capture = None;
        }
        Self {
            whoclosed: KIND.to_owned(),
            schema: VERSION,
            compare: settings.compare,
            retransmissions: settings.retransmissions,
            captures,
        }
    }

    /// Writes the file.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// What matters.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        Settings {
            compare: self.compare,
            retransmissions: self.retransmissions,
        }
    }

    /// What is expected of a capture of this name. What is expected of one without a name holds for the
    /// only one that is compared.
    #[must_use]
    pub fn of(&self, name: &str, is_only: bool) -> Option<&CaptureExpectations> {
        let named = |capture: &&CaptureExpectations| match &capture.capture {
            Some(known) => known == name,
            None => is_only,
        };
        self.captures.iter().find(named)
    }

    /// Finds the lines of the services: behind its capture's name each stands once.
    fn locate(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let lines: Vec<&str> = text.lines().collect();
        let find = |from: usize, what: &str| {
            let mut rest = lines.iter().enumerate().skip(from);
            rest.find_map(|(at, line)| line.contains(what).then_some(at))
        };
        // In the order of the file, and no further where one is not found: each line is looked at once.
        let mut at = 0;
        for capture in &mut self.captures {
            if let Some(name) = &capture.capture {
                let Some(found) = find(at, &format!("\"{name}\"")) else {
                    return;
                };
                at = found;
            }
            for service in &mut capture.services {
                let Some(found) = find(at, &format!("\"{}\"", service.service)) else {
                    return;
                };
                at = found;
                service.line = found as u64 + 1;
            }
        }
    }

    fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        let captures = self.captures.iter_mut();
        let services = captures.flat_map(|capture| &mut capture.services);
        services.flat_map(|service| &mut service.flows)
    }

    /// Refuses what is said twice and what says nothing.
    fn check(&mut self) -> Result<(), ExpectError> {
        if self.captures.is_empty() {
            return Err(whole("no captures: nothing is expected".to_owned()));
        }
        let mut names = BTreeSet::new();
        for capture in &self.captures {
            let name = capture.capture.as_deref();
            let shown = name.unwrap_or("null");
            if !names.insert(name) {
                return Err(whole(format!("capture {shown:?} is there twice")));
            }
            let mut services = BTreeSet::new();
            for service in &capture.services {
                if !services.insert(service.service) {
                    let service = service.service;
                    let what = format!("service \"{service}\" of capture {shown:?} is there twice");
                    return Err(whole(what));
                }
            }
        }
        if names.len() > 1 && names.contains(&None) {
            let what = "a capture without a name among several: which one is meant?";
            return Err(whole(what.to_owned()));
        }
        if self.entries_mut().any(|entry| entry.count == 0) {
            return Err(whole("\"count\": 0: expected 1 or more".to_owned()));
        }
        if self.entries_mut().nth(ENTRIES).is_some() {
            return Err(whole(format!("more than {ENTRIES} entries of flows")));
        }
        Ok(())
    }
}

/// Another file is told by what it is, not by the first field that is not there.
fn check_head(text: &[u8]) -> Result<(), ExpectError> {
    let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Head>();
    let head = match values.next() {
        None => {
            return Err(whole(
                "it is empty: expected a file that --update wrote".to_owned(),
            ));
        }
        Some(head) => head.map_err(|error| located(&error))?,
    };
    if head.r#type.is_some() {
        let what = "this is a report (JSON Lines): expected a file that --update wrote";
        return Err(whole(what.to_owned()));
    }
    if head.whoclosed.as_deref() != Some(KIND) {
        let what = format!("no \"whoclosed\": \"{KIND}\": expected a file that --update wrote");
        return Err(whole(what));
    }
    match head.schema {
        Some(version) if version == u64::from(VERSION) => Ok(()),
        Some(version) => Err(whole(format!(
            "\"schema\": {version}: expected version {VERSION}; --update writes the file anew"
        ))),
        None => Err(whole(format!("no \"schema\": expected version {VERSION}"))),
    }
}

const fn whole(what: String) -> ExpectError {
    let (line, column) = (0, 0);
    ExpectError { line, column, what }
}

fn located(error: &serde_json::Error) -> ExpectError {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    let what = text.strip_suffix(&place).unwrap_or(&text).to_owned();
    ExpectError { line, column, what }
}
