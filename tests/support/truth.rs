//! The kernel's account of the lab's connections, and how a verdict compares with it.
//!
//! The acceptance sets are those of `testdata/lab/score.py`.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use whoclosed::close::verdict::{Confidence, EndedBy, Verdict};

/// A truth file.
#[derive(Clone, Debug, Deserialize)]
pub struct Truth {
    pub name: String,
    pub family: u8,
    pub captures: BTreeMap<String, Capture>,
    pub one_way_delay_s: BTreeMap<String, f64>,
    pub trim: String,
    pub only: String,
    pub double: bool,
    pub wire: Vec<serde_json::Value>,
    pub sysctl: serde_json::Value,
    /// Changes of each host's TCP counters.
    #[serde(default)]
    pub counters: BTreeMap<String, BTreeMap<String, u64>>,
    pub flows: Vec<Flow>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Capture {
    pub file: String,
}

/// One connection: one incarnation of a 4-tuple.
#[derive(Clone, Debug, Deserialize)]
pub struct Flow {
    /// Address and port with a space between.
    pub client: String,
    pub server: String,
    pub expected: Expected,
    pub observed: Observed,
    /// By point of capture; absent in the short form of large scenarios.
    pub in_capture: Option<BTreeMap<String, Option<InCapture>>>,
    pub states: Option<BTreeMap<String, Vec<Span>>>,
    pub resets: Vec<Reset>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    pub kind: Option<String>,
    pub first_fin: String,
    pub time_wait: Vec<String>,
    pub rst_by: Vec<String>,
    pub forged: bool,
    pub final_ack_lost: FinalAckLost,
    pub end: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct FinalAckLost {
    pub lost: bool,
    #[serde(rename = "where")]
    pub places: Vec<String>,
    pub arrived_in_the_end: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Observed {
    pub fins_sent: BTreeMap<String, u32>,
    /// Each side's states in order.
    pub path: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct InCapture {
    pub frames: u64,
    pub first_closing: Option<FirstClosing>,
    /// Objects, and at last perhaps "and N more".
    #[serde(default)]
    pub tsval_regressions: Vec<serde_json::Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct FirstClosing {
    pub flags: String,
}

/// A state of a socket, with the first and last time (Unix seconds) the lab saw it.
#[derive(Clone, Debug, Deserialize)]
pub struct Span {
    pub state: String,
    pub first: f64,
    #[serde(default)]
    pub last: f64,
    pub restarts: Option<u32>,
}

/// A RST that a host sent.
#[derive(Clone, Debug, Deserialize)]
pub struct Reset {
    pub time: f64,
    pub from: String,
    pub flags: String,
    pub seq: u32,
}

/// How a claim compares with the kernel's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// What the kernel did.
    Right,
    /// Vague where the full truth is known.
    Weak,
    /// Something else.
    Wrong,
    /// Wrong, and called certain.
    False,
}

/// One claim of one verdict.
#[derive(Clone, Debug)]
pub struct Judged {
    pub claim: &'static str,
    pub mark: Mark,
    pub said: String,
    pub good: Vec<String>,
}

/// Where captures are taken.
pub const POINTS: [&str; 3] = ["client", "mid", "server"];

/// Every truth file, by name.
pub fn all() -> Vec<Truth> {
    let paths = super::files("captures", &[".truth.json"]);
    let parse = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).expect("readable");
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    paths.iter().map(parse).collect()
}

impl Truth {
    /// What hides a part of the picture from a capture.
    pub fn is_cut(&self) -> bool {
        !self.trim.is_empty() || !self.only.is_empty()
    }

    /// The wire lost, repeated, held back or forged something.
    pub fn is_disturbed(&self) -> bool {
        !self.wire.is_empty()
    }

    /// A host was told to keep no TIME-WAIT: no capture can show that.
    pub fn keeps_no_time_wait(&self) -> bool {
        self.sysctl.to_string().contains("tcp_max_tw_buckets")
    }

    /// A host was told that no RST ends its TIME-WAIT (RFC 1337).
    pub fn obeys_rfc1337(&self) -> bool {
        self.sysctl.to_string().contains("tcp_rfc1337")
    }

    /// Seconds on the way from a host to a point of capture.
    pub fn delay(&self, host: &str, point: &str) -> f64 {
        let (near, far) = (
            self.one_way_delay_s["client-mid"],
            self.one_way_delay_s["mid-server"],
        );
        match (host, point) {
            ("client", "mid") | ("mid", "client") => near,
            ("server", "mid") | ("mid", "server") => far,
            (a, b) if a == b => 0.0,
            _ => near + far,
        }
    }
}

impl Flow {
    pub fn kind(&self) -> &str {
        self.expected.kind.as_deref().unwrap_or("graceful")
    }

    /// Both ends, the lesser text first.
    pub fn ends(&self) -> (String, String) {
        let (a, b) = (self.client.clone(), self.server.clone());
        if a <= b { (a, b) } else { (b, a) }
    }

    pub fn at(&self, point: &str) -> Option<&InCapture> {
        self.in_capture.as_ref()?.get(point)?.as_ref()
    }

    /// The capture at this point holds nothing of the connection.
    pub fn is_unseen(&self, point: &str) -> bool {
        self.in_capture.is_some() && self.at(point).is_none_or(|seen| seen.frames == 0)
    }
}

/// The ends of a verdict in the truth's notation.
pub fn ends(v: &Verdict) -> (String, String) {
    let text = |end: &whoclosed::close::verdict::Endpoint| format!("{} {}", end.addr, end.port);
    let (a, b) = (text(&v.client), text(&v.server));
    if a <= b { (a, b) } else { (b, a) }
}

/// The verdict's name for a side of the truth, and the other way round: roles may be guessed.
pub fn here<'a>(v: &Verdict, flow: &Flow, side: &'a str) -> &'a str {
    let same = format!("{} {}", v.client.addr, v.client.port) == flow.client;
    match side {
        "client" if !same => "server",
        "server" if !same => "client",
        other => other,
    }
}

/// A connection that the host itself ended by a RST, or where one was sent in answer.
const ABORTS: &[&str] = &[
    "abort-linger",
    "abort-linger-silent",
    "abort-unread",
    "abort-both",
    "abort-disconnect",
    "abort-linger2",
    "data-after-close",
    "no-socket",
    "keepalive-timeout",
    "refused",
    "firewall-rst",
    "middlebox-rst",
    "last-ack-reset",
    "backlog-reset",
    "syn-abandoned",
];

fn is_abort(kind: &str) -> bool {
    ABORTS.contains(&kind)
}

/// Outcomes that agree with the kernel's account, for a capture with full sight.
fn outcomes(kind: &str, fin: &str) -> Vec<&'static str> {
    match kind {
        "graceful" | "half-close" => vec!["graceful"],
        "simultaneous" => vec!["simultaneous"],
        "still-open" | "retransmission-timeout" | "backlog-wait" => vec!["open"],
        "close-wait-leak" => vec!["half-closed"],
        "fin-unanswered" => vec!["fin-unacked"],
        "last-ack-timeout" => vec!["final-ack-missing", "graceful"],
        "last-ack-reset" => vec!["aborted-after-fin", "graceful", "final-ack-missing"],
        "time-wait-assassinated" | "time-wait-survived" => vec!["graceful", "simultaneous"],
        "syn-timeout-ack-rst" => vec!["unanswered", "refused", "indeterminate"],
        "refused" => vec!["refused"],
        "refused-icmp" => vec!["unanswered"],
        "syn-timeout" => vec!["unanswered", "handshake-incomplete"],
        "syn-abandoned" | "backlog-reset" => vec!["aborted"],
        "no-socket" | "firewall-rst" | "middlebox-rst" => vec!["aborted", "aborted-after-fin"],
        "abort-linger-silent" => vec![
            "aborted-after-fin",
            "simultaneous",
            "graceful",
            "final-ack-missing",
        ],
        _ if is_abort(kind) && fin == "none" => vec!["aborted"],
        _ if is_abort(kind) => vec!["aborted-after-fin"],
        other => panic!("no outcome is known for the kind {other}"),
    }
}

