//! What the board draws: what is believed before, corrected by what its rails measure.
//!
//! Steps:
//! 1. Power of a processor at an OPP with b busy units and a die at T:
//!    `s · resting(opp) · exp(growth · (T − 45 °C)) + c(opp) · dynamic(opp) · (b + uncore · P(any busy))`, with the
//!    watts of the [`Prior`] and correction factors s and c that are 1 until something is measured. P(any busy) of n
//!    units is `1 − (1 − b/n)ⁿ`, as if they were busy independently.
//! 2. c is a factor per OPP, interpolated between at most `KNOTS` of them that are spaced evenly on the logarithm of
//!    the clock; neighbours are believed alike, so that what one OPP teaches holds for others as far as they are near
//!    (a Gaussian process with exponential covariance over log f; Rasmussen & Williams, "Gaussian Processes for Machine
//!    Learning", 2006, § 4.2.1). Processors alike in kind, capacity and clocks share their factors.
//! 3. Each rail is the sum of the processors that it feeds and of a *rest* that drifts; each reading of one is an
//!    observation of all factors in it ([`Regression`]). Where no file tells what a rail feeds, the sum of those that
//!    are within no other one stands for the whole board.
//! 4. What is predicted is the sum of those rails: what a power budget is compared with. Without any reading it is the
//!    prior alone, and says so: [`PowerGrade::Estimated`].
//!
//! Noise of a rail is tracked from the innovations; readings that no board draws are left out.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use dynd_vocab::{BoardDescription, Celsius, Hertz, PowerGrade, Processor, Timestamp, Watts};

use crate::activity::Activity;
use crate::prior::{Prior, ProcessorPrior, REFERENCE};
use crate::regression::Regression;

/// The most correction factors of one kind of processor.
const KNOTS: usize = 6;

/// The distance on ln f over which factors of OPPs cease to be alike.
const LIKENESS: f64 = 0.5;

/// The share of a factor's variance that all OPPs of a processor have in common.
const COMMON: f64 = 0.5;

/// What a factor may drift by between two samples, and the rest of a rail in watts (standard deviations).
const FACTOR_DRIFT: f64 = 5e-4;
const REST_DRIFT: f64 = 5e-3;

/// How far a factor may be from the prior.
const LEAST_FACTOR: f64 = 0.05;
const MOST_FACTOR: f64 = 20.0;

/// How quickly the noise of a rail follows its squared innovations, and its least standard deviation in watts.
const NOISE_GAIN: f64 = 0.02;
const LEAST_NOISE: f64 = 0.02;

/// More than any board of ours draws: a reading beyond is none.
const MOST_WATTS: f64 = 5_000.0;

/// Readings after which the model counts as measured, and the time without any after which it no longer does.
const BELIEVED_AFTER: u32 = 3;
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);

/// A prediction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// The power.
    pub watts: Watts,
    /// How far it may be off (standard deviation).
    pub doubt: Watts,
    /// How it is known.
    pub grade: PowerGrade,
}

/// What each part of the board heats with.
#[derive(Clone, Debug, PartialEq)]
pub struct Heating {
    /// Per processor, all it draws, in watts.
    pub processors: Vec<f64>,
    /// The part of it that grows with temperature.
    pub leakage: Vec<f64>,
    /// By which share per kelvin, per processor.
    pub growth: Vec<f64>,
    /// What everything else draws.
    pub rest: f64,
}

impl Heating {
    /// All of it, in watts.
    pub fn total(&self) -> f64 {
        self.processors.iter().sum::<f64>() + self.rest
    }
}

/// The power model of a board.
#[derive(Clone, Debug)]
pub struct PowerModel {
    parts: Vec<Part>,
    rows: Vec<Row>,
    factors: Regression,
    bounds: Vec<(f64, f64)>,
    /// The hottest that is known of the dies, for leakage.
    celsius: f64,
    /// When a rail was read last, and how often one was.
    read: Option<(Timestamp, u32)>,
    /// What all outer rails read together at the latest sample, if they did.
    total: Option<f64>,
    regressor: Vec<f64>,
}

/// A processor in the model.
#[derive(Clone, Debug)]
struct Part {
    prior: ProcessorPrior,
    units: f64,
    /// Index of its resting factor; those of the knots follow.
    first: usize,
    /// Per OPP, the knot below and the weight of the one above.
    places: Vec<(usize, f64)>,
}

