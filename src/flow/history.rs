//! Zeek's history of a connection, letter by letter.
//!
//! Rules as in Zeek's `TCPSessionAdapter.cc` (`update_history`) and `TCP_Endpoint.cc`: each letter
//! once per side, SYN, FIN and RST again when their number differs; retransmissions, gaps and
//! closed windows at the first, tenth, hundredth time. Data that a SYN carried in vain is a
//! retransmission when it is sent again. Lengths are the packet's alone: a FIN with payload is `F`,
//! not `D`.

#![expect(
    clippy::inline_always,
    reason = "parts of `Flow::take_in`, which is compiled for plain segments by itself"
)]

use crate::flow::letters::Letters;
use crate::flow::numbers::Numbers;
use crate::flow::seen::Seen;
use crate::seq::SeqNum;

/// More letters than this are not kept; Zeek's own are seldom more than twenty.
const LETTERS: usize = 30;
/// The bit of a kept letter that tells which end earned it: capitals are below it.
const SECOND_END: u8 = 0x80;

/// What one end has earned so far. The numbers mean something once their letter's bit is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Earned {
    letters: u32,
    last_syn: SeqNum,
    last_fin: SeqNum,
    last_rst: SeqNum,
    repeats: u16,
    gaps: u16,
    shut: u16,
}

/// The letters in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    entries: [u8; LETTERS],
    len: u8,
    /// Nobody asks for it.
    unasked: bool,
    earned: [Earned; 2],
}

impl Default for History {
    fn default() -> Self {
        Self {
            entries: [0; LETTERS],
            len: 0,
            unasked: false,
            earned: [Earned::default(); 2],
        }
    }
}

impl History {
    /// Forgets everything, but not that nobody asks.
    pub(super) const fn clear(&mut self) {
        self.entries = [0; LETTERS];
        self.len = 0;
        let [a, b] = &mut self.earned;
        a.clear();
        b.clear();
    }

    /// Whether nobody will ask for it: of what is taken in from then on nothing is kept then.
    pub(super) const fn forgo(&mut self, unasked: bool) {
        self.unasked = unasked;
    }

    /// The letters with `originator`'s as capitals; `^` first if the roles were turned over.
    pub fn text(&self, originator: u8, turned: bool) -> Letters {
        // All places, of which those behind the letters are zeros, and two more: steps of sixteen, and
        // no branch for each.
        let mut letters = [0; LETTERS + 2];
        let [entries @ .., _, _] = &mut letters;
        *entries = self.entries;
        for letter in &mut letters {
            let capital = *letter & !SECOND_END;
            let own = *letter / SECOND_END == originator;
            *letter = if own {
                capital
            } else {
                capital.to_ascii_lowercase()
            };
        }
        let ([letters @ .., _, _], mut text) = (letters, [0; Letters::MOST]);
        if turned {
            let [first, rest @ ..] = &mut text;
            (*first, *rest) = (b'^', letters);
        } else {
            let [all @ .., _] = &mut text;
            *all = letters;
        }
        Letters::new(text, self.len + u8::from(turned))
    }

    /// Reads from it, so that it is in the cache.
    pub(super) fn touch(&self) -> u64 {
        let [a, b] = &self.earned;
        u64::from(self.len) ^ u64::from(a.letters ^ b.letters)
    }

    /// One of the letters was earned by `from`.
    pub fn has(&self, letter: u8, from: u8) -> bool {
        self.kept().contains(&kept(letter, from))
    }

    /// Takes in a segment without RST; `numbers` is what its sender has used before it.
    #[inline(always)]
    pub(super) fn push(&mut self, seen: &Seen, numbers: Option<&Numbers>) {
        if self.unasked {
            return;
        }
        let (f, from) = (seen.flags, seen.from());
        match (f.syn(), f.fin()) {
            (false, false) if !seen.is_empty() => self.once(from, b'D'),
            (false, false) if f.ack() => self.once(from, b'A'),
            (false, false) => {}
            (false, true) => self.numbered(seen, b'F'),
            (true, false) => self.numbered(seen, if f.ack() { b'H' } else { b'S' }),
            (true, true) => self.once(from, b'Q'),
        }
        if !seen.is_empty() && numbers.is_some_and(|n| seen.end().at_or_before(n.next)) {
            self.counted(from, b'T');
        }
        if seen.window == 0 && !seen.cut() {
            self.shut(from);
        }
    }