fn causes(kind: &str) -> &'static [&'static str] {
    match kind {
        "abort-linger" | "abort-disconnect" => &["app-abort"],
        "abort-unread" => &["unread-data"],
        "abort-both" => &["app-abort", "unread-data"],
        "data-after-close" => &["data-after-close"],
        "last-ack-reset" => &["time-wait-gone", "fin-wait-2-expired"],
        "no-socket" => &["no-connection", "data-after-close", "fin-wait-2-expired"],
        "keepalive-timeout" => &["keepalive-timeout"],
        "refused" => &["refused"],
        "backlog-reset" | "syn-abandoned" => &["handshake-rejected"],
        "middlebox-rst" => &["injected"],
        "firewall-rst" => &["no-connection", "injected"],
        _ => &[],
    }
}

fn weak_causes(kind: &str) -> &'static [&'static str] {
    match kind {
        "abort-unread" | "no-socket" => &["app-abort"],
        "abort-linger" | "abort-disconnect" => &["unread-data"],
        "middlebox-rst" => &["no-connection"],
        "keepalive-timeout" => &["app-abort", "retransmission-timeout"],
        _ => &[],
    }
}

/// The six claims of a verdict against the kernel's account of the connection.
pub fn judge(v: &Verdict, flow: &Flow, truth: &Truth, point: &str) -> Vec<Judged> {
    let mut judged = vec![
        outcome(v, flow, truth, point),
        closer(v, flow, truth, point),
        aborter(v, flow),
    ];
    if v.confidence == Confidence::Certain {
        for claim in &mut judged {
            let asserted = !is_vague(&claim.said);
            if claim.mark == Mark::Wrong || claim.mark == Mark::Weak && asserted {
                claim.mark = Mark::False;
            }
        }
    }
    judged.extend(cause(v, flow, point));
    judged.push(time_wait(v, flow, truth, point));
    judged.push(final_ack(v, flow, truth, point));
    judged
}

