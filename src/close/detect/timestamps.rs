//! Timestamps that went back, or were declined (RFC 7323).

use super::{Found, Founds, as_seconds, seconds, times};
use crate::close::case::Case;
use crate::close::facts::Facts;
use crate::close::verdict::{Confidence, Outcome, Side};
use crate::flow::{Half, Opening};
use crate::stamp::SECOND;
use smallvec::smallvec;

/// PAWS and TIME-WAIT remember a 4-tuple's last TSval for so long (Linux: `TCP_TIMEWAIT_LEN`).
const REMEMBERED: i64 = 60 * SECOND;

pub(in crate::close) fn regression(case: &Case) -> Founds {
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
        let found = Found::likely(Some(side), [back.copies.first.frame], message)
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

/// A SYN that goes back behind another connection's clock.
struct Behind<'a> {
    syn: &'a Opening,
    ticks: i64,
    /// The connection with the newer TSval, and how long before.
    flow: u64,
    since: i64,
    /// It was on the same addresses and ports.
    same_ports: bool,
    /// Two other connections share that clock.
    shared: bool,
}

fn behind<'a>(facts: &Facts<'a>) -> Option<Behind<'a>> {
    let syn = facts.half(Side::Client).opening.as_ref();
    let syn = syn.filter(|o| !o.ack)?;
    let off = facts.context.off_clock;
    if let Some(behind) = behind_previous(facts, syn) {
        return Some(Behind {
            shared: off.is_some(),
            ..behind
        });
    }
    let off = off?;
    Some(Behind {
        syn,
        ticks: i64::try_from(off.ticks).unwrap_or(i64::MAX),
        flow: off.flow,
        since: off.since,
        same_ports: false,
        shared: true,
    })
}

fn behind_previous<'a>(facts: &Facts<'a>, syn: &'a Opening) -> Option<Behind<'a>> {
    let previous = facts.flow.previous.as_ref()?;
    let (new, (old, at)) = (syn.tsval?, facts.of(previous.tsval, Side::Client)?);
    let since = syn.copies.first.time.since(at);
    (new.before(old) && since <= REMEMBERED).then_some(Behind {
        syn,
        ticks: i64::from(old.distance(new)),
        flow: previous.flow,
        since,
        same_ports: true,
        shared: false,
    })
}

pub(in crate::close) fn regression_across_flows(case: &Case) -> Founds {
    let Some(behind) = behind(case.facts) else {
        return Founds::new();
    };
    let (ticks, flow) = (behind.ticks, behind.flow);
    let message = if behind.same_ports {
        format!(
            "the SYN's TSval is {ticks} ticks older than the last one of flow {flow} on the same \
             addresses and ports, {} before: one clock cannot go back, so several hosts stand \
             behind the client's address",
            seconds(behind.since)
        )
    } else {
        format!(
            "the SYN's TSval is {ticks} ticks behind the clock that other connections of these \
             addresses share (flow {flow}): several hosts stand behind the client's address"
        )
    };
    let frames = [behind.syn.copies.first.frame];
    smallvec![
        Found::likely(Some(Side::Client), frames, message)
            .with("ticks", ticks)
            .with("seconds", as_seconds(behind.since))
            .with("flow", flow)
            .with("same_ports", behind.same_ports),
    ]
}

/// A SYN series that goes back behind another clock and is answered by nothing.
pub(in crate::close) fn syn_dropped(case: &Case) -> Founds {
    let facts = &case.facts;
    let unanswered = case.outcome == Outcome::Unanswered && facts.flow.old_ack().is_none();
    let Some(behind) = behind(facts).filter(|b| unanswered && b.syn.copies.count > 1) else {
        return Founds::new();
    };
    let (ticks, syns) = (behind.ticks, &behind.syn.copies);
    let than = if behind.same_ports {
        format!(
            "that of flow {} on the same addresses and ports",
            behind.flow
        )
    } else {
        format!("the clock of other connections (flow {})", behind.flow)
    };
    let message = format!(
        "the SYN was sent {} and never answered: its TSval is {ticks} ticks older than {than}; a \
         server that compares TSvals per address drops it (tcp_tw_recycle, removed in Linux 4.12)",
        times(syns.count)
    );
    let confidence = if behind.shared {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    smallvec![
        Found::likely(Some(Side::Server), [syns.first.frame], message)
            .sure(confidence)
            .with("syns", syns.count)
            .with("step_ticks", -ticks)
            .with("seconds", as_seconds(behind.since))
            .with("flow", behind.flow)
            .with("same_ports", behind.same_ports),
    ]
}

pub(in crate::close) fn timestamps_not_negotiated(case: &Case) -> Founds {
    let facts = &case.facts;
    let of = |side: Side| facts.half(side).opening.as_ref();
    let (Some(syn), Some(answer)) = (of(Side::Client), of(Side::Server)) else {
        return Founds::new();
    };
    if syn.timestamps != Some(true) || answer.timestamps != Some(false) {
        return Founds::new();
    }
    let message = "the client offered timestamps and the server did not echo them: tcp_tw_reuse \
                   cannot work on this pair";
    let frames = [syn.copies.first.frame, answer.copies.first.frame];
    smallvec![Found::likely(Some(Side::Server), frames, message).sure(Confidence::Certain)]
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
