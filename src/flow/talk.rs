//! What the application said, as far as the heads of payloads show it. Facts, of bounded size: the
//! last message each way, and how many requests are without a response.
//!
//! Marks come in the order of their times and bear sequence numbers: what comes again is left out. A
//! message that does not begin a payload is not seen, so a count may be too low; where more was said
//! than was understood, [`Talk::unanswered`] says so.

use crate::flow::half::Half;
use crate::flow::record::Flow;
use crate::flow::seen::Seen;
use crate::packet::{Alert, Body, GoAway, Request, Requests, Response, Responses, Said, Tls};
use crate::seq::SeqNum;

/// The requests whose method is remembered while they wait.
const WAITING: u32 = 32;

/// A message and where it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<T> {
    /// Its frame.
    pub frame: u64,
    /// The number of its payload's first byte.
    seq: SeqNum,
    /// The number behind its payload.
    behind: SeqNum,
    /// What its sender acknowledged with it.
    ack: Option<SeqNum>,
    /// What was said.
    pub what: T,
}

impl<T> Heard<T> {
    fn new(seen: &Seen, what: T) -> Self {
        Self {
            frame: seen.at().frame,
            seq: seen.seq,
            behind: seen.seq.plus(seen.len()),
            ack: seen.flags.ack().then_some(seen.ack),
            what,
        }
    }
}

impl Heard<Request> {
    /// The number behind it, body and all, if that is known.
    fn end(&self) -> Option<SeqNum> {
        self.what.end.map(|end| self.seq.plus(end))
    }
}

/// Where a response ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Before this number.
    At(SeqNum),
    /// Where the last chunk does, which was not seen.
    LastChunk,
    /// With the FIN.
    Close,
    /// That is not known.
    Unknown,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.
    #[default]
    Http1,
    /// HTTP/2.
    Http2,
    /// TLS.
    Tls,
}

/// What both applications said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Talk {
    /// What is spoken.
    pub protocol: Protocol,
    /// The end that sends the requests, if it speaks HTTP/1.
    pub asker: Option<u8>,
    /// The last request.
    pub request: Option<Heard<Request>>,
    /// The last response.
    pub response: Option<Heard<Response>>,
    /// The last GOAWAY of each end.
    pub go_away: [Option<Heard<GoAway>>; 2],
    /// The version that the server chose.
    pub tls_version: Option<u16>,
    /// The last alert of each end.
    pub alert: [Option<Heard<Alert>>; 2],
    /// Up to there what the other end said is understood.
    told: Option<SeqNum>,
    /// Where the first request that was seen begins.
    begin: Option<SeqNum>,
    /// Of several requests it is not known which were answered.
    is_lost: bool,
    /// Another protocol took over (RFC 9110 sections 7.8 and 9.3.6).
    switched: bool,
    /// Requests whose responses were not seen to end.
    waiting: u32,
    /// Those of them that are HEAD, the first in the lowest bit.
    heads: u32,
    /// The first of them is being answered by `response`, which ends there.
    answer: Option<End>,
    /// What was heard of each end.
    heard: [Option<SeqNum>; 2],
}

/// A request to which no complete response was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unanswered<'a> {
    /// It.
    pub request: &'a Heard<Request>,
    /// The response that began, if any did.
    pub response: Option<&'a Heard<Response>>,
    /// It came when the asker had closed or reset the connection.
    pub is_late: bool,
    /// All of it was acknowledged.
    pub acknowledged: bool,
}

impl Talk {
    /// Takes in what a segment says.
    pub(super) fn hear(&mut self, seen: &Seen, said: &Said) {
        let from = seen.from() & 1;
        if let Said::LastChunk { perhaps } = said {
            self.last_chunk(seen, *perhaps);
            return;
        }
        let heard = &mut self.heard[usize::from(from)];
        if heard.is_some_and(|behind| seen.seq.before(behind)) {
            return;
        }
        *heard = Some(seen.seq.plus(seen.len()));
        match said {
            Said::Requests(requests) => self.ask(seen, requests),
            Said::Responses(responses) => self.respond(seen, responses),
            Said::Http2(away) => {
                self.protocol = Protocol::Http2;
                if let Some(away) = away {
                    self.go_away[usize::from(from)] = Some(Heard::new(seen, *away));
                }
            }
            Said::Tls(tls) => self.tls(seen, *tls),
            Said::LastChunk { .. } => {}
        }
    }

    fn tls(&mut self, seen: &Seen, tls: Tls) {
        self.protocol = Protocol::Tls;
        self.tls_version = tls.version.or(self.tls_version);
        if let Some(alert) = tls.alert {
            self.alert[usize::from(seen.from() & 1)] = Some(Heard::new(seen, alert));
        }
    }

