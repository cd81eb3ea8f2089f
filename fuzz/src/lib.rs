//! The properties that the main package's tests check on what was found, for fuzzers.

mod memory;
#[path = "../../tests/properties/mod.rs"]
mod properties;
#[path = "../../tests/simulator/mod.rs"]
mod simulator;
#[path = "../../tests/support/mod.rs"]
mod support;

use memory::balanced;

/// Bytes through the readers.
pub fn containers(input: &[u8]) {
    balanced(input, properties::containers);
}

/// Bytes through the decoders.
pub fn decoders(input: &[u8]) {
    balanced(input, properties::decoders);
}

/// Bytes all the way.
pub fn analyze(input: &[u8]) {
    balanced(input, properties::analyze);
}

/// Files that people keep: saved reports and expectations.
pub fn texts(input: &[u8]) {
    balanced(input, properties::texts);
}

/// Bytes as a policy.
pub fn policies(input: &[u8]) {
    balanced(input, properties::policies);
}

/// Simulated connections whose truth is known.
pub fn structured(input: &[u8]) {
    balanced(input, properties::structured);
}
