//! The governors of the kernel, as they decide: thresholds, periods and steps are those of the sources that each
//! file names.
//!
//! A governor of CPUs is called by the scheduler, when something wakes, goes to sleep or a tick finds it running, that is,
//! never while all is idle; a governor of an accelerator by a timer. Once it has decided it does not for its
//! [`period`](Governor::period). It asks for a clock; which OPP that is within the bounds in force is the
//! [domain's](crate::domain) matter. `performance`, `powersave` and `userspace` look at nothing.

mod conservative;
mod ondemand;
mod podgov;
mod schedutil;
mod simple_ondemand;

use dynd_vocab::{Hertz, Seconds};

use conservative::Conservative;
use podgov::Podgov;

/// What a governor sees of its domain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    /// Share of time that the busiest unit was busy since the last decision.
    pub(crate) load: f64,
    /// The sampling periods that all were idle for and nobody called the governor; absent where there were none.
    pub(crate) idle_periods: Option<u64>,
    /// The highest utilization of a unit, as a share of its capacity, frequency-invariant.
    pub(crate) utilization: f64,
    /// The clock in force.
    pub(crate) now: Hertz,
    /// The lowest and the highest clock of the processor.
    pub(crate) hardware: (Hertz, Hertz),
    /// The lowest and the highest clock allowed at present.
    pub(crate) bounds: (Hertz, Hertz),
}

/// A clock that a governor asks for, and how it is to be rounded to an OPP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The lowest OPP of at least this clock.
    AtLeast(Hertz),
    /// The highest OPP of at most this clock.
    AtMost(Hertz),
    /// The OPP nearest to this clock.
    Near(Hertz),
}

/// What a domain tells its governor when it is put in charge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// How long the clock takes to change.
    pub(crate) transition_latency: Seconds,
    /// How often devfreq looks; absent for CPUs.
    pub(crate) polling: Option<Seconds>,
    /// The clock in force.
    pub(crate) now: Hertz,
}

/// A governor and what it remembers.
#[derive(Clone, Debug)]
pub(crate) enum Governor {
    Performance,
    Powersave,
    Userspace(Hertz),
    Ondemand { period: u64 },
    Conservative(Conservative),
    Schedutil { period: u64 },
    SimpleOndemand { period: u64 },
    Podgov(Podgov),
}

/// Nanoseconds per second.
const NANOS: f64 = 1e9;

impl Governor {
    /// The governor called `name`, if it is one that is simulated and that governs such a domain. The governors of
    /// Rockchip's kernel for NPU and memory decide as `simple_ondemand`.
    pub(crate) fn named(name: &str, at: Circumstances) -> Option<Self> {
        let sampling = sampling_period(at.transition_latency);
        match (name, at.polling) {
            ("performance", _) => Some(Self::Performance),
            ("powersave", _) => Some(Self::Powersave),
            ("userspace", _) => Some(Self::Userspace(at.now)),
            ("ondemand", None) => Some(Self::Ondemand { period: sampling }),
            ("conservative", None) => Some(Self::Conservative(Conservative::new(sampling, at.now))),
            ("schedutil", None) => Some(Self::Schedutil {
                period: nanos(at.transition_latency * 1000.0).clamp(1_000_000, LONGEST_DELAY),
            }),
            ("simple_ondemand" | "rknpu_ondemand" | "dmc_ondemand", Some(polling)) => {
                Some(Self::SimpleOndemand {
                    period: nanos(polling),
                })
            }
            ("nvhost_podgov", Some(polling)) => Some(Self::Podgov(Podgov::new(nanos(polling)))),
            _ => None,
        }
    }

    /// The name that sysfs shows.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Performance => "performance",
            Self::Powersave => "powersave",
            Self::Userspace(_) => "userspace",
            Self::Ondemand { .. } => "ondemand",
            Self::Conservative(_) => "conservative",
            Self::Schedutil { .. } => "schedutil",
            Self::SimpleOndemand { .. } => "simple_ondemand",
            Self::Podgov(_) => "nvhost_podgov",
        }
    }

    /// How long it waits until it decides again, in nanoseconds; absent if only bounds move it.
    pub(crate) const fn period(&self) -> Option<u64> {
        match self {
            Self::Performance | Self::Powersave | Self::Userspace(_) => None,
            Self::Ondemand { period } | Self::Schedutil { period } | Self::SimpleOndemand { period } => {
                Some(*period)
            }
            Self::Conservative(conservative) => Some(conservative.period),
            Self::Podgov(podgov) => Some(podgov.period),
        }
    }

    /// How often it samples loads of CPUs, in nanoseconds, if that is what it does.
    pub(crate) const fn sampling(&self) -> Option<u64> {
        match self {
            Self::Ondemand { period } => Some(*period),
            Self::Conservative(conservative) => Some(conservative.period),
            _ => None,
        }
    }

    /// Whether it waits after a change of the clock only, and not after each decision (`sugov_should_update_freq`).
    pub(crate) const fn waits_after_change_only(&self) -> bool {
        matches!(self, Self::Schedutil { .. })
    }

    /// The clock it asks for now; absent where it leaves it.
    pub(crate) fn decide(&mut self, view: &View) -> Option<Request> {
        match self {
            Self::Performance => Some(Request::AtMost(view.bounds.1)),
            Self::Powersave => Some(Request::AtLeast(view.bounds.0)),
            Self::Userspace(clock) => Some(Request::AtMost(*clock)),
            Self::Ondemand { .. } => Some(ondemand::decide(view)),
            Self::Conservative(conservative) => conservative.decide(view),
            Self::Schedutil { .. } => Some(schedutil::decide(view)),
            Self::SimpleOndemand { .. } => simple_ondemand::decide(view),
            Self::Podgov(podgov) => podgov.decide(view),
        }
    }
}

