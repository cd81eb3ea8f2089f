//! Sentences of the report, word by word, without the general formatter: every flow has one.

use crate::close::verdict::Side;

/// A sentence that grows.
#[derive(Debug)]
pub(super) struct Sentence(String);

impl Sentence {
    /// It begins with these words.
    #[inline]
    pub(super) fn new(words: &str) -> Self {
        Self(String::with_capacity(128)).words(words)
    }

    /// The same in the room of a text that is not needed any more.
    #[inline]
    pub(super) fn on(mut text: String, words: &str) -> Self {
        text.clear();
        text.reserve(128);
        Self(text).words(words)
    }

    /// The same of a sentence that gets long.
    pub(super) fn long(words: &str) -> Self {
        Self(String::with_capacity(256)).words(words)
    }

    /// Words as they stand.
    #[inline]
    pub(super) fn words(mut self, words: &str) -> Self {
        self.0.push_str(words);
        self
    }

    /// Several words or phrases, with commas between them.
    pub(super) fn list(mut self, all: impl Iterator<Item = &'static str>) -> Self {
        for (i, words) in all.enumerate() {
            self = self.words(if i > 0 { ", " } else { "" }).words(words);
        }
        self
    }

    /// A number.
    pub(super) fn number(mut self, number: impl Into<u64>) -> Self {
        self.0.push_str(itoa::Buffer::new().format(number.into()));
        self
    }

    /// A side's name.
    pub(super) fn side(mut self, side: Side) -> Self {
        self.0.push_str(side.name());
        self
    }

    /// "once", "twice", "7 times".
    pub(super) fn times(self, count: impl Into<u64>) -> Self {
        match count.into() {
            1 => self.words("once"),
            2 => self.words("twice"),
            n => self.number(n).words(" times"),
        }
    }

    /// Nanoseconds as seconds: three decimals.
    pub(super) fn seconds(self, ns: i64) -> Self {
        let ms = (ns.unsigned_abs() + 500_000) / 1_000_000;
        let text = self.words(if ns < 0 { "-" } else { "" });
        // Behind a digit that is not wanted, so that there are three of them.
        let mut buffer = itoa::Buffer::new();
        let decimals = buffer.format(1000 + ms % 1000).get(1..);
        let text = text.number(ms / 1000).words(".");
        text.words(decimals.unwrap_or_default()).words(" s")
    }

    /// The whole of it.
    pub(super) fn done(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Sentence;
    use crate::close::verdict::Side;

    #[test]
    fn parts_read_as_the_general_formatter_writes_them() {
        let text = Sentence::new("the ").side(Side::Server).words(" in frame ");
        assert_eq!(text.number(12_u32).done(), "the server in frame 12");
        for number in [0, 7, 10, 65_535, u64::MAX] {
            assert_eq!(Sentence::new("").number(number).done(), number.to_string());
        }
    }
}
