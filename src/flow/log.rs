//! Which segments of a flow are kept, and how many of them.

use crate::flow::seen::Seen;
use std::borrow::Cow;

/// Opening segments kept.
const OPENING: usize = 4;
/// Segments kept before the close begins, after the opening ones.
const BEFORE: usize = 16;
/// Segments kept from the beginning of the close on.
const CLOSE: usize = 64;
/// Segments kept at the end.
const END: usize = 32;

/// The segments of a flow that a judgement may need: the opening, the last ones before the close
/// began, the first ones from there on, and the last of all. Bounded.
///
/// All lie in one vector, part after part; the second and the last part are rings once full.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    kept: Vec<Seen>,
    /// How many are kept at most.
    most: u8,
    /// How many were kept when the close began.
    close_at: Option<u8>,
    /// Segments pushed out of the ring before the close, and out of the one at the end.
    pushed_out: [u64; 2],
}

/// How many are kept before the close begins.
const OPEN: u8 = (OPENING + BEFORE) as u8;

impl Default for Log {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            most: OPEN,
            close_at: None,
            pushed_out: [0; 2],
        }
    }
}

impl Log {
    /// Forgets everything; keeps the memory.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        (self.most, self.close_at, self.pushed_out) = (OPEN, None, [0; 2]);
    }

    /// Takes the memory away, and whatever is there.
    pub(super) fn take(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.kept)
    }

    /// Gives back what was taken away, and nothing else.
    pub(super) fn give_back(&mut self, kept: Vec<Seen>) {
        self.kept = kept;
    }

    /// The close has not begun, and each further segment takes the place of an older one.
    pub(super) fn turns(&self) -> bool {
        self.close_at.is_none() && self.kept.len() == usize::from(OPEN)
    }

    /// Keeps a segment that is neither FIN nor RST in place of the oldest of the ring, where
    /// [`Self::turns`].
    #[inline]
    pub(super) fn turn(&mut self, seen: &Seen) {
        let [before, _] = &mut self.pushed_out;
        if let Some(slot) = self.kept.get_mut(OPENING + *before as usize % BEFORE) {
            *slot = *seen;
        }
        *before += 1;
    }

    /// How far the ring of those has turned: 0 where its next segment is the first that lies there.
    pub(super) const fn turned_to(&self) -> u8 {
        (self.pushed_out[0] as usize % BEFORE) as u8
    }

    /// Those from the one at `first` on, up to the last one; `kept` was taken away.
    pub(super) fn latest<'a>(&self, kept: &'a [Seen], first: u8) -> &'a [Seen] {
        let end = match self.turned_to() {
            0 => BEFORE,
            end => end.into(),
        };
        let those = OPENING + usize::from(first)..OPENING + end;
        kept.get(those).unwrap_or_default()
    }

    /// Keeps these segments, the first ones, as if they had been pushed one by one. `close`: which of
    /// them is the first FIN or RST.
    pub(super) fn fill(&mut self, mut segments: Vec<Seen>, close: Option<usize>) {
        let before = close.unwrap_or(segments.len());
        let out = before.saturating_sub(OPEN.into());
        if out > 0 {
            segments.drain(OPENING..OPENING + out);
            self.pushed_out[0] = out as u64;
            if close.is_none() {
                segments[OPENING..].rotate_right(out % BEFORE);
            }
        }
        if close.is_some() {
            self.close_before(before.min(OPEN.into()));
        }
        let most = usize::from(self.most);
        let rest = (segments.len() > most).then(|| segments.split_off(most));
        self.kept = segments;
        rest.iter().flatten().for_each(|seen| self.push(seen));
    }

    /// Keeps one more segment. A FIN or RST begins the close.
    #[inline]
    pub fn push(&mut self, seen: &Seen) {
        if seen.begins_close() {
            self.close();
        }
        if self.kept.len() >= usize::from(self.most) {
            self.push_out(seen);
            return;
        }
        if self.kept.len() == self.kept.capacity() {
            self.reserve();
        }
        self.kept.push(*seen);
    }

    /// Begins the close, if it has not begun.
    fn close(&mut self) {
        if self.close_at.is_none() {
            self.unroll();
            self.close_before(self.kept.len());
        }
    }

    /// So many were kept when it began.
    const fn close_before(&mut self, len: usize) {
        self.close_at = Some(len as u8);
        self.most = (len + CLOSE + END) as u8;
    }

    /// A scan's are of one segment, most others of a dozen: doubling would leave half of the memory
    /// unused.
    #[cold]
    fn reserve(&mut self) {
        self.kept.reserve_exact(match self.kept.len() {
            0 => 2,
            2 => 10,
            len => 4.max(len / 3),
        });
    }

    /// Keeps one more segment in place of the oldest of the ring that is being written.
    #[inline(never)]
    fn push_out(&mut self, seen: &Seen) {
        let Some(at) = self.close_at else {
            return self.turn(seen);
        };
        let [_, end] = &mut self.pushed_out;
        let oldest = usize::from(at) + CLOSE + *end as usize % END;
        *end += 1;
        if let Some(slot) = self.kept.get_mut(oldest) {
            *slot = *seen;
        }
    }

    /// How many are kept.
    pub(super) const fn len(&self) -> u64 {
        self.kept.len() as u64
    }

    /// What is kept, in file order: as it lies, unless a ring turned.
    pub fn in_order(&self) -> Cow<'_, [Seen]> {
        if self.turned() == 0 {
            Cow::Borrowed(&self.kept)
        } else {
            Cow::Owned(self.iter().copied().collect())
        }
    }

    /// What is kept, in file order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        let [before, older, newer] = self.parts();
        before.iter().chain(older).chain(newer)
    }

    /// The same, part after part: to go through each takes less than through their chain.
    pub fn parts(&self) -> [&[Seen]; 3] {
        if self.turned() == 0 {
            return [&self.kept, &[], &[]];
        }
        let start = self.ring_start().min(self.kept.len());
        let (before, ring) = self.kept.split_at(start);
        let oldest = if ring.is_empty() {
            0
        } else {
            self.turned() % ring.len()
        };
        let (newer, older) = ring.split_at(oldest);
        [before, older, newer]
    }

    /// Every segment is kept.
    pub const fn is_whole(&self) -> bool {
        !self.lacks_before() && !self.lacks_after()
    }

    /// The segment pushed `back` before the last one (0: the last one).
    pub fn recent(&mut self, back: usize) -> Option<&mut Seen> {
        let (start, turned) = (self.ring_start(), self.turned());
        let len = self.kept.len();
        if turned == 0 || len <= start {
            return self.kept.get_mut(len.checked_sub(back + 1)?);
        }
        let ring = len - start;
        let newest = (turned + ring - 1) % ring;
        let at = newest.checked_add(ring)?.checked_sub(back)? % ring;
        self.kept.get_mut(start + at)
    }

    /// Some segments before the close are not kept.
    pub const fn lacks_before(&self) -> bool {
        self.pushed_out[0] > 0
    }

    /// Some segments after the beginning of the close are not kept.
    pub const fn lacks_after(&self) -> bool {
        self.pushed_out[1] > 0
    }

    /// Adds the segments of a later part.
    pub fn merge(&mut self, later: &Self) {
        for seen in later.iter() {
            self.push(seen);
        }
        for (mine, theirs) in self.pushed_out.iter_mut().zip(later.pushed_out) {
            *mine += theirs;
        }
    }

    /// Where the ring that is being written begins.
    fn ring_start(&self) -> usize {
        self.close_at.map_or(OPENING, |at| usize::from(at) + CLOSE)
    }

    /// How often that ring was written over.
    fn turned(&self) -> usize {
        self.pushed_out[usize::from(self.close_at.is_some())] as usize
    }

    /// Puts the ring before the close in file order, as nothing is written to it any more.
    fn unroll(&mut self) {
        let (start, turned) = (self.ring_start(), self.turned());
        if turned > 0
            && let Some(ring) = self.kept.get_mut(start..)
        {
            ring.rotate_left(turned % BEFORE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Log;
    use crate::flow::seen::Seen;
    use crate::packet::{Flags, Segment};
    use crate::stamp::{Stamp, Time};

    fn seen(frame: u64, flags: Flags) -> Seen {
        let at = Stamp {
            frame,
            time: Time(0),
        };
        Seen::new(
            &Segment {
                flags,
                ..Segment::default()
            },
            0,
            at,
        )
    }

    #[test]
    fn keeps_the_opening_the_close_and_the_end() {
        let mut log = Log::default();
        for frame in 1..=1000 {
            log.push(&seen(
                frame,
                if frame == 500 { Flags::FIN } else { Flags::ACK },
            ));
        }
        let frames: Vec<u64> = log.iter().map(|s| s.at().frame).collect();
        let expected: Vec<u64> = (1..=4).chain(484..=563).chain(969..=1000).collect();
        assert_eq!(frames, expected);
        assert!(log.in_order().iter().eq(log.iter()));
        assert!(log.lacks_before() && log.lacks_after());
    }

    #[test]
    fn made_of_all_at_once_it_is_the_same() {
        for len in 0..150 {
            for close in 0..=len {
                let flags = |at| if at >= close { Flags::FIN } else { Flags::ACK };
                let segments: Vec<Seen> = (0..len).map(|at| seen(at, flags(at))).collect();
                let mut log = Log::default();
                for seen in &segments {
                    log.push(seen);
                }
                let mut filled = Log::default();
                filled.fill(segments, (close < len).then_some(close as usize));
                assert_eq!(filled, log, "{close} of {len}");
            }
        }
    }

    #[test]
    fn a_short_flow_is_kept_whole() {
        let mut log = Log::default();
        for frame in 1..=12 {
            log.push(&seen(
                frame,
                if frame > 9 { Flags::FIN } else { Flags::ACK },
            ));
        }
        assert_eq!(log.iter().count(), 12);
        assert!(log.in_order().iter().eq(log.iter()));
        assert!(!log.lacks_before() && !log.lacks_after());
    }
}
