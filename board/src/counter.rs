//! Kernel counters that must not run backwards, and what to do when they do.

use std::time::Duration;

use crate::Fault;
use crate::procfs::{CpuTicks, TICK};

/// Idle time may seem to shrink by this many ticks without meaning anything: the kernel books the idle span in
/// progress as idle or as waiting for I/O by what holds at the moment of reading (`Documentation/filesystems/proc.rst`
/// warns of it), and a quiet CPU sleeps for seconds.
const IDLE_WOBBLE: u64 = 1000;

/// A counter as the kernel shows it, made monotonic. After a step back that one reading is refused; later
/// ones continue from the highest value so far, so that no reader ever sees it shrink.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counter {
    last: u64,
    lift: u64,
}

impl Counter {
    /// The value to publish for the reading `raw`.
    pub(crate) fn advance(&mut self, raw: u64) -> Result<u64, Fault> {
        let step_back = self.last.saturating_sub(raw);
        self.lift = self.lift.saturating_add(step_back);
        self.last = raw;
        if step_back > 0 {
            return Err(Fault::Backwards);
        }
        Ok(raw.saturating_add(self.lift))
    }

    /// As [`advance`](Self::advance), but a step back of at most `wobble` counts as standing still.
    fn advance_within(&mut self, raw: u64, wobble: u64) -> Result<u64, Fault> {
        let raw = if self.last.saturating_sub(raw) <= wobble {
            raw.max(self.last)
        } else {
            raw
        };
        self.advance(raw)
    }
}

/// The counters of one CPU.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuCounter {
    busy: Counter,
    idle: Counter,
}

impl CpuCounter {
    /// Busy and total time to publish for the reading `ticks`.
    pub(crate) fn advance(&mut self, ticks: CpuTicks) -> Result<(Duration, Duration), Fault> {
        let (busy, idle) = (
            self.busy.advance(ticks.busy),
            self.idle.advance_within(ticks.idle, IDLE_WOBBLE),
        );
        let (busy, idle) = (busy?, idle?);
        Ok((duration(busy), duration(busy.saturating_add(idle))))
    }
}

/// The length of `ticks`.
pub(crate) fn duration(ticks: u64) -> Duration {
    Duration::from_millis(ticks.saturating_mul(TICK.as_millis() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds (busy, idle) ticks and compares the published (busy, total) ticks, `None` for a refusal.
    fn check(readings: &[(u64, u64)], expect: &[Option<(u64, u64)>]) {
        let mut counter = CpuCounter::default();
        let ticks = |time: Duration| time.as_millis() as u64 / 10;
        let published: Vec<_> = readings
            .iter()
            .map(|&(busy, idle)| counter.advance(CpuTicks { busy, idle }).ok())
            .map(|times| times.map(|(busy, total)| (ticks(busy), ticks(total))))
            .collect();
        assert_eq!(published, expect);
    }

    #[test]
    fn counters_count_up() {
        check(&[(5, 10), (6, 12)], &[Some((5, 15)), Some((6, 18))]);
    }

    #[test]
    fn idle_time_that_wobbles_stands_still() {
        check(
            &[(5, 900), (6, 400), (7, 901)],
            &[Some((5, 905)), Some((6, 906)), Some((7, 908))],
        );
    }

    #[test]
    fn a_counter_that_starts_over_is_refused_once_and_never_shrinks() {
        check(
            &[(500, 9000), (2, 9001), (3, 9002)],
            &[Some((500, 9500)), None, Some((501, 9503))],
        );
        check(
            &[(500, 9000), (500, 3), (501, 4)],
            &[Some((500, 9500)), None, Some((501, 9502))],
        );
    }

    #[test]
    fn absurd_counts_saturate() {
        check(&[(u64::MAX, u64::MAX)], &[Some((u64::MAX / 10, u64::MAX / 10))]);
    }
}
