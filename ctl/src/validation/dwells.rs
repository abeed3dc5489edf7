//! A load under stepped clocks: the simulated board goes through the measured sequence of clock pairs, in the same
//! time, with the cooling that it had then.
//!
//! - *Power*: mean of the last second of each dwell, all rails, against the reading at its end.
//! - *Steady*: the hottest sensor at the last reading of each dwell.
//! - *Trace*: the hottest sensor at every reading, root mean square.
//!
//! None of these counts a row that something was fitted on. The fourth has no other rows, and is a residual of the fit:
//!
//! - *Benefit*: how much more is done at the highest clock of the second cluster than at the next one that was tried, over all
//!   dwells at those clocks but the first of each, where the board is not yet warm. Throttling eats it.

use std::time::Duration;

use dynd_files::{Dwell, Dwells};
use dynd_plant::{JobId, Place, Plant, Work};
use dynd_vocab::blueprint::{CoolingRange, ThermalLink, ZoneTrip};
use dynd_vocab::{Blueprint, CpuSet, Hertz, Pid, Seconds, TripKind};

use super::ValidationError;
use super::check::{Check, Errors, Rows, Unit};

const POWER: f64 = 5.0;
const STEADY: f64 = 2.5;
const TRACE: f64 = 4.0;
const BENEFIT: f64 = 2.0;

/// Over how long power is averaged at the end of a dwell.
const AVERAGED: Duration = Duration::from_secs(1);

/// Cycles of one item of the load: 10 ms at 1 GHz.
const ITEM: f64 = 1e7;

/// Items begun on each CPU at once; more than one, so that none idles while the next is handed over.
const IN_FLIGHT: u32 = 2;

/// What the simulation found.
#[derive(Default)]
struct Found {
    /// Watts of all rails at the end of each dwell.
    watts: Vec<f64>,
    /// Items done per second in each dwell by the second cluster.
    rate: Vec<f64>,
    /// The hottest sensor at each reading of the trace.
    trace: Vec<f64>,
}

/// Runs the experiment of `dwells` on `board`.
pub(super) fn check(name: &str, board: &Blueprint, dwells: &Dwells) -> Result<Vec<Check>, ValidationError> {
    let found = Experiment::new(name, board, dwells)?.run(dwells)?;
    let (mut power, mut steady, mut trace) = (Errors::default(), Errors::default(), Errors::default());
    let apart = |(have, (_, want)): (&f64, &(Seconds, dynd_vocab::Celsius))| have - want.get();
    let apart: Vec<_> = found.trace.iter().zip(&dwells.trace).map(apart).collect();
    for (index, error) in apart.iter().enumerate() {
        trace.push(dwells.fitted.has_reading(index), *error);
    }
    for (dwell, watts) in dwells.dwells.iter().zip(&found.watts) {
        let error = 100.0 * (watts / dwell.watts - 1.0);
        power.push(dwells.fitted.has_power(dwell), error);
        if let Some(index) = dwells.trace.iter().rposition(|(at, _)| *at <= dwell.until) {
            steady.push(dwells.fitted.has_reading(index), apart[index]);
        }
    }
    let measured: Vec<_> = dwells.dwells.iter().map(|dwell| dwell.throughput).collect();
    let benefit = 100.0 * (benefit(&dwells.dwells, &found.rate) - benefit(&dwells.dwells, &measured));
    let name = |what: &str| format!("{name}: {what}");
    Ok(vec![
        Check::at_most(
            name("power over all clock pairs, mean error"),
            power.mean_absolute(),
            POWER,
            Unit::Percent,
        )
        .of(power.rows()),
        Check::at_most(
            name("hottest sensor at the end of each clock pair, mean error"),
            steady.mean_absolute(),
            STEADY,
            Unit::Kelvins,
        )
        .of(steady.rows()),
        Check::at_most(
            name("hottest sensor along the trace, root mean square"),
            trace.root_mean_square(),
            TRACE,
            Unit::Kelvins,
        )
        .of(trace.rows()),
        Check::at_most(
            name("benefit of the highest clock, throttled, residual of the fit"),
            benefit.abs(),
            BENEFIT,
            Unit::Points,
        )
        .of(throttled(&dwells.dwells)),
    ])
}

/// The dwells at the two highest clocks of the second cluster: the fit was on the mean throughput of each.
fn throttled(dwells: &[Dwell]) -> Rows {
    let clocks = second_clocks(dwells);
    let two = clocks.iter().rev().take(2);
    let at = |clock: &Hertz| {
        dwells
            .iter()
            .filter(|dwell| dwell.clocks[1] == *clock)
            .skip(1)
            .count()
    };
    Rows {
        fitted: two.map(at).sum(),
        checked: 0,
    }
}

/// The clocks of the second cluster that were tried, ascending.
fn second_clocks(dwells: &[Dwell]) -> Vec<Hertz> {
    let mut clocks: Vec<Hertz> = dwells.iter().map(|dwell| dwell.clocks[1]).collect();
    clocks.sort_unstable();
    clocks.dedup();
    clocks
}

/// How much larger `rate` is at the highest clock of the second cluster than at the next lower one that was tried, as a
/// share. The first dwell at each clock is left out.
fn benefit(dwells: &[Dwell], rate: &[f64]) -> f64 {
    let clocks = second_clocks(dwells);
    let mean = |clock: Option<&Hertz>| {
        let at = dwells
            .iter()
            .zip(rate)
            .filter(|(dwell, _)| Some(&dwell.clocks[1]) == clock);
        let rates: Vec<_> = at.skip(1).map(|(_, rate)| rate).collect();
        rates.iter().copied().sum::<f64>() / rates.len().max(1) as f64
    };
    mean(clocks.last()) / mean(clocks.iter().rev().nth(1)) - 1.0
}

