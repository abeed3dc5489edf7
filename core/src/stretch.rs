//! How clocks and neighbours stretch the inferences of one app.
//!
//! Steps:
//! 1. A latency of α + β/f is, over that at the highest clock, `1 + σ·(x − 1)`: x is the highest clock over the one at
//!    hand, σ the share of the time that the clock scales ([`Conditions::slowness`]). An accelerator's inference holds a
//!    part that its host does: `+ η·(h − 1)`, with the host's slowness h.
//! 2. σ and η per point from what was measured at different clocks: relative latency = a + b·x + c·h by [`Regression`],
//!    σ = b/(a+b+c), η = c/(a+b+c). As long as no clock varies they stay what was believed.
//! 3. What is believed beforehand comes from the nearest known sub-network of the same processor. The time that no
//!    clock scales (launches, memory) falls less than MACs do, so that a smaller sub-network has a larger share of it.
//! 4. Managed neighbours: `1 + κ·crowd`. κ per processor from relative latencies while others are busy: least squares with a
//!    prior. Time-sharing makes it 1 where nothing else is known, which is what an accelerator starts with; CPUs
//!    that are not shared start with 0, and learn what shared caches and memory cost.
//! 5. What nobody manages slows an accelerator's inferences as they tell themselves ([`Strangers`]); before one was seen
//!    there, as a managed neighbour would that is as busy as the driver says they are.
//!
//! Measured shares of time that a GPU's clock does not scale: 20 % (Xavier NX) and 29 % (Nano) at the highest clock, for
//! Inception v3 (LoudVA, `Profiling.csv`).

use alloc::collections::BTreeMap;
use alloc::vec;

use dynd_vocab::ProcessorKind;

use crate::conditions::Conditions;
use crate::forecast::Point;
use crate::regression::Regression;
use crate::strangers::Strangers;

/// σ and η where nothing was measured, of the largest sub-network.
const CPU: Slopes = Slopes { own: 0.9, host: 0.0 };
const ACCELERATOR: Slopes = Slopes { own: 0.7, host: 0.1 };

/// How far they may be off (standard deviations), and the relative latency as a whole.
const OWN_DOUBT: f64 = 0.15;
const HOST_DOUBT: f64 = 0.1;
const SCALE_DOUBT: f64 = 0.3;

/// The share of that doubt that is left once another sub-network was measured at other clocks.
const LIKENESS: f64 = 0.4;

/// What the coefficients may drift by between two inferences.
const DRIFT: f64 = 5e-4;

/// Noise of a relative latency, as a share of it (standard deviation): ±10 to 15 % on real boards.
const NOISE: f64 = 0.12;

/// How the share of time that no clock scales depends on MACs: as their ratio to this power.
const FIXED_GROWTH: f64 = -0.25;

/// The most of that share.
const MOST_FIXED: f64 = 0.6;

/// κ of a processor on which nothing was measured, and how many inferences beside a neighbour that keeps it fully busy
/// that belief weighs.
const ACCELERATOR_CROWDING: f64 = 1.0;
const CROWDING_WEIGHT: f64 = 4.0;

/// The most that κ can be.
const MOST_CROWDING: f64 = 8.0;

/// Below this share others do not count, and teach nothing.
const ALONE: f64 = 0.02;

/// The weight that evidence of κ keeps when more comes: memory of about 200 inferences.
const KEEP: f64 = 1.0 - 1.0 / 200.0;

/// Slower than any governor makes a processor: beyond, a clock is a mistake.
const MOST_SLOWNESS: f64 = 50.0;

/// Shares of the time at the highest clocks: what the processor's own clock scales, and what its host's does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slopes {
    pub(crate) own: f64,
    pub(crate) host: f64,
}

/// What is known of how one app's inferences are stretched.
#[derive(Debug, Default)]
pub(crate) struct Stretch {
    slopes: BTreeMap<Point, Learned>,
    crowding: BTreeMap<usize, Crowding>,
    /// Per accelerator on which an inference was seen.
    strangers: BTreeMap<usize, Strangers>,
    kinds: BTreeMap<usize, ProcessorKind>,
}

#[derive(Debug)]
struct Learned {
    coefficients: Regression,
    /// The latency that relative ones are relative to, in seconds: it must not move.
    reference: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Crowding {
    /// Sums of crowd · excess and of crowd².
    excess: f64,
    weight: f64,
}

/// Covariance of the parts of a relative latency: what no clock scales, the processor's own, its host's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Doubts([f64; 9]);

impl Doubts {
    /// Of parts that may be off along these directions, each by its length (standard deviation). A share that is larger
    /// means a fixed part that is smaller.
    fn along(directions: &[[f64; 3]]) -> Self {
        let mut covariance = [0.0; 9];
        for direction in directions {
            for (index, cell) in covariance.iter_mut().enumerate() {
                *cell += direction[index / 3] * direction[index % 3];
            }
        }
        Self(covariance)
    }

