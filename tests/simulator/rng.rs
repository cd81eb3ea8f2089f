//! Numbers that depend on a seed, or on the bytes of a fuzzer, and on nothing else.

/// The bytes given, then `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Rng {
    state: u64,
    /// What is drawn first: one byte for every draw that a byte suffices for.
    bytes: Vec<u8>,
    at: usize,
}

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self::with_bytes(seed, Vec::new())
    }

    /// Draws from `bytes` as long as there are any.
    pub(crate) const fn with_bytes(seed: u64, bytes: Vec<u8>) -> Self {
        let (state, at) = (seed, 0);
        Self { state, bytes, at }
    }

    pub(crate) fn next(&mut self) -> u64 {
        let mut word = [0; 8];
        if self.at + word.len() <= self.bytes.len() {
            word.fill_with(|| self.byte().unwrap_or_default());
            return u64::from_le_bytes(word);
        }
        self.at = self.bytes.len();
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// From 0 to `n`, `n` left out.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        if n <= 1 << 16
            && let Some(byte) = self.byte()
        {
            // So that a byte reaches both ends of a large range as well.
            return if n <= 256 {
                u64::from(byte) % n
            } else {
                (u64::from(byte) * n) >> 8
            };
        }
        self.next() % n
    }

    /// True so many times in a thousand.
    pub(crate) fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }
}
