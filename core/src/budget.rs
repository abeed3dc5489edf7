//! How much risk of lateness an app may be given: adaptive conformal inference.
//!
//! Steps, per inference, with the share α of inferences that may be late:
//! 1. The allowed risk a follows a ← a + γ·(α − late) (Gibbs & Candès, "Adaptive Conformal Inference Under Distribution
//!    Shift", NeurIPS 2021, eq. 2): under any noise the long-run miss rate goes to α, no shape of the distribution is
//!    assumed. γ is large, so that misjudged risks are answered within a few dozen inferences; a stays between a tenth of
//!    α and α, or a run of luck would be spent in a burst.
//! 2. What a cannot take, above α, is saved: in misses, which are paid from there first. It lets a rung of more risk than α
//!    run for a while, so that the miss rate comes up to α in the long run where there is nothing between a rung that is
//!    late too rarely and one that is late too often. Such a rung is begun when what is saved pays for a stay on it, and
//!    left when all is spent: in between, no estimate of its risk that noise moves makes it come and go.
//! 3. The bound: the steps of a add up, so that after n inferences `misses ≤ n·α + (a₁ − aₙ + clipped) / γ`, with what the
//!    floor and forgiveness took out of a; what is saved by then was not missed. Since aₙ is no less than the floor, the miss rate is at most
//!    `α + (a₁ − floor + clipped) / (γ·n)` (the telescoping sum of Gibbs & Candès, proof of proposition 4.1). It goes to α as n
//!    grows, unless a is at the floor: then no rung helps, and it says how much that costs.

/// The step γ of the allowed risk.
const STEP: f64 = 0.01;

/// The fewest inferences of a stay that is paid for.
const SHORTEST_STAY: f64 = 500.0;

/// The most that is saved: a stay at this risk beyond what is allowed.
const MOST_SAVED: f64 = 0.5;

/// The allowed risk starts at, and after relief is at least, this share of α: below it, since the evidence is
/// thin when it matters most.
const START: f64 = 0.7;

/// The most that a run of luck may raise the allowed risk to, as a share of α.
const CEILING: f64 = 1.0;

/// The least: an app that can do nothing about its misses must not be planned as if nothing held for ever.
const FLOOR: f64 = 0.1;

/// By how much the running rung may exceed what is allowed in any case: at most this, and at most this share of α.
const LOYALTY: f64 = 0.01;
const LOYAL_SHARE: f64 = 0.2;

/// By how much it may while anything is saved, at least.
const PATIENCE: f64 = 0.15;

/// Weight of the newest inference in the running miss rate.
const RATE_GAIN: f64 = 1.0 / 32.0;

/// The allowed risk of one app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MissBudget {
    /// Share of inferences that may be late.
    alpha: f64,
    allowed: f64,
    /// In misses.
    saved: f64,
    /// How many inferences a stay lasts that is paid for.
    stay: f64,
    recent_rate: f64,
    /// What the floor and forgiveness took out of the allowed risk.
    clipped: f64,
    inferences: u64,
    misses: u64,
}

impl MissBudget {
    /// For an app of which the share `alpha` of inferences may be late, and that makes so many in a stay.
    pub(crate) fn new(alpha: f64, stay: f64) -> Self {
        Self {
            alpha,
            allowed: START * alpha,
            saved: 0.0,
            stay: stay.max(SHORTEST_STAY),
            recent_rate: 0.0,
            clipped: 0.0,
            inferences: 0,
            misses: 0,
        }
    }

    /// Learns whether an inference was late.
    pub(crate) fn observe(&mut self, late: bool) {
        self.inferences += 1;
        self.misses += u64::from(late);
        let late = f64::from(u8::from(late));
        let mut left = self.alpha - late;
        if left < 0.0 {
            let paid = self.saved.min(-left);
            self.saved -= paid;
            left += paid;
        }
        let free = self.allowed + STEP * left;
        self.allowed = free.clamp(FLOOR * self.alpha, CEILING * self.alpha);
        self.clipped += (self.allowed - free).max(0.0);
        let more = (free - self.allowed).max(0.0) / STEP;
        self.saved = (self.saved + more).min(MOST_SAVED * self.stay);
        self.recent_rate += RATE_GAIN * (late - self.recent_rate);
    }

