//! What went wrong in many flows: findings, aborts and openings, grouped by what they are.

use crate::close::cause::CAUSES;
use crate::close::finding::{Code, Severity};
use crate::close::outcome::OUTCOMES;
use crate::close::terms::Term;
use crate::close::verdict::{
    AbortCause, AbortedBy, Confidence, Endpoint, Finding, Outcome, Side, SilenceEnd, Verdict,
};
use crate::close::words::patterns::Pattern;
use crate::flow::Flow;
use crate::patterns::diagnosis::{Diagnosis, Example};
use crate::patterns::figure::connections;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Services kept of each group; what is beyond is counted with the group only.
const SERVICES: usize = 1024;
/// Services named for machines.
const LISTED: usize = 16;

/// What a group has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Stuck(Pattern),
    Finding(Code),
    Cause(AbortCause),
    Outcome(Outcome),
}

/// Flows that show the same.
#[derive(Clone, Debug)]
struct Group {
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

/// The groups seen.
#[derive(Debug, Default)]
pub(super) struct Tally {
    groups: BTreeMap<Kind, Group>,
    /// All flows, and those that are over in good order.
    pub(super) flows: u64,
    closed: u64,
    open: u64,
    example: Option<Example>,
}

/// What one flow adds to a group.
struct One {
    severity: Severity,
    confidence: Confidence,
    side: Option<Side>,
    between: bool,
    seconds: Option<f64>,
    frames: Vec<u64>,
}

impl Tally {
    /// Takes in a flow.
    pub(super) fn see(&mut self, flow: &Flow, verdict: &Verdict, client: u8) {
        self.flows += 1;
        match verdict.outcome {
            Outcome::Graceful | Outcome::Simultaneous => self.closed += 1,
            Outcome::Open | Outcome::HalfClosed => self.open += 1,
            _ => {}
        }
        if self.example.is_none() {
            self.example = Some(Example::whole(verdict));
        }
        for finding in &verdict.findings {
            if finding.severity > Severity::Info && !is_part_of_race(finding.code, verdict) {
                self.add(Kind::Finding(finding.code), verdict, One::finding(finding));
            }
        }
        if let Some(cause) = verdict.abort_cause {
            if !is_told_otherwise(verdict) {
                self.add(Kind::Cause(cause), verdict, One::abort(verdict, cause));
            }
        } else if let Some((stuck, from)) = stuck(flow, verdict) {
            let side = if from == client {
                Side::Client
            } else {
                Side::Server
            };
            self.add(Kind::Stuck(stuck), verdict, One::stuck(verdict, side));
        } else if let Some(severity) = of_outcome(verdict.outcome) {
            self.add(
                Kind::Outcome(verdict.outcome),
                verdict,
                One::outcome(verdict, severity),
            );
        }
    }

    fn add(&mut self, kind: Kind, verdict: &Verdict, one: One) {
        let group = self.groups.entry(kind).or_insert_with(|| Group {
            flows: 0,
            severity: one.severity,
            confidence: one.confidence,
            sides: [0; 3],
            services: BTreeMap::new(),
            own: 0,
            seconds: None,
            example: Example::new(verdict, one.frames),
        });
        group.flows += 1;
        group.severity = group.severity.max(one.severity);
        group.confidence = group.confidence.max(one.confidence);
        match one.side {
            _ if one.between => group.sides[2] += 1,
            Some(Side::Client) => group.sides[0] += 1,
            Some(Side::Server) => group.sides[1] += 1,
            None => {}
        }
        group.own += u64::from(verdict.client.addr == verdict.server.addr);
        if let Some(figure) = one.seconds {
            let [least, most] = group.seconds.unwrap_or([figure; 2]);
            group.seconds = Some([least.min(figure), most.max(figure)]);
        }
        let at = (verdict.server.addr, verdict.server.port);
        if group.services.len() < SERVICES || group.services.contains_key(&at) {
            *group.services.entry(at).or_default() += 1;
        }
    }

    /// A diagnosis for each group.
    pub(super) fn diagnoses(&self) -> Vec<Diagnosis> {
        let told = self
            .groups
            .iter()
            .map(|(kind, group)| group.diagnosis(*kind));
        told.collect()
    }

