//! Verdicts made comparable: what must not depend on the container, and what contradicts what.

use super::packet::End;
use std::collections::BTreeMap;
use whoclosed::close::verdict::{
    AbortedBy, ActiveCloser, Confidence, EndedBy, Endpoint, Outcome, RolesFrom, Side, Verdict,
};

/// All of a verdict that another container must leave as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Essence {
    /// Names and values that never change.
    pub values: BTreeMap<String, String>,
    /// Names and values that may be weaker where a container carries less.
    pub strengths: BTreeMap<String, String>,
}

impl Essence {
    pub fn of(verdict: &Verdict) -> Self {
        Self::seen(verdict, false)
    }

    /// Of the same flow with client and server taken for each other.
    pub fn mirrored(verdict: &Verdict) -> Self {
        Self::seen(verdict, true)
    }

    fn seen(v: &Verdict, mirror: bool) -> Self {
        let side = |side: Side| if mirror { side.peer() } else { side };
        let (mut values, mut strengths) = (BTreeMap::new(), BTreeMap::new());
        let closer = match (v.active_closer, mirror) {
            (ActiveCloser::Client, true) => ActiveCloser::Server,
            (ActiveCloser::Server, true) => ActiveCloser::Client,
            (other, _) => other,
        };
        let aborted_by = v.aborted_by.map(|by| match (by, mirror) {
            (AbortedBy::Client, true) => AbortedBy::Server,
            (AbortedBy::Server, true) => AbortedBy::Client,
            (other, _) => other,
        });
        let mut value = |name: &str, text: String| values.insert(name.to_owned(), text);
        value("outcome", v.outcome.to_string());
        value("active_closer", closer.to_string());
        value("aborted_by", format!("{aborted_by:?}"));
        value("final_ack", v.final_ack.to_string());
        let (a, b) = (
            v.packets.of(side(Side::Client)),
            v.packets.of(side(Side::Server)),
        );
        value("packets", format!("{a}/{b}"));
        let (a, b) = (
            v.payload_bytes.of(side(Side::Client)),
            v.payload_bytes.of(side(Side::Server)),
        );
        value("payload", format!("{a}/{b}"));
        let (a, b) = (
            v.final_states.of(side(Side::Client)),
            v.final_states.of(side(Side::Server)),
        );
        value("final_states", format!("{a}/{b}"));
        for time_wait in &v.time_wait {
            let owner = side(time_wait.owner);
            let text = format!("{} restarts {}", time_wait.ended_by, time_wait.restarts);
            value(&format!("time_wait {owner}"), text);
            strengths.insert(
                format!("time_wait {owner} confidence"),
                format!("{:?}", time_wait.confidence),
            );
            strengths.insert(
                format!("time_wait {owner} basis"),
                time_wait.basis.to_string(),
            );
        }
        for finding in &v.findings {
            let name = format!("finding {} {:?}", finding.code, finding.side.map(side));
            strengths.insert(name, format!("{:?}", finding.confidence));
        }
        strengths.insert("confidence".into(), format!("{:?}", v.confidence));
        strengths.insert("abort_cause".into(), format!("{:?}", v.abort_cause));
        strengths.insert(
            "cause_confidence".into(),
            format!("{:?}", v.cause_confidence),
        );
        let mut others: Vec<_> = v
            .cause_alternatives
            .iter()
            .map(ToString::to_string)
            .collect();
        others.sort();
        strengths.insert("cause_alternatives".into(), others.join(" "));
        Self { values, strengths }
    }

    /// Leaves out what is said of the capture itself by these findings.
    #[must_use]
    pub fn without(mut self, codes: &[&str]) -> Self {
        self.strengths.retain(|name, _| {
            !codes
                .iter()
                .any(|code| name.starts_with(&format!("finding {code}")))
        });
        self
    }

    /// What differs, one line each.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut lines = differences(&self.values, &other.values);
        lines.extend(differences(&self.strengths, &other.strengths));
        lines
    }

    /// What of `other`, from a container that carries less, is more than a weaker `self`.
    pub fn beyond_weaker(&self, other: &Self) -> Vec<String> {
        let mut lines = differences(&self.values, &other.values);
        for (name, theirs) in &other.strengths {
            let mine = self.strengths.get(name).map(String::as_str);
            let capture = name.starts_with("finding capture-");
            let weaker = match name.as_str() {
                "abort_cause" => theirs == "Some(Unknown)" || theirs == "None",
                "cause_alternatives" | "cause_confidence" => true,
                _ => rank(theirs) < rank(mine.unwrap_or_default()),
            };
            if mine != Some(theirs) && !weaker && !capture {
                lines.push(format!("{name}: {} -> {theirs}", mine.unwrap_or("-")));
            }
        }
        lines
    }
}

fn rank(strength: &str) -> u8 {
    match strength {
        "Possible" => 1,
        "Likely" => 2,
        "Certain" => 3,
        "rule" => 4,
        "minisocket" => 5,
        _ => 0,
    }
}

