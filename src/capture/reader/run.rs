//! Many records in one loop: where it stands is kept in registers.

use super::{Format, Reader, Record};
use std::io::Read;
use std::ops::Range;

impl<R: Read> Reader<R> {
    /// Shows the next records of a pcap file, `most` at most, as long as each lies in the buffer already,
    /// is as most are, and is wanted by `see`. [`Reader::next`] goes on behind those. Gives how many they
    /// are.
    #[inline]
    pub(crate) fn run(&mut self, most: usize, see: impl FnMut(Record<'_>) -> bool) -> usize {
        let frames = self.next_frames(most);
        let Format::Pcap(pcap) = &mut self.format else {
            return 0;
        };
        let [size, count] = pcap.run(self.buffer.bytes(), frames, see);
        self.step_over(size, count)
    }

    /// The same of a pcapng file.
    #[inline]
    pub(crate) fn run_blocks(&mut self, most: usize, see: impl FnMut(Record<'_>) -> bool) -> usize {
        let frames = self.next_frames(most);
        let Format::PcapNg(pcapng) = &self.format else {
            return 0;
        };
        let [size, count] = pcapng.run(self.buffer.bytes(), frames, see);
        self.step_over(size, count)
    }

    /// The numbers of the next frames, if there may be some.
    fn next_frames(&self, most: usize) -> Range<u64> {
        let first = self.frames() + 1;
        let most = if self.end.is_some() { 0 } else { most };
        first..first + most as u64
    }

    /// Steps over so many records of that size.
    fn step_over(&mut self, size: usize, count: usize) -> usize {
        self.buffer.consume(size);
        self.packets += count as u64;
        count
    }
}

#[cfg(test)]
mod tests {
    use super::Reader;
    use crate::stamp::Time;
    use proptest::prelude::*;

    /// What is compared of a record.
    type Read = (u64, Option<Time>, Vec<u8>, u32);

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Records of these steps of time and lengths.
    fn pcap(records: &[(u32, u8)]) -> Vec<u8> {
        let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1]);
        let mut micros = 0;
        for &(step, len) in records {
            micros += step;
            let (time, len) = ([1000 + micros / 1_000_000, micros % 1_000_000], len.into());
            file.extend(words(&[time[0], time[1], len, len + 3]));
            file.extend(vec![7; len as usize]);
        }
        file
    }

    fn pcapng(records: &[(u32, u8)]) -> Vec<u8> {
        let mut file = words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]);
        file.extend(words(&[1, 20, 1, 0, 20]));
        let mut micros = 1_000_000_000;
        for &(step, len) in records {
            micros += step;
            let len = u32::from(len);
            let size = 32 + len.next_multiple_of(4);
            file.extend(words(&[6, size, 0, 0, micros, len, len + 3]));
            file.extend(vec![7; len.next_multiple_of(4) as usize]);
            file.extend(words(&[size]));
        }
        file
    }

    /// `most`: so many records at once; none but by `next` if there is no number.
    fn read(file: &[u8], most: Option<usize>) -> (Vec<Read>, Vec<String>) {
        let Ok(mut reader) = Reader::new(file) else {
            return Default::default();
        };
        let mut all = Vec::new();
        let keep = |r: super::Record<'_>| (r.frame, r.time, r.data.to_vec(), r.original_len);
        loop {
            if let Some(most) = most {
                let mut see = |record: super::Record<'_>| {
                    // Some are not wanted.
                    let wanted = record.data.len() % 16 != 5;
                    all.extend(wanted.then(|| keep(record)));
                    wanted
                };
                let run = reader.run(most, &mut see) + reader.run_blocks(most, see);
                assert!(run <= most);
            }
            let Some(record) = reader.next() else {
                break;
            };
            all.push(keep(record));
        }
        let damage = reader.damage().iter().map(|damage| format!("{damage:?}"));
        (all, damage.collect())
    }

    proptest! {
        #[test]
        fn runs_give_what_single_records_do(
            records in prop::collection::vec((0_u32..4_000_000, 0_u8..90), 0..40),
            is_pcapng: bool,
            change in any::<Option<(prop::sample::Index, u8)>>(),
            cut in 0_usize..40,
            most in 1_usize..9,
        ) {
            let mut file = if is_pcapng { pcapng(&records) } else { pcap(&records) };
            if let Some((place, value)) = change {
                let place = place.index(file.len());
                file[place] = value;
            }
            file.truncate(file.len() - cut.saturating_sub(30));
            prop_assert_eq!(read(&file, Some(most)), read(&file, None));
        }
    }
}
