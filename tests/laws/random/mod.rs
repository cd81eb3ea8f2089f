//! Random connections between two conforming hosts over a bad network, captured badly: nothing that
//! is called `certain` may be false.
//!
//! `WHOCLOSED_RANDOM=RUNS[,FIRST_SEED]` tries more of them.

#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::collapsible_match,
    clippy::format_push_string,
    clippy::print_stderr,
    clippy::cast_sign_loss,
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    reason = "a simulator: small numbers, calls of the socket API in prose, and hosts with many traits"
)]

mod plan;
mod rng;
mod segment;
mod socket;
mod world;

use crate::support;
use crate::support::wrap::{self, PLAIN, Packet};
use plan::Plan;
use rng::Rng;
use whoclosed::close::verdict::{
    AbortedBy, ActiveCloser, Confidence, EndedBy, Outcome, Side, Verdict,
};
use world::{Deeds, Run, Truth};

const RUNS: u64 = 1500;
/// Captures of each run, the whole one among them.
const VIEWS: usize = 14;

#[test]
fn nothing_certain_is_false() {
    let (runs, first) = asked();
    let seeds: Vec<u64> = (first..first + runs).collect();
    let found = support::on_two_threads(&seeds, |&seed| contradictions(seed));
    let claims: u64 = found.iter().map(|f| f.1).sum();
    let lines: Vec<String> = found.into_iter().flat_map(|f| f.0).collect();
    eprintln!("{claims} certain verdicts");
    assert!(claims > runs, "only {claims} certain verdicts");
    support::report("certain and false", &lines);
}

fn asked() -> (u64, u64) {
    let Ok(text) = std::env::var("WHOCLOSED_RANDOM") else {
        return (RUNS, 0);
    };
    let (runs, first) = text.split_once(',').unwrap_or((&text, "0"));
    let number = |text: &str| text.parse().expect("a number");
    (number(runs), number(first))
}

/// The false claims of one run, and how many verdicts were certain.
fn contradictions(seed: u64) -> (Vec<String>, u64) {
    let mut rng = Rng(seed);
    let plan = Plan::draw(&mut rng);
    let run = world::run(&plan, rng.clone());
    let packets: Vec<Packet> = run.seen.iter().map(|(at, seg)| seg.packet(*at)).collect();
    let (mut lines, mut claims) = (Vec::new(), 0);
    for view in views(run.seen.len(), &mut rng, &run) {
        let (found, certain) = judged(&run, &packets, &view);
        claims += certain;
        let Some(what) = found.first() else { continue };
        let view = shrunk(&run, &packets, view, what);
        lines.push(shown(seed, &run, &view, what, &plan));
        break; // one for each seed
    }
    (lines, claims)
}

/// Drops what is not needed for the same false claim.
fn shrunk(run: &Run, packets: &[Packet], mut view: Vec<usize>, what: &str) -> Vec<usize> {
    let mut at = view.len();
    while at > 0 {
        at -= 1;
        let mut less = view.clone();
        less.remove(at);
        if judged(run, packets, &less).0.iter().any(|w| w == what) {
            view = less;
        }
    }
    view
}

fn shown(seed: u64, run: &Run, view: &[usize], what: &str, plan: &Plan) -> String {
    let mut text = format!("seed {seed}: {what}\n");
    let begin = run.seen.first().map_or(0, |s| s.0);
    for (at, (time, seg)) in run.seen.iter().enumerate() {
        let kept = if view.contains(&at) { '*' } else { ' ' };
        let seconds = (time - begin) as f64 / 1e9;
        text += &format!("{kept} {seconds:.6} {}\n", seg.text());
    }
    for (inc, truth) in run.truth.iter().enumerate() {
        text += &format!("#{inc} client {:?}\n   server {:?}\n", truth[0], truth[1]);
    }
    text + &format!("{plan:?}\n")
}

/// Which records are kept.
fn views(count: usize, rng: &mut Rng, run: &Run) -> Vec<Vec<usize>> {
    let mut views = vec![(0..count).collect::<Vec<usize>>()];
    if count == 0 {
        return views;
    }
    while views.len() < VIEWS {
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
        views.push(view);
    }
    views
}

