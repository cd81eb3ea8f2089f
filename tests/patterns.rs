//! What many flows show together: figures against the truth of the lab's captures.

mod support;

use serde_json::Value;
use std::fs;
use whoclosed::close::finding::{Code, Severity};
use whoclosed::close::summary::Summary;
use whoclosed::close::vantage::Point;
use whoclosed::close::verdict::{Side, SilenceEnd, Verdict};
use whoclosed::patterns::Diagnosis;
use whoclosed::{Options, analyze};

/// What is said of a capture.
struct Told {
    verdicts: Vec<Verdict>,
    diagnoses: Vec<Diagnosis>,
    summary: Summary,
}

impl Told {
    fn of(below: &str) -> Self {
        let bytes = fs::read(support::testdata(below)).expect("readable");
        let mut analysis = analyze(&*bytes, &Options::default()).expect("a capture");
        let verdicts: Vec<Verdict> = analysis.by_ref().collect();
        Self {
            verdicts,
            diagnoses: analysis.diagnoses(),
            summary: analysis.summary(),
        }
    }

    fn question(name: &str) -> Self {
        Self::of(&format!("questions/{name}.pcap"))
    }

    fn all(&self, code: &str) -> Vec<&Diagnosis> {
        self.diagnoses.iter().filter(|d| d.code == code).collect()
    }

    fn one(&self, code: &str) -> &Diagnosis {
        let all = self.all(code);
        assert_eq!(all.len(), 1, "{code}: {:?}", self.sentences());
        all[0]
    }

    fn sentences(&self) -> Vec<&str> {
        self.diagnoses.iter().map(|d| d.message.as_str()).collect()
    }

    fn by_client_port(&self, port: u64) -> &Verdict {
        let found = self
            .verdicts
            .iter()
            .find(|v| u64::from(v.client.port) == port);
        found.expect("a flow of that port")
    }

    fn worst(&self) -> Option<Severity> {
        self.diagnoses.iter().map(|d| d.severity).max()
    }
}

fn truth(name: &str) -> Value {
    let path = support::testdata(&format!("questions/{name}.truth.json"));
    let text = fs::read_to_string(path).expect("readable");
    serde_json::from_str::<Value>(&text).expect("JSON")["answer"].clone()
}

fn flows(of: &Value) -> impl Iterator<Item = &Value> {
    of.as_array().expect("a list").iter()
}

#[expect(clippy::cast_precision_loss, reason = "seconds")]
fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

/// Within one in a hundred.
fn close_to(value: f64, truth: &Value) -> bool {
    let truth = truth.as_f64().expect("a number");
    (value - truth).abs() <= 0.01 * truth
}

/// The silences of these flows, at a point, before their FIN or the request that met a RST.
fn silences_are(name: &str, point: &str, list: &str, end: SilenceEnd) {
    let told = Told::question(&format!("{name}.{point}"));
    for flow in flows(&truth(name)[list]) {
        let verdict = told.by_client_port(flow["client_port"].as_u64().expect("a port"));
        let idle = &flow["idle"][point];
        if idle.is_null() {
            continue;
        }
        let expected = idle["since_data_s"].as_f64().expect("seconds");
        let Some(silence) = &verdict.silence else {
            assert!(expected < 1.0, "{name} {point}: {flow}");
            continue;
        };
        let at = format!("{name} {point} {silence:?} {idle}");
        assert_eq!(silence.how, end, "{at}");
        assert_eq!(Value::from(silence.frame), idle["frame"], "{at}");
        assert!(
            close_to(seconds(silence.nanos()), &idle["since_data_s"]),
            "{at}"
        );
        let finding = verdict
            .findings
            .iter()
            .find(|f| f.code == Code::IdleTimeoutClose);
        let finding = finding.expect("a finding");
        assert!(close_to(
            finding.data["seconds"].as_f64().unwrap(),
            &idle["since_data_s"]
        ));
        assert_eq!(finding.side, Some(silence.by));
    }
}