/// A board under a load that never ends.
struct Experiment {
    plant: Plant,
    /// The two clusters whose clocks are stepped.
    clusters: [usize; 2],
    /// What runs: the job, its CPU, its cluster.
    running: Vec<(JobId, u32, usize)>,
    done: u64,
}

impl Experiment {
    fn new(name: &str, board: &Blueprint, dwells: &Dwells) -> Result<Self, ValidationError> {
        let lacks = |what: &str| ValidationError::Lacks {
            board: name.into(),
            what: what.into(),
        };
        let cluster = |wanted: &str| {
            let found = board.clusters.iter().position(|each| each.silicon.name == wanted);
            found.ok_or_else(|| lacks(wanted))
        };
        let mut plant = Plant::new(
            &then(board, dwells).ok_or_else(|| lacks(&dwells.cooler.0))?,
            super::SEED,
        );
        for (node, celsius) in &dwells.start {
            let index = board.thermal.nodes.iter().position(|each| each.name == *node);
            plant.preheat(index.ok_or_else(|| lacks(node))?, *celsius);
        }
        let mut experiment = Self {
            plant,
            clusters: [0, 1],
            running: Vec::new(),
            done: 0,
        };
        for each in experiment.clusters {
            experiment.plant.govern(each, "userspace")?;
        }
        for (wanted, threads) in &dwells.threads {
            let cluster = cluster(wanted)?;
            let cpus = board.clusters[cluster].cpus.iter().take(*threads as usize);
            for cpu in cpus.flat_map(|cpu| (0..IN_FLIGHT).map(move |_| cpu)) {
                experiment.begin(cpu, cluster)?;
            }
        }
        Ok(experiment)
    }

    /// Begins one item of the load on `cpu` of `cluster`.
    fn begin(&mut self, cpu: u32, cluster: usize) -> Result<(), ValidationError> {
        let work = Work::new(Seconds::ZERO, ITEM);
        let job = self
            .plant
            .submit(Pid(1), work, Place::Cpus(CpuSet::single(cpu)))?;
        self.running.push((job, cpu, cluster));
        Ok(())
    }

    fn run(mut self, dwells: &Dwells) -> Result<Found, ValidationError> {
        let mut found = Found::default();
        for dwell in &dwells.dwells {
            for (cluster, clock) in self.clusters.into_iter().zip(dwell.clocks) {
                self.plant.set_clock(cluster, clock)?;
            }
            let (began, done) = (self.seconds(), self.done);
            self.until(dwell.until - AVERAGED.into(), dwells, &mut found)?;
            let energy = self.rail_energy();
            self.until(dwell.until, dwells, &mut found)?;
            found
                .watts
                .push((self.rail_energy() - energy) / AVERAGED.as_secs_f64());
            found
                .rate
                .push((self.done - done) as f64 / (self.seconds() - began));
        }
        let last = dwells.trace.last().map_or(Seconds::ZERO, |(at, _)| *at);
        self.until(last, dwells, &mut found)?;
        Ok(found)
    }

    /// Goes on until `end`, reading the hottest sensor wherever the trace does.
    fn until(&mut self, end: Seconds, dwells: &Dwells, found: &mut Found) -> Result<(), ValidationError> {
        while self.seconds() < end.get() {
            let next = dwells
                .trace
                .get(found.trace.len())
                .map(|(at, _)| at.get().max(0.0));
            if next.is_some_and(|at| at <= self.seconds()) {
                found.trace.push(self.hottest());
                continue;
            }
            let stop = next.map_or(end.get(), |at| at.min(end.get()));
            // Rounded up, so that the loop ends.
            let nanos = ((stop - self.seconds()) * 1e9).ceil().max(1.0);
            self.plant.advance(Duration::from_nanos(nanos as u64));
            for done in self.plant.completed() {
                if let Some(at) = self.running.iter().position(|(job, ..)| *job == done.job) {
                    let (_, cpu, cluster) = self.running.swap_remove(at);
                    self.done += u64::from(cluster == self.clusters[1]);
                    self.begin(cpu, cluster)?;
                }
            }
        }
        Ok(())
    }

    fn hottest(&mut self) -> f64 {
        let zones = self.plant.blueprint().zones.len();
        let shown = (0..zones).filter_map(|zone| self.plant.read_zone(zone));
        shown
            .map(|celsius| celsius.get())
            .fold(f64::NEG_INFINITY, f64::max)
    }

    fn rail_energy(&self) -> f64 {
        let rails = 0..self.plant.blueprint().rails.len();
        rails.map(|rail| self.plant.rail_energy(rail)).sum()
    }

    fn seconds(&self) -> f64 {
        self.plant.now().as_nanos() as f64 / 1e9
    }
}

/// `board` with the cooling that it had when it was measured: a fan in one state, and one trip that throttles; absent if
/// it has no such cooling device.
fn then(board: &Blueprint, dwells: &Dwells) -> Option<Blueprint> {
    let (name, highest) = &dwells.cooler;
    let cooler = board.coolers.iter().position(|each| each.name == *name)?;
    let mut board = board.clone();
    let (temperature, hysteresis) = dwells.throttle;
    for zone in &mut board.zones {
        zone.trips = vec![ZoneTrip {
            kind: TripKind::Passive,
            temperature,
            hysteresis,
            cooling: vec![CoolingRange {
                cooler,
                lowest: 0,
                highest: *highest,
            }],
        }];
    }
    let still = |link: &mut ThermalLink| {
        let state = (dwells.fan as usize).min(link.resistance.len() - 1);
        link.resistance = vec![link.resistance[state]];
    };
    board.thermal.links.iter_mut().for_each(still);
    Some(board)
}
