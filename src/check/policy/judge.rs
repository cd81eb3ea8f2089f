//! Judges the flows of a capture by a policy.

use crate::check::policy::claims::{Claim, Claims};
use crate::check::policy::rules::{Ask, Moment, Names};
use crate::check::policy::spent::{Spent, Stretch};
use crate::check::policy::{Limit, Policy, Rule, Scope, Value, words};
use crate::check::result::{Example, Item, Status};
use crate::close::finding::Code;
use crate::close::verdict::{Confidence, Outcome, Verdict};
use crate::ledger::{Ledger, Settings};
use crate::stamp::{Time, duration};
use std::sync::Arc;

/// So many flows that do not comply are shown for each rule, and so many in doubt.
const SHOWN: usize = 10;

/// Judges a capture by a policy, flow after flow.
#[derive(Debug)]
pub struct Checker<'p> {
    policy: &'p Policy,
    time_wait: i64,
    flows: u64,
    scopes: Vec<Counts>,
    is_damaged: bool,
}

/// What was counted in a scope.
#[derive(Debug)]
struct Counts {
    flows: u64,
    /// For each of its rules.
    rules: Vec<Tally>,
    /// Its TIME-WAITs, where a rule asks for them.
    ledger: Option<Box<Ledger>>,
    /// TIME-WAITs that have no times, or whose states nobody asked for.
    timeless: u64,
}

/// What was counted for a rule.
#[derive(Clone, Debug, Default)]
struct Tally {
    broken: u64,
    /// Those of them that are certain.
    certain: u64,
    in_doubt: u64,
    examples: Vec<Example>,
    doubts: Vec<Example>,
}

/// What a rule says of a flow.
enum Opinion {
    Complies,
    Breaks(Shown),
    InDoubt(Shown),
}

/// What it says that of.
enum Shown {
    Claim(Claim),
    Stretch(Stretch),
    Flow,
}

impl<'p> Checker<'p> {
    /// Of no flow yet. TIME-WAIT lasts so many nanoseconds.
    pub fn new(policy: &'p Policy, time_wait: i64) -> Self {
        let counts = |scope: &Scope| {
            let peak = scope
                .rules
                .iter()
                .any(|rule| matches!(rule.row.ask, Ask::Peak));
            let ledger = peak.then(|| Box::new(Ledger::new(time_wait, Settings::default())));
            let rules = vec![Tally::default(); scope.rules.len()];
            Counts {
                flows: 0,
                rules,
                ledger,
                timeless: 0,
            }
        };
        Self {
            policy,
            time_wait,
            flows: 0,
            scopes: policy.scopes.iter().map(counts).collect(),
            is_damaged: false,
        }
    }

    /// Some of the capture could not be read: what is not certain may look as it does for that.
    pub const fn mark_damaged(&mut self) {
        self.is_damaged = true;
    }

    /// Takes in a flow with the states of its sides. The capture was read until `now`.
    pub fn see(&mut self, verdict: &Verdict, now: Time) {
        self.flows += 1;
        let time_wait = self.time_wait;
        let moment = Moment { now, time_wait };
        for (scope, counts) in self.policy.scopes.iter().zip(&mut self.scopes) {
            if !scope.select.has(verdict) {
                continue;
            }
            counts.flows += 1;
            for (rule, tally) in scope.rules.iter().zip(&mut counts.rules) {
                tally.add(verdict, opinion(rule, verdict, moment));
            }
            if let Some(ledger) = &mut counts.ledger {
                let is_timed = verdict.start.is_some() && verdict.states.is_some();
                if !is_timed {
                    counts.timeless += verdict.time_wait.len() as u64;
                }
                ledger.see_states(verdict);
            }
        }
    }

    /// The number of flows, and what came of each rule.
    pub fn finish(self, source: &Arc<str>) -> (u64, Vec<Item>) {
        let scopes = self.policy.scopes.iter().zip(self.scopes);
        let items = scopes.flat_map(|(scope, mut counts)| {
            let mut tallies = std::mem::take(&mut counts.rules);
            if self.is_damaged {
                tallies.iter_mut().for_each(Tally::doubt);
            }
            let rules = scope.rules.iter().zip(tallies);
            let items = rules.map(|(rule, tally)| item(scope, rule, tally, &counts));
            items.collect::<Vec<_>>()
        });
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        let capture = Some(source.as_ref()).filter(|name| name.chars().all(plain));
        let capture = capture.unwrap_or(words::CAPTURE);
        let named = items.map(|item| Item {
            source: Arc::clone(source),
            advice: item.advice.replace(words::CAPTURE, capture),
            file: Arc::clone(&self.policy.file),
            ..item
        });
        (self.flows, named.collect())
    }
}

impl Tally {
    fn add(&mut self, verdict: &Verdict, opinion: Opinion) {
        let (count, list, shown, in_doubt) = match opinion {
            Opinion::Complies => return,
            Opinion::Breaks(shown) => (&mut self.broken, &mut self.examples, shown, false),
            Opinion::InDoubt(shown) => (&mut self.in_doubt, &mut self.doubts, shown, true),
        };
        *count += 1;
        let is_certain = confidence(verdict, &shown) == Confidence::Certain;
        self.certain += u64::from(is_certain && !in_doubt);
        if list.len() < SHOWN {
            list.push(example(verdict, &shown, in_doubt));
        }
    }

