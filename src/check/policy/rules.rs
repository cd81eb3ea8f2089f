//! The rules a policy can hold: one row each. What reads a policy, what judges by it, its JSON Schema and
//! its documentation all go through these rows.

use crate::check::policy::claims::{self, Claims};
use crate::check::policy::keys::KEYS;
use crate::check::policy::spent::{self, Spent};
use crate::close::terms::Group;
use crate::close::verdict::{Confidence, Outcome, Verdict};
use crate::stamp::Time;

/// A kind of rule.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Row {
    /// Its key in a scope.
    pub key: &'static str,
    /// What it asks, in one line.
    pub summary: &'static str,
    /// Which flows count, and what is to be known.
    pub detail: &'static str,
    /// What its value is about, within a sentence.
    pub subject: &'static str,
    /// How it is written.
    pub example: &'static str,
    /// What to do where it is broken.
    pub advice: &'static str,
    /// What it asks, for the judge.
    pub ask: Ask,
}

/// What a rule asks.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Ask {
    /// Nothing but these names.
    Allow(Names),
    /// None of these names.
    Forbid(Names),
    /// Nothing above this name in the order of its taxonomy.
    Worst(Names),
    /// No flow spends longer on it.
    Within(fn(&Verdict, Moment) -> Spent),
    /// No more flows than these are so.
    Share(fn(&Verdict, Confidence) -> bool),
    /// So many flows at least.
    MinFlows,
    /// So many flows at most.
    MaxFlows,
    /// So many TIME-WAITs of a host at once at most.
    Peak,
}

/// The names of a taxonomy that a flow can have.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Names {
    /// The taxonomy.
    pub group: Group,
    /// What is said of a flow.
    pub claims: fn(&Verdict) -> Claims,
    /// A flow has one of them at a time: where it is in doubt, it may be another one.
    pub exclusive: bool,
}

/// When a flow is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// How far the capture was read.
    pub now: Time,
    /// How long TIME-WAIT lasts, in nanoseconds.
    pub time_wait: i64,
}

const OUTCOMES: Names = Names {
    group: Group::Outcome,
    claims: claims::outcome,
    exclusive: true,
};
const CLOSERS: Names = Names {
    group: Group::ActiveCloser,
    claims: claims::closer,
    exclusive: true,
};
const CAUSES: Names = Names {
    group: Group::Cause,
    claims: claims::cause,
    exclusive: true,
};
const OWNERS: Names = Names {
    group: Group::Side,
    claims: claims::owners,
    exclusive: false,
};
const FINDINGS: Names = Names {
    group: Group::Finding,
    claims: claims::findings,
    exclusive: false,
};
const SEVERITIES: Names = Names {
    group: Group::Severity,
    claims: claims::severities,
    exclusive: false,
};

