//! Timestamps that went back, or were declined (RFC 7323).

use super::{Found, as_seconds, seconds};
use crate::close::case::Case;
use crate::close::verdict::{Confidence, Side};
use crate::flow::Half;
use crate::stamp::SECOND;

/// PAWS and TIME-WAIT remember a 4-tuple's last TSval for so long (Linux: `TCP_TIMEWAIT_LEN`).
const REMEMBERED: i64 = 60 * SECOND;

pub(in crate::close) fn regression(case: &Case) -> Vec<Found> {
    let went_back = |side: Side| {
        let half = case.facts.half(side);
        let back = half.rare.as_ref()?.regressions?;
        let in_seconds = tick(half).map(|ns| ns * i64::from(back.ticks));
        let about = in_seconds.map_or(String::new(), |ns| format!(" (about {})", seconds(ns)));
        let message = format!(
            "a TSval of the {side} went back by {} ticks{about}: its peer drops such a segment \
             (PAWS)",
            back.ticks
        );
        let found = Found::likely(Some(side), vec![back.copies.first.frame], message)
            .with("ticks", back.ticks)
            .with("segments", back.copies.count);
        Some(match in_seconds {
            Some(ns) => found.with("seconds", as_seconds(ns)),
            None => found,
        })
    };
    [Side::Client, Side::Server]
        .into_iter()
        .filter_map(went_back)
        .collect()
}

/// Nanoseconds per tick of the side's clock, from its own first and last TSval; rounded to the
/// usual rates, unknown where too few ticks passed.
fn tick(half: &Half) -> Option<i64> {
    let ((first, from), (last, to)) = (half.first_tsval?, half.tsval?);
    let ticks = i64::from(last.since(first));
    let measured = (ticks >= 10).then(|| to.since(from) / ticks)?;
    let usual = [1_000_000, 4_000_000, 10_000_000, 100_000_000];
    usual
        .into_iter()
        .find(|&ns| (measured - ns).abs() * 5 <= ns)
}

pub(in crate::close) fn regression_across_flows(case: &Case) -> Vec<Found> {
    let facts = &case.facts;
    let opening = facts.half(Side::Client).opening.as_ref().filter(|o| !o.ack);
    let (Some(previous), Some(opening)) = (facts.flow.previous.as_ref(), opening) else {
        return Vec::new();
    };
    let (Some(new), Some((old, at))) = (opening.tsval, facts.of(previous.tsval, Side::Client))
    else {
        return Vec::new();
    };
    let since = opening.copies.first.time.since(at);
    if !new.before(old) || since > REMEMBERED {
        return Vec::new();
    }
    let ticks = old.distance(new);
    let message = format!(
        "the SYN's TSval is {ticks} ticks older than the last one of flow {} on the same addresses \
         and ports, {} before: one clock cannot go back, so several hosts stand behind the \
         client's address",
        previous.flow,
        seconds(since)
    );
    let frames = vec![opening.copies.first.frame];
    vec![
        Found::likely(Some(Side::Client), frames, message)
            .with("ticks", ticks)
            .with("seconds", as_seconds(since)),
    ]
}

pub(in crate::close) fn timestamps_not_negotiated(case: &Case) -> Vec<Found> {
    let facts = &case.facts;
    let of = |side: Side| facts.half(side).opening.as_ref();
    let (Some(syn), Some(answer)) = (of(Side::Client), of(Side::Server)) else {
        return Vec::new();
    };
    if syn.timestamps != Some(true) || answer.timestamps != Some(false) {
        return Vec::new();
    }
    let message = "the client offered timestamps and the server did not echo them: tcp_tw_reuse \
                   cannot work on this pair"
        .to_owned();
    let frames = vec![syn.copies.first.frame, answer.copies.first.frame];
    vec![Found::likely(Some(Side::Server), frames, message).sure(Confidence::Certain)]
}

#[cfg(test)]
mod tests {
    use super::tick;
    use crate::flow::Half;
    use crate::seq::TsVal;
    use crate::stamp::Time;

    /// The tick of a clock that shows so many ticks over so many nanoseconds.
    fn rate(ticks: u32, ns: i64) -> Option<i64> {
        let mut half = Half::default();
        half.first_tsval = Some((TsVal(u32::MAX - 3), Time(7_000)));
        half.tsval = Some((TsVal(u32::MAX - 3).plus(ticks), Time(7_000 + ns)));
        tick(&half)
    }

    #[test]
    fn a_clock_is_known_by_ten_ticks_at_a_usual_rate() {
        assert_eq!(rate(1000, 1_000_000_000), Some(1_000_000));
        assert_eq!(rate(250, 1_000_000_000), Some(4_000_000));
        assert_eq!(rate(100, 1_000_000_000), Some(10_000_000));
        assert_eq!(rate(10, 1_000_000_000), Some(100_000_000));
        assert_eq!(rate(9, 900_000_000), None);
        assert_eq!(tick(&Half::default()), None);
    }

    #[test]
    fn a_rate_may_be_off_by_a_fifth() {
        assert_eq!(rate(1000, 1_200_000_000), Some(1_000_000));
        assert_eq!(rate(1000, 800_000_000), Some(1_000_000));
        assert_eq!(rate(1000, 1_200_001_000), None);
        assert_eq!(rate(1000, 799_999_000), None);
        assert_eq!(rate(100, 8_000_000), None);
    }
}
