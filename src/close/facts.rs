//! A flow seen with roles: the facts that every judgement reads.

use crate::close::hosts::HostSeen;
use crate::close::verdict::{Endpoint, RolesFrom, Side};
use crate::flow::{ErrorSeen, Errors, Fin, Flow, Half, Seen};
use crate::seq::SeqNum;
use crate::stamp::{MILLISECOND, Stamp};
use smallvec::SmallVec;

/// Slack of every comparison with a round trip.
pub(super) const SLACK: i64 = 5 * MILLISECOND;

/// What the judgement knows besides the flow.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Context {
    /// How long TIME-WAIT lasts, in nanoseconds.
    pub time_wait: i64,
    /// A side that stays in CLOSE-WAIT for so many nanoseconds has forgotten to close, or is slow.
    pub close_wait: i64,
    /// How long each side was in which state is told.
    pub states: bool,
    /// Verdicts say why, in words and by the events of the close: always where `states` is set. Else
    /// the findings that many flows show lack their sentences, and figures that nobody adds up.
    pub reasons: bool,
    /// What the server showed in its connections before, where this one alone cannot tell.
    pub server: Option<HostSeen>,
    /// ICMP errors about segments of the connections on the same ends.
    pub errors: Option<Errors>,
    /// The last record of the capture.
    pub end: Stamp,
    /// The capture's last record is cut.
    pub cut: bool,
    /// The capture's interfaces have clocks that differ.
    pub clocks_differ: bool,
    /// The flow is judged before its end: there were too many.
    pub evicted: bool,
    /// Records are missing inside of the capture: the frame that follows the first place that could
    /// not be read, and the one that follows the last.
    pub torn: Option<[u64; 2]>,
    /// The SYN's TSval lies behind a clock that connections before it share.
    pub off_clock: Option<OffClock>,
}

/// How a SYN's TSval goes back behind the clock that other connections of its addresses share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffClock {
    /// By how many ticks.
    pub ticks: u64,
    /// The last connection seen on that clock.
    pub flow: u64,
    /// Since its SYN, in nanoseconds.
    pub since: i64,
}

/// Copies of a FIN. Most have one.
type FinCopies<'a> = SmallVec<[&'a Seen; 2]>;

/// What acknowledges a FIN. Few go on for long after that.
type FinAcks<'a> = SmallVec<[&'a Seen; 8]>;

/// A stray segment lies nearer to the connection: nobody sends more at once without a scaled window.
const FAR: i32 = 1 << 16;