/// Every kind of rule.
pub const RULES: &[Row] = &[
    Row {
        key: "min-flows",
        summary: "so many flows at least",
        detail: "Fewer are not a broken rule: the capture could not be judged. 1 without this rule, so that \
                 an empty capture never passes; 0 lets a scope be empty, but not `all`.",
        subject: "flows",
        example: "min-flows = 10",
        advice: "Look whether the capture was taken at the right interface and port, and while the test ran.",
        ask: Ask::MinFlows,
    },
    Row {
        key: "max-flows",
        summary: "so many flows at most",
        detail: "More connections than that mean that they are not kept open as they were.",
        subject: "flows",
        example: "max-flows = 40",
        advice: "Look who closes first: connections that are not kept are opened again.",
        ask: Ask::MaxFlows,
    },
    Row {
        key: "max-indeterminate",
        summary: "so many flows at most of which too little is known",
        detail: "Counts flows with the outcome `indeterminate`, and those whose confidence is less than the \
                 rules ask for. As many flows may then be in doubt for each other rule of the scope; without \
                 this rule none may.",
        subject: "flows of which too little is known",
        example: "max-indeterminate = \"5%\"",
        advice: "Capture whole connections, both directions, from before the first SYN to after the last ACK.",
        ask: Ask::Share(claims::is_indeterminate),
    },
    Row {
        key: "allow-outcomes",
        summary: "no other outcomes than these",
        detail: "The outcome of a flow is in doubt if it is `indeterminate`, unless that is listed.",
        subject: "the outcome",
        example: "allow-outcomes = [\"graceful\", \"simultaneous\"]",
        advice: "`whoclosed explain --flow N` tells how the flow ended and why.",
        ask: Ask::Allow(OUTCOMES),
    },
    Row {
        key: "forbid-outcomes",
        summary: "none of these outcomes",
        detail: "The outcome of a flow is in doubt if it is `indeterminate`, unless that is listed.",
        subject: "the outcome",
        example: "forbid-outcomes = [\"aborted\", \"aborted-after-fin\"]",
        advice: "`whoclosed explain --flow N` tells how the flow ended and why.",
        ask: Ask::Forbid(OUTCOMES),
    },
    Row {
        key: "allow-closers",
        summary: "nobody else closes first",
        detail: "A flow without a FIN has the closer `none`, which is to be listed where it may be. It is in \
                 doubt if it is `unknown`, unless that is listed.",
        subject: "the active closer",
        example: "allow-closers = [\"client\", \"none\"]",
        advice: "Who closes first keeps TIME-WAIT. Compare the idle timeouts of both sides, and who asks for \
                 `Connection: close`.",
        ask: Ask::Allow(CLOSERS),
    },
    Row {
        key: "forbid-closers",
        summary: "none of these closes first",
        detail: "It is in doubt if it is `unknown`, unless that is listed.",
        subject: "the active closer",
        example: "forbid-closers = [\"server\"]",
        advice: "Who closes first keeps TIME-WAIT. Compare the idle timeouts of both sides, and who asks for \
                 `Connection: close`.",
        ask: Ask::Forbid(CLOSERS),
    },
    Row {
        key: "allow-causes",
        summary: "no abort for another reason than these",
        detail: "Flows that were not aborted comply. A cause is in doubt if it is `unknown`, unless that is \
                 listed.",
        subject: "the cause of an abort",
        example: "allow-causes = [\"refused\"]",
        advice: "`whoclosed terms NAME` tells what leads to it and what helps.",
        ask: Ask::Allow(CAUSES),
    },
    Row {
        key: "forbid-causes",
        summary: "no abort for one of these reasons",
        detail: "Flows that were not aborted comply. A cause is in doubt if it is `unknown`, unless that is \
                 listed.",
        subject: "the cause of an abort",
        example: "forbid-causes = [\"unread-data\", \"data-after-close\"]",
        advice: "`whoclosed terms NAME` tells what leads to it and what helps.",
        ask: Ask::Forbid(CAUSES),
    },
    Row {
        key: "max-certain-aborts",
        summary: "so many flows at most that a RST ended for certain",
        detail: "Counts the outcomes `aborted` and `aborted-after-fin` with the confidence `certain`; a refused \
                 connection was never open.",
        subject: "flows that a RST ended for certain",
        example: "max-certain-aborts = 0",
        advice: "`whoclosed explain --flow N` tells who sent the RST and why.",
        ask: Ask::Share(is_certain_abort),
    },
    Row {
        key: "forbid-findings",
        summary: "none of these findings",
        detail: "A flow counts once, however many of them it has.",
        subject: "a finding",
        example: "forbid-findings = [\"close-wait-leak\", \"keepalive-race\"]",
        advice: "`whoclosed terms NAME` tells what it means and what to do about it.",
        ask: Ask::Forbid(FINDINGS),
    },
    Row {
        key: "max-severity",
        summary: "no finding more urgent than this",
        detail: "The order is info, notice, warning.",
        subject: "the severity of a finding",
        example: "max-severity = \"notice\"",
        advice: "`whoclosed terms NAME` tells what it means and what to do about it.",
        ask: Ask::Worst(SEVERITIES),
    },
    Row {
        key: "allow-time-wait",
        summary: "nobody else owns TIME-WAITs",
        detail: "A TIME-WAIT that is less sure than the rules ask for is in doubt.",
        subject: "the owner of a TIME-WAIT",
        example: "allow-time-wait = [\"client\"]",
        advice: "The side that closes first owns TIME-WAIT: let the other one close first.",
        ask: Ask::Allow(OWNERS),
    },
    Row {
        key: "forbid-time-wait",
        summary: "none of these owns TIME-WAITs",
        detail: "A TIME-WAIT that is less sure than the rules ask for is in doubt.",
        subject: "the owner of a TIME-WAIT",
        example: "forbid-time-wait = [\"server\"]",
        advice: "The side that closes first owns TIME-WAIT: let the other one close first.",
        ask: Ask::Forbid(OWNERS),
    },
    Row {
        key: "max-time-wait-peak",
        summary: "so many TIME-WAITs of a host at once at most",
        detail: "Counts the flows of the scope. By the rules of TCP: how long each lasts is told by \
                 --time-wait.",
        subject: "TIME-WAITs of a host at once",
        example: "max-time-wait-peak = 1000",
        advice: "`whoclosed timewait` shows the curve; keep connections open, or let the other side close first.",
        ask: Ask::Peak,
    },
    Row {
        key: "max-close-wait",
        summary: "no side stays longer in CLOSE-WAIT",
        detail: "From the peer's FIN to the own one, as they passed the capture point. A side that is in \
                 CLOSE-WAIT when the capture ends, not yet too long, is in doubt.",
        subject: "CLOSE-WAIT",
        example: "max-close-wait = \"1s\"",
        advice: "The side in CLOSE-WAIT was told that its peer has closed: its application has to read the end \
                 of the stream, and close.",
        ask: Ask::Within(spent::close_wait),
    },
    Row {
        key: "max-close-time",
        summary: "no close takes longer",
        detail: "From the first FIN to the ACK of the second one, or to the RST that ended it. A close that is \
                 not over when the capture ends, not yet too long, is in doubt; a flow without FIN complies.",
        subject: "the close",
        example: "max-close-time = \"200ms\"",
        advice: "`whoclosed explain --flow N` shows which side was waited for.",
        ask: Ask::Within(spent::close_time),
    },
];

