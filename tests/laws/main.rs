//! The three laws: loss, vantage and container (see each module).

#[path = "../simulator/mod.rs"]
mod simulator;
#[path = "../support/mod.rs"]
mod support;

mod container;
mod loss;
mod random;
mod vantage;
