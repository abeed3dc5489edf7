//! How hot the board gets: from power to the temperature of each thermal zone, identified while it runs.
//!
//! Steps, per zone:
//! 1. Power of all parts, each weighted with how much it heats this zone, is one input u. It passes a bank of first-order
//!    low-pass filters f of the time constants `TAUS`; T = ambient + Σ r·f, r ≥ 0: a Foster network, which any linear
//!    heat path with one input is as seen from one place (Székely, "A new evaluation method of thermal transient
//!    measurement results", Microelectronics Journal 28, 1997). The figures that are learned stand linearly in it
//!    ([`Regression`]), so that no time constant must be guessed: the shares r tell it. How warm the board was when it
//!    was first looked at is unknown: what is left of that decays by the same time constants, and is learned too.
//! 2. In the steady state every filter is u: T = ambient + (Σ r)·u. What leaks grows with T, and T with it: the fixed
//!    point is iterated, and a board that finds none runs away.
//! 3. The power that can be sustained is that whose steady state is the zone's limit: that of the policy, and a little
//!    below where the kernel throttles or worse, whichever is lower.
//! 4. A zone that was read and is no longer is *blind*: it is taken to have warmed since as fast as it ever did
//!    ([`HeatModel::worst`]). Until it is read again the board keeps to the OPPs and the power that it is known to
//!    sustain.
//!
//! A sensor that never changed is not believed to be one (Jetsons show 100 °C for a PMIC that has none).
//!
//! Glossary: gain, kelvins per watt in the steady state. Fans show as a gain that drifts; it is learned anew.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use dynd_vocab::{BoardDescription, Celsius, Timestamp, TripKind, Watts};

use crate::activity::Activity;
use crate::power::Heating;
use crate::prior::{Prior, ZonePrior};
use crate::regression::Regression;

/// Time constants of the filters, in seconds: from a die to a board in its case.
const TAUS: [f64; 5] = [1.5, 6.0, 25.0, 100.0, 400.0];

/// How often the figures are learned from; filters follow every sample.
const LEARN_EVERY: f64 = 1.0;

/// Noise of a thermometer, in kelvins: a quantum of half a degree and more.
const NOISE: f64 = 0.25;

/// What the ambient temperature and a gain (K/W) may drift by per second (standard deviations).
const AMBIENT_DRIFT: f64 = 0.02;
const GAIN_DRIFT: f64 = 1e-3;

/// How far the ambient temperature may be from what is believed (standard deviation, in kelvins).
const AMBIENT_DOUBT: f64 = 8.0;

/// How far each part of the heat that was there before may be from that of the first sample's power (K).
const BEFORE_DOUBT: f64 = 10.0;

/// Figures of a zone: the ambient temperature, a gain per filter, a part of the heat before per filter.
const FIGURES: usize = 1 + 2 * TAUS.len();

/// How far below a trip of the kernel to stay.
const GUARD: f64 = 3.0;

/// A zone that was not read for so long is blind.
const BLIND_AFTER: Duration = Duration::from_secs(2);

/// The seconds over which it is seen how fast a zone warms.
const SLOPE_OVER: f64 = 2.0;

/// What a zone warms by in a second at least, once it is blind, in kelvins.
const LEAST_SLEW: f64 = 0.2;

/// How long a board must have stayed below its limits, and be headed to, for what it does to count as sustainable.
const PROVEN_AFTER: Duration = Duration::from_secs(30);

/// Rounds of the fixed point of leakage, and the temperature beyond which it is none.
const ROUNDS: usize = 30;
const RUNAWAY: f64 = 200.0;

/// Temperatures that surroundings can have.
const AMBIENTS: (f64, f64) = (-40.0, 80.0);

/// Temperatures that a sensor can have; others are no readings.
const PLAUSIBLE: core::ops::RangeInclusive<f64> = -40.0..=150.0;

/// The heat model of a board.
#[derive(Clone, Debug)]
pub struct HeatModel {
    zones: Vec<Zone>,
    limit: Option<Celsius>,
    at: Option<Timestamp>,
    since_learned: f64,
    cool_since: Option<Timestamp>,
    proven: Option<Proven>,
}

/// What the board is known to sustain.
#[derive(Clone, Debug, PartialEq)]
pub struct Proven {
    /// Per processor, the index of its OPP.
    pub opps: Vec<usize>,
    /// The power of all of it.
    pub power: Watts,
}