    fn ask(&mut self, seen: &Seen, requests: &Requests) {
        if self.switched || *self.asker.get_or_insert(seen.from()) != seen.from() {
            return;
        }
        let request = Heard::new(seen, requests.last);
        self.begin.get_or_insert(seen.seq);
        let (told, ack) = (self.told.filter(|_| self.waiting > 0), request.ack);
        let follows = self
            .request
            .is_none_or(|before| before.end() == Some(seen.seq));
        if !follows || told.zip(ack).is_none_or(|(told, ack)| ack.after(told)) {
            // Not all that was said before is understood. Who asks again has an answer, most likely;
            // but a request that was not seen may stand between the two, and both may wait.
            self.is_lost |= !follows || self.waiting > 1 && self.heads != 0;
            (self.waiting, self.heads, self.answer) = (0, 0, None);
            self.told = ack;
        } else if self.answer.is_some() && ack == told {
            self.next_answer();
        }
        if self.waiting < WAITING {
            self.heads |= requests.heads << self.waiting;
        }
        self.waiting = self.waiting.saturating_add(requests.count);
        self.request = Some(request);
    }

    fn next_answer(&mut self) {
        self.answer = None;
        self.waiting = self.waiting.saturating_sub(1);
        self.heads >>= 1;
    }

    fn respond(&mut self, seen: &Seen, responses: &Responses) {
        if self.switched || *self.asker.get_or_insert(seen.from() ^ 1) == seen.from() {
            return;
        }
        let response = Heard::new(seen, responses.last);
        let is_behind_unseen = self.told != Some(seen.seq);
        let in_doubt = is_behind_unseen && (self.waiting > 1 || self.heads != 0);
        if is_behind_unseen {
            // Some before it were not understood: it answers the last request, or one before that.
            (self.waiting, self.answer) = (self.waiting.min(1), None);
        }
        // Where one begins, the one before it has ended.
        let is_final = !responses.last.is_interim();
        let ended = responses.count + u32::from(self.answer.is_some()) - u32::from(is_final);
        for _ in 0..ended.min(self.waiting) {
            self.next_answer();
        }
        (self.response, self.answer) = (Some(response), None);
        if self.waiting == 0 || !is_final {
            self.told = responses.last.body_at.map(|at| seen.seq.plus(at));
            return;
        }
        let succeeds = (200..300).contains(&responses.last.status);
        let last = self.request.as_ref();
        let is_tunnel = self.waiting == 1 && last.is_some_and(|r| r.what.method.is_connect());
        self.switched = responses.last.status == 101 || is_tunnel && succeeds;
        let is_to_head = self.heads & 1 != 0;
        self.told = None;
        self.answer = Some(match responses.last.end(is_to_head) {
            _ if in_doubt => End::Unknown,
            Ok(end) => {
                let end = seen.seq.plus(end);
                self.told = Some(end);
                End::At(end)
            }
            Err(_) if responses.last.body_at.is_none() => End::Unknown,
            Err(Body::Chunked) => End::LastChunk,
            Err(Body::Undeclared) => End::Close,
            Err(Body::Length(_)) => End::Unknown,
        });
    }

    fn last_chunk(&mut self, seen: &Seen, perhaps: bool) {
        let is_its = self.answer == Some(End::LastChunk)
            && self.asker.is_some_and(|asker| asker != seen.from() & 1)
            && self
                .response
                .is_some_and(|r| seen.seq.at_or_after(r.behind));
        if is_its && (perhaps || self.waiting > 1) {
            // It may be that of a response behind it.
            self.answer = Some(End::Unknown);
        } else if is_its {
            let end = seen.seq.plus(seen.len());
            (self.answer, self.told) = (Some(End::At(end)), Some(end));
        }
    }

