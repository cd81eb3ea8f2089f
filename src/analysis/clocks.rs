//! The clocks of a capture's interfaces.

use crate::stamp::{SECOND, Time};

/// Interfaces that are told apart; few captures have more than one.
const INTERFACES: usize = 64;
/// The number of none: no capture has so many.
const NONE: u32 = u32::MAX;

/// The time of each interface's last record.
#[derive(Debug)]
pub(super) struct Clocks {
    /// The interface of the last record and its time are kept beside.
    last: Vec<(u32, Time)>,
    /// The place and the number of the last record's interface, and that record's time.
    at: usize,
    interface: u32,
    time: Time,
    /// One of them was set back by a second or more.
    stepped: bool,
}

impl Default for Clocks {
    fn default() -> Self {
        Self {
            last: Vec::new(),
            at: 0,
            interface: NONE,
            time: Time::default(),
            stepped: false,
        }
    }
}

impl Clocks {
    /// A record of an interface. True if it simply follows the one before.
    pub(super) fn see(&mut self, interface: u32, time: Time) -> bool {
        let follows = self.follow(interface, time);
        if !follows {
            self.turn_to(interface, time);
        }
        follows
    }

    /// The same, if it does; else it is still to be seen.
    #[inline]
    pub(super) const fn follow(&mut self, interface: u32, time: Time) -> bool {
        let follows = interface == self.interface && time.0 >= self.time.0;
        if follows {
            self.time = time;
        }
        follows
    }

    /// The time of the last record.
    pub(super) const fn last(&self) -> Time {
        self.time
    }

    #[cold]
    fn turn_to(&mut self, interface: u32, time: Time) {
        if let Some((_, last)) = self.last.get_mut(self.at) {
            *last = self.time;
        }
        let known = self.last.iter().position(|(of, _)| *of == interface);
        match known.and_then(|at| Some((at, self.last.get(at)?.1))) {
            Some((at, last)) => {
                self.stepped |= last.since(time) >= SECOND;
                (self.at, self.interface, self.time) = (at, interface, time);
            }
            None if self.last.len() < INTERFACES => {
                (self.at, self.interface, self.time) = (self.last.len(), interface, time);
                self.last.push((interface, time));
            }
            // Too many to be told apart: of none of them it is known what follows.
            None => self.interface = NONE,
        }
    }

    /// There are several, and each runs on: a step back from one record to the next is between two of
    /// them.
    pub(super) const fn differ(&self) -> bool {
        self.last.len() > 1 && !self.stepped
    }
}