/// How power heats one zone in the steady state, and how hot it may get: Σ gains · watts + `rest_gain` · rest +
/// `ambient` ≤ `limit`.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermalBound {
    /// Kelvins per watt, per processor.
    pub gains: Vec<f64>,
    /// Kelvins per watt of all else.
    pub rest_gain: f64,
    /// Degrees without any power.
    pub ambient: Celsius,
    /// How hot it may get.
    pub limit: Celsius,
}

#[derive(Clone, Debug)]
struct Zone {
    weights: Vec<f64>,
    rest_weight: f64,
    filters: [f64; TAUS.len()],
    /// What is left of the heat before, per filter, as a share.
    left: [f64; TAUS.len()],
    figures: Regression,
    /// Where the kernel throttles or worse.
    trip: Option<f64>,
    first: Option<f64>,
    /// Where the slope is measured from.
    marked: Option<(Timestamp, f64)>,
    last: Option<(Timestamp, f64)>,
    /// True once it showed two different temperatures.
    alive: bool,
    slew: f64,
}

impl HeatModel {
    /// The model of `board` before anything was measured.
    pub(crate) fn new(board: &BoardDescription, prior: &Prior) -> Self {
        let zones = board.zones.iter().zip(&prior.zones);
        Self {
            zones: zones
                .map(|(zone, prior)| {
                    let acts = |kind| !matches!(kind, TripKind::Active);
                    let trips = zone.trips.iter().filter(|trip| acts(trip.kind));
                    let lowest = trips.map(|trip| trip.temperature.get()).min_by(f64::total_cmp);
                    Zone::new(prior, lowest)
                })
                .collect(),
            limit: None,
            at: None,
            since_learned: 0.0,
            cool_since: None,
            proven: None,
        }
    }

    /// Keeps to `limit` from now on, and to the kernel's trips.
    pub(crate) fn limit(&mut self, limit: Option<Celsius>) {
        if self.limit != limit {
            self.limit = limit;
            (self.cool_since, self.proven) = (None, None);
        }
    }

    /// Learns that the zones read `readings` while the board heated as `heating` says since the last time.
    pub(crate) fn observe(
        &mut self,
        now: Timestamp,
        activities: &[Activity],
        heating: &Heating,
        readings: &[Option<Celsius>],
    ) {
        let dt = self.at.map(|at| now.since(at).as_secs_f64());
        self.at = Some(now);
        self.since_learned += dt.unwrap_or(0.0);
        let learn = self.since_learned >= LEARN_EVERY;
        for (index, zone) in self.zones.iter_mut().enumerate() {
            zone.flow(heating, dt);
            let reading = readings.get(index).copied().flatten().map(Celsius::get);
            if let Some(celsius) = reading.filter(|celsius| PLAUSIBLE.contains(celsius)) {
                zone.read(now, celsius, learn);
            }
        }
        if learn {
            self.since_learned = 0.0;
            self.prove(now, activities, heating);
        }
    }

    /// How hot the zone of this index gets if the board heats like this for ever; nothing if it has no thermometer.
    pub fn steady(&self, zone: usize, heating: &Heating) -> Option<Celsius> {
        let zone = self.zones.get(zone).filter(|zone| zone.alive)?;
        let (_, now) = zone.last?;
        Some(Celsius::new(zone.steady(heating, now)))
    }

    /// How hot it is if the board heats like this for `span`.
    pub fn after(&self, zone: usize, heating: &Heating, span: Duration) -> Option<Celsius> {
        let zone = self.zones.get(zone).filter(|zone| zone.alive)?;
        let (_, now) = zone.last?;
        let mut later = zone.clone();
        later.flow(heating, Some(span.as_secs_f64()));
        // The model's own error now is its error then.
        Some(Celsius::new(now + later.model() - zone.model()))
    }

    /// The hottest zone that has a thermometer and is read.
    pub fn hottest(&self, now: Timestamp) -> Option<Celsius> {
        let seen = self.zones.iter().filter(|zone| zone.alive && !zone.is_blind(now));
        let readings = seen.filter_map(|zone| zone.last.map(|(_, celsius)| celsius));
        readings.max_by(f64::total_cmp).map(Celsius::new)
    }

    /// The zone that comes closest to its limit if the board heats like this for ever, and how hot it gets.
    pub fn closest(&self, heating: &Heating) -> Option<(usize, Celsius)> {
        let steady = (0..self.zones.len()).filter_map(|index| Some((index, self.steady(index, heating)?)));
        let room = |index: usize, celsius: Celsius| {
            self.limit_of(&self.zones[index])
                .map_or(f64::INFINITY, |limit| limit - celsius.get())
        };
        steady.min_by(|a, b| room(a.0, a.1).total_cmp(&room(b.0, b.1)))
    }

