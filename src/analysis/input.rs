//! Where the records come from: one capture, or several as one stream.

use crate::capture::{Ahead, Decompression, Meter, Places, Reader, Record, Seen, Set};
use crate::close::summary::{Damage, SourceSummary};
use crate::close::verdict::{FileFrames, Verdict};
use crate::packet::link_type_name;
use crate::stamp::Time;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// One capture, or several as one stream.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one, and its reader is asked for every record"
)]
pub(super) enum Input<R: Read> {
    One(Reader<R>),
    Set(Box<Set>),
}

impl<R: Read> Input<R> {
    /// The next record; `None` at the end, or where [`Input::turn`] must be asked for more.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Record<'_>> {
        match self {
            Self::One(reader) => reader.next(),
            Self::Set(set) => set.next(),
        }
    }

    /// Shows the next records of a single pcap file, `most` at most, as far as that is simple:
    /// [`Input::next`] goes on behind those. Gives how many they are.
    #[inline]
    pub(super) fn run(&mut self, most: usize, see: impl FnMut(Record<'_>) -> bool) -> usize {
        match self {
            Self::One(reader) => reader.run(most, see),
            Self::Set(_) => 0,
        }
    }

    /// The same of a single pcapng file.
    #[inline]
    pub(super) fn run_blocks(&mut self, most: usize, see: impl FnMut(Record<'_>) -> bool) -> usize {
        match self {
            Self::One(reader) => reader.run_blocks(most, see),
            Self::Set(_) => 0,
        }
    }

    /// Turns to the next file; false where there is none.
    #[cold]
    pub(super) fn turn(&mut self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Set(set) => set.turn(),
        }
    }
}

impl<R: Read> Input<R> {
    /// It is one file that must be decompressed.
    pub(super) fn is_compressed(&self) -> bool {
        match self {
            Self::One(reader) => reader.is_compressed(),
            Self::Set(_) => false,
        }
    }

    /// Lets another thread decompress what is left, if that is to be done.
    pub(super) fn split(&mut self) -> Option<Decompression<R>> {
        match self {
            Self::One(reader) => reader.split(),
            Self::Set(_) => None,
        }
    }

    /// Lets several threads read what is left from this file, if it is one and need not be decompressed.
    pub(super) fn read_ahead(
        &mut self,
        file: Arc<File>,
        meter: Option<Arc<Meter>>,
    ) -> Option<Arc<Ahead>> {
        match self {
            Self::One(reader) => reader.read_ahead(file, meter),
            Self::Set(_) => None,
        }
    }

    /// No more is wanted of that thread, which ends then.
    pub(super) fn close(&mut self) {
        if let Self::One(reader) = self {
            reader.close();
        }
    }

    /// The stream ends before it should: that of a set where its last file does.
    pub(super) fn is_cut(&self) -> bool {
        match self {
            Self::One(reader) => reader.is_cut(),
            Self::Set(set) => set.is_cut(),
        }
    }

    /// What was read of each file; `name` and `times` are those of a single one.
    pub(super) fn sources(
        &self,
        name: &Arc<str>,
        times: Option<(Time, Time)>,
    ) -> Vec<SourceSummary> {
        match self {
            Self::One(reader) => vec![source(name, &reader.seen(), times)],
            Self::Set(set) => {
                let sources = set.sources();
                sources
                    .map(|(name, seen, times)| source(name, &seen, times))
                    .collect()
            }
        }
    }

    /// The frames that follow the first and the last place where records are missing.
    pub(super) fn torn(&self) -> Option<[u64; 2]> {
        match self {
            Self::One(reader) => reader.torn(),
            Self::Set(set) => set.torn(),
        }
    }

    /// Where the frames of a set come from.
    pub(super) fn places(&self) -> Option<Places> {
        match self {
            Self::One(_) => None,
            Self::Set(set) => Some(set.places()),
        }
    }
}

/// Says in a flow of a set which files its frames come from.
pub(super) fn place(verdict: &mut Verdict, places: &Places) {
    if let Some((name, _)) = places.of_frame(verdict.first_frame) {
        verdict.source = Arc::clone(name);
    }
    let mut files: Vec<FileFrames> = Vec::new();
    for frame in verdict.evidence() {
        let Some((source, number)) = places.of_frame(frame) else {
            continue;
        };
        match files.iter_mut().find(|file| file.source == *source) {
            Some(file) => file.frames.push([frame, number]),
            None => files.push(FileFrames::new(Arc::clone(source), [frame, number])),
        }
    }
    verdict.files = Some(files);
}

fn source(name: &Arc<str>, seen: &Seen, times: Option<(Time, Time)>) -> SourceSummary {
    let mut source = SourceSummary::new(Arc::clone(name));
    source.frames = seen.frames;
    source.bytes = seen.bytes;
    let links = seen.link_types.iter();
    source.link_types = links
        .map(|&link| link_type_name(link).into_owned())
        .collect();
    source.interfaces.clone_from(&seen.interfaces);
    source.start = times.map(|(start, _)| start);
    source.end = times.map(|(_, end)| end);
    source.dropped = seen.dropped;
    let damage = seen.damage.iter();
    source.damage = damage
        .map(|d| Damage::new(d.frame, d.offset, &d.what).skipping(d.skipped))
        .collect();
    source.unlisted_damage = seen.unlisted_damage;
    source.skipped = seen.skipped;
    source
}
