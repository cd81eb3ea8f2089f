//! What is said of a list: the types of the report, field for field.

use super::end::End;
use super::join::View;
use super::line::{Process, Tool};
use super::listing::Listing;
use super::span::span;
use super::taken::{Taken, TakenFrom};
use super::timer::Timer;
use crate::close::SCHEMA;
use crate::close::filter::WiresharkFilter;
use crate::close::verdict::{ActiveCloser, Confidence, Endpoint, Outcome, Side, State, names};
use crate::stamp::{SECOND, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

names! {
    /// Who closed a socket's connection first, as its host sees it.
    ClosedBy {
        /// The host of the list.
        Local = "local",
        /// The other one.
        Peer = "peer",
        /// Both: the FINs crossed.
        Both = "both",
        /// Nobody yet.
        None = "none",
        /// That is not known.
        Unknown = "unknown",
    }
}

/// A socket of the list, and which flow it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explained {
    /// Version of this format.
    pub schema: u32,
    /// Number of its line in the list.
    pub line: u64,
    /// Whose form the line has.
    pub tool: Tool,
    /// Its state in the list.
    pub state: State,
    /// The host's end.
    pub local: End,
    /// The other one.
    pub peer: End,
    /// Bytes received and not read.
    pub recv_q: Option<u64>,
    /// Bytes not acknowledged or not sent.
    pub send_q: Option<u64>,
    /// Its timer.
    pub timer: Option<Timer>,
    /// Who holds it.
    pub process: Option<Process>,
    /// The flow; `None` if there is none, or several may be it.
    pub flow: Option<u64>,
    /// How sure that is.
    pub confidence: Option<Confidence>,
    /// The flows that may be it, where several may: the first of them.
    pub candidates: Vec<u64>,
    /// How many flows may be it: 0 if the capture does not explain it.
    pub candidate_count: u64,
    /// Which side of the flow the host is.
    pub side: Option<Side>,
    /// The state that the capture shows for that time.
    pub expected: Option<State>,
    /// Whether the list shows that too; `None` if either is not known.
    pub agrees: Option<bool>,
    /// Who closed first: by the flow, without one by the state.
    pub closed_by: ClosedBy,
    /// The same as the flow's verdict has it.
    pub active_closer: Option<ActiveCloser>,
    /// How the flow ended.
    pub outcome: Option<Outcome>,
    /// Since when it is in this state; without a flow by its timer.
    pub since: Option<Time>,
    /// Until when: of TIME-WAIT.
    pub until: Option<Time>,
    /// Shows the flow in Wireshark.
    pub wireshark_filter: Option<WiresharkFilter>,
    /// What the join says, in a sentence.
    pub message: String,
    /// What queues and timer say, a sentence each.
    pub readings: Vec<String>,
}

/// A socket that the capture expects, and the list does not show.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Missing {
    /// Version of this format.
    pub schema: u32,
    /// The flow.
    pub flow: u64,
    /// Which side of it the host is.
    pub side: Side,
    /// The host's end.
    pub local: Endpoint,
    /// The other one.
    pub peer: Endpoint,
    /// The state it should be in.
    pub state: State,
    /// Since when.
    pub since: Option<Time>,
    /// Until when: of TIME-WAIT.
    pub until: Option<Time>,
    /// How sure it is.
    pub confidence: Confidence,
    /// Shows the flow in Wireshark.
    pub wireshark_filter: WiresharkFilter,
    /// What may have become of it, in a sentence.
    pub message: String,
}

/// The list as a whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Joined {
    /// Version of this format.
    pub schema: u32,
    /// TCP sockets in the list, listeners too.
    pub listed: u64,
    /// The same by state.
    pub by_state: BTreeMap<State, u64>,
    /// Lines of other protocols.
    pub other_protocols: u64,
    /// Lines that were not understood.
    pub unclear_lines: u64,
    /// When the list was taken.
    pub taken: Taken,
    /// The end of the capture.
    pub capture_end: Option<Time>,
    /// Sockets that are a flow, in the state that the capture shows or one that it cannot tell.
    pub explained: u64,
    /// Sockets that are a flow, in another state.
    pub disagreeing: u64,
    /// Sockets that may be one of several flows.
    pub ambiguous: u64,
    /// Sockets that are no flow of the capture.
    pub unexplained: u64,
    /// Sockets that the capture expects and the list does not show.
    pub missing: u64,
    /// Flows that were over long before and were not compared, since there were too many.
    pub forgotten: u64,
    /// What should be known of all this, a sentence each.
    pub notes: Vec<String>,
    /// The sockets in the order of the list, without listeners.
    #[serde(skip)]
    pub sockets: Vec<Explained>,
    /// What is not in the list.
    #[serde(skip)]
    pub absent: Vec<Missing>,
}

impl Joined {
    pub(super) fn new(
        listing: &Listing,
        view: &View,
        sockets: Vec<Explained>,
        (absent, mut notes): (Vec<Missing>, Vec<String>),
        forgotten: u64,
    ) -> Self {
        let count = |is: fn(&Explained) -> bool| sockets.iter().filter(|s| is(s)).count() as u64;
        notes.splice(0..0, about(listing, view));
        if forgotten > 0 {
            notes.push(format!(
                "{forgotten} flows that were over first were not compared: there were too many"
            ));
        }
        Self {
            schema: SCHEMA,
            listed: listing.sockets.len() as u64,
            by_state: listing.by_state(),
            other_protocols: listing.other,
            unclear_lines: listing.unclear,
            taken: view.taken,
            capture_end: view.end,
            explained: count(|s| s.flow.is_some() && s.agrees != Some(false)),
            disagreeing: count(|s| s.flow.is_some() && s.agrees == Some(false)),
            ambiguous: count(|s| s.flow.is_none() && s.candidate_count > 0),
            unexplained: count(|s| s.candidate_count == 0),
            missing: absent.len() as u64,
            forgotten,
            notes,
            sockets,
            absent,
        }
    }
}

/// What should be known of the list and its time.
fn about(listing: &Listing, view: &View) -> Vec<String> {
    let (mut notes, taken) = (Vec::new(), &view.taken);
    if let Some(line) = listing.first_unclear {
        notes.push(match listing.unclear {
            1 => format!("line {line} of the list was not understood"),
            n => format!("{n} lines of the list were not understood, the first is line {line}"),
        });
    }
    if let (Some(at), Some(end)) = (taken.at, view.end)
        && at.since(end) > taken.within_ns
    {
        notes.push(format!(
            "the list was taken {} after the capture ended: what came in between is not known",
            span(at.since(end))
        ));
    }
    if let (Some(at), Some(told)) = (taken.at, taken.by_timers)
        && taken.from == TakenFrom::User
        && at.since(told).saturating_abs() > SECOND
    {
        let way = if at > told { "earlier" } else { "later" };
        notes.push(format!(
            "the timers say that the list was taken {} {way}: {} of {} TIME-WAIT timers agree on {}",
            span(at.since(told)),
            taken.agreeing,
            taken.timers,
            told.rfc3339()
        ));
    }
    if taken.timers > 0 && taken.agreeing == 0 {
        notes.push(format!(
            "the {} TIME-WAIT timers that could be compared do not agree with each other on when the \
             list was taken: --time-wait may not be what the host has, or the list is of several times",
            taken.timers
        ));
    }
    notes
}
