//! What makes one inference longer than the next: the app's input, the cache, what no load explains.
//!
//! A factor on the work of each frame, a function of seed, app and frame alone, so that it is the same for every
//! controller. Two shapes are quantiles of what the authors of Dynamic-OFA logged on a Xavier NX (UoS-EEC/DynamicOFA
//! 349461f4, logs of run-time adjustment; latency over the median of its segment, from the third inference after a
//! switch on): *light* of the network alone (409 inferences), *heavy* of it beside another app (496). *Bursty*
//! changes between a calm and a rough regime, each light, that last exponentially long (assumed).

use dynd_files::NoiseShape;

/// Probabilities of the quantiles below.
const SHARES: [f64; 17] = [
    0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 1.0,
];
const LIGHT: [f64; 17] = [
    0.923, 0.951, 0.957, 0.960, 0.968, 0.976, 0.987, 1.0, 1.012, 1.032, 1.063, 1.104, 1.123, 1.138, 1.169,
    1.206, 1.361,
];
const HEAVY: [f64; 17] = [
    0.859, 0.894, 0.911, 0.923, 0.943, 0.960, 0.982, 1.0, 1.017, 1.044, 1.074, 1.137, 1.185, 1.292, 1.402,
    1.963, 2.471,
];

/// How long the regimes of *bursty* last on average, in seconds, and the factor of the rough one.
const CALM: f64 = 6.0;
const ROUGH: f64 = 2.0;
const ROUGHNESS: f64 = 1.3;

/// The noise of one app.
#[derive(Clone, Debug)]
pub struct Noise {
    shape: NoiseShape,
    seed: u64,
    /// When the regime changes, in nanoseconds; it begins calm.
    changes: Vec<u64>,
}

impl Noise {
    /// Noise of `shape`, fixed by `seed`, for `seconds`.
    pub fn new(shape: NoiseShape, seed: u64, seconds: f64) -> Self {
        let mut changes = Vec::new();
        if shape == NoiseShape::Bursty {
            let (mut at, mut count) = (0.0, 0_u64);
            while at < seconds {
                let mean = if count.is_multiple_of(2) { CALM } else { ROUGH };
                at -= mean * (1.0 - uniform(mix(seed ^ 0xB075), count)).ln();
                changes.push((at * 1e9) as u64);
                count += 1;
            }
        }
        Self { shape, seed, changes }
    }

    /// By how much frame number `frame`, which begins at `at` nanoseconds, takes longer than the median one.
    pub fn factor(&self, frame: u64, at: u64) -> f64 {
        self.quantile(uniform(self.seed, frame), at)
    }

    /// The factor that the share `share` of the frames that begin at `at` nanoseconds is at most.
    pub fn quantile(&self, share: f64, at: u64) -> f64 {
        match self.table() {
            Some(table) => self.regime(at) * interpolate(share, &SHARES, table),
            None => 1.0,
        }
    }

    /// The share of the frames that begin at `at` nanoseconds whose factor is above `factor`.
    pub fn above(&self, factor: f64, at: u64) -> f64 {
        match self.table() {
            Some(table) => 1.0 - interpolate(factor / self.regime(at), table, &SHARES),
            None if factor < 1.0 => 1.0,
            None => 0.0,
        }
    }

    fn table(&self) -> Option<&'static [f64; 17]> {
        match self.shape {
            NoiseShape::None => None,
            NoiseShape::Light | NoiseShape::Bursty => Some(&LIGHT),
            NoiseShape::Heavy => Some(&HEAVY),
        }
    }

    fn regime(&self, at: u64) -> f64 {
        let rough = self.changes.partition_point(|&change| change <= at) % 2 == 1;
        if rough { ROUGHNESS } else { 1.0 }
    }
}

/// The value at `x` of the line through the points (`xs`, `ys`), flat outside.
fn interpolate(x: f64, xs: &[f64; 17], ys: &[f64; 17]) -> f64 {
    let right = xs.partition_point(|&each| each < x);
    if right == 0 {
        return ys[0];
    }
    if right == xs.len() {
        return ys[xs.len() - 1];
    }
    let along = (x - xs[right - 1]) / (xs[right] - xs[right - 1]);
    ys[right - 1] + along * (ys[right] - ys[right - 1])
}

/// Number `index` of the uniform numbers from 0 to 1 that `seed` fixes (SplitMix64).
pub(crate) fn uniform(seed: u64, index: u64) -> f64 {
    let number = mix(seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15)));
    (number >> 11) as f64 / (1_u64 << 53) as f64
}

/// The output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_distributed_as_the_shape_says() {
        for shape in NoiseShape::ALL {
            let noise = Noise::new(shape, 7, 1000.0);
            for limit in [0.95, 1.05, 1.12, 1.4, 1.5] {
                let frames = 20_000_u64;
                let at = |frame: u64| frame * 50_000_000;
                let late = (0..frames).filter(|&frame| noise.factor(frame, at(frame)) > limit);
                let share = late.count() as f64 / frames as f64;
                let expect: f64 = (0..frames).map(|frame| noise.above(limit, at(frame))).sum();
                let expect = expect / frames as f64;
                assert!(
                    (share - expect).abs() < 0.01,
                    "{shape:?} {limit}: {share} {expect}"
                );
            }
        }
    }

    #[test]
    fn a_seed_fixes_everything() {
        let factors = |seed| {
            let noise = Noise::new(NoiseShape::Bursty, seed, 100.0);
            (0..100).map(move |frame| noise.factor(frame, frame * 1_000_000_000))
        };
        assert!(factors(1).eq(factors(1)));
        assert!(factors(1).ne(factors(2)));
    }
}
