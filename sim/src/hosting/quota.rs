//! How much of a CPU is a clock: the quota of a cgroup, and its period.
//!
//! A core that does the share f of what this machine's does per second is a cgroup that may use f of each period. Within
//! a period it runs at full speed and then not at all, which a task of length w notices twice:
//! - It begins somewhere in a period and finds the whole quota there, though the time for it is partly gone: on average
//!   it gains half a pause.
//! - It ends somewhere in a quota, before the pause that would have paid for that: another half.
//!
//! A pause is (1 - f) of a period, so the gain over w/f is (1 - f)·q/w with q = f·period, and q is what must be small. The
//! kernel takes no quota and no period below 1 ms (`min_cfs_quota_period`, kernel/sched/core.c), and what a group has used
//! beyond its quota by the time that the kernel looks ([`super::metronome`]) adds to q.
//!
//! 1. The period is the longest, up to 4 ms, that gains a task of 10 ms no more than 1.5 %; longer where a quota of 1 ms
//!    needs it, which is the case below 85 % of the speed.
//! 2. The period is then stretched by more than half of the gain, the delay of the kernel's looks included: a task of 10 ms
//!    gains about as much as an endless one loses.
//!
//! Measured on 6.18 with two CPUs at 250 Hz, medians of 60 tasks of 10 ms: 3.6 % fast at 30 % of the speed, 4.3 % at half,
//! 2.1 % at 70 %, 4.3 % at 90 %. A period of 4 ms at all speeds and nothing else: 9.7, 9.6, 1.4 and 9.0 %.

use std::time::Duration;

use super::metronome::BEAT;

/// How much of each period a cgroup may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    /// CPU time.
    pub(crate) time: Duration,
    /// Of this.
    pub(crate) period: Duration,
}

/// The task whose latency is to be right.
const TASK: f64 = 10e-3;
/// What it may gain, as a share of its latency.
const GAIN: f64 = 0.015;
/// How much of the gain is given back.
const GIVEN_BACK: f64 = 0.6;
/// What the kernel takes, in seconds.
const LEAST: f64 = 1e-3;
const LONGEST: f64 = 1.0;
/// The period, where the gain does not ask for a shorter one, in seconds.
const PERIOD: f64 = 4e-3;
/// A share that is as good as all: less would be lost than the kernel takes for enforcing it.
const ALL: f64 = 0.98;

impl Quota {
    /// The quota that does the share `speed` (0 to 1) of what a CPU does; none where nothing is to be held back.
    pub(crate) fn of(speed: f64) -> Option<Self> {
        if speed >= ALL {
            return None;
        }
        let speed = speed.max(LEAST / LONGEST);
        let pause = 1.0 - speed;
        let period = (GAIN * TASK / (speed * pause)).min(PERIOD).max(LEAST / speed);
        let time = (speed * period).max(LEAST);
        let gain = pause * (time + BEAT.as_secs_f64()) / TASK;
        let period = (period * (1.0 + GIVEN_BACK * gain)).min(LONGEST);
        Some(Self {
            time: micros(time),
            period: micros(period),
        })
    }
}

/// In whole microseconds, which is what the kernel takes.
fn micros(seconds: f64) -> Duration {
    Duration::from_micros((seconds * 1e6).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The latency of a task of `work` seconds that begins at `phase` of a period with its quota whole, if the kernel
    /// enforces at once.
    fn latency(quota: Quota, work: f64, phase: f64) -> f64 {
        let (time, period) = (quota.time.as_secs_f64(), quota.period.as_secs_f64());
        let first = time.min(period * (1.0 - phase));
        if work <= first {
            return work;
        }
        let mut left = work - first;
        let mut now = period * (1.0 - phase);
        while left > time {
            left -= time;
            now += period;
        }
        now + left
    }

    fn mean_error(speed: f64, work: f64) -> f64 {
        let quota = Quota::of(speed).unwrap();
        let phases = 1000;
        let sum: f64 = (0..phases)
            .map(|n| latency(quota, work, f64::from(n) / f64::from(phases)))
            .sum();
        sum / f64::from(phases) / (work / speed) - 1.0
    }

    #[test]
    fn short_and_long_tasks_take_what_the_clock_says() {
        for percent in 25..98 {
            let speed = f64::from(percent) / 100.0;
            for work in [10e-3, 11.3e-3, 1.0] {
                let error = mean_error(speed, work);
                assert!(error.abs() < 0.07, "{work} s at {speed}: {error}");
            }
        }
    }

    #[test]
    fn the_kernel_takes_every_quota() {
        for permille in 1..=979 {
            let Quota { time, period } = Quota::of(f64::from(permille) / 1e3).unwrap();
            let least = Duration::from_millis(1);
            assert!(
                time >= least && period >= time && period <= Duration::from_secs(1),
                "{permille}"
            );
        }
        assert_eq!(Quota::of(1.0), None);
        assert!(Quota::of(0.0).is_some());
    }

    #[test]
    fn the_period_is_four_milliseconds_unless_that_gains_too_much() {
        let period = |speed| Quota::of(speed).unwrap().period.as_secs_f64() * 1e3;
        assert!((period(0.97) - 4.0).abs() < 0.1, "{}", period(0.97));
        assert!((period(0.5) - 2.0).abs() < 0.1, "{}", period(0.5));
        assert!((period(0.1) - 10.0).abs() < 0.9, "{}", period(0.1));
    }
}
