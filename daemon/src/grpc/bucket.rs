//! A token bucket: what one session may ask of everybody's time.

use std::time::Duration;

use tokio::time::Instant;

/// Messages per second that a session may send for long: apps that infer 400 times a second report in
/// batches.
const RATE: f64 = 400.0;
/// Messages that it may send at once.
const BURST: f64 = 200.0;

/// Tells how long a session must pause after each of its messages.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(super) fn full(now: Instant) -> Self {
        Self {
            tokens: BURST,
            filled: now,
        }
    }

    /// Takes one token; zero while there are any, else the time until the debt is paid.
    pub(super) fn take(&mut self, now: Instant) -> Duration {
        let earned = now.duration_since(self.filled).as_secs_f64() * RATE;
        self.filled = now;
        self.tokens = (self.tokens + earned).min(BURST) - 1.0;
        Duration::from_secs_f64((-self.tokens).max(0.0) / RATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many messages pass in `span` if each is sent as soon as it may be.
    fn passed(span: Duration) -> u32 {
        let start = Instant::now();
        let (mut now, mut count) = (start, 0);
        let mut bucket = Bucket::full(start);
        while now.duration_since(start) < span {
            now += bucket.take(now) + Duration::from_nanos(100);
            count += 1;
        }
        count
    }

    #[test]
    fn a_flood_is_slowed_to_the_rate_after_the_burst() {
        let in_ten_seconds = passed(Duration::from_secs(10));
        assert!((4190..=4210).contains(&in_ten_seconds), "{in_ten_seconds}");
    }

    #[test]
    fn an_honest_app_never_pauses() {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        for frame in 0..1000 {
            assert_eq!(
                bucket.take(start + Duration::from_millis(10) * frame),
                Duration::ZERO
            );
        }
    }
}