    /// Of which letters nothing is kept when `end` earns them once more, as bits.
    pub(super) fn earned(&self, end: u8) -> u32 {
        if self.unasked {
            u32::MAX
        } else {
            self.earned[usize::from(end & 1)].letters
        }
    }

    /// The bit of the one letter that a plain segment earns if it begins at SND.NXT and its window is
    /// open.
    #[inline(always)]
    pub(super) const fn letter_of(plain: &Seen) -> u32 {
        bit_of(if plain.is_empty() { b'A' } else { b'D' })
    }

    /// Takes in a RST.
    pub(super) fn push_reset(&mut self, seen: &Seen) {
        match (seen.flags.syn(), seen.flags.fin()) {
            (false, false) => self.numbered(seen, b'R'),
            (true, false) => self.once(seen.from(), b'Q'),
            (_, true) => self.once(seen.from(), b'I'),
        }
    }

    /// Takes in a closed window.
    #[cold]
    fn shut(&mut self, from: u8) {
        if !self.has(b'F', from ^ 1) {
            self.counted(from, b'W');
        }
    }

    /// Takes in that bytes sent by `from` were acknowledged and never seen.
    pub(super) fn gap(&mut self, from: u8) {
        self.counted(from, b'G');
    }

    /// Adds a later part's letters, each again once only.
    pub(super) fn merge(&mut self, later: &Self) {
        for entry in later.kept() {
            let (letter, from) = (entry & !SECOND_END, entry / SECOND_END);
            let numbered = matches!(letter, b'S' | b'H' | b'F' | b'R');
            let end = usize::from(from);
            if numbered && self.has(letter, from) {
                if self.earned[end].last_of(letter) != later.earned[end].last_of(letter) {
                    self.add(letter, from);
                }
            } else {
                self.once(from, letter);
            }
        }
    }

    fn kept(&self) -> &[u8] {
        self.entries
            .get(..usize::from(self.len))
            .unwrap_or_default()
    }

    #[inline(always)]
    fn once(&mut self, from: u8, letter: u8) {
        let earned = &mut self.earned[usize::from(from & 1)];
        let bit = bit_of(letter);
        if earned.letters & bit == 0 {
            earned.letters |= bit;
            self.add(letter, from);
        }
    }

    fn numbered(&mut self, seen: &Seen, letter: u8) {
        let number = if letter == b'F' {
            seen.seq.plus(seen.len())
        } else {
            seen.seq
        };
        let earned = &mut self.earned[usize::from(seen.from() & 1)];
        let slot = match letter {
            b'F' => &mut earned.last_fin,
            b'R' => &mut earned.last_rst,
            _ => &mut earned.last_syn,
        };
        let last = std::mem::replace(slot, number);
        let again = earned.letters & bit_of(letter) != 0 && last != number;
        if again {
            self.add(letter, seen.from());
        } else {
            self.once(seen.from(), letter);
        }
    }

    #[cold]
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
            *slot = kept(letter, from);
            self.len += 1;
        }
    }
}

impl Earned {
    const fn clear(&mut self) {
        self.letters = 0;
        (self.last_syn, self.last_fin, self.last_rst) = (SeqNum(0), SeqNum(0), SeqNum(0));
        (self.repeats, self.gaps, self.shut) = (0, 0, 0);
    }

    const fn last_of(&self, letter: u8) -> SeqNum {
        match letter {
            b'F' => self.last_fin,
            b'R' => self.last_rst,
            _ => self.last_syn,
        }
    }
}

/// The mark of a letter. Zeek keeps one for SYN and SYN-ACK of a side.
const fn bit_of(letter: u8) -> u32 {
    let mark = if letter == b'H' { b'S' } else { letter };
    1 << (mark & 31)
}

/// A letter as it is kept.
const fn kept(letter: u8, from: u8) -> u8 {
    if from == 0 {
        letter
    } else {
        letter | SECOND_END
    }
}

/// 1, 10, 100, ...
const fn is_power_of_ten(mut n: u16) -> bool {
    while n >= 10 && n.is_multiple_of(10) {
        n /= 10;
    }
    n == 1
}
