//! What a program says, against what was generated.

use crate::Failure;
use crate::measure::own;
use crate::truth::{Told, Truth};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// So many flows are named at most.
const NAMED: usize = 5;
/// In nanoseconds.
const MINUTE: i64 = 60_000_000_000;

/// A program that says what is not true is not measured.
#[derive(Debug)]
pub struct Refused(String);

impl Error for Refused {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not measured, as it is wrong: {}", self.0)
    }
}

/// Fails if what that command prints is not the truth. In a process of its own.
pub fn refuse(command: &Command, truth: &Path) -> Result<(), Failure> {
    let mut verify = own("verify")?;
    verify.arg(truth).arg("--").arg(command.get_program());
    let output = verify.args(command.get_args()).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Ok(()),
        Some(1) => Err(Refused(format!("{command:?}\n{}", said.trim_end())).into()),
        _ => Err(String::from_utf8_lossy(&output.stderr).trim_end().into()),
    }
}

/// Compares what a command prints with the truth, flow by flow if it prints flows.
pub fn main(truth: &Path, command: &[OsString]) -> Result<ExitCode, Failure> {
    let Some((program, arguments)) = command.split_first() else {
        return Err("no command".into());
    };
    let mut truth = Expected::read(truth)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let out = child.stdout.take().ok_or("no output")?;
    let report = Report::read(BufReader::with_capacity(1 << 20, out))?;
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{}: {status}", program.display()).into());
    }
    let wrong = truth.differences(report);
    for line in wrong.iter().take(NAMED) {
        println!("{line}");
    }
    if wrong.len() > NAMED {
        println!("and {} more", wrong.len() - NAMED);
    }
    Ok(ExitCode::from(u8::from(!wrong.is_empty())))
}

type End = (IpAddr, u16);
type Ends = [End; 2];
type Counts = BTreeMap<String, u64>;

fn sorted(a: End, b: End) -> Ends {
    if a <= b { [a, b] } else { [b, a] }
}

/// The truth: flows by their ends, and how many of each kind there are.
struct Expected {
    flows: HashMap<Ends, Vec<Truth>>,
    by_outcome: Counts,
    by_closer: Counts,
}

impl Expected {
    fn read(path: &Path) -> Result<Self, Failure> {
        let mut expected = Self {
            flows: HashMap::new(),
            by_outcome: Counts::new(),
            by_closer: Counts::new(),
        };
        for line in BufReader::new(File::open(path)?).lines() {
            let flow: Truth = serde_json::from_str(&line?)?;
            let told = told(&flow)?;
            *expected.by_outcome.entry(told.outcome.into()).or_default() += 1;
            *expected.by_closer.entry(told.closer.into()).or_default() += 1;
            let ends = sorted((flow.client, flow.cport), (flow.server, flow.sport));
            expected.flows.entry(ends).or_default().push(flow);
        }
        if expected.flows.is_empty() {
            return Err("the truth is empty".into());
        }
        for flows in expected.flows.values_mut() {
            flows.sort_by_key(|flow| flow.first_ns);
        }
        Ok(expected)
    }

    fn differences(&mut self, mut report: Report) -> Vec<String> {
        let mut wrong = Vec::new();
        // Of how many packets nothing is claimed.
        let unclaimed = if self.flows.values().flatten().any(are_apart) {
            report.forget_remains()
        } else {
            0
        };
        if report.by_outcome != self.by_outcome {
            let counts = (&report.by_outcome, &self.by_outcome);
            wrong.push(format!("outcomes: {:?}, not {:?}", counts.0, counts.1));
        }
        if report.by_closer != self.by_closer {
            let counts = (&report.by_closer, &self.by_closer);
            wrong.push(format!("closed first: {:?}, not {:?}", counts.0, counts.1));
        }
        let Some(flows) = &mut report.flows else {
            return wrong;
        };
        let mut missing = 0;
        for (ends, truths) in &self.flows {
            let mut said = flows.remove(ends).unwrap_or_default();
            said.sort_by_key(|flow| flow.number);
            if said.len() != truths.len() {
                let (have, want) = (said.len(), truths.len());
                wrong.push(format!("{}: {have} flows, not {want}", shown(ends)));
            }
            for (truth, said) in truths.iter().zip(&said) {
                wrong.extend(difference(truth, said));
                missing += truth.pkts.saturating_sub(said.packets());
            }
        }
        let late = report.late_segments + unclaimed;
        if missing != late {
            wrong.push(format!(
                "{missing} packets are in no flow, {late} are told to be late"
            ));
        }
        let ghosts = flows.keys();
        wrong.extend(ghosts.map(|ends| format!("{}: there is no such flow", shown(ends))));
        wrong
    }
}

fn told(flow: &Truth) -> Result<Told<'_>, Failure> {
    let unknown = || format!("the generator knows no {}", flow.kind).into();
    flow.told().ok_or_else(unknown)
}

fn shown([a, b]: &Ends) -> String {
    format!("{} port {} and {} port {}", a.0, a.1, b.0, b.1)
}

