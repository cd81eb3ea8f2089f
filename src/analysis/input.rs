//! Where the records come from: one capture, or several as one stream.

use crate::capture::{self, Reader, Record, Set};
use crate::close::summary::{Damage, SourceSummary};
use crate::close::verdict::{FileFrames, Verdict};
use crate::packet::link_type_name;
use crate::stamp::Time;
use std::io::Read;
use std::sync::Arc;

/// One capture, or several as one stream.
pub(super) enum Input<R> {
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

    /// Turns to the next file; false where there is none.
    #[cold]
    pub(super) fn turn(&mut self) -> bool {
        match self {
            Self::One(_) => false,
            Self::Set(set) => set.turn(),
        }
    }
}

impl<R> Input<R> {
    /// The stream ends before it should: that of a set where its last file does.
    pub(super) fn is_cut(&self) -> bool {
        match self {
            Self::One(reader) => reader.damage().is_some(),
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
            Self::One(reader) => {
                let mut source = SourceSummary::new(Arc::clone(name));
                source.frames = reader.frames();
                source.bytes = reader.bytes();
                source.link_types = link_types(reader.link_types());
                source.start = times.map(|(start, _)| start);
                source.end = times.map(|(_, end)| end);
                source.damage = damage(reader.damage());
                vec![source]
            }
            Self::Set(set) => {
                let sources = set.sources().map(|(name, seen)| {
                    let mut source = SourceSummary::new(Arc::clone(name));
                    source.frames = seen.frames;
                    source.bytes = seen.bytes;
                    source.link_types = link_types(&seen.link_types);
                    source.start = seen.start;
                    source.end = seen.end;
                    source.damage = damage(seen.damage.as_ref());
                    source
                });
                sources.collect()
            }
        }
    }

    /// Says in a flow of a set which files its frames come from.
    pub(super) fn place(&self, verdict: &mut Verdict) {
        let Self::Set(set) = self else {
            return;
        };
        if let Some((name, _)) = set.origin(verdict.first_frame) {
            verdict.source = Arc::clone(name);
        }
        let mut files: Vec<FileFrames> = Vec::new();
        for frame in verdict.evidence() {
            let Some((source, number)) = set.origin(frame) else {
                continue;
            };
            match files.iter_mut().find(|file| file.source == *source) {
                Some(file) => file.frames.push([frame, number]),
                None => files.push(FileFrames::new(Arc::clone(source), [frame, number])),
            }
        }
        verdict.files = Some(files);
    }
}

fn link_types(links: &[u16]) -> Vec<String> {
    let names = links.iter().map(|&link| link_type_name(link).into_owned());
    names.collect()
}

fn damage(damage: Option<&capture::Damage>) -> Vec<Damage> {
    let damage = damage.map(|d| Damage::new(d.frame, d.offset, &d.what));
    damage.into_iter().collect()
}
