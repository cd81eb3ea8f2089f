//! A list of sockets as text.

use super::line::{Line, Process, Socket, read};
use super::timer::Timer;
use crate::close::verdict::State;
use std::collections::BTreeMap;

/// The sockets that a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// The TCP sockets, in the order of the list.
    pub sockets: Vec<Socket>,
    /// Lines of other protocols.
    pub other: u64,
    /// Lines that were not understood, and the number of the first.
    pub unclear: u64,
    /// The first of these.
    pub first_unclear: Option<u64>,
}

/// The text is no list of sockets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAListing {
    /// There is nothing in it.
    #[error("it is empty; expected {EXPECTED}")]
    Empty,
    /// A line is no socket, and none is.
    #[error("line {line}: expected {EXPECTED}, found `{found}`")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// How it begins.
        found: String,
    },
}

const EXPECTED: &str = "sockets as `ss -tano`, `netstat -tano` (macOS: `netstat -anp tcp`) or `lsof -nP -iTCP` list them";
/// Characters of a line that a message quotes.
const QUOTED: usize = 60;

impl Listing {
    /// Reads a list of ss, netstat (Linux, macOS, the BSDs) or lsof, with headings or without.
    ///
    /// ```
    /// use whoclosed::close::verdict::State;
    /// use whoclosed::sockets::Listing;
    ///
    /// let text = "TIME-WAIT 0 0 10.0.0.1:80 10.0.0.2:5000 timer:(timewait,2.067ms,0)";
    /// let socket = &Listing::parse(text)?.sockets[0];
    /// assert_eq!(socket.state, State::TimeWait);
    /// assert_eq!(socket.timer.expect("a timer").left_ns, Some(2_067_000_000));
    /// # Ok::<(), whoclosed::sockets::NotAListing>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, NotAListing> {
        let text = text.trim_start_matches('\u{feff}');
        let mut listing = Self::default();
        let mut headings = 0;
        let mut first = None;
        for (number, line) in (1..).zip(text.lines()) {
            match read(line, number) {
                Line::Socket(socket) => listing.sockets.push(*socket),
                Line::Other => listing.other += 1,
                Line::Heading => headings += 1,
                Line::Nothing => {}
                Line::More(timer, process) => listing.more(timer, process),
                Line::Unclear => {
                    listing.unclear += 1;
                    listing.first_unclear.get_or_insert(number);
                }
            }
            if first.is_none() && !line.trim().is_empty() {
                first = Some((number, line));
            }
        }
        if !listing.sockets.is_empty() || listing.other + headings > 0 {
            return Ok(listing);
        }
        let (line, text) = first.ok_or(NotAListing::Empty)?;
        let found = text.trim().chars().take(QUOTED).collect();
        Err(NotAListing::Line { line, found })
    }

    /// The last socket has these too.
    fn more(&mut self, timer: Option<Timer>, process: Option<Process>) {
        if let Some(socket) = self.sockets.last_mut() {
            socket.timer = socket.timer.or(timer);
            socket.process = socket.process.take().or(process);
        }
    }

    /// How many sockets are in which state.
    pub fn by_state(&self) -> BTreeMap<State, u64> {
        let mut counts = BTreeMap::new();
        for socket in &self.sockets {
            *counts.entry(socket.state).or_insert(0) += 1;
        }
        counts
    }
}
