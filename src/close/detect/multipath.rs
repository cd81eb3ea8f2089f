//! Multipath TCP: what the end of a subflow says of its connection.

use super::{Found, Founds};
use crate::close::case::Case;
use crate::close::verdict::{Confidence, Side};
use crate::flow::Subflow;
use smallvec::smallvec;

/// The reasons of a RST: RFC 8684 section 3.6.
const RESET_REASONS: [&str; 7] = [
    "unspecified",
    "an error of Multipath TCP",
    "lack of resources",
    "administratively prohibited",
    "too much outstanding data",
    "unacceptable performance",
    "middlebox interference",
];

pub(in crate::close) fn mptcp_subflow(case: &Case) -> Founds {
    let sides = [Side::Client, Side::Server].map(|side| (side, subflow(case, side)));
    let [client, server] = sides.map(|(_, subflow)| subflow);
    let agreed = client.joins.is_some() && server.joins.is_some();
    if !agreed && client.data.is_none() && server.data.is_none() {
        return Founds::new();
    }
    let joined = client.joins.or(server.joins) == Some(true);
    let data_fins = sides.iter().filter(|(_, s)| s.data_fin.is_some());
    let data_fins: Vec<&str> = data_fins.map(|(side, _)| side.name()).collect();
    let mut found = Found::likely(None, frames([client, server]), message(joined, sides))
        .sure(Confidence::Certain)
        .with("joined", joined)
        .with("data_fin", data_fins);
    for (side, subflow) in sides {
        if subflow.fast_close.is_some() {
            found = found.with("fast_close", side.name());
        }
        if let Some((_, reason)) = subflow.reset {
            found = found.with("reset_reason", reset_reason(reason));
        }
    }
    smallvec![found]
}

/// The segments that say what becomes of the connection.
fn frames(subflows: [Subflow; 2]) -> Vec<u64> {
    let stamps = subflows.map(|s| [s.data_fin, s.fast_close, s.reset.map(|(at, _)| at)]);
    let stamps = stamps.as_flattened().iter().flatten();
    let mut frames: Vec<u64> = stamps.map(|at| at.frame).collect();
    frames.sort_unstable();
    frames.dedup();
    frames
}

fn message(joined: bool, sides: [(Side, Subflow); 2]) -> String {
    let added = if joined { ", added to it later" } else { "" };
    let connection = connection(sides);
    let reason = sides.iter().find_map(|(side, s)| Some((side, s.reset?.1)));
    let reason = reason.map(|(side, number)| {
        let reason = reset_reason(number);
        format!("; the {side}'s RST says why: {reason} (MP_TCPRST)")
    });
    let reason = reason.unwrap_or_default();
    format!(
        "this is a subflow of a Multipath TCP connection{added}: a FIN or RST closes the subflow \
         only; {connection}{reason}"
    )
}

/// What became of the connection itself, as far as this subflow tells.
fn connection(sides: [(Side, Subflow); 2]) -> String {
    let aborted = sides
        .iter()
        .find_map(|(side, s)| Some((side, s.fast_close?)));
    if let Some((side, at)) = aborted {
        return format!(
            "the {side} aborted the whole connection (MP_FASTCLOSE in frame {})",
            at.frame
        );
    }
    let fins = sides.map(|(side, s)| s.data_fin.map(|at| (side, at.frame)));
    match fins {
        [Some((_, client)), Some((_, server))] => format!(
            "both sides closed the connection itself (DATA_FIN: the client in frame {client}, the \
             server in frame {server})"
        ),
        [Some((side, frame)), None] | [None, Some((side, frame))] => format!(
            "of the connection itself only the {side}'s close was seen here (DATA_FIN in frame \
             {frame})"
        ),
        [None, None] => {
            "no DATA_FIN was seen here: the connection may go on in another subflow".to_owned()
        }
    }
}

fn reset_reason(number: u8) -> &'static str {
    RESET_REASONS
        .get(usize::from(number))
        .copied()
        .unwrap_or("a reason of no known number")
}

fn subflow(case: &Case, side: Side) -> Subflow {
    let rare = case.facts.half(side).rare.as_ref();
    rare.and_then(|rare| rare.subflow).unwrap_or_default()
}
