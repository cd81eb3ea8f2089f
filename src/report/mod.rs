//! Reports: they render verdicts and never decide anything.
//!
//! One file per format. [`Report`] is what the formats have in common: flow after flow, then the
//! summary.

pub mod check;
pub mod csv;
pub mod diff;
pub mod explain;
pub mod fields;
pub mod html;
pub mod json;
pub mod ledger;
mod look;
mod network;
pub mod reference;
#[cfg(test)]
mod samples;
pub mod schema;
pub mod sockets;
pub mod terms;
pub mod text;
mod time;
pub mod zeek;

pub use look::Look;
pub use time::{Clock, TimeStyle};

use crate::close::summary::Summary;
use crate::close::verdict::Verdict;
use crate::ledger::Ledger;
use crate::patterns::Diagnosis;
use crate::stamp::Time;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

/// A report in some format, written while the verdicts come in.
pub trait Report {
    /// Reports one flow. Fails only where its output does.
    fn flow(&mut self, verdict: &Verdict) -> io::Result<()>;

    /// Writes out what is buffered.
    fn flush(&mut self) -> io::Result<()>;

    /// Reports what many flows show together, the most important first: after the last flow.
    fn diagnoses(&mut self, diagnoses: &[Diagnosis]) -> io::Result<()>;

    /// Takes the books on TIME-WAIT and ports of a capture that began and ended then, if they were kept:
    /// after the last flow. Most formats have no place for them.
    fn ledger(&mut self, _: &Ledger, _: (Time, Time)) -> io::Result<()> {
        Ok(())
    }

    /// Ends the report with the totals and writes out what is buffered. `shown` is the number of
    /// flows reported, where a selection chose them.
    fn summary(&mut self, summary: &Summary, shown: Option<u64>) -> io::Result<()>;
}

/// A text from outside (a file name, say) fit for a terminal: control characters and those that
/// turn the direction of writing are escaped.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "{}", c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// `1 flow`, `2 flows`, `no flows`.
fn counted(count: u64, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// Control characters, and the bidirectional controls of Unicode (UAX #9).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_are_escaped_and_nothing_else() {
        assert_eq!(printable("büro 1.pcap"), "büro 1.pcap");
        assert_eq!(
            printable("a\x1b[2Jb\n\u{202e}c"),
            "a\\u{1b}[2Jb\\n\\u{202e}c"
        );
    }
}