/// A flow, with its ends told apart.
pub(super) struct Facts<'a> {
    pub(super) flow: &'a Flow,
    pub(super) context: &'a Context,
    pub(super) roles_from: RolesFrom,
    /// Index of the client's end.
    client: u8,
    /// What each side sent. As all that follows, client first.
    half: [&'a Half; 2],
    /// The segments kept, in file order.
    pub(super) log: &'a [Seen],
    /// The segments of each side that acknowledge the other's FIN, or more: what most rules ask for.
    acks: [FinAcks<'a>; 2],
    /// The copies of each side's FIN, those made by the network or the capture left out.
    copies: [FinCopies<'a>; 2],
    /// What every rule asks of both sides.
    acked: [Option<Stamp>; 2],
    was_acked: [Option<Stamp>; 2],
    possible_fin: [bool; 2],
    /// A RST stands among the segments.
    pub(super) any_reset: bool,
}

impl<'a> Facts<'a> {
    /// `log`: the flow's segments in order. Nothing is known of its FINs before
    /// [`Self::look_through`]: apart from this, or the facts would be moved once more.
    pub(super) fn new(flow: &'a Flow, log: &'a [Seen], context: &'a Context) -> Self {
        let (client, roles_from) = roles(flow);
        let [a, b] = &flow.half;
        Self {
            flow,
            context,
            roles_from,
            client,
            half: if client == 0 { [a, b] } else { [b, a] },
            log,
            acks: [SmallVec::new(), SmallVec::new()],
            copies: [SmallVec::new(), SmallVec::new()],
            acked: [None; 2],
            was_acked: [None; 2],
            possible_fin: [false; 2],
            any_reset: false,
        }
    }

    /// Looks once at every segment, and finds what every rule asks for.
    pub(super) fn look_through(&mut self) {
        self.read_log();
        // Written out: `map` makes calls of it.
        let (client, server) = (Side::Client, Side::Server);
        self.acked = [self.find_fin_acked(client), self.find_fin_acked(server)];
        self.was_acked = [
            self.find_fin_was_acked(client),
            self.find_fin_was_acked(server),
        ];
        self.possible_fin = [
            self.find_possible_fin(client),
            self.find_possible_fin(server),
        ];
    }

    fn read_log(&mut self) {
        let ([client, server], first) = (self.half, self.client);
        let ends = [server.fin_end(), client.fin_end()];
        let (is_there, ends) = (
            ends.map(|end| end.is_some()),
            ends.map(Option::unwrap_or_default),
        );
        let mut flags = Seen::default().flags;
        for seen in self.log {
            let from = usize::from((seen.from() ^ first) & 1);
            // The number first, which is too low in most.
            if seen.ack.at_or_after(ends[from]) && is_there[from] && seen.flags.ack() {
                self.acks[from].push(seen);
            }
            if seen.flags.fin() {
                self.keep_copy(seen, from);
            }
            flags = flags.with(seen.flags);
        }
        self.any_reset = flags.rst();
    }

    // Not in line: the other segments would pay for it, which are most.
    #[inline(never)]
    fn keep_copy(&mut self, seen: &'a Seen, from: usize) {
        let from = from & 1;
        let (fin, copies) = (&self.half[from].fin, &mut self.copies[from]);
        let is_copy = fin
            .as_ref()
            .is_some_and(|fin| seen.end().minus(1) == fin.seq);
        if is_copy && !copies.iter().any(|c| is_network_copy(c, seen)) {
            copies.push(seen);
        }
    }

    /// The side that end `from` is.
    pub(super) const fn side(&self, from: u8) -> Side {
        if from == self.client {
            Side::Client
        } else {
            Side::Server
        }
    }

    /// The index of a side's end.
    pub(super) const fn index(&self, side: Side) -> u8 {
        match side {
            Side::Client => self.client,
            Side::Server => self.client ^ 1,
        }
    }

    /// The address and port of a side.
    pub(super) fn endpoint(&self, side: Side) -> Endpoint {
        let end = &self.flow.key.ends[usize::from(self.index(side) & 1)];
        Endpoint {
            addr: end.ip(),
            port: end.port,
        }
    }

    /// What a side sent.
    pub(super) const fn half(&self, side: Side) -> &'a Half {
        self.half[side.index()]
    }

    /// A value of a pair that is indexed by end.
    pub(super) const fn of<T: Copy>(&self, pair: [T; 2], side: Side) -> T {
        pair[(self.index(side) & 1) as usize]
    }

    /// Lowest and highest TTL of a side: in this connection, else in those before.
    pub(super) fn usual_ttl(&self, side: Side) -> Option<(u8, u8)> {
        let before = self.context.server.filter(|_| side == Side::Server);
        self.half(side).ttl.or(before.map(|server| server.ttl))
    }

    pub(super) fn fin(&self, side: Side) -> Option<&'a Fin> {
        self.half(side).fin.as_ref()
    }

    pub(super) fn both_fins(&self) -> bool {
        self.fin(Side::Client).is_some() && self.fin(Side::Server).is_some()
    }

    /// The first and the last ICMP error about a segment of this connection.
    pub(super) fn errors(&self) -> impl Iterator<Item = ErrorSeen> + '_ {
        let about = |error: &ErrorSeen| {
            let numbers = self.flow.half[usize::from(error.from & 1)].numbers.as_ref();
            let number = error.seq;
            let fits =
                numbers.is_some_and(|n| number.at_or_after(n.base) && number.at_or_before(n.next));
            fits && self.flow.first.time <= error.at.time
        };
        let ends = self.context.errors.map(|errors| errors.ends);
        ends.into_iter().flatten().filter(about)
    }

    /// Segments of a side, in file order.
    pub(super) fn sent_by(
        &self,
        side: Side,
    ) -> impl DoubleEndedIterator<Item = &'a Seen> + Clone + '_ {
        let from = self.index(side);
        self.log.iter().filter(move |s| s.from() == from)
    }

    /// Segments of the peer that acknowledge a side's FIN, or more, in file order.
    pub(super) fn acks_of_fin_or_resets(&self, side: Side) -> &[&'a Seen] {
        &self.acks[side.peer().index()]
    }

    /// The same, RSTs aside.
    pub(super) fn acks_of_fin(
        &self,
        side: Side,
    ) -> impl DoubleEndedIterator<Item = &'a Seen> + Clone + '_ {
        let acks = self.acks_of_fin_or_resets(side).iter().copied();
        acks.filter(|s| !s.flags.rst())
    }

    /// The first segment of the peer that acknowledges a side's FIN, RSTs aside.
    pub(super) const fn fin_acked(&self, side: Side) -> Option<Stamp> {
        self.acked[side.index()]
    }

    fn find_fin_acked(&self, side: Side) -> Option<Stamp> {
        let fin = self.fin(side)?;
        let end = fin.seq.plus(1);
        let acks = |s: &&Seen| s.acks_fin(end);
        fin.acked
            .or_else(|| self.acks_of_fin(side).find(acks).map(Seen::at))
    }

    /// Its numbers may be those of two connections: it goes on without the first one's SYN, or a side
    /// sent what lies far beyond the end of its FIN.
    pub(super) fn may_be_two(&self) -> bool {
        let beyond_fin = |side: Side| {
            let half = self.half(side);
            let numbers = half.fin_end().zip(half.next());
            numbers.is_some_and(|(fin_end, next)| next.since(fin_end) > FAR)
        };
        self.flow.inherited || beyond_fin(Side::Client) || beyond_fin(Side::Server)
    }

    /// Proof that the peer acknowledged a side's FIN: an ACK, or a reply RST of the side itself,
    /// whose number is the ACK of the segment it answers (RFC 9293 section 3.10.7.1).
    pub(super) const fn fin_was_acked(&self, side: Side) -> Option<Stamp> {
        self.was_acked[side.index()]
    }

    fn find_fin_was_acked(&self, side: Side) -> Option<Stamp> {
        let end = self.half(side).fin_end()?;
        // A RST that came from elsewhere answers nothing.
        let ttl = self.half(side).ttl;
        let own = |s: &Seen| ttl.is_none_or(|(low, high)| (low..=high).contains(&s.ttl));
        let answers = |s: &Seen| s.flags.rst() && !s.flags.ack() && s.seq == end;
        let proof = |s: &&Seen| answers(s) && own(s);
        self.fin_acked(side)
            .or_else(|| self.sent_by(side).find(proof).map(Seen::at))
    }

    /// One sequence number at the end of a side's data is missing and acknowledged, or skipped by
    /// the side itself: a FIN may have been there.
    pub(super) const fn possible_fin(&self, side: Side) -> bool {
        self.possible_fin[side.index()]
    }

    fn find_possible_fin(&self, side: Side) -> bool {
        let half = self.half(side);
        let Some(numbers) = half.numbers.as_ref().filter(|_| half.fin.is_none()) else {
            return false;
        };
        let peer_ack = self.half(side.peer()).ack;
        let acked = peer_ack.is_some_and(|ack| ack.since(numbers.next) == 1);
        let skipped = numbers.hole_at_end() == 1;
        (acked || skipped) && half.spoke || (acked && half.opening.is_some())
    }

    /// Only one of the ends was captured.
    pub(super) fn one_direction(&self) -> bool {
        self.flow.half.iter().any(|h| h.packets == 0)
    }

    /// SYNs of one side and nothing else, not even a RST.
    pub(super) fn is_syn_series(&self) -> bool {
        self.flow.is_syn_only() && self.flow.resets.is_empty()
    }

    /// Payload of a side that the peer acknowledged.
    pub(super) fn sent_payload(&self, side: Side) -> bool {
        self.half(side).payload > 0
    }

    /// What the sequence numbers of a side are relative to: its ISN or the first number seen.
    pub(super) fn base(&self, side: Side) -> Option<SeqNum> {
        let half = self.half(side);
        half.isn.or_else(|| half.numbers.as_ref().map(|n| n.base))
    }

    /// The TIME-WAIT or other state of a side may have changed until here.
    pub(super) const fn end(&self) -> Stamp {
        self.context.end
    }

    /// The copies of a side's FIN, those made by the network or the capture left out.
    pub(super) fn fin_copies(&self, side: Side) -> &[&'a Seen] {
        &self.copies[side.index()]
    }
}

