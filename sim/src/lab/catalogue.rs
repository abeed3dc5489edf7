//! What published controllers are told beforehand: every sub-network profiled at every place and clock, alone, with the power
//! of the board. Their authors do this off line.

use std::time::Duration;

use dynd_plant::{Place, Plant, PlantError, Work};
use dynd_vocab::{Hertz, Pid, Seconds, Watts};

use super::brief::Brief;
use super::stage::Stage;
use super::workload::speed;

/// How long power is measured, and how long before that everything settles.
const MEASURED: Duration = Duration::from_millis(300);
const SETTLING: Duration = Duration::from_millis(50);

/// More seconds than any measurement lasts.
const ENDLESS: f64 = 1e4;

/// The profiles of all apps.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// By app.
    pub(crate) apps: Vec<Vec<Point>>,
}

/// One profiled configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) subnetwork: usize,
    pub(crate) processor: usize,
    pub(crate) place: Place,
    /// The clock of the processor.
    pub(crate) clock: Hertz,
    /// Median latency.
    pub(crate) latency: Seconds,
    /// What the board draws while it runs, and while it does not, at this clock.
    pub(crate) busy: Watts,
    pub(crate) idle: Watts,
}

impl Point {
    /// What the board draws on average, in watts, if it runs once in `period`.
    pub(crate) fn power(&self, period: Seconds) -> f64 {
        let share = (self.latency / period).min(1.0);
        self.busy.get() * share + self.idle.get() * (1.0 - share)
    }
}

impl Catalogue {
    /// The profiles of the apps of `stage` on its board, on the first cores of each cluster.
    ///
    /// # Errors
    /// If the plant refuses a probe.
    pub fn new(stage: &Stage, brief: &Brief) -> Result<Self, PlantError> {
        let apps = (0..brief.apps.len()).map(|app| points(stage, brief, app));
        Ok(Self {
            apps: apps.collect::<Result<_, _>>()?,
        })
    }
}

/// How far the configurations of an app are apart: the most over the least.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Of the energy that the board takes for one inference.
    pub energy: f64,
    /// Of the latency.
    pub time: f64,
}

impl Catalogue {
    /// How far sub-networks, cores, processors and clocks of the app of this index reach together; nothing if it cannot
    /// run.
    pub fn reach(&self, app: usize) -> Option<Reach> {
        let range = |figure: fn(&Point) -> f64| {
            let figures = self.apps.get(app)?.iter().map(figure);
            let most = figures.clone().reduce(f64::max)?;
            figures.reduce(f64::min).map(|least| most / least)
        };
        Some(Reach {
            energy: range(|point| point.busy.get() * point.latency.get())?,
            time: range(|point| point.latency.get())?,
        })
    }
}

fn points(stage: &Stage, brief: &Brief, app: usize) -> Result<Vec<Point>, PlantError> {
    let mut points = Vec::new();
    for spot in &brief.apps[app].spots {
        let Some(work) = &stage.workloads[app].at[spot.processor] else {
            continue;
        };
        let host = match &work.host {
            Some(host) => {
                let cluster = stage.board.clusters.len() - 1;
                let highest = stage.board.clusters[cluster].silicon.opps.last();
                host.cycles
                    / speed(
                        &stage.board,
                        cluster,
                        highest.map_or_else(Hertz::default, |opp| opp.clock),
                    )?
            }
            None => 0.0,
        };
        let widest = spot.cpus.len().clamp(1, brief.apps[app].threads.max(1));
        let opps = &brief.board.processors[spot.processor].opps;
        for &clock in opps {
            let pace = speed(&stage.board, spot.processor, clock)?;
            for cores in 1..=widest {
                let place = spot.widest(cores);
                let (busy, idle) = power(stage, spot.processor, place, clock)?;
                for (subnetwork, each) in work.works.iter().enumerate() {
                    let share = each.serial + (1.0 - each.serial) / f64::from(cores);
                    let alone = host + (each.stall.get() + each.cycles / pace) * share;
                    points.push(Point {
                        subnetwork,
                        processor: spot.processor,
                        place,
                        clock,
                        latency: Seconds::new(alone),
                        busy,
                        idle,
                    });
                }
            }
        }
    }
    Ok(points)
}

/// What the board draws with `place` busy and with nothing to do, while `processor` runs at `clock`.
fn power(stage: &Stage, processor: usize, place: Place, clock: Hertz) -> Result<(Watts, Watts), PlantError> {
    let mut plant = Plant::new(&stage.board, stage.seed);
    if let Some(warm) = stage.scenario.warm {
        (0..stage.board.thermal.nodes.len()).for_each(|node| plant.preheat(node, warm));
    }
    plant.bound(processor, clock, clock)?;
    let idle = mean_power(&mut plant);
    plant.submit(Pid(1), Work::new(Seconds::new(ENDLESS), 0.0), place)?;
    Ok((mean_power(&mut plant), idle))
}

fn mean_power(plant: &mut Plant) -> Watts {
    plant.step(SETTLING);
    let before = plant.energy();
    plant.step(MEASURED);
    Watts::new((plant.energy() - before) / MEASURED.as_secs_f64())
}
