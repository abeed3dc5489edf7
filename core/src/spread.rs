//! The distribution of a slowdown, without assuming its shape.
//!
//! A histogram over the logarithm of the ratio latency / undisturbed latency. Old observations fade as new
//! ones arrive, so it follows a drift; nothing is assumed of tails, which on real boards reach several times
//! the mean.

/// Bins per doubling of the ratio: a bin is 9 % wide.
const BINS_PER_OCTAVE: f64 = 8.0;

/// The ratio at the lower edge of the first bin, as a power of two.
const LOWEST_OCTAVE: f64 = -2.0;

/// Bins: six octaves, from 1/4 to 16 times; what lies outside counts in the first or last bin.
const BINS: usize = 48;

/// The weight an observation keeps when the next one arrives: memory of about so many observations.
pub(crate) const FAST: f32 = 1.0 - 1.0 / 200.0;
pub(crate) const SLOW: f32 = 1.0 - 1.0 / 1000.0;

/// A fading histogram of ratios.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    mass: [f32; BINS],
}

impl Spread {
    /// Nothing observed yet.
    pub(crate) const EMPTY: Self = Self { mass: [0.0; BINS] };

    /// Adds one observed ratio, before which all others keep the share `keep` of their weight; one that is no number or
    /// not positive is ignored.
    pub(crate) fn observe(&mut self, ratio: f64, keep: f32) {
        if !(ratio.is_finite() && ratio > 0.0) {
            return;
        }
        self.fade(keep);
        self.mass[bin(ratio)] += 1.0;
    }

    /// Multiplies the weight of all evidence by `keep`.
    pub(crate) fn fade(&mut self, keep: f32) {
        self.mass.iter_mut().for_each(|mass| *mass *= keep);
    }

    /// The weight of all evidence, in observations.
    pub(crate) fn weight(&self) -> f64 {
        self.mass.iter().map(|&mass| f64::from(mass)).sum()
    }

    /// The weight of the evidence for ratios above `ratio`; the bin `ratio` falls into counts in part.
    pub(crate) fn weight_above(&self, ratio: f64) -> f64 {
        let split = bin(ratio);
        let above: f64 = self.mass[split + 1..].iter().map(|&mass| f64::from(mass)).sum();
        let position = (libm::log2(ratio.max(1e-9)) - LOWEST_OCTAVE) * BINS_PER_OCTAVE - split as f64;
        above + f64::from(self.mass[split]) * (1.0 - position.clamp(0.0, 1.0))
    }

    /// The ratio below which `share` of the evidence lies (upper edge of its bin); absent without evidence.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = self.weight() * share;
        let mut below = 0.0;
        let index = self.mass.iter().position(|&mass| {
            below += f64::from(mass);
            mass > 0.0 && below >= wanted
        })?;
        Some(libm::exp2(LOWEST_OCTAVE + (index as f64 + 1.0) / BINS_PER_OCTAVE))
    }
}

fn bin(ratio: f64) -> usize {
    let position = (libm::log2(ratio.max(1e-9)) - LOWEST_OCTAVE) * BINS_PER_OCTAVE;
    (position.max(0.0) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_bin() {
        let mut spread = Spread::EMPTY;
        (1..=100).for_each(|i| spread.observe(if i % 20 == 0 { 3.0 } else { 1.0 }, FAST));
        let median = spread.quantile(0.5).unwrap();
        assert!((1.0..=1.1).contains(&median), "{median}");
        let tail = spread.quantile(0.97).unwrap();
        assert!((3.0..=3.3).contains(&tail), "{tail}");
        assert!((spread.weight_above(2.0) / spread.weight() - 0.05).abs() < 0.01);
    }

    #[test]
    fn nonsense_leaves_no_trace() {
        let mut spread = Spread::EMPTY;
        [f64::NAN, f64::INFINITY, 0.0, -1.0]
            .into_iter()
            .for_each(|ratio| spread.observe(ratio, FAST));
        assert_eq!(spread.weight(), 0.0);
        assert!(spread.quantile(0.5).is_none());
        spread.observe(1e300, FAST);
        spread.observe(1e-300, FAST);
        assert_eq!(spread.weight_above(4.0).round(), 1.0);
    }

    #[test]
    fn old_evidence_fades() {
        let mut spread = Spread::EMPTY;
        (0..1000).for_each(|_| spread.observe(8.0, FAST));
        (0..600).for_each(|_| spread.observe(1.0, FAST));
        assert!(spread.weight_above(4.0) / spread.weight() < 0.06);
    }
}
