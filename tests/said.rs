//! What the applications said last: on captures of real servers with their truth, and as laws on
//! conversations cut into segments anywhere.

mod support;

use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use support::testdata;
use whoclosed::close::finding::Code;
use whoclosed::close::judge;
use whoclosed::close::verdict::{Finding, Verdict};
use whoclosed::flow::FlowTable;
use whoclosed::packet::{End, Flags, Said, Segment};
use whoclosed::seq::SeqNum;
use whoclosed::stamp::{MILLISECOND, Stamp, Time};
use whoclosed::{Options, analyze};

const POINTS: [&str; 3] = ["client", "mid", "server"];

/// The flows of a capture by the client's port.
fn by_port(bytes: &[u8], options: &Options) -> BTreeMap<u64, Verdict> {
    let flows = analyze(bytes, options).expect("a capture");
    flows.map(|v| (u64::from(v.client.port), v)).collect()
}

/// What the truth says of each flow, with the verdict on it, at each point of a scenario.
fn each(name: &str, mut check: impl FnMut(&str, &Value, &Verdict)) {
    let folder = testdata("questions");
    let truth = fs::read(folder.join(format!("{name}.truth.json"))).expect("readable");
    let truth: Value = serde_json::from_slice(&truth).expect("JSON");
    let mut checked = 0;
    for point in POINTS {
        let Some(file) = truth["captures"][point]["file"].as_str() else {
            continue;
        };
        let bytes = fs::read(folder.join(file)).expect("readable");
        let verdicts = by_port(&bytes, &Options::default());
        for flow in truth["answer"]["flows"].as_array().expect("flows") {
            let port = flow["client_port"].as_u64().expect("a port");
            check(point, flow, &verdicts[&port]);
            checked += 1;
        }
    }
    assert!(checked >= 4, "{name}: {checked}");
}

fn finding(verdict: &Verdict, code: Code) -> Option<&Finding> {
    verdict.findings.iter().find(|f| f.code == code)
}

#[test]
fn the_request_in_flight_is_named() {
    for name in ["http-in-flight", "http-complete"] {
        each(name, |point, truth, verdict| {
            let expected = &truth["in_flight"];
            let frame = &expected["frame"];
            let passed = frame.is_null() || !frame[point].is_null();
            let what = format!("{name} {point}: {}", truth["what"]);
            let Some(found) = verdict.in_flight.as_ref() else {
                assert!(expected.is_null() || !passed, "{what}");
                assert!(
                    finding(verdict, Code::RequestUnanswered).is_none(),
                    "{what}"
                );
                return;
            };
            assert_eq!(expected["method"], found.method, "{what}");
            assert_eq!(expected["path"], found.path, "{what}");
            assert_eq!(expected["acknowledged"], found.acknowledged, "{what}");
            assert!(frame.is_null() || frame[point] == found.frame, "{what}");
            assert_eq!(
                expected["status"].as_u64(),
                found.status.map(u64::from),
                "{what}"
            );
            let finding = finding(verdict, Code::RequestUnanswered).expect("a finding");
            assert_eq!(finding.frames[0], found.frame, "{what}");
            let named = format!(
                "the request in frame {} ({} {})",
                found.frame, found.method, found.path
            );
            assert!(
                verdict.reason.contains(&named),
                "{what}: {}",
                verdict.reason
            );
        });
    }
}

#[test]
fn an_announced_close_is_told() {
    each("http-connection-close", |point, truth, verdict| {
        let of = |side: &str, key: &str| {
            let is_close = truth[key] == "close";
            is_close.then(|| truth[side][point]["frame"].as_u64().expect("a frame"))
        };
        let asked = of("request", "asked_by_client");
        let announced = of("response", "announced_by_server");
        let found = finding(verdict, Code::CloseAnnounced);
        let data = |key: &str| found.and_then(|f| f.data.get(key)).and_then(Value::as_u64);
        assert_eq!(
            (data("asked_in_frame"), data("announced_in_frame")),
            (asked, announced)
        );
        if let Some(frame) = announced {
            let words = format!("the server announced it: Connection: close in frame {frame}");
            let found = found.expect("a finding");
            assert!(found.message.ends_with(&words), "{}", found.message);
            assert!(verdict.reason.ends_with(&words), "{}", verdict.reason);
        }
        let application = verdict.application.as_ref().expect("it speaks");
        assert_eq!(application.protocol, "HTTP/1");
        let words = &application.server.as_ref().expect("a response").words;
        let field = truth["announced_by_server"].as_str();
        let expected = field.map(|field| format!("status 200, Connection: {field}"));
        assert_eq!(*words, expected.unwrap_or_else(|| "status 200".to_owned()));
    });
}

