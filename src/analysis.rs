//! From bytes to verdicts: the library's main entrance.

mod checked;
mod clocks;
mod input;
mod intake;
mod points;
mod window;

pub use checked::{CheckError, check};
pub use points::{Streams, streams};
pub use window::Moment;

use crate::capture::{Meter, OpenError, Reader, Set};
use crate::close::community_id::CommunityId;
use crate::close::summary::{Summary, Totals};
use crate::close::verdict::{Outcome, Tunnel, Verdict};
use crate::close::{Context, Hosts, Judge};
use crate::flow::{Clock, Due, Limits, Why};
use crate::ledger::{Ledger, Settings};
use crate::packet::{AnonymizeKey, Filter, Layers};
use crate::patterns::{Diagnosis, Patterns};
use crate::stamp::{SECOND, Stamp, Time};
use clocks::Clocks;
use input::Input;
use intake::Intake;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use window::Window;

/// How to analyze.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Options {
    /// The capture's name in the report.
    pub source: Arc<str>,
    /// How long TIME-WAIT lasts, in nanoseconds. Linux: 60 s (`TCP_TIMEWAIT_LEN`, compiled in).
    pub time_wait: i64,
    /// From how many nanoseconds in CLOSE-WAIT on a side has forgotten to close, or is slow.
    pub close_wait: i64,
    /// Verdicts tell how long each side was in which state; who shows that to nobody saves the time.
    pub states: bool,
    /// Verdicts say why, in words and by the events of the close; who only counts them saves the time.
    pub reasons: bool,
    /// It is told what many flows show together, and where the capture was taken.
    pub diagnosis: bool,
    /// Books are kept on TIME-WAIT and on the use of ephemeral ports.
    pub ledger: Option<Settings>,
    /// How many flows are kept at once.
    pub limits: Limits,
    /// The capture is being made: a flow is let go by the first record that allows it.
    pub live: bool,
    /// Reading ends where this is set, as if the capture did.
    pub interrupt: Option<Arc<AtomicBool>>,
    /// VLANs are part of a connection's key: equal addresses in two of them are two hosts.
    pub key_vlan: bool,
    /// Tunnels are part of a connection's key, by numbers that are the same in both directions:
    /// VXLAN's and Geneve's network, GRE's key, the session of ERSPAN and `PPPoE`. Endpoints of
    /// GTP-U, calls of PPTP and labels of MPLS differ by direction and are never part of it.
    pub key_tunnel: bool,
    /// Stop at the first damage instead of going on behind it.
    pub strict: bool,
    /// Only segments that match it count.
    pub filter: Option<Filter>,
    /// Only records from then on are looked at. A record without a time belongs to the one before.
    pub since: Option<Moment>,
    /// Only records before that are looked at.
    pub until: Option<Moment>,
    /// Is told how far reading has come.
    pub meter: Option<Arc<Meter>>,
    /// Every verdict has its Community ID, which takes a hash for each.
    pub community_id: bool,
    /// Payloads are not looked at.
    pub no_payload: bool,
    /// Addresses are replaced before anything is made of them, and payloads are not looked at.
    pub anonymize: Option<AnonymizeKey>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            source: "-".into(),
            time_wait: 60 * SECOND,
            close_wait: 5 * SECOND,
            states: true,
            reasons: true,
            diagnosis: true,
            ledger: None,
            limits: Limits::default(),
            live: false,
            interrupt: None,
            key_vlan: false,
            key_tunnel: false,
            strict: false,
            filter: None,
            since: None,
            until: None,
            meter: None,
            community_id: false,
            no_payload: false,
            anonymize: None,
        }
    }
}

impl Options {
    /// Verdicts have their states.
    const fn asks_when(&self) -> bool {
        self.states || self.ledger.is_some()
    }

    /// They say why: the states follow from that.
    const fn asks_why(&self) -> bool {
        self.reasons || self.asks_when()
    }
}

/// Why nothing could be read of a capture at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnalyzeError {
    /// It is no capture, or its header cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// The verdicts of a capture, one after another; then [`Analysis::summary`].
pub struct Analysis<R: Read> {
    input: Input<R>,
    options: Options,
    intake: Intake,
    /// What time it is, for flows that may be let go.
    clock: Clock,
    now: Time,
    clocks: Clocks,
    /// The capture has ended.
    ended: bool,
    interrupted: bool,
    /// What is done with records before, if anything.
    window: Option<Window>,
    judge: Judge,
    totals: Totals,
    hosts: Hosts,
    patterns: Patterns,
    ledger: Option<Box<Ledger>>,
    /// The last record's place, with the latest time of any.
    end: Stamp,
    start: Option<Time>,
}

