//! The timer of a listed socket, as ss and Linux's netstat write it.

use crate::close::verdict::names;
use crate::stamp::{MILLISECOND, SECOND};
use serde::{Deserialize, Serialize};

names! {
    /// What a timer waits for.
    TimerKind {
        /// Nothing.
        Off = "off",
        /// A retransmission.
        On = "on",
        /// A keepalive probe, or the end of an orphan in FIN-WAIT-2.
        Keepalive = "keepalive",
        /// The end of a timewait socket.
        TimeWait = "timewait",
        /// A window probe.
        Persist = "persist",
        /// Something else.
        Unknown = "unknown",
    }
}

/// A timer that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Timer {
    /// What for.
    pub kind: TimerKind,
    /// Nanoseconds left, cut to what the list shows; `None` if it shows none.
    pub left_ns: Option<i64>,
    /// How many nanoseconds more it can be, since the list cuts.
    pub resolution_ns: i64,
    /// How often it has run out: retransmissions.
    pub retransmits: u64,
}

/// The timer in the rest of a line behind the addresses and the state.
pub(super) fn find(rest: &str) -> Option<Timer> {
    if let Some((_, text)) = rest.split_once("timer:(") {
        return of_ss(text.split(')').next()?);
    }
    // netstat: `timewait (41.94/0/0)`, behind a program's name that may hold anything.
    let (before, text) = rest.rsplit_once(" (")?;
    let name = before.split_whitespace().next_back()?;
    let kind = KINDS.iter().find(|(kind, _)| *kind == name)?.1;
    let mut figures = text.trim_end().strip_suffix(')')?.split('/');
    let (left, resent) = (figures.next()?, figures.next()?.parse().ok()?);
    Some(Timer {
        kind,
        left_ns: hundredths(left),
        resolution_ns: 10 * MILLISECOND,
        retransmits: resent,
    })
}

/// The names of timers in lists.
const KINDS: &[(&str, TimerKind)] = &[
    ("off", TimerKind::Off),
    ("on", TimerKind::On),
    ("keepalive", TimerKind::Keepalive),
    ("timewait", TimerKind::TimeWait),
    ("persist", TimerKind::Persist),
    ("probe", TimerKind::Persist),
];

/// `keepalive,2.067ms,0`.
fn of_ss(text: &str) -> Option<Timer> {
    let mut parts = text.split(',');
    let name = parts.next()?;
    let kind = KINDS.iter().find(|(kind, _)| *kind == name);
    let left = parts.next().and_then(span);
    let resent = parts.next().and_then(|n| n.parse().ok());
    Some(Timer {
        kind: kind.map_or(TimerKind::Unknown, |(_, kind)| *kind),
        left_ns: left.map(|(left, _)| left),
        resolution_ns: left.map_or(0, |(_, resolution)| resolution),
        retransmits: resent.unwrap_or(0),
    })
}

/// Nanoseconds of a span, and how many more it can be, as ss writes it (`print_ms_timer` of iproute2's
/// misc/ss.c): `119min`, `1min3sec`, `42sec`, `2.067ms` for 2.067 s, `141ms`, nothing for 0. Seconds are
/// left out from 10 minutes on, milliseconds from 10 seconds on.
fn span(text: &str) -> Option<(i64, i64)> {
    if let Some((minutes, rest)) = text.split_once("min") {
        let minutes: u32 = minutes.parse().ok()?;
        let seconds: u32 = match rest {
            "" => 0,
            rest => rest.strip_suffix("sec")?.parse().ok()?,
        };
        let resolution = if minutes > 9 { 60 * SECOND } else { SECOND };
        let seconds = i64::from(minutes) * 60 + i64::from(seconds);
        return Some((seconds * SECOND, resolution));
    }
    if let Some(seconds) = text.strip_suffix("sec") {
        let seconds: u32 = seconds.parse().ok()?;
        let resolution = if seconds > 9 { SECOND } else { MILLISECOND };
        return Some((i64::from(seconds) * SECOND, resolution));
    }
    let (seconds, millis) = match text.strip_suffix("ms") {
        Some(figures) => figures.split_once('.').unwrap_or(("0", figures)),
        None if text.is_empty() => ("0", "0"),
        None => return None,
    };
    let (seconds, millis): (u32, u32) = (seconds.parse().ok()?, millis.parse().ok()?);
    let nanos = i64::from(seconds) * SECOND + i64::from(millis) * MILLISECOND;
    Some((nanos, MILLISECOND))
}

/// Seconds with two decimals.
fn hundredths(text: &str) -> Option<i64> {
    let (seconds, hundredths) = text.split_once('.')?;
    let (seconds, hundredths): (u32, u8) = (seconds.parse().ok()?, hundredths.parse().ok()?);
    Some(i64::from(seconds) * SECOND + i64::from(hundredths) * 10 * MILLISECOND)
}

#[cfg(test)]
mod tests {
    use super::{TimerKind, find, span};
    use crate::stamp::{MILLISECOND, SECOND};

    #[test]
    fn spans_of_ss() {
        for (text, millis, resolution) in [
            ("42sec", 42_000, 1000),
            ("5sec", 5000, 1),
            ("2.067ms", 2067, 1),
            ("1.020ms", 1020, 1),
            ("141ms", 141, 1),
            ("000ms", 0, 1),
            ("", 0, 1),
            ("1min3sec", 63_000, 1000),
            ("9min59sec", 599_000, 1000),
            ("1min", 60_000, 1000),
            ("119min", 7_140_000, 60_000),
        ] {
            let expected = Some((millis * MILLISECOND, resolution * MILLISECOND));
            assert_eq!(span(text), expected, "{text}");
        }
        for text in [
            "42",
            "min",
            "-1sec",
            "x.1ms",
            "1.ms",
            "1min3",
            "99999999999sec",
        ] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn both_ways_to_write_a_timer() {
        let timer = find("timer:(keepalive,2.067ms,0) users:((\"a\",pid=1,fd=2))").unwrap();
        assert_eq!(timer.kind, TimerKind::Keepalive);
        assert_eq!(timer.left_ns, Some(2067 * MILLISECOND));
        let timer = find("575/nginx: master p on (26.33/5/0)").unwrap();
        assert_eq!((timer.kind, timer.retransmits), (TimerKind::On, 5));
        assert_eq!(timer.left_ns, Some(26 * SECOND + 330 * MILLISECOND));
        assert_eq!(find("- off (0.00/0/0)").unwrap().kind, TimerKind::Off);
        for none in [
            "",
            "-",
            "users:((\"timer\",1,2))",
            "575/a (b)",
            "x (1.00/0/0)",
        ] {
            assert_eq!(find(none), None, "{none}");
        }
    }
}
