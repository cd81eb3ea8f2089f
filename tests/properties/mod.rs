//! What must hold of any bytes: a function each, for the fuzzers of `fuzz/` and for what they found.
//! They panic where it does not.

mod analyze;
mod containers;
mod decoders;
mod policies;
mod structured;
mod texts;

pub(crate) use analyze::analyze;
pub(crate) use containers::containers;
pub(crate) use decoders::decoders;
pub(crate) use policies::policies;
pub(crate) use structured::structured;
pub(crate) use texts::texts;