    /// Counts only what is certain as broken; the rest is in doubt.
    fn doubt(&mut self) {
        self.in_doubt += self.broken - self.certain;
        self.broken = self.certain;
        for example in &mut self.examples {
            example.in_doubt = example.confidence != Some(Confidence::Certain);
        }
    }
}

/// What a rule says of a flow. Of one of which too little was seen nothing that is missing is a claim.
fn opinion(rule: &Rule, verdict: &Verdict, moment: Moment) -> Opinion {
    let missing = verdict.outcome == Outcome::Indeterminate;
    match (rule.row.ask, &rule.value) {
        (Ask::Allow(names), Value::Names(listed)) => {
            let claims = (names.claims)(verdict);
            let breaks = |name| !listed.contains(&name);
            of_names(rule, names, &claims, breaks)
                .or_doubt(missing && names.may_be_missing(&claims))
        }
        (Ask::Forbid(names) | Ask::Worst(names), Value::Names(listed)) => {
            let claims = (names.claims)(verdict);
            let breaks = |name| listed.contains(&name);
            of_names(rule, names, &claims, breaks)
                .or_doubt(missing && names.may_be_missing(&claims))
        }
        (Ask::Within(spent), Value::Duration(most)) => {
            of_time(rule, verdict, spent(verdict, moment), *most).or_doubt(missing)
        }
        (Ask::Share(counts), _) if counts(verdict, rule.confidence) => Opinion::Breaks(Shown::Flow),
        _ => Opinion::Complies,
    }
}

impl Opinion {
    /// What complies is in doubt, if so.
    fn or_doubt(self, doubt: bool) -> Self {
        match self {
            Self::Complies if doubt => Self::InDoubt(Shown::Flow),
            _ => self,
        }
    }
}

impl Names {
    /// More of them may be true than are claimed.
    fn may_be_missing(self, claims: &Claims) -> bool {
        !self.exclusive || claims.is_empty()
    }
}