#[test]
fn goaway_is_told_with_its_error() {
    for name in ["h2c-goaway", "h2c-goaway-nginx"] {
        each(name, |point, truth, verdict| {
            let frame = truth["goaway"][point]["frame"].as_u64().expect("a frame");
            let found = finding(verdict, Code::Goaway).expect("a finding");
            assert_eq!(found.frames[..], [frame], "{name} {point}");
            assert_eq!(truth["goaway_by"], found.side.expect("a side").name());
            assert_eq!(found.data["error_code"], truth["error_code"]);
            assert_eq!(found.data["error"], truth["error"]);
            assert_eq!(found.data["last_stream"], truth["last_stream_id"]);
            assert_eq!(
                verdict.application.as_ref().expect("it speaks").protocol,
                "HTTP/2"
            );
            assert_eq!(verdict.in_flight, None);
        });
    }
}

#[test]
fn alerts_are_told_and_read_where_they_are_clear() {
    for (name, version) in [("tls12-close", "TLS 1.2"), ("tls13-close", "TLS 1.3")] {
        each(name, |point, truth, verdict| {
            for side in ["client", "server"] {
                let frame = truth["alert"][side][point]["frame"].as_u64();
                let of_side = |f: &&Finding| {
                    f.code == Code::TlsAlert && f.side.is_some_and(|s| s.name() == side)
                };
                let found = verdict.findings.iter().find(of_side);
                let what = format!("{name} {point} {}: {side}", truth["client_port"]);
                assert_eq!(found.map(|f| f.frames[0]), frame, "{what}");
                let clear = &truth["clear_alert"];
                let Some(found) = found else { continue };
                let is_clear = clear["by"] == side;
                assert_eq!(found.data["encrypted"], !is_clear, "{what}");
                if is_clear {
                    for key in ["level", "description", "name"] {
                        assert_eq!(found.data[key], clear[key], "{what}");
                    }
                }
            }
            let chosen = &verdict.application.as_ref().expect("it speaks").protocol;
            let refused = truth["clear_alert"]["name"] == "protocol_version";
            assert_eq!(chosen, if refused { "TLS" } else { version });
        });
    }
}

#[test]
fn tls_1_3_is_told_to_hide_its_last_words() {
    let told = |name: &str| {
        let bytes =
            fs::read(testdata(&format!("questions/{name}-close.mid.pcap"))).expect("readable");
        let verdicts = by_port(&bytes, &Options::default());
        let mut out = Vec::new();
        whoclosed::report::explain::json(&mut out, &verdicts[&45001], 1).expect("written");
        String::from_utf8(out)
            .expect("text")
            .contains("TLS 1.3 hides")
    };
    assert!(told("tls13") && !told("tls12"));
}

#[test]
fn nothing_is_said_where_payloads_are_not_looked_at() {
    let bytes = fs::read(testdata("questions/http-in-flight.mid.pcap")).expect("readable");
    let mut options = Options::default();
    options.no_payload = true;
    let heard = by_port(&bytes, &Options::default());
    for (port, mut verdict) in by_port(&bytes, &options) {
        assert!(verdict.in_flight.is_none() && verdict.application.is_none());
        // All else is the same.
        let mut other = heard[&port].clone();
        assert!(other.application.is_some() && other.reason.starts_with(&verdict.reason));
        (other.in_flight, other.application) = (None, None);
        other.findings.retain(|f| f.code != Code::RequestUnanswered);
        other.reason.clone_from(&verdict.reason);
        verdict
            .findings
            .retain(|f| f.code != Code::RequestUnanswered);
        assert_eq!(verdict, other);
    }
}

#[test]
fn a_path_is_cut_and_can_be_printed() {
    let path = format!("/\x1b[2J{}", "x".repeat(300));
    let talk = [(false, format!("GET {path} HTTP/1.1\r\n\r\n").into_bytes())];
    let verdict = told(&talk, &[], Ending::Reset);
    let found = verdict.in_flight.expect("a request").path;
    assert!(
        found.starts_with("/\\x1b[2Jxxx") && found.ends_with("x.."),
        "{found}"
    );
    assert!(found.len() < 80 && !verdict.reason.contains('\x1b'));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Reset,
    Closed,
}

