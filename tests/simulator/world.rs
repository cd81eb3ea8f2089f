//! Two hosts, the way between them, and the point of capture on it.

use super::plan::{Action, Ids, MS, Plan};
use super::rng::Rng;
use super::segment::Seg;
use super::socket::{Out, Reaction, Socket, State};
use crate::support::packet::{ACK, FIN, RST, SYN};
use std::collections::BTreeMap;

/// What one end of one connection really did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deeds {
    /// It took up a SYN.
    pub(crate) accepted: bool,
    pub(crate) fin_sent: bool,
    /// Its FIN was sent before it received the peer's.
    pub(crate) active: bool,
    /// It received the peer's FIN.
    pub(crate) fin_received: bool,
    /// Its live socket sent a RST.
    pub(crate) aborted: bool,
    /// A segment met no socket of it.
    pub(crate) replied: bool,
    /// Nothing listened.
    pub(crate) refused: bool,
    pub(crate) time_wait: bool,
    /// When it aborted, it had sent its FIN; it had received the peer's.
    pub(crate) fin_before_abort: bool,
    pub(crate) peer_fin_before_abort: bool,
}

/// One connection of the 4-tuple.
pub(crate) type Truth = [Deeds; 2];

pub(crate) struct Run {
    /// What passed the point of capture, and when.
    pub(crate) seen: Vec<(i64, Seg)>,
    pub(crate) truth: Vec<Truth>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Acts(usize, Action),
    Passes(Seg),
    Arrives(Seg),
    Repeats(usize, usize, u64),
    AcksNow(usize, usize),
    Closes(usize, usize),
    TimeWaitEnds(usize, usize, u64),
    OrphanEnds(usize, usize),
}

pub(crate) struct World {
    plan: Plan,
    rng: Rng,
    now: i64,
    count: u64,
    queue: BTreeMap<(i64, u64), Event>,
    sockets: [Option<Socket>; 2],
    global_id: [u16; 2],
    /// Every one that was drawn.
    random_ids: [Vec<u16>; 2],
    clock: [u32; 2],
    isn: [u32; 2],
    run: Run,
    /// The last segment of each host, for a device that imitates it.
    last: [Option<Seg>; 2],
}

const EPOCH: i64 = 1_767_225_600_000_000_000;

pub(crate) fn run(plan: &Plan, rng: Rng) -> Run {
    let mut world = World {
        plan: plan.clone(),
        rng,
        now: 0,
        count: 0,
        queue: BTreeMap::new(),
        sockets: [None, None],
        global_id: [0; 2],
        random_ids: Default::default(),
        clock: [0; 2],
        isn: [0; 2],
        run: Run {
            seen: Vec::new(),
            truth: Vec::new(),
        },
        last: [None, None],
    };
    for host in 0..2 {
        world.global_id[host] = world.rng.next() as u16;
        world.clock[host] = world.rng.next() as u32;
        world.isn[host] = world.rng.next() as u32;
        for (at, action) in plan.hosts[host].script.clone() {
            world.at(at, Event::Acts(host, action));
        }
    }
    world.open();
    while let Some(((now, _), event)) = world.queue.pop_first() {
        if now > 200_000 * MS || world.run.seen.len() > 300 {
            break;
        }
        world.now = now;
        world.happens(event);
    }
    world.run
}

impl World {
    fn at(&mut self, delay: i64, event: Event) {
        self.count += 1;
        self.queue.insert((self.now + delay, self.count), event);
    }

