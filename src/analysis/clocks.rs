//! The clocks of a capture's interfaces.

use crate::stamp::{SECOND, Time};

/// Interfaces that are told apart; few captures have more than one.
const INTERFACES: usize = 64;

/// The time of each interface's last record.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    last: Vec<(u32, Time)>,
    /// One of them was set back by a second or more.
    stepped: bool,
}

impl Clocks {
    /// A record of an interface.
    #[inline]
    pub(super) fn see(&mut self, interface: u32, time: Time) {
        // The first at once: most captures have but one.
        let known = match self.last.first_mut() {
            Some(first) if first.0 == interface => Some(first),
            _ => self.last.iter_mut().find(|(of, _)| *of == interface),
        };
        match known {
            Some((_, last)) => {
                if time < *last {
                    self.stepped |= last.since(time) >= SECOND;
                }
                *last = time;
            }
            None => self.add(interface, time),
        }
    }

    /// There are several, and each runs on: a step back from one record to the next is between two of
    /// them.
    pub(super) const fn differ(&self) -> bool {
        self.last.len() > 1 && !self.stepped
    }

    #[cold]
    fn add(&mut self, interface: u32, time: Time) {
        if self.last.len() < INTERFACES {
            self.last.push((interface, time));
        }
    }
}