    fn known(coefficients: &Regression) -> Self {
        let mut covariance = [0.0; 9];
        covariance.copy_from_slice(coefficients.covariance());
        Self(covariance)
    }

    /// Of the log of the factor by which the clocks of `conditions` stretch an inference, which is believed to be `factor`.
    pub(crate) fn of(&self, conditions: &Conditions, factor: f64) -> f64 {
        let (own, host) = slowness(conditions);
        if (own, host) == (1.0, 1.0) {
            return 0.0;
        }
        let h = [1.0, own, host];
        let cells = self.0.iter().enumerate();
        let variance: f64 = cells
            .map(|(index, cell)| cell * h[index / 3] * h[index % 3])
            .sum();
        variance.max(0.0) / (factor * factor)
    }
}

impl Slopes {
    /// The parts of the relative latency at the highest clocks.
    fn parts(self) -> [f64; 3] {
        [1.0 - self.own - self.host, self.own, self.host]
    }

    /// By how much the clocks of `conditions` stretch what has these.
    pub(crate) fn factor(&self, conditions: &Conditions) -> f64 {
        let (own, host) = slowness(conditions);
        1.0 + self.own * (own - 1.0) + self.host * (host - 1.0)
    }
}

/// By how much neighbours stretch an inference of which one that keeps the processor fully busy adds the share `kappa`.
pub(crate) fn crowded(kappa: f64, crowd: f64) -> f64 {
    if crowd > ALONE { 1.0 + kappa * crowd } else { 1.0 }
}

impl Stretch {
    /// Says what kind of processor the one of this index is; a CPU if nobody does.
    pub(crate) fn know(&mut self, processor: usize, kind: ProcessorKind) {
        self.kinds.insert(processor, kind);
    }

    /// By how much `conditions` stretch an inference at `point`, over the highest clocks and no neighbour.
    pub(crate) fn factor(&self, point: Point, conditions: &Conditions, macs: &[u64]) -> f64 {
        let crowd = self.crowd_factor(point.processor, conditions);
        let strangers = self.strangers_factor(point.processor, conditions);
        self.clock_factor(point, conditions, macs) * crowd * strangers
    }

    /// Whether the processor of this index is an accelerator.
    pub(crate) fn is_accelerator(&self, processor: usize) -> bool {
        self.kind(processor) != ProcessorKind::Cpu
    }

    /// By how much what nobody manages slows inferences on `processor`.
    pub(crate) fn strangers_factor(&self, processor: usize, conditions: &Conditions) -> f64 {
        match self.strangers.get(&processor) {
            Some(strangers) => strangers.slowdown(),
            None if self.is_accelerator(processor) => 1.0 + self.crowding(processor) * conditions.strangers,
            None => 1.0,
        }
    }

    /// Learns what nobody manages costs from an inference at `point`, an accelerator's, that took `seconds` where
    /// `undisturbed` were expected without any stretch. True if that has changed.
    pub(crate) fn felt(
        &mut self,
        point: Point,
        conditions: &Conditions,
        (seconds, undisturbed): (f64, f64),
        macs: &[u64],
    ) -> bool {
        let clock = self.clock_factor(point, conditions, macs);
        let crowd = self.crowd_factor(point.processor, conditions);
        let r = libm::log(seconds / (undisturbed * clock * crowd));
        // Neighbours come and go between two inferences: one may meet all of them or none.
        let met = libm::log(crowd);
        let unsure = self.doubt(point, conditions, macs) + met * met;
        let first = self.strangers_factor(point.processor, conditions);
        let strangers = self
            .strangers
            .entry(point.processor)
            .or_insert_with(|| Strangers::new(first));
        let variance = strangers.variance();
        let alone = seconds / (crowd * strangers.slowdown());
        let has_changed = strangers.observe(r, unsure);
        if conditions.slowness.is_some() || conditions.host_slowness.is_some() {
            self.learn(point, conditions, (alone, undisturbed, variance), macs);
        }
        has_changed
    }

    /// How unsure it is how clocks stretch an inference at `point` (variance of the log).
    pub(crate) fn doubt(&self, point: Point, conditions: &Conditions, macs: &[u64]) -> f64 {
        let factor = self.clock_factor(point, conditions, macs);
        self.doubts(point).of(conditions, factor)
    }

