//! Comments by frame.

use super::words::words;
use crate::close::verdict::Verdict;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::fmt::Write as _;

/// So many bytes all comments take at most, with so many for each besides its words.
const MOST: usize = 256 << 20;
const EACH: usize = 64;
/// Bytes of a comment; what flow after flow says of one frame ends there.
const LONGEST: usize = 4096;

/// What is said of frames.
#[derive(Debug, Default)]
pub struct Comments {
    of: HashMap<u64, String, RandomState>,
    bytes: usize,
}

impl Comments {
    /// Adds what is to be said of a flow, on the frames that decide. False if there is too much: nothing
    /// is said of it then.
    pub fn add(&mut self, verdict: &Verdict) -> bool {
        if self.bytes >= MOST {
            return false;
        }
        let mut said = words(verdict);
        // What several things say of one frame is one comment.
        said.sort_by_key(|(frame, _)| *frame);
        let mut last = None;
        for (frame, words) in said {
            let comment = self.of.entry(frame).or_default();
            let start = comment.len();
            // Writing to a string cannot fail.
            let _ = match (last == Some(frame), comment.is_empty()) {
                (true, _) => write!(comment, "; {words}"),
                (_, true) => write!(comment, "whoclosed, flow {}: {words}", verdict.flow),
                (_, false) => write!(comment, ". Flow {}: {words}", verdict.flow),
            };
            if comment.len() > LONGEST {
                let end = comment.floor_char_boundary(if start == 0 { LONGEST } else { start });
                comment.truncate(end);
            }
            self.bytes += EACH + comment.len() - start.min(comment.len());
            last = Some(frame);
        }
        true
    }

    /// What is said of a frame.
    pub fn of(&self, frame: u64) -> Option<&str> {
        self.of.get(&frame).map(String::as_str)
    }

    /// The frames of which something is said, in order.
    pub fn frames(&self) -> Vec<u64> {
        let mut frames: Vec<u64> = self.of.keys().copied().collect();
        frames.sort_unstable();
        frames
    }
}
