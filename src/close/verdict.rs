//! What is said of a flow: the types of the report, field for field.

use crate::close::community_id::CommunityId;
use crate::close::figures::Figures;
use crate::close::filter::WiresharkFilter;
use crate::close::finding::{Code, Severity};
pub use crate::flow::Letters;
use crate::stamp::Time;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}
pub(crate) use names;

names! {
    /// How sure a statement is. The order is the strength: `Possible < Likely < Certain`.
    Confidence {
        /// A hint.
        Possible = "possible",
        /// The usual reading; another one is named.
        Likely = "likely",
        /// RFC-conforming hosts leave no other reading, even if records of the capture are missing.
        Certain = "certain",
    }
}

names! {
    /// One end of a connection.
    Side {
        /// The sender of the SYN, or who is taken for it (see [`RolesFrom`]).
        Client = "client",
        /// The other one.
        Server = "server",
    }
}

impl Side {
    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// 0 for the client, 1 for the server.
    pub const fn index(self) -> usize {
        match self {
            Self::Client => 0,
            Self::Server => 1,
        }
    }
}

names! {
    /// What tells the client from the server.
    RolesFrom {
        /// A SYN was captured.
        Syn = "syn",
        /// Only the SYN-ACK was.
        SynAck = "syn-ack",
        /// Neither: the higher port is taken for the client's.
        PortGuess = "port-guess",
    }
}

names! {
    /// The outcome of a flow: exactly one, the first that holds.
    Outcome {
        /// The SYN was answered by a RST.
        Refused = "refused",
        /// SYNs without an answer.
        Unanswered = "unanswered",
        /// Both FINs shown and acknowledged.
        Graceful = "graceful",
        /// Both FINs shown and acknowledged, and they crossed.
        Simultaneous = "simultaneous",
        /// Ended by a RST; a FIN was seen as well.
        AbortedAfterFin = "aborted-after-fin",
        /// Ended by a RST.
        Aborted = "aborted",
        /// Both FINs shown, the second not acknowledged.
        FinalAckMissing = "final-ack-missing",
        /// One FIN, acknowledged.
        HalfClosed = "half-closed",
        /// One FIN, not acknowledged.
        FinUnacked = "fin-unacked",
        /// A SYN-ACK that the client never acknowledged.
        HandshakeIncomplete = "handshake-incomplete",
        /// No sign of a close.
        Open = "open",
        /// Too little was seen.
        Indeterminate = "indeterminate",
    }
}

impl Outcome {
    /// Nothing more was to come.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::Graceful
                | Self::Simultaneous
                | Self::Aborted
                | Self::AbortedAfterFin
        )
    }
}

names! {
    /// Who sent a FIN before receiving the peer's.
    ActiveCloser {
        /// The client alone.
        Client = "client",
        /// The server alone.
        Server = "server",
        /// Both: the FINs crossed.
        Both = "both",
        /// Nobody sent a FIN.
        None = "none",
        /// The capture does not tell.
        Unknown = "unknown",
    }
}

names! {
    /// Who ended the flow by a RST.
    AbortedBy {
        /// The client.
        Client = "client",
        /// The server.
        Server = "server",
        /// Each side by a RST of its own, before it could know of the other's.
        Both = "both",
        /// Something between the two, in the name of one.
        Middlebox = "middlebox",
        /// A RST whose sender is in doubt.
        Unknown = "unknown",
    }
}

names! {
    /// Why a flow was aborted.
    AbortCause {
        /// RST to a SYN.
        Refused = "refused",
        /// RST within the handshake.
        HandshakeRejected = "handshake-rejected",
        /// Data met a side that had closed.
        DataAfterClose = "data-after-close",
        /// The peer's first FIN met a side that no longer kept FIN-WAIT-2.
        FinWait2Expired = "fin-wait-2-expired",
        /// A repeated FIN met a side without TIME-WAIT.
        TimeWaitGone = "time-wait-gone",
        /// A segment met no connection.
        NoConnection = "no-connection",
        /// The application aborted.
        AppAbort = "app-abort",
        /// Closed with received bytes unread.
        UnreadData = "unread-data",
        /// Keepalive probes went unanswered.
        KeepaliveTimeout = "keepalive-timeout",
        /// Retransmissions went unanswered.
        RetransmissionTimeout = "retransmission-timeout",
        /// Not sent by the side whose address it bears.
        Injected = "injected",
        /// None of these.
        Unknown = "unknown",
    }
}

