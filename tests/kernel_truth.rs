//! Every verdict on the lab's captures against what the kernel itself recorded.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use support::truth::{self, Flow, Mark, POINTS, Truth};
use whoclosed::close::finding::Code;
use whoclosed::close::verdict::{Confidence, EndedBy, Finding, RstForm, Side, Verdict};
use whoclosed::stamp::Time;

/// A capture of a scenario, with its verdicts beside the connections they are on.
struct View<'a> {
    truth: &'a Truth,
    point: &'a str,
    verdicts: Vec<Verdict>,
}

impl View<'_> {
    fn name(&self) -> String {
        format!("{}.{}", self.truth.name, self.point)
    }

    /// The connections that left packets in this capture, each with its verdict: the nth flow on
    /// a 4-tuple is its nth incarnation.
    fn pairs(&self) -> Vec<(&Flow, Option<&Verdict>)> {
        let mut seen = BTreeMap::new();
        let flows = self.truth.flows.iter();
        flows
            .filter(|flow| !flow.is_unseen(self.point))
            .map(|flow| {
                let nth: &mut usize = seen.entry(flow.ends()).or_default();
                *nth += 1;
                let mut same = self.verdicts.iter();
                let verdict = same
                    .by_ref()
                    .filter(|v| truth::ends(v) == flow.ends())
                    .nth(*nth - 1);
                (flow, verdict)
            })
            .collect()
    }

    fn each(&self, check: impl Fn(&Flow, &Verdict) -> Vec<String>) -> Vec<String> {
        let pairs = self.pairs();
        let both = pairs.iter().filter_map(|(flow, v)| Some((*flow, (*v)?)));
        both.flat_map(|(flow, v)| {
            let said = check(flow, v).into_iter();
            said.map(|line| format!("{} {} {line}", self.name(), flow.client))
                .collect::<Vec<_>>()
        })
        .collect()
    }
}

fn views(truths: &[Truth]) -> Vec<View<'_>> {
    let mut views = Vec::new();
    for truth in truths {
        for point in POINTS {
            let Some(capture) = truth.captures.get(point) else {
                continue;
            };
            let path = support::testdata("captures").join(&capture.file);
            let verdicts = support::verdicts(&fs::read(path).expect("readable"));
            views.push(View {
                truth,
                point,
                verdicts,
            });
        }
    }
    assert!(views.len() > 250, "only {} captures", views.len());
    views
}

#[test]
fn the_six_claims() {
    let truths = truth::all();
    let (mut wrong, mut weak, mut claims) = (Vec::new(), Vec::new(), 0);
    for view in views(&truths) {
        for (flow, verdict) in view.pairs() {
            let Some(v) = verdict else {
                wrong.push(format!("{} {}: no verdict", view.name(), flow.client));
                continue;
            };
            for judged in truth::judge(v, flow, view.truth, view.point) {
                claims += 1;
                let line = format!(
                    "{:?} {} {} ({}) {}: said {} ({}), kernel {}",
                    judged.mark,
                    view.name(),
                    flow.client,
                    flow.kind(),
                    judged.claim,
                    judged.said,
                    v.confidence,
                    judged.good.join("|")
                );
                match judged.mark {
                    Mark::Right => {}
                    Mark::Weak => weak.push(line),
                    Mark::Wrong | Mark::False => wrong.push(line),
                }
            }
        }
    }
    assert!(claims > 1800, "only {claims} claims were compared");
    support::report("claims that the kernel contradicts", &wrong);
    if weak.len() > 40 {
        support::report("weaker than they could be (at most 40)", &weak);
    }
}

#[test]
fn nine_tenths_of_what_can_be_certain_is() {
    let truths = truth::all();
    let (mut unsure, mut could) = (Vec::new(), 0);
    for view in views(&truths) {
        for (flow, verdict) in view.pairs() {
            if flow.in_capture.is_none() || !truth::can_be_certain(flow, view.truth) {
                continue;
            }
            could += 1;
            if verdict.is_none_or(|v| v.confidence != Confidence::Certain) {
                let outcome = verdict.map_or("-", |v| v.outcome.name());
                unsure.push(format!("{} {} {outcome}", view.name(), flow.client));
            }
        }
    }
    assert!(could > 100, "only {could} flows can be certain");
    if unsure.len() * 10 > could {
        support::report(&format!("not certain, of {could}"), &unsure);
    }
}