/// What is certain and false in a view, and how many verdicts are certain.
fn judged(run: &Run, packets: &[Packet], view: &[usize]) -> (Vec<String>, u64) {
    if view.is_empty() {
        return (Vec::new(), 0);
    }
    let kept: Vec<Packet> = view.iter().map(|&at| packets[at].clone()).collect();
    let (mut found, mut certain) = (Vec::new(), 0);
    for verdict in support::verdicts(&wrap::write(&kept, PLAIN)) {
        certain += u64::from(verdict.confidence == Confidence::Certain);
        // Of the connection before, a stray SYN or RST may be all that is left: what is said must
        // hold for one of those that the flow's frames are of.
        let frames = verdict.first_frame as usize - 1..verdict.last_frame as usize;
        let mut incs: Vec<usize> = frames.map(|n| run.seen[view[n]].1.inc).collect();
        incs.sort_unstable();
        incs.dedup();
        let false_of = incs
            .iter()
            .map(|&inc| falsehoods(&verdict, &run.truth[inc]));
        found.extend(false_of.min_by_key(Vec::len).unwrap_or_default());
    }
    (found, certain)
}

fn falsehoods(verdict: &Verdict, truth: &Truth) -> Vec<String> {
    // The sides in the verdict may be the other way round.
    let client = usize::from(verdict.client.port != 40000);
    let of = |side: Side| match side {
        Side::Client => &truth[client],
        _ => &truth[1 - client],
    };
    let mut found = Vec::new();
    if verdict.confidence == Confidence::Certain {
        let (a, b) = (of(Side::Client), of(Side::Server));
        if !outcome_holds(verdict.outcome, a, b) {
            found.push(format!("outcome {}", verdict.outcome));
        }
        if !closer_holds(verdict, a, b) {
            found.push(format!("active_closer {}", verdict.active_closer));
        }
        if !aborter_holds(verdict.aborted_by, verdict.outcome, a, b) {
            found.push(format!("aborted_by {:?}", verdict.aborted_by));
        }
    }
    for entry in &verdict.time_wait {
        let sure = entry.confidence == Confidence::Certain && entry.ended_by != EndedBy::Gone;
        if sure && !of(entry.owner).time_wait {
            found.push(format!("time_wait {}", entry.owner));
        }
    }
    found
}

fn outcome_holds(outcome: Outcome, a: &Deeds, b: &Deeds) -> bool {
    let closed = a.fin_received && b.fin_received;
    let silent_abort = |d: &Deeds| d.aborted && !d.fin_before_abort && !d.peer_fin_before_abort;
    match outcome {
        Outcome::Graceful => closed && a.active != b.active,
        Outcome::Simultaneous => closed && a.active && b.active,
        Outcome::Aborted => silent_abort(a) || silent_abort(b),
        Outcome::AbortedAfterFin => (a.aborted || b.aborted) && (a.fin_sent || b.fin_sent),
        Outcome::Refused => a.refused || b.refused,
        _ => false,
    }
}

fn closer_holds(verdict: &Verdict, a: &Deeds, b: &Deeds) -> bool {
    match verdict.active_closer {
        ActiveCloser::Client => a.active && !b.active,
        ActiveCloser::Server => b.active && !a.active,
        ActiveCloser::Both => a.active && b.active,
        // A FIN may cross the RST.
        ActiveCloser::None => verdict.aborted_by.is_some(),
        _ => false,
    }
}

fn aborter_holds(by: Option<AbortedBy>, outcome: Outcome, a: &Deeds, b: &Deeds) -> bool {
    let refused = |d: &Deeds| outcome == Outcome::Refused && d.refused;
    match by {
        None => true,
        Some(AbortedBy::Client) => a.aborted || refused(a),
        Some(AbortedBy::Server) => b.aborted || refused(b),
        Some(AbortedBy::Both) => a.aborted && b.aborted,
        _ => false,
    }
}
