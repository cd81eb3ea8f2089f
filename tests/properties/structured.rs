//! Two simulated connections, captured badly, analyzed within limits: nothing certain is false.
//!
//! The bytes are what the simulation draws from: 40 for each plan, 8 for each view, 4 for the
//! options, the rest for what happens on the way.

use crate::simulator::{Plan, Rng, Run, false_claims, run, view};
use crate::support::transform::in_network;
use crate::support::wrap::{self, PLAIN, Packet};
use std::net::IpAddr;
use whoclosed::close::verdict::Verdict;
use whoclosed::flow::Limits;
use whoclosed::{Options, analyze};

/// Told apart by their addresses.
const NETWORKS: u8 = 2;

pub(crate) fn structured(input: &[u8]) {
    let mut drawn = Drawn(input);
    let options = options(drawn.take(4));
    let views = [drawn.rng(8), drawn.rng(8)];
    let plans = [drawn.rng(40), drawn.rng(40)];
    let way = drawn.0.len() / 2;
    let runs = plans.map(|mut rng| run(&Plan::draw(&mut rng), drawn.rng(way)));

    let whole = runs.each_ref().map(|run| (0..run.seen.len()).collect());
    let mut at = 0;
    let part = views.map(|mut rng| {
        let run = &runs[at];
        at += 1;
        if run.seen.is_empty() {
            return Vec::new();
        }
        view(run, &mut rng)
    });
    for kept in [whole, part] {
        let capture = Capture::new(&runs, &kept);
        for verdict in capture.verdicts(&options) {
            let found = capture.false_claims(&verdict);
            assert!(
                found.is_empty(),
                "{found:?} {verdict:#?}\n{}",
                capture.text()
            );
        }
    }
}

/// What is left of the input.
struct Drawn<'a>(&'a [u8]);

impl<'a> Drawn<'a> {
    fn take(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Draws from so many bytes, then from what they seed.
    fn rng(&mut self, most: usize) -> Rng {
        let bytes = self.take(most);
        let seed = bytes.iter().fold(most as u64, |seed, byte| {
            seed.wrapping_mul(0x100_0000_01b3) ^ u64::from(*byte)
        });
        Rng::with_bytes(seed, bytes.to_vec())
    }
}

fn options(drawn: &[u8]) -> Options {
    let mut options = Options::default();
    if let [flags, flows, half_open, _] = *drawn {
        options.live = flags & 1 != 0;
        if flags & 6 == 6 {
            options.limits = Limits {
                flows: usize::from(flows % 4),
                half_open: usize::from(half_open % 4),
            };
        }
    }
    options
}

/// A capture of both runs.
struct Capture<'a> {
    runs: &'a [Run; 2],
    /// Network, and number of the record in its run, of every frame.
    frames: Vec<(u8, usize)>,
    packets: Vec<Packet>,
}

impl<'a> Capture<'a> {
    fn new(runs: &'a [Run; 2], kept: &[Vec<usize>; 2]) -> Self {
        let mut all = Vec::new();
        for (network, (run, kept)) in (0..NETWORKS).zip(runs.iter().zip(kept)) {
            let packets = kept.iter().map(|&at| run.seen[at].1.packet(run.seen[at].0));
            let packets = in_network(&packets.collect::<Vec<_>>(), network);
            all.extend(kept.iter().zip(packets).map(|(at, p)| ((network, *at), p)));
        }
        all.sort_by_key(|(_, packet)| packet.time);
        let (frames, packets) = all.into_iter().unzip();
        Self {
            runs,
            frames,
            packets,
        }
    }

    fn verdicts(&self, options: &Options) -> Vec<Verdict> {
        let capture = wrap::write(&self.packets, PLAIN);
        let verdicts = analyze(&capture[..], options).expect("a capture");
        verdicts.collect()
    }

    fn false_claims(&self, verdict: &Verdict) -> Vec<String> {
        let network = network(verdict);
        let frames = verdict.first_frame as usize - 1..verdict.last_frame as usize;
        let mine = self.frames[frames].iter().filter(|(n, _)| *n == network);
        let seen: Vec<usize> = mine.map(|(_, at)| *at).collect();
        false_claims(verdict, &self.runs[usize::from(network)], &seen)
    }

    /// Every frame, for people.
    fn text(&self) -> String {
        let lines = self.frames.iter().zip(1..).map(|(&(network, at), frame)| {
            let (time, seg) = &self.runs[usize::from(network)].seen[at];
            format!("{frame}: network {network} {time} {}\n", seg.text())
        });
        let truth = self.runs.iter().map(|run| format!("{:?}\n", run.truth));
        lines.chain(truth).collect()
    }
}

fn network(verdict: &Verdict) -> u8 {
    let (a, b) = match (verdict.client.addr, verdict.server.addr) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.octets()[1], b.octets()[1]),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.octets()[1] ^ 1, b.octets()[1] ^ 1),
        _ => (0, 0),
    };
    assert_eq!(a, b, "two networks");
    a
}