#[test]
fn no_flow_is_a_ghost_and_none_is_missing() {
    let truths = truth::all();
    let mut lines = Vec::new();
    for view in views(&truths) {
        let real = view.pairs().len();
        if real != view.verdicts.len() {
            let said = view.verdicts.len();
            lines.push(format!("{}: {said} flows, kernel {real}", view.name()));
        }
    }
    support::report("numbers of flows", &lines);
}

#[test]
fn packets_per_flow() {
    let truths = truth::all();
    let mut lines = Vec::new();
    for view in views(&truths) {
        lines.extend(view.each(|flow, v| {
            let Some(seen) = flow.at(view.point) else {
                return Vec::new();
            };
            let doubled = view.truth.double && view.point == "mid";
            let said = (v.packets.client + v.packets.server) * if doubled { 2 } else { 1 };
            if said == seen.frames {
                return Vec::new();
            }
            vec![format!("said {said}, captured {}", seen.frames)]
        }));
    }
    support::report("packets per flow", &lines);
}

#[test]
fn final_states() {
    let truths = truth::all();
    let mut lines = Vec::new();
    for view in views(&truths) {
        lines.extend(view.each(|flow, v| {
            let sides = [Side::Client, Side::Server].into_iter();
            sides
                .filter_map(|side| final_state(&view, flow, v, side))
                .collect()
        }));
    }
    support::report("final states", &lines);
}

/// What is wrong with the state said of one side. A side's last step may leave no trace on the
/// wire (a timer, a lost segment, a cut capture): then an earlier state of its path, or `unknown`,
/// is all that can be said.
fn final_state(view: &View<'_>, flow: &Flow, v: &Verdict, side: Side) -> Option<String> {
    let host = truth::here(v, flow, side.name());
    let end = flow.expected.end[host].as_str();
    let said = v.final_states.of(side).name();
    let kernel = rfc_name(end);
    if said == kernel || said == "unknown" && end == "NONE" {
        return None;
    }
    let silent = matches!(
        flow.kind(),
        "fin-unanswered"
            | "retransmission-timeout"
            | "last-ack-timeout"
            | "refused-icmp"
            | "syn-timeout"
            | "syn-timeout-ack-rst"
    );
    let disturbed = view.truth.is_disturbed() || view.truth.is_cut();
    let passed = flow.observed.path[host]
        .split(' ')
        .map(|s| s.trim_end_matches('*'));
    let passed: Vec<&str> = passed.map(rfc_name).collect();
    // What no capture can show: a host that keeps no TIME-WAIT, or one that obeys RFC 1337; a host
    // firewall that answers in the socket's place; a full backlog that drops the handshake's ACK.
    let by_rule = match flow.kind() {
        _ if view.truth.keeps_no_time_wait() => said == "TIME-WAIT",
        _ if view.truth.obeys_rfc1337() => said == "CLOSED" && end == "TIME_WAIT",
        "firewall-rst" => said == "CLOSED",
        "backlog-wait" => said == "ESTABLISHED",
        _ => false,
    };
    let earlier = (silent || disturbed) && (said == "unknown" || passed.contains(&said));
    if earlier || by_rule {
        return None;
    }
    let path = &flow.observed.path[host];
    Some(format!(
        "({}) {host} said {said}, kernel {kernel}: {path}",
        flow.kind()
    ))
}

