//! Where and when a record stands in a capture: `Stamp`, `Time`.

pub mod duration;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Nanoseconds since the Unix epoch, UTC. Signed, never a float; reaches from 1677 to 2262.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// One millisecond in nanoseconds.
pub const MILLISECOND: i64 = 1_000_000;
/// Records so little apart may stand in either order in a capture (several receive queues).
pub const REORDER_WINDOW: i64 = MILLISECOND;
/// One second in nanoseconds.
pub const SECOND: i64 = 1_000_000_000;

impl Time {
    /// Nanoseconds from `earlier` to `self`; negative where the clock of the capture went back.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time `nanos` later.
    #[must_use]
    pub const fn plus(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }

    /// The whole seconds since the epoch, and nanoseconds below a second.
    #[inline]
    const fn parts(self) -> (i64, u32) {
        // Captures are of times since 1970: without a sign the division is half as long.
        if self.0 >= 0 {
            let (nanos, second) = (self.0.cast_unsigned(), SECOND.cast_unsigned());
            return ((nanos / second).cast_signed(), (nanos % second) as u32);
        }
        (self.0.div_euclid(SECOND), self.0.rem_euclid(SECOND) as u32)
    }

    /// RFC 3339, UTC, nine decimals.
    #[must_use]
    pub fn rfc3339(self) -> String {
        DateTime::from_timestamp_nanos(self.0).to_rfc3339_opts(SecondsFormat::Nanos, true)
    }
}

/// Writes [`Time::rfc3339`] without allocating and without the general formatter: a report holds a
/// dozen times per flow.
///
/// Keeps the texts of some seconds, each at the place of its number: a flow's times share few, which
/// are a minute apart where TIME-WAIT ends, and the next flow's are mostly the same.
///
/// And the whole texts of the last times: two of three that a flow's line quotes stand in it already,
/// since an event ends a state of both sides and begins one.
#[derive(Clone, Debug)]
pub(crate) struct Rfc3339 {
    seconds: [Second; SECONDS],
    quoted: [Quoted; 1 << QUOTED],
}

/// More than a minute, and a power of two: a place is found without a division.
const SECONDS: usize = 64;
/// The logarithm of how many whole texts are kept: for the dozen times of a flow places enough that
/// few fall together.
const QUOTED: u32 = 6;

impl Default for Rfc3339 {
    fn default() -> Self {
        Self {
            seconds: [const { Second::EPOCH }; SECONDS],
            quoted: [const { Quoted::EPOCH }; 1 << QUOTED],
        }
    }
}

impl Rfc3339 {
    /// Writes `time` in double quotes, which is ASCII.
    #[inline]
    pub(crate) fn quote(&mut self, time: Time, to: &mut [u8; 32]) {
        // Fibonacci hashing: times are mostly whole microseconds, whose lowest bits vary little.
        let mixed = time.0.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let quoted = &mut self.quoted[(mixed >> (u64::BITS - QUOTED)) as usize];
        if quoted.time != time {
            quoted.turn_to(time, &mut self.seconds);
        }
        *to = quoted.text;
    }
}

/// The text of a time.
#[derive(Clone, Debug)]
struct Quoted {
    time: Time,
    /// In quotes.
    text: [u8; 32],
}

impl Quoted {
    const EPOCH: Self = Self {
        time: Time(0),
        text: Second::EPOCH.text,
    };

    /// Becomes the text of that time.
    #[inline(never)]
    fn turn_to(&mut self, time: Time, seconds: &mut [Second; SECONDS]) {
        let (number, nanos) = time.parts();
        let second = &mut seconds[number.cast_unsigned() as usize % SECONDS];
        if second.number != number {
            second.turn_to(number);
        }
        second.quote(nanos, &mut self.text);
        self.time = time;
    }
}

/// The text of a second's times.
#[derive(Clone, Debug)]
struct Second {
    /// Seconds since the epoch.
    number: i64,
    /// In quotes, which JSON wants.
    text: [u8; 32],
}

impl Second {
    const EPOCH: Self = Self {
        number: 0,
        text: *b"\"1970-01-01T00:00:00.000000000Z\"",
    };

    /// Writes the time so many nanoseconds within it.
    #[inline]
    fn quote(&self, nanos: u32, to: &mut [u8; 32]) {
        let (high, low) = (nanos / 1000, nanos % 1000);
        let high = triple((high / 1000).into()) | triple((high % 1000).into()) << 24;
        let low = triple(low.into()) | u64::from(b'Z') << 24;
        *to = self.text;
        to[21..29].copy_from_slice(&high.to_le_bytes());
        to[27..31].copy_from_slice(&(low as u32).to_le_bytes());
    }

    /// Becomes the second of that number.
    #[inline(never)]
    fn turn_to(&mut self, number: i64) {
        let (day, clock) = (number.div_euclid(DAY), number.rem_euclid(DAY));
        if day != self.number.div_euclid(DAY) {
            let (year, month, day) = civil(day);
            self.text[1..3].copy_from_slice(&pair(year / 100));
            self.text[3..11].copy_from_slice(&pairs([year % 100, month, day], b'-'));
        }
        let clock = [clock / 3600, clock / 60 % 60, clock % 60];
        self.text[12..20].copy_from_slice(&pairs(clock, b':'));
        self.number = number;
    }
}

/// One day in seconds.
const DAY: i64 = 86_400;

/// Three numbers below 100 in two digits each, with `between` between them.
fn pairs(numbers: [i64; 3], between: u8) -> [u8; 8] {
    let mut text = [between; 8];
    for (to, number) in text.chunks_mut(3).zip(numbers) {
        to[..2].copy_from_slice(&pair(number));
    }
    text
}

