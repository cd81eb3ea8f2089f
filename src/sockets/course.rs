//! What is kept of a flow: when each side was in which state.

use crate::close::filter::WiresharkFilter;
use crate::close::verdict::{
    ActiveCloser, Dwell, EndedBy, Endpoint, Outcome, PerSide, Side, State, TimeWait, Verdict,
};
use crate::stamp::Time;

/// A flow, and the states of its sides.
#[derive(Clone, Debug)]
pub(super) struct Course {
    pub(super) flow: u64,
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) start: Option<Time>,
    pub(super) outcome: Outcome,
    pub(super) active_closer: ActiveCloser,
    pub(super) filter: WiresharkFilter,
    stays: PerSide<Box<[Dwell]>>,
    waits: Box<[TimeWait]>,
}

/// A state of a side, and from when to when; `None`: not known, or not bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) state: State,
    pub(super) from: Option<Time>,
    pub(super) to: Option<Time>,
}

impl Course {
    pub(super) fn of(verdict: &Verdict) -> Self {
        let stays = verdict.states.as_ref();
        let stays =
            |side| stays.map_or_else(Box::default, |s| s.of(side).iter().cloned().collect());
        Self {
            flow: verdict.flow,
            client: verdict.client,
            server: verdict.server,
            start: verdict.start,
            outcome: verdict.outcome,
            active_closer: verdict.active_closer,
            filter: verdict.wireshark_filter,
            stays: PerSide {
                client: stays(Side::Client),
                server: stays(Side::Server),
            },
            waits: verdict.time_wait.iter().cloned().collect(),
        }
    }

    pub(super) const fn end(&self, side: Side) -> Endpoint {
        match side {
            Side::Client => self.client,
            Side::Server => self.server,
        }
    }

    /// The states of a side in turn.
    pub(super) fn stays(&self, side: Side) -> impl DoubleEndedIterator<Item = Stay> {
        let over = self.wait(side).and_then(|wait| wait.end);
        self.stays.of(side).iter().map(move |dwell| Stay {
            state: dwell.state,
            from: dwell.from,
            to: dwell.to.or(over.filter(|_| dwell.state == State::TimeWait)),
        })
    }

    /// The state at a time; the last one where that is not known.
    pub(super) fn at(&self, side: Side, time: Option<Time>) -> Option<Stay> {
        let Some(time) = time else {
            return self.stays(side).next_back();
        };
        self.stays(side).rev().find(|stay| stay.holds(time, time))
    }

    /// The states of a side at any moment of a span, the last ones first; without a span the last one.
    pub(super) fn held(
        &self,
        side: Side,
        span: Option<(Time, Time)>,
    ) -> impl Iterator<Item = Stay> {
        let most = if span.is_some() { usize::MAX } else { 1 };
        let holds = move |stay: &Stay| span.is_none_or(|(first, last)| stay.holds(first, last));
        self.stays(side).rev().filter(holds).take(most)
    }

    /// The TIME-WAIT of a side.
    pub(super) fn wait(&self, side: Side) -> Option<&TimeWait> {
        self.waits.iter().find(|wait| wait.owner == side)
    }

    /// When the TIME-WAIT of a side runs out, if nothing ended it before.
    pub(super) fn expiry(&self, side: Side) -> Option<Time> {
        let wait = self.wait(side)?;
        let whole = matches!(wait.ended_by, EndedBy::Expiry | EndedBy::CaptureEnd);
        wait.end.filter(|_| whole)
    }

    /// When a side was last known to have a socket; `None`: it still may.
    pub(super) fn gone(&self) -> Option<Time> {
        let last = |side| self.stays(side).next_back().map(|stay| stay.to);
        let sides = [Side::Client, Side::Server].into_iter().filter_map(last);
        let mut latest = self.start;
        for to in sides {
            latest = latest.max(Some(to?));
        }
        latest
    }
}

impl Stay {
    /// It lasted at any moment of that span.
    pub(super) fn holds(self, first: Time, last: Time) -> bool {
        self.from.is_none_or(|from| from <= last) && self.to.is_none_or(|to| to > first)
    }

    /// It lasted all that span.
    pub(super) fn covers(self, first: Time, last: Time) -> bool {
        self.from.is_none_or(|from| from <= first) && self.to.is_none_or(|to| to > last)
    }
}
