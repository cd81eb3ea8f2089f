//! Times and spans for people.

pub(super) use crate::stamp::duration::words as span;
use crate::stamp::{MILLISECOND, SECOND, Time};

/// How the text report writes times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeStyle {
    /// Seconds since the capture began.
    #[default]
    Relative,
    /// RFC 3339, UTC.
    Utc,
    /// Seconds since 1970-01-01 UTC.
    Epoch,
}

/// Writes times in one style.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    style: TimeStyle,
    base: Option<Time>,
}

impl Clock {
    /// A clock; `base` is when the capture began, from which relative times count.
    pub const fn new(style: TimeStyle, base: Option<Time>) -> Self {
        Self { style, base }
    }

    /// The time with so many decimals, cut and not rounded; `-` where it is not known.
    pub(super) fn show(self, time: Option<Time>, decimals: usize) -> String {
        let Some(time) = time else {
            return "-".to_owned();
        };
        match self.style {
            TimeStyle::Relative => match self.base {
                Some(base) => seconds(time.since(base), decimals),
                None => "-".to_owned(),
            },
            TimeStyle::Utc => utc(time, decimals),
            TimeStyle::Epoch => seconds(time.0, decimals),
        }
    }
}

/// RFC 3339, UTC, with so many decimals (at most nine).
pub(super) fn utc(time: Time, decimals: usize) -> String {
    let mut text = time.rfc3339();
    text.pop();
    text.truncate(text.len().saturating_sub(9 - decimals.min(9)));
    text.push('Z');
    text
}

/// Nanoseconds as seconds with so many decimals (at most nine), cut and not rounded.
pub(super) fn seconds(nanos: i64, decimals: usize) -> String {
    let (sign, n) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let second = SECOND.unsigned_abs();
    let mut text = format!("{sign}{}.{:09}", n / second, n % second);
    text.truncate(text.len().saturating_sub(9 - decimals.min(9)));
    text
}

/// A span in few columns: `20ms`, `0.2s`, `1.5s`, `60s`.
pub(super) fn short_span(nanos: i64) -> String {
    let tenths = 100 * MILLISECOND..10 * SECOND;
    if tenths.contains(&nanos) && nanos % SECOND != 0 {
        return format!("{}s", seconds(nanos, 1));
    }
    let whole = if nanos < SECOND {
        nanos
    } else {
        nanos - nanos % SECOND
    };
    span(whole).replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::{Clock, TimeStyle, seconds, short_span, span};
    use crate::stamp::Time;

    #[test]
    fn each_style_writes_the_same_moment() {
        let time = Some(Time(1_795_226_400_123_456_789));
        let base = Some(Time(1_795_226_400_000_000_000));
        let show = |style| Clock::new(style, base).show(time, 6);
        assert_eq!(show(TimeStyle::Relative), "0.123456");
        assert_eq!(show(TimeStyle::Utc), "2026-11-21T02:00:00.123456Z");
        assert_eq!(show(TimeStyle::Epoch), "1795226400.123456");
        assert_eq!(Clock::default().show(None, 3), "-");
    }

    #[test]
    fn before_the_base_is_negative() {
        assert_eq!(seconds(-1_500_000_000, 3), "-1.500");
    }

    #[test]
    fn spans_take_the_unit_that_reads_best() {
        let shown = [0, 40_000, 250_000_000, 1_500_000_000, 60_000_000_000].map(span);
        assert_eq!(shown, ["0 s", "40 µs", "250 ms", "1.5 s", "60 s"]);
        assert_eq!(span(59_700_000_000), "59.7 s");
        assert_eq!(short_span(59_700_000_000), "59s");
        let shown = [20_000_000, 220_000_000, 1_590_000_000, 5_000_000_000].map(short_span);
        assert_eq!(shown, ["20ms", "0.2s", "1.5s", "5s"]);
    }
}
