//! The connections of one pair of ends, one after another: where one ends and the next begins.
//!
//! RFC 9293 section 3.4.1 and 3.6.1; a capture adds that a SYN may be an old duplicate, and that
//! the handshake may be missing. A flow is never split because it was idle.

use crate::flow::half::Half;
use crate::flow::record::{Beside, Flow};
use crate::flow::relations::{OldSyn, Predecessor, Successor, SynFacts};
use crate::flow::seen::Seen;
use crate::flow::slab::Slab;
use crate::seq::SeqNum;

/// What a segment means to the connections of its key.
enum Begins {
    /// It belongs to the current one.
    Nothing,
    /// It begins a new one.
    Connection,
    /// It is a SYN of which only what follows can tell.
    Pending,
}

/// What a segment means to a pending SYN.
enum Decides {
    /// The SYN was a new connection's.
    New,
    /// It was an old duplicate.
    OldDuplicate,
    /// Nothing; it belongs to the SYN.
    Joins,
    /// Nothing; it belongs to the current connection.
    Nothing,
}

/// What a segment did to the connections of its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pushed {
    /// The place of the current flow from now on.
    pub(super) current: u32,
    /// The flow that it began.
    pub(super) began: Option<u32>,
    /// A SYN that turned out to be no connection.
    pub(super) unused: Option<u32>,
}

/// Takes in a segment of the key whose current flow stands at `at`. `number`: that of a flow which
/// begins here.
pub(super) fn push(flows: &mut Slab<Flow>, at: u32, seen: &Seen, number: u64) -> Pushed {
    let mut pushed = Pushed {
        current: at,
        began: None,
        unused: None,
    };
    if push_old(flows, at, seen) {
        return pushed;
    }
    let done = push_pending(flows, seen, &mut pushed);
    let at = pushed.current;
    let Some(current) = flows.get_mut(at).filter(|_| !done) else {
        return pushed;
    };
    let begins = begins(current, seen);
    if matches!(begins, Begins::Nothing) {
        current.push(seen);
        return pushed;
    }
    let flow = first_of(current, seen, number);
    let place = flows.insert(flow);
    pushed.began = Some(place);
    match begins {
        Begins::Connection => {
            succeed(flows, at, place);
            pushed.current = place;
        }
        _ => {
            if let Some([current, flow]) = flows.both(at, place) {
                current.beside.pending = Some(place);
                flow.pending = true;
                current.unsettle();
            }
        }
    }
    pushed
}

/// No more segments of the key whose current flow stands at `at`: a SYN still pending is a connection
/// of its own. Gives the place of the current flow from then on.
pub(super) fn finish(flows: &mut Slab<Flow>, at: u32) -> u32 {
    let Some(beside) = flows.get(at).map(|flow| flow.beside) else {
        return at;
    };
    let Some(place) = beside.pending else {
        leave_old(flows, at);
        return at;
    };
    if let Some(pending) = flows.get_mut(place) {
        pending.unconfirmed = true;
    }
    succeed(flows, at, place);
    leave_old(flows, place);
    place
}

impl Flow {
    /// Takes in a segment of the key whose current flow this is, if no other flow of the key could want it, nor a new one begins: most do.
    pub(super) fn push_if_alone(&mut self, seen: &Seen) -> bool {
        let alone = self.beside == Beside::default();
        let mine = alone && matches!(begins(self, seen), Begins::Nothing);
        if mine {
            self.push(seen);
            self.find_steady();
        }
        mine
    }
}

/// A late segment of the connection before. True if it is one.
fn push_old(flows: &mut Slab<Flow>, at: u32, seen: &Seen) -> bool {
    let old = flows.get(at).and_then(|flow| flow.beside.old);
    let Some([current, old]) = old.and_then(|place| flows.both(at, place)) else {
        return false;
    };
    let belongs = belongs_to_old(old, current, seen);
    if belongs {
        old.push_late(seen);
    }
    belongs
}

/// The segment meets a pending SYN, if there is one. True if the segment is dealt with.
fn push_pending(flows: &mut Slab<Flow>, seen: &Seen, pushed: &mut Pushed) -> bool {
    let at = pushed.current;
    let Some(place) = flows.get(at).and_then(|flow| flow.beside.pending) else {
        return false;
    };
    let Some([current, pending]) = flows.both(at, place) else {
        return false;
    };
    match decides(pending, current, seen) {
        Decides::New => {
            succeed(flows, at, place);
            pushed.current = place;
            false
        }
        Decides::OldDuplicate => {
            current.beside.pending = None;
            pushed.unused = Some(place);
            give_back(current, pending);
            false
        }
        Decides::Joins => {
            pending.push(seen);
            true
        }
        Decides::Nothing => {
            current.push(seen);
            true
        }
    }
}