impl Ask {
    /// Where a rule is written as a table: the key of what it compares with.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Allow(_) | Self::Forbid(_) => "names",
            Self::Worst(_) => "name",
            Self::Within(_) => "duration",
            Self::Share(_) => "limit",
            Self::MinFlows | Self::MaxFlows | Self::Peak => "count",
        }
    }

    /// It is asked of each flow: some need not comply, and what counts is so sure.
    pub const fn is_of_each_flow(self) -> bool {
        matches!(
            self,
            Self::Allow(_) | Self::Forbid(_) | Self::Worst(_) | Self::Within(_)
        )
    }
}

impl Row {
    /// The keys of such a rule where it is written as a table.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        let besides = KEYS.iter().filter(|key| key.in_rule);
        let each = self.ask.is_of_each_flow();
        let besides = besides.filter(move |key| each || key.key == "why");
        [self.ask.field()]
            .into_iter()
            .chain(besides.map(|key| key.key))
    }

    /// How it is written as a table.
    pub fn long_example(&self) -> String {
        let (key, value) = self.example.split_once(" = ").unwrap_or_default();
        format!("{key} = {{ {} = {value} }}", self.ask.field())
    }
}

/// The kind of rule with this key.
pub fn find(key: &str) -> Option<&'static Row> {
    RULES.iter().find(|row| row.key == key)
}

fn is_certain_abort(verdict: &Verdict, _: Confidence) -> bool {
    let aborted = matches!(verdict.outcome, Outcome::Aborted | Outcome::AbortedAfterFin);
    aborted && verdict.confidence == Confidence::Certain
}
