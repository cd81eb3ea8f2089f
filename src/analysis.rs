//! From bytes to verdicts: the library's main entrance.

mod batch;
mod bench;
mod checked;
mod clocks;
mod court;
mod feed;
mod input;
mod intake;
mod left;
mod points;
mod threads;
mod window;

pub use bench::Extent;
pub use checked::{CheckError, check};
pub use points::{Streams, streams};
pub use window::Moment;

use crate::capture::{Meter, OpenError, Reader, Set};
use crate::close::summary::Summary;
use crate::close::verdict::Verdict;
use crate::flow::Limits;
use crate::ledger::{Ledger, Settings};
use crate::packet::{AnonymizeKey, Filter};
use crate::patterns::Diagnosis;
use crate::stamp::SECOND;
use batch::{Batch, RECORDS};
use bench::See;
use court::{Court, Next};
use feed::Feed;
use input::Input;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
    /// Findings may lack their sentences and figures then.
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
    /// What is read is this file, from its first byte on: several threads may read it at once then, each
    /// at a place of its own.
    pub file: Option<Arc<File>>,
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
            file: None,
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
    feed: Feed<R>,
    batch: Batch,
    court: Court,
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
pub fn analyze_set(set: Set, options: &Options) -> Analysis<Box<dyn Read + Send>> {
    Analysis::new(Input::Set(Box::new(set.strict(options.strict))), options)
}

impl<R: Read> Iterator for Analysis<R> {
    type Item = Verdict;

    /// Reads on until a flow is settled, and judges it.
    fn next(&mut self) -> Option<Verdict> {
        let mut next = None;
        self.advance(&mut |verdict, _| next = verdict.take());
        next
    }
}

impl<R: Read> Analysis<R> {
    fn new(input: Input<R>, options: &Options) -> Self {
        let court = Court::new(options, input.places());
        Self {
            feed: Feed::new(input, options),
            batch: Batch::for_table(&court.table),
            court,
        }
    }

    /// Shows the next verdict where it is made: it is large, and who only looks at it saves copies.
    /// False after the last one.
    pub fn show_next(&mut self, see: &mut dyn FnMut(&Verdict)) -> bool {
        self.advance(&mut |verdict, _| verdict.iter().for_each(&mut *see))
    }

    fn advance(&mut self, see: See<'_>) -> bool {
        loop {
            match self.court.go_on(&self.batch, see) {
                Next::Shown => return true,
                Next::Over => return false,
                Next::Ended => {}
                Next::Hungry => self.feed.fill(&mut self.batch, RECORDS),
            }
        }
    }

    /// The totals; whole after the last verdict.
    pub fn summary(&self) -> Summary {
        let Self { feed, court, .. } = self;
        let outside = feed.window.as_ref().and_then(|w| w.latest_outside);
        let Extent { began, until } = self.extent();
        let times = began.zip(outside.max(Some(until)));
        let sources = feed
            .input
            .sources(&court.bench.ground.options.source, times);
        let mut summary = court.summary(sources, feed.intake.not_decoded());
        summary.filtered_out = feed.intake.filtered_out;
        summary.outside_window = feed.window.as_ref().map_or(0, |w| w.outside);
        if summary.interrupted {
            // What was interrupted is not damaged.
            for source in &mut summary.sources {
                source.damage.retain(|damage| damage.offset < source.bytes);
            }
        }
        summary
    }

    /// How much of the capture was read so far.
    pub const fn extent(&self) -> Extent {
        self.court.bench.ground.known.extent()
    }

    /// What many flows show together, the most important first; whole after the last verdict.
    pub fn diagnoses(&self) -> Vec<Diagnosis> {
        self.court.bench.sitting.noted.patterns.diagnoses()
    }

    /// The books, if they were asked for; whole after the last verdict.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.court.bench.sitting.noted.ledger.as_deref()
    }
}