/// The flow at `new` takes the place of the current one at `at`.
fn succeed(flows: &mut Slab<Flow>, at: u32, new: u32) {
    leave_old(flows, at);
    let Some([current, flow]) = flows.both(at, new) else {
        return;
    };
    flow.previous = Some(Box::new(predecessor(current)));
    flow.beside.old = Some(at);
    flow.pending = false;
    current.beside = Beside {
        newer: Some(new),
        ..Beside::default()
    };
    current.superseded = true;
    current.unsettle();
}

/// The connection before, if there is one, gets no more segments.
pub(super) fn leave_old(flows: &mut Slab<Flow>, at: u32) {
    let old = flows
        .get_mut(at)
        .and_then(|current| current.beside.old.take());
    if let Some([current, old]) = old.and_then(|place| flows.both(at, place)) {
        old.next = Some(Box::new(successor(current)));
        old.beside.newer = None;
    }
}

/// The flow that `seen` begins on the key of `current`.
fn first_of(current: &Flow, seen: &Seen, number: u64) -> Flow {
    let mut flow = Flow::default();
    flow.begin(current.key, number, seen);
    flow.inherited = !seen.flags.syn();
    flow.inherited_opener = current.opener().filter(|_| flow.inherited);
    flow
}

fn begins(current: &Flow, seen: &Seen) -> Begins {
    let f = seen.flags;
    if f.rst() {
        return Begins::Nothing;
    }
    match (f.syn(), f.ack()) {
        (true, false) => begins_by_syn(current, seen),
        (true, true) => begins_by_syn_ack(current, seen),
        _ => begins_midway(current, seen),
    }
}

fn begins_by_syn(current: &Flow, seen: &Seen) -> Begins {
    let (mine, peer) = sides(current, seen.from());
    let same = match (mine.isn, &mine.numbers) {
        (Some(isn), _) => isn == seen.seq,
        // The SYN stands behind the first segments, or the opening is simultaneous.
        (None, Some(numbers)) => numbers.base == seen.end(),
        (None, None) => peer.ack.is_none_or(|ack| ack == seen.end()),
    };
    if same {
        Begins::Nothing
    } else if is_over(current) {
        Begins::Connection
    } else {
        Begins::Pending
    }
}

fn begins_by_syn_ack(current: &Flow, seen: &Seen) -> Begins {
    let (mine, peer) = sides(current, seen.from());
    let same = match (mine.isn, &mine.numbers) {
        (Some(isn), _) => isn == seen.seq,
        (None, Some(numbers)) => numbers.base == seen.end(),
        (None, None) => {
            peer.opening.is_some() || peer.numbers.is_none_or(|n| n.distance(seen.ack) == 0)
        }
    };
    if same {
        Begins::Nothing
    } else {
        Begins::Connection
    }
}

/// Numbers beyond an acknowledged FIN are another connection's.
fn begins_midway(current: &Flow, seen: &Seen) -> Begins {
    let (mine, peer) = sides(current, seen.from());
    let end = |half: &Half| {
        let fin = half.fin.as_ref().filter(|f| f.acked.is_some())?;
        // Numbers it had shown before are its own, wherever its FIN stands.
        let end = fin.seq.plus(1);
        Some(half.next().map_or(end, |next| next.latest(end)))
    };
    let beyond = end(mine).is_some_and(|end| seen.end().after(end))
        || end(peer).is_some_and(|end| seen.flags.ack() && seen.ack.after(end));
    if beyond {
        Begins::Connection
    } else {
        Begins::Nothing
    }
}

/// A SYN with another ISN begins a connection at once: nothing holds the old one any more.
fn is_over(flow: &Flow) -> bool {
    let reset = flow.log.iter().next_back().is_some_and(|s| s.flags.rst());
    flow.is_syn_only() || reset || flow.half.iter().all(|h| h.fin.is_some())
}

fn decides(pending: &Flow, current: &Flow, seen: &Seen) -> Decides {
    let opener = pending.first_from;
    let half = &pending.half[usize::from(opener & 1)];
    let (Some(isn), Some(opening)) = (half.isn, &half.opening) else {
        return Decides::New;
    };
    let f = seen.flags;
    if f.syn() && !f.ack() && seen.from() == opener {
        return match seen.seq {
            seq if seq == isn && pending.is_duplicate(seen) => Decides::Joins,
            seq if Some(seq) == current.half[usize::from(opener & 1)].isn => Decides::Nothing,
            _ => Decides::New,
        };
    }
    let answers = seen.from() != opener && f.ack() && seen.ack == opening.end;
    if f.rst() {
        let to_old_ack =
            seen.from() == opener && pending.old_ack().is_some_and(|(_, n)| n == seen.seq);
        let to_old_segment = seen.from() == opener
            && !f.ack()
            && current.half[usize::from(opener & 1)].next() == Some(seen.seq);
        return if to_old_ack || to_old_segment || answers {
            Decides::New
        } else {
            Decides::Nothing
        };
    }
    if answers {
        return Decides::New;
    }
    let Some(known) = current.half[usize::from(opener & 1)].next() else {
        return Decides::New;
    };
    let number = if seen.from() == opener {
        seen.seq
    } else {
        seen.ack
    };
    let nearer = number.distance(isn.plus(1)) < number.distance(known);
    if nearer && (f.ack() || seen.from() == opener) {
        return Decides::New;
    }
    if seen.from() == opener {
        // A host in SYN-SENT sends nothing of an older connection: that one lives on. What its
        // peer had on the way proves nothing.
        let (mine, _) = sides(current, opener);
        let new = seen.end() != seen.seq && mine.next().is_none_or(|next| seen.end().after(next));
        let acks_more = f.ack() && mine.ack.is_some_and(|ack| seen.ack.after(ack));
        return if new || acks_more {
            Decides::OldDuplicate
        } else {
            Decides::Nothing
        };
    }
    if seen.is_empty_ack() {
        Decides::Joins
    } else {
        Decides::Nothing
    }
}

