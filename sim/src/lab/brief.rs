//! What a controller is told before it starts: what its interface would tell it.

use dynd_plant::{Place, Plant, PlantError};
use dynd_vocab::{
    AppMatch, AppRule, Blueprint, Board as _, BoardDescription, ClockBounds, CpuSet, ModelTable, Objective,
    OperatingPoint, Policy, Processor, ProcessorName, ProcessorRule, Requirement, Seconds,
};

use super::stage::Stage;
use super::workload::speed;

/// What a controller is told before it starts.
#[derive(Clone, Debug)]
pub struct Brief {
    /// What discovery finds.
    pub board: BoardDescription,
    /// What the board file says, right or wrong.
    pub file: Box<Blueprint>,
    /// What the operator aims for.
    pub objective: Objective,
    /// The apps, by index, whether they are there yet or not.
    pub apps: Vec<AppBrief>,
}

/// What is known of an app when it arrives.
#[derive(Clone, Debug)]
pub struct AppBrief {
    /// What it calls itself.
    pub name: String,
    /// Its sub-networks.
    pub table: ModelTable,
    /// What it needs at first.
    pub requirement: Requirement,
    /// Higher tiers come first.
    pub priority: i32,
    /// The most cores that an inference uses.
    pub threads: u32,
    /// Where it can and may run; the first is where it is at home.
    pub spots: Vec<Spot>,
    /// What its sub-networks were measured to take at the highest clocks, if anybody measured.
    pub profile: Vec<OperatingPoint>,
}

/// Somewhere an app can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Index of the processor.
    pub processor: usize,
    /// All its CPUs; empty for an accelerator.
    pub cpus: CpuSet,
}

impl Spot {
    /// The place on as many of its cores as `threads` allows.
    pub fn widest(&self, threads: u32) -> Place {
        match self.cpus.is_empty() {
            true => Place::Accelerator(self.processor),
            false => Place::Cpus(self.cpus.iter().take(threads as usize).collect()),
        }
    }
}

impl Brief {
    /// The brief of `stage`, with profiles measured on the board as `profiled` has it: the same one, or the one that
    /// somebody took it for.
    ///
    /// # Errors
    /// If the plant of `profiled` refuses a probe.
    pub fn new(stage: &Stage, profiled: &Stage) -> Result<Self, PlantError> {
        let plant = Plant::new(&stage.board, stage.seed);
        let board = dynd_plant::VirtualBoard::new(plant).describe().clone();
        let apps = (0..stage.workloads.len()).map(|app| AppBrief::new(app, stage, profiled, &board));
        let file = match stage.scenario.board_error {
            0.0 => &stage.scenario.board.1,
            _ => &profiled.board,
        };
        Ok(Self {
            file: Box::new(file.clone()),
            objective: stage.scenario.objective,
            apps: apps.collect::<Result<_, _>>()?,
            board,
        })
    }

    /// The policy that an operator would write for this.
    pub fn policy(&self) -> Policy {
        let rule = |app: &AppBrief| AppRule {
            matches: AppMatch {
                name: Some(app.name.clone()),
                ..AppMatch::default()
            },
            latency: Some(app.requirement.latency),
            priority: app.priority,
            processors: app
                .spots
                .iter()
                .map(|spot| ProcessorName::Named(self.board.processors[spot.processor].name.clone()))
                .collect(),
            ..AppRule::default()
        };
        let may_be_set = |processor: &Processor| ProcessorRule {
            processor: ProcessorName::Named(processor.name.clone()),
            clocks: Some(ClockBounds::NONE),
        };
        Policy {
            objective: self.objective,
            processors: self.board.processors.iter().map(may_be_set).collect(),
            apps: self.apps.iter().map(rule).collect(),
            ..Policy::default()
        }
    }
}

impl AppBrief {
    fn new(
        app: usize,
        stage: &Stage,
        profiled: &Stage,
        board: &BoardDescription,
    ) -> Result<Self, PlantError> {
        let scenario = &stage.scenario.apps[app];
        let workload = &stage.workloads[app];
        let mut spots: Vec<Spot> = board
            .processors
            .iter()
            .enumerate()
            .filter(|(processor, _)| workload.at[*processor].is_some())
            .map(|(processor, found)| Spot {
                processor,
                cpus: found.cpus,
            })
            .collect();
        spots.sort_by_key(|spot| spot.processor != workload.home);
        let mut brief = Self {
            name: scenario.name.clone(),
            table: scenario.model.table.clone(),
            requirement: scenario.requirement,
            priority: scenario.priority,
            threads: scenario.threads,
            spots,
            profile: Vec::new(),
        };
        if scenario.profile == dynd_files::Profile::Measured {
            brief.profile = profile(app, &brief, profiled, board)?;
        }
        Ok(brief)
    }
}

/// What a profiler finds for each sub-network on each number of cores of each processor, alone at the highest clocks.
fn profile(
    app: usize,
    brief: &AppBrief,
    stage: &Stage,
    board: &BoardDescription,
) -> Result<Vec<OperatingPoint>, PlantError> {
    let noise = &stage.noises[app];
    let mut points = Vec::new();
    for spot in &brief.spots {
        let Some(work) = &stage.workloads[app].at[spot.processor] else {
            continue;
        };
        let highest = |processor: usize| {
            let silicon = stage.board.silicon().nth(processor);
            silicon
                .and_then(|silicon| silicon.opps.last())
                .map_or_else(Default::default, |opp| opp.clock)
        };
        let pace = speed(&stage.board, spot.processor, highest(spot.processor))?;
        let host = match &work.host {
            Some(host) => {
                // The CPUs that prepare are the last ones (`World`).
                let cluster = stage.board.clusters.len() - 1;
                host.cycles / speed(&stage.board, cluster, highest(cluster))?
            }
            None => 0.0,
        };
        let most = spot.cpus.len().clamp(1, brief.threads.max(1));
        for (subnetwork, each) in work.works.iter().enumerate() {
            for cores in 1..=most {
                let share = each.serial + (1.0 - each.serial) / f64::from(cores);
                let alone = host + (each.stall.get() + each.cycles / pace) * share;
                points.push(OperatingPoint {
                    subnetwork,
                    processor: board.processors[spot.processor].name.clone(),
                    cores,
                    median: Seconds::new(alone),
                    p95: Seconds::new(alone * noise.quantile(0.95, 0)),
                    clock: None,
                });
            }
        }
    }
    Ok(points)
}
