//! Which file a frame of the stream comes from, and its number there.

use std::sync::{Arc, Mutex, PoisonError};

/// Stretches between two marks, at least: so many are counted to find a frame.
const BETWEEN: usize = 128;

/// The stream as runs of frames of one file: about two bytes for each change of the file. Joined
/// files change once each; files that are merged may do so at every record.
#[derive(Default)]
pub(super) struct Origins {
    marks: Vec<Mark>,
    /// Of each finished stretch its file, counted from the mark's first one, and its frames.
    stretches: Vec<u8>,
    since_mark: usize,
    /// The stretch that is being read: its file and its frames so far.
    current: (usize, u64),
    /// The files that are merged now: the first one, and how many frames of each came before the
    /// current stretch.
    first: usize,
    passed: Vec<u64>,
    /// Frames of the stream before the current stretch.
    before: u64,
}

/// A place from where the stretches can be counted.
struct Mark {
    /// Frames of the stream before it.
    before: u64,
    /// Where its stretches begin.
    at: usize,
    first: usize,
    passed: Box<[u64]>,
}

impl Origins {
    /// The stream goes on with `count` files from the file `first` on, `first` to begin with.
    pub(super) fn begin(&mut self, first: usize, count: usize) {
        self.end_stretch();
        self.first = first;
        self.passed.clear();
        self.passed.resize(count, 0);
        self.current = (first, 0);
        self.mark();
    }

    /// So many frames of `file` follow.
    pub(super) fn add(&mut self, file: usize, frames: u64) {
        if self.current.0 != file && frames > 0 {
            self.end_stretch();
            self.current.0 = file;
            // A mark is as large as there are files.
            if self.since_mark >= BETWEEN.max(self.passed.len() * 4) {
                self.mark();
            }
        }
        self.current.1 += frames;
    }

    fn mark(&mut self) {
        self.since_mark = 0;
        self.marks.push(Mark {
            before: self.before,
            at: self.stretches.len(),
            first: self.first,
            passed: self.passed.as_slice().into(),
        });
    }

    fn end_stretch(&mut self) {
        let (file, frames) = self.current;
        self.current.1 = 0;
        if frames == 0 {
            return;
        }
        let place = file - self.first;
        if let Some(passed) = self.passed.get_mut(place) {
            *passed += frames;
        }
        self.before += frames;
        self.since_mark += 1;
        write(&mut self.stretches, place as u64);
        write(&mut self.stretches, frames);
    }

    /// The file of a frame that was read, and the frame's number there.
    pub(super) fn of(&self, frame: u64) -> Option<(usize, u64)> {
        let after = self.marks.partition_point(|mark| mark.before < frame);
        let mark = self.marks.get(after.checked_sub(1)?)?;
        let end = self.marks.get(after).map_or(self.stretches.len(), |m| m.at);
        let mut stretches = self.stretches.get(mark.at..end)?;
        let mut passed = mark.passed.to_vec();
        let mut before = mark.before;
        while let Some((place, frames)) = read(&mut stretches).zip(read(&mut stretches)) {
            let passed = passed.get_mut(place as usize)?;
            if frame <= before + frames {
                return Some((mark.first + place as usize, *passed + frame - before));
            }
            *passed += frames;
            before += frames;
        }
        let (file, _) = self.current;
        let passed = self.passed.get(file - self.first)?;
        Some((file, passed + frame.checked_sub(self.before)?))
    }
}

/// Where the frames of a set come from: known of every frame that was read, while others are being
/// read elsewhere.
#[derive(Clone)]
pub(crate) struct Places {
    origins: Arc<Mutex<Origins>>,
    names: Arc<[Arc<str>]>,
}

impl Places {
    pub(super) fn of(names: impl Iterator<Item = Arc<str>>) -> Self {
        Self {
            origins: Arc::default(),
            names: names.collect(),
        }
    }

    /// Takes in or tells where frames come from.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Origins) -> T) -> T {
        // Who panicked has left it as it was.
        work(&mut self.origins.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The file a frame of the stream comes from, and the frame's number there.
    pub(crate) fn of_frame(&self, frame: u64) -> Option<(&Arc<str>, u64)> {
        let (file, number) = self.with(|origins| origins.of(frame))?;
        Some((self.names.get(file)?, number))
    }
}

/// Appends a number, seven bits a byte, the lowest first.
fn write(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn read(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_frame_is_found_while_reading_and_after(
            runs in proptest::collection::vec(
                (1_usize..4, proptest::collection::vec((0_usize..4, 1_u64..6), 0..40)),
                1..5,
            ),
            repeat in 1_usize..12,
        ) {
            let mut origins = Origins::default();
            let mut expected = Vec::new();
            let mut first = 0;
            for (count, stretches) in runs {
                origins.begin(first, count);
                let mut numbers = vec![0; count];
                for _ in 0..repeat {
                    for (place, frames) in &stretches {
                        let place = place % count;
                        origins.add(first + place, *frames);
                        for _ in 0..*frames {
                            numbers[place] += 1;
                            expected.push((first + place, numbers[place]));
                        }
                    }
                    prop_assert_eq!(origins.of(expected.len() as u64), expected.last().copied());
                }
                first += count;
            }
            for (frame, origin) in (1..).zip(&expected).step_by(7) {
                prop_assert_eq!(origins.of(frame), Some(*origin));
            }
            prop_assert_eq!(origins.of(0), None);
        }
    }
}