/// One or several rails that are looked at as one.
#[derive(Clone, Debug)]
struct Row {
    rails: Vec<usize>,
    processors: Vec<usize>,
    /// Index of its rest, if it has one.
    rest: Option<usize>,
    /// Whether it counts for the whole board.
    outer: bool,
    noise: f64,
}

impl PowerModel {
    /// The model of `board` before anything was measured.
    pub(crate) fn new(board: &BoardDescription, prior: &Prior) -> Self {
        let mut size = 0;
        let mut kinds: Vec<(&Processor, usize)> = Vec::new();
        let mut blocks: Vec<(usize, Vec<f64>, f64)> = Vec::new();
        let mut parts = Vec::new();
        for (processor, believed) in board.processors.iter().zip(&prior.processors) {
            let knots = knots(processor);
            let places = places(&processor.opps, &knots);
            let alike = |other: &&(&Processor, usize)| {
                (other.0.kind, other.0.capacity, &other.0.opps)
                    == (processor.kind, processor.capacity, &processor.opps)
            };
            let first = match kinds.iter().find(alike) {
                Some((_, first)) => *first,
                None => {
                    kinds.push((processor, size));
                    blocks.push((size, knots.clone(), believed.doubt.0));
                    size += 1 + knots.len();
                    kinds[kinds.len() - 1].1
                }
            };
            parts.push(Part {
                prior: believed.clone(),
                units: f64::from(processor.cpus.len().max(1)),
                first,
                places,
            });
        }
        let factors = size;
        let mut rows = rows(board, prior);
        for row in rows.iter_mut().filter(|row| row.rest.is_some()) {
            row.rest = Some(size);
            size += 1;
        }
        let mut mean = vec![1.0; factors];
        mean.resize(size, prior.rest);
        let mut covariance = vec![0.0; size * size];
        for (first, knots, doubt) in blocks {
            let variance = doubt * doubt;
            covariance[first * size + first] = variance;
            for (i, a) in knots.iter().enumerate() {
                for (j, b) in knots.iter().enumerate() {
                    let near = libm::exp(-libm::fabs(a - b) / LIKENESS);
                    covariance[(first + 1 + i) * size + first + 1 + j] =
                        variance * (COMMON + (1.0 - COMMON) * near);
                }
            }
        }
        for rest in factors..size {
            covariance[rest * size + rest] = (prior.rest * prior.rest).max(1.0);
        }
        let mut bounds = vec![(LEAST_FACTOR, MOST_FACTOR); factors];
        bounds.resize(size, (0.0, MOST_WATTS));
        let mut drift = vec![FACTOR_DRIFT; factors];
        drift.resize(size, REST_DRIFT);
        Self {
            parts,
            rows,
            factors: Regression::new(mean, covariance, drift),
            bounds,
            celsius: REFERENCE,
            read: None,
            total: None,
            regressor: vec![0.0; size],
        }
    }

    /// Learns from what the rails read, per rail of the board, while the processors did what `activities` says and the
    /// hottest die was at `celsius`. A rail that feeds a processor of which that is not known teaches nothing.
    pub(crate) fn observe(
        &mut self,
        now: Timestamp,
        activities: &[Option<Activity>],
        rails: &[Option<Watts>],
        celsius: Option<Celsius>,
    ) {
        if let Some(celsius) = celsius {
            self.celsius = celsius.get();
        }
        self.total = Some(0.0);
        for index in 0..self.rows.len() {
            let row = &self.rows[index];
            let all = row.rails.iter().map(|rail| rails.get(*rail).copied().flatten());
            let reading = all.sum::<Option<Watts>>().map(Watts::get);
            let believed = |watts: &f64| (0.0..=MOST_WATTS).contains(watts) && !row.rails.is_empty();
            let reading = reading.filter(believed);
            if row.outer {
                self.total = self.total.zip(reading).map(|(sum, watts)| sum + watts);
            }
            let all = row
                .processors
                .iter()
                .map(|p| activities.get(*p).copied().flatten());
            let known: Option<Vec<Activity>> = all.collect();
            let (Some(known), Some(reading)) = (known, reading) else {
                continue;
            };
            self.regressor.fill(0.0);
            for (processor, activity) in row.processors.iter().zip(known) {
                self.parts[*processor].add(&activity, self.celsius, &mut self.regressor);
            }
            if let Some(rest) = row.rest {
                self.regressor[rest] = 1.0;
            }
            let unsure = self.factors.expect(&self.regressor).variance;
            let row = &mut self.rows[index];
            let Some(innovation) = self.factors.observe(&self.regressor, reading, row.noise) else {
                continue;
            };
            let unexplained = (innovation * innovation - unsure).clamp(0.0, 9.0 * (row.noise + unsure));
            row.noise += NOISE_GAIN * (unexplained - row.noise);
            row.noise = row.noise.max(LEAST_NOISE * LEAST_NOISE);
            let count = self.read.map_or(0, |(_, count)| count);
            self.read = Some((now, count.saturating_add(1)));
        }
        self.factors.confine(&self.bounds);
    }

