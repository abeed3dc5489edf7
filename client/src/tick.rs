//! The scheduler's tick: when to begin beside competitors.
//!
//! On a CPU that others compete for, the kernel looks at its clock tick whether somebody else is to run. An inference
//! that begins just before a tick loses the CPU at it, for one tick or two; one that begins just after a tick and is
//! shorter than the time to the next one runs through. All CPUs tick at the same instants, and `CLOCK_MONOTONIC_COARSE`
//! is the time of the latest one.

use std::thread;
use std::time::Duration;

use dynd_vocab::Seconds;
use nix::time::{ClockId, clock_getres};

use crate::clock::read;

/// An inference fits if this multiple of its undisturbed latency does.
const MARGIN: f64 = 1.1;

/// How long after a tick its work is done on all CPUs.
const SETTLED: Duration = Duration::from_micros(50);

/// Waits for the next tick if an inference of `undisturbed` would be cut by it, fits between two, and still ends within
/// `remaining`: the time waited, zero if it is better to begin at once.
pub(crate) fn await_tick(undisturbed: Seconds, remaining: Seconds) -> Duration {
    let Ok(period) = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE).map(Duration::from) else {
        return Duration::ZERO;
    };
    let now = read(ClockId::CLOCK_MONOTONIC);
    let since = now.since(read(ClockId::CLOCK_MONOTONIC_COARSE));
    let wait = time_to_wait(since, period, undisturbed, remaining);
    if !wait.is_zero() {
        thread::sleep(wait);
    }
    read(ClockId::CLOCK_MONOTONIC).since(now)
}

/// How long to wait when the latest tick was `since` ago.
fn time_to_wait(since: Duration, period: Duration, undisturbed: Seconds, remaining: Seconds) -> Duration {
    let needs = undisturbed * MARGIN;
    let fits = needs + Seconds::from(SETTLED) <= Seconds::from(period);
    // Where nobody ticks (idle CPUs) the clock stands still, and there is nobody to wait for.
    let Some(left) = period.checked_sub(since) else {
        return Duration::ZERO;
    };
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

    const PERIOD: Duration = Duration::from_millis(4);

    /// Milliseconds since the tick, of the inference and until the deadline → milliseconds to wait.
    fn check(since: f64, undisturbed: f64, remaining: f64, expect: f64) {
        let since = Duration::from_secs_f64(since / 1e3);
        let (undisturbed, remaining) = (Seconds::from_millis(undisturbed), Seconds::from_millis(remaining));
        let wait = time_to_wait(since, PERIOD, undisturbed, remaining).as_secs_f64() * 1e3;
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
        // Nobody ticks.
        check(9.0, 1.7, 10.0, 0.0);
    }
}
