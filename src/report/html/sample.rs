//! The flows that the page holds: all of them, or of very many every second, fourth, eighth ..

/// More flows than these do not stay fluid in a browser.
const MOST: usize = 10_000;

/// Flows in JSON, so far.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// How many there were.
    seen: u64,
    /// One of so many is kept, as a power of two.
    shift: u32,
    kept: Vec<String>,
}

impl Sample {
    /// Counts the next flow, and says whether it is to be kept.
    pub(super) fn takes_next(&mut self) -> bool {
        let at = self.seen;
        self.seen += 1;
        if !at.is_multiple_of(self.every()) {
            return false;
        }
        if self.kept.len() < MOST {
            return true;
        }
        self.shift += 1;
        let mut even = false;
        self.kept.retain(|_| {
            even = !even;
            even
        });
        at.is_multiple_of(self.every())
    }

    /// Keeps a flow.
    pub(super) fn take(&mut self, flow: String) {
        self.kept.push(flow);
    }

    /// One flow of so many is kept.
    const fn every(&self) -> u64 {
        1_u64.wrapping_shl(self.shift)
    }

    /// One flow of so many is kept, if it is not every one.
    pub(super) fn left_out(&self) -> Option<u64> {
        (self.shift > 0).then(|| self.every())
    }

    /// How many flows there were.
    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// The flows as a list in JSON.
    pub(super) fn json(&self) -> String {
        format!("[{}]", self.kept.join(",\n"))
    }
}
