//! One end of a connection, as RFC 9293 and RFC 5961 have it, in Linux's manner where they leave a
//! choice.

use super::segment::Seg;
use crate::support::packet::{ACK, FIN, RST, SYN};
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
    Closed,
}

/// Sequence space that is not acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    pub(crate) seq: u32,
    pub(crate) len: u32,
    pub(crate) flags: u8,
}

impl Out {
    pub(crate) const fn end(&self) -> u32 {
        self.seq.wrapping_add(
            self.len + (self.flags & SYN != 0) as u32 + (self.flags & FIN != 0) as u32,
        )
    }
}

/// What a segment made the socket do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// An ACK at once.
    Ack,
    /// An ACK within the time for delayed ones.
    AckSoon,
    /// The SYN-ACK again.
    SynAck,
    /// A reply RST.
    Reset,
    /// A SYN meets TIME-WAIT and may take its place.
    Reopens,
    /// The peer's FIN was received.
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct Socket {
    pub(crate) inc: usize,
    pub(crate) state: State,
    pub(crate) una: u32,
    pub(crate) nxt: u32,
    pub(crate) rcv: u32,
    ahead: Vec<(u32, u32, bool)>,
    pub(crate) unacked: VecDeque<Out>,
    pub(crate) timestamps: bool,
    pub(crate) recent: u32,
    pub(crate) tries: u32,
    /// Counts what a timer may have been set for.
    pub(crate) epoch: u64,
    /// Nothing reads it any more.
    pub(crate) orphan: bool,
    pub(crate) unread: u32,
    pub(crate) fin_sent: bool,
    pub(crate) ack_due: bool,
    pub(crate) id: u16,
}

pub(crate) const fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

impl Socket {
    pub(crate) fn new(inc: usize, state: State, isn: u32, timestamps: bool) -> Self {
        Self {
            inc,
            state,
            una: isn,
            nxt: isn,
            rcv: 0,
            ahead: Vec::new(),
            unacked: VecDeque::new(),
            timestamps,
            recent: 0,
            tries: 0,
            epoch: 0,
            orphan: false,
            unread: 0,
            fin_sent: false,
            ack_due: false,
            id: (isn >> 7) as u16,
        }
    }

    /// The window it offers.
    pub(crate) fn window(&self) -> u16 {
        65000 - self.unread.min(60000) as u16
    }

    pub(crate) fn may_send(&self) -> bool {
        !self.fin_sent && matches!(self.state, State::Established | State::CloseWait)
    }

    /// Sequence space to send now.
    pub(crate) fn take_out(&mut self, len: u32, flags: u8) -> Out {
        let out = Out {
            seq: self.nxt,
            len,
            flags,
        };
        self.nxt = out.end();
        self.unacked.push_back(out);
        if flags & FIN != 0 {
            self.fin_sent = true;
            self.state = match self.state {
                State::CloseWait => State::LastAck,
                _ => State::FinWait1,
            };
        }
        out
    }

    /// Takes in a segment; the socket is neither closed nor listening.
    pub(crate) fn input(&mut self, seg: &Seg, obeys_rst: bool) -> Vec<Reaction> {
        match self.state {
            State::SynSent => self.input_syn_sent(seg),
            State::TimeWait => self.input_time_wait(seg, obeys_rst),
            _ => self.input_open(seg),
        }
    }

    fn input_syn_sent(&mut self, seg: &Seg) -> Vec<Reaction> {
        if seg.has(ACK) && seg.ack != self.nxt {
            return if seg.has(RST) {
                vec![]
            } else {
                vec![Reaction::Reset]
            };
        }
        if seg.has(RST) {
            if seg.has(ACK) {
                self.state = State::Closed;
            }
            return vec![];
        }
        if !seg.has(SYN) || !seg.has(ACK) {
            return vec![];
        }
        self.rcv = seg.end();
        self.timestamps &= seg.timestamps.is_some();
        self.recent = seg.timestamps.map_or(0, |t| t.0);
        self.acknowledged(seg.ack);
        self.state = State::Established;
        vec![Reaction::Ack]
    }

    fn input_time_wait(&mut self, seg: &Seg, obeys_rst: bool) -> Vec<Reaction> {
        if seg.has(RST) {
            if seg.seq == self.rcv && obeys_rst {
                self.state = State::Closed;
            }
            return vec![];
        }
        if seg.seq == self.rcv && seg.end() == seg.seq {
            return vec![];
        }
        let newer = before(self.rcv, seg.seq)
            || seg
                .timestamps
                .is_some_and(|t| self.timestamps && before(self.recent, t.0));
        if seg.has(SYN) && !seg.has(ACK) && newer {
            return vec![Reaction::Reopens];
        }
        if seg.has(ACK) || seg.has(SYN) {
            return vec![Reaction::Ack];
        }
        vec![]
    }

