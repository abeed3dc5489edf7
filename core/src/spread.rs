//! The distribution of a slowdown, without assuming its shape.
//!
//! A histogram over the logarithm of the ratio latency / undisturbed latency. Old observations fade as new
//! ones arrive, so it follows a drift; nothing is assumed of tails, which on real boards reach several times
//! the mean.

use core::f64::consts::LOG2_E;

/// Bins per doubling of the ratio: a bin is 9 % wide.
const BINS_PER_OCTAVE: f64 = 8.0;

/// The ratio at the lower edge of the first bin, as a power of two.
const LOWEST_OCTAVE: f64 = -2.0;

/// Bins: six octaves, from 1/4 to 16 times; what lies outside counts in the first or last bin.
const BINS: usize = 48;

/// The weight an observation keeps when the next one arrives: memory of about so many observations.
pub(crate) const FAST: f32 = 1.0 - 1.0 / 200.0;
pub(crate) const SLOW: f32 = 1.0 - 1.0 / 1000.0;

/// The newest observation weighs no more than this before all masses are scaled down.
const MOST_UNIT: f32 = 1e9;

/// The log of the least ratio that anybody asks for; what is no number is taken for it.
const LEAST_LOG: f64 = -20.0;

/// A fading histogram of ratios.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    mass: [f32; BINS],
    /// What an observation weighs now in `mass`: it grows instead of all the older ones fading.
    unit: f32,
}

impl Spread {
    /// Nothing observed yet.
    pub(crate) const EMPTY: Self = Self {
        mass: [0.0; BINS],
        unit: 1.0,
    };

    /// Adds one observed ratio by its natural logarithm, before which all others keep the share `keep` of their weight; one
    /// that is no number is ignored.
    pub(crate) fn observe(&mut self, log_ratio: f64, keep: f32) {
        if !log_ratio.is_finite() {
            return;
        }
        self.fade(keep);
        self.mass[bin(position(log_ratio * LOG2_E))] += self.unit;
    }

    /// Multiplies the weight of all evidence by `keep`.
    pub(crate) fn fade(&mut self, keep: f32) {
        self.unit /= keep;
        if self.unit > MOST_UNIT {
            let unit = core::mem::replace(&mut self.unit, 1.0);
            self.mass.iter_mut().for_each(|mass| *mass /= unit);
        }
    }

    /// The weight of all evidence, in observations.
    pub(crate) fn weight(&self) -> f64 {
        let mass: f64 = self.mass.iter().map(|&mass| f64::from(mass)).sum();
        mass / f64::from(self.unit)
    }

    /// Sums of the evidence from every bin on, for whoever asks often.
    pub(crate) fn tail(&self) -> Tail {
        let mut from = [0.0; BINS + 1];
        let mut sum = 0.0;
        for (bin, mass) in self.mass.iter().enumerate().rev() {
            sum += f64::from(*mass);
            from[bin] = sum / f64::from(self.unit);
        }
        Tail { from }
    }

    /// The ratio below which `share` of the evidence lies (upper edge of its bin); absent without evidence.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = self.weight() * share;
        let mut below = 0.0;
        let index = self.mass.iter().position(|&mass| {
            below += f64::from(mass) / f64::from(self.unit);
            mass > 0.0 && below >= wanted
        })?;
        Some(libm::exp2(LOWEST_OCTAVE + (index as f64 + 1.0) / BINS_PER_OCTAVE))
    }
}

/// The evidence of a [`Spread`] at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    /// Per bin, its weight and that of all above it.
    from: [f64; BINS + 1],
}

impl Tail {
    /// The weight of all evidence, in observations.
    pub(crate) fn weight(&self) -> f64 {
        self.from[0]
    }

    /// The weight of the evidence for ratios above one, by its natural logarithm; the bin that it falls into counts in part.
    pub(crate) fn weight_above(&self, log_ratio: f64) -> f64 {
        let position = position(log_ratio.max(LEAST_LOG) * LOG2_E);
        let split = bin(position);
        let part = 1.0 - (position - split as f64).clamp(0.0, 1.0);
        let above = self.from[split + 1];
        above + (self.from[split] - above) * part
    }
}

/// Where a ratio of so many octaves lies, in bins.
fn position(octaves: f64) -> f64 {
    (octaves - LOWEST_OCTAVE) * BINS_PER_OCTAVE
}

fn bin(position: f64) -> usize {
    (position.max(0.0) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_bin() {
        let mut spread = Spread::EMPTY;
        (1..=100).for_each(|i| spread.observe(if i % 20 == 0 { libm::log(3.0) } else { 0.0 }, FAST));
        let median = spread.quantile(0.5).unwrap();
        assert!((1.0..=1.1).contains(&median), "{median}");
        let tail = spread.quantile(0.97).unwrap();
        assert!((3.0..=3.3).contains(&tail), "{tail}");
        assert!((spread.tail().weight_above(libm::log(2.0)) / spread.weight() - 0.05).abs() < 0.01);
    }

    #[test]
    fn nonsense_leaves_no_trace() {
        let mut spread = Spread::EMPTY;
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY]
            .into_iter()
            .for_each(|log_ratio| spread.observe(log_ratio, FAST));
        assert_eq!(spread.weight(), 0.0);
        assert!(spread.quantile(0.5).is_none());
        spread.observe(700.0, FAST);
        spread.observe(-700.0, FAST);
        assert_eq!(spread.tail().weight_above(libm::log(4.0)).round(), 1.0);
    }

    #[test]
    fn old_evidence_fades() {
        let mut spread = Spread::EMPTY;
        (0..1000).for_each(|_| spread.observe(libm::log(8.0), FAST));
        (0..600).for_each(|_| spread.observe(0.0, FAST));
        assert!(spread.tail().weight_above(libm::log(4.0)) / spread.weight() < 0.06);
    }

    #[test]
    fn fading_is_the_same_as_fading_every_bin() {
        let (mut spread, mut mass) = (Spread::EMPTY, [0.0_f64; 2]);
        for i in 0..20_000_u32 {
            let high = i.is_multiple_of(7);
            let keep = [FAST, SLOW, 0.5][if i.is_multiple_of(5_000) {
                2
            } else {
                i as usize % 2
            }];
            spread.observe(if high { 1.0 } else { 0.0 }, keep);
            mass.iter_mut().for_each(|mass| *mass *= f64::from(keep));
            mass[usize::from(high)] += 1.0;
            assert!((spread.weight() / (mass[0] + mass[1]) - 1.0).abs() < 1e-4, "{i}");
            assert!(
                (spread.tail().weight_above(libm::log(2.0)) - mass[1]).abs() < 1e-4 * (1.0 + mass[1]),
                "{i}"
            );
        }
        spread.fade(0.0);
        assert_eq!(spread.weight(), 0.0);
    }
}