names! {
    /// What became of the ACK of the second FIN. The order is the one in which a simultaneous
    /// close reports the worse of its two.
    FinalAck {
        /// It was never sent, as far as the capture shows.
        Never = "never",
        /// Lost before it passed the capture point.
        LostBefore = "lost-before",
        /// Lost after it passed the capture point.
        LostAfter = "lost-after",
        /// The capture ends too early to tell.
        Unknown = "unknown",
        /// Sent most likely, and not captured.
        Unseen = "unseen",
        /// Captured.
        Seen = "seen",
        /// There was no second FIN.
        None = "none",
    }
}

names! {
    /// How a TIME-WAIT ended.
    EndedBy {
        /// Its time ran out (computed, never observed).
        Expiry = "expiry",
        /// A new connection took its place.
        Reused = "reused",
        /// A RST ended it (RFC 1337).
        Reset = "reset",
        /// Its host had none any more.
        Gone = "gone",
        /// Still running when the capture ended.
        CaptureEnd = "capture-end",
    }
}

names! {
    /// On what a TIME-WAIT rests.
    Basis {
        /// The rules of TCP.
        Rule = "rule",
        /// Linux's timewait socket showed itself.
        Minisocket = "minisocket",
    }
}

names! {
    /// The states of RFC 9293 section 3.3.2, and `unknown`.
    State {
        /// Neither seen nor acknowledged.
        Unknown = "unknown",
        /// Waiting for a connection request.
        Listen = "LISTEN",
        /// Sent a SYN.
        SynSent = "SYN-SENT",
        /// Received a SYN and answered.
        SynReceived = "SYN-RECEIVED",
        /// Open.
        Established = "ESTABLISHED",
        /// Sent a FIN, not acknowledged.
        FinWait1 = "FIN-WAIT-1",
        /// Sent a FIN, acknowledged; the peer has not closed.
        FinWait2 = "FIN-WAIT-2",
        /// Received the peer's FIN, has not closed.
        CloseWait = "CLOSE-WAIT",
        /// Both FINs crossed, its own not acknowledged.
        Closing = "CLOSING",
        /// Passive closer, its FIN not acknowledged.
        LastAck = "LAST-ACK",
        /// Active closer, all acknowledged, waiting.
        TimeWait = "TIME-WAIT",
        /// No connection.
        Closed = "CLOSED",
    }
}

names! {
    /// The form of a RST (RFC 9293 sections 3.5.2 and 3.10.7).
    RstForm {
        /// Sent by a live connection that is aborted.
        Active = "active",
        /// Answers a segment that no connection accepts.
        Reply = "reply",
    }
}

names! {
    /// A RST's SEQ against its receiver's RCV.NXT (RFC 5961 section 3).
    RstFit {
        /// Exactly RCV.NXT.
        Exact = "exact",
        /// In the receive window.
        InWindow = "in-window",
        /// Outside of it.
        Outside = "outside",
        /// RCV.NXT is not known.
        Unknown = "unknown",
    }
}

names! {
    /// What a RST did.
    RstFate {
        /// It ended the connection.
        Effective = "effective",
        /// Its receiver sent a challenge ACK (RFC 5961) and went on.
        Challenged = "challenged",
        /// Its receiver went on.
        Ignored = "ignored",
    }
}

names! {
    /// An event of the close, or of the opening.
    Event {
        /// SYN.
        Syn = "syn",
        /// SYN-ACK.
        SynAck = "syn-ack",
        /// The first copy of a FIN.
        Fin = "fin",
        /// A FIN again.
        FinAgain = "fin-again",
        /// The first segment that acknowledges the peer's FIN.
        FinAcked = "fin-acked",
        /// RST.
        Rst = "rst",
        /// A keepalive or window probe: SEQ one before SND.NXT, no or one byte.
        KeepaliveProbe = "keepalive-probe",
        /// A further ACK of the peer's FIN by a TIME-WAIT owner.
        TimeWaitAck = "time-wait-ack",
    }
}