    fn deeds(&mut self, inc: usize, host: usize) -> &mut Deeds {
        &mut self.run.truth[inc][host]
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Acts(host, action) => self.acts(host, action),
            Event::Passes(seg) => self.passes(seg),
            Event::Arrives(seg) => self.arrives(seg),
            Event::Repeats(host, inc, epoch) => self.repeats(host, inc, epoch),
            Event::AcksNow(host, inc) => {
                if self.is(host, inc) && self.sockets[host].as_ref().is_some_and(|s| s.ack_due) {
                    self.ack(host);
                }
            }
            Event::Closes(host, inc) if self.is(host, inc) => self.close(host, true),
            Event::OrphanEnds(host, inc) if self.is(host, inc) => {
                if self.state(host) == State::FinWait2 {
                    self.sockets[host] = None;
                }
            }
            Event::TimeWaitEnds(host, inc, epoch) if self.is(host, inc) => {
                let same = self.sockets[host]
                    .as_ref()
                    .is_some_and(|s| s.epoch == epoch);
                if same && self.state(host) == State::TimeWait {
                    self.sockets[host] = None;
                }
            }
            _ => {}
        }
    }

    fn is(&self, host: usize, inc: usize) -> bool {
        self.sockets[host].as_ref().is_some_and(|s| s.inc == inc)
    }

    fn state(&self, host: usize) -> State {
        self.sockets[host]
            .as_ref()
            .map_or(State::Closed, |s| s.state)
    }

    /// The client opens a connection.
    fn open(&mut self) {
        let inc = self.run.truth.len();
        self.run.truth.push(Truth::default());
        let step = if self.rng.chance(800) {
            self.rng.below(1 << 20)
        } else {
            self.rng.next()
        };
        self.isn[0] = self.isn[0].wrapping_add(step as u32).wrapping_add(100_000);
        let socket = Socket::new(inc, State::SynSent, self.isn[0], self.plan.timestamps);
        self.sockets[0] = Some(socket);
        self.emit(0, 0, SYN);
    }

    /// A copy of a SYN that was taken up before is a connection of its own, of which the client
    /// knows nothing, unless it still waits for the answer.
    fn begun(&mut self, inc: usize) -> usize {
        let mut begun = inc;
        let waits = self.is(0, inc) && self.state(0) == State::SynSent;
        if self.deeds(inc, 1).accepted && !waits {
            begun = self.run.truth.len();
            self.run.truth.push(Truth::default());
        }
        self.deeds(begun, 1).accepted = true;
        begun
    }

    fn accept(&mut self, seg: &Seg) {
        let step = if self.rng.chance(800) {
            self.rng.below(1 << 20)
        } else {
            self.rng.next()
        };
        self.isn[1] = self.isn[1].wrapping_add(step as u32).wrapping_add(100_000);
        let stamped = seg.timestamps.is_some();
        let inc = self.begun(seg.inc);
        let mut socket = Socket::new(inc, State::SynReceived, self.isn[1], stamped);
        socket.rcv = seg.end();
        socket.recent = seg.timestamps.map_or(0, |t| t.0);
        self.sockets[1] = Some(socket);
        self.emit(1, 0, SYN);
    }

    fn acts(&mut self, host: usize, action: Action) {
        match action {
            Action::Reopen => {
                if matches!(self.state(0), State::Closed | State::TimeWait) {
                    self.open();
                }
                return;
            }
            Action::Inject => return self.inject(host),
            Action::Vanish => {
                self.sockets[host] = None;
                return;
            }
            _ => {}
        }
        let Some(socket) = &self.sockets[host] else {
            return;
        };
        match action {
            Action::Write(bytes) if socket.may_send() && !socket.orphan => self.write(host, bytes),
            Action::Close => self.close(host, true),
            Action::Shutdown => self.close(host, false),
            Action::Abort => self.abort(host),
            Action::Probe => self.probe(host),
            _ => {}
        }
    }

    fn write(&mut self, host: usize, bytes: u32) {
        let mut left = bytes;
        while left > 0 {
            let len = left.min(1400);
            left -= len;
            self.emit(host, len, 0);
        }
    }

    fn close(&mut self, host: usize, orphan: bool) {
        let Some(socket) = &mut self.sockets[host] else {
            return;
        };
        if orphan && socket.unread > 0 && self.plan.hosts[host].leaves_unread {
            return self.abort(host);
        }
        socket.orphan |= orphan;
        if socket.state == State::SynSent {
            self.sockets[host] = None;
            return;
        }
        if socket.may_send() {
            let inc = socket.inc;
            let active = !self.run.truth[inc][host].fin_received;
            let deeds = self.deeds(inc, host);
            deeds.fin_sent = true;
            deeds.active |= active;
            let rides = self.plan.hosts[host].fin_with_data && self.rng.chance(500);
            self.emit(host, if rides { 30 } else { 0 }, FIN);
        }
        self.settle(host);
    }

    fn abort(&mut self, host: usize) {
        let Some(socket) = self.sockets[host].take() else {
            return;
        };
        let silent = [
            State::SynSent,
            State::TimeWait,
            State::LastAck,
            State::Closing,
        ];
        if silent.contains(&socket.state) || socket.orphan {
            if !matches!(socket.state, State::SynSent) {
                self.sockets[host] = Some(socket);
            }
            return;
        }
        let deeds = self.deeds(socket.inc, host);
        deeds.aborted = true;
        deeds.fin_before_abort = deeds.fin_sent;
        deeds.peer_fin_before_abort = deeds.fin_received;
        let (seq, ack, window) = (socket.nxt, socket.rcv, 65000);
        let bare = self.plan.hosts[host].bare_abort;
        let mut seg = self.stamped(host, &socket, if bare { RST } else { RST | ACK });
        (seg.seq, seg.ack, seg.window) = (seq, if bare { 0 } else { ack }, window);
        let mut socket = socket;
        seg.id = self.next_id(host, Some(&mut socket));
        self.transmit(seg);
    }

    fn probe(&mut self, host: usize) {
        let Some(socket) = &self.sockets[host] else {
            return;
        };
        let states = [State::Established, State::CloseWait, State::FinWait2];
        if states.contains(&socket.state) && socket.unacked.is_empty() {
            let seq = socket.nxt.wrapping_sub(1);
            self.empty(host, seq);
        }
    }

    /// A device's RST: another TTL, and what else it did not care to imitate.
    fn inject(&mut self, host: usize) {
        let (Some(mine), Some(theirs)) = (self.last[host], self.last[1 - host]) else {
            return;
        };
        let mut seg = mine;
        seg.flags = if self.rng.chance(500) { RST } else { RST | ACK };
        seg.seq = if self.rng.chance(700) {
            mine.end()
        } else {
            mine.end().wrapping_add(500)
        };
        seg.ack = if seg.has(ACK) { theirs.end() } else { 0 };
        seg.len = 0;
        seg.ttl = mine.ttl + 1 + self.rng.below(20) as u8;
        if self.rng.chance(500) {
            seg.timestamps = None;
        }
        if self.rng.chance(700) {
            seg.id = seg.id.map(|_| self.rng.next() as u16);
        } else {
            seg.id = seg.id.map(|id| id.wrapping_add(1));
        }
        self.passes(seg);
    }

    fn arrives(&mut self, seg: Seg) {
        let host = 1 - seg.from;
        let obeys = !self.plan.hosts[host].rfc1337;
        let Some(mut socket) = self.sockets[host]
            .take()
            .filter(|s| s.state != State::Closed)
        else {
            return self.no_socket(host, &seg);
        };
        let old = socket.state;
        let reactions = socket.input(&seg, obeys);
        if reactions.contains(&Reaction::Reopens) {
            if host == 1 && !self.plan.closed_port {
                return self.accept(&seg);
            }
            self.sockets[host] = Some(socket);
            return self.ack(host);
        }
        let inc = socket.inc;
        if old == State::TimeWait && reactions == [Reaction::Ack] {
            socket.epoch += 1;
        }
        self.sockets[host] = Some(socket);
        for reaction in reactions {
            match reaction {
                Reaction::Ack => self.ack(host),
                Reaction::AckSoon => self.ack_soon(host),
                Reaction::SynAck => self.repeat_first(host),
                Reaction::Reset => {
                    self.deeds(inc, host).replied = true;
                    self.reply_reset(host, &seg, inc);
                }
                Reaction::End => self.end_received(host, inc),
                Reaction::Reopens => {}
            }
        }
        self.settle(host);
    }

    /// The peer's FIN was received: an ACK, and perhaps the application closes at once.
    fn end_received(&mut self, host: usize, inc: usize) {
        self.deeds(inc, host).fin_received = true;
        if let Some(socket) = &mut self.sockets[host] {
            socket.ack_due = true;
        }
        let closes = self.plan.hosts[host].closes_on_end;
        match closes {
            Some(0) => self.close(host, true),
            Some(delay) => self.at(delay, Event::Closes(host, inc)),
            None => {}
        }
        if self.sockets[host].as_ref().is_some_and(|s| s.ack_due) {
            self.ack(host);
        }
    }

    /// What follows from a state that was reached.
    fn settle(&mut self, host: usize) {
        let Some(socket) = &mut self.sockets[host] else {
            return;
        };
        let inc = socket.inc;
        match socket.state {
            State::Closed => self.sockets[host] = None,
            State::FinWait2 if socket.orphan => {
                let delay = self.plan.hosts[host].fin_timeout;
                self.at(delay, Event::OrphanEnds(host, inc));
            }
            State::TimeWait => {
                socket.orphan = true;
                let epoch = socket.epoch;
                self.deeds(inc, host).time_wait = true;
                if self.plan.hosts[host].no_time_wait {
                    self.sockets[host] = None;
                }
                self.at(60_000 * MS, Event::TimeWaitEnds(host, inc, epoch));
            }
            _ => {}
        }
    }

    fn no_socket(&mut self, host: usize, seg: &Seg) {
        if seg.has(RST) {
            return;
        }
        let is_syn = seg.has(SYN) && !seg.has(ACK);
        if host == 1 && is_syn && !self.plan.closed_port {
            return self.accept(seg);
        }
        let deeds = self.deeds(seg.inc, host);
        deeds.replied = true;
        deeds.refused |= is_syn;
        self.reply_reset(host, seg, seg.inc);
    }

    fn reply_reset(&mut self, host: usize, to: &Seg, inc: usize) {
        let mut seg = Seg {
            from: host,
            inc,
            ttl: self.plan.hosts[host].ttl,
            flags: RST,
            seq: to.ack,
            ..Seg::default()
        };
        if !to.has(ACK) {
            (seg.flags, seg.seq, seg.ack) = (RST | ACK, 0, to.end());
        }
        seg.id = self.next_id(host, None);
        self.transmit(seg);
    }

    fn ack_soon(&mut self, host: usize) {
        let most = self.plan.hosts[host].delayed_ack;
        let Some(socket) = &mut self.sockets[host] else {
            return;
        };
        if most == 0 || socket.ack_due {
            return self.ack(host);
        }
        socket.ack_due = true;
        let inc = socket.inc;
        self.at(most, Event::AcksNow(host, inc));
    }

    fn ack(&mut self, host: usize) {
        if let Some(socket) = &self.sockets[host] {
            let seq = socket.nxt;
            self.empty(host, seq);
        }
    }

    fn empty(&mut self, host: usize, seq: u32) {
        let Some(mut socket) = self.sockets[host].take() else {
            return;
        };
        socket.ack_due = false;
        let mut seg = self.stamped(host, &socket, ACK);
        seg.seq = seq;
        let minisocket = socket.state == State::TimeWait;
        seg.id = self.next_id(host, (!minisocket).then_some(&mut socket));
        self.sockets[host] = Some(socket);
        self.transmit(seg);
    }

    /// Sends new sequence space and sets its timer.
    fn emit(&mut self, host: usize, len: u32, flags: u8) {
        let Some(socket) = &mut self.sockets[host] else {
            return;
        };
        let out = socket.take_out(len, flags);
        let alone = socket.unacked.len() == 1;
        self.send_out(host, out);
        if alone {
            self.set_timer(host);
        }
    }

    fn send_out(&mut self, host: usize, out: Out) {
        let Some(mut socket) = self.sockets[host].take() else {
            return;
        };
        socket.ack_due = false;
        let acks = socket.state != State::SynSent;
        let mut seg = self.stamped(host, &socket, out.flags | if acks { ACK } else { 0 });
        (seg.seq, seg.len) = (out.seq, out.len);
        if !acks {
            seg.ack = 0;
        }
        let syn_ack = out.flags & SYN != 0 && acks;
        seg.id = self.next_id(host, (!syn_ack).then_some(&mut socket));
        self.sockets[host] = Some(socket);
        self.transmit(seg);
    }

    fn set_timer(&mut self, host: usize) {
        let Some(socket) = &self.sockets[host] else {
            return;
        };
        let (inc, epoch) = (socket.inc, socket.epoch);
        let round = 2 * (self.plan.delay[0] + self.plan.delay[1]);
        let delay = (round * 3 / 2 + 200 * MS) << socket.tries.min(6);
        self.at(delay, Event::Repeats(host, inc, epoch));
    }

    fn repeats(&mut self, host: usize, inc: usize, epoch: u64) {
        if !self.is(host, inc) {
            return;
        }
        let Some(socket) = &mut self.sockets[host] else {
            return;
        };
        if socket.unacked.is_empty() {
            return;
        }
        if socket.epoch == epoch {
            socket.tries += 1;
            if socket.tries > 5 {
                self.sockets[host] = None;
                return;
            }
            self.repeat_first(host);
        }
        self.set_timer(host);
    }

    /// The first unacknowledged segment again, now and then with all that follows it.
    fn repeat_first(&mut self, host: usize) {
        let merge = self.rng.chance(300);
        let Some(socket) = &mut self.sockets[host] else {
            return;
        };
        let Some(&(mut out)) = socket.unacked.front() else {
            return;
        };
        if merge && out.flags & SYN == 0 {
            for next in socket.unacked.iter().skip(1) {
                out.len += next.len;
                out.flags |= next.flags;
            }
        }
        self.send_out(host, out);
    }

    fn stamped(&self, host: usize, socket: &Socket, flags: u8) -> Seg {
        let now = (self.now / MS) as u32;
        let val = self.clock[host].wrapping_add(now);
        Seg {
            from: host,
            inc: socket.inc,
            ack: socket.rcv,
            flags,
            window: socket.window(),
            timestamps: socket.timestamps.then_some((val, socket.recent)),
            ttl: self.plan.hosts[host].ttl,
            ..Seg::default()
        }
    }

    fn next_id(&mut self, host: usize, socket: Option<&mut Socket>) -> Option<u16> {
        let id = match (self.plan.hosts[host].ids, socket) {
            (Ids::Zero, _) | (Ids::PerSocket, None) => 0,
            (Ids::PerSocket, Some(socket)) => {
                socket.id = socket.id.wrapping_add(1);
                socket.id
            }
            (Ids::Random, _) => {
                // One of very many: by chance it neither repeats nor continues one before, of
                // which any may be all that is seen.
                let mut id = self.rng.next() as u16;
                let used = &mut self.random_ids[host];
                while used.iter().any(|&before| id.abs_diff(before) < 2) {
                    id = id.wrapping_add(100);
                }
                used.push(id);
                id
            }
            (Ids::Global, _) => {
                let others = if self.rng.chance(300) {
                    self.rng.below(20)
                } else {
                    0
                };
                self.global_id[host] = self.global_id[host].wrapping_add(1 + others as u16);
                self.global_id[host]
            }
        };
        (!self.plan.v6).then_some(id)
    }

    /// Puts a segment on the way to the point of capture.
    fn transmit(&mut self, seg: Seg) {
        if !seg.has(RST) {
            self.last[seg.from] = Some(seg);
        }
        let delay = self.plan.delay[seg.from];
        self.travel(seg, delay, Event::Passes);
    }

    fn passes(&mut self, seg: Seg) {
        self.run.seen.push((EPOCH + self.now, seg));
        let delay = self.plan.delay[1 - seg.from];
        self.travel(seg, delay, Event::Arrives);
    }

    /// Half of the way: packets are lost, copied, late.
    fn travel(&mut self, seg: Seg, delay: i64, event: fn(Seg) -> Event) {
        let copies = 1 + u64::from(self.rng.chance(self.plan.copies));
        for _ in 0..copies {
            if self.rng.chance(self.plan.loss) {
                continue;
            }
            let mut after = delay;
            if self.rng.chance(self.plan.late) {
                after += self.rng.below(4 * delay as u64 + 400 * MS as u64) as i64;
            }
            self.at(after, event(seg));
        }
    }
}
