//! The generator's truth.

use serde::Deserialize;
use std::net::IpAddr;

/// A line of its truth file: a flow.
#[derive(Deserialize)]
pub struct Truth {
    pub client: IpAddr,
    pub cport: u16,
    pub server: IpAddr,
    pub sport: u16,
    pub kind: String,
    pub active: String,
    pub pkts: u64,
    pub first_ns: i64,
    /// Owner, first and last ACK of the peer's FIN.
    pub time_wait: Vec<(String, i64, i64)>,
}