/// The verdict on a conversation: who says what (the server, or not), cut into segments so long; every
/// segment twice where a cut is odd.
fn told(talk: &[(bool, Vec<u8>)], cuts: &[usize], ending: Ending) -> Verdict {
    let mut line = Line::default();
    let mut cuts = cuts.iter().copied().cycle();
    line.send(false, Flags::SYN, &[]);
    line.send(true, Flags::SYN.with(Flags::ACK), &[]);
    line.send(false, Flags::ACK, &[]);
    for (server, bytes) in talk {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let cut = cuts.next().unwrap_or(1400).clamp(1, rest.len());
            let (part, more) = rest.split_at(cut);
            line.send(*server, Flags::ACK, part);
            if cut % 2 == 1 {
                line.repeat(*server, part);
            }
            line.send(!*server, Flags::ACK, &[]);
            rest = more;
        }
    }
    match ending {
        Ending::Reset => line.send(true, Flags::RST.with(Flags::ACK), &[]),
        Ending::Closed => {
            line.send(true, Flags::ACK.with(Flags::FIN), &[]);
            line.send(false, Flags::ACK.with(Flags::FIN), &[]);
            line.send(true, Flags::ACK, &[]);
        }
    }
    line.table.finish();
    let due = line.table.due(Time::default()).expect("a flow");
    let flow = line.table.facts(&due).expect("facts");
    judge(flow, support::context(flow.last), &"talk".into())
}

/// A connection that loses nothing.
#[derive(Default)]
struct Line {
    table: FlowTable,
    frame: u64,
    next: [u32; 2],
}

impl Line {
    fn send(&mut self, server: bool, flags: Flags, payload: &[u8]) {
        let from = usize::from(server);
        let seq = self.next[from];
        self.put(server, seq, flags, payload);
        let control = u32::from(flags.syn()) + u32::from(flags.fin());
        self.next[from] = seq + payload.len() as u32 + control;
    }

    fn repeat(&mut self, server: bool, payload: &[u8]) {
        let seq = self.next[usize::from(server)] - payload.len() as u32;
        self.put(server, seq, Flags::ACK, payload);
    }

    fn put(&mut self, server: bool, seq: u32, flags: Flags, payload: &[u8]) {
        let ends = [End::v4([10, 0, 0, 1], 40000), End::v4([10, 0, 0, 2], 80)];
        let from = usize::from(server);
        let segment = Segment {
            src: ends[from],
            dst: ends[from ^ 1],
            seq: SeqNum(seq),
            ack: SeqNum(self.next[from ^ 1]),
            len: payload.len() as u32,
            flags,
            ttl: 64,
            ..Segment::default()
        };
        self.frame += 1;
        let time = Time(self.frame.cast_signed() * MILLISECOND);
        let at = Stamp {
            frame: self.frame,
            time,
        };
        match Said::read(payload, segment.len) {
            Some(said) => self.table.push_said(&segment, said, at),
            None => self.table.push(&segment, at),
        }
    }
}