names! {
    /// What ended a silence.
    SilenceEnd {
        /// A FIN.
        Fin = "fin",
        /// A RST of a live connection.
        Rst = "rst",
        /// A segment that met no connection any more: a RST answered it.
        Forgotten = "forgotten",
        /// A segment that was repeated and never answered.
        Unanswered = "unanswered",
    }
}

/// An address and a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    /// IPv4 or IPv6 address.
    pub addr: IpAddr,
    /// TCP port.
    pub port: u16,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&std::net::SocketAddr::new(self.addr, self.port).to_string())
    }
}

/// One value for each side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PerSide<T> {
    /// The client's.
    pub client: T,
    /// The server's.
    pub server: T,
}

impl<T> PerSide<T> {
    /// The value of one side.
    pub const fn of(&self, side: Side) -> &T {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }
}

/// One TIME-WAIT: who held it, from when to when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimeWait {
    /// The active closer that holds it.
    pub owner: Side,
    /// The owner's first ACK of the peer's FIN; `null` if that was not captured.
    pub start: Option<Time>,
    /// When it ended or will end; `null` if that cannot be computed.
    pub end: Option<Time>,
    /// How it ended.
    pub ended_by: EndedBy,
    /// On what the statement rests.
    pub basis: Basis,
    /// How sure it is.
    pub confidence: Confidence,
    /// How many later ACKs of the owner started it anew.
    pub restarts: u32,
    /// Nanoseconds still to run when the capture ended, for `capture-end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_ns: Option<i64>,
}

/// The TIME-WAITs of a flow. Most flows have one.
pub type TimeWaits = SmallVec<[TimeWait; 1]>;

/// How long a side was in a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dwell {
    /// The state.
    pub state: State,
    /// Since when; `null` if that was not captured.
    pub from: Option<Time>,
    /// Until when; `null` if that is not known, or it is so at the end of the capture.
    pub to: Option<Time>,
}

/// The states of a side in turn. Most pass five or fewer.
pub type Dwells = SmallVec<[Dwell; 5]>;

/// A segment that mattered to the close. Sequence numbers are relative to the ISNs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CloseEvent {
    /// Frame number.
    pub frame: u64,
    /// Its time, if the record has one.
    pub time: Option<Time>,
    /// Its sender.
    pub from: Side,
    /// What it is.
    pub event: Event,
    /// SEG.SEQ, relative to the sender's ISN (to its first number seen, without a SYN).
    pub seq: u32,
    /// SEG.ACK, relative to the peer's; `null` without the ACK bit.
    pub ack: Option<u32>,
    /// Bytes of payload.
    pub len: u32,
}

/// One entry of the list of close events: an event, or how many more there were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum CloseEntry {
    /// An event.
    Event(CloseEvent),
    /// Last entry of a list that was cut.
    More {
        /// How many events are left out.
        more: u64,
    },
}

/// The close events of a flow. Most flows have six at most.
pub type CloseEntries = SmallVec<[CloseEntry; 6]>;

/// One RST, or several that are one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reset {
    /// Frame of the first copy.
    pub frame: u64,
    /// Its time.
    pub time: Option<Time>,
    /// The side whose address it bears.
    pub from: Side,
    /// Its form.
    pub form: RstForm,
    /// SEQ against RCV.NXT of its receiver.
    pub fit: RstFit,
    /// What it did.
    pub fate: RstFate,
    /// How many there were.
    pub copies: u32,
}

/// The RSTs of a flow. Most aborts have one.
pub type Resets = SmallVec<[Reset; 1]>;

/// The frames that show a finding. Most have one or two, which take no more room than a list elsewhere.
pub type Frames = SmallVec<[u64; 2]>;

/// Something worth knowing about a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Finding {
    /// Which row of the table.
    pub code: Code,
    /// How urgent.
    pub severity: Severity,
    /// Whose it is, where it is one side's.
    pub side: Option<Side>,
    /// The frames that show it.
    pub frames: Frames,
    /// How sure it is.
    pub confidence: Confidence,
    /// One sentence.
    pub message: Cow<'static, str>,
    /// Figures of the message, for machines.
    pub data: Figures,
}

