//! Verdicts built by hand for the tests of the reports, written as the report writes them.

use crate::close::summary::{Damage, SourceSummary, Summary, Totals};
use crate::close::verdict::Verdict;
use crate::stamp::Time;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Seconds after 2026-11-21T02:00:00Z as the report writes times.
pub(super) fn at(millis: i64) -> String {
    Time(1_795_226_400_000_000_000 + millis * 1_000_000).rfc3339()
}

/// An event of a close.
pub(super) fn event(frame: u64, millis: i64, from: &str, what: &str, numbers: [u32; 3]) -> Value {
    let [seq, ack, len] = numbers;
    let ack = (ack != 0).then_some(ack);
    json!({"frame":frame,"time":at(millis),"from":from,"event":what,"seq":seq,"ack":ack,"len":len})
}

/// A graceful close by the client, with some fields replaced.
pub(super) fn verdict(flow: u64, changes: Value) -> Verdict {
    let mut base = json!({"schema":1,"flow":flow,"source":"a.pcap",
        "client":{"addr":"10.0.0.1","port":40000 + flow},"server":{"addr":"10.0.0.2","port":80},
        "roles_from":"syn","start":at(flow.cast_signed() * 10),"end":at(2040),
        "first_frame":1,"last_frame":11,"packets":{"client":6,"server":5},
        "payload_bytes":{"client":120,"server":5400},
        "outcome":"graceful","active_closer":"client","aborted_by":null,"abort_cause":null,
        "cause_confidence":null,"cause_alternatives":[],"final_ack":"seen","confidence":"certain",
        "reason":"The client's FIN (frame 8) does not cover the server's (frame 10), and both were acknowledged (frames 9 and 11).",
        "time_wait":[{"owner":"client","start":at(2040),"end":at(62_040),
            "ended_by":"capture-end","basis":"rule","confidence":"certain","restarts":0,
            "left_ns":840_000_000}],
        "final_states":{"client":"TIME-WAIT","server":"CLOSED"},
        "close":[event(8, 1000, "client", "fin", [121, 5401, 0]),
            event(9, 1020, "server", "fin-acked", [5401, 122, 0]),
            event(10, 2020, "server", "fin", [5401, 122, 0]),
            event(11, 2040, "client", "fin-acked", [122, 5402, 0])],
        "resets":[],"findings":[],"previous_flow":null,
        "wireshark_filter":"ip.addr == 192.0.2.1 && ip.addr == 192.0.2.2 && tcp.port == 40000 && tcp.port == 80 && frame.number >= 1 && frame.number <= 9","zeek":{"conn_state":"SF","history":"ShADadFf"}});
    let Value::Object(changes) = changes else {
        panic!("changes are an object");
    };
    for (name, value) in changes {
        base[name] = value;
    }
    serde_json::from_value(base).unwrap()
}

fn finding(code: &str, severity: &str, frames: &[u64], message: &str) -> Value {
    json!({"code":code,"severity":severity,"side":"server","frames":frames,
        "confidence":"likely","message":message,"data":{}})
}

/// The close ended without TIME-WAIT and without a second FIN.
fn ended(outcome: &str, closer: &str, confidence: &str, reason: &str) -> Value {
    json!({"outcome":outcome,"active_closer":closer,"confidence":confidence,"reason":reason,
        "final_ack":"none","time_wait":[],"final_states":{"client":"CLOSED","server":"CLOSED"},
        "close":[]})
}

fn with(mut base: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("changes are an object");
    };
    for (name, value) in changes {
        base[name] = value;
    }
    base
}

/// A verdict of every outcome, each different in what it shows.
pub(super) fn one_of_each() -> Vec<Verdict> {
    let all = opened().into_iter().chain(aborted()).chain(unfinished());
    all.enumerate()
        .map(|(i, changes)| verdict(i as u64, changes))
        .collect()
}

fn opened() -> Vec<Value> {
    vec![
        json!({}),
        json!({"outcome":"simultaneous","active_closer":"both",
            "reason":"Neither FIN (frames 8 and 9) covers the other.",
            "time_wait":[
                {"owner":"client","start":at(1030),"end":at(61_030),"ended_by":"expiry",
                 "basis":"minisocket","confidence":"certain","restarts":0},
                {"owner":"server","start":at(1030),"end":at(1200),"ended_by":"reset",
                 "basis":"rule","confidence":"likely","restarts":1}],
            "final_states":{"client":"CLOSED","server":"CLOSED"},
            "close":[event(8, 1000, "client", "fin", [121, 5401, 0]),
                event(9, 1010, "server", "fin", [5401, 121, 0]),
                event(10, 1030, "client", "fin-acked", [122, 5402, 0]),
                event(11, 1030, "server", "fin-acked", [5402, 122, 0]),
                event(12, 1100, "server", "fin-again", [5401, 122, 0]),
                event(13, 1110, "client", "time-wait-ack", [122, 5402, 0]),
                event(14, 1200, "client", "rst", [122, 0, 0])],
            "resets":[{"frame":14,"time":at(1200),"from":"client","form":"reply","fit":"exact",
                "fate":"ignored","copies":1}],
            "findings":[finding("time-wait-reset", "notice", &[14],
                "the RST of frame 14 ended the server's TIME-WAIT after 170 ms")]}),
        json!({"outcome":"final-ack-missing","confidence":"likely","final_ack":"never",
            "reason":"The server's FIN (frames 10, 12) was never acknowledged.",
            "client":{"addr":"2001:db8:1:2:3:4:5:6","port":65535},
            "server":{"addr":"2001:db8::1","port":443},
            "time_wait":[{"owner":"client","start":null,"end":null,"ended_by":"capture-end",
                "basis":"rule","confidence":"likely","restarts":0}],
            "final_states":{"client":"TIME-WAIT","server":"LAST-ACK"},
            "findings":[finding("last-ack-stuck", "warning", &[10, 12],
                "the server repeated its FIN (frames 10, 12) and met silence")]}),
    ]
}