    /// Nothing is to be done; how many flows were closed.
    pub(super) fn healthy(&self) -> Diagnosis {
        let all = connections(self.flows);
        let rest = self.flows - self.closed;
        let message = match rest {
            0 => format!("{all}, all closed in order; nothing to do"),
            _ if rest == self.open => format!(
                "{all}, {} closed in order and {rest} still open when the capture ends; nothing to do",
                self.closed
            ),
            _ => format!(
                "{all}, {} closed in order; of {rest} the capture does not show the end; nothing to do",
                self.closed
            ),
        };
        let confidence = if rest == 0 {
            Confidence::Certain
        } else {
            Confidence::Likely
        };
        let example = self.example.clone().unwrap_or_default();
        Diagnosis::of(Pattern::Healthy, self.flows, message)
            .rated(Severity::Info, confidence)
            .shown_by(&example)
            .with("closed", self.closed)
            .with("open", self.open)
    }
}

impl One {
    fn finding(finding: &Finding) -> Self {
        let figure = |key| finding.data.get(key).and_then(Value::as_f64);
        Self {
            severity: finding.severity,
            confidence: finding.confidence,
            side: finding.side,
            between: false,
            seconds: figure("seconds").or_else(|| figure("idle_seconds")),
            frames: finding.frames.clone(),
        }
    }

    fn abort(verdict: &Verdict, cause: AbortCause) -> Self {
        let (side, between) = match verdict.aborted_by {
            Some(AbortedBy::Client) => (Some(Side::Client), false),
            Some(AbortedBy::Server) => (Some(Side::Server), false),
            Some(AbortedBy::Middlebox) => (None, true),
            _ => (None, false),
        };
        let frames = verdict.resets.iter().map(|reset| reset.frame).take(1);
        Self {
            severity: of_cause(cause),
            confidence: verdict.cause_confidence.unwrap_or(Confidence::Possible),
            side,
            between,
            seconds: None,
            frames: frames.collect(),
        }
    }

    fn stuck(verdict: &Verdict, side: Side) -> Self {
        Self {
            severity: Severity::Warning,
            confidence: Confidence::Likely,
            side: Some(side),
            between: false,
            seconds: None,
            frames: vec![verdict.last_frame],
        }
    }

    fn outcome(verdict: &Verdict, severity: Severity) -> Self {
        Self {
            severity,
            confidence: verdict.confidence,
            side: None,
            between: false,
            seconds: None,
            frames: vec![verdict.first_frame, verdict.last_frame],
        }
    }
}

/// In a race the closer has no socket for the peer's FIN either: that is no event of its own.
fn is_part_of_race(code: Code, verdict: &Verdict) -> bool {
    let race = |finding: &Finding| finding.code == Code::KeepaliveRace;
    code == Code::OwnerGone && verdict.findings.iter().any(race)
}

/// What holds up an open connection, and whose end it is: of the repeated payload's sender, or of the
/// shut window. One that was idle before is told with its silence.
fn stuck(flow: &Flow, verdict: &Verdict) -> Option<(Pattern, u8)> {
    if verdict.outcome != Outcome::Open || verdict.silence.is_some() {
        return None;
    }
    [0, 1].into_iter().find_map(|from: u8| {
        let (mine, peer) = (
            &flow.half[usize::from(from)],
            &flow.half[usize::from(from ^ 1)],
        );
        let is_shut = mine.window == Some(0) && peer.payload > 0;
        if is_shut {
            return Some((Pattern::WindowShut, from));
        }
        (mine.repeats >= 2 && peer.window != Some(0)).then_some((Pattern::DataUnanswered, from))
    })
}

/// A finding, or what was forgotten while idle, says the same better.
fn is_told_otherwise(verdict: &Verdict) -> bool {
    let better = [Code::KeepaliveRace, Code::OwnerGone];
    let forgotten = verdict
        .silence
        .is_some_and(|silence| silence.how == SilenceEnd::Forgotten && !silence.at_least);
    forgotten || verdict.findings.iter().any(|f| better.contains(&f.code))
}

/// How urgent an abort is. An application may abort on purpose, and what is not known is no alarm.
const fn of_cause(cause: AbortCause) -> Severity {
    match cause {
        AbortCause::AppAbort
        | AbortCause::FinWait2Expired
        | AbortCause::TimeWaitGone
        | AbortCause::Unknown => Severity::Notice,
        _ => Severity::Warning,
    }
}

/// How urgent an outcome is that is no close and no abort.
const fn of_outcome(outcome: Outcome) -> Option<Severity> {
    match outcome {
        Outcome::Unanswered => Some(Severity::Warning),
        Outcome::HandshakeIncomplete => Some(Severity::Notice),
        _ => None,
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
    fn diagnosis(&self, kind: Kind) -> Diagnosis {
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
        let others = self.services.len() - 1;
        match others {
            0 => format!("to {at}"),
            _ if count == 1 => format!("to {} services ({at} is one)", others + 1),
            _ => format!("to {} services, {count} of them to {at}", others + 1),
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