/// A copy of a FIN equal in IPv4 ID (not 0) and TSval was made on the way. Without either, time
/// decides.
fn is_network_copy(first: &Seen, again: &Seen) -> bool {
    if (first.seq, first.ack, first.len()) != (again.seq, again.ack, again.len()) {
        return false;
    }
    let id = first.ip_id().filter(|&id| id != 0);
    let tsval = first.timestamps().map(|t| t.val);
    let same_id = first.ip_id() == again.ip_id();
    let same_tsval = tsval == again.timestamps().map(|t| t.val);
    if id.is_none() && tsval.is_none() {
        return again.at().time.since(first.at().time) < 200 * MILLISECOND;
    }
    (id.is_none() || same_id) && (tsval.is_none() || same_tsval)
}

/// Which end is the client, and how that is known.
fn roles(flow: &Flow) -> (u8, RolesFrom) {
    if let Some(opener) = flow.opener() {
        return (opener, RolesFrom::Syn);
    }
    // Who sends the first SYN-ACK is the server: both do where they opened at once.
    let answers = flow.half.iter().zip([1, 0]).filter_map(|(half, peer)| {
        let answer = half.opening.as_ref().filter(|o| o.ack)?;
        Some((answer.copies.first.frame, peer))
    });
    if let Some((_, client)) = answers.min() {
        return (client, RolesFrom::SynAck);
    }
    let [a, b] = flow.key.ends;
    let guess = flow.inherited_opener.unwrap_or(match a.port.cmp(&b.port) {
        std::cmp::Ordering::Greater => 0,
        std::cmp::Ordering::Less => 1,
        std::cmp::Ordering::Equal => flow.first_from,
    });
    (guess, RolesFrom::PortGuess)
}
