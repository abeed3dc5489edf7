//! How busy the scheduler believes a CPU to be, and when it says so to the governor (kernel/sched/pelt.c, fair.c).
//!
//! - Half of what was is forgotten in 32 periods of about a millisecond (PELT).
//! - Before Linux 5.1 a slow or small CPU never looks busier than it is fast. Since then its time runs slower instead
//!   (`update_rq_clock_pelt`), and what was lost is made up for as idle time when it goes idle
//!   (`update_idle_rq_clock_pelt`), unless it was as busy as can be.
//! - A task that wakes is taken to be as busy as it was when it went to sleep (`util_est_update`): at least as an average
//!   that rises at once and falls by a quarter of the difference. Each CPU counts as one task here.
//! - The governor is told at wakes, sleeps and ticks, if a whole period of the slow time has ended since the last time
//!   (`update_load_avg`, `cfs_rq_util_change`): seldom by a slow CPU, and not by one that stays idle. Where the scheduler
//!   looks for load to balance it tells in any case (`update_blocked_averages`, by the time of the thermal pressure).

use dynd_vocab::blueprint::KernelEra;

/// A period of PELT, in seconds: 1024 units of 1024 ns, which its source calls a millisecond.
const PERIOD: f64 = 1.048_576e-3;

/// How fast it forgets, in seconds: half in 32 periods.
const FORGETS: f64 = 32.0 * PERIOD / std::f64::consts::LN_2;

/// From here on a CPU is as busy as can be.
const SATURATED: f64 = 0.998;

/// An estimate that is this near is not corrected (UTIL_EST_MARGIN).
const MARGIN: f64 = 0.01;

/// How much of a difference corrects an estimate that is too high (UTIL_EST_WEIGHT_SHIFT).
const WEIGHT: f64 = 0.25;

/// The utilization of one CPU. All shares are of the capacity of the board's fastest CPU at its highest clock.
#[derive(Clone, Debug)]
pub(crate) struct Utilization {
    era: KernelEra,
    /// The capacity of this CPU.
    capacity: f64,
    /// Share in use, as it is tracked.
    average: f64,
    /// Seconds by which the slow time is behind.
    lag: f64,
    /// The slow time, in seconds, and how many of its periods had ended at the last look.
    clock: f64,
    periods: u64,
    /// The average at the last look at which a period had ended, which is the one that anybody sees, and whether the
    /// governor has not heard of it.
    shown: f64,
    is_new: bool,
    /// What was in use when the CPU went idle last, and the average of that.
    last: f64,
    usual: f64,
}

impl Utilization {
    pub(crate) const fn new(capacity: f64, era: KernelEra) -> Self {
        Self {
            era,
            capacity,
            average: 0.0,
            lag: 0.0,
            clock: 0.0,
            periods: 0,
            shown: 0.0,
            is_new: false,
            last: 0.0,
            usual: 0.0,
        }
    }

    /// Lets `elapsed` seconds go by in which the CPU was busy, its clock the share `relative` of its highest.
    pub(crate) fn run(&mut self, elapsed: f64, relative: f64) {
        match self.era {
            KernelEra::Legacy => self.count(elapsed, relative * self.capacity),
            KernelEra::Qos => {
                let counted = elapsed * relative * self.capacity;
                self.lag += elapsed - counted;
                self.count(counted, 1.0);
            }
        }
    }

    /// Lets `elapsed` seconds go by in which the CPU was idle.
    pub(crate) fn rest(&mut self, elapsed: f64) {
        let lag = std::mem::take(&mut self.lag);
        let lost = if self.average > SATURATED { 0.0 } else { lag };
        self.count(elapsed + lost, 0.0);
    }

    /// The CPU has nothing to run any more.
    pub(crate) fn sleep(&mut self) {
        self.look();
        self.last = self.shown;
        let difference = self.last - self.usual;
        if difference > 0.0 {
            self.usual = self.last;
        } else if difference < -MARGIN && self.last <= self.capacity {
            self.usual += WEIGHT * difference;
        }
    }

    /// Share of its own capacity in use, as a governor sees it; `is_busy` if it runs something.
    pub(crate) fn share(&self, is_busy: bool) -> f64 {
        let estimate = match (self.era, is_busy) {
            (KernelEra::Qos, true) => self.last.max(self.usual),
            _ => 0.0,
        };
        (self.shown.max(estimate) / self.capacity).min(1.0)
    }