fn rfc_name(kernel: &str) -> &'static str {
    match kernel {
        "SYN_SENT" => "SYN-SENT",
        "SYN_RECV" => "SYN-RECEIVED",
        "ESTABLISHED" => "ESTABLISHED",
        "FIN_WAIT1" => "FIN-WAIT-1",
        "FIN_WAIT2" => "FIN-WAIT-2",
        "CLOSE_WAIT" => "CLOSE-WAIT",
        "CLOSING" => "CLOSING",
        "LAST_ACK" => "LAST-ACK",
        "TIME_WAIT" => "TIME-WAIT",
        "CLOSE" | "NONE" | "" => "CLOSED",
        other => panic!("the kernel has no state {other}"),
    }
}

/// Unix seconds, as the lab writes times; good to a microsecond.
#[expect(
    clippy::cast_precision_loss,
    reason = "the lab's samples are far coarser"
)]
fn seconds(time: Time) -> f64 {
    time.0 as f64 / 1e9
}

/// How far the lab's samples of socket states may lag behind the kernel, in seconds.
const SAMPLING: f64 = 0.015;

#[test]
fn time_wait_begins_when_the_kernel_says() {
    let truths = truth::all();
    let (mut lines, mut compared) = (Vec::new(), 0);
    for view in views(&truths) {
        for (flow, v) in view.pairs().into_iter().filter_map(|(f, v)| Some((f, v?))) {
            for entry in v.time_wait.iter().filter(|w| w.ended_by != EndedBy::Gone) {
                let host = truth::here(v, flow, entry.owner.name());
                let spans = flow.states.as_ref().and_then(|states| states.get(host));
                let first = spans.and_then(|s| s.iter().find(|s| s.state == "TIME_WAIT"));
                let (Some(span), Some(start)) = (first, entry.start) else {
                    continue;
                };
                compared += 1;
                let start = seconds(start) - view.truth.delay(host, view.point);
                let late = span.first - start;
                let lost = view.truth.is_disturbed() && late < 0.0;
                // Whose FINs crossed waits in CLOSING for the ACK of its own.
                let closing = flow.observed.path[host].contains("CLOSING");
                let round_trip = 2.0 * view.truth.delay("client", "server");
                let latest = match closing {
                    true if view.truth.is_disturbed() => f64::INFINITY,
                    true => round_trip + SAMPLING,
                    false => SAMPLING,
                };
                if !(-SAMPLING..=latest).contains(&late) && !lost {
                    lines.push(format!(
                        "{} {host}: the kernel's began {:.1} ms later",
                        view.name(),
                        late * 1e3
                    ));
                }
            }
        }
    }
    assert!(compared > 100, "only {compared} compared");
    support::report("TIME-WAIT begins", &lines);
}

#[test]
fn time_wait_restarts() {
    let truths = truth::all();
    let (mut lines, mut restarted) = (Vec::new(), 0);
    for view in views(&truths) {
        lines.extend(view.each(|flow, v| {
            let entries = v.time_wait.iter().filter(|w| w.ended_by != EndedBy::Gone);
            entries
                .filter_map(|entry| {
                    let host = truth::here(v, flow, entry.owner.name());
                    let spans = flow.states.as_ref()?.get(host)?;
                    let real = spans.iter().filter(|s| s.state == "TIME_WAIT");
                    let real = real.filter_map(|s| s.restarts).max()?;
                    // ACKs that were lost on their way to this point cannot be counted here.
                    let fewer = view.truth.is_disturbed() && view.point != host;
                    // TIME-WAIT answers twice a second at most, and restarts all the same.
                    let counters = view.truth.counters.get(host)?;
                    let silent = counters.get("TCPACKSkippedTimeWait").copied().unwrap_or(0);
                    let said = u64::from(entry.restarts) + silent;
                    let agrees = said == u64::from(real) || fewer && entry.restarts < real;
                    (!agrees).then(|| format!("{host} said {}, kernel {real}", entry.restarts))
                })
                .collect()
        }));
        for (flow, _) in view.pairs() {
            let spans = flow
                .states
                .iter()
                .flat_map(|states| states.values().flatten());
            restarted += spans.filter(|s| s.restarts.unwrap_or_default() > 0).count();
        }
    }
    assert!(restarted > 5, "only {restarted} TIME-WAITs were restarted");
    support::report("TIME-WAIT restarts", &lines);
}

