//! A flow's number in a table of many.

/// A flow's number, in few bytes: a capture of more flows has 60 TB at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number([u8; 5]);

impl Number {
    pub(super) fn new(number: u64) -> Self {
        let mut low = [0; 5];
        low.copy_from_slice(&number.to_le_bytes()[..5]);
        Self(low)
    }

    pub(super) fn get(self) -> u64 {
        let mut number = [0; 8];
        number[..5].copy_from_slice(&self.0);
        u64::from_le_bytes(number)
    }
}