fn difference(truth: &Truth, said: &Flow) -> Option<String> {
    let client = (said.client.addr, said.client.port);
    let agrees = is_true(said, truth) && client == (truth.client, truth.cport);
    let line = || {
        format!(
            "flow {} of {} port {}: {:?}, {} packets; it is {}, {} packets from {} port {}",
            said.number,
            client.0,
            client.1,
            said.told(),
            said.packets(),
            truth.kind,
            truth.pkts,
            truth.client,
            truth.cport
        )
    };
    (!agrees).then(line)
}

/// Where segments come minutes apart, nobody can tell a FIN that was sent again for want of an ACK from
/// one that crossed it: there a loss may go unsaid, but must not be made up. And what comes minutes
/// after a close belongs to no flow any more; it must be counted as late.
fn is_true(said: &Flow, truth: &Truth) -> bool {
    let Some(mut expected) = truth.told() else {
        return false;
    };
    let told = said.told();
    if !are_apart(truth) {
        return told == expected && said.packets() == truth.pkts;
    }
    expected.lost &= told.lost;
    told == expected && said.packets() <= truth.pkts
}

/// The segments of the flow come minutes apart.
fn are_apart(flow: &Truth) -> bool {
    (flow.last_ns - flow.first_ns) / flow.pkts.max(1).cast_signed() >= MINUTE
}

/// What a report says.
struct Report {
    /// Nothing where the report is a summary.
    flows: Option<HashMap<Ends, Vec<Flow>>>,
    by_outcome: Counts,
    by_closer: Counts,
    /// Packets of flows that had been told already.
    late_segments: u64,
}

#[derive(Deserialize)]
struct Kind<'a> {
    r#type: &'a str,
}

#[derive(Deserialize)]
struct Flow {
    #[serde(rename = "flow")]
    number: u64,
    client: Endpoint,
    server: Endpoint,
    packets: Sides,
    outcome: Box<str>,
    active_closer: Box<str>,
    aborted_by: Option<Box<str>>,
    final_ack: Box<str>,
}

#[derive(Deserialize)]
struct Endpoint {
    addr: IpAddr,
    port: u16,
}

#[derive(Deserialize)]
struct Sides {
    client: u64,
    server: u64,
}

#[derive(Default, Deserialize)]
struct Summary {
    by_outcome: Counts,
    by_closer: Counts,
    late_segments: u64,
}

impl Flow {
    fn told(&self) -> Told<'_> {
        Told {
            outcome: &self.outcome,
            closer: &self.active_closer,
            aborted_by: self.aborted_by.as_deref(),
            lost: self.final_ack.starts_with("lost-"),
        }
    }

    const fn packets(&self) -> u64 {
        self.packets.client + self.packets.server
    }
}

impl Report {
    /// What comes when a flow was let go and is not even remembered any more is a flow of its own, of
    /// which nothing must be claimed. Leaves these out; tells how many packets they have.
    fn forget_remains(&mut self) -> u64 {
        self.by_outcome.remove("indeterminate");
        self.by_closer.remove("unknown");
        let mut packets = 0;
        let of_ends = self.flows.iter_mut().flat_map(HashMap::values_mut);
        for flows in of_ends {
            flows.retain(|flow| {
                let claims = (&*flow.outcome, &*flow.active_closer) != ("indeterminate", "unknown");
                packets += if claims { 0 } else { flow.packets() };
                claims
            });
        }
        self.flows
            .iter_mut()
            .for_each(|flows| flows.retain(|_, flows| !flows.is_empty()));
        packets
    }

    fn read(read: impl BufRead) -> Result<Self, Failure> {
        let mut lines = read.lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        if first.starts_with('{') {
            let rest = lines.map(|line| Ok(line?));
            return Self::of_json([Ok(first)].into_iter().chain(rest));
        }
        let rest: Result<Vec<String>, _> = lines.collect();
        Ok(Self::of_text(&rest?))
    }

    fn of_json(lines: impl Iterator<Item = Result<String, Failure>>) -> Result<Self, Failure> {
        let mut flows: HashMap<Ends, Vec<Flow>> = HashMap::new();
        let mut summary = Summary::default();
        for line in lines {
            let line = line?;
            let kind: Kind = serde_json::from_str(&line)?;
            match kind.r#type {
                "flow" => {
                    let flow: Flow = serde_json::from_str(&line)?;
                    let end = |end: &Endpoint| (end.addr, end.port);
                    let ends = sorted(end(&flow.client), end(&flow.server));
                    flows.entry(ends).or_default().push(flow);
                }
                "summary" => summary = serde_json::from_str(&line)?,
                _ => {}
            }
        }
        Ok(Self {
            flows: Some(flows),
            by_outcome: summary.by_outcome,
            by_closer: summary.by_closer,
            late_segments: summary.late_segments,
        })
    }

    fn of_text(lines: &[String]) -> Self {
        Self {
            flows: None,
            by_outcome: below(lines, "Outcomes"),
            by_closer: below(lines, "Closed first"),
            late_segments: 0,
        }
    }
}

/// What the lines below a heading count, up to the next empty one.
fn below(lines: &[String], heading: &str) -> Counts {
    let after = lines.iter().skip_while(|line| *line != heading).skip(1);
    let counted = after
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let count = words.next()?.parse().ok()?;
            Some((words.next()?.to_owned(), count))
        });
    counted.collect()
}