#[test]
fn silences_before_a_close_are_measured_at_every_point() {
    for point in ["client", "mid", "server"] {
        silences_are("idle-timeout-server", point, "flows", SilenceEnd::Fin);
        silences_are(
            "idle-timeout-server",
            point,
            "other_closes",
            SilenceEnd::Fin,
        );
    }
    for point in ["client", "mid"] {
        silences_are("idle-timeout-nginx", point, "flows", SilenceEnd::Fin);
        silences_are("idle-timeout-redis", point, "flows", SilenceEnd::Fin);
        silences_are("idle-host-forgot", point, "flows", SilenceEnd::Forgotten);
    }
    silences_are("idle-box-rst", "client", "flows", SilenceEnd::Forgotten);
}

#[test]
fn what_is_forgotten_without_a_word_is_told_too() {
    let told = Told::question("idle-box-silent.client");
    let box_ = told.one("forgotten-while-idle");
    assert_eq!((box_.flows, &box_.data["how"]), (5, &"unanswered".into()));
    let first = truth("idle-box-silent")["flows"][0].clone();
    let silence = told.by_client_port(45101).silence.expect("a silence");
    assert_eq!(silence.how, SilenceEnd::Unanswered);
    assert_eq!(
        Value::from(silence.frame),
        first["request"]["client"]["frame"]
    );
    let expected = &first["idle"]["client"]["since_data_s"];
    assert!(close_to(seconds(silence.nanos()), expected));
    assert!(told.all("healthy").is_empty());
}

#[test]
fn a_shut_window_is_not_healthy() {
    let told = Told::question("fin-wait-1-zero-window.mid");
    assert_eq!(told.one("window-shut").severity, Severity::Warning);
}

#[test]
fn equal_silences_are_one_timeout() {
    for point in ["client", "mid", "server"] {
        let told = Told::question(&format!("idle-timeout-server.{point}"));
        let timeout = told.one("idle-timeout");
        assert_eq!(timeout.flows, 14);
        assert!(close_to(
            timeout.data["median_seconds"].as_f64().unwrap(),
            &5.0.into()
        ));
        assert_eq!(timeout.data["closer"], "server");
        assert_eq!(timeout.data["port"], 80);
        assert!(
            timeout.message.contains("KeepAliveTimeout"),
            "{}",
            timeout.message
        );
    }
}

#[test]
fn a_timer_looked_at_now_and_then_is_told_as_a_range() {
    let told = Told::question("idle-timeout-redis.mid");
    let timeout = told.one("idle-timeout");
    assert_eq!(timeout.flows, 6);
    assert!(timeout.data["least_seconds"].as_f64().unwrap() >= 2.0);
    assert!(timeout.data["most_seconds"].as_f64().unwrap() <= 3.1);
}

#[test]
fn well_known_timeouts_are_named() {
    let told = Told::question("idle-known");
    let names = ["nginx", "Apache", "Application Load", "Azure"];
    let services = truth("idle-known")["services"].clone();
    for (service, name) in flows(&services).zip(names) {
        let port = &service["service_port"];
        let all = told.all("idle-timeout");
        let own = all.iter().find(|d| d.data["port"] == *port);
        let own = own.expect("its timeout");
        assert_eq!(own.flows, service["count"].as_u64().unwrap());
        assert!(close_to(
            own.data["median_seconds"].as_f64().unwrap(),
            &service["idle_timeout_s"]
        ));
        assert!(own.message.contains(name), "{}", own.message);
    }
    let box_ = told.one("forgotten-while-idle");
    assert_eq!(box_.flows, 5);
    for (key, seconds) in [("survived_seconds", 349.0), ("least_seconds", 351.0)] {
        assert!(close_to(box_.data[key].as_f64().unwrap(), &seconds.into()));
    }
    assert!(box_.message.contains("Network Load Balancer"));
}

#[test]
fn what_was_forgotten_lies_between_two_silences() {
    let told = Told::question("idle-box-rst.client");
    let box_ = told.one("forgotten-while-idle");
    let bounds = truth("idle-box-rst")["known_bounds_s"].clone();
    assert_eq!(box_.flows, 5);
    assert!(close_to(
        box_.data["survived_seconds"].as_f64().unwrap(),
        &bounds[0]
    ));
    assert!(close_to(
        box_.data["least_seconds"].as_f64().unwrap(),
        &bounds[1]
    ));
    assert_eq!(box_.severity, Severity::Warning);
}