    /// What keeps every zone below its limit for ever; a zone without limit or thermometer bounds nothing.
    pub fn bounds(&self) -> Vec<ThermalBound> {
        let alive = self.zones.iter().filter(|zone| zone.alive);
        let bound = |zone: &Zone| {
            let gain = zone.gain();
            Some(ThermalBound {
                gains: zone.weights.iter().map(|weight| weight * gain).collect(),
                rest_gain: zone.rest_weight * gain,
                ambient: Celsius::new(zone.figures.mean()[0]),
                limit: Celsius::new(self.limit_of(zone)?),
            })
        };
        alive.filter_map(bound).collect()
    }

    /// The power that all zones can bear for ever if it is spread as in `heating`; nothing if none has a limit. Of a blind
    /// board, what it is known to sustain.
    pub fn sustainable(&self, heating: &Heating, now: Timestamp) -> Option<Watts> {
        let total = heating.total();
        let share = |zone: &Zone| {
            let limit = self.limit_of(zone)?;
            let (_, celsius) = zone.last?;
            let input = zone.input(heating);
            let leaks: f64 = zone.leakage(heating, celsius, limit);
            let most = ((limit - zone.figures.mean()[0]) / zone.gain().max(1e-6) - leaks).max(0.0);
            (input > 0.0).then(|| total * most / input)
        };
        let known = self.zones.iter().filter(|zone| zone.alive).filter_map(share);
        let known = known.min_by(f64::total_cmp);
        match self.blind(now) {
            Some(_) => {
                let proven = self.proven.as_ref().map_or(0.0, |proven| proven.power.get());
                known.map(|known| Watts::new(known.min(proven)))
            }
            None => known.map(Watts::new),
        }
    }

    /// A zone whose sensor is lost, by index, if in the worst case it is above its limit by now; it stays so until it is
    /// read again.
    pub fn blind(&self, now: Timestamp) -> Option<usize> {
        let zones = self.zones.iter();
        zones
            .enumerate()
            .find(|(_, zone)| {
                let limit = self.limit_of(zone);
                zone.alive && zone.is_blind(now) && limit.is_some_and(|limit| zone.worst(now) > limit)
            })
            .map(|(index, _)| index)
    }

    /// How hot the zone of this index is at worst: as read, and if it is no longer read warmer by as much as it ever
    /// warmed in that time.
    pub fn worst(&self, zone: usize, now: Timestamp) -> Option<Celsius> {
        let zone = self.zones.get(zone).filter(|zone| zone.alive)?;
        Some(Celsius::new(zone.worst(now)))
    }

    /// What the board is known to sustain: how it ran when all was read, below its limits and headed to stay there.
    pub fn proven(&self) -> Option<&Proven> {
        self.proven.as_ref()
    }

    fn limit_of(&self, zone: &Zone) -> Option<f64> {
        let policy = self.limit.map(Celsius::get);
        let kernel = zone.trip.map(|trip| trip - GUARD);
        match (policy, kernel) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    fn prove(&mut self, now: Timestamp, activities: &[Activity], heating: &Heating) {
        let alive = || self.zones.iter().filter(|zone| zone.alive);
        let fine = |zone: &Zone| {
            let Some((_, celsius)) = zone.last else {
                return false;
            };
            let limit = self.limit_of(zone).unwrap_or(f64::INFINITY);
            !zone.is_blind(now) && celsius <= limit && zone.steady(heating, celsius) <= limit
        };
        if alive().next().is_none() || !alive().all(fine) {
            self.cool_since = None;
            return;
        }
        let since = *self.cool_since.get_or_insert(now);
        if now.since(since) >= PROVEN_AFTER {
            self.proven = Some(Proven {
                opps: activities.iter().map(|activity| activity.opp).collect(),
                power: Watts::new(heating.total()),
            });
        }
    }
}

impl Zone {
    fn new(prior: &ZonePrior, trip: Option<f64>) -> Self {
        let parts = prior.gains.iter().chain([&prior.rest_gain]);
        let gain = parts.copied().fold(1e-6, f64::max);
        let (near, share) = prior.near;
        let size = FIGURES;
        let mut mean = vec![0.0; size];
        mean[0] = prior.ambient;
        mean[1 + nearest(near)] += gain * share;
        mean[1 + nearest(prior.far)] += gain * (1.0 - share);
        let mut covariance = vec![0.0; size * size];
        covariance[0] = AMBIENT_DOUBT * AMBIENT_DOUBT;
        for index in 1..=TAUS.len() {
            let doubt = prior.doubt.0 * gain;
            covariance[index * size + index] = doubt * doubt / TAUS.len() as f64;
            let before = index + TAUS.len();
            covariance[before * size + before] = BEFORE_DOUBT * BEFORE_DOUBT;
        }
        let mut drift = vec![0.0; size];
        drift[1..=TAUS.len()].fill(GAIN_DRIFT);
        drift[0] = AMBIENT_DRIFT;
        Self {
            weights: prior.gains.iter().map(|own| own / gain).collect(),
            rest_weight: prior.rest_gain / gain,
            filters: [0.0; TAUS.len()],
            left: [1.0; TAUS.len()],
            figures: Regression::new(mean, covariance, drift),
            trip,
            first: None,
            marked: None,
            last: None,
            alive: false,
            slew: LEAST_SLEW,
        }
    }

