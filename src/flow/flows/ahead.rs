//! Reading what will be needed soon: the cache misses of many flows overlap.

use super::{Flows, Kept};
use crate::flow::awake::AHEAD;
use crate::flow::pool::NONE;
use crate::flow::record::Flow;

impl Flows {
    /// Reads the line of a flow, so that it is in the cache.
    pub(in crate::flow) fn touch(&self, at: u32) -> u64 {
        self.entries
            .get(at as usize)
            .map_or(0, |entry| entry.key.touch())
    }

    /// Reads what the next segment of a flow needs besides. A link that is left in `packed` is to be
    /// read from too: [`Self::touch_packed`].
    pub(in crate::flow) fn touch_kept(&self, at: u32, packed: &mut u32) -> u64 {
        let kept = self.entries.get(at as usize).map(|entry| &entry.kept);
        // First, as most are: one comparison.
        if let Some(Kept::Brief(brief)) = kept {
            if brief.is_packed() {
                *packed = brief.link();
                return 0;
            }
            return brief.touch(&self.memory);
        }
        match kept {
            Some(Kept::Whole(place)) => self.whole.get(*place).map_or(0, Flow::touch),
            _ => 0,
        }
    }

    /// Reads packed segments.
    #[inline(never)]
    pub(in crate::flow) fn touch_packed(&self, links: &mut [u32]) {
        self.memory.packed.touch(links);
    }

    /// Reads the segments of the first of these flows, if they are brief, so that they are in the
    /// cache.
    pub(in crate::flow) fn touch_ahead(&self, next: &[u32]) {
        let (mut loose, mut packed) = ([NONE; AHEAD], [NONE; AHEAD]);
        for ((loose, packed), at) in loose.iter_mut().zip(&mut packed).zip(next) {
            let entry = self.entries.get(*at as usize);
            if let Some(Kept::Brief(brief)) = entry.map(|entry| &entry.kept) {
                let link = if brief.is_packed() { packed } else { loose };
                *link = brief.link();
            }
        }
        self.memory.loose.touch(&mut loose);
        self.memory.packed.touch(&mut packed);
    }
}
