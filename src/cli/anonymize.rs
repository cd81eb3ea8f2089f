//! `--anonymize`: reports and captures that can be shown to anybody.

use super::failure::Failure;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use whoclosed::close::summary::Summary;
use whoclosed::close::verdict::Verdict;
use whoclosed::ledger::Ledger;
use whoclosed::packet::AnonymizeKey;
use whoclosed::patterns::Diagnosis;
use whoclosed::report::Report;
use whoclosed::stamp::Time;

/// Whether addresses are replaced, and by which.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Anonymize {
    /// Replace addresses by others, and leave out payloads and names of files and interfaces
    ///
    /// Prefixes are preserved: what was in one network stays in one, /24 or any other. Loopback
    /// addresses stay. Ports, times, sequence numbers, VLAN and tunnel numbers stay as they are.
    /// Each run replaces them differently, unless there is a key.
    #[arg(long)]
    anonymize: bool,

    /// Replace them as every run with this key does: 64 hexadecimal digits (openssl rand -hex 32)
    ///
    /// Who has the key can compute the true addresses.
    #[arg(long, value_name = "KEY", requires = "anonymize")]
    anonymize_key: Option<AnonymizeKey>,
}

impl Anonymize {
    /// The key, if addresses are to be replaced.
    pub(crate) fn key(&self) -> Result<Option<AnonymizeKey>, Failure> {
        if !self.anonymize {
            return Ok(None);
        }
        let key = self.anonymize_key.map_or_else(AnonymizeKey::random, Ok);
        let key = key.map_err(|error| Failure::Usage(format!("--anonymize: {error}")))?;
        Ok(Some(key))
    }
}

/// Names for files instead of their own.
#[derive(Default)]
pub(crate) struct Names {
    given: HashMap<Arc<str>, Arc<str>>,
}

impl Names {
    /// Hides the names in a verdict.
    pub(crate) fn hide(&mut self, verdict: &mut Verdict) {
        self.replace(&mut verdict.source);
        for file in verdict.files.iter_mut().flatten() {
            self.replace(&mut file.source);
        }
    }

    fn replace(&mut self, name: &mut Arc<str>) {
        let number = self.given.len() + 1;
        let other = self.given.entry(Arc::clone(name));
        let other = other.or_insert_with(|| format!("capture {number}").into());
        *name = Arc::clone(other);
    }
}

/// A report without the names of files.
pub(crate) struct Nameless {
    report: Box<dyn Report>,
    names: Names,
}

impl Nameless {
    pub(crate) fn new(report: Box<dyn Report>) -> Self {
        let names = Names::default();
        Self { report, names }
    }
}

impl Report for Nameless {
    fn flow(&mut self, verdict: &Verdict) -> io::Result<()> {
        let mut verdict = verdict.clone();
        self.names.hide(&mut verdict);
        self.report.flow(&verdict)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.report.flush()
    }

    fn diagnoses(&mut self, diagnoses: &[Diagnosis]) -> io::Result<()> {
        self.report.diagnoses(diagnoses)
    }

    fn ledger(&mut self, ledger: &Ledger, period: (Time, Time)) -> io::Result<()> {
        self.report.ledger(ledger, period)
    }

    fn summary(&mut self, summary: &Summary, shown: Option<u64>) -> io::Result<()> {
        let mut summary = summary.clone();
        for source in &mut summary.sources {
            self.names.replace(&mut source.source);
            source.interfaces.clear();
        }
        self.report.summary(&summary, shown)
    }
}
