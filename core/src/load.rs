//! The load that dynd does not manage, from two samples of the board.
//!
//! Two sensors, because each is blind where the other sees:
//! 1. *Unmanaged CPU time* = busy time of all CPUs - CPU time of the managed apps. Exact on average and quick,
//!    but it saturates: one busy thread per core and four look alike.
//! 2. *Runnable tasks* (`procs_running`), less the reader itself and the managed threads expected to run. It
//!    tells one competitor from four, but it is a momentary count: averaged over the last samples.
//!
//! The result is a [`Level`]: competing tasks per core, rounded, with hysteresis. Evidence about latency is
//! kept per level, since how a slowdown depends on the load is no business of a formula.

use core::time::Duration;

use dynd_vocab::Sample;

/// Competing unmanaged tasks per core, rounded; 3 stands for three or more.
pub(crate) type Level = u8;

/// The highest level.
pub(crate) const MAX_LEVEL: Level = 3;

/// Unmanaged share of CPU time above which the board counts as loaded, and below which no longer.
const LOADED: f64 = 0.30;
const UNLOADED: f64 = 0.15;

/// Weight of the newest sample in the running averages.
const SHARE_GAIN: f64 = 0.6;
const TASKS_GAIN: f64 = 0.3;

/// How far the count must lie beyond the midpoint between two levels to change the level.
const HYSTERESIS: f64 = 0.15;

/// Follows the unmanaged load.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadMeter {
    last: Option<Sample>,
    /// Per CPU of the last sample, its busy share since the one before.
    busy: alloc::vec::Vec<(u32, f64)>,
    unmanaged_share: f64,
    tasks_per_core: f64,
    level: Option<Level>,
}

impl LoadMeter {
    /// Takes in a sample. `managed_threads` is how many threads of managed apps run or wait for a CPU at a
    /// random moment. True if the level changed.
    pub(crate) fn observe(&mut self, sample: &Sample, managed_threads: f64) -> bool {
        let Some(last) = self.last.replace(sample.clone()) else {
            return false;
        };
        let cores = sample.cpus.len().max(1) as f64;
        let Some(share) = self.unmanaged_cpu_share(&last, sample) else {
            return false;
        };
        // The task that reads the sample is running while it reads.
        let tasks = sample
            .runnable
            .map_or(share * cores, |n| (f64::from(n) - 1.0 - managed_threads).max(0.0));
        let fresh = self.level.is_none();
        let blend = |old: f64, new: f64, gain: f64| if fresh { new } else { old + gain * (new - old) };
        self.unmanaged_share = blend(self.unmanaged_share, share, SHARE_GAIN);
        self.tasks_per_core = blend(self.tasks_per_core, tasks / cores, TASKS_GAIN);
        let level = self.judge();
        let changed = self.level != Some(level) && !(fresh && level == 0);
        self.level = Some(level);
        changed
    }

    /// Forgets the last sample: the next one starts a new interval. For when sampling pauses.
    pub(crate) fn pause(&mut self) {
        self.last = None;
        self.busy.clear();
    }

    /// The level now; no load is assumed until measured.
    pub(crate) fn level(&self) -> Level {
        self.level.unwrap_or(0)
    }

    /// The level, if measured.
    pub(crate) fn measured(&self) -> Option<Level> {
        self.level
    }

    /// The latest sample.
    pub(crate) fn last(&self) -> Option<&Sample> {
        self.last.as_ref()
    }

    /// Busy share of `cpu` between the last two samples.
    pub(crate) fn busy_share(&self, cpu: u32) -> Option<f64> {
        self.busy.iter().find(|(c, _)| *c == cpu).map(|(_, share)| *share)
    }

    fn judge(&self) -> Level {
        let was = self.level.unwrap_or(0);
        let loaded = self.unmanaged_share > if was > 0 { UNLOADED } else { LOADED };
        if !loaded {
            return 0;
        }
        let up = libm::floor(self.tasks_per_core + 0.5 - HYSTERESIS);
        let down = libm::floor(self.tasks_per_core + 0.5 + HYSTERESIS);
        let held = f64::from(was).clamp(up, down);
        (held.max(1.0) as Level).min(MAX_LEVEL)
    }

    /// Per core, the share of CPU time since `last` that no managed app explains; absent if the counters did
    /// not move.
    fn unmanaged_cpu_share(&mut self, last: &Sample, now: &Sample) -> Option<f64> {
        let mut busy = Duration::ZERO;
        let mut total = Duration::ZERO;
        self.busy.clear();
        for cpu in &now.cpus {
            let Some(before) = last.cpus.iter().find(|before| before.cpu == cpu.cpu) else {
                continue;
            };
            let (b, t) = (
                cpu.busy.saturating_sub(before.busy),
                cpu.total.saturating_sub(before.total),
            );
            if !t.is_zero() {
                self.busy
                    .push((cpu.cpu, (b.as_secs_f64() / t.as_secs_f64()).min(1.0)));
            }
            busy += b;
            total += t;
        }
        if total.is_zero() {
            return None;
        }
        let managed: Duration = now
            .apps
            .iter()
            .filter_map(|app| {
                let before = last.apps.iter().find(|before| before.pid == app.pid)?;
                Some(app.busy.saturating_sub(before.busy))
            })
            .sum();
        Some(busy.saturating_sub(managed).as_secs_f64() / total.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use dynd_vocab::{AppCpu, CpuTimes, Pid, Timestamp};

    use super::*;

    /// The sample number `i` at 50 ms, of two CPUs with this busy share, of which an app takes this share.
    fn sample(i: u32, busy: f64, managed: f64, runnable: u32) -> Sample {
        let wall = Duration::from_millis(50) * i;
        let cpu = |cpu| CpuTimes {
            cpu,
            busy: wall.mul_f64(busy),
            total: wall,
        };
        Sample {
            at: Timestamp::from_nanos(wall.as_nanos() as u64),
            cpus: vec![cpu(0), cpu(1)],
            runnable: Some(runnable),
            apps: vec![AppCpu {
                pid: Pid(1),
                busy: (wall * 2).mul_f64(managed),
            }],
            ..Sample::default()
        }
    }

    fn check(busy: f64, managed: f64, runnable: u32, expect: Level) {
        let mut meter = LoadMeter::default();
        (0..30).for_each(|i| {
            meter.observe(&sample(i, busy, managed, runnable), 2.0 * managed);
        });
        assert_eq!(meter.level(), expect, "{meter:?}");
    }

    #[test]
    fn what_managed_apps_explain_is_no_load() {
        check(0.8, 0.78, 3, 0);
        check(0.05, 0.0, 1, 0);
        check(1.0, 0.4, 4, 1);
        check(1.0, 0.2, 6, 2);
        check(1.0, 0.0, 40, 3);
    }

    #[test]
    fn a_count_between_two_levels_does_not_flap() {
        let mut meter = LoadMeter::default();
        let changes = (0..200)
            .filter(|&i| meter.observe(&sample(i, 1.0, 0.0, 4 + i % 2), 0.0))
            .count();
        assert!(changes <= 2, "{changes} changes");
    }

    #[test]
    fn counters_that_stand_still_or_run_back_say_nothing() {
        let mut meter = LoadMeter::default();
        assert!(!meter.observe(&sample(9, 1.0, 0.0, 9), 0.0));
        assert!(!meter.observe(&sample(9, 1.0, 0.0, 9), 0.0));
        assert!(!meter.observe(&sample(3, 1.0, 0.0, 9), 0.0));
        assert_eq!(meter.measured(), None);
    }
}