/// A request and its response, and whether there is a body in chunks.
fn exchange(number: usize, kind: usize) -> [Vec<u8>; 2] {
    let get = |method: &str| format!("{method} /{number} HTTP/1.1\r\nHost: a\r\n\r\n");
    let (request, response) = match kind {
        0 => (get("GET"), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456\r\n\n".to_owned()),
        1 => (get("HEAD"), "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n".to_owned()),
        2 => (get("GET"), "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n".to_owned()),
        3 => (get("GET"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n2\r\n\r\n\r\n0\r\n\r\n".to_owned()),
        4 => (
            format!("POST /{number} HTTP/1.1\r\nContent-Length: 8\r\n\r\nGET / \r\n"),
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n".to_owned(),
        ),
        _ => (get("DELETE"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n".to_owned()),
    };
    [request.into_bytes(), response.into_bytes()]
}

/// The conversation, its last response cut to so many per cent, and whether that is whole.
fn exchanges(kinds: &[usize], pipelined: bool, kept: usize) -> (Vec<(bool, Vec<u8>)>, bool) {
    let mut all: Vec<[Vec<u8>; 2]> = kinds
        .iter()
        .enumerate()
        .map(|(n, &k)| exchange(n, k))
        .collect();
    let [_, last] = all.last_mut().expect("an exchange");
    let whole = last.len();
    last.truncate(whole * kept / 100);
    let is_whole = last.len() == whole;
    let talk = if pipelined {
        let [requests, responses] = [0, 1].map(|i| all.iter().flat_map(|e| e[i].clone()).collect());
        vec![(false, requests), (true, responses)]
    } else {
        let both = all.into_iter().flat_map(|[a, b]| [(false, a), (true, b)]);
        both.collect()
    };
    (talk, is_whole)
}

#[test]
fn requests_that_were_not_seen_may_wait_before_the_last() {
    // The second and the third do not begin a segment: the first response is not to the fourth.
    let (talk, _) = exchanges(&[5, 5, 2, 0], true, 100);
    let verdict = told(&talk, &[25, 1, 1, 60, 3, 40, 47], Ending::Closed);
    assert_eq!(verdict.in_flight, None);
    // The first does not begin one.
    let (talk, _) = exchanges(&[1, 4, 2], true, 100);
    let verdict = told(&talk, &[5, 1, 5, 25, 40, 40, 40], Ending::Closed);
    assert_eq!(verdict.in_flight, None);
    // The third response of four is the first after some that were not seen to end.
    let (talk, _) = exchanges(&[3, 2, 3, 0], true, 100);
    let verdict = told(&talk, &[1400, 47, 5, 5, 2, 47, 2, 47], Ending::Closed);
    assert_eq!(verdict.in_flight, None);
    // Where nothing at all follows the last one, nothing of that matters.
    let (talk, _) = exchanges(&[5, 5, 2, 0], true, 0);
    let requests = &talk[..1];
    let verdict = told(requests, &[25, 1, 1, 60, 3, 40, 47], Ending::Closed);
    assert_eq!(verdict.in_flight.expect("a request").path, "/3");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// However it is cut into segments: the request in flight is the one that is, or none is named.
    #[test]
    fn no_request_is_called_unanswered_that_is_not(
        kinds in prop::collection::vec(0_usize..6, 1..5),
        pipelined in prop::sample::select(vec![false, false, true]),
        kept in prop::sample::select(vec![0, 30, 60, 95, 99, 100, 100]),
        cuts in prop::collection::vec(prop::sample::select(vec![1_usize, 2, 3, 5, 17, 24, 25, 40, 47, 60, 1400, 1400]), 1..12),
        reset: bool,
    ) {
        let (talk, is_whole) = exchanges(&kinds, pipelined, kept);
        let ending = if reset { Ending::Reset } else { Ending::Closed };
        let verdict = told(&talk, &cuts, ending);
        if let Some(found) = &verdict.in_flight {
            prop_assert!(!is_whole, "{found:?}");
            prop_assert_eq!(&found.path, &format!("/{}", kinds.len() - 1));
        } else if cuts == [1400] && !pipelined && [0, 95].contains(&kept) && kinds.ends_with(&[0]) {
            prop_assert!(is_whole, "what begins a segment is understood");
        }
    }

    /// Whatever the bytes are.
    #[test]
    fn any_payload_is_read(
        begin in prop::sample::select(vec![
            "", "GET / HTTP/1.1\r\n", "HTTP/1.1 200 \r\n", "HTTP/1.1 200 \r\ntransfer-encoding:chunked\r\n\r\n",
            "PRI * HTTP/2.0", "\x16\x03\x03\x00\x40\x02", "\x15\x03\x03\x00\x02", "\x00\x00\x08\x07",
            "POST http://a HTTP/1.0\r\ncontent-length: 18446744073709551615\r\n\r\n",
        ]),
        mut bytes in prop::collection::vec(prop::sample::select(vec![0_u8, 1, 2, 3, 7, 10, 13, 21, 22, 32, 43, 47, 48, 57, 58, 70, 255]), 0..120),
        longer in 0_u32..3,
    ) {
        bytes.splice(0..0, begin.bytes());
        let len = bytes.len() as u32 + longer;
        let said = Said::read(&bytes, len);
        prop_assert_eq!(said, Said::read(&bytes, len));
        let Some(Said::Requests(requests)) = said else { return Ok(()) };
        let path = requests.last.path.to_string();
        prop_assert!(path.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "{}", path);
        prop_assert!(requests.last.begin < len && requests.count > 0);
    }
}
