//! The scheduler's tick: when to begin beside competitors.
//!
//! On a CPU that others compete for, the kernel looks at its clock tick whether somebody else is to run. An inference
//! that begins just before a tick loses the CPU at it, for one tick or two; one that begins just after a tick and is
//! shorter than the time to the next one runs through. Measured on Linux 6.18 (2 CPUs, HZ 250), an inference of 2.2 ms
//! on one of them beside one busy thread per CPU: begun up to 1.25 ms after a tick, 95th percentile 2.4 to 2.7 ms;
//! begun 1.75 to 3.25 ms after it, 6.5 to 6.9 ms; beside two per CPU, 3.2 to 8.1 ms and 7.3 to 11.3 ms.
//!
//! All CPUs tick at the same instants (unless booted with `skew_tick=1`), and since Linux 6.4 these are the multiples of
//! the tick's period on `CLOCK_MONOTONIC` (kernel/time/tick-common.c, `tick_setup_device`). `CLOCK_MONOTONIC_COARSE` only
//! *changes* at a tick: the time it shows may be earlier by nearly a period, for ever. On an older kernel nobody knows, and
//! nobody waits.

use std::sync::LazyLock;
use std::time::Duration;
use std::{fs, thread};

use dynd_vocab::{Seconds, Timestamp};
use nix::time::{ClockId, clock_getres};

use crate::clock::now;

/// An inference fits if this multiple of its undisturbed latency does.
const MARGIN: f64 = 1.1;

/// How long after a tick its work is done on all CPUs.
const SETTLED: Duration = Duration::from_micros(50);

/// The first Linux that ticks at multiples of the period: major and minor version.
const ALIGNED: (u32, u32) = (6, 4);

/// The time between two ticks, if it is known when they come.
static PERIOD: LazyLock<Option<Duration>> = LazyLock::new(|| {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let period = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE).ok()?;
    is_aligned(&release).then_some(period.into())
});

/// Waits for the next tick if an inference of `undisturbed` would be cut by it, fits between two, and still ends within
/// `remaining`: the time waited, zero if it is better to begin at once.
pub(crate) fn await_tick(undisturbed: Seconds, remaining: Seconds) -> Duration {
    let Some(period) = *PERIOD else {
        return Duration::ZERO;
    };
    let present = now();
    let wait = time_to_wait(since_tick(present, period), period, undisturbed, remaining);
    if wait.is_zero() {
        return wait;
    }
    thread::sleep(wait);
    now().since(present)
}

/// Whether a kernel of this release ticks at multiples of the period; not if it does not say which it is.
fn is_aligned(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= ALIGNED,
        _ => false,
    }
}

/// The time from the latest tick to `present`.
fn since_tick(present: Timestamp, period: Duration) -> Duration {
    let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1);
    Duration::from_nanos(present.as_nanos() % period)
}

/// How long to wait when the latest tick was `since` ago.
fn time_to_wait(since: Duration, period: Duration, undisturbed: Seconds, remaining: Seconds) -> Duration {
    let needs = undisturbed * MARGIN;
    let fits = needs + Seconds::from(SETTLED) <= Seconds::from(period);
    let left = period.saturating_sub(since);
    let wait = left + SETTLED;
    if fits && Seconds::from(left) < needs && Seconds::from(wait) + needs <= remaining {
        wait
    } else {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::read;

    const EVERY: Duration = Duration::from_millis(4);

    /// Milliseconds since the tick, of the inference and until the deadline → milliseconds to wait.
    fn check(since: f64, undisturbed: f64, remaining: f64, expect: f64) {
        let since = Duration::from_secs_f64(since / 1e3);
        let (undisturbed, remaining) = (Seconds::from_millis(undisturbed), Seconds::from_millis(remaining));
        let wait = time_to_wait(since, EVERY, undisturbed, remaining).as_secs_f64() * 1e3;
        assert!((wait - expect).abs() < 1e-6, "{wait} instead of {expect}");
    }

    #[test]
    fn an_inference_that_the_tick_would_cut_waits_for_it() {
        check(3.0, 1.7, 10.0, 1.05);
        check(0.1, 1.7, 10.0, 0.0);
        // Ten percent longer than usual it would be cut.
        check(2.2, 1.7, 10.0, 1.85);
    }

    #[test]
    fn nobody_waits_in_vain() {
        // It does not fit between two ticks.
        check(3.0, 3.8, 20.0, 0.0);
        // It would be late for having waited.
        check(3.0, 1.7, 2.9, 0.0);
    }

    #[test]
    fn the_kernel_ticks_when_it_is_said_to() {
        let Some(period) = *PERIOD else {
            eprintln!("skipped: this kernel does not tick at multiples of the period");
            return;
        };
        // The coarse clock changes at a tick. Whoever watches it may be interrupted, but not each time.
        let watch = || {
            let before = read(ClockId::CLOCK_MONOTONIC_COARSE);
            while read(ClockId::CLOCK_MONOTONIC_COARSE) == before {}
            since_tick(now(), period)
        };
        let soonest = (0..50).map(|_| watch()).min();
        assert!(soonest < Some(period / 10), "{soonest:?} after a tick");
    }

    #[test]
    fn a_kernel_that_does_not_say_how_old_it_is_is_old() {
        assert!(is_aligned("6.4.0-rc7") && is_aligned("6.12.25+rpt-rpi-2712") && is_aligned("7.0"));
        assert!(!is_aligned("6.1.43-rk3588") && !is_aligned("5.15.148-tegra") && !is_aligned("4.9"));
        assert!(!is_aligned("") && !is_aligned("linux"));
    }
}
