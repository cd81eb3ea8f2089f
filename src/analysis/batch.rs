//! What records gave, on its way from where they are read to where the flows are.

use crate::flow::{Arrivals, FlowTable};
use crate::packet::{Layers, Quoted};
use crate::stamp::{Stamp, Time};

/// So many records at most: what is written of them is read again while it lies in a near cache.
pub(super) const RECORDS: usize = 512;

/// Segments, and among them what else is to be known.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) arrivals: Arrivals,
    /// Each stands before the arrival of that number.
    pub(super) notes: Vec<(usize, Note)>,
}

/// What few records bring.
#[derive(Debug)]
pub(super) enum Note {
    /// A record of which there is no segment.
    Record(Stamp),
    /// The capture has begun by then.
    Start(Time),
    /// Several interfaces' clocks are not of one time.
    ClocksDiffer(bool),
    /// Records are missing: the frames that follow the first and the last such place.
    Torn([u64; 2]),
    /// A network that has the next number.
    Domain(Box<Layers>),
    /// ICMP says something of a segment in that network.
    Quoted(Box<Quoted>, u16, Stamp),
    /// The last record came before.
    End {
        /// The input ends before it should.
        cut: bool,
        /// The user wants no more.
        interrupted: bool,
    },
}

impl Batch {
    pub(super) fn for_table(table: &FlowTable) -> Self {
        Self {
            arrivals: table.arrivals(RECORDS),
            notes: Vec::new(),
        }
    }

    #[cold]
    pub(super) fn note(&mut self, note: Note) {
        self.notes.push((self.arrivals.len(), note));
    }

    /// It ends the capture.
    pub(super) fn is_last(&self) -> bool {
        let last = self.notes.last();
        last.is_some_and(|(_, note)| matches!(note, Note::End { .. }))
    }

    pub(super) fn clear(&mut self) {
        self.arrivals.clear();
        self.notes.clear();
    }
}
