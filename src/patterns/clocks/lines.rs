//! SYNs sorted by the clocks that they show.

use super::{RATES, Syn, ticks};
use crate::seq::TsVal;
use crate::stamp::{SECOND, Time};

/// SYNs of one clock.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// The first flow first.
    pub(super) syns: Vec<Syn>,
    /// Ticks a second; unknown where another rate would do as well.
    pub(super) rate: Option<u32>,
    /// What it showed at the time asked for.
    pub(super) offset: TsVal,
}

/// A line of some rate: how well SYNs lie on it.
struct Fit {
    /// Their places among those that are left.
    places: Vec<usize>,
    /// Different pairs of ports.
    ports: usize,
    /// Between the first and the last offset, in nanoseconds.
    spread: i64,
    rate: u32,
    offset: TsVal,
}

/// The lines that SYNs of two or more connections lie on, as seen at `origin`, and the rest.
pub(super) fn sort(syns: &[Syn], origin: Time) -> (Vec<Line>, Vec<Syn>) {
    let mut rest = syns.to_vec();
    rest.sort_unstable_by_key(|syn| syn.flow);
    let mut lines = Vec::new();
    while let Some(fit) = best(&rest, origin) {
        let rate = is_plain(&fit, &rest, origin).then_some(fit.rate);
        let (mut on, mut off) = (Vec::new(), Vec::new());
        for (place, syn) in rest.iter().enumerate() {
            let of = if fit.places.contains(&place) {
                &mut on
            } else {
                &mut off
            };
            of.push(*syn);
        }
        lines.push(Line {
            syns: on,
            rate,
            offset: fit.offset,
        });
        rest = off;
    }
    lines.sort_by_key(|line| line.syns.first().map(|syn| syn.flow));
    (lines, rest)
}

/// The line of most connections; among equals the straightest.
fn best(syns: &[Syn], origin: Time) -> Option<Fit> {
    let fits = RATES.iter().filter_map(|&rate| fit(syns, origin, rate));
    let fits = fits.filter(|fit| fit.ports > 1);
    fits.min_by_key(|fit| (std::cmp::Reverse(fit.ports), fit.spread))
}

/// The line of most connections at a rate: offsets within a second.
fn fit(syns: &[Syn], origin: Time, rate: u32) -> Option<Fit> {
    let offset = |syn: &Syn| offset(syn, origin, rate);
    let mut order: Vec<(u32, usize)> = syns.iter().map(offset).map(|o| o.0).zip(0..).collect();
    order.sort_unstable();
    // Around the circle: the lowest offsets follow the highest.
    let around = order.iter().chain(&order).copied();
    let around: Vec<(u32, usize)> = around.collect();
    let from = |start: usize| {
        let rest = around.get(start..start + order.len()).unwrap_or_default();
        let (first, _) = *rest.first()?;
        let near = rest
            .iter()
            .take_while(|(o, _)| o.wrapping_sub(first) <= rate);
        let near: Vec<(u32, usize)> = near.copied().collect();
        let (last, _) = *near.last()?;
        let places: Vec<usize> = near.into_iter().map(|(_, place)| place).collect();
        Some(Fit {
            ports: distinct(syns, &places),
            places,
            spread: i64::from(last.wrapping_sub(first)) * SECOND / i64::from(rate),
            rate,
            offset: TsVal(first),
        })
    };
    let fits = (0..order.len()).filter_map(from);
    fits.min_by_key(|fit| (std::cmp::Reverse(fit.ports), fit.spread))
}

/// What the clock of a SYN showed at `origin`.
fn offset(syn: &Syn, origin: Time, rate: u32) -> TsVal {
    syn.tsval.minus(ticks(syn.time.since(origin), rate))
}

/// Different pairs of ports: the same one again has the same offset even where each connection has
/// its own.
fn distinct(syns: &[Syn], places: &[usize]) -> usize {
    let syns = places.iter().filter_map(|&place| syns.get(place));
    let mut ports: Vec<[u16; 2]> = syns.map(|syn| syn.ports).collect();
    ports.sort_unstable();
    ports.dedup();
    ports.len()
}

/// No other rate fits nearly as well.
fn is_plain(fit: &Fit, syns: &[Syn], origin: Time) -> bool {
    let on: Vec<Syn> = fit
        .places
        .iter()
        .filter_map(|&p| syns.get(p))
        .copied()
        .collect();
    let others = RATES.iter().filter(|&&rate| rate != fit.rate);
    let mut spreads = others.map(|&rate| {
        let offsets = on.iter().map(|syn| offset(syn, origin, rate));
        let first = on.first().map_or(TsVal(0), |syn| offset(syn, origin, rate));
        let (low, high) = offsets.fold((0, 0), |(low, high), o| {
            let step = i64::from(o.since(first));
            (step.min(low), step.max(high))
        });
        (high - low) * SECOND / i64::from(rate)
    });
    let enough = (fit.spread * 5).max(SECOND / 20);
    spreads.all(|spread| spread > enough)
}
