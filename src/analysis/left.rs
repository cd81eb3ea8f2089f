//! The flows that are left at the end of a capture, judged by several threads.
//!
//! What those before have shown is part of few verdicts, so each is drafted as if it was of none: by
//! whoever comes next, in packs of flows that follow each other. One thread takes the drafts in, in
//! the order of the flows, judges anew where something had been shown, and drafts when none is ready.

use super::bench::{Bench, Ground, Sitting};
use super::court::Court;
use super::threads::{Go, seen};
use crate::close::Judge;
use crate::close::verdict::Verdict;
use crate::flow::{Flow, Left, Unpacked};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, Builder};

/// Flows of a pack.
const FLOWS: usize = 32;
/// Packs that each thread fills in turn.
const PACKS: usize = 3;
/// Threads that may help: who takes the drafts in has no time for more of them.
const HELPERS: usize = 15;

/// Flows that follow each other, with drafts of their verdicts.
struct Pack {
    /// Whose it is, to be filled again.
    owner: usize,
    /// Which of all packs it is.
    number: usize,
    drafts: Vec<Draft>,
    /// So many of them are filled.
    filled: usize,
}

/// A flow and its verdict as it is if no other flow has shown anything of it.
#[derive(Default)]
struct Draft {
    flow: Flow,
    verdict: Option<Verdict>,
}

/// What all threads share: packs are begun in order.
struct Work<'a> {
    left: Left<'a>,
    next: &'a AtomicUsize,
}

/// Fills packs.
struct Drafter {
    judge: Judge,
    unpacked: Unpacked,
}

/// Judges what is left of the table, by so many threads.
pub(super) fn judge_left(court: &mut Court, threads: usize, see: Go<'_>) -> ControlFlow<()> {
    let Court { table, bench, .. } = court;
    let next = AtomicUsize::new(0);
    let work = Work {
        left: table.left(),
        next: &next,
    };
    // Others draft by what stays as it is, while this one remembers what is shown.
    let Bench { ground, sitting } = bench;
    let ground = &*ground;
    let judged = thread::scope(|scope| {
        let (filled, full) = channel();
        let mut empty = Vec::new();
        for owner in 0..HELPERS.min(threads.saturating_sub(1)) {
            let (to_fill, packs) = sync_channel(PACKS);
            let (work, filled) = (&work, filled.clone());
            let draft = move || draft_packs(work, ground, &packs, &filled);
            // Without another thread all is done by this one.
            if Builder::new().spawn_scoped(scope, draft).is_err() {
                break;
            }
            for _ in 0..PACKS {
                // There is room for all.
                let _ = to_fill.send(Pack::new(owner));
            }
            empty.push(to_fill);
        }
        take_in(&work, (ground, sitting), (&full, &empty), see)
    });
    table.forget_left();
    judged
}

/// Drafts verdicts until there are no more flows, or nobody wants more.
fn draft_packs(work: &Work, ground: &Ground, empty: &Receiver<Pack>, filled: &Sender<Pack>) {
    let mut drafter = Drafter::new(ground);
    while let Ok(mut pack) = empty.recv() {
        if !work.begin(&mut pack) {
            return;
        }
        drafter.fill(work, ground, &mut pack);
        if filled.send(pack).is_err() {
            return;
        }
    }
}

/// Takes drafts in, in order. `others`: where they come from, and where their packs go back to.
fn take_in(
    work: &Work,
    (ground, sitting): (&Ground, &mut Sitting),
    (full, empty): (&Receiver<Pack>, &[SyncSender<Pack>]),
    see: Go<'_>,
) -> ControlFlow<()> {
    let mut drafter = Drafter::new(ground);
    let mut own: Vec<Pack> = (0..PACKS).map(|_| Pack::new(empty.len())).collect();
    let mut waiting: Vec<Pack> = Vec::new();
    let mut number = 0;
    while number < work.packs() {
        waiting.extend(full.try_iter());
        let Some(ready) = waiting.iter().position(|pack| pack.number == number) else {
            if let Some(mut pack) = own.pop()
                && work.begin(&mut pack)
            {
                drafter.fill(work, ground, &mut pack);
                waiting.push(pack);
            } else {
                // Whoever has begun it has its pack, and fills it.
                waiting.extend(full.recv());
            }
            continue;
        };
        let mut pack = waiting.swap_remove(ready);
        for draft in pack.drafts.iter_mut().take(pack.filled) {
            let mut go = ControlFlow::Continue(());
            let (flow, verdict) = (&draft.flow, &mut draft.verdict);
            sitting.judge_drafted(ground, flow, verdict, &mut seen(see, &mut go));
            go?;
        }
        match empty.get(pack.owner) {
            // After the last one nobody waits for it.
            Some(empty) => drop(empty.send(pack)),
            None => own.push(pack),
        }
        number += 1;
    }
    ControlFlow::Continue(())
}

impl Work<'_> {
    fn packs(&self) -> usize {
        self.left.len().div_ceil(FLOWS)
    }

    /// Makes it the next pack that nobody has begun; false if there is none.
    fn begin(&self, pack: &mut Pack) -> bool {
        pack.number = self.next.fetch_add(1, Ordering::Relaxed);
        pack.number < self.packs()
    }
}

impl Drafter {
    fn new(ground: &Ground) -> Self {
        Self {
            judge: ground.judge(),
            unpacked: Unpacked::default(),
        }
    }

    fn fill(&mut self, work: &Work, ground: &Ground, pack: &mut Pack) {
        let first = pack.number * FLOWS;
        let count = FLOWS.min(work.left.len() - first);
        pack.drafts.resize_with(FLOWS, Draft::default);
        pack.filled = 0;
        for number in first..first + count {
            let Some(Draft { flow, verdict }) = pack.drafts.get_mut(pack.filled) else {
                return;
            };
            if work.left.bring_out(number, &mut self.unpacked, flow) {
                ground.draft(&mut self.judge, flow, verdict);
                pack.filled += 1;
            }
        }
    }
}

impl Pack {
    const fn new(owner: usize) -> Self {
        Self {
            owner,
            number: 0,
            drafts: Vec::new(),
            filled: 0,
        }
    }
}