/// The two digits of a number below 100.
fn pair(number: i64) -> [u8; 2] {
    let [_, tens, ones, ..] = triple(number.unsigned_abs()).to_le_bytes();
    [tens, ones]
}

/// The three digits of a number below 1000 as the lowest bytes of a word, the first one lowest.
#[inline]
pub(crate) fn triple(number: u64) -> u64 {
    // Never outside of the table; `get` because that cannot panic.
    TRIPLES.get(number as usize).map_or(0, |&text| text.into())
}

/// The digits of a number below 1000 as the lowest bytes of a word, and how many they are. What the
/// highest byte holds is none.
#[inline]
pub(crate) fn few(number: u64) -> (u32, usize) {
    let text = FEW.get(number as usize).map_or(0, |&text| text);
    (text, (text >> 24) as usize)
}

/// The digits of an octet and a dot after them, as the lowest bytes of a word, and how many they are.
#[inline]
pub(crate) fn dotted(octet: u8) -> (u32, usize) {
    let (text, count) = DOTTED[usize::from(octet)];
    (text, count as usize)
}

static DOTTED: [(u32, u32); 256] = {
    let mut dotted = [(0, 0); 256];
    let mut n = 0;
    while n < dotted.len() {
        let (digits, count) = (FEW[n] & 0xff_ffff, FEW[n] >> 24);
        dotted[n] = (digits | (b'.' as u32) << (8 * count), count + 1);
        n += 1;
    }
    dotted
};

/// As [`TRIPLES`], without zeros in front; the highest byte is the number of digits.
static FEW: [u32; 1000] = {
    let mut few = TRIPLES;
    let mut n = 0;
    while n < 1000 {
        let digits = 1 + (n >= 10) as u32 + (n >= 100) as u32;
        few[n] = few[n] >> (8 * (3 - digits)) | digits << 24;
        n += 1;
    }
    few
};

static TRIPLES: [u32; 1000] = {
    let mut triples = [0; 1000];
    let mut n = 0;
    while n < 1000 {
        triples[n as usize] = 0x30_3030 + n / 100 + ((n / 10 % 10) << 8) + ((n % 10) << 16);
        n += 1;
    }
    triples
};

/// Year, month and day of a day counted from 1970-01-01 in the proleptic Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
const fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let (era, doe) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    (yoe + era * 400 + (month <= 2) as i64, month, day)
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (mut text, mut second) = ([0; 32], Second::EPOCH);
        let (number, nanos) = self.parts();
        second.turn_to(number);
        second.quote(nanos, &mut text);
        let text = str::from_utf8(&text).unwrap_or_default();
        serializer.serialize_str(text.trim_matches('"'))
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(D::Error::custom)?;
        let nanos = time.timestamp_nanos_opt();
        nanos
            .map(Self)
            .ok_or_else(|| D::Error::custom("the time lies outside of 1677..2262"))
    }
}

/// The place of a record: its frame number (1-based, as Wireshark counts) and its time.
///
/// Records without a time (pcapng simple packets) take the time of the record before them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// 1-based number of the record in the capture.
    pub frame: u64,
    /// When the capture saw it.
    pub time: Time,
}

impl Stamp {
    /// It stands before `other`: by time where the two are within [`REORDER_WINDOW`] of each other,
    /// by frame otherwise, since clocks may step.
    #[must_use]
    pub const fn is_before(self, other: Self) -> bool {
        // Asked a dozen times a flow: without signs it is half of the instructions.
        let apart = self.time.0.abs_diff(other.time.0);
        if apart.wrapping_sub(1) < REORDER_WINDOW.cast_unsigned() {
            self.time.0 < other.time.0
        } else {
            self.frame < other.frame
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rfc3339, SECOND, Time, dotted, few, triple};
    use proptest::prelude::*;

    #[test]
    fn every_triple() {
        for number in 0..1000 {
            let text = format!("{number:03}\0\0\0\0\0");
            assert_eq!(triple(number).to_le_bytes(), *text.as_bytes());
            let (digits, count) = few(number);
            let text = number.to_string();
            assert_eq!(digits.to_le_bytes()[..count], *text.as_bytes());
            if let Ok(octet) = u8::try_from(number) {
                let (digits, count) = dotted(octet);
                let text = format!("{text}.");
                assert_eq!(digits.to_le_bytes()[..count], *text.as_bytes());
            }
        }
    }

    fn quoted(text: &mut Rfc3339, time: Time) -> String {
        let mut to = [0; 32];
        text.quote(time, &mut to);
        String::from_utf8(to.to_vec()).unwrap()
    }

    #[test]
    fn the_first_and_the_last_times() {
        let mut text = Rfc3339::default();
        for nanos in [
            i64::MIN,
            i64::MAX,
            i64::MIN + 1,
            i64::MIN + SECOND,
            -1,
            0,
            i64::MAX,
        ] {
            let expected = format!("\"{}\"", Time(nanos).rfc3339());
            assert_eq!(quoted(&mut text, Time(nanos)), expected);
        }
    }

    proptest! {
        #[test]
        fn the_fast_writer_equals_chrono(nanos: i64, steps: [i32; 4], days: [i16; 4]) {
            let mut text = Rfc3339::default();
            let mut time = Time(nanos);
            for (step, days) in steps.into_iter().zip(days) {
                for next in [0, step.into(), SECOND, i64::from(days) * 86_400 * SECOND] {
                    time = time.plus(next);
                    let expected = format!("\"{}\"", time.rfc3339());
                    prop_assert_eq!(quoted(&mut text, time), expected);
                }
            }
        }

        #[test]
        fn json_round_trip(nanos: i64) {
            let text = serde_json::to_string(&Time(nanos)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Time>(&text).unwrap(), Time(nanos));
        }
    }
}