    /// What the board draws while each processor does what `activities` says.
    pub fn predict(&self, activities: &[Activity], now: Timestamp) -> Power {
        let mut h = vec![0.0; self.regressor.len()];
        for row in self.rows.iter().filter(|row| row.outer) {
            for processor in &row.processors {
                let activity = activities.get(*processor).copied().unwrap_or_default();
                self.parts[*processor].add(&activity, self.celsius, &mut h);
            }
            if let Some(rest) = row.rest {
                h[rest] = 1.0;
            }
        }
        let expected = self.factors.expect(&h);
        Power {
            watts: Watts::new(expected.mean),
            doubt: Watts::new(libm::sqrt(expected.variance.max(0.0))),
            grade: self.grade(now),
        }
    }

    /// What one busy unit of `processor` adds at an OPP, and what the first one adds on top.
    pub fn dynamic(&self, processor: usize, opp: usize) -> (Watts, Watts) {
        let part = &self.parts[processor];
        let watts = part.factor(opp, self.factors.mean()) * part.dynamic(opp);
        (Watts::new(watts), Watts::new(watts * part.prior.uncore))
    }

    /// What `processor` draws at an OPP whatever it does, as hot as it is.
    pub fn resting(&self, processor: usize, opp: usize) -> Watts {
        let part = &self.parts[processor];
        Watts::new(self.factors.mean()[part.first] * part.resting(opp, self.celsius))
    }

    /// What all that is no processor draws, as far as it counts for the budget.
    pub fn rest(&self) -> Watts {
        let outer = self.rows.iter().filter(|row| row.outer);
        let rests = outer.filter_map(|row| row.rest);
        Watts::new(rests.map(|rest| self.factors.mean()[rest]).sum())
    }

    /// How predictions are known.
    pub fn grade(&self, now: Timestamp) -> PowerGrade {
        match self.read {
            Some((at, count)) if count >= BELIEVED_AFTER && now.since(at) < FORGOTTEN_AFTER => {
                PowerGrade::Measured
            }
            _ => PowerGrade::Estimated,
        }
    }

    /// Where the power of `activities` went at the latest sample: as much as was measured, if it was.
    pub(crate) fn heated(&self, activities: &[Activity]) -> Heating {
        let mut heating = self.heating(activities);
        let modelled = heating.total();
        if let Some(total) = self.total.filter(|_| modelled > 0.0) {
            let scale = total / modelled;
            let parts = heating.processors.iter_mut().chain(&mut heating.leakage);
            parts.for_each(|watts| *watts *= scale);
            heating.rest *= scale;
        }
        heating
    }

    /// Where the power of `activities` goes.
    pub fn heating(&self, activities: &[Activity]) -> Heating {
        let mut heating = Heating {
            processors: Vec::with_capacity(self.parts.len()),
            leakage: Vec::with_capacity(self.parts.len()),
            growth: self.parts.iter().map(|part| part.prior.growth).collect(),
            rest: self.rest().get(),
        };
        for (index, activity) in activities.iter().enumerate().take(self.parts.len()) {
            let leakage = self.resting(index, activity.opp).get();
            let part = &self.parts[index];
            let dynamic = part.factor(activity.opp, self.factors.mean()) * part.dynamic(activity.opp);
            heating
                .processors
                .push(leakage + dynamic * part.busy(activity.busy));
            heating.leakage.push(leakage);
        }
        heating
    }
}

