//! Flows in, verdicts out, one after another: some rest on what those before have shown.

use super::Options;
use super::input::place;
use crate::capture::Places;
use crate::close::community_id::CommunityId;
use crate::close::summary::Totals;
use crate::close::verdict::{Outcome, Tunnel, Verdict};
use crate::close::{Context, Hosts, Judge};
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
    pub(super) options: Options,
    pub(super) known: Known,
    /// Of a set: where its frames come from.
    places: Option<Places>,
    judge: Judge,
    pub(super) totals: Totals,
    hosts: Hosts,
    pub(super) patterns: Patterns,
    pub(super) ledger: Option<Box<Ledger>>,
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
        Self {
            options: options.clone(),
            known: Known::default(),
            places,
            judge: Judge::new(Arc::clone(&options.source)),
            totals: Totals::default(),
            hosts: Hosts::default(),
            patterns: Patterns::new(options.diagnosis),
            ledger,
        }
    }

    /// Shows the verdict of a flow that is due, if nothing more can belong to that; says then whether
    /// the connection is over.
    pub(super) fn judge(&mut self, flow: &Flow, why: Why, see: See<'_>) -> Option<bool> {
        let known = &self.known;
        let mut context = Context {
            time_wait: self.options.time_wait,
            close_wait: self.options.close_wait,
            states: self.options.asks_when(),
            reasons: self.options.asks_why(),
            end: known.end,
            cut: known.cut,
            evicted: why == Why::Evicted,
            torn: known.torn,
            clocks_differ: known.clocks_differ,
            off_clock: self.patterns.off_clock(flow),
            server: None,
            errors: None,
        };
        // Few flows have any, and what is there of none would be copied.
        if let Some(server) = self.hosts.server_of(flow) {
            context.server = Some(server);
        }
        if let Some(errors) = known.errors.of(&flow.key) {
            context.errors = Some(errors);
        }
        let mut settled = None;
        self.judge.show(flow, &context, &mut |judged| {
            let Some(verdict) = judged else { return };
            let is_over = is_settled(verdict);
            if why == Why::Quiet && !is_over {
                return;
            }
            self.hosts.see(flow);
            self.patterns.see(flow, verdict);
            if flow.key.domain != 0 {
                name_network(verdict, known.layers(flow.key.domain));
            }
            if self.options.community_id {
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
            settled = Some(is_over);
            see(judged, known.extent());
        });
        settled
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
