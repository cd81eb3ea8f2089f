//! All kept flows: in order, and those that can be spared.

use super::{Flows, Kept};

impl Flows {
    /// The places of all flows in the order of their numbers.
    pub(in crate::flow) fn in_order(&self) -> Vec<u32> {
        let numbered = |at: usize| Some((self.number_of(at as u32)?, at as u32));
        let all = || (0..self.entries.len()).filter_map(numbered);
        let mut places = Vec::with_capacity(self.live);
        if all().is_sorted() {
            places.extend(all().map(|(_, at)| at));
            return places;
        }
        let lowest = all().map(|(number, _)| number).min().unwrap_or(0);
        // In one word each: there may be millions of them.
        let word = |(number, at): (u64, u32)| {
            let rank = (number - lowest).min(u32::MAX.into());
            rank << 32 | u64::from(at)
        };
        let mut words = Vec::with_capacity(self.live);
        words.extend(all().map(word));
        words.sort_unstable();
        places.extend(words.into_iter().map(|word| word as u32));
        places
    }

    /// The `most` flows that can be spared best: of those that are SYNs of one end the oldest, else
    /// those of which nothing was seen for longest.
    pub(in crate::flow) fn spare(&mut self, half_open: bool, most: usize) -> Vec<u32> {
        let Self {
            entries,
            memory,
            unpacked,
            whole,
            ..
        } = self;
        let candidate = |at: usize| {
            let entry = entries.get(at)?;
            let rank = match &entry.kept {
                Kept::Brief(brief) if half_open => {
                    brief.is_half_open().then(|| brief.number().cast_signed())?
                }
                Kept::Brief(brief) => brief.last(memory, unpacked).time.0,
                Kept::Whole(place) if !half_open => {
                    let flow = whole.get(*place).filter(|flow| !flow.pending)?;
                    flow.last.time.0
                }
                _ => return None,
            };
            Some((rank, at as u32))
        };
        let mut all = Vec::with_capacity(if half_open { self.half_open } else { self.live });
        all.extend((0..entries.len()).filter_map(candidate));
        if all.len() > most {
            all.select_nth_unstable(most);
            all.truncate(most);
        }
        all.sort_unstable();
        all.into_iter().map(|(_, at)| at).collect()
    }
}
