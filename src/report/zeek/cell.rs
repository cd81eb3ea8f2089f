//! How values stand in a log, as Zeek's ASCII formatter writes them.

use crate::report::is_unsafe;
use crate::report::time::seconds;
use crate::stamp::Time;
use std::fmt::{Display, Write};

/// What stands for a value that is not set.
pub(super) const UNSET: &str = "-";
/// What stands for an empty text or list.
pub(super) const EMPTY: &str = "(empty)";

/// A row that grows cell by cell.
#[derive(Debug, Default)]
pub(super) struct Row {
    text: String,
}

impl Row {
    /// The cells so far.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
    }

    /// Begins a cell.
    pub(super) fn begin(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\t');
        }
    }

    /// A value that is not known.
    pub(super) fn unset(&mut self) {
        self.text.push_str(UNSET);
    }

    /// A number, or an address.
    pub(super) fn plain(&mut self, value: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{value}");
    }

    /// A number, if it is known.
    pub(super) fn maybe(&mut self, value: Option<impl Display>) {
        match value {
            Some(value) => self.plain(value),
            None => self.unset(),
        }
    }

    /// A time, in seconds since 1970.
    pub(super) fn time(&mut self, time: Option<Time>) {
        self.maybe(time.map(|time| seconds(time.0, 6)));
    }

    /// A span, in seconds.
    pub(super) fn interval(&mut self, nanos: Option<i64>) {
        self.maybe(nanos.map(|nanos| seconds(nanos, 6)));
    }

    /// A text.
    pub(super) fn string(&mut self, text: &str) {
        match text {
            "" => self.text.push_str(EMPTY),
            // What would stand for something else has its first character escaped.
            UNSET => self.text.push_str("\\x2d"),
            EMPTY => self.text.push_str("\\x28empty)"),
            _ => text.chars().for_each(|c| self.push(c)),
        }
    }

    /// A name, if there is one.
    pub(super) fn name(&mut self, name: Option<&str>) {
        match name {
            Some(name) => self.string(name),
            None => self.unset(),
        }
    }

    /// A list of names, which hold no comma.
    pub(super) fn names<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let mut names = names.into_iter();
        let Some(first) = names.next() else {
            self.text.push_str(EMPTY);
            return;
        };
        self.string(first);
        for name in names {
            self.text.push(',');
            self.string(name);
        }
    }

    fn push(&mut self, c: char) {
        if c != '\\' && !is_unsafe(c) {
            self.text.push(c);
            return;
        }
        let mut bytes = [0; 4];
        for byte in c.encode_utf8(&mut bytes).bytes() {
            let _ = write!(self.text, "\\x{byte:02x}");
        }
    }
}
