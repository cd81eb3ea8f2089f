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
    pub last_ns: i64,
    /// Owner, first and last ACK of the peer's FIN.
    pub time_wait: Vec<(String, i64, i64)>,
}

/// What a report says of a flow of some kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    pub outcome: &'a str,
    pub closer: &'a str,
    pub aborted_by: Option<&'a str>,
    /// The ACK of the second FIN was lost.
    pub lost: bool,
}

impl Truth {
    /// What a report must say of it; nothing of a kind that is unknown here.
    pub fn told(&self) -> Option<Told<'_>> {
        let (outcome, closer, aborted_by) = match self.kind.as_str() {
            "client_first" | "server_first" | "half_close" | "lost_ack" => {
                ("graceful", self.active.as_str(), None)
            }
            "simultaneous" => ("simultaneous", "both", None),
            "rst_client" => ("aborted", "none", Some("client")),
            "rst_server" => ("aborted", "none", Some("server")),
            "fin_then_rst" => ("aborted-after-fin", "client", Some("server")),
            "refused" => ("refused", "none", Some("server")),
            "syn_only" => ("unanswered", "none", None),
            "no_close" => ("open", "none", None),
            _ => return None,
        };
        Some(Told {
            outcome,
            closer,
            aborted_by,
            lost: self.kind == "lost_ack",
        })
    }
}
