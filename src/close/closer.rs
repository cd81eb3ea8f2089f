//! The active closer: who sent a FIN before receiving the peer's (RFC 9293 section 3.6).
//!
//! The acknowledgement numbers decide, not the order of frames in the capture.

use crate::close::facts::Facts;
use crate::close::verdict::{ActiveCloser, Confidence, Side};
use crate::flow::Seen;
use crate::stamp::Stamp;

/// The largest window there is (RFC 7323 section 2.3).
const WINDOW: u32 = 1 << 30;

/// What is known of a side's part in the close, where both FINs are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A copy of its FIN does not acknowledge the peer's.
    ShownActive,
    /// Its FIN was sent before it acknowledged the peer's, though the first copy is missing.
    LikelyActive,
    /// It is proved that it had received the peer's FIN when it sent its own.
    ShownPassive(Stamp),
    /// Its FIN acknowledges the peer's; an earlier copy may be missing.
    LikelyPassive,
}

impl Part {
    const fn is_active(self) -> bool {
        matches!(self, Self::ShownActive | Self::LikelyActive)
    }

    const fn doubted(self) -> Self {
        match self {
            Self::ShownActive | Self::LikelyActive => Self::LikelyActive,
            Self::ShownPassive(_) | Self::LikelyPassive => Self::LikelyPassive,
        }
    }

    const fn is_shown(self) -> bool {
        matches!(self, Self::ShownActive | Self::ShownPassive(_))
    }
}

/// The active closer and how sure that is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closer {
    pub(super) who: ActiveCloser,
    pub(super) confidence: Confidence,
    /// Both sides' parts, client first; only with both FINs.
    pub(super) parts: Option<[Part; 2]>,
}

impl Closer {
    /// The side is an active closer.
    pub(super) const fn includes(&self, side: Side) -> bool {
        match self.who {
            ActiveCloser::Both => true,
            ActiveCloser::Client => matches!(side, Side::Client),
            ActiveCloser::Server => matches!(side, Side::Server),
            _ => false,
        }
    }

    /// A copy of the side's FIN proves it active.
    pub(super) fn shown_active(&self, side: Side) -> bool {
        self.parts
            .is_some_and(|parts| parts[side.index()] == Part::ShownActive)
    }

    /// The side is proved to have received the peer's FIN before it sent its own.
    pub(super) fn shown_passive(&self, side: Side) -> bool {
        self.parts
            .is_some_and(|parts| matches!(parts[side.index()], Part::ShownPassive(_)))
    }
}

const UNKNOWN: Closer = Closer {
    who: ActiveCloser::Unknown,
    confidence: Confidence::Possible,
    parts: None,
};

/// The active closer, by the FINs alone. `abort`: a certain abort's sender and whether its RST
/// covers the peer's FIN.
pub(super) fn active_closer(facts: &Facts, abort: Option<(Side, bool)>) -> Closer {
    let (client, server) = (facts.fin(Side::Client), facts.fin(Side::Server));
    match (client, server) {
        (Some(_), Some(_)) => of_two(facts),
        (Some(_), None) => of_one(facts, Side::Client, abort),
        (None, Some(_)) => of_one(facts, Side::Server, abort),
        (None, None) => of_none(facts, abort),
    }
}

fn of_none(facts: &Facts, abort: Option<(Side, bool)>) -> Closer {
    let hidden = facts.possible_fin(Side::Client) || facts.possible_fin(Side::Server);
    let unseen = facts.one_direction() && !facts.is_syn_series();
    let (who, confidence) = if hidden || unseen {
        (ActiveCloser::Unknown, Confidence::Possible)
    } else if abort.is_some() {
        (ActiveCloser::None, Confidence::Certain)
    } else {
        (ActiveCloser::None, Confidence::Likely)
    };
    Closer {
        who,
        confidence,
        parts: None,
    }
}