/// Reads a capture, compressed or not, and judges its flows.
pub fn analyze<R: Read>(read: R, options: &Options) -> Result<Analysis<R>, AnalyzeError> {
    let reader = Reader::new(read)?.strict(options.strict);
    Ok(Analysis::new(Input::One(reader), options))
}

/// Reads several files as one capture and judges its flows: each says which frames of which file
/// are its evidence. The set brings the names of its files; that of the options is not used.
///
/// ```
/// use std::path::Path;
/// use whoclosed::capture::{Set, SetFile};
/// use whoclosed::{Options, analyze_set};
///
/// let path = "testdata/captures/close-server-first-4seg.mid.pcap";
/// let files = vec![SetFile::look(Path::new(path), path.into())?];
/// let mut flows = analyze_set(Set::new(files), &Options::default());
/// let flow = flows.next().expect("a flow");
/// assert_eq!(flow.files.expect("it is of a set")[0].frames[0], [1, 1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn analyze_set(set: Set, options: &Options) -> Analysis<Box<dyn Read>> {
    Analysis::new(Input::Set(Box::new(set.strict(options.strict))), options)
}

impl<R: Read> Iterator for Analysis<R> {
    type Item = Verdict;

    /// Reads on until a flow is settled, and judges it.
    fn next(&mut self) -> Option<Verdict> {
        let mut next = None;
        self.advance(&mut |verdict| next = verdict.take());
        next
    }
}

impl<R: Read> Analysis<R> {
    fn new(input: Input<R>, options: &Options) -> Self {
        let ledger = options
            .ledger
            .map(|how| Ledger::new(options.time_wait, how));
        Self {
            input,
            options: options.clone(),
            intake: Intake::new(options),
            window: Window::new(options),
            clock: Clock::new(options.live),
            now: Time::default(),
            clocks: Clocks::default(),
            ended: false,
            interrupted: false,
            judge: Judge::new(Arc::clone(&options.source)),
            totals: Totals::default(),
            hosts: Hosts::default(),
            patterns: Patterns::new(options.diagnosis),
            ledger: ledger.map(Box::new),
            end: Stamp::default(),
            start: None,
        }
    }

    /// Shows the next verdict where it is made: it is large, and who only looks at it saves copies.
    /// False after the last one.
    pub fn show_next(&mut self, see: &mut dyn FnMut(&Verdict)) -> bool {
        self.advance(&mut |verdict| verdict.iter().for_each(&mut *see))
    }

    fn advance(&mut self, see: &mut dyn FnMut(&mut Option<Verdict>)) -> bool {
        loop {
            while let Some(due) = self.intake.table.due(self.now) {
                if self.settle(&due, see) {
                    return true;
                }
            }
            if self.ended {
                return false;
            }
            self.read();
        }
    }

    /// The totals; whole after the last verdict.
    pub fn summary(&self) -> Summary {
        let outside = self.window.as_ref().and_then(|w| w.latest_outside);
        let end = outside.max(Some(self.end.time));
        let times = self.start.zip(end);
        let sources = self.input.sources(&self.options.source, times);
        let mut summary = self.totals.summary(sources, self.intake.not_decoded());
        summary.late_segments = self.intake.table.late();
        summary.unheard = self.intake.table.unheard();
        summary.filtered_out = self.intake.filtered_out;
        summary.outside_window = self.window.as_ref().map_or(0, |w| w.outside);
        summary.vantage = self.patterns.vantage();
        summary.interrupted = self.interrupted;
        if self.interrupted {
            // What was interrupted is not damaged.
            for source in &mut summary.sources {
                source.damage.retain(|damage| damage.offset < source.bytes);
            }
        }
        summary
    }

    /// How far the capture was read: the latest time of any record so far.
    pub const fn read_until(&self) -> Time {
        self.end.time
    }

    /// What many flows show together, the most important first; whole after the last verdict.
    pub fn diagnoses(&self) -> Vec<Diagnosis> {
        self.patterns.diagnoses()
    }

