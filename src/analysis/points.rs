//! Files that hold the same traffic, captured at several points.
//!
//! Merged they would show every segment twice, at two times. They are told from a ring by the
//! segments they share: both files run at the same time, and at least half of what one of them
//! holds meanwhile is in the other as well. A sample decides, of the same segments in every file:
//! those with the lowest hash values.

use crate::capture::{Reader, SetFile, Span};
use crate::packet::{Segment, decode};
use crate::stamp::{REORDER_WINDOW, Time};
use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// Segments in a sample.
const SAMPLE: usize = 256;
/// So many segments in common are no accident.
const ENOUGH: usize = 3;

/// Files as the streams they are, in the order of the first file of each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Streams {
    /// The files of each stream.
    pub streams: Vec<Vec<SetFile>>,
    /// There are several because files hold the same traffic.
    pub capture_points: bool,
}

/// Tells which files are one stream: all of them, unless some hold the same traffic, captured at
/// several points. Then files are one stream only where they follow each other and their names
/// differ in nothing but digits, as in a ring; every other one stands for itself. So it is too
/// where there is nothing to join: if no more than one file holds a packet.
pub fn streams(files: Vec<SetFile>) -> Streams {
    let capture_points = any_points(&files);
    // What cannot be read may hold some.
    let filled = files.iter();
    let filled = filled.filter(|file| file.span().is_some() || file.error().is_some());
    if !capture_points && filled.count() > 1 {
        let streams = vec![files];
        return Streams {
            streams,
            capture_points,
        };
    }
    let mut streams: Vec<Vec<SetFile>> = Vec::new();
    for file in files {
        let home = streams.iter_mut().find(|stream| continues(stream, &file));
        match home {
            Some(stream) => stream.push(file),
            None => streams.push(vec![file]),
        }
    }
    Streams {
        streams,
        capture_points,
    }
}

/// The file is another one of the same ring.
fn continues(ring: &[SetFile], file: &SetFile) -> bool {
    ring.iter().all(|other| {
        let spans = other.span().zip(file.span());
        let follows = spans.is_none_or(|(a, b)| a.overlap(&b) <= REORDER_WINDOW);
        follows && series(other.path()) == series(file.path())
    })
}

/// The directory, and the name without digits.
fn series(path: &Path) -> (Option<&Path>, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.chars().filter(|c| !c.is_ascii_digit()).collect();
    (path.parent(), name)
}

/// Whether any two of the files hold the same traffic.
fn any_points(files: &[SetFile]) -> bool {
    let spans = files.iter().filter_map(|file| Some((file.span()?, file)));
    let mut spans: Vec<(Span, &SetFile)> = spans.collect();
    spans.sort_by_key(|(span, _)| span.earliest);
    let mut samples: Vec<Option<Sample>> = vec![None; spans.len()];
    for (i, (span, _)) in spans.iter().enumerate() {
        let later = spans.iter().enumerate().skip(i + 1);
        let overlapping = later.take_while(|(_, (other, _))| other.earliest < span.latest);
        for (j, (other, _)) in overlapping {
            for k in [i, j] {
                let sample = samples.get_mut(k).zip(spans.get(k));
                if let Some((sample @ None, (_, file))) = sample {
                    *sample = Some(Sample::of(file));
                }
            }
            let pair = samples.get(i).zip(samples.get(j));
            if let Some((Some(a), Some(b))) = pair
                && same_traffic((a, *span), (b, *other))
            {
                return true;
            }
        }
    }
    false
}

/// `a` begins before `b`, and ends after `b` has begun.
fn same_traffic((a, span): (&Sample, Span), (b, other): (&Sample, Span)) -> bool {
    let limit = a.limit().min(b.limit());
    let both =
        a.0.range(..=limit)
            .filter(|(hash, _)| b.0.contains_key(hash));
    let both = both.count();
    let least = [a, b]
        .map(|s| s.0.range(..=limit).count())
        .into_iter()
        .min();
    let least = least.unwrap_or_default();
    if span.latest.since(other.earliest) <= REORDER_WINDOW {
        // The two files of a ring may overlap by that much.
        return both >= ENOUGH && both * 2 >= least;
    }
    let window = other.earliest..=span.latest.min(other.latest);
    let mostly = |x: &Sample, y: &Sample| {
        let meanwhile =
            x.0.range(..=limit)
                .filter(|(_, time)| window.contains(time));
        let (shared, own): (Vec<_>, Vec<_>) =
            meanwhile.partition(|(hash, _)| y.0.contains_key(hash));
        !shared.is_empty() && shared.len() >= own.len()
    };
    (both >= ENOUGH || both == least) && (mostly(a, b) || mostly(b, a))
}

/// Segments of a file, by their hash values: those with the lowest ones, and the time of each.
#[derive(Clone, Debug, Default)]
struct Sample(BTreeMap<u64, Time>);

impl Sample {
    fn of(file: &SetFile) -> Self {
        let mut sample = Self::default();
        // What cannot be read has no segments.
        let reader = File::open(file.path()).ok().map(Reader::new);
        let Some(Ok(mut reader)) = reader else {
            return sample;
        };
        while let Some(record) = reader.next() {
            let segment = decode(record.link, record.data, record.original_len);
            if let Some((segment, time)) = segment.ok().zip(record.time) {
                sample.add(identity(&segment), time);
            }
        }
        sample
    }

    fn add(&mut self, hash: u64, time: Time) {
        if hash > self.limit() {
            return;
        }
        self.0.entry(hash).or_insert(time);
        if self.0.len() > SAMPLE {
            self.0.pop_last();
        }
    }

    /// Every segment of the file with a hash value up to this one is in the sample.
    fn limit(&self) -> u64 {
        let last = self.0.last_key_value().filter(|_| self.0.len() >= SAMPLE);
        last.map_or(u64::MAX, |(hash, _)| *hash)
    }
}

/// What is the same wherever a segment passes.
fn identity(segment: &Segment) -> u64 {
    let mut hasher = DefaultHasher::new();
    (segment.src, segment.dst, segment.seq.0, segment.ack.0).hash(&mut hasher);
    let timestamp = segment.timestamps.map(|timestamps| timestamps.val.0);
    (segment.flags, segment.len, timestamp).hash(&mut hasher);
    hasher.finish()
}
