//! The silence before a close: how long nobody had sent anything when a FIN or RST began it.
//!
//! It is told from the closer's place. A request that the closer had not received when it closed
//! does not end the silence, and for a RST that answers such a request the silence ended with it.

use crate::close::case::Case;
use crate::close::verdict::{ActiveCloser, Outcome, RstForm, Side, Silence, SilenceEnd};
use crate::flow::Seen;
use crate::seq::SeqNum;
use crate::stamp::{SECOND, Stamp};

/// A connection that was silent for so long was idle. Shorter pauses are a round trip, a delayed ACK
/// or the time that an answer takes; the shortest idle timeouts in use are 1 s or more.
pub(super) const IDLE: i64 = SECOND;
/// Segments of the opening, which are always kept.
const OPENING: usize = 4;

/// What ended the silence.
struct End {
    by: Side,
    at: Stamp,
    how: SilenceEnd,
    /// What of its peer's numbers the closer had received.
    knew: Option<SeqNum>,
}

/// The silence before the close, if the close followed one.
pub(super) fn silence(case: &Case) -> Option<Silence> {
    let flow = case.facts.flow;
    if flow.last.time.since(flow.first.time) < IDLE {
        return None;
    }
    let end = end(case)?;
    if !is_whole(case, &end) {
        return None; // what is missing may have been payload
    }
    let heard = Heard::before(case, &end);
    let (at, payload) = (heard.until, heard.payload);
    let answered = end.how == SilenceEnd::Unanswered && at == end.at;
    if answered || heard.is_pending() {
        return None;
    }
    let last = heard.segment?;
    let reaches_back = !flow.log.lacks_before() || payload.is_some_and(|p| p.in_ring);
    let oldest = flow.log.iter().nth(OPENING).map(Seen::at);
    let since_payload_ns = match payload {
        Some(payload) if reaches_back => Some(at.time.since(payload.at.time)),
        _ if !reaches_back => oldest.map(|oldest| at.time.since(oldest.time)),
        _ => None,
    };
    let payload = payload.filter(|_| reaches_back);
    let since_segment_ns = at.time.since(last.time);
    let silence = Silence {
        by: end.by,
        how: end.how,
        frame: at.frame,
        since_payload_ns,
        payload_by: payload.map(|p| p.by),
        payload_frame: payload.map(|p| p.at.frame),
        since_segment_ns,
        at_least: !reaches_back,
    };
    (silence.nanos() >= IDLE).then_some(silence)
}

/// The FIN or RST that began the close.
fn end(case: &Case) -> Option<End> {
    let fin = fin(case);
    let reset = reset(case);
    match (fin, reset) {
        (Some(fin), Some(reset)) if fin.at.is_before(reset.at) => Some(fin),
        (fin, reset) => reset.or(fin).or_else(|| unanswered(case)),
    }
}

/// One side repeats its payload, and the other one is not heard any more.
fn unanswered(case: &Case) -> Option<End> {
    let repeats = |side: &Side| case.facts.half(*side).repeats >= 2;
    let side = [Side::Client, Side::Server].into_iter().find(repeats);
    let side = side.filter(|_| case.outcome == Outcome::Open)?;
    let last = case.facts.flow.last;
    Some(End {
        by: side.peer(),
        at: Stamp {
            frame: last.frame + 1,
            time: last.time.plus(1),
        },
        how: SilenceEnd::Unanswered,
        knew: case.facts.half(side.peer()).ack,
    })
}

fn fin(case: &Case) -> Option<End> {
    let of = |side: Side| {
        let seen = *case.facts.fin_copies(side).first()?;
        seen.is_empty().then_some(End {
            by: side,
            at: seen.at(),
            how: SilenceEnd::Fin,
            knew: seen.flags.ack().then_some(seen.ack),
        })
    };
    match case.closer.who {
        ActiveCloser::Client => of(Side::Client),
        ActiveCloser::Server => of(Side::Server),
        ActiveCloser::Both => {
            let first = |a: End, b: End| if b.at.is_before(a.at) { b } else { a };
            of(Side::Client)
                .zip(of(Side::Server))
                .map(|(a, b)| first(a, b))
        }
        _ => None,
    }
}

