//! The clock that the daemon, its board and its clients share: CLOCK_MONOTONIC.

use std::time::Duration;

use dynd_vocab::Timestamp;
use nix::time::{ClockId, clock_gettime};

/// The present.
pub(crate) fn now() -> Timestamp {
    // This clock exists on every Linux, and the argument is valid: the call cannot fail.
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map(Duration::from)
        .unwrap_or_default();
    Timestamp::default() + time
}