#[test]
fn time_wait_ends_as_the_kernel_says() {
    let truths = truth::all();
    let (mut lines, mut early) = (Vec::new(), 0);
    for view in views(&truths) {
        for (at, (flow, verdict)) in view.pairs().into_iter().enumerate() {
            let Some(v) = verdict else { continue };
            let next = view.truth.flows.iter().filter(|f| !f.is_unseen(view.point));
            let reused = next.skip(at + 1).any(|f| f.ends() == flow.ends());
            for entry in v.time_wait.iter().filter(|w| w.ended_by != EndedBy::Gone) {
                let host = truth::here(v, flow, entry.owner.name());
                let path = &flow.observed.path[host];
                let kernel: &[EndedBy] = if path.ends_with("TIME_WAIT") {
                    &[EndedBy::CaptureEnd, EndedBy::Expiry]
                } else if path.ends_with("TIME_WAIT CLOSE") && reused {
                    &[EndedBy::Reused, EndedBy::Reset]
                } else if path.ends_with("TIME_WAIT CLOSE") {
                    &[EndedBy::Reset]
                } else {
                    continue;
                };
                early += usize::from(path.ends_with("CLOSE"));
                // What ended it may have been lost before this point, or cut off.
                let unseen = (view.truth.is_disturbed() && view.point != host
                    || view.truth.is_cut())
                    && matches!(entry.ended_by, EndedBy::CaptureEnd | EndedBy::Expiry);
                // No capture shows that its host ignores RSTs in TIME-WAIT.
                let unsure = |f: &Finding| {
                    f.code == Code::TimeWaitReset && f.confidence < Confidence::Certain
                };
                let survived = view.truth.obeys_rfc1337() && v.findings.iter().any(unsure);
                if !kernel.contains(&entry.ended_by) && !unseen && !survived {
                    lines.push(format!(
                        "{} {host}: said {}, kernel {path}",
                        view.name(),
                        entry.ended_by
                    ));
                }
            }
        }
    }
    assert!(early > 10, "only {early} TIME-WAITs ended early");
    support::report("TIME-WAIT ends", &lines);
}

/// Steps back in `TSval` of fewer ticks (milliseconds) are late segments of this connection, no
/// other clock.
const LATE_TICKS: u64 = 1000;

#[test]
fn timestamp_regressions() {
    let truths = truth::all();
    let (mut lines, mut real) = (Vec::new(), 0);
    for view in views(&truths) {
        lines.extend(view.each(|flow, v| {
            let Some(seen) = flow.at(view.point) else {
                return Vec::new();
            };
            let steps = seen.tsval_regressions.iter().filter_map(|step| {
                let back = step["by"].as_u64()? >= LATE_TICKS;
                Some((
                    step["flags"].as_str()? == "SYN",
                    back,
                    step["frame"].as_u64()?,
                ))
            });
            let steps: Vec<(bool, bool, u64)> = steps.filter(|(_, back, _)| *back).collect();
            let across = steps.iter().any(|(syn, _, _)| *syn);
            let within = !across && !steps.is_empty();
            let has = |code: Code| v.findings.iter().find(|f| f.code == code);
            let mut wrong = Vec::new();
            if has(Code::TimestampRegressionAcrossFlows).is_some() != across {
                wrong.push(format!("across flows: kernel {across}"));
            }
            let found = has(Code::TimestampRegression);
            if found.is_some() != within {
                wrong.push(format!("within: kernel {within}"));
            }
            let frames = steps.first().map(|(_, _, frame)| frame);
            if let (Some(found), Some(frame), true) = (found, frames, within)
                && !found.frames.contains(frame)
            {
                wrong.push(format!("frames {:?}, kernel {frame}", found.frames));
            }
            wrong
        }));
        for (flow, _) in view.pairs() {
            let steps = flow.at(view.point).map(|seen| &seen.tsval_regressions);
            real += steps.map_or(0, Vec::len);
        }
    }
    assert!(real > 10, "only {real} regressions");
    support::report("TSval regressions", &lines);
}