    /// How far the shares of the time of `point`, an accelerator's, that clocks scale may be off.
    pub(crate) fn doubts(&self, point: Point) -> Doubts {
        match self.slopes.get(&point) {
            Some(learned) => Doubts::known(&learned.coefficients),
            None => self.first_doubts(point),
        }
    }

    /// The same before anything was learned of it.
    fn first_doubts(&self, point: Point) -> Doubts {
        let near = self.slopes.keys().any(|near| near.processor == point.processor);
        let share = if near { LIKENESS } else { 1.0 };
        let (own, host) = (share * OWN_DOUBT, share * HOST_DOUBT);
        Doubts::along(&[[-own, own, 0.0], [-host, 0.0, host]])
    }

    /// Learns from an inference that took `seconds` where `undisturbed` were expected without any stretch.
    pub(crate) fn observe(
        &mut self,
        point: Point,
        conditions: &Conditions,
        (seconds, undisturbed): (f64, f64),
        macs: &[u64],
    ) {
        if conditions.crowd > ALONE {
            let excess = seconds / (undisturbed * self.clock_factor(point, conditions, macs)) - 1.0;
            if excess.is_finite() {
                let kappa = self.crowding(point.processor);
                let crowding = self.crowding.entry(point.processor).or_default();
                let crowd = conditions.crowd.min(1.0);
                // One outlier is no neighbour.
                let most = 1.0 + 2.0 * kappa * crowd;
                crowding.excess = KEEP * crowding.excess + crowd * excess.clamp(-1.0, most);
                crowding.weight = KEEP * crowding.weight + crowd * crowd;
            }
        }
        if conditions.slowness.is_some() || conditions.host_slowness.is_some() {
            let alone = seconds / self.crowd_factor(point.processor, conditions);
            self.learn(point, conditions, (alone, undisturbed, NOISE * NOISE), macs);
        }
    }

    /// Shares of the time of `point` that clocks scale.
    pub(crate) fn slopes(&self, point: Point, macs: &[u64]) -> Slopes {
        self.learned(point).unwrap_or_else(|| self.believed(point, macs))
    }

    /// The same, if any were learned.
    pub(crate) fn learned(&self, point: Point) -> Option<Slopes> {
        self.slopes.get(&point).map(Learned::slopes)
    }

    /// κ: what a neighbour that keeps `processor` fully busy adds, as a share of the undisturbed latency.
    pub(crate) fn crowding(&self, processor: usize) -> f64 {
        let believed = match self.kind(processor) {
            ProcessorKind::Cpu => 0.0,
            _ => ACCELERATOR_CROWDING,
        };
        let seen = self.crowding.get(&processor).copied().unwrap_or_default();
        let kappa = (CROWDING_WEIGHT * believed + seen.excess) / (CROWDING_WEIGHT + seen.weight);
        kappa.clamp(0.0, MOST_CROWDING)
    }

    /// By how much clocks alone do.
    pub(crate) fn clock_factor(&self, point: Point, conditions: &Conditions, macs: &[u64]) -> f64 {
        if slowness(conditions) == (1.0, 1.0) {
            return 1.0;
        }
        self.slopes(point, macs).factor(conditions)
    }

    /// By how much managed neighbours alone do.
    pub(crate) fn crowd_factor(&self, processor: usize, conditions: &Conditions) -> f64 {
        if conditions.crowd > ALONE {
            crowded(self.crowding(processor), conditions.crowd)
        } else {
            1.0
        }
    }

    fn learn(
        &mut self,
        point: Point,
        conditions: &Conditions,
        (seconds, undisturbed, variance): (f64, f64, f64),
        macs: &[u64],
    ) {
        let (own, host) = slowness(conditions);
        let is_accelerator = self.is_accelerator(point.processor);
        if !self.slopes.contains_key(&point) {
            let believed = self.believed(point, macs);
            let mean = believed.parts();
            let doubts = match is_accelerator {
                true => self.first_doubts(point),
                // All three together may be off by a factor.
                false => Doubts::along(&[[-OWN_DOUBT, OWN_DOUBT, 0.0], mean.map(|part| part * SCALE_DOUBT)]),
            };
            self.slopes.insert(point, Learned::new(mean, doubts, undisturbed));
        }
        let Some(learned) = self.slopes.get_mut(&point) else {
            return;
        };
        // Of an accelerator, strangers take up what the reference is off by.
        if is_accelerator {
            learned.reference = undisturbed;
        }
        let relative = seconds / learned.reference;
        let h = [1.0, own, host];
        let expected = learned.coefficients.expect(&h).mean.max(0.1);
        let noise = variance * expected * expected;
        learned.coefficients.observe(&h, relative, noise);
    }