fn is_vague(said: &str) -> bool {
    matches!(said, "null" | "unknown" | "indeterminate")
}

fn is_partial(flow: &Flow, truth: &Truth, point: &str) -> bool {
    let closing = flow
        .at(point)
        .is_some_and(|seen| seen.first_closing.is_some());
    truth.is_cut() || flow.in_capture.is_some() && !closing
}

/// A FIN queued behind a closed window never left its host.
fn is_hidden(flow: &Flow) -> bool {
    flow.observed.fins_sent.get(&flow.expected.first_fin) == Some(&0)
}

fn mark(claim: &'static str, said: &str, good: &[&str], weak: &[&str]) -> Judged {
    let mark = if good.contains(&said) {
        Mark::Right
    } else if weak.contains(&said) || is_vague(said) {
        Mark::Weak
    } else {
        Mark::Wrong
    };
    Judged {
        claim,
        mark,
        said: said.to_owned(),
        good: good.iter().map(ToString::to_string).collect(),
    }
}

fn outcome(v: &Verdict, flow: &Flow, truth: &Truth, point: &str) -> Judged {
    let (kind, fin) = (flow.kind(), flow.expected.first_fin.as_str());
    let mut good = outcomes(kind, fin);
    if is_hidden(flow) {
        good.push("aborted");
    }
    let weak: &[&str] = if is_partial(flow, truth, point) {
        &[
            "open",
            "indeterminate",
            "unanswered",
            "handshake-incomplete",
            "half-closed",
            "fin-unacked",
            "final-ack-missing",
        ]
    } else if is_abort(kind) {
        &[
            "aborted-after-fin",
            "final-ack-missing",
            "half-closed",
            "fin-unacked",
            "open",
        ]
    } else if truth.is_disturbed() {
        &["final-ack-missing", "half-closed", "fin-unacked", "open"]
    } else {
        &[]
    };
    mark("outcome", v.outcome.name(), &good, weak)
}

fn closer(v: &Verdict, flow: &Flow, truth: &Truth, point: &str) -> Judged {
    let mut good = vec![flow.expected.first_fin.as_str()];
    if is_hidden(flow) {
        good.push("none");
    }
    let lenient = is_partial(flow, truth, point) || truth.is_disturbed();
    let weak: &[&str] = if lenient { &["none"] } else { &[] };
    let said = here(v, flow, v.active_closer.name());
    mark("active_closer", said, &good, weak)
}

fn aborter(v: &Verdict, flow: &Flow) -> Judged {
    let (kind, expected) = (flow.kind(), &flow.expected);
    let senders: Vec<&str> = expected.rst_by.iter().map(String::as_str).collect();
    let mut good = match kind {
        _ if !is_abort(kind) => vec!["null"],
        "middlebox-rst" => vec!["middlebox"],
        "abort-both" if senders.len() > 1 => vec!["both"],
        _ if senders.is_empty() => vec!["null"],
        _ => senders.clone(),
    };
    if kind == "firewall-rst" {
        good.push("middlebox");
    }
    if matches!(kind, "last-ack-reset" | "abort-linger-silent") {
        good.push("null");
    }
    let mut weak = Vec::new();
    if is_abort(kind) || expected.forged {
        weak.extend(senders);
    }
    if expected.forged {
        weak.extend(["both", "middlebox"]);
    }
    let said = v.aborted_by.map_or("null", |by| by.name());
    mark("aborted_by", here(v, flow, said), &good, &weak)
}

