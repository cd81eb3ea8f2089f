//! Zeek's names: `conn_state` as `conn_state()` in base/protocols/conn/main.zeek has it, and the
//! history's letters.

use crate::close::case::Case;
use crate::close::facts::Facts;
use crate::close::verdict::{ConnState, Letters, RolesFrom, Side};

/// Zeek's states of an endpoint, as far as `conn_state()` tells them apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Inactive,
    SynSent,
    SynAckSent,
    Partial,
    Established,
    Closed,
    Reset,
}

/// The history's letters, by Zeek's notion of who is who.
pub(super) fn history(facts: &Facts) -> Letters {
    let flow = facts.flow;
    let originator = facts.index(Side::Client);
    // Zeek takes the first packet's sender for the originator, unless a SYN-ACK shows better.
    let turned = facts.roles_from != RolesFrom::Syn && flow.first_from != originator;
    flow.history.text(originator, turned)
}

fn endpoint(case: &Case, side: Side) -> Endpoint {
    let facts = &case.facts;
    let (half, peer) = (facts.half(side), facts.half(side.peer()));
    let mid_stream = half.opening.is_none() && peer.opening.is_none();
    if half.rsts > 0 && !facts.both_fins() {
        return Endpoint::Reset;
    }
    if half.fin.is_some() {
        return Endpoint::Closed;
    }
    if half.packets == 0 {
        return Endpoint::Inactive;
    }
    if mid_stream {
        return Endpoint::Partial;
    }
    match &half.opening {
        Some(opening) if !opening.ack && peer.opening.is_none() => Endpoint::SynSent,
        Some(opening) if opening.ack && side == Side::Client => Endpoint::SynAckSent,
        None if peer.opening.as_ref().is_some_and(|o| !o.ack) && half.payload == 0 => {
            Endpoint::Inactive
        }
        None if peer.opening.as_ref().is_some_and(|o| !o.ack) => Endpoint::Partial,
        _ => Endpoint::Established,
    }
}

/// Zeek's name for how the flow ended.
pub(super) fn conn_state(case: &Case) -> ConnState {
    use ConnState::{Oth, Rej, Rsto, Rstos0, Rstr, Rstrh, S0, S1, S2, S3, Sf, Sh, Shr};
    use Endpoint::{Closed, Established, Inactive, Partial, Reset, SynAckSent, SynSent};
    let (orig, resp) = (endpoint(case, Side::Client), endpoint(case, Side::Server));
    let inactive = |e: Endpoint| matches!(e, Inactive | Partial);
    let no_bytes =
        case.facts.half(Side::Client).payload == 0 && case.facts.half(Side::Server).payload == 0;
    match (orig, resp) {
        (SynSent | SynAckSent, Reset) => Rej,
        (Reset, Reset) if no_bytes => Rej,
        (o, Reset) if inactive(o) => Rstrh,
        (_, Reset) => Rstr,
        (Reset, r) if inactive(r) => Rstos0,
        (Reset, _) => Rsto,
        (Closed, Closed) => Sf,
        (Closed, r) if inactive(r) => Sh,
        (Closed, _) => S2,
        (o, Closed) if inactive(o) => Shr,
        (_, Closed) => S3,
        (SynSent, Inactive) => S0,
        (Established, Established) => S1,
        _ => Oth,
    }
}
