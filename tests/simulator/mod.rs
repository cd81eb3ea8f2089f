//! Two conforming hosts, a bad network between them and a point of capture on it: what passes
//! there, and what the hosts really did.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::cast_possible_wrap,
    clippy::collapsible_match,
    clippy::cast_sign_loss,
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    reason = "a simulator: small numbers, calls of the socket API in prose, hosts with many traits; each user needs its own part"
)]

mod plan;
mod rng;
mod segment;
mod socket;
mod truth;
mod world;

pub(crate) use plan::Plan;
pub(crate) use rng::Rng;
pub(crate) use truth::false_claims;
pub(crate) use world::{Run, run};

/// Which records of a run a bad capture keeps.
pub(crate) fn view(run: &Run, rng: &mut Rng) -> Vec<usize> {
    let count = run.seen.len();
    let from = if rng.chance(400) {
        rng.below(count as u64)
    } else {
        0
    } as usize;
    let to = if rng.chance(250) {
        rng.below(count as u64) as usize
    } else {
        count - 1
    };
    let drop = rng.pick(&[0, 50, 200, 500]);
    let deaf = if rng.chance(80) {
        rng.below(2) as usize
    } else {
        2
    };
    let mut view: Vec<usize> = (from..=to.max(from)).collect();
    view.retain(|&at| !rng.chance(drop) && run.seen[at].1.from != deaf);
    view
}
