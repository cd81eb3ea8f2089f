//! Dropping records may weaken a verdict; it never contradicts the truth.
//!
//! Dropped are: each record, each pair of a connection's records that matter to its close, every
//! prefix and suffix, each direction. The truth is the verdict on the whole capture where it is
//! certain, and the kernel's account where the lab has one. `WHOCLOSED_LAWS=full` includes captures
//! of more than 200 records, and every part of the small ones.

use crate::support::essence::{self, contradictions};
use crate::support::packet::{ACK, End, FIN, Fields, RST, SYN};
use crate::support::transform::fields;
use crate::support::truth::{self, Judged, Mark, Truth};
use crate::support::wrap::{self, PLAIN, Packet};
use crate::support::{self, Subject};
use std::collections::{BTreeSet, HashMap};
use whoclosed::close::verdict::Verdict;

/// Captures with more records are tried only by hand.
const LIMIT: usize = 200;

/// Of captures with no more records every pair is dropped, and every window is tried.
const SMALL: usize = 16;

/// Of captures with no more records every part is tried, by hand.
const TINY: usize = 12;

fn full() -> bool {
    std::env::var("WHOCLOSED_LAWS").is_ok_and(|value| value == "full")
}

#[test]
fn loss_never_contradicts() {
    let truths = truth::all();
    let mut subjects = support::everything();
    for folder in ["questions", "peers"] {
        let captures = support::files(folder, &[".pcap", ".pcapng"]);
        subjects.extend(captures.iter().map(|path| Subject::read(path)));
    }
    subjects.retain(|subject| full() || subject.packets.len() <= LIMIT);
    assert!(subjects.len() > 250, "only {} captures", subjects.len());
    let results =
        support::on_two_threads(&subjects, |subject| Whole::new(subject, &truths).check());
    let tried: usize = results.iter().map(|(tried, _)| tried).sum();
    assert!(tried > 10_000, "only {tried} damaged views");
    let lines: Vec<String> = results.into_iter().flat_map(|(_, lines)| lines).collect();
    support::report(&format!("contradictions in {tried} damaged views"), &lines);
}

/// A whole capture and what is known of it.
struct Whole<'a> {
    name: &'a str,
    packets: &'a [Packet],
    fields: Vec<Fields>,
    verdicts: Vec<Verdict>,
    by_ends: HashMap<(End, End), Vec<usize>>,
    /// By verdict: the kernel's account of that connection.
    truths: Vec<Option<(&'a Truth, usize)>>,
    point: &'a str,
    crossed: bool,
}

impl<'a> Whole<'a> {
    fn new(subject: &'a Subject, truths: &'a [Truth]) -> Self {
        let verdicts = support::verdicts(&wrap::write(&subject.packets, PLAIN));
        let mut parts = subject.name.split('.');
        let scenario = parts.next().unwrap_or_default();
        let point = parts.next().unwrap_or_default();
        let truth = truths
            .iter()
            .find(|truth| truth.name == scenario && truth.captures.contains_key(point));
        let truths = match truth {
            Some(truth) => match_truth(truth, point, &verdicts),
            None => vec![None; verdicts.len()],
        };
        let mut by_ends: HashMap<(End, End), Vec<usize>> = HashMap::new();
        for (at, verdict) in verdicts.iter().enumerate() {
            by_ends.entry(essence::ends(verdict)).or_default().push(at);
        }
        Self {
            name: &subject.name,
            packets: &subject.packets,
            fields: subject.packets.iter().map(fields).collect(),
            crossed: any_fin_crosses_reset(&subject.packets),
            by_ends,
            verdicts,
            truths,
            point,
        }
    }

    /// How many damaged views were tried, and the contradictions, each said once.
    fn check(&self) -> (usize, Vec<String>) {
        let views = self.damages();
        let mut said = BTreeSet::new();
        let mut lines = Vec::new();
        for (damage, kept) in &views {
            for what in self.contradictions(kept) {
                if said.insert(what.clone()) {
                    lines.push(format!("{} {damage}: {what}", self.name));
                }
            }
        }
        (views.len(), lines)
    }

    fn contradictions(&self, kept: &[usize]) -> Vec<String> {
        if kept.is_empty() {
            return Vec::new();
        }
        let packets: Vec<Packet> = kept.iter().map(|at| self.packets[*at].clone()).collect();
        let damaged = support::verdicts(&wrap::write(&packets, PLAIN));
        damaged
            .iter()
            .flat_map(|verdict| {
                let mut candidates = self.originals(verdict, kept);
                candidates.sort_by_key(|original| self.against(verdict, *original).len());
                let best = candidates.first();
                best.map_or_else(Vec::new, |original| self.against(verdict, *original))
            })
            .collect()
    }

    /// The flows of the whole capture that a verdict on a part of it may be on: those on the same
    /// ends that have a kept record within its range.
    fn originals(&self, verdict: &Verdict, kept: &[usize]) -> Vec<usize> {
        let range = verdict.first_frame as usize - 1..verdict.last_frame as usize;
        let frames: Vec<u64> = kept[range].iter().map(|at| *at as u64 + 1).collect();
        let same = self.by_ends.get(&essence::ends(verdict));
        let same = same.into_iter().flatten().copied();
        same.filter(|at| {
            let whole = &self.verdicts[*at];
            let mut frames = frames.iter();
            frames.any(|frame| (whole.first_frame..=whole.last_frame).contains(frame))
        })
        .collect()
    }

