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

    /// The next segment of a flow may need more than its line.
    #[inline]
    pub(in crate::flow) fn needs_more(&self, at: u32) -> bool {
        let entry = self.entries.get(at as usize);
        entry.is_some_and(|entry| match &entry.kept {
            Kept::Brief(brief) => brief.needs_more(),
            Kept::Whole(_) => true,
            Kept::Free(_) => false,
        })
    }

    /// Reads what that is, or tells the link to packed segments that are to be read from as well:
    /// [`Self::touch_packed`].
    #[inline]
    pub(in crate::flow) fn touch_kept(&self, at: u32) -> Result<u64, u32> {
        match self.entries.get(at as usize).map(|entry| &entry.kept) {
            Some(Kept::Brief(brief)) if brief.is_packed() => Err(brief.link()),
            Some(Kept::Brief(brief)) => Ok(brief.touch(&self.memory)),
            Some(Kept::Whole(place)) => Ok(self.whole.get(*place).map_or(0, Flow::touch)),
            _ => Ok(0),
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
