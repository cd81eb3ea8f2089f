//! The command `whoclosed`.
fn main() {}