    /// The last request, if surely no complete response to it was seen.
    pub fn unanswered<'a>(&'a self, flow: &Flow) -> Option<Unanswered<'a>> {
        let request = self.request.as_ref().filter(|_| !self.switched)?;
        if self.waiting == 0 {
            return None;
        }
        let peer = Peer::new(flow, self.asker?)?;
        let asked = request.ack?;
        let end = request
            .end()
            .map_or(request.behind, |end| end.latest(request.behind));
        if peer.asker_goes_on(end) && !request.what.is_chunked {
            return None;
        }
        let begun = self.response.as_ref();
        let (response, is_late) = match self.answer {
            _ if peer.nothing_after(asked) => (None, false),
            _ if self.is_lost || !peer.asked_first(self.begin?) => return None,
            None => {
                // What came is not understood, unless another response was to follow it.
                let interim = begun.filter(|r| r.what.is_interim())?;
                let is_all = interim.seq.at_or_after(asked) && peer.nothing_after(interim.behind);
                is_all.then_some((None, false))?
            }
            // The last chunk may stand where it was not seen, with the next response behind it.
            Some(End::LastChunk) if self.waiting > 1 => return None,
            Some(answer) => match peer.sent(answer, begun)? {
                Sent::Part => (begun, false),
                Sent::TooLate => (begun, true),
                Sent::Whole(end) => {
                    let more = self.waiting > 1 && peer.nothing_after(end);
                    more.then_some((None, false))?
                }
            },
        };
        Some(Unanswered {
            request,
            response: response.filter(|_| self.waiting == 1),
            is_late,
            acknowledged: peer.acked.is_some_and(|ack| ack.at_or_after(end)),
        })
    }

    /// Takes in what was heard in a later part of the capture.
    pub(super) fn merge(&mut self, later: &Self) {
        let asked = later.request.is_some();
        if !asked && let Some(response) = later.response.filter(|_| self.waiting > 0) {
            self.waiting = self.waiting.min(1);
            self.response = Some(response);
            self.answer = Some(End::Unknown);
        } else if asked || later.asker.is_some() && self.asker.is_none() {
            self.asker = later.asker;
            self.request = later.request;
            self.response = later.response.or(self.response);
            (self.waiting, self.heads) = (later.waiting, later.heads);
            (self.answer, self.told) = (later.answer, later.told);
        }
        self.begin = self.begin.or(later.begin);
        self.is_lost |= later.is_lost;
        self.switched |= later.switched;
        if later.protocol != Protocol::Http1 {
            self.protocol = later.protocol;
        }
        self.tls_version = later.tls_version.or(self.tls_version);
        for end in [0, 1] {
            self.go_away[end] = later.go_away[end].or(self.go_away[end]);
            self.alert[end] = later.alert[end].or(self.alert[end]);
            self.heard[end] = later.heard[end].or(self.heard[end]);
        }
    }
}

/// What the end that is asked has sent, and what became of it.
struct Peer<'a> {
    asker: &'a Half,
    half: &'a Half,
    /// The number behind its payload.
    next: SeqNum,
    /// What it acknowledged.
    acked: Option<SeqNum>,
    /// What the asker did, RSTs among it.
    heard: Option<SeqNum>,
    /// The frame in which the asker closed or reset the connection.
    left: Option<u64>,
}

impl<'a> Peer<'a> {
    /// Nothing if some of what it sent was not captured.
    fn new(flow: &'a Flow, asker: u8) -> Option<Self> {
        let [a, b] = &flow.half;
        let (asks, half) = if asker == 0 { (a, b) } else { (b, a) };
        let next = half.next()?;
        let fin = half.fin.as_ref().map(|fin| fin.seq);
        let resets = || flow.resets.iter().map(|reset| &reset.seen);
        let acked_by = |half: &Half, of_asker: bool| {
            let own = resets().filter(|s| s.flags.ack() && (s.from() & 1 == asker) == of_asker);
            own.map(|s| s.ack).chain(half.ack).reduce(SeqNum::latest)
        };
        let left = asks.fin.as_ref().map(|fin| fin.copies.first.frame);
        let reset = resets().find(|s| s.from() & 1 == asker);
        let left = left.into_iter().chain(reset.map(|s| s.at().frame)).min();
        let peer = Self {
            asker: asks,
            half,
            next: fin.filter(|fin| fin.before(next)).unwrap_or(next),
            acked: acked_by(half, false),
            heard: acked_by(asks, true),
            left,
        };
        // One number more may be that of a FIN.
        let unseen = asks.ack.is_some_and(|ack| ack.since(next) > 1);
        (!unseen).then_some(peer)
    }

    /// The asker said more, which was not understood.
    fn asker_goes_on(&self, number: SeqNum) -> bool {
        let fin = u32::from(self.asker.fin.is_some());
        self.asker
            .next()
            .is_some_and(|next| next.minus(fin).after(number))
    }

    /// No request that was not seen stands before this one.
    fn asked_first(&self, begin: SeqNum) -> bool {
        self.asker.isn.is_some_and(|isn| isn.plus(1) == begin)
    }

    fn nothing_after(&self, number: SeqNum) -> bool {
        self.next.at_or_before(number)
    }

    /// How much of a response came; nothing if that is not known.
    fn sent(&self, answer: End, response: Option<&Heard<Response>>) -> Option<Sent> {
        let end = match answer {
            End::Unknown => return None,
            End::LastChunk => return self.half.whole_below(self.next).then_some(Sent::Part),
            End::Close if self.half.fin.is_none() => {
                let hidden = self.asker.ack.is_some_and(|ack| ack.after(self.next));
                return (!hidden).then_some(Sent::Part);
            }
            End::Close => self.next,
            End::At(end) => end,
        };
        let left = self.left.zip(response).is_some_and(|(at, r)| at < r.frame);
        let is_acked = self.heard.is_some_and(|ack| ack.at_or_after(end));
        Some(if self.next.before(end) {
            Sent::Part
        } else if left && !is_acked {
            Sent::TooLate
        } else {
            Sent::Whole(end)
        })
    }
}

/// How much of a response came.
enum Sent {
    /// Not all.
    Part,
    /// All, when its receiver had left.
    TooLate,
    /// All, up to this number.
    Whole(SeqNum),
}
