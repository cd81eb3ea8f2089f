//! What the fuzzers of `fuzz/` found, once and for all: `testdata/fuzz/TARGET/` holds the inputs.
#![allow(
    clippy::print_stdout,
    reason = "the last line names the input that failed"
)]

mod properties;
mod simulator;
mod support;

use std::fs;

type Property = fn(&[u8]);

/// The properties by the names of their targets.
const TARGETS: [(&str, Property); 6] = [
    ("analyze", properties::analyze),
    ("containers", properties::containers),
    ("decoders", properties::decoders),
    ("policies", properties::policies),
    ("structured", properties::structured),
    ("texts", properties::texts),
];

#[test]
fn what_was_found_stays_repaired() {
    for (target, holds) in TARGETS {
        for path in support::files(&format!("fuzz/{target}"), &[""]) {
            let input = fs::read(&path).expect("readable");
            println!("{}", path.display());
            holds(&input);
        }
    }
}

#[test]
fn the_properties_hold_of_the_captures() {
    for directory in ["captures", "seeds", "containers"] {
        for path in support::files(directory, &[".pcap", ".pcapng"]) {
            let input = fs::read(&path).expect("readable");
            for (_, holds) in TARGETS {
                holds(&input);
            }
        }
    }
}
