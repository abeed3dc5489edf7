//! Waiting for a point on the monotonic clock.

use std::time::Duration;

use dynd_client::{Timestamp, now};
use nix::sys::prctl;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};

use super::stop::Stop;

/// The longest sleep in one go, so that a request to stop is soon heeded.
const SLICE: Duration = Duration::from_millis(50);

/// What became of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The time has come.
    Due,
    /// It is time to stop instead.
    Stopped,
}

/// Lets sleeps of this thread end within a microsecond of their time; by default the kernel takes 50.
pub(crate) fn sleep_precisely() {
    // Without it frames begin a little later: no reason to fail.
    let _ = prctl::set_timerslack(1000);
}

/// Sleeps until `time`, or until `stop`.
pub(crate) fn wait_until(time: Timestamp, stop: &Stop) -> Waited {
    loop {
        if stop.is_requested() {
            return Waited::Stopped;
        }
        let present = now();
        if present >= time {
            return Waited::Due;
        }
        let next = time.min(present + SLICE);
        let wake = TimeSpec::from_duration(Duration::from_nanos(next.as_nanos()));
        // An interrupted sleep is slept again by the loop.
        let _ = clock_nanosleep(
            ClockId::CLOCK_MONOTONIC,
            ClockNanosleepFlags::TIMER_ABSTIME,
            &wake,
        );
    }
}
