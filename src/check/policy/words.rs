//! Rules and what came of them, in words.

use crate::check::policy::claims::Claim;
use crate::check::policy::judge::is_usual;
use crate::check::policy::rules::Ask;
use crate::check::policy::spent::Stretch;
use crate::check::policy::{Limit, Rule, Value};
use crate::check::result::{Example, Status};
use crate::close::verdict::Verdict;
use crate::ledger::Peak;
use crate::stamp::duration;
use std::net::IpAddr;

/// Stands for the capture in what is to be done.
pub(super) const CAPTURE: &str = "CAPTURE";

/// What a rule asks.
pub(super) fn asks(rule: &Rule) -> String {
    let subject = rule.row.subject;
    let asked = match (&rule.value, rule.row.ask) {
        (Value::Names(names), Ask::Allow(_)) => format!("{subject} is {}", either(names)),
        (Value::Names(names), _) => format!("{subject} is not {}", either(names)),
        (Value::Duration(most), _) => {
            format!("{subject} lasts at most {}", duration::words(*most))
        }
        (Value::Count(least), Ask::MinFlows) => format!("at least {}", counted(*least, "flow")),
        (Value::Count(most), _) => format!("at most {most} {subject}"),
        (Value::Limit(limit), _) => format!("at most {} {subject}", amount(*limit)),
    };
    let spared = match rule.at_most {
        Limit::NONE => String::new(),
        Limit::Flows(1) => ", but for 1 flow".to_owned(),
        Limit::Flows(flows) => format!(", but for {flows} flows"),
        share @ Limit::PerMillion(_) => format!(", but for {} of the flows", amount(share)),
    };
    let sure = if is_usual(rule.confidence) || !rule.row.ask.is_of_each_flow() {
        String::new()
    } else {
        format!("; {} counts", rule.confidence)
    };
    asked + &spared + &sure
}

/// What to do, about the first of those flows.
pub(super) fn advice(rule: &Rule, status: Status, first: Option<&Example>) -> String {
    match status {
        Status::Holds => String::new(),
        Status::NotJudged if rule.row.ask.is_of_each_flow() => {
            "Capture whole connections, both directions, until after the last ACK; or let some flows be \
             in doubt with max-indeterminate."
                .to_owned()
        }
        _ => {
            let flow = first.and_then(|first| first.flow);
            let flow = flow.map_or_else(|| "N".to_owned(), |flow| flow.to_string());
            let term = first.and_then(|first| first.what.split([',', ' ']).next());
            let flow = format!("--flow {flow} {CAPTURE}");
            let advice = rule.row.advice.replace("--flow N", &flow);
            advice.replace("terms NAME", &format!("terms {}", term.unwrap_or("NAME")))
        }
    }
}

fn either(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn amount(limit: Limit) -> String {
    match limit {
        Limit::Flows(flows) => flows.to_string(),
        Limit::PerMillion(share) => {
            let decimals = format!("{:04}", share % 10_000);
            let decimals = decimals.trim_end_matches('0');
            let dot = if decimals.is_empty() { "" } else { "." };
            format!("{}{dot}{decimals}%", share / 10_000)
        }
    }
}

/// `1 flow`, `2 flows`, `no flows`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// How many flows do not comply.
pub(super) fn flows(broken: u64, in_doubt: u64, flows: u64) -> String {
    let all = counted(flows, "flow");
    let (verb, is) = (
        if broken == 1 { "does" } else { "do" },
        if in_doubt == 1 { "is" } else { "are" },
    );
    match (broken, in_doubt) {
        (0, 0) => all,
        (0, _) => format!("{in_doubt} of {all} {is} in doubt"),
        (_, 0) => format!("{broken} of {all} {verb} not comply"),
        _ => format!("{broken} of {all} {verb} not comply, {in_doubt} {is} in doubt"),
    }
}

/// How many flows are so.
pub(super) fn share(count: u64, flows: u64) -> String {
    match count {
        0 => format!("none of {}", counted(flows, "flow")),
        _ => format!("{count} of {}", counted(flows, "flow")),
    }
}

/// What a flow claims.
pub(super) fn claim(claim: &Claim, verdict: &Verdict) -> String {
    match claim.finding(verdict) {
        Some(finding) if finding.code.name() != claim.name => {
            format!("{}, {}", finding.code, claim.name)
        }
        _ if claim.confidence < claim.together => claim.names().collect::<Vec<_>>().join(" or "),
        _ => claim.name.to_owned(),
    }
}

/// What a flow spent its time on.
pub(super) fn stretch(stretch: &Stretch) -> String {
    let Stretch {
        nanos,
        goes_on,
        what,
        ..
    } = stretch;
    match nanos {
        None => format!("{what} a time that the capture does not tell"),
        Some(nanos) if *goes_on => {
            format!("{what} {} until the capture ended", duration::words(*nanos))
        }
        Some(nanos) => format!("{what} {}", duration::words(*nanos)),
    }
}

/// A host that held too many TIME-WAITs.
pub(super) fn host(addr: IpAddr, peak: &Peak) -> Example {
    let since = peak.time.map(|time| format!(" at {}", time.rfc3339()));
    Example {
        flow: None,
        client: None,
        server: None,
        frames: Vec::new(),
        what: format!(
            "{addr} held {} TIME-WAITs{}",
            peak.count,
            since.unwrap_or_default()
        ),
        confidence: None,
        in_doubt: false,
        reason: String::new(),
        wireshark_filter: format!(
            "ip{}.addr == {addr}",
            if addr.is_ipv6() { "v6" } else { "" }
        ),
    }
}
