//! Flows in, verdicts out, one after another: some rest on what those before have shown.

use super::Options;
use super::input::place;
use crate::capture::Places;
use crate::close::community_id::CommunityId;
use crate::close::summary::Totals;
use crate::close::verdict::{Outcome, Tunnel, Verdict};
use crate::close::{Context, HostSeen, Hosts, Judge, OffClock};
use crate::flow::{ErrorTable, Flow, Why};
use crate::ledger::Ledger;
use crate::packet::Layers;
use crate::patterns::Patterns;
use crate::stamp::{Stamp, Time};
use std::sync::Arc;

/// How much of a capture was read when a verdict was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The earliest time of any record so far.
    pub began: Option<Time>,
    /// The latest.
    pub until: Time,
}

/// Is shown a verdict where it is made, and may take it.
pub(super) type See<'a> = &'a mut dyn FnMut(&mut Option<Verdict>, Extent);

/// Judges flows, and remembers what they show together.
pub(super) struct Bench {
    pub(super) ground: Ground,
    pub(super) sitting: Sitting,
}

/// Who judges, and what that changes.
pub(super) struct Sitting {
    judge: Judge,
    pub(super) noted: Noted,
}

/// What every verdict rests on besides its flow.
pub(super) struct Ground {
    pub(super) options: Options,
    pub(super) known: Known,
}

/// What the flows so far have shown together.
pub(super) struct Noted {
    /// Of a set: where its frames come from.
    places: Option<Places>,
    pub(super) totals: Totals,
    hosts: Hosts,
    pub(super) patterns: Patterns,
    pub(super) ledger: Option<Box<Ledger>>,
}

/// What that says of a flow: of most, nothing.
#[derive(Clone, Copy, Default)]
struct Shown {
    server: Option<HostSeen>,
    off_clock: Option<OffClock>,
}

/// What is known of the capture so far.
#[derive(Default)]
pub(super) struct Known {
    /// The earliest time of any record.
    pub(super) start: Option<Time>,
    /// The last record's place, with the latest time of any.
    pub(super) end: Stamp,
    /// It ended before it should.
    pub(super) cut: bool,
    /// The interfaces' clocks differ.
    pub(super) clocks_differ: bool,
    /// Records are missing: the frames that follow the first and the last such place.
    pub(super) torn: Option<[u64; 2]>,
    /// What ICMP says of segments.
    pub(super) errors: ErrorTable,
    /// The networks that have numbers, from 1.
    pub(super) domains: Vec<Layers>,
}

impl Bench {
    pub(super) fn new(options: &Options, places: Option<Places>) -> Self {
        let ledger = options.ledger;
        let ledger = ledger.map(|how| Box::new(Ledger::new(options.time_wait, how)));
        let ground = Ground {
            options: options.clone(),
            known: Known::default(),
        };
        let noted = Noted {
            places,
            totals: Totals::default(),
            hosts: Hosts::default(),
            patterns: Patterns::new(options.diagnosis),
            ledger,
        };
        let judge = ground.judge();
        Self {
            ground,
            sitting: Sitting { judge, noted },
        }
    }

    /// Shows the verdict of a flow that is due, if nothing more can belong to that; says then whether
    /// the connection is over.
    pub(super) fn judge(&mut self, flow: &Flow, why: Why, see: See<'_>) -> Option<bool> {
        let Self { ground, sitting } = self;
        let shown = sitting.noted.shown(flow);
        let context = ground.context(flow, why, shown);
        sitting.judge(ground, (flow, why), &context, see)
    }
}

impl Sitting {
    fn judge(
        &mut self,
        ground: &Ground,
        (flow, why): (&Flow, Why),
        context: &Context,
        see: See<'_>,
    ) -> Option<bool> {
        let (noted, mut settled) = (&mut self.noted, None);
        self.judge.show(flow, context, &mut |judged| {
            settled = noted.take_in(ground, (flow, why), judged, see);
        });
        settled
    }

    /// Shows the verdict of a flow that was left at the end: its draft, if nothing was shown of it.
    pub(super) fn judge_drafted(
        &mut self,
        ground: &Ground,
        flow: &Flow,
        draft: &mut Option<Verdict>,
        see: See<'_>,
    ) {
        let (due, shown) = ((flow, Why::End), self.noted.shown(flow));
        if shown.is_nothing() {
            self.noted.take_in(ground, due, draft, see);
        } else {
            let context = ground.context(flow, Why::End, shown);
            self.judge(ground, due, &context, see);
        }
    }
}

