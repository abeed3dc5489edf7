//! How much risk of lateness an app may be given: adaptive conformal inference.
//!
//! Gibbs & Candès, "Adaptive Conformal Inference Under Distribution Shift", NeurIPS 2021, eq. 2: the allowed
//! risk a follows a ← a + γ·(α − late), where α is the share of inferences that may be late. Under any noise
//! the long-run miss rate then goes to α; no shape of the distribution is assumed. That holds while a is free to
//! move: here it is kept between a tenth of α and α, so it holds where true risks are believed to within that
//! factor and a lower rung is left to step down to. The step γ trades speed against steadiness.

/// The step γ.
const STEP: f64 = 0.01;

/// The allowed risk starts at, and after relief is at least, this share of α: below it, since the evidence is
/// thin when it matters most.
const START: f64 = 0.7;

/// The most that a run of luck may raise the allowed risk to, as a share of α.
const CEILING: f64 = 1.0;

/// The least: an app that can do nothing about its misses must not be planned as if nothing held for ever.
const FLOOR: f64 = 0.1;

/// Weight of the newest inference in the running miss rate.
const RATE_GAIN: f64 = 1.0 / 32.0;

/// The allowed risk of one app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MissBudget {
    /// Share of inferences that may be late.
    alpha: f64,
    allowed: f64,
    recent_rate: f64,
}

impl MissBudget {
    /// For an app of which the share `alpha` of inferences may be late.
    pub(crate) fn new(alpha: f64) -> Self {
        Self {
            alpha,
            allowed: START * alpha,
            recent_rate: 0.0,
        }
    }

    /// Learns whether an inference was late.
    pub(crate) fn observe(&mut self, late: bool) {
        let late = f64::from(u8::from(late));
        self.allowed += STEP * (self.alpha - late);
        self.allowed = self.allowed.clamp(FLOOR * self.alpha, CEILING * self.alpha);
        self.recent_rate += RATE_GAIN * (late - self.recent_rate);
    }

    /// What caused the misses is gone: forgives part of them.
    pub(crate) fn relieve(&mut self) {
        self.allowed = self.allowed.max(START * self.alpha);
    }

    /// The risk of lateness that may be planned with.
    pub(crate) fn allowed(&self) -> f64 {
        self.allowed
    }

    /// True while recent inferences were late clearly more often than allowed.
    pub(crate) fn overdrawn(&self) -> bool {
        self.recent_rate > self.alpha + 2.0 * RATE_GAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A controller that always takes a point of the risk allowed keeps the promised miss rate, although the
    /// true risk is twice what it believes.
    #[test]
    fn the_long_run_miss_rate_is_alpha_even_if_risks_are_misjudged() {
        let mut budget = MissBudget::new(0.1);
        let mut random = 12345_u64;
        let mut missed = 0;
        let frames = 50_000;
        for _ in 0..frames {
            random = random
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let uniform = (random >> 11) as f64 / (1_u64 << 53) as f64;
            let late = uniform < 2.0 * budget.allowed();
            missed += u32::from(late);
            budget.observe(late);
        }
        let rate = f64::from(missed) / f64::from(frames);
        assert!((rate - 0.1).abs() < 0.01, "{rate}");
    }

    #[test]
    fn it_stays_within_bounds() {
        let mut budget = MissBudget::new(0.05);
        (0..1000).for_each(|_| budget.observe(true));
        assert!(budget.overdrawn());
        assert!(budget.allowed() >= 0.005 - 1e-12);
        budget.relieve();
        (0..100_000).for_each(|_| budget.observe(false));
        assert!(budget.allowed() <= 0.05 + 1e-12);
        assert!(!budget.overdrawn());
    }
}
