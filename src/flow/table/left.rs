//! What is left of a table at the end of the capture, for several readers at once.

use crate::flow::awake::AHEAD;
use crate::flow::brief::Unpacked;
use crate::flow::flows::Flows;
use crate::flow::record::Flow;

/// Flows that get no more segments, in the order of their first frames.
#[derive(Clone, Copy, Debug)]
pub struct Left<'a> {
    pub(super) flows: &'a Flows,
    pub(super) places: &'a [u32],
}

impl Left<'_> {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// There are none.
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Makes `into` the facts of the flow of this number; its memory is used again. `unpacked` is the
    /// reader's own. False if there is no such flow. Readers take some in turn: those that follow are
    /// read ahead.
    pub fn bring_out(&self, number: usize, unpacked: &mut Unpacked, into: &mut Flow) -> bool {
        if number.is_multiple_of(AHEAD) {
            let next = self.places.get(number..).unwrap_or_default();
            self.flows.touch_ahead(next);
        }
        let place = self.places.get(number);
        place.is_some_and(|&at| self.flows.bring_out(at, unpacked, into))
    }
}
