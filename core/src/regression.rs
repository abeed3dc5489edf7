//! Recursive least squares: a linear quantity with unknown coefficients, learned one observation after the other.
//!
//! Steps, for an observation y = h·x + noise of variance r (the Kalman filter for a state that follows a random walk;
//! Ljung, "System Identification", 2nd ed., § 11.2):
//! 1. The coefficients that h touches may have drifted: their variance grows. Others keep theirs, so that what is not
//!    excited is not forgotten.
//! 2. gain = P·h / (hᵀ·P·h + r); x ← x + gain·(y − h·x); P ← P − gain·(P·h)ᵀ.
//! 3. An innovation beyond three of its standard deviations counts as three: one lying reading moves little.
//!
//! Glossary: x coefficients, P their covariance, h the regressor: how much of each coefficient an observation holds.

use alloc::vec;
use alloc::vec::Vec;

/// Coefficients and how far they are known.
#[derive(Clone, Debug)]
pub(crate) struct Regression {
    mean: Vec<f64>,
    /// Row by row.
    covariance: Vec<f64>,
    /// P·h, kept so that an observation allocates nothing.
    spread: Vec<f64>,
    /// What each coefficient may drift by between two observations (standard deviation).
    drift: Vec<f64>,
}

/// What a linear quantity is expected to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expectation {
    pub(crate) mean: f64,
    /// Of the mean, without noise.
    pub(crate) variance: f64,
}

impl Regression {
    /// Coefficients of which nothing but `mean`, and its `covariance` row by row, is known; each may drift by `drift`
    /// (standard deviation) between two observations of it.
    pub(crate) fn new(mean: Vec<f64>, covariance: Vec<f64>, drift: Vec<f64>) -> Self {
        debug_assert_eq!(covariance.len(), mean.len() * mean.len());
        Self {
            spread: vec![0.0; mean.len()],
            mean,
            covariance,
            drift,
        }
    }

    /// The coefficients.
    pub(crate) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Their covariance, row by row.
    pub(crate) fn covariance(&self) -> &[f64] {
        &self.covariance
    }

    /// Keeps each coefficient within its bounds: one that is outside goes to the bound, and the others as they would
    /// had it been measured there (projection in the metric of the covariance; Simon, "Kalman filtering with state
    /// constraints", IET Control Theory 4(8), 2010, § 2.3).
    pub(crate) fn confine(&mut self, bounds: &[(f64, f64)]) {
        let n = self.mean.len();
        for (k, (low, high)) in bounds.iter().enumerate() {
            let excess = self.mean[k].clamp(*low, *high) - self.mean[k];
            if excess != 0.0 {
                let step = excess / self.covariance[k * n + k];
                for i in 0..n {
                    self.mean[i] += self.covariance[i * n + k] * step;
                }
            }
        }
        // Going to one bound may push another one out again, by less.
        for (mean, (low, high)) in self.mean.iter_mut().zip(bounds) {
            *mean = mean.clamp(*low, *high);
        }
    }

    /// What `h` of the coefficients makes.
    pub(crate) fn expect(&self, h: &[f64]) -> Expectation {
        let mean = h.iter().zip(&self.mean).map(|(h, x)| h * x).sum();
        let touched = || h.iter().enumerate().filter(|(_, h)| **h != 0.0);
        let row = |i: usize| -> f64 { touched().map(|(j, h)| h * self.at(i, j)).sum() };
        let variance = touched().map(|(i, h)| h * row(i)).sum();
        Expectation { mean, variance }
    }

    /// Learns that `h` of the coefficients made `value`, give or take noise of `noise` (variance); returns the
    /// innovation. What is no number is not learned from.
    pub(crate) fn observe(&mut self, h: &[f64], value: f64, noise: f64) -> Option<f64> {
        let n = self.mean.len();
        for (i, _) in h.iter().enumerate().filter(|(_, h)| **h != 0.0) {
            self.covariance[i * n + i] += self.drift[i] * self.drift[i];
        }
        let Expectation { mean, variance } = self.expect(h);
        let total = variance + noise;
        let innovation = value - mean;
        if !(innovation.is_finite() && total.is_finite() && total > 0.0) {
            return None;
        }
        for i in 0..n {
            let touched = h.iter().enumerate().filter(|(_, h)| **h != 0.0);
            self.spread[i] = touched.map(|(j, h)| h * self.covariance[i * n + j]).sum();
        }
        let most = 3.0 * libm::sqrt(total);
        let step = innovation.clamp(-most, most) / total;
        for i in 0..n {
            self.mean[i] += self.spread[i] * step;
            for j in 0..n {
                self.covariance[i * n + j] -= self.spread[i] * self.spread[j] / total;
            }
            // Rounding must not make a coefficient surer than sure.
            self.covariance[i * n + i] = self.covariance[i * n + i].max(1e-12);
        }
        Some(innovation)
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.covariance[i * self.mean.len() + j]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Regression {
        Regression::new(vec![0.0, 0.0], vec![1.0, 0.0, 0.0, 1.0], vec![0.0, 0.0])
    }

    #[test]
    fn what_was_seen_from_both_sides_is_known() {
        let mut learned = two();
        for i in 0..200 {
            let h = [1.0, f64::from(i % 7)];
            learned.observe(&h, 0.5 - 0.25 * h[1], 1e-3);
        }
        let [a, b] = learned.mean() else {
            panic!("two coefficients")
        };
        assert!((a - 0.5).abs() < 0.01 && (b + 0.25).abs() < 0.01, "{learned:?}");
        assert!(learned.expect(&[1.0, 3.0]).variance < 1e-3);
    }

    #[test]
    fn what_is_never_touched_stays_as_unsure_as_it_was() {
        let mut learned = two();
        (0..1000).for_each(|_| {
            learned.observe(&[1.0, 0.0], 3.0, 0.1);
        });
        assert_eq!(
            learned.expect(&[0.0, 1.0]),
            Expectation {
                mean: 0.0,
                variance: 1.0
            }
        );
    }

    #[test]
    fn one_lie_moves_little_and_nonsense_nothing() {
        let mut learned = two();
        (0..1000).for_each(|_| {
            learned.observe(&[1.0, 0.0], 3.0, 0.1);
        });
        let before = learned.mean()[0];
        learned.observe(&[1.0, 0.0], 1e9, 0.1);
        assert!((learned.mean()[0] - before).abs() < 0.01, "{learned:?}");
        let before = learned.mean()[0];
        assert_eq!(learned.observe(&[1.0, 0.0], f64::NAN, 0.1), None);
        assert_eq!(learned.observe(&[f64::INFINITY, 0.0], 1.0, 0.1), None);
        assert_eq!(learned.mean()[0], before);
    }
}
