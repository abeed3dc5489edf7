//! The stage: what no controller changes, fixed by scenario and seed.

use dynd_files::{Arrivals, Scenario, ScenarioAction};
use dynd_plant::{PlantError, Work};
use dynd_vocab::{Blueprint, Seconds, Timestamp};

use super::noise::{Noise, mix, uniform};
use super::variation::{Factors, varied};
use super::workload::{Workload, speed};

/// Interarrival times of *bursts*: hyperexponential. Of the first 5,000 requests of Azure's trace of code completions
/// (AzurePublicDataset, CC-BY 4.0, 2023) half come within 0.16 of the mean interval, with a coefficient of variation of 13.7,
/// most of it from pauses of minutes. Here nine of ten come at a seventh of the mean, the tenth after nearly nine means:
/// a median of 0.11 means and a coefficient of variation of 3.9, as a scenario of a minute cannot hold the pauses.
const BURST_SHARE: f64 = 0.9;
const BURST_MEAN: f64 = 1.0 / 7.0;

/// What is the same for all controllers that play one scenario with one seed.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The scenario.
    pub scenario: Scenario,
    /// The board as it really is.
    pub board: Blueprint,
    /// Fixes noise, arrivals and sensors.
    pub seed: u64,
    pub(crate) workloads: Vec<Workload>,
    /// What each load does at a time, per thread.
    pub(crate) loads: Vec<Work>,
    pub(crate) noises: Vec<Noise>,
}

impl Stage {
    /// The stage of `scenario` on its own board.
    ///
    /// # Errors
    /// If the plant refuses the work of an app or load.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, PlantError> {
        let board = &scenario.board.1;
        let workloads = scenario
            .apps
            .iter()
            .map(|app| Workload::new(app, &scenario.board.0, board));
        let loads = scenario.loads.iter().map(|load| {
            let highest = board
                .silicon()
                .nth(load.processor)
                .and_then(|each| each.opps.last());
            let clock = highest.map_or_else(Default::default, |opp| opp.clock);
            let speed = speed(board, load.processor, clock)?;
            // The same share of it waits for memory as of a network.
            let stall = 0.2 * load.busy.get();
            Ok(Work::new(Seconds::new(stall), (load.busy.get() - stall) * speed))
        });
        Ok(Self {
            workloads: workloads.collect::<Result<_, _>>()?,
            loads: loads.collect::<Result<_, _>>()?,
            noises: noises(scenario, seed),
            board: board.clone(),
            scenario: scenario.clone(),
            seed,
        })
    }

    /// One stage of `scenario` for each of `count` seeds.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn seeded(scenario: &Scenario, count: u64) -> Result<Vec<Self>, PlantError> {
        (1..=count).map(|seed| Self::new(scenario, seed)).collect()
    }

    /// The same with other noise, arrivals and sensors, as `seed` fixes them.
    #[must_use]
    pub(crate) fn reseeded(&self, seed: u64) -> Self {
        Self {
            noises: noises(&self.scenario, seed),
            seed,
            ..self.clone()
        }
    }

    /// The same on another board, whose every figure differs by up to the share `amount`: what an inference asks for stays,
    /// how fast that is done does not.
    #[must_use]
    pub fn elsewhere(&self, amount: f64) -> Self {
        Self {
            board: varied(&self.board, self.seed, amount),
            ..self.clone()
        }
    }

    /// The same with every figure of board and work changed by up to the share `amount`, as `seed` fixes.
    #[must_use]
    pub fn varied(&self, seed: u64, amount: f64) -> Self {
        let mut factors = Factors::new(mix(seed ^ 0x3042C), amount);
        let mut work = |work: &mut Work| {
            work.stall = work.stall * factors.draw();
            work.cycles *= factors.draw();
            work.traffic *= factors.draw();
            work.serial = (work.serial * factors.draw()).min(1.0);
        };
        let mut stage = Self {
            board: varied(&self.board, seed, amount),
            ..self.clone()
        };
        for workload in &mut stage.workloads {
            for place in workload.at.iter_mut().flatten() {
                place.works.iter_mut().for_each(&mut work);
                place.host.iter_mut().for_each(&mut work);
            }
        }
        stage.loads.iter_mut().for_each(work);
        stage
    }

    /// When frame number `frame` of `app` is released, if the one before was at `last` (or the app arrived then);
    /// absent if that depends on the end of the one before.
    pub(crate) fn release(&self, app: usize, frame: u64, last: Timestamp) -> Option<Timestamp> {
        let scenario = &self.scenario.apps[app];
        let period = scenario.requirement.period?;
        let interval = match (scenario.arrivals, frame) {
            (_, 0) => return Some(last),
            (Arrivals::Steady, _) => period.get(),
            (Arrivals::Bursts, _) => {
                let seed = mix(self.seed ^ mix(0xA_0000 + app as u64));
                burst_interval(period, seed, frame)
            }
        };
        Some(Timestamp::from_nanos(
            last.as_nanos() + (interval * 1e9) as u64 + u64::from(interval * 1e9 < 1.0),
        ))
    }

    /// Whether `app` is there from the start: no event lets it arrive.
    pub(crate) fn starts_with_app(&self, app: usize) -> bool {
        let arrives = |action: ScenarioAction| matches!(action, ScenarioAction::Arrive(each) if each == app);
        !self.scenario.events.iter().any(|event| arrives(event.action))
    }

    /// Whether `load` is there from the start.
    pub(crate) fn starts_with_load(&self, load: usize) -> bool {
        let arrives =
            |action: ScenarioAction| matches!(action, ScenarioAction::LoadArrives(each) if each == load);
        !self.scenario.events.iter().any(|event| arrives(event.action))
    }
}

/// Interval number `number` of those that `seed` fixes of an app whose frames come in bursts, `period` apart on average, in
/// seconds.
pub(crate) fn burst_interval(period: Seconds, seed: u64, number: u64) -> f64 {
    let pause = (1.0 - BURST_SHARE * BURST_MEAN) / (1.0 - BURST_SHARE);
    let in_burst = uniform(seed, 2 * number) < BURST_SHARE;
    let mean = period.get() * if in_burst { BURST_MEAN } else { pause };
    -mean * (1.0 - uniform(seed, 2 * number + 1)).ln()
}

fn noises(scenario: &Scenario, seed: u64) -> Vec<Noise> {
    let noise = |(index, app): (usize, &dynd_files::ScenarioApp)| {
        Noise::new(
            app.noise,
            mix(seed ^ mix(index as u64 + 1)),
            scenario.duration.get(),
        )
    };
    scenario.apps.iter().enumerate().map(noise).collect()
}