/// The longest time from one decision to the next, in nanoseconds (`cpufreq_policy_transition_delay_us`,
/// drivers/cpufreq/cpufreq.c).
const LONGEST_DELAY: u64 = 10_000_000;

/// How often `ondemand` and `conservative` sample: a thousand times the transition latency, but not more often than
/// every other tick of the scheduler (CPUFREQ_DBS_MIN_SAMPLING_INTERVAL, CONFIG_HZ=250).
fn sampling_period(latency: Seconds) -> u64 {
    nanos(latency * 1000.0).clamp(8_000_000, LONGEST_DELAY)
}

fn nanos(time: Seconds) -> u64 {
    (time.get() * NANOS) as u64
}

/// `hertz`, if it is a clock at all, as one.
fn clock(hertz: f64) -> Hertz {
    Hertz::from_hz(hertz.max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `governor` loads at a clock of `now` MHz, of hardware from 200 to 2000 MHz, and expects these requests.
    fn check(name: &str, polling: Option<f64>, steps: &[(f64, u64, Option<Request>)]) {
        let circumstances = Circumstances {
            transition_latency: Seconds::from_millis(0.3),
            polling: polling.map(Seconds::from_millis),
            now: mhz(steps[0].1),
        };
        let mut governor = Governor::named(name, circumstances).unwrap();
        for (index, (load, now, expect)) in steps.iter().enumerate() {
            let view = View {
                load: *load,
                idle_periods: None,
                utilization: *load,
                now: mhz(*now),
                hardware: (mhz(200), mhz(2000)),
                bounds: (mhz(200), mhz(2000)),
            };
            assert_eq!(governor.decide(&view), *expect, "{name}, step {index}");
        }
    }

    fn mhz(mhz: u64) -> Hertz {
        Hertz::from_khz(mhz * 1000)
    }

    #[test]
    fn ondemand_jumps_and_is_proportional_below() {
        check(
            "ondemand",
            None,
            &[
                (0.96, 200, Some(Request::AtMost(mhz(2000)))),
                (0.95, 2000, Some(Request::Near(mhz(1910)))),
                (0.50, 2000, Some(Request::Near(mhz(1100)))),
                (0.0, 1100, Some(Request::Near(mhz(200)))),
            ],
        );
    }

    #[test]
    fn conservative_climbs_by_a_twentieth() {
        check(
            "conservative",
            None,
            &[
                (0.81, 200, Some(Request::AtMost(mhz(300)))),
                (0.81, 300, Some(Request::AtMost(mhz(400)))),
                (0.80, 400, None),
                (0.20, 400, None),
                (0.19, 400, Some(Request::AtLeast(mhz(300)))),
                (0.0, 300, Some(Request::AtLeast(mhz(200)))),
                (0.0, 200, None),
            ],
        );
    }

    #[test]
    fn schedutil_keeps_a_quarter_of_headroom() {
        check(
            "schedutil",
            None,
            &[
                (0.40, 200, Some(Request::AtLeast(mhz(1000)))),
                (0.80, 1000, Some(Request::AtLeast(mhz(2000)))),
            ],
        );
    }

    #[test]
    fn simple_ondemand_has_a_dead_band() {
        check(
            "simple_ondemand",
            Some(50.0),
            &[
                (0.91, 1000, Some(Request::AtMost(mhz(2000)))),
                (0.88, 2000, None),
                // 2000 MHz * 0.4375 / 0.875.
                (0.4375, 2000, Some(Request::AtLeast(mhz(1000)))),
            ],
        );
    }

    #[test]
    fn podgov_boosts_by_a_third_and_is_damped_below() {
        let request = |hertz: f64| Some(Request::AtLeast(Hertz::from_hz(hertz as u64)));
        // Too busy: a third of 2000 MHz more, undamped. The averages begin at nothing.
        let boosted = 533e6 + 2_000e6 / 3.0;
        // Then half busy: idle was 5 %, is 50 %, each weighs one in eleven.
        let load = 1.0 - (10.0 * (0.05 / 11.0) + 0.5) / 11.0;
        let wanted = 1_200e6 + 0.8 * 1_200e6 * (load - 0.7) / 0.7;
        let average = (10.0 * (boosted / 11.0) + wanted) / 11.0;
        check(
            "nvhost_podgov",
            Some(50.0),
            &[
                (0.95, 533, request(boosted)),
                (0.5, 1200, request(0.7 * wanted + 0.3 * average)),
            ],
        );
    }

    #[test]
    fn podgov_waits_50_ms_after_a_change() {
        check(
            "nvhost_podgov",
            Some(25.0),
            &[
                (1.0, 1000, None),
                (1.0, 1000, Some(Request::AtLeast(Hertz::from_hz(1_666_666_666)))),
                (1.0, 1700, None),
            ],
        );
    }

    #[test]
    fn each_kind_of_domain_has_governors_of_its_own() {
        let at = |polling| Circumstances {
            transition_latency: Seconds::ZERO,
            polling,
            now: mhz(200),
        };
        assert!(Governor::named("schedutil", at(Some(Seconds::from_millis(50.0)))).is_none());
        assert!(Governor::named("simple_ondemand", at(None)).is_none());
        assert!(Governor::named("performance", at(None)).is_some());
        assert_eq!(sampling_period(Seconds::from_millis(0.3)), 10_000_000);
        assert_eq!(sampling_period(Seconds::ZERO), 8_000_000);
    }
}