    /// What caused the misses is gone: forgives part of them.
    pub(crate) fn relieve(&mut self) {
        let forgiven = (START * self.alpha - self.allowed).max(0.0);
        self.allowed += forgiven;
        self.clipped += forgiven;
    }

    /// The risk of lateness that may be planned with.
    pub(crate) fn allowed(&self) -> f64 {
        self.allowed
    }

    /// By how much a stay may exceed that which what is saved pays for.
    pub(crate) fn affordable(&self) -> f64 {
        self.saved / self.stay
    }

    /// By how much the running rung may exceed it while what is saved is spent.
    pub(crate) fn patience(&self) -> f64 {
        if self.saved > 0.0 {
            PATIENCE.max(self.affordable())
        } else {
            self.least_patience()
        }
    }

    /// By how much it may in any case.
    pub(crate) fn least_patience(&self) -> f64 {
        LOYALTY.min(LOYAL_SHARE * self.alpha)
    }

    /// How much more of its risk is forgiven to the running rung where nothing is within what is allowed.
    pub(crate) fn loyalty(&self) -> f64 {
        (3.0 * LOYALTY).min(0.5 * self.alpha)
    }

    /// How much of what the evidence leaves open may be tried (0 to 1): the less, the deeper in debt.
    pub(crate) fn curiosity(&self) -> f64 {
        (self.allowed / (START * self.alpha)).min(1.0)
    }

    /// Share of all inferences that were late, and what it cannot exceed as things stand; nothing before the first.
    pub(crate) fn long_run(&self) -> Option<(f64, f64)> {
        if self.inferences == 0 {
            return None;
        }
        let count = self.inferences as f64;
        let slack = (START - FLOOR) * self.alpha + self.clipped;
        let bound = self.alpha + slack / (STEP * count);
        Some((self.misses as f64 / count, bound.min(1.0)))
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
        let mut budget = MissBudget::new(0.1, 1500.0);
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
        let (told, bound) = budget.long_run().unwrap();
        assert_eq!(told, rate);
        assert!(bound >= rate && bound < 0.11, "{rate} {bound}");
    }

    #[test]
    fn the_bound_holds_whatever_comes() {
        let mut random = 1_u64;
        for round in 0..200 {
            let mut budget = MissBudget::new([0.01, 0.05, 0.2][round % 3], 1500.0);
            for frame in 0..500 {
                random = random
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(round as u64 | 1);
                budget.observe((random >> 33) % 100 < (frame / 5 + round as u64) % 110);
                if (random >> 20).is_multiple_of(97) {
                    budget.relieve();
                }
                let (rate, bound) = budget.long_run().unwrap();
                assert!(rate <= bound + 1e-9, "{rate} {bound}");
            }
        }
    }

    #[test]
    fn luck_is_saved_slowly_and_spent() {
        let mut budget = MissBudget::new(0.05, 1500.0);
        (0..200).for_each(|_| budget.observe(false));
        assert!(budget.affordable() < 0.01, "{}", budget.affordable());
        (0..20_000).for_each(|_| budget.observe(false));
        assert!(budget.affordable() > 0.3, "{}", budget.affordable());
        (0..2_000).for_each(|_| budget.observe(true));
        assert_eq!(budget.affordable(), 0.0);
        assert!(budget.allowed() < 0.01, "{}", budget.allowed());
    }

    /// A rung that is late twice as often as allowed, begun when what is saved pays for a stay.
    #[test]
    fn a_stay_that_is_paid_for_lasts() {
        let mut budget = MissBudget::new(0.1, 1500.0);
        while budget.affordable() < 0.1 {
            budget.observe(false);
        }
        let stay = (1..).find(|frame| {
            budget.observe(frame % 5 == 0);
            0.2 > budget.allowed() + budget.patience()
        });
        assert!((1400..1700).contains(&stay.unwrap()), "{stay:?}");
    }

    #[test]
    fn it_stays_within_bounds() {
        let mut budget = MissBudget::new(0.05, 1500.0);
        (0..1000).for_each(|_| budget.observe(true));
        assert!(budget.overdrawn());
        assert!(budget.allowed() >= 0.005 - 1e-12);
        budget.relieve();
        (0..100_000).for_each(|_| budget.observe(false));
        assert!(!budget.overdrawn());
    }
}