/// The silence before a close, of a second or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Silence {
    /// Who ended it; of a connection that was forgotten, who did not know it any more.
    pub by: Side,
    /// What ended it.
    pub how: SilenceEnd,
    /// The FIN or RST; of a connection that was forgotten, the segment that met none.
    pub frame: u64,
    /// Nanoseconds since the last payload of either side; `null` if there was none.
    pub since_payload_ns: Option<i64>,
    /// Who sent that; `null` if it is not known.
    pub payload_by: Option<Side>,
    /// Its frame.
    pub payload_frame: Option<u64>,
    /// Nanoseconds since the last segment that was no keepalive probe and no answer to one.
    pub since_segment_ns: i64,
    /// It lasted longer: its beginning is not kept.
    pub at_least: bool,
}

impl Silence {
    /// Nanoseconds since the last payload, or since the handshake if there was none.
    pub fn nanos(&self) -> i64 {
        self.since_payload_ns.unwrap_or(self.since_segment_ns)
    }
}

names! {
    /// `conn_state` of Zeek's conn.log, with Zeek's own explanations.
    ConnState {
        /// Connection attempt seen, no reply.
        S0 = "S0",
        /// Connection established, not terminated.
        S1 = "S1",
        /// Connection established and close attempt by originator seen (but no reply from responder).
        S2 = "S2",
        /// Connection established and close attempt by responder seen (but no reply from originator).
        S3 = "S3",
        /// Normal establishment and termination.
        Sf = "SF",
        /// Connection attempt rejected.
        Rej = "REJ",
        /// Connection established, originator aborted (sent a RST).
        Rsto = "RSTO",
        /// Responder sent a RST.
        Rstr = "RSTR",
        /// Originator sent a SYN followed by a RST, we never saw a SYN-ACK from the responder.
        Rstos0 = "RSTOS0",
        /// Responder sent a SYN ACK followed by a RST, we never saw a SYN from the (purported)
        /// originator.
        Rstrh = "RSTRH",
        /// Originator sent a SYN followed by a FIN, we never saw a SYN ACK from the responder.
        Sh = "SH",
        /// Responder sent a SYN ACK followed by a FIN, we never saw a SYN from the originator.
        Shr = "SHR",
        /// No SYN seen, just midstream traffic.
        Oth = "OTH",
    }
}

/// Zeek's names for the same flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zeek {
    /// `conn_state` of conn.log.
    pub conn_state: ConnState,
    /// `history` of conn.log.
    pub history: Letters,
}

/// Frames of a set that stand in one of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFrames {
    /// The file's name.
    pub source: Arc<str>,
    /// Of each frame its number in the set, and that in the file.
    pub frames: Vec<[u64; 2]>,
}

impl FileFrames {
    /// One frame.
    pub fn new(source: Arc<str>, frame: [u64; 2]) -> Self {
        let frames = vec![frame];
        Self { source, frames }
    }
}

