//! Zeek's history of a connection, letter by letter.
//!
//! Rules as in Zeek's `TCPSessionAdapter.cc` (`update_history`) and `TCP_Endpoint.cc`: each letter
//! once per side, SYN, FIN and RST again when their number differs; retransmissions, gaps and
//! closed windows at the first, tenth, hundredth time. Lengths are the packet's alone: a FIN with
//! payload is `F`, not `D`.

use crate::flow::numbers::Numbers;
use crate::flow::seen::Seen;
use crate::seq::SeqNum;

/// More letters than this are not kept; Zeek's own are seldom more than twenty.
const LETTERS: usize = 40;

/// One letter, and the end that earned it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    letter: u8,
    from: u8,
}

/// What one end has earned so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Earned {
    letters: u32,
    last_syn: Option<SeqNum>,
    last_fin: Option<SeqNum>,
    last_rst: Option<SeqNum>,
    repeats: u32,
    gaps: u32,
    shut: u32,
}

/// The letters in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    entries: [Entry; LETTERS],
    len: u8,
    earned: [Earned; 2],
}

impl Default for History {
    fn default() -> Self {
        let entries = [Entry::default(); LETTERS];
        Self {
            entries,
            len: 0,
            earned: [Earned::default(); 2],
        }
    }
}

impl History {
    /// The letters with `originator`'s as capitals; `^` first if the roles were turned over.
    pub fn text(&self, originator: u8, turned: bool) -> String {
        let letter = |e: &Entry| {
            let c = char::from(e.letter);
            if e.from == originator {
                c
            } else {
                c.to_ascii_lowercase()
            }
        };
        let all = self.entries.iter().take(usize::from(self.len));
        turned
            .then_some('^')
            .into_iter()
            .chain(all.map(letter))
            .collect()
    }

    /// One of the letters was earned by `from`.
    pub fn has(&self, letter: u8, from: u8) -> bool {
        self.entries
            .iter()
            .take(usize::from(self.len))
            .any(|e| e.letter == letter && e.from == from)
    }

    /// Takes in a segment; `numbers` is what its sender has used before it.
    pub(super) fn push(&mut self, seen: &Seen, numbers: Option<&Numbers>) {
        let f = seen.flags;
        match (f.syn(), f.fin(), f.rst()) {
            (true, false, false) => self.numbered(seen, if f.ack() { b'H' } else { b'S' }),
            (false, true, false) => self.numbered(seen, b'F'),
            (false, false, true) => self.numbered(seen, b'R'),
            (false, false, false) if seen.len > 0 => self.once(seen.from, b'D'),
            (false, false, false) if f.ack() => self.once(seen.from, b'A'),
            (false, false, false) => {}
            (_, true, true) => self.once(seen.from, b'I'),
            _ => self.once(seen.from, b'Q'),
        }
        let repeated = numbers.is_some_and(|n| seen.end().at_or_before(n.next));
        if seen.len > 0 && repeated && !f.rst() {
            self.counted(seen.from, b'T');
        }
        if seen.window == 0 && !seen.cut && !f.rst() && !self.has(b'F', seen.from ^ 1) {
            self.counted(seen.from, b'W');
        }
    }

    /// Takes in that bytes sent by `from` were acknowledged and never seen.
    pub(super) fn gap(&mut self, from: u8) {
        self.counted(from, b'G');
    }

    /// Adds a later part's letters, each again once only.
    pub(super) fn merge(&mut self, later: &Self) {
        for entry in later.entries.iter().take(usize::from(later.len)) {
            let again = matches!(entry.letter, b'S' | b'H' | b'F' | b'R');
            if again && self.has(entry.letter, entry.from) {
                let (mine, theirs) = (self.earned_by(entry.from), later.earned_by(entry.from));
                if mine.last_of(entry.letter) == theirs.last_of(entry.letter) {
                    continue;
                }
                self.add(entry.letter, entry.from);
            } else {
                self.once(entry.from, entry.letter);
            }
        }
    }

    fn earned_by(&self, from: u8) -> &Earned {
        &self.earned[usize::from(from & 1)]
    }

    fn once(&mut self, from: u8, letter: u8) {
        let earned = &mut self.earned[usize::from(from & 1)];
        // Zeek keeps one mark for SYN and SYN-ACK of a side.
        let mark = if letter == b'H' { b'S' } else { letter };
        let bit = 1 << (mark & 31);
        if earned.letters & bit == 0 {
            earned.letters |= bit;
            self.add(letter, from);
        }
    }

    fn numbered(&mut self, seen: &Seen, letter: u8) {
        let number = if letter == b'F' {
            seen.seq.plus(seen.len)
        } else {
            seen.seq
        };
        let earned = &mut self.earned[usize::from(seen.from & 1)];
        let slot = match letter {
            b'F' => &mut earned.last_fin,
            b'R' => &mut earned.last_rst,
            _ => &mut earned.last_syn,
        };
        let again = slot.is_some_and(|last| last != number);
        *slot = Some(number);
        if again {
            self.add(letter, seen.from);
        } else {
            self.once(seen.from, letter);
        }
    }

    fn counted(&mut self, from: u8, letter: u8) {
        let earned = &mut self.earned[usize::from(from & 1)];
        let counter = match letter {
            b'T' => &mut earned.repeats,
            b'G' => &mut earned.gaps,
            _ => &mut earned.shut,
        };
        *counter = counter.saturating_add(1);
        if is_power_of_ten(*counter) {
            self.add(letter, from);
        }
    }

    fn add(&mut self, letter: u8, from: u8) {
        if let Some(slot) = self.entries.get_mut(usize::from(self.len)) {
            *slot = Entry { letter, from };
            self.len += 1;
        }
    }
}

impl Earned {
    const fn last_of(&self, letter: u8) -> Option<SeqNum> {
        match letter {
            b'F' => self.last_fin,
            b'R' => self.last_rst,
            _ => self.last_syn,
        }
    }
}

/// 1, 10, 100, ...
const fn is_power_of_ten(mut n: u32) -> bool {
    while n >= 10 && n.is_multiple_of(10) {
        n /= 10;
    }
    n == 1
}
