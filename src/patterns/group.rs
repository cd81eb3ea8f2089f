//! Flows that show the same, and what is said of them.

use crate::close::cause::CAUSES;
use crate::close::finding::{Code, Severity};
use crate::close::outcome::OUTCOMES;
use crate::close::terms::Term;
use crate::close::verdict::{AbortCause, Confidence, Endpoint, Outcome, Side, Verdict};
use crate::close::words::patterns::Pattern;
use crate::patterns::diagnosis::{Diagnosis, Example};
use crate::patterns::figure::connections;
use serde_json::{Value, json};
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Services kept of each group; what is beyond is counted with the group only.
const SERVICES: usize = 1024;
/// Services named for machines.
const LISTED: usize = 16;

/// What a group has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Stuck(Pattern),
    Finding(Code),
    Cause(AbortCause),
    Outcome(Outcome),
}

/// Flows that show the same.
#[derive(Clone, Debug)]
pub(super) struct Group {
    flows: u64,
    severity: Severity,
    confidence: Confidence,
    /// Of the client and of the server, where it is one side's; of something between.
    sides: [u64; 3],
    services: BTreeMap<(std::net::IpAddr, u16), u64>,
    /// Client and server are one host.
    own: u64,
    /// The least and the most of its figure in seconds, where it has one.
    seconds: Option<[f64; 2]>,
    example: Example,
}

/// What one flow adds to a group.
pub(super) struct One {
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) side: Option<Side>,
    pub(super) between: bool,
    pub(super) seconds: Option<f64>,
    pub(super) frames: SmallVec<[u64; 4]>,
}

impl Kind {
    fn term(self) -> Option<&'static Term> {
        match self {
            Self::Stuck(pattern) => Some(&pattern.row().term),
            Self::Finding(code) => Some(&code.row().term),
            Self::Cause(cause) => CAUSES.iter().find(|r| r.value == cause).map(|r| &r.term),
            Self::Outcome(outcome) => OUTCOMES
                .iter()
                .find(|r| r.value == outcome)
                .map(|r| &r.term),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Stuck(pattern) => pattern.name(),
            Self::Finding(code) => code.name(),
            Self::Cause(cause) => cause.name(),
            Self::Outcome(outcome) => outcome.name(),
        }
    }
}

impl Group {
    /// The group of a first flow, which is not yet counted.
    pub(super) fn new(verdict: &Verdict, one: &One) -> Self {
        Self {
            flows: 0,
            severity: one.severity,
            confidence: one.confidence,
            sides: [0; 3],
            services: BTreeMap::new(),
            own: 0,
            seconds: None,
            example: Example::new(verdict, one.frames.to_vec()),
        }
    }

    /// Counts a flow.
    pub(super) fn add(&mut self, verdict: &Verdict, one: &One) {
        self.flows += 1;
        self.severity = self.severity.max(one.severity);
        self.confidence = self.confidence.max(one.confidence);
        match one.side {
            _ if one.between => self.sides[2] += 1,
            Some(Side::Client) => self.sides[0] += 1,
            Some(Side::Server) => self.sides[1] += 1,
            None => {}
        }
        self.own += u64::from(verdict.client.addr == verdict.server.addr);
        if let Some(figure) = one.seconds {
            let [least, most] = self.seconds.unwrap_or([figure; 2]);
            self.seconds = Some([least.min(figure), most.max(figure)]);
        }
        let at = (verdict.server.addr, verdict.server.port);
        if let Some(count) = self.services.get_mut(&at) {
            *count += 1;
        } else if self.services.len() < SERVICES {
            self.services.insert(at, 1);
        }
    }

