//! The letters of a history, kept in place: a report of a million flows has as many of them.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The letters of Zeek's history of a connection, `^` among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Letters {
    len: u8,
    /// Zeros after the letters.
    text: [u8; Self::MOST],
}

/// What is no such history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a history of at most {} letters", Letters::MOST)]
pub struct NotLetters;

impl Letters {
    /// More than these do not fit.
    pub const MOST: usize = 31;

    /// So many of `text`, whose others are zeros.
    pub(super) const fn new(text: [u8; Self::MOST], len: u8) -> Self {
        Self { len, text }
    }

    /// The letters.
    pub fn as_str(&self) -> &str {
        let (text, len) = self.block();
        let text = text.get(..len).unwrap_or_default();
        str::from_utf8(text).unwrap_or_default()
    }

    /// The letters with zeros after them, and how many they are.
    pub(crate) const fn block(&self) -> (&[u8; Self::MOST], usize) {
        (&self.text, self.len as usize)
    }
}

impl FromStr for Letters {
    type Err = NotLetters;

    fn from_str(letters: &str) -> Result<Self, NotLetters> {
        let is_one = |byte: u8| byte == b'^' || byte.is_ascii_alphabetic();
        let mut text = [0; Self::MOST];
        let to = text.get_mut(..letters.len()).ok_or(NotLetters)?;
        to.copy_from_slice(letters.as_bytes());
        let whole = letters.bytes().all(is_one);
        whole
            .then_some(Self::new(text, letters.len() as u8))
            .ok_or(NotLetters)
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Letters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Letters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{Letters, NotLetters};

    #[test]
    fn are_read_as_they_are_written() {
        for text in ["", "^hADadFf", &"S".repeat(Letters::MOST)] {
            let letters: Letters = text.parse().unwrap();
            assert_eq!(
                (letters.as_str(), letters.to_string().as_str()),
                (text, text)
            );
            assert_eq!(serde_json::to_value(letters).unwrap(), text);
            assert_eq!(serde_json::from_value(text.into()).ok(), Some(letters));
        }
        for text in ["\"", "Sh ", "é", &"S".repeat(Letters::MOST + 1)] {
            assert_eq!(text.parse::<Letters>(), Err(NotLetters));
        }
    }
}
