//! What was read of a capture.

use super::error::Damage;
use super::reader::Reader;
use std::io::Read;

/// What was read of a capture so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// Frames, as Wireshark counts them.
    pub frames: u64,
    /// Bytes, those that were stepped over included.
    pub bytes: u64,
    /// Its LINKTYPEs, each once.
    pub link_types: Vec<u16>,
    /// The names of its interfaces, each once.
    pub interfaces: Vec<String>,
    /// Where and why it could not be read.
    pub damage: Vec<Damage>,
    /// How many more such places there are.
    pub unlisted_damage: u64,
    /// Bytes stepped over.
    pub skipped: u64,
    /// Packets that the capture says it dropped.
    pub dropped: Option<u64>,
    /// The frames of the first and the last place behind which reading went on.
    pub torn: Option<[u64; 2]>,
    /// It ends before it should.
    pub is_cut: bool,
}

impl<R: Read> Reader<R> {
    /// What was read so far.
    pub fn seen(&self) -> Seen {
        Seen {
            frames: self.frames(),
            bytes: self.bytes(),
            link_types: self.link_types().to_vec(),
            interfaces: self.interfaces().to_vec(),
            damage: self.damage().to_vec(),
            unlisted_damage: self.unlisted_damage(),
            skipped: self.skipped(),
            dropped: self.dropped(),
            torn: self.torn(),
            is_cut: self.is_cut(),
        }
    }
}
