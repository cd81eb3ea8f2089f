//! The columns of the log.

use crate::close::community_id::CommunityId;
use crate::close::verdict::{AbortCause, AbortedBy, Confidence, Verdict};
use crate::report::zeek::cell::Row;
use sha1::{Digest, Sha1};

/// A column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    /// Its name.
    pub(super) name: &'static str,
    /// Zeek's type of its values.
    pub(super) kind: &'static str,
    /// Writes its value.
    pub(super) write: fn(&Verdict, &mut Row),
}

const fn column(name: &'static str, kind: &'static str, write: fn(&Verdict, &mut Row)) -> Column {
    Column { name, kind, write }
}

/// Those of conn.log in Zeek's order (base/protocols/conn/main.zeek), then the others.
pub(super) const COLUMNS: &[Column] = &[
    column("ts", "time", |v, to| to.time(v.start)),
    column("uid", "string", |v, to| to.string(&uid(v))),
    column("id.orig_h", "addr", |v, to| to.plain(v.client.addr)),
    column("id.orig_p", "port", |v, to| to.plain(v.client.port)),
    column("id.resp_h", "addr", |v, to| to.plain(v.server.addr)),
    column("id.resp_p", "port", |v, to| to.plain(v.server.port)),
    column("proto", "enum", |_, to| to.string("tcp")),
    column("service", "string", |v, to| to.name(service(v))),
    column("duration", "interval", |v, to| to.interval(duration(v))),
    column("orig_bytes", "count", |v, to| {
        to.maybe(duration(v).map(|_| v.payload_bytes.client));
    }),
    column("resp_bytes", "count", |v, to| {
        to.maybe(duration(v).map(|_| v.payload_bytes.server));
    }),
    column("conn_state", "string", |v, to| {
        to.string(v.zeek.conn_state.name());
    }),
    column("local_orig", "bool", |_, to| to.unset()),
    column("local_resp", "bool", |_, to| to.unset()),
    column("missed_bytes", "count", |_, to| to.unset()),
    column("history", "string", |v, to| {
        let history = v.zeek.history.as_str();
        to.name((!history.is_empty()).then_some(history));
    }),
    column("orig_pkts", "count", |v, to| to.plain(v.packets.client)),
    column("orig_ip_bytes", "count", |_, to| to.unset()),
    column("resp_pkts", "count", |v, to| to.plain(v.packets.server)),
    column("resp_ip_bytes", "count", |_, to| to.unset()),
    column("tunnel_parents", "set[string]", |_, to| to.unset()),
    column("community_id", "string", |v, to| {
        to.plain(CommunityId::of(v.client, v.server));
    }),
    column("source", "string", |v, to| to.string(&v.source)),
    column("flow", "count", |v, to| to.plain(v.flow)),
    column("previous_flow", "count", |v, to| to.maybe(v.previous_flow)),
    column("first_frame", "count", |v, to| to.plain(v.first_frame)),
    column("last_frame", "count", |v, to| to.plain(v.last_frame)),
    column("roles_from", "string", |v, to| {
        to.string(v.roles_from.name());
    }),
    column("outcome", "string", |v, to| to.string(v.outcome.name())),
    column("active_closer", "string", |v, to| {
        to.string(v.active_closer.name());
    }),
    column("aborted_by", "string", |v, to| {
        to.name(v.aborted_by.map(AbortedBy::name));
    }),
    column("abort_cause", "string", |v, to| {
        to.name(v.abort_cause.map(AbortCause::name));
    }),
    column("cause_confidence", "string", |v, to| {
        to.name(v.cause_confidence.map(Confidence::name));
    }),
    column("final_ack", "string", |v, to| to.string(v.final_ack.name())),
    column("confidence", "string", |v, to| {
        to.string(v.confidence.name());
    }),
    column("time_wait", "vector[string]", |v, to| {
        to.names(v.time_wait.iter().map(|wait| wait.owner.name()));
    }),
    column("orig_state", "string", |v, to| {
        to.string(v.final_states.client.name());
    }),
    column("resp_state", "string", |v, to| {
        to.string(v.final_states.server.name());
    }),
    column("findings", "vector[string]", |v, to| {
        to.names(v.findings.iter().map(|finding| finding.code.name()));
    }),
    column("reason", "string", |v, to| to.string(&v.reason)),
];

/// From the first packet to the last, in nanoseconds. Zeek leaves it out, and the bytes with it,
/// where there is nothing between the two.
fn duration(verdict: &Verdict) -> Option<i64> {
    let nanos = verdict.end?.since(verdict.start?);
    (nanos > 0).then_some(nanos)
}

/// Zeek's name of what the applications speak, if that was seen.
fn service(verdict: &Verdict) -> Option<&'static str> {
    let protocol = verdict.application.as_ref()?.protocol.as_str();
    match protocol.get(..3)? {
        "TLS" => Some("ssl"),
        "HTT" if protocol == "HTTP/1" => Some("http"),
        _ => None,
    }
}

/// A name as Zeek's are: `C` and 96 bits as letters and digits. Zeek's are random; these are the same
/// each time the same capture is read.
fn uid(verdict: &Verdict) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut hash = Sha1::new();
    hash.update(CommunityId::of(verdict.client, verdict.server).to_string());
    hash.update(verdict.start.map_or(0, |start| start.0).to_be_bytes());
    hash.update(verdict.first_frame.to_be_bytes());
    let digest: [u8; 20] = hash.finalize().into();
    let mut bits = digest
        .iter()
        .take(12)
        .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    let mut uid = String::from("C");
    for _ in 0..17 {
        let digit = DIGITS.get((bits % 62) as usize).copied();
        uid.push(char::from(digit.unwrap_or(b'0')));
        bits /= 62;
    }
    uid
}