    /// Whether there is something new to tell the governor; it counts as told then.
    pub(crate) fn tell(&mut self) -> bool {
        self.look();
        std::mem::take(&mut self.is_new)
    }

    /// Shows the average as it is, if a period has ended.
    fn look(&mut self) {
        let periods = (self.clock / PERIOD) as u64;
        if periods != self.periods {
            self.periods = periods;
            self.shown = self.average;
            self.is_new = true;
        }
    }

    fn count(&mut self, counted: f64, now: f64) {
        self.clock += counted;
        self.average += (now - self.average) * (1.0 - (-counted / FORGETS).exp());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time in which half is forgotten, in seconds.
    const HALF: f64 = 32.0 * PERIOD;

    fn near(have: f64, want: f64) {
        assert!((have - want).abs() < 1e-9, "{have} is not {want}");
    }

    fn utilization(capacity: f64, era: KernelEra) -> Utilization {
        Utilization::new(capacity, era)
    }

    #[test]
    fn it_follows_in_32_periods_and_slower_at_a_slow_clock_or_on_a_small_cpu() {
        let after = |capacity, relative, era| {
            let mut cpu = utilization(capacity, era);
            cpu.run(HALF, relative);
            cpu.average
        };
        near(after(1.0, 1.0, KernelEra::Qos), 0.5);
        near(after(1.0, 0.5, KernelEra::Qos), 1.0 - 0.5_f64.sqrt());
        near(after(0.5, 1.0, KernelEra::Qos), 1.0 - 0.5_f64.sqrt());
        near(after(1.0, 0.5, KernelEra::Legacy), 0.25);
        near(after(0.5, 0.5, KernelEra::Legacy), 0.125);
        let mut cpu = utilization(1.0, KernelEra::Qos);
        cpu.average = 0.8;
        cpu.rest(HALF);
        near(cpu.average, 0.4);
    }

    #[test]
    fn a_slow_cpu_makes_up_for_its_slow_time_when_it_goes_idle() {
        let mut slow = utilization(1.0, KernelEra::Qos);
        slow.run(0.016, 0.25);
        slow.rest(0.0);
        let mut fast = utilization(1.0, KernelEra::Qos);
        fast.run(0.004, 1.0);
        fast.rest(0.012);
        near(slow.average, fast.average);
        let mut full = utilization(1.0, KernelEra::Qos);
        full.run(2.0, 0.5);
        full.rest(0.0);
        assert!(
            full.average > SATURATED,
            "time is lost for good on a full CPU: {}",
            full.average
        );
    }

    #[test]
    fn who_wakes_is_expected_to_do_as_before() {
        let mut cpu = utilization(1.0, KernelEra::Qos);
        cpu.run(HALF, 1.0);
        cpu.sleep();
        cpu.rest(10.0 * HALF);
        assert!(cpu.tell() && cpu.share(false) < 0.001);
        near(cpu.share(true), 0.5);
        let before = cpu.average;
        cpu.sleep();
        near(cpu.share(true), 0.5 + 0.25 * (before - 0.5));
        let mut old = utilization(1.0, KernelEra::Legacy);
        old.run(HALF, 1.0);
        old.sleep();
        old.rest(10.0 * HALF);
        assert!(old.tell() && old.share(true) < 0.001);
    }

    #[test]
    fn a_share_is_of_its_own_capacity_and_never_above() {
        let mut cpu = utilization(0.25, KernelEra::Qos);
        cpu.run(HALF, 1.0);
        assert!(cpu.tell());
        near(cpu.share(true), 4.0 * (1.0 - 0.5_f64.powf(0.25)));
        cpu.run(0.000_1, 1.0);
        assert!(!cpu.tell(), "nothing is new within a period");
        cpu.run(1.0, 1.0);
        assert!(cpu.tell());
        near(cpu.share(true), 1.0);
    }

    #[test]
    fn a_slow_cpu_has_seldom_something_to_tell() {
        let told = |relative| {
            let mut cpu = utilization(1.0, KernelEra::Qos);
            (0..100)
                .filter(|_| {
                    cpu.run(0.004, relative);
                    cpu.tell()
                })
                .count()
        };
        // 40 ms of slow time.
        assert_eq!((told(1.0), told(0.1)), (100, 38));
    }
}