/// The verdict on one flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Version of this format.
    pub schema: u32,
    /// Number of the flow, from 0, by first frame.
    pub flow: u64,
    /// The capture's name.
    pub source: Arc<str>,
    /// The opener.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// What tells them apart.
    pub roles_from: RolesFrom,
    /// Time of the first frame.
    pub start: Option<Time>,
    /// Time of the last frame.
    pub end: Option<Time>,
    /// First frame.
    pub first_frame: u64,
    /// Last frame.
    pub last_frame: u64,
    /// Segments by sender, duplicate records not counted.
    pub packets: PerSide<u64>,
    /// Bytes of payload by sender, each sequence number once.
    pub payload_bytes: PerSide<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// Who closed first.
    pub active_closer: ActiveCloser,
    /// Who aborted; `null` if nobody did.
    pub aborted_by: Option<AbortedBy>,
    /// Why.
    pub abort_cause: Option<AbortCause>,
    /// How sure the cause is.
    pub cause_confidence: Option<Confidence>,
    /// What else it may have been.
    pub cause_alternatives: SmallVec<[AbortCause; 16]>,
    /// What became of the last ACK.
    pub final_ack: FinalAck,
    /// The least over `outcome`, `active_closer` and `aborted_by`.
    pub confidence: Confidence,
    /// One sentence that names the deciding frames.
    pub reason: String,
    /// One entry per owner; empty if nobody owns one.
    pub time_wait: TimeWaits,
    /// Both sides' states at the end of the capture, derived.
    pub final_states: PerSide<State>,
    /// How long each side was in which state, derived; those without a connection left out. `None` if
    /// nobody asked for it.
    #[serde(default)]
    pub states: Option<PerSide<Dwells>>,
    /// At most 16 events, then how many more.
    pub close: CloseEntries,
    /// The RSTs.
    pub resets: Resets,
    /// What else is worth knowing.
    pub findings: Vec<Finding>,
    /// The last HTTP/1 request to which no complete response was seen.
    #[serde(default)]
    pub in_flight: Option<Box<InFlight>>,
    /// The flow before on the same addresses and ports.
    pub previous_flow: Option<u64>,
    /// A display filter that selects this flow.
    pub wireshark_filter: WiresharkFilter,
    /// Zeek's names.
    pub zeek: Zeek,
    /// The silence before the close, if that followed one of a second or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<Silence>,
    /// The VLANs that are part of the key, outermost first; none unless they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vlan: Option<Vec<u16>>,
    /// The tunnels that are part of the key, outermost first; none unless they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tunnel: Option<Vec<Tunnel>>,
    /// Where the frames that show it stand in the files of a set; `None` for a single capture,
    /// whose frames are numbered as they stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<FileFrames>>,
    /// What the applications said last; `None` if nothing of it was captured in clear and understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Box<Application>>,
    /// The Community ID, by which other monitors name the same connection; `None` unless it was asked
    /// for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community_id: Option<CommunityId>,
}

/// A request without a complete response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InFlight {
    /// The frame in which it begins.
    pub frame: u64,
    /// Its method.
    pub method: String,
    /// Its target, cut to 64 bytes (`..` at the end), what cannot be printed as `\xNN`.
    pub path: String,
    /// All of it was acknowledged.
    pub acknowledged: bool,
    /// The status of the response that came in part; `null` if none did.
    pub status: Option<u16>,
}

/// What the applications said last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Application {
    /// What they speak.
    pub protocol: String,
    /// The client's last message that was understood.
    pub client: Option<LastWords>,
    /// The server's.
    pub server: Option<LastWords>,
}

/// A message of an application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastWords {
    /// Its frame.
    pub frame: u64,
    /// What it says.
    pub words: String,
}

impl LastWords {
    pub(super) const fn new(frame: u64, words: String) -> Self {
        Self { frame, words }
    }
}

/// A tunnel that is part of a flow's key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// What kind it is.
    pub kind: String,
    /// Its number: network identifier, key or session.
    pub id: u32,
}

impl Verdict {
    /// The frames that the verdict names, each once, in order.
    pub fn evidence(&self) -> Vec<u64> {
        let events = self.close.iter().filter_map(|entry| match entry {
            CloseEntry::Event(event) => Some(event.frame),
            CloseEntry::More { .. } => None,
        });
        let mut frames = vec![self.first_frame, self.last_frame];
        frames.extend(events);
        frames.extend(self.resets.iter().map(|reset| reset.frame));
        frames.extend(self.findings.iter().flat_map(|finding| &finding.frames));
        frames.extend(self.in_flight.iter().map(|request| request.frame));
        let said = self.application.iter().flat_map(|a| [&a.client, &a.server]);
        frames.extend(said.flatten().map(|words| words.frame));
        frames.sort_unstable();
        frames.dedup();
        frames
    }

    /// Takes the times back: the capture has none (pcapng simple packets only). What rests on them
    /// is likely at most.
    pub(crate) fn forget_times(&mut self) {
        (self.start, self.end, self.silence) = (None, None, None);
        for entry in &mut self.time_wait {
            (entry.start, entry.end, entry.left_ns) = (None, None, None);
            entry.confidence = entry.confidence.min(Confidence::Likely);
        }
        for entry in &mut self.close {
            if let CloseEntry::Event(event) = entry {
                event.time = None;
            }
        }
        for reset in &mut self.resets {
            reset.time = None;
        }
        if let Some(PerSide { client, server }) = &mut self.states {
            for dwell in client.iter_mut().chain(server) {
                (dwell.from, dwell.to) = (None, None);
            }
        }
    }
}
