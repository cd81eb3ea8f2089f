//! Going on behind damage: what can be done about it, and the search for a place to resume at.

use super::source::Buffer;
use std::io::Read;

/// What cannot be read at the beginning of the buffer. In a box: it travels beside every packet.
pub(super) struct Fault(pub(super) Box<Unread>);

/// What a fault is.
pub(super) struct Unread {
    /// What was found and what was expected.
    pub(super) what: String,
    pub(super) then: Then,
}

/// How to go on.
#[derive(Clone, Copy)]
pub(super) enum Then {
    /// Nothing follows.
    End,
    /// Behind a thing of so many bytes, whose ends are known; it holds so many frames.
    Pass(usize, u64),
    /// Somewhere, but not before so many bytes.
    Search(usize),
}

impl Fault {
    #[cold]
    pub(super) fn new(what: impl Into<String>, then: Then) -> Self {
        let what = what.into();
        Self(Box::new(Unread { what, then }))
    }

    pub(super) fn end(what: impl Into<String>) -> Self {
        Self::new(what, Then::End)
    }

    pub(super) fn search(what: impl Into<String>) -> Self {
        Self::new(what, Then::Search(1))
    }
}

/// Bytes looked at before they are given up.
const STEP: usize = 64 * 1024;

/// Looks for the first place, `from` bytes on or more, where `makes_sense` holds, and steps there.
/// False if there is none: then the input is used up.
///
/// Each place costs a bounded number of looks at later bytes, so that the whole costs no more than
/// a constant times the input, whatever that holds.
pub(super) fn search<R: Read>(
    buffer: &mut Buffer<R>,
    from: usize,
    mut makes_sense: impl FnMut(&mut Buffer<R>, usize) -> bool,
) -> bool {
    let mut at = from;
    while buffer.look(at + 1) {
        if makes_sense(buffer, at) {
            buffer.consume(at);
            return true;
        }
        at += 1;
        if at >= STEP {
            buffer.consume(at);
            at = 0;
        }
    }
    buffer.consume(at);
    false
}