    /// What is believed of a point that was not measured at different clocks.
    pub(crate) fn believed(&self, point: Point, macs: &[u64]) -> Slopes {
        let size = |point: &Point| macs.get(point.subnetwork).copied().unwrap_or(1).max(1) as f64;
        let own_size = size(&point);
        let known = self
            .slopes
            .iter()
            .filter(|(near, _)| near.processor == point.processor);
        let distance = |near: &Point| {
            let ratio = size(near) / own_size;
            ratio.max(1.0 / ratio)
        };
        let nearest = known.min_by(|(a, _), (b, _)| distance(a).total_cmp(&distance(b)));
        let (of, slopes) = match nearest {
            Some((near, learned)) => (size(near), learned.slopes()),
            None => {
                let largest = macs.iter().copied().max().unwrap_or(1).max(1);
                let slopes = match self.kind(point.processor) {
                    ProcessorKind::Cpu => CPU,
                    _ => ACCELERATOR,
                };
                (largest as f64, slopes)
            }
        };
        let fixed = 1.0 - slopes.own - slopes.host;
        let fixed = (fixed * libm::pow(own_size / of, FIXED_GROWTH)).clamp(0.0, MOST_FIXED);
        // The host's part scales as the fixed one does: both are launches.
        let host = slopes.host.min(1.0 - fixed);
        Slopes {
            own: 1.0 - fixed - host,
            host,
        }
    }

    fn kind(&self, processor: usize) -> ProcessorKind {
        self.kinds.get(&processor).copied().unwrap_or(ProcessorKind::Cpu)
    }
}

impl Learned {
    fn new(mean: [f64; 3], Doubts(covariance): Doubts, reference: f64) -> Self {
        Self {
            coefficients: Regression::new(mean.to_vec(), covariance.to_vec(), vec![DRIFT; 3]),
            reference,
        }
    }

    fn slopes(&self) -> Slopes {
        let mean = self.coefficients.mean();
        let whole: f64 = mean.iter().sum();
        if whole <= 0.0 {
            return Slopes { own: 1.0, host: 0.0 };
        }
        let own = (mean[1] / whole).clamp(0.0, 1.0);
        let host = (mean[2] / whole).clamp(0.0, 1.0 - own);
        Slopes { own, host }
    }
}

/// Own and host slowness; what is unknown makes no difference.
fn slowness(conditions: &Conditions) -> (f64, f64) {
    let known = |slowness: Option<f64>| {
        let plausible = slowness.filter(|x| x.is_finite() && *x > 0.0);
        plausible.map_or(1.0, |x| x.min(MOST_SLOWNESS))
    };
    (known(conditions.slowness), known(conditions.host_slowness))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACS: [u64; 3] = [25, 100, 400];

    fn point(subnetwork: usize, processor: usize) -> Point {
        Point {
            subnetwork,
            processor,
            cores: 1,
        }
    }

    fn clocks(own: f64, host: f64) -> Conditions {
        Conditions {
            slowness: Some(own),
            host_slowness: Some(host),
            ..Conditions::at(0)
        }
    }

    fn gpu() -> Stretch {
        let mut stretch = Stretch::default();
        stretch.know(1, ProcessorKind::Gpu);
        stretch
    }

    /// Deterministic noise within ±10 %.
    fn noise(i: u32) -> f64 {
        1.0 + 0.1 * (f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 23) - 1.0)
    }

    #[test]
    fn without_clocks_and_neighbours_nothing_is_stretched() {
        let mut stretch = gpu();
        for i in 0..100 {
            stretch.observe(point(1, 1), &Conditions::at(0), (3.0 * noise(i), 1.0), &MACS);
        }
        assert_eq!(stretch.factor(point(1, 1), &Conditions::at(0), &MACS), 1.0);
        assert_eq!(stretch.slopes(point(2, 1), &MACS), ACCELERATOR);
    }

