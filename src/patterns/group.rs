//! Flows that show the same, and what is said of them.

use crate::close::cause::CAUSES;
use crate::close::finding::{Code, Severity};
use crate::close::outcome::OUTCOMES;
use crate::close::terms::Term;
use crate::close::verdict::{AbortCause, Confidence, Endpoint, Outcome, Side, Verdict};
use crate::close::words::patterns::Pattern;
use crate::patterns::at::At;
use crate::patterns::diagnosis::{Diagnosis, Example};
use crate::patterns::figure::connections;
use foldhash::fast::RandomState;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::HashMap;
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
    services: HashMap<At, u64, RandomState>,
    /// Client and server are one host.
    own: u64,
    /// The least and the most of its figure in seconds, where it has one.
    seconds: Option<[f64; 2]>,
    example: Example,
}

/// What one flow adds to a group.
pub(super) struct One<'a> {
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    pub(super) side: Option<Side>,
    pub(super) between: bool,
    pub(super) seconds: Option<f64>,
    pub(super) shown: Shown<'a>,
}

/// The frames of a flow that show what it adds: only those of a group's first flow are told.
#[derive(Clone, Copy)]
pub(super) enum Shown<'a> {
    By(&'a [u64]),
    /// The first RST.
    Reset,
    Last,
    /// The first frame and the last.
    Ends,
}

impl Shown<'_> {
    fn frames(self, verdict: &Verdict) -> Vec<u64> {
        match self {
            Self::By(frames) => frames.to_vec(),
            Self::Reset => verdict
                .resets
                .first()
                .map(|r| r.frame)
                .into_iter()
                .collect(),
            Self::Last => vec![verdict.last_frame],
            Self::Ends => vec![verdict.first_frame, verdict.last_frame],
        }
    }
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
            services: HashMap::default(),
            own: 0,
            seconds: None,
            example: Example::new(verdict.flow, one.shown.frames(verdict)),
        }
    }

    /// Counts a flow of a client and a server.
    pub(super) fn add(&mut self, one: &One, [client, server]: [At; 2]) {
        self.flows += 1;
        self.severity = self.severity.max(one.severity);
        self.confidence = self.confidence.max(one.confidence);
        match one.side {
            _ if one.between => self.sides[2] += 1,
            Some(Side::Client) => self.sides[0] += 1,
            Some(Side::Server) => self.sides[1] += 1,
            None => {}
        }
        self.own += u64::from(client.addr == server.addr);
        if let Some(figure) = one.seconds {
            let [least, most] = self.seconds.unwrap_or([figure; 2]);
            self.seconds = Some([least.min(figure), most.max(figure)]);
        }
        if self.services.len() < SERVICES {
            *self.services.entry(server).or_default() += 1;
        } else if let Some(count) = self.services.get_mut(&server) {
            *count += 1;
        }
    }

    /// What is said of it.
    pub(super) fn diagnosis(&self, kind: Kind) -> Diagnosis {
        let services = self.busiest();
        let place = self.place(&services);
        let message = match kind {
            Kind::Finding(Code::CloseWaitLeak) => self.leak(&place),
            Kind::Finding(Code::KeepaliveRace) => self.race(&place),
            Kind::Cause(AbortCause::Refused) => self.plain(kind, "refused", &place),
            Kind::Cause(_) => self.plain(kind, "aborted", &place),
            Kind::Finding(_) | Kind::Outcome(_) | Kind::Stuck(_) => self.plain(kind, "", &place),
        };
        let mut told = Diagnosis::new(kind.name(), self.flows, message)
            .rated(self.severity, self.confidence)
            .shown_by(&self.example)
            .advising(kind.term().map_or("", |term| term.advice))
            .with("services", listed(&services));
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
    fn plain(&self, kind: Kind, did: &str, place: &str) -> String {
        let summary = kind.term().map_or("", |term| term.summary);
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
    fn leak(&self, place: &str) -> String {
        let [least, most] = self.seconds.unwrap_or_default();
        let side = self.by().unwrap_or("one side");
        let all = connections(self.flows);
        let mut text = format!(
            "{side} never closed {all} {place} after the other side's FIN: in CLOSE-WAIT for {most:.3} s \
             at most, still so at the end of the capture"
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
    fn race(&self, place: &str) -> String {
        let [least, _] = self.seconds.unwrap_or_default();
        let closer = self.by().unwrap_or("the other side");
        let requests = if self.flows == 1 {
            "1 request".to_owned()
        } else {
            format!("{} requests", self.flows)
        };
        format!(
            "{requests} {place} crossed the close of an idle connection: {closer} closes after \
             {least:.3} s of silence, and the request met a RST"
        )
    }

    /// The one side whose it is, of all.
    fn by(&self) -> Option<&'static str> {
        let names = ["the client", "the server", "a device between"];
        let known = self.sides.iter().zip(names);
        let only = known.filter(|(count, _)| **count == self.flows);
        only.map(|(_, name)| name).next()
    }

    fn place(&self, busiest: &[(Endpoint, u64)]) -> String {
        let Some((at, count)) = busiest.first() else {
            return String::new();
        };
        let all = match self.services.len() {
            1 => return format!("to {at}"),
            SERVICES => format!("{SERVICES} services or more"),
            len => format!("{len} services"),
        };
        if *count == 1 {
            format!("to {all} ({at} is one)")
        } else {
            format!("to {all}, {count} of them to {at}")
        }
    }

    /// The services with most of its flows, the first first; among equals by address.
    fn busiest(&self) -> Vec<(Endpoint, u64)> {
        let all = self.services.iter();
        let mut all: Vec<(Endpoint, u64)> = all.map(|(at, &n)| (at.endpoint(), n)).collect();
        let rank = |(at, count): &(Endpoint, u64)| (Reverse(*count), at.addr, at.port);
        if all.len() > LISTED {
            all.select_nth_unstable_by_key(LISTED, rank);
            all.truncate(LISTED);
        }
        all.sort_unstable_by_key(rank);
        all
    }
}

fn listed(services: &[(Endpoint, u64)]) -> Value {
    let listed = services.iter();
    listed
        .map(|(at, flows)| json!({"addr": at.addr, "port": at.port, "flows": flows}))
        .collect()
}