fn of_one(facts: &Facts, side: Side, abort: Option<(Side, bool)>) -> Closer {
    if facts.one_direction() || facts.possible_fin(side.peer()) {
        return UNKNOWN;
    }
    let confidence = if abort == Some((side.peer(), true)) {
        Confidence::Certain
    } else if acked_by_empty(facts, side) {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    Closer {
        who: one(side),
        confidence,
        parts: None,
    }
}

/// The peer acknowledged the side's FIN by an empty ACK at its own SND.NXT, without a hole.
fn acked_by_empty(facts: &Facts, side: Side) -> bool {
    let peer = facts.half(side.peer());
    facts
        .acks_of_fin(side)
        .any(|s| s.is_empty_ack() && peer.whole_below(s.seq))
}

fn of_two(facts: &Facts) -> Closer {
    if facts.one_direction() {
        return UNKNOWN;
    }
    let mut parts = [part(facts, Side::Client), part(facts, Side::Server)];
    if mixed(facts) {
        parts = parts.map(Part::doubted);
    }
    let [client, server] = parts;
    let who = match (client.is_active(), server.is_active()) {
        (true, true) => ActiveCloser::Both,
        (true, false) => ActiveCloser::Client,
        (false, true) => ActiveCloser::Server,
        (false, false) => neither(client, server),
    };
    let shown = (client == Part::ShownActive || server == Part::ShownActive)
        && client.is_shown()
        && server.is_shown();
    let confidence = match who {
        ActiveCloser::Unknown => Confidence::Possible,
        _ if shown => Confidence::Certain,
        _ => Confidence::Likely,
    };
    Closer {
        who,
        confidence,
        parts: Some(parts),
    }
}

/// Both FINs acknowledge each other: the first copy of one is missing. Who is proved passive had
/// received a FIN, so the other one was active.
const fn neither(client: Part, server: Part) -> ActiveCloser {
    match (client, server) {
        (Part::ShownPassive(_), Part::LikelyPassive) => ActiveCloser::Server,
        (Part::LikelyPassive, Part::ShownPassive(_)) => ActiveCloser::Client,
        _ => ActiveCloser::Unknown,
    }
}

/// A side sent FINs of two numbers: segments of two connections stand in one flow.
fn mixed(facts: &Facts) -> bool {
    let others = |side| facts.half(side).rare.as_ref().map_or(0, |r| r.other_fins);
    others(Side::Client) + others(Side::Server) > 0
}

fn part(facts: &Facts, side: Side) -> Part {
    let (Some(mine), Some(theirs)) = (facts.fin(side), facts.fin(side.peer())) else {
        return Part::LikelyPassive;
    };
    let (fin_seq, peer_end) = (mine.seq, theirs.seq.plus(1));
    if mine.without_ack {
        return Part::LikelyActive; // it acknowledges nothing, and a conforming receiver drops it
    }
    let before_fin =
        |s: &&Seen| s.is_empty_ack() && s.acks_fin(peer_end) && s.seq.at_or_before(fin_seq);
    let received = facts.acks_of_fin(side.peer()).find(before_fin);
    if mine.least_ack.before(peer_end) {
        // An ACK never goes back, nor lags by more than a window: such a FIN, or the peer's, is
        // another connection's.
        let lags = mine.least_ack.distance(peer_end) > WINDOW;
        return if received.is_some() || lags {
            Part::LikelyActive
        } else {
            Part::ShownActive
        };
    }
    if let Some(ack) = received {
        return Part::ShownPassive(ack.at());
    }
    if let Some(anchored) = mine.anchored {
        return Part::ShownPassive(anchored);
    }
    if sent_before_its_first_copy(facts, side) {
        Part::LikelyActive
    } else {
        Part::LikelyPassive
    }
}

/// The first segment that acknowledges the peer's FIN already counts the side's own FIN, which was
/// not captured yet, and the peer's FIN had been seen once: both were on their way at once.
fn sent_before_its_first_copy(facts: &Facts, side: Side) -> bool {
    let first = facts.acks_of_fin(side.peer()).next();
    let (Some(mine), Some(first)) = (facts.fin(side), first) else {
        return false;
    };
    let copies = facts.fin_copies(side.peer());
    let seen_once = copies
        .iter()
        .filter(|c| c.at().is_before(first.at()))
        .count()
        == 1;
    first.seq == mine.seq.plus(1)
        && !first.flags.fin()
        && first.at().is_before(mine.copies.first)
        && seen_once
}

const fn one(side: Side) -> ActiveCloser {
    match side {
        Side::Client => ActiveCloser::Client,
        Side::Server => ActiveCloser::Server,
    }
}
