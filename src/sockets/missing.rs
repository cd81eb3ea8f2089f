//! Flows that should be in a list and are not.

use super::course::{Course, Stay};
use super::end::Shape;
use super::join::{Flows, Ports, Set, View, known_ports, pair, ports};
use super::like::CANDIDATES;
use super::line::{Socket, Tool};
use super::listing::Listing;
use super::result::Missing;
use super::timer::TimerKind;
use crate::close::SCHEMA;
use crate::close::verdict::{Confidence, Endpoint, Outcome, Side, State};
use crate::stamp::{SECOND, Time};
use foldhash::fast::RandomState;
use std::collections::HashMap;
use std::net::IpAddr;

/// How long Linux keeps FIN-WAIT-2 of a closed socket (`tcp_fin_timeout`), and about as long a FIN or a
/// SYN is repeated that nobody answers: later the host may have given up.
const PATIENCE: i64 = 60 * SECOND;

/// What the capture expects of that host and the list does not show, and notes on what was not looked
/// for.
pub(super) fn missing(
    listing: &Listing,
    hosts: &Set<IpAddr>,
    flows: &Flows,
    view: &View,
) -> (Vec<Missing>, Vec<String>) {
    let Some(span) = view.span() else {
        return (Vec::new(), Vec::new());
    };
    if hosts.is_empty() && !listing.sockets.is_empty() {
        let text = "the list shows no address of its host: which flows are missing from it cannot be \
                    told; --as-host ADDR names one";
        return (Vec::new(), vec![text.to_owned()]);
    }
    let (shown, note) = shown(listing);
    let listed: Set<_> = listing.sockets.iter().filter_map(pair).collect();
    let masked = Masked::of(listing);
    let mut all = Vec::new();
    for course in flows.all {
        for side in [Side::Client, Side::Server] {
            let ends = (course.end(side), course.end(side.peer()));
            if !hosts.contains(&ends.0.addr) || listed.contains(&ends) {
                continue;
            }
            let stay = expected(course, side, span).filter(|stay| shown.holds(stay.state));
            if let Some(stay) = stay.filter(|stay| !masked.may_be(ends, stay.state)) {
                all.push(absent((course, side), ends, stay, view));
            }
        }
    }
    all.sort_by_key(|absent| (absent.state, absent.flow));
    (all, note.into_iter().collect())
}

/// Which states the list would show.
enum Shown {
    All,
    But(&'static [State]),
    Only(State),
    None,
}

impl Shown {
    fn holds(&self, state: State) -> bool {
        match self {
            Self::All => true,
            Self::But(not) => !not.contains(&state),
            Self::Only(only) => *only == state,
            Self::None => false,
        }
    }
}

/// What ss leaves out without -a, besides listeners (`SS_CONN` in iproute2's misc/ss.c).
const BUCKET: &[State] = &[State::TimeWait, State::SynReceived];

/// Lists are often filtered: what they would not show is not missing.
fn shown(listing: &Listing) -> (Shown, Option<String>) {
    let sockets = &listing.sockets;
    if sockets.iter().any(|socket| socket.tool == Tool::Lsof) {
        let text = "lsof shows the sockets that processes hold and no others: which flows are \
                    missing from the list cannot be told";
        return (Shown::None, Some(text.to_owned()));
    }
    let states = listing.by_state();
    if let (Some((&state, _)), 1) = (states.first_key_value(), states.len()) {
        let timewait = |s: &Socket| s.timer.is_some_and(|t| t.kind == TimerKind::TimeWait);
        let only = match state {
            State::Unknown if sockets.iter().all(timewait) => State::TimeWait,
            state => state,
        };
        let text =
            format!("the list shows {only} alone: flows in other states were not looked for in it");
        return (Shown::Only(only), Some(text));
    }
    let whole = [State::Listen, State::TimeWait, State::SynReceived];
    if whole.iter().any(|state| states.contains_key(state)) {
        return (Shown::All, None);
    }
    let text = "the list shows no TIME-WAIT, no SYN-RECV and no listener: it seems to be of `ss -t` \
                without -a, so that those states were not looked for in it";
    (Shown::But(BUCKET), Some(text.to_owned()))
}

/// The state in which a side was all the time in which the list may have been taken.
fn expected(course: &Course, side: Side, (first, last): (Time, Time)) -> Option<Stay> {
    if course.outcome == Outcome::Indeterminate {
        return None;
    }
    let stay = course.at(side, Some(last))?;
    stay.covers(first, last).then_some(stay)
}

/// What the sockets show whose ends the list masks, by their ports and state.
struct Masked(HashMap<(Ports, State), Vec<(Shape, Shape)>, RandomState>);

impl Masked {
    fn of(listing: &Listing) -> Self {
        let mut shown: HashMap<_, Vec<_>, _> = HashMap::default();
        let mut known = Set::default();
        for socket in &listing.sockets {
            let ends = (socket.local.shape(), socket.peer.shape());
            let is_masked = pair(socket).is_none() && socket.state != State::Listen;
            if is_masked && known.insert((socket.state, ends)) {
                let shown = shown.entry((ports(socket), socket.state)).or_default();
                shown.push(ends);
            }
        }
        Self(shown)
    }

    /// One of them may be it.
    fn may_be(&self, (local, peer): (Endpoint, Endpoint), state: State) -> bool {
        let keys = known_ports(local, peer).map(|ports| [(ports, state), (ports, State::Unknown)]);
        let shown = keys.as_flattened().iter().filter_map(|key| self.0.get(key));
        let mut shown = shown.flatten().take(CANDIDATES);
        shown.any(|ends| ends.0.fits(local) && ends.1.fits(peer))
    }
}

fn absent(
    (course, side): (&Course, Side),
    (local, peer): (Endpoint, Endpoint),
    stay: Stay,
    view: &View,
) -> Missing {
    let after = view.taken.at > view.end;
    let long = view.since(stay.from).is_none_or(|nanos| nanos > PATIENCE);
    let given_up = long && !matches!(stay.state, State::TimeWait | State::Established);
    let confidence = if after || given_up || stay.from.is_none() {
        Confidence::Possible
    } else {
        Confidence::Likely
    };
    let wait = course.wait(side).filter(|_| stay.state == State::TimeWait);
    Missing {
        schema: SCHEMA,
        flow: course.flow,
        side,
        local,
        peer,
        state: stay.state,
        since: wait.and_then(|wait| wait.start).or(stay.from),
        until: wait.and_then(|wait| wait.end),
        confidence,
        wireshark_filter: course.filter,
        message: why(stay.state).to_owned(),
    }
}

/// What may have become of it.
const fn why(state: State) -> &'static str {
    match state {
        State::TimeWait => {
            "the host keeps none beyond tcp_max_tw_buckets (counter TCPTimeWaitOverflow), reused its \
             ports (tcp_tw_reuse), or somebody took it away (`ss -K`)"
        }
        State::FinWait2 => {
            "a closed socket stays so for tcp_fin_timeout at most, and none beyond \
             tcp_max_tw_buckets"
        }
        State::FinWait1 | State::Closing | State::LastAck => {
            "the host gave up (tcp_orphan_retries, tcp_max_orphans), or the ACK passed elsewhere"
        }
        State::CloseWait | State::Established => {
            "it was closed or reset without a segment that the capture shows, or lives on another \
             host or in another network namespace"
        }
        State::SynReceived | State::SynSent => {
            "the host gave up, or answers with SYN cookies and keeps nothing"
        }
        _ => "it is not known what became of it",
    }
}
