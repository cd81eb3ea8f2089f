//! A file that is open only while that serves.

use super::file::SetFile;
use crate::capture::Meter;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

/// Reads a file from its beginning to its end, and may close it between two reads: whatever stands
/// above (a decompressor, the framing) keeps its own state and never notices. So any number of
/// files can be read at once.
pub(super) struct Lazy {
    path: PathBuf,
    offset: u64,
    file: Option<File>,
    keep: bool,
    meter: Option<Arc<Meter>>,
}

impl Lazy {
    /// With `keep` the file stays open until its end: one that is deleted meanwhile can then be
    /// read to the end.
    pub(super) fn new(of: &SetFile, keep: bool) -> Self {
        Self {
            path: of.path.clone(),
            offset: 0,
            file: None,
            keep,
            meter: of.meter.clone(),
        }
    }

    fn open(&self) -> io::Result<File> {
        let mut file = File::open(&self.path)?;
        if self.offset > 0 {
            file.seek(SeekFrom::Start(self.offset))?;
        }
        Ok(file)
    }
}

impl Read for Lazy {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.open()?,
        };
        let read = file.read(into)?;
        self.offset += read as u64;
        if let Some(meter) = &self.meter {
            meter.add_bytes(read as u64);
        }
        self.file = (self.keep && read > 0).then_some(file);
        Ok(read)
    }
}
