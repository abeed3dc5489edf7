//! By how much work that nobody manages slows the inferences of one app on an accelerator, by what they take themselves.
//!
//! An accelerator's driver tells one load, of a moment nobody knows, that an app which infers without pause keeps at
//! 100 % alone: it does not tell what neighbours cost. The next inference does.
//!
//! Steps, per inference, with r the log of its latency over the one that clocks and managed neighbours let expect:
//! 1. The slowdown m follows r as a Kalman filter: what is unsure of m against the noise σ² and what is unsure of how clocks
//!    stretch. So what begins with another clock is the clock's as long as that is not known well.
//! 2. A change is told from noise by two cumulative sums, upwards and downwards, of the deviations from m in standard
//!    deviations, less `SLACK`, at most `MOST` each (Page, "Continuous inspection schemes", Biometrika 41, 1954): one outlier
//!    is no change, two in a row are. Then m is the mean of those since the sum began to grow.
//! 3. σ is tracked from absolute deviations.

/// Inferences that the mean looks back on.
const MEMORY: f64 = 32.0;

/// What a deviation must exceed to count for a change, and counts for at most, in standard deviations.
const SLACK: f64 = 1.0;
const MOST: f64 = 2.0;

/// The sum that makes a change.
const ALARM: f64 = 3.0;

/// How far the slowdown may be from what the driver's load lets expect before an inference was seen (variance of the log).
const FIRST_DOUBT: f64 = 0.0025;

/// Spread before anything was seen, at least, and at most; weight of the newest inference in it.
const SPREAD: f64 = 0.07;
const LEAST_SPREAD: f64 = 0.02;
const MOST_SPREAD: f64 = 0.3;
const SPREAD_GAIN: f64 = 1.0 / 32.0;

/// A normal distribution's standard deviation over its mean absolute deviation: √(π/2).
const BY_MEAN_DEVIATION: f64 = 1.253_314;

/// Nothing slows by more than this, as the log of a factor, or speeds up by more.
const FAR_OFF: f64 = 3.0;

/// The slowdown of one app on one accelerator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strangers {
    mean: f64,
    /// How unsure the mean is (variance).
    doubt: f64,
    spread: f64,
    up: Run,
    down: Run,
}

/// Inferences in a row that speak for a change.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    /// The cumulative sum.
    height: f64,
    /// Sum of r, and of how many.
    total: f64,
    count: f64,
}

impl Run {
    /// Takes in `r`, which speaks for a change by so many σ; true if there was one.
    fn observe(&mut self, r: f64, deviation: f64) -> bool {
        self.height += deviation.min(MOST + SLACK) - SLACK;
        if self.height <= 0.0 {
            *self = Self::default();
            return false;
        }
        self.total += r;
        self.count += 1.0;
        self.height > ALARM
    }
}

impl Strangers {
    /// Slowed by `slowdown` before any inference was seen.
    pub(crate) fn new(slowdown: f64) -> Self {
        Self {
            mean: libm::log(slowdown),
            doubt: FIRST_DOUBT,
            spread: SPREAD,
            up: Run::default(),
            down: Run::default(),
        }
    }

    /// The factor by which inferences take longer.
    pub(crate) fn slowdown(&self) -> f64 {
        libm::exp(self.mean)
    }

    /// Variance of the log of a latency around what it lets expect.
    pub(crate) fn variance(&self) -> f64 {
        self.spread * self.spread + self.doubt
    }

    /// Learns from an inference whose latency has the log `r` over the one expected without strangers; `unsure` is the
    /// variance of that expectation. True if the slowdown has changed.
    pub(crate) fn observe(&mut self, r: f64, unsure: f64) -> bool {
        if !r.is_finite() || !unsure.is_finite() {
            return false;
        }
        let r = r.clamp(-FAR_OFF, FAR_OFF);
        let off = r - self.mean;
        let noise = self.spread * self.spread;
        let deviation = off / libm::sqrt(noise + unsure);
        let rises = self.up.observe(r, deviation);
        let falls = self.down.observe(r, -deviation);
        if rises || falls {
            let run = if rises { self.up } else { self.down };
            self.mean = run.total / run.count;
            self.doubt = noise / run.count;
            (self.up, self.down) = (Run::default(), Run::default());
            return true;
        }
        let gain = self.doubt / (self.doubt + noise + unsure);
        let most = MOST * libm::sqrt(noise + unsure);
        self.mean += gain * off.clamp(-most, most);
        self.doubt = ((1.0 - gain) * self.doubt).max(noise / MEMORY);
        let absolute = BY_MEAN_DEVIATION * libm::fabs(off).min((MOST + SLACK) * self.spread);
        self.spread += SPREAD_GAIN * noise / (noise + unsure) * (absolute - self.spread);
        self.spread = self.spread.clamp(LEAST_SPREAD, MOST_SPREAD);
        false
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Deterministic noise of a standard deviation of about `width`.
    fn noise(i: u32, width: f64) -> f64 {
        let uniform = f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
        width * 3.46 * (uniform - 0.5)
    }

    fn settled() -> Strangers {
        let mut strangers = Strangers::new(1.0);
        (0..200).for_each(|i| {
            strangers.observe(noise(i, 0.05), 0.0);
        });
        strangers
    }

    #[test]
    fn a_neighbour_is_noticed_within_two_inferences_and_so_is_that_it_left() {
        let mut strangers = settled();
        for (to, from) in [(1.37, 1.0), (1.0, 1.37)] {
            (0..20).for_each(|i| {
                strangers.observe(libm::log(from) + noise(i, 0.05), 0.0);
            });
            let told: Vec<bool> = (0..2)
                .map(|i| strangers.observe(libm::log(to) + noise(i + 7, 0.05), 0.0))
                .collect();
            assert_eq!(told, [false, true], "{from} {to}");
            let off = strangers.slowdown() / to;
            assert!((0.93..1.07).contains(&off), "{from} {to}: {off}");
        }
    }

    #[test]
    fn noise_and_single_outliers_are_no_neighbour() {
        let mut strangers = settled();
        let changes = (0..5_000).filter(|i| {
            let outlier = if i % 40 == 0 { 0.8 } else { 0.0 };
            strangers.observe(noise(*i, 0.05) + outlier, 0.0)
        });
        assert!(changes.count() <= 5);
        assert!((strangers.slowdown() - 1.0).abs() < 0.06, "{strangers:?}");
    }

    #[test]
    fn what_the_clock_may_explain_is_not_the_strangers() {
        let mut strangers = settled();
        let told = (0..5).any(|i| strangers.observe(0.3 + noise(i, 0.05), 0.3 * 0.3));
        assert!(!told);
        assert!(strangers.slowdown() < 1.03, "{strangers:?}");
        assert!((0..3).any(|i| strangers.observe(0.3 + noise(i, 0.05), 0.0)));
    }

    #[test]
    fn nonsense_leaves_no_trace() {
        let mut strangers = settled();
        let before = strangers.slowdown();
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
            .into_iter()
            .for_each(|r| {
                strangers.observe(r, 0.0);
            });
        assert_eq!(strangers.slowdown(), before);
        (0..10).for_each(|_| {
            strangers.observe(700.0, 0.0);
        });
        assert!(strangers.slowdown().is_finite());
    }
}
