//! What joins a connection to others and to the moment: facts that a RST or a SYN is measured
//! against.

use crate::flow::parts::Copies;
use crate::flow::seen::Seen;
use crate::seq::{SeqNum, TsVal};
use crate::stamp::{Stamp, Time};

/// What was known when a RST passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot {
    /// SND.NXT as seen of each end.
    pub next: [Option<SeqNum>; 2],
    /// The highest ACK of each end.
    pub ack: [Option<SeqNum>; 2],
    /// The highest ACK + window of each end.
    pub right_edge: [Option<SeqNum>; 2],
    /// The sender's last window.
    pub window: Option<u16>,
    /// The sender's next IPv4 ID, if its IDs count.
    pub next_id: Option<u16>,
    /// The sender's last ID was that of a SYN-ACK or it has sent none: any may follow.
    pub fresh_ids: bool,
    /// The sender's unanswered probes.
    pub probes: u32,
    /// The sender's unanswered repeats.
    pub repeats: u32,
}

/// A RST and what was known when it passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResetSeen {
    /// The RST.
    pub seen: Seen,
    /// What was known.
    pub before: Snapshot,
}

/// The connection before on the same key: facts that a SYN is measured against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Predecessor {
    /// Its number.
    pub flow: u64,
    /// SND.NXT as seen of each end.
    pub next: [Option<SeqNum>; 2],
    /// The newest TSval of each end, and when.
    pub tsval: [Option<(TsVal, Time)>; 2],
    /// Its last segment.
    pub last: Stamp,
    /// Each end's FIN was shown.
    pub fins: [bool; 2],
    /// Each end's FIN was acknowledged.
    pub acked: [bool; 2],
    /// Each end sent its FIN without acknowledging the other's: it closed actively.
    pub active: [bool; 2],
    /// A RST passed: of its states none is sure.
    pub reset: bool,
    /// The last FIN of either end.
    pub fin: Option<Time>,
}

/// The connection after on the same key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Successor {
    /// Its number.
    pub flow: u64,
    /// Which end opened it.
    pub opener: Option<u8>,
    /// Its first SYN: where, ISN, TSval, TSecr.
    pub syn: Option<SynFacts>,
    /// The SYN-ACK that answered.
    pub syn_ack: Option<Stamp>,
    /// The ACKs of the older connection with which it was answered first.
    pub old_acks: Option<Copies>,
    /// The first RST of its opener to those.
    pub old_rst: Option<Stamp>,
    /// Its first segment.
    pub first: Stamp,
}

/// What a SYN carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynFacts {
    /// Where it stands.
    pub at: Stamp,
    /// Its ISN.
    pub isn: SeqNum,
    /// Its TSval.
    pub tsval: Option<TsVal>,
    /// Its TSecr: not 0 if `tcp_tw_reuse` took the port of a TIME-WAIT of its own.
    pub tsecr: Option<TsVal>,
    /// How often it was sent.
    pub count: u32,
}

/// What few connections show: doubled or reordered records, and answers of other connections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Odd {
    /// Records that were there twice.
    pub duplicates: Option<Copies>,
    /// Records that stand behind later ones, or whose time does.
    pub reordered: Option<Copies>,
    /// The largest step back of their times, in nanoseconds.
    pub step_back: i64,
    /// The lowest and the highest number of their frames and of those before them.
    pub frames: Option<[u64; 2]>,
    /// SYNs of another connection.
    pub old_syn: Option<OldSyn>,
    /// ACKs of an older connection that answered the SYN, and their sender's last such number.
    pub old_ack: Option<(Copies, SeqNum)>,
    /// RSTs of the SYN's sender to those.
    pub old_rst: Option<Copies>,
}

impl Odd {
    /// Records of these frames do not stand in the order of their times.
    pub(super) fn stretch(&mut self, frames: [u64; 2]) {
        let [lowest, highest] = self.frames.unwrap_or(frames);
        self.frames = Some([lowest.min(frames[0]), highest.max(frames[1])]);
    }
}

/// SYNs of another connection that reached this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldSyn {
    /// Their sender.
    pub from: u8,
    /// The copies.
    pub copies: Copies,
}
