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