#[test]
fn forms_of_resets() {
    let truths = truth::all();
    let (mut lines, mut compared) = (Vec::new(), 0);
    for view in views(&truths) {
        for (flow, v) in view.pairs().into_iter().filter_map(|(f, v)| Some((f, v?))) {
            for reset in &v.resets {
                let Some(time) = reset.time else { continue };
                let host = truth::here(v, flow, reset.from.name());
                let sent = seconds(time) - view.truth.delay(host, view.point);
                let real = flow.resets.iter().find(|r| {
                    let near = (r.time - sent).abs() < SAMPLING;
                    r.from == host && near
                });
                let Some(real) = real else { continue };
                compared += 1;
                let form = if real.flags.contains("ACK") && real.seq != 0 {
                    RstForm::Active
                } else {
                    RstForm::Reply
                };
                if reset.form != form {
                    lines.push(format!(
                        "{} frame {}: said {}, kernel {form} ({})",
                        view.name(),
                        reset.frame,
                        reset.form,
                        flow.kind()
                    ));
                }
            }
        }
    }
    assert!(compared > 100, "only {compared} compared");
    support::report("forms of resets", &lines);
}

/// `testdata/verdicts.txt`: one line per flow of every capture. `UPDATE=1 cargo test` writes it.
#[test]
fn the_golden_verdicts_are_up_to_date() {
    let mut text = String::from(
        "# One line per flow of every capture. Written by: UPDATE=1 cargo test --test kernel_truth\n",
    );
    let captures = support::files("captures", &[".pcap", ".pcapng"]);
    for path in captures.iter().chain(&support::files("seeds", &[".pcap"])) {
        let name = support::file_name(path);
        for v in support::verdicts(&fs::read(path).expect("readable")) {
            writeln!(text, "{name} {}", line(&v)).expect("a string");
        }
    }
    let golden = support::testdata("verdicts.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&golden, &text).expect("writable");
        return;
    }
    let stored = fs::read_to_string(&golden).unwrap_or_default();
    let stale: Vec<String> = diff(&stored, &text);
    support::report("lines of testdata/verdicts.txt that changed", &stale);
}

fn line(v: &Verdict) -> String {
    let by = v.aborted_by.map_or("-", |by| by.name());
    let cause = v.abort_cause.map_or("-", |cause| cause.name());
    let owners = v.time_wait.iter().map(|w| {
        format!(
            "{}({} {} {} {})",
            w.owner, w.ended_by, w.basis, w.confidence, w.restarts
        )
    });
    let owners = owners.collect::<Vec<_>>().join("+");
    let finding = |f: &Finding| {
        let frames: Vec<String> = f.frames.iter().map(u64::to_string).collect();
        let side = f.side.map_or("-", Side::name);
        let (code, confidence) = (f.code.name(), f.confidence.name());
        format!("{code} {side} {confidence} {}", frames.join(","))
    };
    let findings = v.findings.iter().map(finding);
    let findings = findings.collect::<Vec<_>>().join("; ");
    let (states, zeek) = (&v.final_states, &v.zeek);
    format!(
        "{} {}/{} {} closer {} by {by} cause {cause} ack {} {} tw {} {}/{} {} {} [{}]",
        v.flow,
        v.packets.client,
        v.packets.server,
        v.outcome,
        v.active_closer,
        v.final_ack,
        v.confidence,
        if owners.is_empty() { "-" } else { &owners },
        states.client,
        states.server,
        zeek.conn_state,
        zeek.history,
        findings
    )
}

fn diff(old: &str, new: &str) -> Vec<String> {
    let (before, after): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let gone = before.iter().filter(|l| !after.contains(l));
    let come = after.iter().filter(|l| !before.contains(l));
    let gone = gone.map(|line| format!("- {line}"));
    gone.chain(come.map(|line| format!("+ {line}"))).collect()
}
