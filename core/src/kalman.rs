//! A scalar Kalman filter: the running mean of a noisy quantity that drifts, with its uncertainty.
//!
//! State x follows a random walk with variance `DRIFT` per observation; an observation is x plus noise of
//! variance r, which is itself tracked from the innovations (as in ALERT, Wan et al., USENIX ATC 2020, §3.3,
//! without its assumption of Gaussian tails: an innovation beyond three standard deviations counts as three).

/// Variance that the state gains between two observations: the mean forgets over about 30 of them.
const DRIFT: f64 = 5e-4;

/// How quickly the noise variance follows the squared innovations.
const NOISE_GAIN: f64 = 0.02;

/// The filter's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kalman {
    mean: f64,
    /// Uncertainty of the mean (variance).
    uncertainty: f64,
    /// Spread of single observations about the mean (variance).
    noise: f64,
}

impl Kalman {
    /// A filter that believes `mean`, give or take `deviation`, before the first observation.
    pub(crate) fn new(mean: f64, deviation: f64) -> Self {
        Self {
            mean,
            uncertainty: deviation * deviation,
            noise: deviation * deviation,
        }
    }

    /// Learns from one observation. One that is no number is ignored.
    pub(crate) fn observe(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let most = 9.0 * (self.uncertainty + self.noise);
        let mut innovation = value - self.mean;
        if innovation * innovation > most {
            innovation = libm::copysign(libm::sqrt(most), innovation);
        }
        self.uncertainty += DRIFT;
        let gain = self.uncertainty / (self.uncertainty + self.noise);
        self.mean += gain * innovation;
        self.uncertainty *= 1.0 - gain;
        self.noise = (self.noise + NOISE_GAIN * (innovation * innovation - self.noise)).max(1e-6);
    }

    /// The estimated mean.
    pub(crate) fn mean(&self) -> f64 {
        self.mean
    }

    /// Spread of single observations about the mean (variance).
    pub(crate) fn noise(&self) -> f64 {
        self.noise
    }

    /// How uncertain the mean is (variance).
    pub(crate) fn uncertainty(&self) -> f64 {
        self.uncertainty
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_step_within_thirty_observations() {
        let mut filter = Kalman::new(0.0, 0.3);
        (0..200).for_each(|i| filter.observe(if i % 2 == 0 { 0.02 } else { -0.02 }));
        (0..30).for_each(|_| filter.observe(0.7));
        assert!((filter.mean() - 0.7).abs() < 0.1, "{filter:?}");
    }

    #[test]
    fn one_outlier_moves_it_little_and_nonsense_not_at_all() {
        let mut filter = Kalman::new(0.0, 0.1);
        (0..100).for_each(|i| filter.observe(if i % 2 == 0 { 0.05 } else { -0.05 }));
        let before = filter.mean();
        filter.observe(50.0);
        assert!((filter.mean() - before).abs() < 0.08, "{filter:?}");
        let before = filter.mean();
        filter.observe(f64::NAN);
        assert_eq!(filter.mean(), before);
    }
}
