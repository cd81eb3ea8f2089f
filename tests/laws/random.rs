//! Random connections between two conforming hosts over a bad network, captured badly: nothing that
//! is called `certain` may be false.
//!
//! `WHOCLOSED_RANDOM=RUNS[,FIRST_SEED]` tries more of them.

#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::format_push_string,
    clippy::print_stderr,
    clippy::cast_sign_loss,
    reason = "small numbers, and what was found goes to the terminal"
)]

use crate::simulator::{Plan, Rng, Run, false_claims, run, view};
use crate::support;
use crate::support::wrap::{self, PLAIN, Packet};
use whoclosed::close::verdict::Confidence;

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
    let mut rng = Rng::new(seed);
    let plan = Plan::draw(&mut rng);
    let run = run(&plan, rng.clone());
    let packets: Vec<Packet> = run.seen.iter().map(|(at, seg)| seg.packet(*at)).collect();
    let (mut lines, mut claims) = (Vec::new(), 0);
    for view in views(&run, &mut rng) {
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
fn views(run: &Run, rng: &mut Rng) -> Vec<Vec<usize>> {
    let mut views = vec![(0..run.seen.len()).collect::<Vec<usize>>()];
    while !run.seen.is_empty() && views.len() < VIEWS {
        views.push(view(run, rng));
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
        let frames = verdict.first_frame as usize - 1..verdict.last_frame as usize;
        found.extend(false_claims(&verdict, run, &view[frames]));
    }
    (found, certain)
}