    /// The books, if they were asked for; whole after the last verdict.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_deref()
    }

    /// Shows the verdict of a flow, if nothing more can belong to that.
    fn settle(&mut self, due: &Due, see: &mut dyn FnMut(&mut Option<Verdict>)) -> bool {
        let mut context = Context {
            time_wait: self.options.time_wait,
            close_wait: self.options.close_wait,
            states: self.options.asks_when(),
            reasons: self.options.asks_why(),
            end: self.end,
            cut: self.ended && !self.interrupted && self.input.is_cut(),
            evicted: due.why == Why::Evicted,
            torn: self.input.torn(),
            clocks_differ: self.clocks.differ(),
            off_clock: None,
            server: None,
            errors: None,
        };
        let Some(flow) = self.intake.table.facts(due) else {
            return false;
        };
        context.off_clock = self.patterns.off_clock(flow);
        context.server = self.hosts.server_of(flow);
        context.errors = self.intake.errors.of(&flow.key);
        let layers = self.intake.domains.layers(flow.key.domain);
        let mut settled = None;
        self.judge.show(flow, &context, &mut |judged| {
            let Some(verdict) = judged else { return };
            let is_over = is_settled(verdict);
            if due.why == Why::Quiet && !is_over {
                return;
            }
            self.hosts.see(flow);
            self.patterns.see(flow, verdict);
            name_network(verdict, &layers);
            if self.options.community_id {
                verdict.community_id = Some(CommunityId::of(verdict.client, verdict.server));
            }
            if self.start.is_none() {
                verdict.forget_times();
            }
            self.input.place(verdict);
            if let Some(ledger) = &mut self.ledger {
                ledger.see(flow, verdict);
            }
            self.totals.add(verdict);
            settled = Some(is_over);
            see(judged);
        });
        if let Some(is_over) = settled {
            self.intake.table.forget(due, is_over);
        }
        settled.is_some()
    }

    /// Reads until a flow may be settled, or to the end. By itself: the loop needs every register, and
    /// what is not asked for every record is called cold, so that it gets them.
    #[inline(never)]
    fn read(&mut self) {
        while !is_set(self.options.interrupt.as_ref()) {
            let Some(record) = self.input.next() else {
                if self.input.turn() {
                    continue;
                }
                break;
            };
            if let Some(window) = &mut self.window {
                begin(&mut self.start, record.time);
                if !window.holds(record.frame, record.time) {
                    continue;
                }
            }
            // A record without a time takes that of the record before it.
            let time = record.time.unwrap_or(self.end.time);
            let at = Stamp {
                frame: record.frame,
                time,
            };
            (self.end.frame, self.end.time) = (at.frame, self.end.time.max(time));
            // What follows another begins nothing.
            if record.time.is_some() && !self.clocks.see(record.interface, time) {
                begin(&mut self.start, record.time);
            }
            let kind = (record.link, record.original_len);
            self.intake.push(kind, record.data, at);
            self.now = self.clock.tick(time);
            if self.intake.table.has_due(self.now) {
                return;
            }
        }
        self.interrupted = is_set(self.options.interrupt.as_ref());
        self.ended = true;
        self.intake.table.finish();
    }
}

/// Nothing more was to come. Where FINs crossed and one was not acknowledged, that ACK may come when
/// the network is back, minutes later (RFC 9293 section 3.8.1), and a TIME-WAIT begins with it.
fn is_settled(verdict: &Verdict) -> bool {
    let closing = verdict.outcome == Outcome::Simultaneous && verdict.time_wait.len() < 2;
    verdict.outcome.is_over() && !closing
}

/// The capture begins at the earliest time of any record.
#[cold]
fn begin(start: &mut Option<Time>, time: Option<Time>) {
    if let Some(time) = time {
        *start = Some(start.map_or(time, |start| start.min(time)));
    }
}

#[inline]
fn is_set(flag: Option<&Arc<AtomicBool>>) -> bool {
    flag.is_some_and(|flag| flag.load(Ordering::Relaxed))
}

/// Says by which VLANs and tunnels a flow is kept apart.
fn name_network(verdict: &mut Verdict, layers: &Layers) {
    if *layers == Layers::default() {
        return;
    }
    let vlan: Vec<u16> = layers.vlans().collect();
    let tunnel = layers.tunnels().map(|tunnel| Tunnel {
        kind: tunnel.kind.name().to_owned(),
        id: tunnel.id,
    });
    let tunnel: Vec<Tunnel> = tunnel.collect();
    verdict.vlan = Some(vlan).filter(|vlan| !vlan.is_empty());
    verdict.tunnel = Some(tunnel).filter(|tunnel| !tunnel.is_empty());
}
