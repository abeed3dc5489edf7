//! Clocks that had to be raised again soon after they were lowered.
//!
//! What a lower clock saves is known well, whether a target holds at it is not: the risk of lateness is estimated from a
//! few dozen inferences, and crosses what is allowed now and then without reason. So a clock is lowered for the sake of power
//! at once the first time; each time that it has to be raised again within [`SOON`], no such attempt is made for
//! twice as long. Whatever else changes (load, apps, policy) makes a new beginning.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use dynd_vocab::Timestamp;

/// A clock that is raised within this time after it was lowered has relapsed.
const SOON: Duration = Duration::from_secs(60);

/// The time without an attempt after the first relapse, and the most.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// The relapses of all processors.
#[derive(Clone, Debug)]
pub(crate) struct Relapses(Vec<Relapse>);

#[derive(Clone, Copy, Debug, Default)]
struct Relapse {
    lowered_at: Option<Timestamp>,
    wait: Duration,
    until: Timestamp,
}

impl Relapses {
    /// Of so many processors, none.
    pub(crate) fn none(processors: usize) -> Self {
        Self(vec![Relapse::default(); processors])
    }

    /// What was is no guide any more.
    pub(crate) fn forget(&mut self) {
        self.0.fill(Relapse::default());
    }

    /// The operating points of the processors change from `before` to `after`.
    pub(crate) fn planned(&mut self, now: Timestamp, before: &[Option<usize>], after: &[Option<usize>]) {
        for (relapse, (before, after)) in self.0.iter_mut().zip(before.iter().zip(after)) {
            let (Some(before), Some(after)) = (before, after) else {
                continue;
            };
            if after < before {
                relapse.lowered_at = Some(now);
            } else if after > before && relapse.lowered_at.take().is_some_and(|at| now.since(at) < SOON) {
                relapse.wait = (2 * relapse.wait).clamp(FIRST_WAIT, LONGEST_WAIT);
                relapse.until = now + relapse.wait;
            }
        }
    }

    /// True if the clock of this processor is not to be lowered for the sake of power now.
    pub(crate) fn forbid(&self, processor: usize, now: Timestamp) -> bool {
        self.0.get(processor).is_some_and(|relapse| now < relapse.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn each_relapse_is_waited_for_twice_as_long() {
        let mut relapses = Relapses::none(2);
        let mut now = 1;
        let mut waits = Vec::new();
        for _ in 0..10 {
            relapses.planned(at(now), &[Some(3), None], &[Some(2), Some(1)]);
            assert!(!relapses.forbid(0, at(now)));
            now += 20;
            relapses.planned(at(now), &[Some(2), None], &[Some(3), Some(1)]);
            let wait = (0..).find(|wait| !relapses.forbid(0, at(now + wait))).unwrap();
            waits.push(wait);
            now += wait;
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
        assert!(!relapses.forbid(1, at(now)));
        relapses.planned(at(now), &[Some(3)], &[Some(2)]);
        relapses.planned(at(now), &[Some(2)], &[Some(3)]);
        relapses.forget();
        assert!(!relapses.forbid(0, at(now)));
    }

    #[test]
    fn a_clock_raised_much_later_has_not_relapsed() {
        let mut relapses = Relapses::none(1);
        relapses.planned(at(1), &[Some(3)], &[Some(2)]);
        relapses.planned(at(62), &[Some(2)], &[Some(3)]);
        assert!(!relapses.forbid(0, at(62)));
    }
}