/// The SYN was an old duplicate: it, and what seemed to answer it, belong to the connection.
fn give_back(current: &mut Flow, pending: &Flow) {
    let from = pending.first_from;
    let opening = &pending.half[usize::from(from & 1)].opening;
    if let Some(opening) = opening {
        current.odd_mut().old_syn = Some(OldSyn {
            from,
            copies: opening.copies,
        });
        current.half[usize::from(from & 1)].packets += u64::from(opening.copies.count);
    }
    for seen in pending.log.iter().filter(|s| !s.flags.syn()) {
        current.push(seen);
    }
}

/// A late segment of the connection before.
fn belongs_to_old(old: &Flow, current: &Flow, seen: &Seen) -> bool {
    let f = seen.flags;
    if f.syn() {
        return !f.rst()
            && sides(old, seen.from()).0.opening.is_some()
            && sides(old, seen.from()).0.isn == Some(seen.seq)
            && sides(current, seen.from()).0.isn != Some(seen.seq);
    }
    if f.rst() && current.resets_older(seen) {
        return false;
    }
    let opener = current.opener().filter(|_| current.is_syn_only());
    if let Some(opener) = opener {
        let to_opener = seen.from() != opener;
        let answers = to_opener && f.ack() && Some(seen.ack) == sides(current, opener).0.next();
        // An ACK of the older connection that answers the SYN (RFC 9293 section 3.10.7.4).
        if answers || (to_opener && seen.is_empty_ack()) {
            return false;
        }
    }
    distance(old, seen) < distance(current, seen)
}

/// How far a segment's numbers are from those of a flow.
fn distance(flow: &Flow, seen: &Seen) -> u32 {
    let (mine, peer) = sides(flow, seen.from());
    let to = |half: &Half, number: SeqNum| half.numbers.map(|n| n.distance(number));
    let seq = to(mine, seen.seq);
    let ack = to(peer, seen.ack).filter(|_| seen.flags.ack());
    seq.max(ack).unwrap_or(u32::MAX)
}

fn sides(flow: &Flow, from: u8) -> (&Half, &Half) {
    let [a, b] = &flow.half;
    if from == 0 { (a, b) } else { (b, a) }
}

fn predecessor(flow: &Flow) -> Predecessor {
    let [a, b] = &flow.half;
    Predecessor {
        flow: flow.number,
        next: [a.next(), b.next()],
        tsval: [a.tsval, b.tsval],
        last: flow.last,
        fins: [a.fin.is_some(), b.fin.is_some()],
        acked: [a, b].map(|half| half.fin.as_ref().is_some_and(|fin| fin.acked.is_some())),
        active: [active(a, b), active(b, a)],
        reset: !flow.resets.is_empty(),
        fin: [a, b]
            .into_iter()
            .filter_map(|half| Some(half.fin.as_ref()?.copies.last.time))
            .max(),
    }
}

/// A FIN that does not acknowledge the peer's.
fn active(half: &Half, peer: &Half) -> bool {
    let fin = half.fin.as_ref();
    fin.is_some_and(|fin| peer.fin_end().is_none_or(|end| fin.least_ack.before(end)))
}

fn successor(flow: &Flow) -> Successor {
    let opener = flow.opener();
    let syn = opener.and_then(|i| {
        let half = &flow.half[usize::from(i & 1)];
        let (opening, isn) = (half.opening.as_ref()?, half.isn?);
        let (tsval, tsecr) = (opening.tsval, opening.tsecr);
        Some(SynFacts {
            at: opening.copies.first,
            isn,
            tsval,
            tsecr,
            count: opening.copies.count,
        })
    });
    let answer = flow
        .half
        .iter()
        .filter_map(|h| h.opening.as_ref())
        .find(|o| o.ack);
    Successor {
        flow: flow.number,
        opener,
        syn,
        syn_ack: answer.map(|o| o.copies.first),
        old_acks: flow.old_ack().map(|(copies, _)| copies),
        old_rst: flow.old_rst().map(|copies| copies.first),
        first: flow.first,
    }
}