#[test]
fn a_race_is_told_once_with_the_idle_seconds() {
    let told = Told::question("keepalive-race.mid");
    let race = told.one("keepalive-race");
    assert_eq!(race.flows, 5);
    assert_eq!(race.severity, Severity::Warning);
    assert!(told.all("data-after-close").is_empty());
    assert!(told.all("owner-gone").is_empty());
}

#[test]
fn growing_close_wait_is_counted() {
    let truth = truth("close-wait-leak-growing");
    for point in ["client", "mid", "server"] {
        let told = Told::question(&format!("close-wait-leak-growing.{point}"));
        let leak = told.one("close-wait-leak");
        assert_eq!(Value::from(leak.flows), truth["leaks"]);
        assert_eq!(leak.data["server"], truth["leaks"]);
        let longest = &truth["flows"][0]["dwell_s"][point];
        assert!(close_to(
            leak.data["most_seconds"].as_f64().unwrap(),
            longest
        ));
        assert_eq!(leak.data["waits_for_itself"], 0);
    }
}

#[test]
fn a_service_that_waits_for_itself_is_named() {
    for point in ["any", "any-double"] {
        let told = Told::question(&format!("waits-for-itself.{point}"));
        let leak = told.one("close-wait-leak");
        assert_eq!((leak.flows, &leak.data["waits_for_itself"]), (6, &6.into()));
        assert!(leak.message.contains("waits for itself"));
    }
}

#[test]
fn the_hops_of_a_proxy_are_told_apart() {
    for name in ["proxy-no-pool", "proxy-pool", "proxy-haproxy"] {
        let truth = truth(name);
        for point in ["any", "any-double"] {
            let told = Told::question(&format!("{name}.{point}"));
            let proxy = told.one("proxy");
            let (front, back) = (&proxy.data["front"], &proxy.data["back"]);
            let at = format!("{name}.{point}: {}", proxy.message);
            assert_eq!(front["addr"], truth["front"]["service"][0], "{at}");
            assert_eq!(front["port"], truth["front"]["service"][1], "{at}");
            assert_eq!(front["connections"], truth["front"]["connections"], "{at}");
            assert_eq!(back["port"], truth["back"]["service"][1], "{at}");
            assert_eq!(back["connections"], truth["back"]["connections"], "{at}");
            let fins = ["client", "server", "both", "none"];
            for side in fins {
                let expected = &truth["back"]["first_fin"][side];
                assert_eq!(&back["first_fin"][side], expected, "{side} {at}");
            }
            assert_eq!(told.summary.vantage.point, Point::Server, "{at}");
        }
    }
}

#[test]
fn a_connection_for_each_request_is_a_habit() {
    let told = Told::question("proxy-no-pool.any");
    assert_eq!(told.one("connection-per-request").flows, 20);
    assert!(
        Told::question("proxy-pool.any")
            .all("connection-per-request")
            .is_empty()
    );
    let (told, truth) = (
        Told::question("time-wait-pile.mid"),
        truth("time-wait-pile"),
    );
    let habit = told.one("connection-per-request");
    assert_eq!(Value::from(habit.flows), truth["connections"]);
    assert_eq!(
        habit.data["service"]["time_waits"]["client"],
        truth["connections"]
    );
    assert!(close_to(
        habit.data["per_second"].as_f64().unwrap(),
        &truth["rate_per_s"]
    ));
    let local = Told::question("loopback-reuse.any-double");
    assert!(local.one("loopback").data["doubled"].as_u64().unwrap() > 0);
}

#[test]
fn health_is_told_in_one_line() {
    let told = Told::question("healthy-300.mid");
    assert_eq!(told.diagnoses[0].code, "healthy");
    assert_eq!(
        told.diagnoses[0].message,
        "300 connections, all closed in order; nothing to do"
    );
    assert_eq!(told.worst(), Some(Severity::Info));
    let (told, truth) = (
        Told::question("regression-300.mid"),
        truth("regression-300"),
    );
    assert!(told.all("healthy").is_empty());
    let leak = told.one("close-wait-leak");
    assert_eq!(Value::from(leak.flows), truth["never_closed_by_server"]);
    let aborts = told
        .diagnoses
        .iter()
        .filter(|d| d.code == "app-abort" || d.code == "unread-data");
    let aborts: u64 = aborts.map(|d| d.data["server"].as_u64().unwrap_or(0)).sum();
    assert_eq!(Value::from(aborts), truth["aborted_by_server"]);
}

