//! The clock that clients and daemon share.

use dynd_vocab::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// The present time on `CLOCK_MONOTONIC`: what releases and reports are stamped with.
pub fn now() -> Timestamp {
    read(ClockId::CLOCK_MONOTONIC)
}

/// The present time on `clock`.
pub(crate) fn read(clock: ClockId) -> Timestamp {
    // Linux has these clocks always; a zero would only make one latency look long.
    let time = clock_gettime(clock).map_or(0, |time| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
        seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(u64::try_from(time.tv_nsec()).unwrap_or(0))
    });
    Timestamp::from_nanos(time)
}