impl Ground {
    /// A judge, of whom there may be several.
    pub(super) fn judge(&self) -> Judge {
        Judge::new(Arc::clone(&self.options.source))
    }

    /// Makes `draft` the verdict of a flow that is left at the end, as it is if those before have shown
    /// nothing of it.
    pub(super) fn draft(&self, judge: &mut Judge, flow: &Flow, draft: &mut Option<Verdict>) {
        let context = self.context(flow, Why::End, Shown::default());
        judge.show(flow, &context, &mut |judged| std::mem::swap(judged, draft));
    }

    fn context(&self, flow: &Flow, why: Why, shown: Shown) -> Context {
        let (options, known) = (&self.options, &self.known);
        let mut context = Context {
            time_wait: options.time_wait,
            close_wait: options.close_wait,
            states: options.asks_when(),
            reasons: options.asks_why(),
            end: known.end,
            cut: known.cut,
            evicted: why == Why::Evicted,
            torn: known.torn,
            clocks_differ: known.clocks_differ,
            off_clock: shown.off_clock,
            server: None,
            errors: None,
        };
        // Few flows have any, and what is there of none would be copied.
        if let Some(server) = shown.server {
            context.server = Some(server);
        }
        if let Some(errors) = known.errors.of(&flow.key) {
            context.errors = Some(errors);
        }
        context
    }
}

impl Noted {
    fn shown(&mut self, flow: &Flow) -> Shown {
        Shown {
            off_clock: self.patterns.off_clock(flow),
            server: self.hosts.server_of(flow),
        }
    }

    /// Remembers what a verdict shows, and shows it, if nothing more can belong to its flow; says then
    /// whether the connection is over.
    fn take_in(
        &mut self,
        ground: &Ground,
        (flow, why): (&Flow, Why),
        judged: &mut Option<Verdict>,
        see: See<'_>,
    ) -> Option<bool> {
        let (known, verdict) = (&ground.known, judged.as_mut()?);
        let is_over = is_settled(verdict);
        if why == Why::Quiet && !is_over {
            return None;
        }
        self.hosts.see(flow);
        self.patterns.see(flow, verdict);
        if flow.key.domain != 0 {
            name_network(verdict, known.layers(flow.key.domain));
        }
        if ground.options.community_id {
            verdict.community_id = Some(CommunityId::of(verdict.client, verdict.server));
        }
        if known.start.is_none() {
            verdict.forget_times();
        }
        if let Some(places) = &self.places {
            place(verdict, places);
        }
        if let Some(ledger) = &mut self.ledger {
            ledger.see(flow, verdict);
        }
        self.totals.add(verdict);
        see(judged, known.extent());
        Some(is_over)
    }
}

impl Shown {
    const fn is_nothing(self) -> bool {
        self.server.is_none() && self.off_clock.is_none()
    }
}

impl Known {
    pub(super) const fn extent(&self) -> Extent {
        Extent {
            began: self.start,
            until: self.end.time,
        }
    }

    /// The VLANs and tunnels of the network that has this number.
    fn layers(&self, number: u16) -> Option<&Layers> {
        self.domains.get(usize::from(number).checked_sub(1)?)
    }
}

/// Nothing more was to come. Where FINs crossed and one was not acknowledged, that ACK may come when
/// the network is back, minutes later (RFC 9293 section 3.8.1), and a TIME-WAIT begins with it.
fn is_settled(verdict: &Verdict) -> bool {
    let closing = verdict.outcome == Outcome::Simultaneous && verdict.time_wait.len() < 2;
    verdict.outcome.is_over() && !closing
}

/// Says by which VLANs and tunnels a flow is kept apart.
fn name_network(verdict: &mut Verdict, layers: Option<&Layers>) {
    let Some(layers) = layers else { return };
    let vlan: Vec<u16> = layers.vlans().collect();
    let tunnel = layers.tunnels().map(|tunnel| Tunnel {
        kind: tunnel.kind.name().to_owned(),
        id: tunnel.id,
    });
    let tunnel: Vec<Tunnel> = tunnel.collect();
    verdict.vlan = Some(vlan).filter(|vlan| !vlan.is_empty());
    verdict.tunnel = Some(tunnel).filter(|tunnel| !tunnel.is_empty());
}
