//! Serial numbers modulo 2^32: TCP sequence numbers and timestamp values.
//!
//! RFC 9293 section 3.4: "all arithmetic dealing with sequence numbers must be performed modulo
//! 2^32". Neither type has an `Ord`: "before" is not transitive around the circle, and a derived
//! order would be wrong at every wrap. Nothing here panics.

use serde::{Deserialize, Serialize};

macro_rules! serial {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(
            /// The number as it stands in the header.
            pub u32,
        );

        impl $name {
            /// The number `n` further on.
            #[must_use]
            pub const fn plus(self, n: u32) -> Self {
                Self(self.0.wrapping_add(n))
            }

            /// The number `n` before this one.
            #[must_use]
            pub const fn minus(self, n: u32) -> Self {
                Self(self.0.wrapping_sub(n))
            }

            /// The signed way from `earlier` to `self`, the shorter way round the circle.
            #[must_use]
            pub const fn since(self, earlier: Self) -> i32 {
                self.0.wrapping_sub(earlier.0).cast_signed()
            }

            /// The length of the shorter way between the two.
            #[must_use]
            pub const fn distance(self, other: Self) -> u32 {
                self.since(other).unsigned_abs()
            }

            /// Strictly before `other`, less than half the circle away.
            #[must_use]
            pub const fn before(self, other: Self) -> bool {
                self.since(other) < 0
            }

            /// Strictly after `other`, at most half the circle away.
            #[must_use]
            pub const fn after(self, other: Self) -> bool {
                self.since(other) > 0
            }

            /// Equal to or before `other`.
            #[must_use]
            pub const fn at_or_before(self, other: Self) -> bool {
                !self.after(other)
            }

            /// Equal to or after `other`.
            #[must_use]
            pub const fn at_or_after(self, other: Self) -> bool {
                !self.before(other)
            }

            /// The later of the two.
            #[must_use]
            pub const fn latest(self, other: Self) -> Self {
                if other.after(self) { other } else { self }
            }

            /// The earlier of the two.
            #[must_use]
            pub const fn earliest(self, other: Self) -> Self {
                if other.before(self) { other } else { self }
            }
        }
    };
}

serial! {
    /// A TCP sequence or acknowledgement number (RFC 9293 section 3.4).
    SeqNum
}

serial! {
    /// A timestamp value, TSval or TSecr (RFC 7323 section 3). The unit is the sender's own tick.
    TsVal
}

#[cfg(test)]
mod tests {
    use super::{SeqNum, TsVal};
    use proptest::prelude::*;

    #[test]
    fn wraps_at_the_end_of_the_circle() {
        assert_eq!(SeqNum(u32::MAX).plus(1), SeqNum(0));
        assert_eq!(SeqNum(0).minus(1), SeqNum(u32::MAX));
        assert!(SeqNum(u32::MAX).before(SeqNum(0)));
        assert!(SeqNum(0).after(SeqNum(u32::MAX)));
        assert_eq!(SeqNum(5).since(SeqNum(u32::MAX)), 6);
        assert_eq!(TsVal(u32::MAX).distance(TsVal(1)), 2);
    }

    #[test]
    fn bounds_are_strict_or_inclusive_as_named() {
        let (a, b) = (SeqNum(7), SeqNum(8));
        assert!(a.before(b) && !a.before(a) && !b.before(a));
        assert!(b.after(a) && !a.after(a) && !a.after(b));
        assert!(a.at_or_before(a) && a.at_or_before(b) && !b.at_or_before(a));
        assert!(a.at_or_after(a) && b.at_or_after(a) && !a.at_or_after(b));
        assert_eq!((a.latest(b), b.latest(a)), (b, b));
        assert_eq!((a.earliest(b), b.earliest(a)), (a, a));
    }

    proptest! {
        #[test]
        fn plus_and_since_agree(a: u32, n in 0..=0x7fff_ffff_u32) {
            let (x, y) = (SeqNum(a), SeqNum(a).plus(n));
            prop_assert_eq!(y.since(x), n.cast_signed());
            prop_assert_eq!(y.minus(n), x);
            prop_assert_eq!(x.distance(y), n);
            prop_assert_eq!(x.before(y), n > 0);
        }

        #[test]
        fn before_is_antisymmetric(a: u32, b: u32) {
            let (x, y) = (SeqNum(a), SeqNum(b));
            prop_assert!(!(x.before(y) && y.before(x) && x.distance(y) != 1 << 31));
            prop_assert_eq!(x.at_or_before(y), !x.after(y));
        }
    }
}