fn reset(case: &Case) -> Option<End> {
    let abort = case.abort.as_ref()?;
    let rst = case.resets.get(abort.rst)?;
    let seen = rst.seen();
    if rst.form == RstForm::Active {
        return Some(End {
            by: rst.from,
            at: seen.at(),
            how: SilenceEnd::Rst,
            knew: seen.flags.ack().then_some(seen.ack),
        });
    }
    let half = case.facts.half(rst.from);
    if half.fin.is_some() {
        return None; // its FIN began the close
    }
    Some(End {
        by: rst.from,
        at: rst.trigger.map_or(seen.at(), |trigger| trigger.seen.at()),
        how: SilenceEnd::Forgotten,
        knew: half.ack,
    })
}

/// Nothing is missing of what the closer had sent and received.
fn is_whole(case: &Case, end: &End) -> bool {
    let (mine, peer) = (case.facts.half(end.by), case.facts.half(end.by.peer()));
    let next = mine.next().unwrap_or_default();
    let seen = peer.numbers.as_ref().zip(end.knew);
    mine.whole_below(next)
        && seen.is_none_or(|(n, knew)| peer.whole_below(knew) && !knew.after(n.next))
}

/// The last payload before a close.
#[derive(Clone, Copy)]
struct Payload {
    at: Stamp,
    by: Side,
    /// Every segment between it and the close is kept.
    in_ring: bool,
}

/// What was heard before a close.
struct Heard {
    /// The close, or the segment that it answers.
    until: Stamp,
    payload: Option<Payload>,
    segment: Option<Stamp>,
    /// The end of the closer's payload, and what its peer acknowledged.
    sent: Option<SeqNum>,
    acked: Option<SeqNum>,
}

impl Heard {
    fn before(case: &Case, end: &End) -> Self {
        let mut heard = Self {
            until: end.at,
            payload: None,
            segment: None,
            sent: None,
            acked: None,
        };
        let mut next = [None; 2];
        let mut probed = None;
        for (place, seen) in case.facts.flow.log.iter().enumerate() {
            if !seen.at().is_before(end.at) || seen.flags.rst() {
                continue;
            }
            let from = case.facts.side(seen.from());
            if from != end.by && seen.flags.ack() {
                heard.acked = Some(latest(heard.acked, seen.ack));
            }
            let is_probe = is_probe(seen, next[from.index()]);
            next[from.index()] = Some(latest(next[from.index()], seen.end()));
            // A keepalive probe and its answer end no silence.
            if is_probe || probed == Some(from.peer()) && seen.is_empty_ack() {
                probed = is_probe.then_some(from);
                continue;
            }
            probed = None;
            let is_late = |knew: SeqNum| from != end.by && seen.end().after(knew);
            if end.knew.is_some_and(is_late) && seen.end() != seen.seq {
                if matches!(end.how, SilenceEnd::Forgotten | SilenceEnd::Unanswered) {
                    heard.until = seen.at();
                    break;
                }
                continue;
            }
            heard.segment = Some(seen.at());
            if !seen.is_empty() && from == end.by {
                heard.sent = Some(latest(heard.sent, seen.end()));
            }
            if !seen.is_empty() {
                heard.payload = Some(Payload {
                    at: seen.at(),
                    by: from,
                    in_ring: place >= OPENING,
                });
            }
        }
        heard
    }

    /// What the closer had sent was not all acknowledged: it waited, and was not idle.
    fn is_pending(&self) -> bool {
        let beyond = |sent: SeqNum| self.acked.is_none_or(|acked| sent.after(acked));
        self.sent.is_some_and(beyond)
    }
}

/// A segment one before what its sender has used, of one byte at most (RFC 9293 section 3.8.4).
fn is_probe(seen: &Seen, next: Option<SeqNum>) -> bool {
    let f = seen.flags;
    !f.syn() && !f.fin() && seen.len() <= 1 && next == Some(seen.seq.plus(1))
}

fn latest(known: Option<SeqNum>, end: SeqNum) -> SeqNum {
    known.map_or(end, |known| known.latest(end))
}
