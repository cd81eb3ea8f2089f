//! The judgement: facts in, verdict out. Pure, total, once per flow.

use crate::close::case::Case;
use crate::close::dwell;
use crate::close::events::{list_events, listed_resets};
use crate::close::facts::{Context, Facts};
use crate::close::filter::WiresharkFilter;
use crate::close::final_state::final_states;
use crate::close::finding::findings;
use crate::close::reason::reason;
use crate::close::said;
use crate::close::verdict::{CloseEntries, Finding, Letters, PerSide, Side, Verdict, Zeek};
use crate::close::zeek::{conn_state, history};
use crate::flow::{Flow, Half, Seen};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::mem::take;
use std::sync::Arc;

/// Version of the report's format.
pub const SCHEMA: u32 = 1;

/// Judges one flow of the capture named `source`.
pub fn judge(flow: &Flow, context: Context, source: &Arc<str>) -> Verdict {
    examine(flow, &context, |case| {
        let mut verdict = verdict(case, Arc::clone(source), Vec::new());
        if context.reasons {
            tell(case, &mut verdict);
        }
        verdict
    })
}

/// Judges the flows of a capture one after another.
pub(crate) struct Judge {
    source: Arc<str>,
    spare: Spare,
}

/// What is used again of the last verdict.
#[derive(Default)]
struct Spare {
    /// The capture's name: to share it with one more takes atomic counts.
    source: Option<Arc<str>>,
    /// Room for a reason and for findings.
    reason: String,
    findings: Vec<Finding>,
}

impl Judge {
    pub(crate) fn new(source: Arc<str>) -> Self {
        let spare = Spare::default();
        Self { source, spare }
    }

    /// As [`judge`], but shows the verdict where it is made: it is large, and to hand it on is to copy
    /// it. Who wants it may take it.
    pub(crate) fn show(
        &mut self,
        flow: &Flow,
        context: &Context,
        see: &mut dyn FnMut(&mut Option<Verdict>),
    ) {
        examine(flow, context, |case| {
            let spare = take(&mut self.spare);
            case.spare.set(spare.reason);
            let source = spare.source.unwrap_or_else(|| Arc::clone(&self.source));
            let mut verdict = Some(verdict(case, source, spare.findings));
            if let Some(verdict) = verdict.as_mut().filter(|_| context.reasons) {
                tell(case, verdict);
            }
            see(&mut verdict);
            // Taken apart: the whole would be moved.
            if let Some(Verdict {
                source,
                reason,
                mut findings,
                ..
            }) = verdict
            {
                findings.clear();
                self.spare = Spare {
                    source: Some(source).filter(|name| Arc::ptr_eq(name, &self.source)),
                    reason,
                    findings,
                };
            }
        });
    }
}

/// What `see` makes of the case that a flow is.
#[inline]
fn examine<T>(flow: &Flow, context: &Context, see: impl FnOnce(&mut Case) -> T) -> T {
    let log = own_log(flow);
    let mut facts = Facts::new(flow, &log, context);
    facts.look_through();
    let mut case = Case::new(&facts);
    case.conclude();
    see(&mut case)
}

/// The verdict on a case, without what is told of it. `room`: for the findings.
#[expect(
    clippy::inline_always,
    reason = "a verdict is large: it is made where its caller has it"
)]
#[inline(always)]
fn verdict(case: &mut Case, source: Arc<str>, room: Vec<Finding>) -> Verdict {
    let (facts, flow) = (case.facts, case.facts.flow);
    let (client, server) = (facts.endpoint(Side::Client), facts.endpoint(Side::Server));
    let per_side = |of: fn(&Half) -> u64| PerSide {
        client: of(facts.half(Side::Client)),
        server: of(facts.half(Side::Server)),
    };
    let abort = case.abort.as_ref();
    let frames = flow.frames();
    Verdict {
        schema: SCHEMA,
        flow: flow.number,
        source,
        client,
        server,
        roles_from: facts.roles_from,
        start: Some(flow.first.time),
        end: Some(flow.last.time),
        first_frame: frames[0],
        last_frame: frames[1],
        packets: per_side(|h| h.packets),
        payload_bytes: per_side(|h| h.payload),
        outcome: case.outcome,
        active_closer: case.closer.who,
        aborted_by: abort.map(|a| a.by),
        abort_cause: abort.map(|a| a.cause),
        cause_confidence: abort.map(|a| a.cause_confidence),
        cause_alternatives: abort.map_or_else(SmallVec::new, |a| a.alternatives.into()),
        final_ack: case.last_ack.value,
        confidence: case.confidence(),
        reason: String::new(),
        final_states: final_states(case),
        states: None,
        close: CloseEntries::new(),
        resets: listed_resets(case),
        findings: findings(case, room),
        in_flight: None,
        application: None,
        previous_flow: flow.previous.as_ref().map(|p| p.flow),
        silence: case.silence,
        vlan: None,
        tunnel: None,
        wireshark_filter: WiresharkFilter {
            addrs: [client.addr, server.addr],
            ports: [client.port, server.port],
            frames,
        },
        zeek: Zeek {
            conn_state: conn_state(case),
            history: Letters::default(),
        },
        time_wait: take(&mut case.time_wait),
        files: None,
        community_id: None,
    }
}

/// Why it is so, for who asks: in words, by the events of the close and, as far as anybody asks for
/// those, by the states between them.
fn tell(case: &Case, verdict: &mut Verdict) {
    let facts = case.facts;
    verdict.reason = reason(case);
    verdict.zeek.history = history(facts);
    verdict.in_flight = said::in_flight(facts).map(Box::new);
    verdict.application = said::application(facts).map(Box::new);
    list_events(facts, &verdict.time_wait, &mut verdict.close);
    if facts.context.states {
        dwell::tell(facts, verdict);
    }
}

/// The segments kept of the connection: with an older connection's numbers come no facts of it.
fn own_log(flow: &Flow) -> Cow<'_, [Seen]> {
    let log = flow.log.in_order();
    if flow.old_ack().is_none() {
        return log;
    }
    let own = log.iter().filter(|seen| !flow.is_old_ack(seen));
    own.copied().collect()
}
