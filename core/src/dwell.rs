//! How long an app has been running what it runs, and whether it came back to it.
//!
//! Risks are estimated from a few hundred inferences. Under stationary noise the estimate of a point comes to lie within
//! what is allowed now and then, or what is known of it fades and hope takes its place; once it runs, it turns out as bad as
//! before. So a move that is taken back within [`SOON`] is not made again on hope for [`FIRST_WAIT`], then for twice as
//! long, and so on. Whatever else changes (load, neighbours, target, policy) makes a new beginning. What was saved before it
//! is for noise, not for what is new: it is not spent until things have been calm for a while ([`CALM`]; [`SOON`] on a move).

use core::time::Duration;

use dynd_vocab::Timestamp;

use crate::forecast::Point;

/// A move that is taken back within this time has failed. What is saved is spent no sooner after a move.
pub(crate) const SOON: Duration = Duration::from_secs(75);

/// Whatever makes late inferences this long after a change may be the change.
const CALM: Duration = Duration::from_secs(2);

/// The time without hope after the first failure, and the most.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// The stay of an app on a point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dwell {
    since: Timestamp,
    /// Since when nothing else has changed.
    calm: Timestamp,
    /// Where it was before.
    before: Option<Point>,
    wait: Duration,
    until: Timestamp,
}

impl Dwell {
    /// A new beginning: what was is no guide any more.
    pub(crate) fn from(now: Timestamp) -> Self {
        Self {
            since: now,
            calm: now,
            before: None,
            wait: Duration::ZERO,
            until: now,
        }
    }

    /// What was is no guide any more, but what is new was felt already, and may be chance.
    pub(crate) fn forget(&mut self) {
        (self.before, self.wait, self.until) = (None, Duration::ZERO, Timestamp::default());
    }

    /// The app moves.
    pub(crate) fn moved(&mut self, now: Timestamp, from: Point, to: Point) {
        if self.before == Some(to) && now.since(self.since) < SOON {
            self.wait = (2 * self.wait).clamp(FIRST_WAIT, LONGEST_WAIT);
            self.until = now + self.wait;
            self.before = None;
        } else {
            self.before = Some(from);
        }
        self.since = now;
    }

    /// True if it has not moved for a while, and nothing else has changed.
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        now.since(self.since) >= SOON
    }

    /// True if nothing but its own moves has changed for a while.
    pub(crate) fn is_calm(&self, now: Timestamp) -> bool {
        now.since(self.calm) >= CALM
    }

    /// True if moves on hope have failed of late.
    pub(crate) fn is_wary(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    fn point(subnetwork: usize) -> Point {
        Point {
            subnetwork,
            processor: 0,
            cores: 1,
        }
    }

    #[test]
    fn each_move_taken_back_is_waited_for_twice_as_long() {
        let mut now = 1;
        let mut dwell = Dwell::from(at(now));
        let mut waits = Vec::new();
        for _ in 0..7 {
            dwell.moved(at(now), point(0), point(1));
            assert!(!dwell.is_wary(at(now)));
            now += 20;
            dwell.moved(at(now), point(1), point(0));
            let wait = (0..).find(|wait| !dwell.is_wary(at(now + wait))).unwrap();
            waits.push(wait);
            now += wait;
        }
        assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600]);
        dwell.moved(at(now), point(0), point(1));
        dwell.moved(at(now), point(1), point(0));
        dwell.forget();
        assert!(!dwell.is_wary(at(now)));
    }

    #[test]
    fn to_go_on_or_to_come_back_late_is_no_failure() {
        let mut dwell = Dwell::from(at(1));
        dwell.moved(at(100), point(0), point(1));
        dwell.moved(at(101), point(1), point(2));
        assert!(!dwell.is_wary(at(101)) && !dwell.is_settled(at(175)) && dwell.is_settled(at(176)));
        dwell.moved(at(176), point(2), point(1));
        assert!(!dwell.is_wary(at(176)));
    }

    #[test]
    fn a_new_beginning_is_neither_calm_nor_settled_however_long_the_machine_has_been_up() {
        let mut dwell = Dwell::from(at(5000));
        assert!(!dwell.is_calm(at(5001)) && dwell.is_calm(at(5002)));
        assert!(!dwell.is_settled(at(5074)) && dwell.is_settled(at(5075)));
        dwell.moved(at(5080), point(1), point(2));
        assert!(dwell.is_calm(at(5080)) && !dwell.is_settled(at(5080)));
    }
}
