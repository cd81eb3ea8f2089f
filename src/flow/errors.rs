//! ICMP errors about segments of connections: facts beside the flows, for few connections have any.

use crate::flow::key::Key;
use crate::packet::{End, IcmpKind, Quoted, Segment};
use crate::seq::SeqNum;
use crate::stamp::Stamp;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// So many connections with errors are remembered, the first ones.
const MOST: usize = 1 << 16;

/// An ICMP error about a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorSeen {
    /// Where it stands.
    pub at: Stamp,
    /// What it says.
    pub kind: IcmpKind,
    /// Its type and its code.
    pub number: [u8; 2],
    /// Its sender; the port is 0.
    pub reporter: End,
    /// It bears the address for which the segment was.
    pub by_receiver: bool,
    /// The segment's number.
    pub seq: SeqNum,
    /// Which end of the key sent the segment.
    pub from: u8,
}

/// The errors about a connection's segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errors {
    /// The first one and the last one.
    pub ends: [ErrorSeen; 2],
    /// How many there were.
    pub count: u32,
}

/// The errors so far, by the connection that they are about.
#[derive(Debug, Default)]
pub struct ErrorTable {
    of: HashMap<Key, Errors, RandomState>,
}

impl ErrorTable {
    /// Takes in an error that came in the network `domain`.
    #[cold]
    pub fn push(&mut self, quoted: &Quoted, domain: u16, at: Stamp) {
        let (key, from) = Key::of(&Segment {
            src: quoted.src,
            dst: quoted.dst,
            domain,
            ..Segment::default()
        });
        let seen = ErrorSeen {
            at,
            kind: quoted.kind,
            number: [quoted.icmp_type, quoted.icmp_code],
            reporter: quoted.reporter,
            by_receiver: quoted.reporter.addr == quoted.dst.addr,
            seq: quoted.seq,
            from,
        };
        if let Some(errors) = self.of.get_mut(&key) {
            errors.ends[1] = seen;
            errors.count += 1;
        } else if self.of.len() < MOST {
            let ends = [seen; 2];
            self.of.insert(key, Errors { ends, count: 1 });
        }
    }

    /// Those about the connections of a key.
    #[inline]
    pub fn of(&self, key: &Key) -> Option<Errors> {
        if self.of.is_empty() {
            return None;
        }
        self.of.get(key).copied()
    }
}