/// The claims against the names that break the rule. The worst one decides.
fn of_names(
    rule: &Rule,
    names: Names,
    claims: &Claims,
    breaks: impl Fn(&'static str) -> bool,
) -> Opinion {
    let listed = |name| match &rule.value {
        Value::Names(listed) => listed.contains(&name),
        _ => false,
    };
    let is_open = |claim: &Claim| claim.is_unknown && !listed(claim.name);
    // It breaks the rule or not, where that is sure: by its name, or whichever of those it is.
    let settled = |claim: &Claim| {
        if is_open(claim) {
            return None;
        }
        if claim.confidence >= rule.confidence {
            return Some(breaks(claim.name));
        }
        let all = claim.names().all(&breaks);
        let one = all || claim.names().any(&breaks);
        let is_sure = !claim.alike.is_empty() && claim.together >= rule.confidence;
        (is_sure && all == one).then_some(all)
    };
    let find = |state| claims.iter().find(|claim| settled(claim) == state);
    if let Some(claim) = find(Some(true)) {
        return Opinion::Breaks(Shown::Claim(claim.clone()));
    }
    let in_doubt =
        |claim: &&Claim| settled(claim).is_none() && (names.exclusive || breaks(claim.name));
    let doubt = claims.iter().find(in_doubt);
    doubt.map_or(Opinion::Complies, |claim| {
        Opinion::InDoubt(Shown::Claim(claim.clone()))
    })
}

/// The longest time against the most it may be.
fn of_time(rule: &Rule, verdict: &Verdict, spent: Spent, most: i64) -> Opinion {
    // A clock that was set back tells no time.
    let mut findings = verdict.findings.iter();
    let is_timed = findings.all(|finding| finding.code != Code::CaptureClockStep);
    let is_sure = verdict.confidence >= rule.confidence && is_timed;
    let is_doubt = |s: &Stretch| s.goes_on || s.nanos.is_none() || !is_sure;
    let longest = spent.into_iter().max_by_key(|s| {
        let long = s.nanos.is_some_and(|nanos| nanos > most);
        (long, is_doubt(s), s.nanos)
    });
    match longest {
        Some(s) if s.nanos.is_some_and(|n| n > most) && is_sure => {
            Opinion::Breaks(Shown::Stretch(s))
        }
        Some(s) if is_doubt(&s) => Opinion::InDoubt(Shown::Stretch(s)),
        _ => Opinion::Complies,
    }
}

/// How sure that is.
fn confidence(verdict: &Verdict, shown: &Shown) -> Confidence {
    match shown {
        Shown::Claim(claim) => claim.confidence.max(claim.together),
        Shown::Stretch(_) | Shown::Flow => verdict.confidence,
    }
}

/// A flow as it is shown.
fn example(verdict: &Verdict, shown: &Shown, in_doubt: bool) -> Example {
    let (what, frames) = match shown {
        Shown::Claim(claim) => (words::claim(claim, verdict), claim.frames(verdict)),
        Shown::Stretch(stretch) => (words::stretch(stretch), stretch.frames.to_vec()),
        Shown::Flow => {
            let frames = vec![verdict.first_frame, verdict.last_frame];
            (verdict.outcome.name().to_owned(), frames)
        }
    };
    let message = match shown {
        Shown::Claim(claim) => claim.finding(verdict).map(|finding| &*finding.message),
        _ => None,
    };
    Example {
        flow: Some(verdict.flow),
        client: Some(verdict.client),
        server: Some(verdict.server),
        frames,
        what,
        confidence: Some(confidence(verdict, shown)),
        in_doubt,
        reason: message.unwrap_or(&verdict.reason).to_owned(),
        wireshark_filter: verdict.wireshark_filter.to_string(),
    }
}

/// What came of a rule.
fn item(scope: &Scope, rule: &Rule, mut tally: Tally, counts: &Counts) -> Item {
    let flows = counts.flows;
    let (status, found) = match (rule.row.ask, &rule.value) {
        (Ask::MinFlows, Value::Count(least)) => {
            let status = held(flows >= *least, Status::NotJudged);
            (status, words::counted(flows, "flow"))
        }
        (Ask::MaxFlows, Value::Count(most)) => {
            let status = held(flows <= *most, Status::Broken);
            (status, words::counted(flows, "flow"))
        }
        (Ask::Peak, Value::Count(most)) => peak(counts, *most, &mut tally),
        (Ask::Share(_), Value::Limit(limit)) => {
            let all = tally.broken + tally.in_doubt;
            let status = match held(limit.allows(tally.broken, flows), Status::Broken) {
                Status::Holds => held(limit.allows(all, flows), Status::NotJudged),
                status => status,
            };
            (status, words::share(all, flows))
        }
        _ => {
            let status = of_flows(rule.at_most, scope.doubt, &tally, flows);
            (status, words::flows(tally.broken, tally.in_doubt, flows))
        }
    };
    let Tally {
        broken,
        in_doubt,
        mut examples,
        doubts,
        ..
    } = tally;
    examples.extend(doubts);
    examples.sort_by_key(|example| example.in_doubt);
    let advice = words::advice(rule, status, examples.first());
    Item {
        schema: crate::close::SCHEMA,
        source: Arc::default(),
        rule: format!("{}.{}", scope.name, rule.row.key),
        kind: rule.row.key.to_owned(),
        file: Arc::default(),
        line: rule.line,
        status,
        asks: words::asks(rule),
        found,
        advice,
        why: rule.why.clone(),
        flows,
        broken,
        in_doubt,
        examples,
    }
}

const fn held(holds: bool, otherwise: Status) -> Status {
    if holds { Status::Holds } else { otherwise }
}

/// Flows that do not comply may be so many; those in doubt as well, or so many as the scope lets pass.
fn of_flows(at_most: Limit, doubt: Limit, tally: &Tally, flows: u64) -> Status {
    let (broken, in_doubt) = (tally.broken, tally.in_doubt);
    if !at_most.allows(broken, flows) {
        return Status::Broken;
    }
    let holds = at_most.allows(broken + in_doubt, flows) || doubt.allows(in_doubt, flows);
    held(holds, Status::NotJudged)
}

/// The host with most TIME-WAITs at once.
fn peak(counts: &Counts, most: u64, tally: &mut Tally) -> (Status, String) {
    let Some(ledger) = &counts.ledger else {
        return (Status::NotJudged, String::new());
    };
    let mut peaks: Vec<_> = ledger.peaks().filter(|(_, peak)| peak.count > 0).collect();
    peaks.sort_by_key(|(addr, peak)| (std::cmp::Reverse(peak.count), *addr));
    let over = peaks
        .iter()
        .filter(|(_, peak)| peak.count > most)
        .take(SHOWN);
    tally.examples = over.map(|(addr, peak)| words::host(*addr, peak)).collect();
    let found = peaks.first().map_or_else(
        || "no TIME-WAITs".to_owned(),
        |(addr, peak)| format!("{addr} held {} at once", peak.count),
    );
    let (unit, beyond) = (ledger.resolution(), ledger.beyond());
    if peaks.first().is_some_and(|(_, peak)| peak.count > most) {
        return (Status::Broken, found);
    }
    if unit > 1 {
        let unit = duration::words(unit);
        return (
            Status::NotJudged,
            format!("{found}, as seen every {unit}: too many changes"),
        );
    }
    if counts.timeless > 0 {
        let found = format!("{found}; {} have no time", counts.timeless);
        return (Status::NotJudged, found);
    }
    if beyond > 0 {
        return (
            Status::NotJudged,
            format!("{found}; there were too many hosts"),
        );
    }
    (Status::Holds, found)
}

/// What counts is at least so sure, if a rule does not say otherwise.
pub(super) const fn is_usual(confidence: Confidence) -> bool {
    matches!(confidence, Confidence::Likely)
}
