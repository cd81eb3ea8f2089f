//! Moments on the command line.

use super::duration;
use chrono::{DateTime, NaiveDateTime};
use whoclosed::Moment;
use whoclosed::stamp::Time;

const HELP: &str = "expected a time as 2026-11-21T02:00:00.5Z (without a zone it is UTC), seconds \
                    since 1970 as 1795226400.5, or the time since the first record as +30s, +250ms, \
                    +1.5m, +2h";

/// A moment in RFC 3339, in seconds since 1970, or since the capture's first record.
pub(crate) fn parse(text: &str) -> Result<Moment, String> {
    let moment = if let Some(span) = text.strip_prefix('+') {
        duration::nanos(span).map(Moment::After)
    } else if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        duration::nanos(text).map(|nanos| Moment::At(Time(nanos)))
    } else {
        rfc3339(text).map(Moment::At)
    };
    moment.ok_or_else(|| HELP.to_owned())
}

fn rfc3339(text: &str) -> Option<Time> {
    let zoned = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    let time = zoned.or_else(|_| {
        let utc = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f");
        let utc = utc.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"));
        utc.map(|time| time.and_utc())
    });
    time.ok()?.timestamp_nanos_opt().map(Time)
}

#[cfg(test)]
mod tests {
    use super::parse;
    use whoclosed::Moment;
    use whoclosed::stamp::{MILLISECOND, SECOND, Time};

    #[test]
    fn every_way_to_name_a_moment() {
        let nanos = 1_795_226_400 * SECOND;
        let at = |nanos| Ok(Moment::At(Time(nanos)));
        for text in [
            "2026-11-21T02:00:00Z",
            "2026-11-21T02:00:00",
            "2026-11-21 02:00:00",
            "2026-11-21 02:00:00Z",
            "2026-11-21T04:00:00+02:00",
            "2026-11-20T21:00:00-05:00",
            "2026-11-21t02:00:00.000000000z",
            "1795226400",
            "1795226400.0",
        ] {
            assert_eq!(parse(text), at(nanos), "{text}");
        }
        assert_eq!(
            parse("2026-11-21T02:00:00.123456789"),
            at(nanos + 123_456_789)
        );
        assert_eq!(parse("1795226400.123456"), at(nanos + 123_456_000));
        assert_eq!(parse("1969-12-31T23:59:59Z"), at(-SECOND));
        assert_eq!(parse("0"), at(0));
        let after = |nanos| Ok(Moment::After(nanos));
        assert_eq!(parse("+30s"), after(30 * SECOND));
        assert_eq!(parse("+1.5m"), after(90 * SECOND));
        assert_eq!(parse("+250ms"), after(250 * MILLISECOND));
        assert_eq!(parse("+12.345678"), after(12_345_678_000));
        assert_eq!(parse("+48h"), after(48 * 3600 * SECOND));
        assert_eq!(parse("+0"), after(0));
    }

    #[test]
    fn anything_else_is_told_what_is_expected() {
        for text in [
            "",
            "+",
            "now",
            "30s",
            "-5",
            "+-5",
            "++5",
            "1.2.3",
            "12:00:00",
            "2026-11-21",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-11-21T25:00:00Z",
            "3000-01-01T00:00:00Z",
            "99999999999",
            "+99999999h",
            "+1d",
            "\u{663}",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("+30s") && error.contains("UTC"), "{text}");
        }
    }
}
