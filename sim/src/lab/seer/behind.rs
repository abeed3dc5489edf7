//! The frames behind the one that is about to begin: how many of them it makes late.
//!
//! Of an app whose frames come steadily it is known when they come. Of one whose frames come in bursts it is drawn, many
//! times, the same for every choice: while a frame runs, the newest of those that come waits and the others are dropped.

use dynd_files::Arrivals;
use dynd_vocab::Requirement;

use crate::lab::stage::burst_interval;

/// How many frames after it a frame can make late, as far as is looked.
const FOLLOWING: u32 = 4;
const FOLLOWING_IN_BURSTS: usize = 12;

/// What a frame costs further that ends a whole period after the next one is released, as a share of a miss: of several
/// that are all late the shorter is better.
const OVERTIME: f64 = 0.2;

/// Periods that count as overtime, at most.
const LONGEST_OVERTIME: f64 = 10.0;

/// How often arrivals are drawn, and how often again because a frame would have come already.
const DRAWS: u64 = 64;
const AGAIN: u64 = 64;

/// A frame that is about to begin, and those behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind {
    pub(super) requirement: Requirement,
    /// How long it has waited, in seconds.
    pub(super) waited: f64,
    /// How long each of those behind it takes, in seconds.
    pub(super) next: f64,
}

impl Behind {
    /// The ends of this frame, in seconds after its release, beyond each of which one more frame is late: itself first,
    /// then those that are known to come.
    pub(super) fn limits(&self, arrivals: Arrivals) -> impl Iterator<Item = f64> {
        let target = self.requirement.latency.get();
        let period = self.requirement.period.filter(|_| arrivals == Arrivals::Steady);
        let slack = target - self.next;
        let following = period.into_iter().flat_map(move |period| {
            (1..=FOLLOWING).map(move |frame| f64::from(frame) * period.get() + slack)
        });
        std::iter::once(target).chain(following)
    }

    /// What it costs further, as a share of a miss, that this frame ends at `end`.
    pub(super) fn overtime(&self, end: f64) -> f64 {
        let periods = self
            .requirement
            .period
            .map_or(0.0, |period| end / period.get() - 1.0);
        OVERTIME * periods.clamp(0.0, LONGEST_OVERTIME)
    }

    /// How many of those that come in bursts are late or dropped if this frame ends at `end`.
    pub(super) fn missed_in_bursts(&self, end: f64) -> f64 {
        let Some(period) = self.requirement.period else {
            return 0.0;
        };
        let missed = (0..DRAWS).map(|draw| self.missed(end, &self.drawn(period, draw)));
        missed.sum::<usize>() as f64 / DRAWS as f64
    }

    /// When the next frames come, in seconds after the one that is about to begin; none has come until now.
    fn drawn(&self, period: dynd_vocab::Seconds, draw: u64) -> [f64; FOLLOWING_IN_BURSTS] {
        let interval = |number: u64| burst_interval(period, draw, number);
        let first = (0..AGAIN).map(interval).find(|first| *first >= self.waited);
        let mut at = first.unwrap_or(self.waited);
        let mut frames = [at; FOLLOWING_IN_BURSTS];
        for (number, frame) in frames.iter_mut().enumerate().skip(1) {
            at += interval(AGAIN + number as u64);
            *frame = at;
        }
        frames
    }

    /// How many of `frames` are late, or dropped, until one comes that need not wait.
    fn missed(&self, mut end: f64, frames: &[f64]) -> usize {
        let (mut missed, mut rest) = (0, frames);
        loop {
            let waiting = rest.partition_point(|frame| *frame < end);
            let Some(last) = waiting.checked_sub(1) else {
                return missed;
            };
            end += self.next;
            let is_late = end - rest[last] > self.requirement.latency.get();
            missed += last + usize::from(is_late);
            rest = &rest[waiting..];
        }
    }
}

#[cfg(test)]
mod tests {
    use dynd_vocab::{Quality, Seconds};

    use super::*;

    fn behind(waited: f64) -> Behind {
        Behind {
            requirement: Requirement {
                latency: Seconds::new(0.2),
                percentile: 0.9,
                min_quality: Quality::ZERO,
                period: Some(Seconds::new(0.4)),
            },
            waited,
            next: 0.05,
        }
    }

    #[test]
    fn the_newest_waits_and_the_others_are_dropped() {
        let check = |end, frames: &[f64], expect| {
            assert_eq!(behind(0.0).missed(end, frames), expect, "{end} {frames:?}");
        };
        check(0.1, &[0.2], 0);
        check(0.1, &[0.05, 0.2], 0);
        check(0.1, &[0.02, 0.03, 0.05, 0.2], 2);
        check(0.1, &[0.05, 0.12, 0.13, 0.3], 1);
        check(0.3, &[0.04, 0.6], 1);
    }

    #[test]
    fn who_has_waited_knows_that_nobody_came() {
        for waited in [0.0, 0.1, 1.0] {
            let frames = (0..DRAWS).map(|draw| behind(waited).drawn(Seconds::new(0.4), draw));
            for frames in frames {
                assert!(frames[0] >= waited, "{waited}: {frames:?}");
                assert!(frames.is_sorted(), "{frames:?}");
            }
        }
    }

    #[test]
    fn longer_inferences_make_more_late() {
        let limits: Vec<f64> = behind(0.0).limits(Arrivals::Steady).collect();
        assert_eq!(limits[0], 0.2);
        assert!(
            (limits[1] - 0.55).abs() < 1e-9 && limits.is_sorted(),
            "{limits:?}"
        );
        assert_eq!(behind(0.0).limits(Arrivals::Bursts).count(), 1);
        let missed = |end| behind(0.0).missed_in_bursts(end);
        assert!(missed(0.04) < missed(0.15) && missed(0.15) < missed(0.7));
    }
}
