//! Durations as people write them: on the command line and in policies.

use crate::stamp::{MILLISECOND, SECOND};

const HELP: &str =
    "expected a duration above 0 and up to 24h, like 60s, 250ms, 4m, 1h or 60 (seconds)";
/// Digits of a number before its decimals, and of those: enough for seconds since 1970.
const WHOLE: usize = 10;
const DECIMALS: usize = 9;

/// Nanoseconds of a duration such as `60s`, `250ms`, `1.5m`, `1h`; a plain number is seconds.
pub fn parse(text: &str) -> Result<i64, String> {
    let nanos = nanos(text).filter(|nanos| (1..=24 * 3600 * SECOND).contains(nanos));
    nanos.ok_or_else(|| HELP.to_owned())
}

/// The same without limits.
pub fn nanos(text: &str) -> Option<i64> {
    let (number, unit) = split(text);
    let unit = match unit {
        "" | "s" => SECOND,
        "ms" => MILLISECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        _ => return None,
    };
    scaled(number, unit)
}

/// Nanoseconds in the unit that reads best, cut.
pub fn words(nanos: i64) -> String {
    match nanos.unsigned_abs() {
        0 => "0 s".to_owned(),
        1..1_000_000 => format!("{} µs", nanos / 1000),
        1_000_000..1_000_000_000 => format!("{} ms", nanos / MILLISECOND),
        1_000_000_000..100_000_000_000 if nanos % SECOND >= SECOND / 10 => {
            let tenths = nanos / (SECOND / 10);
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        _ => format!("{} s", nanos / SECOND),
    }
}

/// The number and the unit behind it.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c != '.' && !c.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

/// A decimal number times a unit; `None` if it is no number or too long.
fn scaled(number: &str, unit: i64) -> Option<i64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || whole.len() > WHOLE || decimals.len() > DECIMALS {
        return None;
    }
    if number.ends_with('.') {
        return None;
    }
    let digits = format!("{whole}{decimals}").parse::<i128>().ok()?;
    let scale = 10_i128.pow(decimals.len() as u32);
    i64::try_from(digits * i128::from(unit) / scale).ok()
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::stamp::{MILLISECOND, SECOND};

    #[test]
    fn units_and_plain_seconds() {
        assert_eq!(parse("60s"), Ok(60 * SECOND));
        assert_eq!(parse("60"), Ok(60 * SECOND));
        assert_eq!(parse("250ms"), Ok(250 * MILLISECOND));
        assert_eq!(parse("4m"), Ok(240 * SECOND));
        assert_eq!(parse("1h"), Ok(3600 * SECOND));
        assert_eq!(parse("1.5s"), Ok(1500 * MILLISECOND));
        assert_eq!(parse("0.000000001"), Ok(1));
        assert_eq!(parse("24h"), Ok(86_400 * SECOND));
    }

    #[test]
    fn anything_else_is_told_what_is_expected() {
        for text in [
            "",
            "s",
            "-1s",
            "0",
            "0ms",
            "1 s",
            "1d",
            "60S",
            "1.s",
            ".5s",
            "1.2.3s",
            "25h",
            "9999999999s",
            "1e3",
            "٣s",
            "0.0000000001s",
            "inf",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("60s, 250ms, 4m, 1h"), "{text}");
        }
    }
}