impl Part {
    /// Adds what it draws to the regressor `h`.
    fn add(&self, activity: &Activity, celsius: f64, h: &mut [f64]) {
        h[self.first] += self.resting(activity.opp, celsius);
        let watts = self.dynamic(activity.opp) * self.busy(activity.busy);
        let (knot, above) = self.place(activity.opp);
        h[self.first + 1 + knot] += watts * (1.0 - above);
        if above > 0.0 {
            h[self.first + 2 + knot] += watts * above;
        }
    }

    fn dynamic(&self, opp: usize) -> f64 {
        at(&self.prior.dynamic, opp)
    }

    fn resting(&self, opp: usize, celsius: f64) -> f64 {
        at(&self.prior.resting, opp) * libm::exp(self.prior.growth * (celsius - REFERENCE))
    }

    fn factor(&self, opp: usize, mean: &[f64]) -> f64 {
        let (knot, above) = self.place(opp);
        let low = mean[self.first + 1 + knot];
        if above > 0.0 {
            low + above * (mean[self.first + 2 + knot] - low)
        } else {
            low
        }
    }

    fn place(&self, opp: usize) -> (usize, f64) {
        self.places
            .get(opp)
            .or(self.places.last())
            .copied()
            .unwrap_or((0, 0.0))
    }

    /// Busy units, with the part that all share counted in.
    fn busy(&self, units: f64) -> f64 {
        let share = (units / self.units).clamp(0.0, 1.0);
        units.max(0.0) + self.prior.uncore * (1.0 - libm::pow(1.0 - share, self.units))
    }
}

/// The figure of an OPP; of the highest for one that is not there.
fn at(figures: &[f64], opp: usize) -> f64 {
    figures.get(opp).or(figures.last()).copied().unwrap_or(0.0)
}

/// ln f of the knots, ascending.
fn knots(processor: &Processor) -> Vec<f64> {
    let ln = |clock: &Hertz| libm::log(clock.as_hz().max(1) as f64);
    let (Some(lowest), Some(highest)) = (processor.opps.first().map(ln), processor.opps.last().map(ln))
    else {
        return vec![0.0];
    };
    let count = processor.opps.len().min(KNOTS);
    if count == 1 || highest <= lowest {
        return vec![highest];
    }
    let step = (highest - lowest) / (count - 1) as f64;
    (0..count).map(|k| lowest + step * k as f64).collect()
}

/// Per OPP, the knot below and the weight of the one above.
fn places(opps: &[Hertz], knots: &[f64]) -> Vec<(usize, f64)> {
    let last = knots.len() - 1;
    let place = |clock: &Hertz| {
        if last == 0 {
            return (0, 0.0);
        }
        let step = knots[1] - knots[0];
        let position = (libm::log(clock.as_hz().max(1) as f64) - knots[0]) / step;
        let below = (position.max(0.0) as usize).min(last - 1);
        (below, (position - below as f64).clamp(0.0, 1.0))
    };
    opps.iter().map(place).collect()
}

/// What is looked at: each rail that feeds processors, if it is known of all outer ones what they feed; else, and
/// without rails, the whole board.
fn rows(board: &BoardDescription, prior: &Prior) -> Vec<Row> {
    let outer = |index: usize| board.rails[index].within.is_none();
    let outers: Vec<usize> = (0..board.rails.len()).filter(|index| outer(*index)).collect();
    let known = !outers.is_empty() && outers.iter().all(|rail| prior.rails[*rail].is_some());
    if !known {
        return vec![Row {
            rails: outers,
            processors: (0..board.processors.len()).collect(),
            rest: Some(0),
            outer: true,
            noise: 0.25,
        }];
    }
    let rails = prior.rails.iter().enumerate();
    let row = |(index, feeds): (usize, &Option<crate::prior::Feeds>)| {
        let feeds = feeds.as_ref()?;
        // An inner rail without a processor says nothing that the outer one does not.
        (outer(index) || !feeds.processors.is_empty()).then(|| Row {
            rails: vec![index],
            processors: feeds.processors.clone(),
            rest: feeds.rest.then_some(0),
            outer: outer(index),
            noise: 0.25,
        })
    };
    rails.filter_map(row).collect()
}