    /// A truth of 10 ms: 45 % that no clock scales, 40 % the GPU's, 15 % the host's.
    #[test]
    fn slopes_are_learned_where_clocks_vary() {
        let mut stretch = gpu();
        let truth = |own: f64, host: f64| 10.0 * (0.45 + 0.40 * own + 0.15 * host);
        for i in 0..300 {
            let (own, host) = ([1.0, 1.5, 2.5][i as usize % 3], [1.0, 2.0][i as usize / 3 % 2]);
            let took = truth(own, host) * noise(i);
            stretch.felt(point(1, 1), &clocks(own, host), (took, 10.0), &MACS);
        }
        let slopes = stretch.slopes(point(1, 1), &MACS);
        assert!(
            (slopes.own - 0.40).abs() < 0.04 && (slopes.host - 0.15).abs() < 0.04,
            "{slopes:?}"
        );
        let factor = stretch.factor(point(1, 1), &clocks(4.0, 1.0), &MACS);
        assert!(
            (factor - truth(4.0, 1.0) / truth(1.0, 1.0)).abs() < 0.15,
            "{factor}"
        );
        // A smaller one is believed to have more that no clock scales, a larger one less.
        let of = |subnetwork| stretch.slopes(point(subnetwork, 1), &MACS).own;
        assert!(of(0) < of(1) && of(1) < of(2), "{} {} {}", of(0), of(1), of(2));
    }

    #[test]
    fn what_a_lower_clock_costs_is_taken_for_the_clocks_and_not_for_strangers() {
        let mut stretch = gpu();
        let truth = |own: f64| 10.0 * (0.6 + 0.4 * own);
        (0..100).for_each(|i| {
            let took = truth(1.0) * noise(i);
            stretch.felt(point(1, 1), &clocks(1.0, 1.0), (took, 10.0), &MACS);
        });
        let told = (0..60).any(|i| {
            let took = truth(2.5) * noise(i);
            stretch.felt(point(1, 1), &clocks(2.5, 1.0), (took, 10.0), &MACS)
        });
        assert!(!told, "a stranger came with the clock");
        let strangers = stretch.strangers_factor(1, &Conditions::at(0));
        assert!((strangers - 1.0).abs() < 0.03, "{strangers}");
        let factor = stretch.factor(point(1, 1), &clocks(2.5, 1.0), &MACS);
        assert!((factor - 1.6).abs() < 0.1, "{factor}");
    }

    #[test]
    fn a_managed_neighbour_that_is_met_now_and_then_is_no_stranger() {
        let mut stretch = gpu();
        let beside = Conditions {
            crowd: 0.5,
            ..Conditions::at(0)
        };
        let turns = (0..200).filter(|i| {
            // Meets it for eight inferences, and not for eight.
            let met = if i / 8 % 2 == 0 { 1.6 } else { 1.0 };
            stretch.felt(point(1, 1), &beside, (10.0 * met * noise(*i), 10.0), &MACS)
        });
        assert_eq!(turns.count(), 0);
    }

    #[test]
    fn a_clock_that_stands_still_teaches_no_slope() {
        let mut stretch = gpu();
        let before = stretch.slopes(point(1, 0), &MACS);
        for i in 0..2000 {
            stretch.observe(point(1, 0), &clocks(2.0, 1.0), (20.0 * noise(i), 10.0), &MACS);
        }
        let after = stretch.slopes(point(1, 0), &MACS);
        assert!((after.own - before.own).abs() < 0.12, "{before:?} {after:?}");
    }

    #[test]
    fn neighbours_are_learned_per_processor() {
        let mut stretch = gpu();
        let beside = |crowd| Conditions {
            crowd,
            ..Conditions::at(0)
        };
        assert_eq!(stretch.factor(point(1, 1), &beside(0.5), &MACS), 1.5);
        assert_eq!(stretch.factor(point(1, 0), &beside(0.5), &MACS), 1.0);
        for i in 0..400 {
            let crowd = 0.2 + 0.6 * f64::from(i % 5) / 4.0;
            let took = 10.0 * (1.0 + 1.8 * crowd) * noise(i);
            stretch.observe(point(1, 1), &beside(crowd), (took, 10.0), &MACS);
            let took = 10.0 * (1.0 + 0.25 * crowd) * noise(i);
            stretch.observe(point(1, 0), &beside(crowd), (took, 10.0), &MACS);
        }
        assert!((stretch.crowding(1) - 1.8).abs() < 0.2, "{}", stretch.crowding(1));
        assert!(
            (stretch.crowding(0) - 0.25).abs() < 0.1,
            "{}",
            stretch.crowding(0)
        );
    }

    #[test]
    fn nonsense_leaves_no_trace() {
        let mut stretch = gpu();
        for bad in [f64::NAN, f64::INFINITY, -1.0, 0.0] {
            let conditions = Conditions {
                crowd: 0.5,
                ..clocks(bad, bad)
            };
            stretch.observe(point(1, 1), &conditions, (bad, 10.0), &MACS);
            let factor = stretch.factor(point(1, 1), &conditions, &MACS);
            assert!(factor.is_finite() && factor >= 1.0, "{bad}: {factor}");
        }
    }
}
