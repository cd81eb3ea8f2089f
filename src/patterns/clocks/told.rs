//! What the clocks of a pair of addresses tell.

use super::lines::{Line, sort};
use super::{Ends, Pair, REMEMBERED, Syn};
use crate::close::SCHEMA;
use crate::close::finding::Severity;
use crate::close::verdict::Confidence;
use crate::patterns::Diagnosis;
use crate::patterns::diagnosis::Example;
use crate::stamp::Time;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// Flows named.
const NAMED: usize = 16;

/// Several clocks, and SYNs that went unanswered because of them.
pub(super) fn diagnoses(ends: Ends, pair: &Pair, left_out: u64) -> Vec<Diagnosis> {
    let times = || pair.syns.iter().map(|syn| syn.time);
    let (Some(from), Some(to)) = (times().min(), times().max()) else {
        return Vec::new();
    };
    if from == to {
        return Vec::new(); // one SYN, or records without times
    }
    let (lines, rest) = sort(&pair.syns, from);
    let told = Told {
        ends,
        pair,
        lines,
        rest,
        left_out,
    };
    [told.several(from), told.dropped()]
        .into_iter()
        .flatten()
        .collect()
}

struct Told<'a> {
    ends: Ends,
    pair: &'a Pair,
    lines: Vec<Line>,
    rest: Vec<Syn>,
    left_out: u64,
}