    fn against(&self, verdict: &Verdict, original: usize) -> Vec<String> {
        let whole = &self.verdicts[original];
        let mut found = contradictions(verdict, whole, self.crossed);
        if let Some((truth, nth)) = self.truths[original] {
            let flow = &truth.flows[nth];
            let judged = truth::judge(verdict, flow, truth, self.point);
            let false_claims = judged.iter().filter(|j| j.mark == Mark::False);
            let crossing = self.crossed && verdict.outcome.name() == "aborted";
            let excused = |judged: &Judged| match judged.claim {
                "outcome" | "active_closer" => crossing,
                // A named side does not contradict `both`.
                "aborted_by" => judged.good == ["both"],
                _ => false,
            };
            found.extend(false_claims.filter(|j| !excused(j)).map(|judged| {
                let good = judged.good.join("|");
                format!("{}: {} / kernel {good}", judged.claim, judged.said)
            }));
        }
        found
    }

    /// What is tried: a name for the damage, and the records that are left.
    fn damages(&self) -> Vec<(String, Vec<usize>)> {
        let count = self.packets.len();
        let without = |dropped: &[usize]| -> Vec<usize> {
            (0..count).filter(|at| !dropped.contains(at)).collect()
        };
        let mut views = Vec::new();
        for at in 0..count {
            views.push((format!("without {}", at + 1), without(&[at])));
            views.push((format!("up to {}", at + 1), (0..=at).collect()));
            views.push((format!("from {}", at + 1), (at..count).collect()));
        }
        if count <= SMALL {
            let windows = (0..count).flat_map(|from| (from..count).map(move |to| (from, to)));
            views.extend(windows.map(|(from, to)| {
                let kept = (from..=to).collect();
                (format!("only {} to {}", from + 1, to + 1), kept)
            }));
        }
        if full() && count <= TINY {
            let subsets = (1_u32..1 << count).map(|set| {
                (0..count)
                    .filter(|at| set & 1 << at != 0)
                    .collect::<Vec<usize>>()
            });
            views.extend(subsets.map(|kept| {
                let shown: Vec<usize> = kept.iter().map(|at| at + 1).collect();
                (format!("only {shown:?}"), kept)
            }));
        }
        let close = if count <= SMALL {
            (0..count).collect()
        } else {
            self.close_relevant()
        };
        for (i, a) in close.iter().enumerate() {
            let same = |b: &&usize| self.fields[**b].key() == self.fields[*a].key();
            for b in close[i + 1..].iter().filter(same) {
                views.push((format!("without {} {}", a + 1, b + 1), without(&[*a, *b])));
            }
        }
        let senders: BTreeSet<End> = self.fields.iter().map(|seen| seen.src).collect();
        for sender in senders {
            let sent = (0..count).filter(|at| self.fields[*at].src == sender);
            views.push((format!("only {}:{}", sender.0, sender.1), sent.collect()));
        }
        views
    }

    /// SYNs, FINs, RSTs and the ACKs without payload next to them.
    fn close_relevant(&self) -> Vec<usize> {
        let control = |at: usize| self.fields[at].flags & (SYN | FIN | RST) != 0;
        let count = self.fields.len();
        let near = |at: usize| (at.saturating_sub(2)..(at + 3).min(count)).any(control);
        let relevant = |at: &usize| control(*at) || self.fields[*at].payload == 0 && near(*at);
        (0..count).filter(relevant).collect()
    }
}

/// The nth verdict on a 4-tuple is on its nth incarnation.
fn match_truth<'a>(
    truth: &'a Truth,
    point: &str,
    verdicts: &[Verdict],
) -> Vec<Option<(&'a Truth, usize)>> {
    let mut matched = vec![None; verdicts.len()];
    for (number, flow) in truth.flows.iter().enumerate() {
        if flow.is_unseen(point) || flow.in_capture.is_none() {
            continue;
        }
        let verdict = verdicts
            .iter()
            .enumerate()
            .position(|(at, v)| truth::ends(v) == flow.ends() && matched[at].is_none());
        if let Some(at) = verdict {
            matched[at] = Some((truth, number));
        }
    }
    matched
}

/// A FIN and a RST of one connection that neither knew of: the FIN is covered by neither the SEQ
/// nor the ACK of the RST.
pub(crate) fn any_fin_crosses_reset(packets: &[Packet]) -> bool {
    let all: Vec<Fields> = packets.iter().map(fields).collect();
    let fins: Vec<&Fields> = all.iter().filter(|seen| seen.has(FIN)).collect();
    let mut resets = all.iter().filter(|seen| seen.has(RST));
    resets.any(|reset| {
        let crosses = |fin: &&Fields| {
            let covered = if fin.src == reset.src {
                reset.seq.wrapping_sub(fin.end()).cast_signed() >= 0
            } else {
                reset.has(ACK) && reset.ack.wrapping_sub(fin.end()).cast_signed() >= 0
            };
            fin.key() == reset.key() && !covered
        };
        fins.iter().any(crosses)
    })
}
