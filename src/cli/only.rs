//! `--only KEY=VALUE`: which flows are shown.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;
use whoclosed::close::finding::Code;
use whoclosed::close::verdict::{
    AbortCause, AbortedBy, ActiveCloser, Confidence, Outcome, Side, Verdict,
};
use whoclosed::packet::Anonymizer;

const KEYS: &str = "outcome, closer, aborted-by, cause, finding, time-wait, confidence, host, port";

/// What is asked of a flow: one key and one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Outcome(Outcome),
    Closer(ActiveCloser),
    /// `None`: nobody.
    AbortedBy(Option<AbortedBy>),
    /// `None`: not aborted.
    Cause(Option<AbortCause>),
    Finding(Code),
    TimeWait(Owner),
    Confidence(Confidence),
    Host(IpAddr),
    Port(u16),
}

/// Who holds TIME-WAIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// This side, alone or not.
    Side(Side),
    Both,
    None,
}

impl Owner {
    const ALL: [Self; 4] = [
        Self::Side(Side::Client),
        Self::Side(Side::Server),
        Self::Both,
        Self::None,
    ];
}

impl Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Side(side) => side.fmt(f),
            Self::Both => f.write_str("both"),
            Self::None => f.write_str("none"),
        }
    }
}

/// One `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    test: Test,
    /// Written `KEY!=VALUE`.
    negated: bool,
}

impl Rule {
    /// The same of flows whose addresses were replaced.
    pub(crate) fn hidden(mut self, anonymizer: &mut Anonymizer) -> Self {
        if let Test::Host(addr) = &mut self.test {
            *addr = anonymizer.address(*addr);
        }
        self
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(rule: &str) -> Result<Self, String> {
        let (key, value) = rule
            .split_once('=')
            .ok_or_else(|| format!("expected KEY=VALUE or KEY!=VALUE with KEY one of {KEYS}"))?;
        let (key, negated) = key
            .strip_suffix('!')
            .map_or((key, false), |key| (key, true));
        let test = Test::new(key, value)?;
        Ok(Self { test, negated })
    }
}

impl Test {
    fn new(key: &str, value: &str) -> Result<Self, String> {
        match key {
            "outcome" => one_of(key, value, Outcome::ALL).map(Self::Outcome),
            "closer" => one_of(key, value, ActiveCloser::ALL).map(Self::Closer),
            "aborted-by" => or_none(key, value, AbortedBy::ALL).map(Self::AbortedBy),
            "cause" => or_none(key, value, AbortCause::ALL).map(Self::Cause),
            "finding" => one_of(key, value, Code::ALL).map(Self::Finding),
            "time-wait" => one_of(key, value, &Owner::ALL).map(Self::TimeWait),
            "confidence" => one_of(key, value, Confidence::ALL).map(Self::Confidence),
            "host" => host(value).map(Self::Host),
            "port" => port(value).map(Self::Port),
            _ => Err(format!("there is no key `{key}`; the keys are {KEYS}")),
        }
    }

    fn holds(self, verdict: &Verdict) -> bool {
        let (client, server) = (&verdict.client, &verdict.server);
        match self {
            Self::Outcome(outcome) => verdict.outcome == outcome,
            Self::Closer(closer) => verdict.active_closer == closer,
            Self::AbortedBy(by) => verdict.aborted_by == by,
            Self::Cause(cause) => verdict.abort_cause == cause,
            Self::Finding(code) => verdict.findings.iter().any(|f| f.code == code),
            Self::TimeWait(owner) => owner.holds(verdict),
            Self::Confidence(confidence) => verdict.confidence == confidence,
            Self::Host(addr) => client.addr == addr || server.addr == addr,
            Self::Port(port) => client.port == port || server.port == port,
        }
    }

