//! A flow as the page's script finds it.

use crate::close::verdict::{
    AbortCause, AbortedBy, ActiveCloser, Application, Confidence, Dwells, FinalAck, Finding,
    InFlight, Outcome, PerSide, Side, State, TimeWaits, Verdict,
};
use crate::report::explain::ladder::{Row, rows};
use crate::report::network::network;
use crate::report::text::{style, time_wait};
use crate::report::time::seconds;
use crate::stamp::Time;
use serde::Serialize;
use std::io;

/// What the page tells of a flow: names and values of the JSON report, and what is made for the page.
#[derive(Serialize)]
struct Shown<'a> {
    flow: u64,
    start: Option<Time>,
    client: String,
    server: String,
    network: Option<String>,
    outcome: Outcome,
    confidence: Confidence,
    active_closer: ActiveCloser,
    aborted_by: Option<AbortedBy>,
    abort_cause: Option<AbortCause>,
    final_ack: FinalAck,
    reason: &'a str,
    time_wait: &'a TimeWaits,
    findings: &'a [Finding],
    in_flight: Option<&'a InFlight>,
    application: Option<&'a Application>,
    wireshark_filter: String,
    final_states: PerSide<State>,
    /// The class of its outcome.
    look: &'static str,
    /// Its TIME-WAITs as a cell of a table.
    waits: String,
    bars: Option<PerSide<Vec<Bar>>>,
    ladder: Vec<Step>,
}

/// A state of one side, from and to so many nanoseconds after the flow's start.
type Bar = (State, Option<i64>, Option<i64>);

/// A line of the ladder: frame, seconds after the flow's start, sender, label, class, and the states of
/// client and server.
type Step = (
    Option<u64>,
    Option<String>,
    Option<Side>,
    String,
    &'static str,
    State,
    State,
);

/// A flow in JSON, fit for a script element: no `<` that could end it.
pub(super) fn json(verdict: &Verdict) -> io::Result<String> {
    let shown = Shown {
        flow: verdict.flow,
        start: verdict.start,
        client: verdict.client.to_string(),
        server: verdict.server.to_string(),
        network: network(verdict),
        outcome: verdict.outcome,
        confidence: verdict.confidence,
        active_closer: verdict.active_closer,
        aborted_by: verdict.aborted_by,
        abort_cause: verdict.abort_cause,
        final_ack: verdict.final_ack,
        reason: &verdict.reason,
        time_wait: &verdict.time_wait,
        findings: &verdict.findings,
        in_flight: verdict.in_flight.as_deref(),
        application: verdict.application.as_deref(),
        wireshark_filter: verdict.wireshark_filter.to_string(),
        final_states: verdict.final_states,
        look: super::class(style(verdict.outcome)),
        waits: time_wait(&verdict.time_wait).text,
        bars: bars(verdict),
        ladder: rows(verdict)
            .into_iter()
            .map(|row| step(row, verdict.start))
            .collect(),
    };
    // Outside of texts JSON has none.
    Ok(serde_json::to_string(&shown)?.replace('<', "\\u003c"))
}

fn bars(verdict: &Verdict) -> Option<PerSide<Vec<Bar>>> {
    let (states, start) = (verdict.states.as_ref()?, verdict.start?);
    let after = |time: Option<Time>| time.map(|time| time.since(start));
    let of = |dwells: &Dwells| {
        let dwells = dwells.iter();
        let bars = dwells.map(|dwell| (dwell.state, after(dwell.from), after(dwell.to)));
        bars.collect()
    };
    Some(PerSide {
        client: of(&states.client),
        server: of(&states.server),
    })
}

fn step(row: Row, start: Option<Time>) -> Step {
    let time = row.time.zip(start);
    let time = time.map(|(time, start)| seconds(time.since(start), 6));
    let look = super::class(row.style);
    let PerSide { client, server } = row.states;
    (row.frame, time, row.from, row.label, look, client, server)
}