    fn input(&self, heating: &Heating) -> f64 {
        let parts = heating.processors.iter().zip(&self.weights);
        parts.map(|(watts, weight)| watts * weight).sum::<f64>() + heating.rest * self.rest_weight
    }

    /// Lets the filters follow for `dt` seconds; without, they are taken to have settled.
    fn flow(&mut self, heating: &Heating, dt: Option<f64>) {
        let input = self.input(heating);
        for ((filter, left), tau) in self.filters.iter_mut().zip(&mut self.left).zip(TAUS) {
            let Some(dt) = dt else {
                *filter = input;
                continue;
            };
            let keep = libm::exp(-dt / tau);
            *filter = input + (*filter - input) * keep;
            *left *= keep;
        }
    }

    fn read(&mut self, now: Timestamp, celsius: f64, learn: bool) {
        let (since, before) = *self.marked.get_or_insert((now, celsius));
        let span = now.since(since).as_secs_f64();
        // A step of one quantum between two close readings is no slope.
        if span >= SLOPE_OVER {
            self.slew = self.slew.max((celsius - before) / span);
            self.marked = Some((now, celsius));
        }
        let first = *self.first.get_or_insert(celsius);
        self.alive |= first != celsius;
        if learn || self.last.is_none() {
            self.figures.observe(&self.regressor(), celsius, NOISE * NOISE);
            let mut bounds = [(f64::NEG_INFINITY, f64::INFINITY); FIGURES];
            bounds[0] = AMBIENTS;
            bounds[1..=TAUS.len()].fill((0.0, f64::INFINITY));
            self.figures.confine(&bounds);
        }
        self.last = Some((now, celsius));
    }

    fn model(&self) -> f64 {
        self.figures.expect(&self.regressor()).mean
    }

    fn regressor(&self) -> [f64; FIGURES] {
        let mut h = [1.0; FIGURES];
        h[1..=TAUS.len()].copy_from_slice(&self.filters);
        h[1 + TAUS.len()..].copy_from_slice(&self.left);
        h
    }

    fn gain(&self) -> f64 {
        self.figures.mean()[1..=TAUS.len()].iter().sum()
    }

    /// What leakage adds to the input when the zone goes from `now` to `then`.
    fn leakage(&self, heating: &Heating, now: f64, then: f64) -> f64 {
        let parts = heating.leakage.iter().zip(&heating.growth).zip(&self.weights);
        parts
            .map(|((leakage, growth), weight)| weight * leakage * (libm::exp(growth * (then - now)) - 1.0))
            .sum()
    }

    fn steady(&self, heating: &Heating, now: f64) -> f64 {
        let (ambient, gain, input) = (self.figures.mean()[0], self.gain(), self.input(heating));
        let mut celsius = ambient + gain * input;
        for _ in 0..ROUNDS {
            let next = ambient + gain * (input + self.leakage(heating, now, celsius.min(RUNAWAY)));
            if libm::fabs(next - celsius) < 0.01 {
                break;
            }
            celsius = next;
            if celsius > RUNAWAY {
                return f64::INFINITY;
            }
        }
        celsius
    }

    fn is_blind(&self, now: Timestamp) -> bool {
        self.last.is_none_or(|(at, _)| now.since(at) > BLIND_AFTER)
    }

    fn worst(&self, now: Timestamp) -> f64 {
        self.last.map_or(f64::INFINITY, |(at, celsius)| {
            let age = now.since(at);
            if age > BLIND_AFTER {
                celsius + self.slew * age.as_secs_f64()
            } else {
                celsius
            }
        })
    }
}

/// The filter whose time constant is nearest, by ratio.
fn nearest(tau: f64) -> usize {
    let distance = |index: &usize| libm::fabs(libm::log(TAUS[*index] / tau.max(1e-3)));
    let all = 0..TAUS.len();
    all.min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(0)
}