    /// What is said of it.
    pub(super) fn diagnosis(&self, kind: Kind) -> Diagnosis {
        let message = match kind {
            Kind::Finding(Code::CloseWaitLeak) => self.leak(),
            Kind::Finding(Code::KeepaliveRace) => self.race(),
            Kind::Cause(AbortCause::Refused) => self.plain(kind, "refused"),
            Kind::Cause(_) => self.plain(kind, "aborted"),
            Kind::Finding(_) | Kind::Outcome(_) | Kind::Stuck(_) => self.plain(kind, ""),
        };
        let mut told = Diagnosis::new(kind.name(), self.flows, message)
            .rated(self.severity, self.confidence)
            .shown_by(&self.example)
            .advising(kind.term().map_or("", |term| term.advice))
            .with("services", self.listed());
        for (key, count) in ["client", "server", "middlebox"]
            .into_iter()
            .zip(self.sides)
        {
            if count > 0 {
                told = told.with(key, count);
            }
        }
        if let Some([least, most]) = self.seconds {
            told = told.with("least_seconds", least).with("most_seconds", most);
        }
        if matches!(kind, Kind::Finding(Code::CloseWaitLeak)) {
            told = told.with("waits_for_itself", self.own);
        }
        told
    }

    /// `30 connections to 10.0.0.2:80 aborted by the server: closed with received bytes unread`.
    fn plain(&self, kind: Kind, did: &str) -> String {
        let summary = kind.term().map_or("", |term| term.summary);
        let place = self.place();
        let (by, did) = (
            self.by(),
            if did.is_empty() {
                String::new()
            } else {
                format!(" {did}")
            },
        );
        let by = match by {
            Some(by) if did.is_empty() => format!(" (on {by}'s side)"),
            Some(by) => format!(" by {by}"),
            None => String::new(),
        };
        let span = self.seconds.map_or_else(String::new, |figures| {
            let [least, most] = figures.map(|figure| format!("{figure:.3}"));
            if least == most {
                format!(" ({least} s)")
            } else {
                format!(" ({least} to {most} s)")
            }
        });
        format!(
            "{} {place}{did}{by}: {summary}{span}",
            connections(self.flows)
        )
    }

    /// CLOSE-WAIT grows: how many, since when, how fast.
    fn leak(&self) -> String {
        let [least, most] = self.seconds.unwrap_or_default();
        let side = self.by().unwrap_or("one side");
        let all = connections(self.flows);
        let mut text = format!(
            "{side} never closed {all} {} after the other side's FIN: in CLOSE-WAIT for {most:.3} s \
             at most, still so at the end of the capture",
            self.place()
        );
        if self.flows > 1 {
            let more = u32::try_from(self.flows - 1).map_or(f64::MAX, f64::from);
            let every = (most - least) / more;
            let _ = write!(text, "; one more every {every:.3} s");
        }
        if self.own == self.flows {
            text.push_str("; both ends are on one host: it waits for itself");
        }
        text
    }

    /// Requests that crossed the close of an idle connection.
    fn race(&self) -> String {
        let [least, _] = self.seconds.unwrap_or_default();
        let closer = self.by().unwrap_or("the other side");
        let requests = if self.flows == 1 {
            "1 request".to_owned()
        } else {
            format!("{} requests", self.flows)
        };
        format!(
            "{requests} {} crossed the close of an idle connection: {closer} closes after \
             {least:.3} s of silence, and the request met a RST",
            self.place()
        )
    }

    /// The one side whose it is, of all.
    fn by(&self) -> Option<&'static str> {
        let names = ["the client", "the server", "a device between"];
        let known = self.sides.iter().zip(names);
        let only = known.filter(|(count, _)| **count == self.flows);
        only.map(|(_, name)| name).next()
    }

    fn place(&self) -> String {
        let mut services = self.ranked();
        let Some((at, count)) = services.next() else {
            return String::new();
        };
        let all = match self.services.len() {
            1 => return format!("to {at}"),
            SERVICES => format!("{SERVICES} services or more"),
            len => format!("{len} services"),
        };
        if count == 1 {
            format!("to {all} ({at} is one)")
        } else {
            format!("to {all}, {count} of them to {at}")
        }
    }

    fn ranked(&self) -> impl Iterator<Item = (Endpoint, u64)> {
        let all = self.services.iter();
        let mut all: Vec<(Endpoint, u64)> = all
            .map(|(&(addr, port), &count)| (Endpoint { addr, port }, count))
            .collect();
        all.sort_by_key(|(_, count)| Reverse(*count));
        all.into_iter()
    }

    fn listed(&self) -> Value {
        let listed = self.ranked().take(LISTED);
        listed
            .map(|(at, flows)| json!({"addr": at.addr, "port": at.port, "flows": flows}))
            .collect()
    }
}