    /// Which key it has: tests of the same key are alternatives.
    fn same_key(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

impl Owner {
    fn holds(self, verdict: &Verdict) -> bool {
        let owns = |side| verdict.time_wait.iter().any(|entry| entry.owner == side);
        match self {
            Self::Side(side) => owns(side),
            Self::Both => owns(Side::Client) && owns(Side::Server),
            Self::None => verdict.time_wait.is_empty(),
        }
    }
}

/// Do the rules select this flow? The same key again is OR, different keys are AND, and every
/// negation must hold.
pub(crate) fn selects(rules: &[Rule], verdict: &Verdict) -> bool {
    rules.iter().all(|rule| {
        if rule.negated {
            return !rule.test.holds(verdict);
        }
        let alternatives = rules.iter().filter(|other| !other.negated);
        let mut alternatives = alternatives.filter(|other| other.test.same_key(rule.test));
        alternatives.any(|other| other.test.holds(verdict))
    })
}

/// The value with that name, or an error that lists them all.
fn one_of<T: Copy + Display>(key: &str, value: &str, all: &[T]) -> Result<T, String> {
    let found = all.iter().find(|one| one.to_string() == value);
    found.copied().ok_or_else(|| {
        let names: Vec<String> = all.iter().map(ToString::to_string).collect();
        format!(
            "{key} is never `{value}`; it is one of {}",
            names.join(", ")
        )
    })
}

/// As [`one_of`], or `none`.
fn or_none<T: Copy + Display>(key: &str, value: &str, all: &[T]) -> Result<Option<T>, String> {
    if value == "none" {
        return Ok(None);
    }
    let found = one_of(key, value, all).map(Some);
    found.map_err(|error| format!("{error}, none"))
}

fn host(value: &str) -> Result<IpAddr, String> {
    let bare = value.trim_start_matches('[').trim_end_matches(']');
    let addr: Result<IpAddr, _> = bare.parse();
    addr.map(|addr| addr.to_canonical())
        .map_err(|_| format!("host takes an IPv4 or IPv6 address, not `{value}`"))
}

fn port(value: &str) -> Result<u16, String> {
    let port = value.parse();
    port.map_err(|_| format!("port takes a number from 0 to 65535, not `{value}`"))
}

#[cfg(test)]
mod tests {
    use super::{Rule, selects};
    use serde_json::{Value, json};
    use whoclosed::close::verdict::Verdict;

    fn verdict(changes: &Value) -> Verdict {
        const FILTER: &str = "ip.addr == 10.0.0.1 && ip.addr == 10.0.0.2 && tcp.port == 40000 && \
            tcp.port == 80 && frame.number >= 1 && frame.number <= 9";
        let mut verdict = json!({"schema":1,"flow":0,"source":"-",
            "client":{"addr":"10.0.0.1","port":40000},"server":{"addr":"2001:db8::2","port":80},
            "roles_from":"syn","start":null,"end":null,"first_frame":1,"last_frame":9,
            "packets":{"client":1,"server":1},"payload_bytes":{"client":0,"server":0},
            "outcome":"graceful","active_closer":"client","aborted_by":null,"abort_cause":null,
            "cause_confidence":null,"cause_alternatives":[],"final_ack":"seen",
            "confidence":"likely","reason":"","time_wait":[owner("client")],
            "final_states":{"client":"CLOSED","server":"CLOSED"},"close":[],"resets":[],
            "findings":[{"code":"owner-gone","severity":"notice","side":null,"frames":[],
                "confidence":"likely","message":"","data":{}}],
            "previous_flow":null,"wireshark_filter":FILTER,"zeek":{"conn_state":"OTH","history":""}});
        for (name, value) in changes.as_object().unwrap() {
            verdict[name] = value.clone();
        }
        serde_json::from_value(verdict).unwrap()
    }

    fn owner(side: &str) -> Value {
        json!({"owner":side,"start":null,"end":null,"ended_by":"expiry","basis":"rule",
            "confidence":"likely","restarts":0})
    }

    fn chosen(rules: &[&str], verdict: &Verdict) -> bool {
        let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        selects(&rules, verdict)
    }

    #[test]
    fn every_key_is_asked_of_its_field() {
        let graceful = verdict(&json!({}));
        let aborted = verdict(&json!({"outcome":"aborted","active_closer":"none",
            "aborted_by":"server","abort_cause":"app-abort","confidence":"certain",
            "time_wait":[],"findings":[],"client":{"addr":"10.0.0.9","port":1},
            "server":{"addr":"10.0.0.8","port":2}}));
        for (one, other) in [
            ("outcome=graceful", "outcome=aborted"),
            ("closer=client", "closer=none"),
            ("aborted-by=none", "aborted-by=server"),
            ("cause=none", "cause=app-abort"),
            ("finding=owner-gone", "finding!=owner-gone"),
            ("time-wait=client", "time-wait=none"),
            ("confidence=likely", "confidence=certain"),
            ("host=10.0.0.1", "host=10.0.0.8"),
            ("host=2001:db8:0::2", "host=::ffff:10.0.0.9"),
            ("port=80", "port=1"),
            ("port=40000", "port=2"),
        ] {
            assert!(
                chosen(&[one], &graceful) && !chosen(&[other], &graceful),
                "{one}"
            );
            assert!(
                chosen(&[other], &aborted) && !chosen(&[one], &aborted),
                "{other}"
            );
        }
    }

    #[test]
    fn time_wait_of_both() {
        let both = verdict(&json!({"time_wait":[owner("client"), owner("server")]}));
        assert!(chosen(&["time-wait=both"], &both));
        assert!(chosen(&["time-wait=server"], &both));
        assert!(!chosen(&["time-wait=both"], &verdict(&json!({}))));
    }

    #[test]
    fn same_key_or_different_keys_and_negations_all() {
        let graceful = verdict(&json!({}));
        assert!(chosen(&[], &graceful));
        assert!(chosen(&["outcome=open", "outcome=graceful"], &graceful));
        assert!(!chosen(&["outcome=graceful", "closer=server"], &graceful));
        assert!(chosen(&["outcome!=open", "outcome!=refused"], &graceful));
        assert!(!chosen(&["outcome!=open", "outcome!=graceful"], &graceful));
        assert!(!chosen(
            &["outcome=graceful", "outcome!=graceful"],
            &graceful
        ));
        assert!(chosen(
            &["port=80", "port=443", "closer!=server"],
            &graceful
        ));
    }

    #[test]
    fn errors_list_what_is_valid() {
        let error = |text: &str| text.parse::<Rule>().unwrap_err();
        assert!(error("outcome").contains("KEY one of outcome, closer"));
        assert!(error("who=client").contains("the keys are outcome, closer"));
        assert!(error("=client").contains("the keys are outcome"));
        assert!(error("outcome=Graceful").contains("one of refused, unanswered, graceful"));
        assert!(error("aborted-by=me").contains("client, server, both, middlebox, unknown, none"));
        assert!(error("cause=").contains("handshake-rejected"));
        assert!(error("time-wait=me").contains("client, server, both, none"));
        assert!(error("host=example.org").contains("IPv4 or IPv6 address"));
        assert!(error("port=http").contains("number"));
        assert!(error("port=65536").contains("65535"));
    }
}