fn differences(a: &BTreeMap<String, String>, b: &BTreeMap<String, String>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let text =
        |map: &BTreeMap<String, String>, name| map.get(name).map_or("-", |v| v.as_str()).to_owned();
    names
        .into_iter()
        .filter(|name| a.get(*name) != b.get(*name))
        .map(|name| format!("{name}: {} -> {}", text(a, name), text(b, name)))
        .collect()
}

/// Both ends of a flow, whoever is taken for the client.
pub fn ends(v: &Verdict) -> (End, End) {
    let end = |end: &Endpoint| (end.addr, end.port);
    let (a, b) = (end(&v.client), end(&v.server));
    (a.min(b), a.max(b))
}

/// Claims on which two verdicts on one connection contradict each other. `crossed`: a FIN of the
/// connection crossed the RST that ended it.
pub fn contradictions(a: &Verdict, b: &Verdict, crossed: bool) -> Vec<String> {
    let swapped = a.client != b.client;
    assert!(
        !swapped || a.client == b.server,
        "verdicts on two connections"
    );
    let mut found = Vec::new();
    let both_certain = (a.confidence, b.confidence) == (Confidence::Certain, Confidence::Certain);
    let (closer, by) = (closer(b, swapped), aborted_by(b, swapped));
    let excused = crossed && is_crossing(a, b) && a.aborted_by.is_some() && a.aborted_by == by;
    if both_certain && !excused {
        let vague = |o: Outcome| o == Outcome::Indeterminate;
        if a.outcome != b.outcome && !vague(a.outcome) && !vague(b.outcome) {
            found.push(format!("outcome: {} / {}", a.outcome, b.outcome));
        }
        let vague = |c: ActiveCloser| c == ActiveCloser::Unknown;
        if a.active_closer != closer && !vague(a.active_closer) && !vague(closer) {
            found.push(format!("active_closer: {} / {closer}", a.active_closer));
        }
    }
    let named = |by: Option<AbortedBy>| matches!(by, Some(AbortedBy::Client | AbortedBy::Server));
    let against_both = |x, y| x == Some(AbortedBy::Both) && named(y);
    let vague = |by: Option<AbortedBy>| by == Some(AbortedBy::Unknown);
    let agree = a.aborted_by == by
        || against_both(a.aborted_by, by)
        || against_both(by, a.aborted_by)
        || vague(a.aborted_by)
        || vague(by);
    if both_certain && !agree {
        found.push(format!("aborted_by: {:?} / {by:?}", a.aborted_by));
    }
    found.extend(false_owners(a, b, false));
    found.extend(false_owners(b, a, true));
    found
}

/// A TIME-WAIT that is `certain` in `a`, of a side that `b` is certain to have been no active
/// closer.
fn false_owners(a: &Verdict, b: &Verdict, reversed: bool) -> Vec<String> {
    if b.confidence != Confidence::Certain || b.active_closer == ActiveCloser::Unknown {
        return Vec::new();
    }
    let closer = closer(b, a.client != b.client);
    let owners = a.time_wait.iter().filter(|entry| {
        let sure = entry.confidence == Confidence::Certain && entry.ended_by != EndedBy::Gone;
        let active = match closer {
            ActiveCloser::Client => entry.owner == Side::Client,
            ActiveCloser::Server => entry.owner == Side::Server,
            ActiveCloser::Both => true,
            _ => false,
        };
        sure && !active
    });
    owners
        .map(|entry| {
            let (said, other) = if reversed {
                ("second", "first")
            } else {
                ("first", "second")
            };
            format!(
                "time_wait: {} in the {said}, closer {closer} in the {other}",
                entry.owner
            )
        })
        .collect()
}

fn is_crossing(a: &Verdict, b: &Verdict) -> bool {
    let pair = (a.outcome, b.outcome);
    pair == (Outcome::Aborted, Outcome::AbortedAfterFin)
        || pair == (Outcome::AbortedAfterFin, Outcome::Aborted)
}

/// The closer of `b` in the words of a verdict whose sides may be the other way round.
fn closer(b: &Verdict, swapped: bool) -> ActiveCloser {
    match (b.active_closer, swapped) {
        (ActiveCloser::Client, true) => ActiveCloser::Server,
        (ActiveCloser::Server, true) => ActiveCloser::Client,
        (other, _) => other,
    }
}

fn aborted_by(b: &Verdict, swapped: bool) -> Option<AbortedBy> {
    b.aborted_by.map(|by| match (by, swapped) {
        (AbortedBy::Client, true) => AbortedBy::Server,
        (AbortedBy::Server, true) => AbortedBy::Client,
        (other, _) => other,
    })
}

/// Roles that rest on port numbers only.
pub fn guessed(v: &Verdict) -> bool {
    v.roles_from == RolesFrom::PortGuess
}
