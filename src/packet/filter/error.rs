//! Why a filter is not understood.

use std::fmt::{self, Display};
use std::ops::Range;

/// Characters shown before and behind the place, at most.
const SHOWN: usize = 32;

const UNDERSTOOD: &str = "\
understood are: host ADDRESS, net ADDRESS/LEN, port NUMBER, portrange FIRST-LAST, each with src or
dst before it; ip, ip6, tcp; and, or, not, parentheses";

/// A filter that is not understood: where and why. Its text has several lines, the last ones with
/// the place marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    what: String,
    /// The filter around the place.
    excerpt: String,
    /// The place in it, in characters.
    place: Range<usize>,
}

impl FilterError {
    /// Of the bytes `place` of the filter `text`.
    pub(super) fn new(text: &str, place: Range<usize>, what: impl AsRef<str>) -> Self {
        let (before, rest) = text.split_at_checked(place.start).unwrap_or((text, ""));
        let (marked, _) = rest.split_at_checked(place.len()).unwrap_or((rest, ""));
        let before = before.chars().count();
        let marked = marked.chars().count().clamp(1, SHOWN);
        let skipped = before.saturating_sub(SHOWN);
        let shown = before - skipped + marked + SHOWN;
        let mut excerpt: String = text.chars().map(plain).skip(skipped).take(shown).collect();
        if text.chars().count() > skipped + shown {
            excerpt.push('…');
        }
        let mut start = before - skipped;
        if skipped > 0 {
            excerpt.insert(0, '…');
            start += 1;
        }
        Self {
            what: what.as_ref().chars().map(plain).collect(),
            excerpt,
            place: start..start + marked,
        }
    }

    /// What is wrong, in one line.
    pub fn what(&self) -> &str {
        &self.what
    }
}

/// Control characters would move what follows them away from its mark.
fn plain(c: char) -> char {
    match c {
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '?',
        c if c.is_control() => ' ',
        c => c,
    }
}

impl Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            what,
            excerpt,
            place,
        } = self;
        let marks = "^".repeat(place.len());
        let indent = place.start;
        writeln!(f, "{what}")?;
        writeln!(f, "  {excerpt}")?;
        writeln!(f, "  {:indent$}{marks}", "")?;
        f.write_str(UNDERSTOOD)
    }
}

impl std::error::Error for FilterError {}
