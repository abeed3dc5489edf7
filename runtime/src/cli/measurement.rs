//! Latencies and their quantiles.

use std::time::{Duration, Instant};

/// Latencies measured one after the other, in seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies(Vec<f64>);

impl Latencies {
    /// Room for `capacity` of them.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// Times `inference` and passes on its result.
    pub(crate) fn time<T>(&mut self, inference: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = inference();
        self.push(start.elapsed());
        result
    }

    /// Adds one.
    pub(crate) fn push(&mut self, latency: Duration) {
        self.0.push(latency.as_secs_f64());
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets all, and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The smallest latency that at least the share `share` (0 to 1) does not exceed; none if there is none.
    pub(crate) fn quantile(&mut self, share: f64) -> Option<f64> {
        self.0.sort_unstable_by(f64::total_cmp);
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_latencies_that_were_measured() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantile(0.5), None);
        for seconds in [4, 1, 3, 2] {
            latencies.push(Duration::from_secs(seconds));
        }
        assert_eq!(latencies.quantile(0.0), Some(1.0));
        assert_eq!(latencies.quantile(0.5), Some(2.0));
        assert_eq!(latencies.quantile(0.51), Some(3.0));
        assert_eq!(latencies.quantile(1.0), Some(4.0));
    }
}
