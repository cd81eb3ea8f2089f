//! The room that changes may take, and the grid on which they stand for it.

use super::series::{Grid, Series};

/// The changes of all series of one kind: of hosts, of services and so on. Many services leave the
/// numbers of hosts as exact as they are.
#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) grid: Grid,
    /// So many may be kept.
    size: usize,
    /// How many are.
    changes: usize,
    /// From how many on the grid becomes coarser.
    most: usize,
}

impl Room {
    pub(super) const fn new(size: usize) -> Self {
        Self {
            grid: Grid::FINEST,
            size,
            changes: 0,
            most: size,
        }
    }

    /// So many changes more.
    pub(super) const fn add(&mut self, changes: usize) {
        self.changes += changes;
    }

    /// Makes the grid coarser until half of the room is free, if that is too little for all series.
    pub(super) fn fit<'a, I: Iterator<Item = &'a mut Series>>(&mut self, all: impl FnOnce() -> I) {
        if self.changes <= self.most {
            return;
        }
        let mut all: Vec<&mut Series> = all().collect();
        loop {
            self.changes = all.iter_mut().map(|series| series.settle()).sum();
            if self.changes <= self.size / 2 {
                self.most = self.size;
                return;
            }
            let Some((coarser, factor)) = self.grid.coarser() else {
                // As coarse as can be. To sort them all for every flow would take for ever.
                self.most = self.size.max(self.changes.saturating_mul(2));
                return;
            };
            self.grid = coarser;
            for series in &mut all {
                series.coarsen(factor);
            }
        }
    }
}