fn cause(v: &Verdict, flow: &Flow, point: &str) -> Option<Judged> {
    let good = causes(flow.kind());
    if v.aborted_by.is_none() || good.is_empty() {
        return None;
    }
    let first = flow.at(point).and_then(|seen| seen.first_closing.as_ref());
    let mut weak = weak_causes(flow.kind()).to_vec();
    if first.is_some_and(|first| first.flags == "RST") {
        weak.push("no-connection");
    }
    let said = v.abort_cause.map_or("null", |cause| cause.name());
    Some(mark("abort_cause", said, good, &weak))
}

fn time_wait(v: &Verdict, flow: &Flow, truth: &Truth, point: &str) -> Judged {
    let entries = v.time_wait.iter().filter(|w| w.ended_by != EndedBy::Gone);
    let entries: Vec<(&str, Confidence)> = entries
        .map(|w| (here(v, flow, w.owner.name()), w.confidence))
        .collect();
    let said: BTreeSet<&str> = entries.iter().map(|(owner, _)| *owner).collect();
    let real: BTreeSet<&str> = flow.expected.time_wait.iter().map(String::as_str).collect();
    let ghost = |sure: bool| {
        let wrong = |(owner, confidence): &(&str, Confidence)| {
            !real.contains(owner) && (*confidence == Confidence::Certain) == sure
        };
        entries.iter().any(wrong)
    };
    let lenient = is_partial(flow, truth, point) || truth.is_disturbed();
    let mark = if said == real {
        Mark::Right
    } else if truth.keeps_no_time_wait() || said.is_subset(&real) {
        Mark::Weak
    } else if ghost(true) {
        Mark::False
    } else if lenient && ghost(false) {
        Mark::Weak
    } else {
        Mark::Wrong
    };
    Judged {
        claim: "time_wait",
        mark,
        said: said.into_iter().collect::<Vec<_>>().join("+"),
        good: real.into_iter().map(ToOwned::to_owned).collect(),
    }
}

fn final_ack(v: &Verdict, flow: &Flow, truth: &Truth, point: &str) -> Judged {
    let good = final_acks(flow, point);
    let weak: &[&str] = if is_partial(flow, truth, point) {
        &["unseen", "unknown", "none"]
    } else {
        &["unseen"]
    };
    mark("final_ack", v.final_ack.name(), &good, weak)
}

/// Values of `final_ack` that agree with the truth at this point of capture.
fn final_acks(flow: &Flow, point: &str) -> Vec<&'static str> {
    let (expected, lost) = (&flow.expected, &flow.expected.final_ack_lost);
    let fins = &flow.observed.fins_sent;
    let aborted = is_abort(flow.kind());
    let at = POINTS.iter().position(|p| *p == point).expect("a point");
    let mut good = Vec::new();
    let (passive, at) = match expected.first_fin.as_str() {
        "none" => return vec!["none", "unknown"],
        "both" if lost.lost => return vec!["lost-after", "lost-before", "never"],
        "both" => {
            good.push("seen");
            if fins.values().any(|n| *n > 1) {
                good.extend(["lost-after", "lost-before"]);
            }
            if aborted {
                good.extend(["none", "unseen", "never", "unknown"]);
            }
            return good;
        }
        "client" => ("server", at),
        _ => ("client", 2 - at),
    };
    if fins[passive] == 0 {
        return vec!["none"];
    }
    if !lost.lost {
        good.push("seen");
        if fins[passive] > 1 {
            good.push("lost-before");
        }
        if aborted {
            good.extend(["none", "unseen", "never"]);
        }
        return good;
    }
    for place in &lost.places {
        let beyond = place == "before_mid" && at == 0 || place == "after_mid" && at <= 1;
        good.push(if beyond { "lost-after" } else { "lost-before" });
    }
    if !lost.arrived_in_the_end && at > 0 {
        good.push("never");
    }
    if fins[passive] == 1 {
        good.push("seen");
    }
    good
}

/// A clean capture of a close whose proof is on the wire.
pub fn can_be_certain(flow: &Flow, truth: &Truth) -> bool {
    let kinds = [
        "graceful",
        "half-close",
        "simultaneous",
        "refused",
        "abort-linger",
        "abort-unread",
        "abort-disconnect",
    ];
    let clean = truth.family == 4 && !truth.is_disturbed() && !truth.is_cut();
    clean && kinds.contains(&flow.kind())
}