    fn input_open(&mut self, seg: &Seg) -> Vec<Reaction> {
        let fits = |n: u32| !before(n, self.rcv) && before(n, self.rcv.wrapping_add(65000));
        if self.state == State::SynReceived && seg.has(SYN) && !seg.has(ACK) {
            return vec![Reaction::SynAck];
        }
        let empty = seg.end() == seg.seq;
        // A repeat that ends at RCV.NXT is read for its ACK, as Linux and BSD do.
        let repeat = !empty && seg.end() == self.rcv;
        let acceptable = fits(seg.seq) || repeat || (!empty && fits(seg.end().wrapping_sub(1)));
        if let Some((val, _)) = seg.timestamps.filter(|_| self.timestamps && !seg.has(RST)) {
            if before(val, self.recent) {
                return vec![Reaction::Ack]; // PAWS
            }
            if !before(self.rcv, seg.seq) {
                self.recent = val;
            }
        }
        if !acceptable {
            return if seg.has(RST) {
                vec![]
            } else {
                vec![Reaction::Ack]
            };
        }
        if seg.has(RST) {
            if seg.seq != self.rcv {
                return vec![Reaction::Ack];
            }
            self.state = State::Closed;
            return vec![];
        }
        if seg.has(SYN) {
            return vec![Reaction::Ack];
        }
        if !seg.has(ACK) {
            return vec![];
        }
        if before(self.nxt, seg.ack) {
            let unsynchronized = self.state == State::SynReceived;
            return vec![if unsynchronized {
                Reaction::Reset
            } else {
                Reaction::Ack
            }];
        }
        if self.state == State::SynReceived {
            if before(seg.ack, self.nxt) {
                return vec![Reaction::Reset];
            }
            self.state = State::Established;
        }
        self.acknowledged(seg.ack);
        self.text(seg)
    }

    fn acknowledged(&mut self, ack: u32) {
        if !before(self.una, ack) {
            return;
        }
        self.una = ack;
        self.tries = 0;
        self.epoch += 1;
        while self
            .unacked
            .front()
            .is_some_and(|out| !before(ack, out.end()))
        {
            self.unacked.pop_front();
        }
        if self.fin_sent && self.una == self.nxt {
            self.state = match self.state {
                State::FinWait1 => State::FinWait2,
                State::Closing => State::TimeWait,
                State::LastAck => State::Closed,
                other => other,
            };
        }
    }

    /// Payload and FIN of an acceptable segment.
    fn text(&mut self, seg: &Seg) -> Vec<Reaction> {
        if seg.end() == seg.seq || self.state == State::Closed {
            return vec![];
        }
        let end_of_data = seg.seq.wrapping_add(seg.len);
        let new_data = seg.len > 0 && before(self.rcv, end_of_data);
        if self.orphan && new_data && matches!(self.state, State::FinWait1 | State::FinWait2) {
            self.state = State::Closed;
            return vec![Reaction::Reset];
        }
        if before(self.rcv, seg.seq) {
            self.ahead.push((seg.seq, seg.len, seg.has(FIN)));
            return vec![Reaction::Ack];
        }
        if !before(self.rcv, seg.end()) {
            return vec![Reaction::Ack];
        }
        let mut ended = self.take_in(seg.seq, seg.len, seg.has(FIN));
        while let Some(at) = self
            .ahead
            .iter()
            .position(|&(seq, ..)| !before(self.rcv, seq))
        {
            let (seq, len, fin) = self.ahead.swap_remove(at);
            ended |= self.take_in(seq, len, fin);
        }
        if !ended {
            return vec![Reaction::AckSoon];
        }
        self.state = match self.state {
            State::Established => State::CloseWait,
            State::FinWait1 => State::Closing,
            State::FinWait2 => State::TimeWait,
            other => other,
        };
        vec![Reaction::End]
    }

    /// True once the FIN is in.
    fn take_in(&mut self, seq: u32, len: u32, fin: bool) -> bool {
        if matches!(
            self.state,
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait
        ) {
            return false;
        }
        let end = seq.wrapping_add(len);
        if before(self.rcv, end) {
            self.unread += end.wrapping_sub(self.rcv);
            self.rcv = end;
        }
        if fin && self.rcv == end {
            self.rcv = end.wrapping_add(1);
            return true;
        }
        false
    }
}
