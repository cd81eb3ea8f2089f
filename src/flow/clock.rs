//! The time by which flows are let go.

use crate::stamp::{SECOND, Time};

/// A step back of more than that shows that the capture has more than one clock, or a wrong one.
const STEP: i64 = SECOND;
/// Records over which the slowest clock is looked for.
const RECORDS: u32 = 256;

/// What time it is. The slowest of the last records' clocks: what is ahead, be it another interface's
/// clock or a damaged record, says nothing of what is still to come. Of a live capture it is the time
/// of the last record, unless that shows several clocks: nobody wants to wait for more of them.
#[derive(Debug)]
pub struct Clock {
    last: Time,
    /// The last record alone does not tell.
    several: bool,
    /// The earliest times of this part of the records, and of the part before; and of both.
    earliest: [Time; 2],
    slowest: Time,
    /// Records of this part that are still to come; none while the last record alone tells.
    left: u32,
}

impl Clock {
    /// The clock of a capture that is live, or of a stored one.
    pub const fn new(live: bool) -> Self {
        Self {
            last: Time(i64::MIN),
            several: !live,
            earliest: [Time(i64::MAX); 2],
            slowest: Time(i64::MIN),
            left: 0,
        }
    }

    /// A record was captured at `time`: what time it is now.
    #[inline]
    pub fn tick(&mut self, time: Time) -> Time {
        if self.left > 0 && time > self.earliest[0] {
            self.left -= 1;
            return self.slowest;
        }
        self.tell(time)
    }

    /// Several records, the first at `time`, and none earlier than those before it: it ticks for so many of
    /// them as tell no other time, or for the first one.
    pub(super) fn tick_some(&mut self, time: Time, count: usize) -> usize {
        let left = self.left.min(u32::try_from(count).unwrap_or(u32::MAX));
        if left > 0 && time > self.earliest[0] {
            self.left -= left;
            return left as usize;
        }
        self.tell(time);
        1
    }

    /// What time it is.
    pub const fn now(&self) -> Time {
        if self.several {
            self.slowest
        } else {
            self.last
        }
    }

    /// The same where more than one record is to be asked, or none.
    #[cold]
    fn tell(&mut self, time: Time) -> Time {
        if self.several || self.last.since(time) > STEP {
            return self.slowest(time);
        }
        self.last = time;
        time
    }

    fn slowest(&mut self, time: Time) -> Time {
        self.several = true;
        if self.left == 0 {
            self.earliest = [Time(i64::MAX), self.earliest[0]];
            self.left = RECORDS;
        }
        self.left -= 1;
        if time <= self.earliest[0] {
            self.earliest[0] = time;
            self.slowest = time.min(self.earliest[1]);
        }
        self.slowest
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, RECORDS};
    use crate::stamp::{SECOND, Time};

    fn at(seconds: i64) -> Time {
        Time(seconds * SECOND)
    }

    #[test]
    fn of_a_live_capture_it_is_the_last_record() {
        let mut clock = Clock::new(true);
        assert_eq!(clock.tick(at(5)), at(5));
        assert_eq!(clock.tick(at(500)), at(500));
        assert_eq!(clock.tick(at(499)), at(499));
    }

    #[test]
    fn of_several_the_slowest_counts() {
        let mut clock = Clock::new(true);
        clock.tick(at(3600));
        for i in 0..2000 {
            let now = clock.tick(at(i));
            assert!(now <= clock.tick(at(3600 + i)));
            assert!(now <= at(i) && now >= at(i - i64::from(RECORDS)), "{i}");
        }
    }
}