#[test]
fn diagnoses_stand_in_order_and_name_a_flow() {
    for path in support::files("questions", &[".pcap"]) {
        let told = Told::question(support::file_name(&path).trim_end_matches(".pcap"));
        let all = &told.diagnoses;
        assert!(!all.is_empty(), "{}", path.display());
        assert!(
            all.is_sorted_by(|a, b| a.severity >= b.severity),
            "{}",
            path.display()
        );
        for diagnosis in all {
            let mut numbers = told.verdicts.iter().map(|v| v.flow);
            assert!(
                numbers.any(|n| n == diagnosis.example.flow),
                "{diagnosis:?}"
            );
            assert!(!diagnosis.example.frames.is_empty(), "{diagnosis:?}");
            assert!(
                diagnosis.flows <= told.verdicts.len() as u64,
                "{diagnosis:?}"
            );
        }
    }
}

#[test]
fn an_orderly_lab_capture_is_healthy() {
    let mut wrong = Vec::new();
    for path in support::files("captures", &[".truth.json"]) {
        let truth: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let is_empty = |key: &str| match &truth[key] {
            Value::Null => true,
            Value::Array(all) => all.is_empty(),
            Value::Object(all) => all.is_empty(),
            _ => false,
        };
        let orderly = flows(&truth["flows"]).all(|flow| {
            let kind = flow["kind"].as_str().unwrap_or_default();
            ["graceful", "half-close", "simultaneous"].contains(&kind)
        });
        if !orderly || !["wire", "trim", "only"].into_iter().all(is_empty) {
            continue;
        }
        for file in truth["captures"].as_object().expect("captures").values() {
            let name = file["file"].as_str().expect("a name");
            let told = Told::of(&format!("captures/{name}"));
            if told.worst() == Some(Severity::Warning) {
                wrong.push(format!("{name}: {:?}", told.sentences()));
            }
        }
    }
    support::report("orderly captures with a warning", &wrong);
}

#[test]
fn the_capture_point_is_right_or_unknown() {
    let (mut wrong, mut known, mut all) = (Vec::new(), 0, 0);
    let mut paths = support::files("captures", &[".pcap", ".pcapng"]);
    paths.extend(support::files("questions", &[".pcap"]));
    for path in paths {
        let name = support::file_name(&path);
        let expected = match name.rsplit('.').nth(1) {
            Some("client") => Point::Client,
            Some("mid") => Point::Middle,
            Some("server" | "any" | "any-double") => Point::Server,
            _ => continue,
        };
        let folder = path.parent().and_then(|p| p.file_name()).unwrap();
        let told = Told::of(&format!("{}/{name}", folder.to_str().unwrap()));
        let vantage = told.summary.vantage;
        all += 1;
        if vantage.point == expected {
            known += 1;
        } else if vantage.point != Point::Unknown {
            wrong.push(format!("{name}: {vantage:?}"));
        }
    }
    support::report("capture points that are wrong", &wrong);
    assert!(known * 10 > all * 8, "{known} of {all}");
}

#[test]
fn a_request_that_crosses_the_close_ends_no_silence() {
    let truth = truth("keepalive-race");
    for point in ["client", "mid", "server"] {
        let told = Told::question(&format!("keepalive-race.{point}"));
        let races = told.verdicts.iter().filter(|v| {
            let race = |f: &&whoclosed::close::verdict::Finding| f.code == Code::KeepaliveRace;
            v.findings.iter().any(|f| race(&f))
        });
        for verdict in races {
            let silence = verdict.silence.as_ref().expect("a silence");
            assert_eq!(
                (silence.by, silence.how),
                (Side::Server, SilenceEnd::Fin),
                "{point}"
            );
            assert!(
                seconds(silence.nanos()) > 1.5,
                "{point} {silence:?} {truth}"
            );
        }
    }
}
