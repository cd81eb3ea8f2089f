//! Integers of either byte order.

/// The byte order of a file or section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    /// The first `N` 32-bit integers; `None` where there are fewer bytes.
    #[inline]
    pub(crate) fn words<const N: usize>(self, bytes: &[u8]) -> Option<[u32; N]> {
        let (words, _) = bytes.as_chunks();
        let words = words.first_chunk()?;
        Some(match self {
            Self::Little => words.map(u32::from_le_bytes),
            Self::Big => words.map(u32::from_be_bytes),
        })
    }

    /// The 16-bit integer that stands in the first two bytes of this 32-bit one.
    pub(crate) const fn first_half(self, word: u32) -> u16 {
        match self {
            Self::Little => word as u16,
            Self::Big => (word >> 16) as u16,
        }
    }

    /// The 16-bit integer that stands in its last two bytes.
    pub(crate) const fn second_half(self, word: u32) -> u16 {
        self.other().first_half(word)
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Little => Self::Big,
            Self::Big => Self::Little,
        }
    }

    /// A 16-bit integer as it is written.
    pub(crate) const fn bytes_of_u16(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    /// A 32-bit integer as it is written.
    pub(crate) const fn bytes_of_u32(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    pub(super) const fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }
}