impl Told<'_> {
    fn client(&self) -> IpAddr {
        self.ends.client.ip()
    }

    fn server(&self) -> IpAddr {
        self.ends.server.ip()
    }

    /// Two lines or more, and most SYNs lie on them.
    fn several(&self, origin: Time) -> Option<Diagnosis> {
        let on: usize = self.lines.iter().map(|line| line.syns.len()).sum();
        if self.lines.len() < 2 || on < self.rest.len() {
            return None;
        }
        let clocks: Vec<Value> = self.lines.iter().map(|line| self.clock(line)).collect();
        let unanswered = self.unanswered();
        let answer = match unanswered {
            0 => "every one was answered".to_owned(),
            1 => "one was not answered".to_owned(),
            n => format!("{n} were not answered"),
        };
        let message = format!(
            "the SYNs of {on} connections from {} to {} show {} clocks: so many hosts stand behind \
             that address (NAT, load balancer), or it was restarted; {answer}",
            self.client(),
            self.server(),
            self.lines.len()
        );
        let mut data = self.data();
        data.insert("clocks".to_owned(), self.lines.len().into());
        data.insert("lines".to_owned(), clocks.into());
        data.insert("alone".to_owned(), self.rest.len().into());
        data.insert("unanswered".to_owned(), unanswered.into());
        data.insert("origin".to_owned(), origin.rfc3339().into());
        let firsts = self.lines.iter().filter_map(|line| line.syns.first());
        let firsts: Vec<&Syn> = firsts.collect();
        Some(Diagnosis {
            schema: SCHEMA,
            code: "several-clocks".to_owned(),
            severity: Severity::Info,
            confidence: Confidence::Likely,
            flows: on as u64,
            example: example(&firsts),
            message,
            advice: "Nothing, while all are answered: a present server compares TSvals per \
                     connection only. A server that drops SYNs by timestamp (tcp_tw_recycle, until \
                     Linux 4.12) would drop those of the slower clock. Do not read an offset as an \
                     uptime."
                .to_owned(),
            data,
        })
    }

    /// One clock, for machines. Offsets are told against the first clock: by itself one says
    /// nothing.
    fn clock(&self, line: &Line) -> Value {
        let first = self.lines.first();
        let step = first.filter(|first| first.rate.is_some() && first.rate == line.rate);
        let step = step.map(|first| line.offset.since(first.offset));
        let flows: Vec<u64> = line.syns.iter().map(|syn| syn.flow).take(NAMED).collect();
        json!({
            "ticks_per_s": line.rate,
            "syns": line.syns.len(),
            "unanswered": line.syns.iter().filter(|syn| syn.unanswered).count(),
            "step_ticks": step,
            "flows": flows,
        })
    }

    /// SYN series with an older TSval than an answered one of another clock within a minute, and no
    /// answer; none of the same kind was answered.
    fn dropped(&self) -> Option<Diagnosis> {
        let syns = || self.pair.syns.iter();
        let mut dropped: Vec<&Syn> = syns()
            .filter(|syn| syn.unanswered && syn.count > 1 && self.is_behind(syn))
            .collect();
        dropped.sort_unstable_by_key(|syn| syn.flow);
        let passed = syns()
            .filter(|syn| !syn.unanswered && self.is_behind(syn))
            .count();
        if dropped.is_empty() || passed >= dropped.len() {
            return None;
        }
        let (flows, sent) = (
            dropped.len(),
            dropped.iter().map(|syn| u64::from(syn.count)),
        );
        let sent: u64 = sent.sum();
        let message = format!(
            "{flows} of the connections from {} to {} were never answered ({sent} SYNs): their \
             TSvals are older than those of another clock behind the same address, whose \
             connections were answered",
            self.client(),
            self.server()
        );
        let mut data = self.data();
        let named = || dropped.iter().take(NAMED);
        let ports: Vec<u16> = named().map(|syn| syn.ports[0]).collect();
        let numbers: Vec<u64> = named().map(|syn| syn.flow).collect();
        data.insert("flows".to_owned(), numbers.into());
        data.insert("client_ports".to_owned(), ports.into());
        data.insert("clocks".to_owned(), self.lines.len().into());
        data.insert("syns".to_owned(), sent.into());
        data.insert("passed".to_owned(), passed.into());
        Some(Diagnosis {
            schema: SCHEMA,
            code: "syn-dropped-by-timestamp".to_owned(),
            severity: Severity::Warning,
            confidence: if passed == 0 {
                Confidence::Likely
            } else {
                Confidence::Possible
            },
            flows: flows as u64,
            example: example(&dropped),
            message,
            advice: "On the server, or a load balancer in front of it: turn tcp_tw_recycle off. It \
                     compared TSvals per address and so dropped every host behind a NAT but the one \
                     whose clock is ahead; it was removed in Linux 4.12 (2017), and has no \
                     replacement. `nstat -az TcpExtPAWSPassive` (old kernels) counts the drops. Do \
                     not turn timestamps off for good: that loses PAWS and tcp_tw_reuse."
                .to_owned(),
            data,
        })
    }

    /// A SYN of another clock, to the same port and answered, was seen within a minute before it,
    /// and its TSval is newer.
    fn is_behind(&self, syn: &Syn) -> bool {
        let others = self.lines.iter().filter(|line| !line.has(syn));
        let mut others = others.flat_map(|line| &line.syns);
        others.any(|other| {
            let since = syn.time.since(other.time);
            let newer = syn.tsval.before(other.tsval) && (0..=REMEMBERED).contains(&since);
            !other.unanswered && other.ports[1] == syn.ports[1] && newer
        })
    }

    fn unanswered(&self) -> usize {
        let on = self.lines.iter().flat_map(|line| &line.syns);
        on.filter(|syn| syn.unanswered).count()
    }

    /// What is told of every pair. Where a limit was reached, the counts are of those kept.
    fn data(&self) -> Map<String, Value> {
        let mut data = Map::new();
        data.insert("address".to_owned(), self.client().to_string().into());
        data.insert("server".to_owned(), self.server().to_string().into());
        data.insert("syns_not_kept".to_owned(), self.pair.more.into());
        data.insert("flows_of_pairs_not_kept".to_owned(), self.left_out.into());
        data
    }
}

impl Line {
    fn has(&self, syn: &Syn) -> bool {
        self.syns.iter().any(|of| of.flow == syn.flow)
    }
}

fn example(syns: &[&Syn]) -> Example {
    Example {
        flow: syns.first().map_or(0, |syn| syn.flow),
        frames: syns.iter().take(NAMED).map(|syn| syn.frame).collect(),
    }
}
