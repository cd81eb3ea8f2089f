//! The sockets of a moment, as `ss -tan` lists them.

use super::hosts::end;
use crate::close::verdict::State;
use crate::ledger::Socket;
use std::io::{self, Write};

/// Writes the sockets as `ss -tan` does. What is queued a capture does not tell, except that TIME-WAIT
/// queues nothing.
pub fn listing(out: &mut impl Write, sockets: &[Socket]) -> io::Result<()> {
    let row = |socket: &Socket| {
        let queue = if socket.state == State::TimeWait {
            "0"
        } else {
            "-"
        };
        let (local, peer) = (socket.local, socket.peer);
        [
            name(socket.state).to_owned(),
            queue.to_owned(),
            queue.to_owned(),
            end(local.addr, local.port),
            end(peer.addr, peer.port),
        ]
    };
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(sockets.iter().map(row));
    let mut widths = [0; HEADER.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.len().max(*width);
        }
    }
    for row in rows {
        let cells = row.iter().zip(widths);
        let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join(" ");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

const HEADER: [&str; 5] = [
    "State",
    "Recv-Q",
    "Send-Q",
    "Local Address:Port",
    "Peer Address:Port",
];

/// The state as ss calls it.
const fn name(state: State) -> &'static str {
    match state {
        State::Established => "ESTAB",
        State::SynReceived => "SYN-RECV",
        State::Closed => "UNCONN",
        _ => state.name(),
    }
}
