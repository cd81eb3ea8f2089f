//! The flows that a socket may be of which the list masks or names an end: those of the same ports in
//! the same state.

use super::course::Course;
use super::join::{Part, Ports, Set, View, known_ports, ports};
use super::line::Socket;
use crate::close::verdict::{Side, State};
use foldhash::fast::RandomState;
use std::collections::HashMap;

/// How many flows on the same ports in the same state are looked at, the last ones to be settled first:
/// those are the ones that lived longest.
pub(super) const CANDIDATES: usize = 512;

/// The flows by what such sockets show of them; those in any state by [`State::Unknown`].
pub(super) struct Like<'a>(HashMap<(Ports, State), Vec<Part<'a>>, RandomState>);

impl<'a> Like<'a> {
    /// Of all flows those that have ports of such sockets.
    pub(super) fn new(all: &'a [Course], wanted: &Set<Ports>, view: &View) -> Self {
        let mut like: HashMap<_, Vec<Part>, _> = HashMap::default();
        let sides = [Side::Client, Side::Server];
        for (course, side) in all
            .iter()
            .flat_map(|course| sides.map(|side| (course, side)))
        {
            let known = known_ports(course.end(side), course.end(side.peer()));
            for ports in known.into_iter().filter(|ports| wanted.contains(ports)) {
                let held = course.held(side, view.late_span()).map(|stay| stay.state);
                for state in held.chain([State::Unknown]) {
                    let parts = like.entry((ports, state)).or_default();
                    if parts
                        .last()
                        .is_none_or(|last| (last.0.flow, last.1) != (course.flow, side))
                    {
                        parts.push((course, side));
                    }
                }
            }
        }
        Self(like)
    }

    /// The flows that a socket may be, by its state and what it shows of its ends.
    pub(super) fn of(&self, socket: &Socket) -> impl Iterator<Item = Part<'a>> {
        let found = self.0.get(&(ports(socket), socket.state));
        let found = found.into_iter().flat_map(|parts| parts.iter().rev());
        let (local, peer) = (socket.local.shape(), socket.peer.shape());
        found
            .copied()
            .take(CANDIDATES)
            .filter(move |(course, side)| {
                local.fits(course.end(*side)) && peer.fits(course.end(side.peer()))
            })
    }
}