fn aborted() -> Vec<Value> {
    let rst = |frame, from, form, copies| {
        json!([{"frame":frame,"time":at(1500),"from":from,"form":form,"fit":"exact",
            "fate":"effective","copies":copies}])
    };
    vec![
        with(
            ended(
                "aborted",
                "none",
                "certain",
                "The server aborted with an active RST (frame 9).",
            ),
            json!({"aborted_by":"server","abort_cause":"unread-data","cause_confidence":"likely",
                "cause_alternatives":["app-abort"],"resets":rst(9, "server", "active", 3),
                "close":[event(9, 1500, "server", "rst", [5401, 121, 0])]}),
        ),
        with(
            ended(
                "aborted-after-fin",
                "client",
                "likely",
                "The client's FIN (frame 8) was answered by a RST (frame 9).",
            ),
            json!({"aborted_by":"middlebox","abort_cause":"injected","cause_confidence":"possible",
                "resets":rst(9, "server", "reply", 1),
                "close":[event(8, 1000, "client", "fin", [121, 5401, 20]),
                    event(9, 1500, "server", "rst", [5401, 0, 0])],
                "findings":[finding("keepalive-race", "warning", &[7, 9],
                    "the request of frame 7 crossed the close")]}),
        ),
        with(
            ended(
                "refused",
                "none",
                "certain",
                "The SYN (frame 1) met a RST (frame 2).",
            ),
            json!({"aborted_by":"server","abort_cause":"refused","cause_confidence":"certain",
                "resets":rst(2, "server", "reply", 1),
                "close":[event(1, 0, "client", "syn", [0, 0, 0]),
                    event(2, 1500, "server", "rst", [0, 1, 0])]}),
        ),
    ]
}

fn unfinished() -> Vec<Value> {
    let states = |client, server| json!({"client":client,"server":server});
    vec![
        with(
            ended(
                "half-closed",
                "server",
                "likely",
                "Only the server closed (frame 8); the client acknowledged it (frame 9).",
            ),
            json!({"final_states":states("CLOSE-WAIT", "FIN-WAIT-2"),
                "close":[event(8, 1000, "server", "fin", [5401, 121, 0]),
                    event(9, 1020, "client", "fin-acked", [121, 5402, 0])],
                "findings":[finding("close-wait-leak", "warning", &[8, 9],
                    "the client received the FIN and did not close for 300 s")]}),
        ),
        with(
            ended(
                "fin-unacked",
                "client",
                "possible",
                "The client's FIN (frame 8) met silence.",
            ),
            json!({"final_states":states("FIN-WAIT-1", "ESTABLISHED"),
                "close":[event(8, 1000, "client", "fin", [121, 5401, 0])]}),
        ),
        with(
            ended(
                "unanswered",
                "none",
                "likely",
                "No answer to the SYN (frames 1, 2, 3).",
            ),
            json!({"final_states":states("SYN-SENT", "unknown"),
                "packets":{"client":3,"server":0},
                "close":[{"frame":1,"time":at(0),"from":"client","event":"syn","seq":0,
                    "ack":null,"len":0}]}),
        ),
        with(
            ended(
                "handshake-incomplete",
                "none",
                "likely",
                "The client never acknowledged the SYN-ACK (frame 2).",
            ),
            json!({"final_states":states("SYN-SENT", "SYN-RECEIVED")}),
        ),
        with(
            ended(
                "open",
                "none",
                "likely",
                "No FIN and no RST until the capture ends.",
            ),
            json!({"final_states":states("ESTABLISHED", "ESTABLISHED")}),
        ),
        with(
            ended(
                "indeterminate",
                "unknown",
                "possible",
                "Only one direction was captured.",
            ),
            json!({"start":null,"final_states":states("unknown", "ESTABLISHED"),
                "findings":[finding("capture-one-direction", "notice", &[1],
                    "no frame of the client was captured")]}),
        ),
    ]
}

/// The summary of these verdicts in a capture of 145 frames.
pub(super) fn summary(verdicts: &[Verdict]) -> Summary {
    let mut totals = Totals::default();
    for verdict in verdicts {
        totals.add(verdict);
    }
    let mut source = SourceSummary::new("a.pcap".into());
    source.frames = 145;
    source.bytes = 18_300;
    source.link_types = vec!["EN10MB".to_owned()];
    source.start = Some(Time(1_795_226_400_000_000_000));
    source.end = Some(Time(1_795_226_461_200_000_000));
    source.damage = vec![Damage::new(
        146,
        18_300,
        "the record is cut: 10 of 54 bytes",
    )];
    let not_decoded = BTreeMap::from([("arp".to_owned(), 3), ("udp".to_owned(), 12)]);
    totals.summary(vec![source], not_decoded)
}
