//! How long a step takes that plans, and how that grows: `cargo bench -p dynd-core --bench step [-- --json]`.
//!
//! The whole controller on a board of two clusters and a GPU, whose apps are all profiled everywhere, infer, and are
//! thought of again every 200 ms. What counts is the slowest of a hundred plans, which no mean shows; a plan takes the
//! same steps every time, so the quickest of a few repeats is what it takes where nobody interrupts.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock"
)]

use std::time::{Duration, Instant};

use dynd_core::{Controller, Input, Output};
use dynd_vocab::{
    Actuated, Actuation, AppId, Assignment, BoardDescription, Celsius, ClockBounds, CpuSet, Hello, Hertz,
    Hold, Identity, ModelKind, ModelTable, Objective, OperatingPoint, Policy, Processor, ProcessorKind,
    ProcessorName, ProcessorRule, Quality, Report, Requirement, Role, Seconds, Subnetwork, Timestamp,
};

#[allow(dead_code, reason = "the tests draw more kinds of numbers")]
#[path = "../tests/plan/random.rs"]
mod random;
mod row;

use random::Random;
use row::Row;

/// Worlds per row, and plans in each after the apps have come.
const WORLDS: u64 = 25;
const PLANS: usize = 8;

/// Repeats per world.
const REPEATS: usize = 5;

/// Between two plans.
const INTERVAL: u64 = 200_000_000;

const CORES: u32 = 4;

#[derive(Clone, Copy)]
struct Size {
    apps: usize,
    opps: usize,
    subnetworks: usize,
}

fn main() {
    let json = std::env::args().any(|argument| argument == "--json");
    let size = |apps, opps, subnetworks| Size {
        apps,
        opps,
        subnetworks,
    };
    let limited = [(size(8, 15, 20), Some(1.0)), (size(64, 15, 20), Some(20.0))];
    let many = [(size(1, 15, 256), None)];
    let growth = [1, 2, 4, 16, 32]
        .map(|apps| (size(apps, 15, 20), None))
        .into_iter();
    let growth = growth.chain([1, 4, 8, 30].map(|opps| (size(8, opps, 20), None)));
    let growth = growth.chain([1, 5, 10, 40].map(|subnetworks| (size(8, 15, subnetworks), None)));
    let sizes = limited.into_iter().chain(many).chain(growth.filter(|_| !json));
    if json {
        let lines: Vec<String> = sizes.map(|(size, limit)| row(size, limit).json("step")).collect();
        println!("[{}]", lines.join(","));
    } else {
        Row::print_head("step");
        sizes.for_each(|(size, limit)| row(size, limit).print());
    }
}

fn row(size: Size, limit: Option<f64>) -> Row {
    let quickest = |seed| {
        let runs = (0..REPEATS).map(|_| World::new(seed, size).run());
        runs.reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a.min(*b)).collect())
            .unwrap_or_default()
    };
    let times: Vec<f64> = (0..WORLDS).flat_map(quickest).collect();
    let Size {
        apps,
        opps,
        subnetworks,
    } = size;
    let what = format!("{apps} apps × 3 processors × {opps} OPPs × {subnetworks} sub-networks");
    Row::new(what, times, limit)
}

/// A controller, and what it was told last.
struct World {
    controller: Controller,
    random: Random,
    hellos: Vec<Hello>,
    assignments: Vec<Option<Assignment>>,
    now: u64,
    /// The longest step of late, in ms.
    longest: f64,
}

impl World {
    /// Objectives and limits take turns.
    fn new(seed: u64, size: Size) -> Self {
        let mut random = Random::new(seed);
        let hellos: Vec<Hello> = (0..size.apps)
            .map(|index| hello(&mut random, index, size))
            .collect();
        Self {
            controller: Controller::new(board(size.opps), policy(seed), 1),
            random,
            assignments: vec![None; hellos.len()],
            hellos,
            now: 0,
            longest: 0.0,
        }
    }

    /// The times in ms of the steps that planned: of what comes in every 200 ms, the first report makes it plan.
    fn run(mut self) -> Vec<f64> {
        for index in 0..self.hellos.len() {
            let hello = self.hellos[index].clone();
            self.step(Input::Hello(AppId(index as u32), Identity::default(), hello));
        }
        let plan = |_| {
            self.now += INTERVAL;
            self.longest = 0.0;
            (0..self.hellos.len()).for_each(|index| self.infer(index));
            self.longest
        };
        (0..PLANS).map(plan).collect()
    }

    /// A few inferences that take about as long as was expected; now and then one takes longer.
    fn infer(&mut self, index: usize) {
        let Some(assignment) = &self.assignments[index] else {
            return;
        };
        let Some(rung) = assignment.ladder.first() else {
            return;
        };
        let (subnetwork, cores, usual) = (rung.subnetwork, assignment.cpus.len(), rung.undisturbed);
        let report = |number: u64| {
            let tail = if self.random.chance(0.05) { 2.0 } else { 1.0 };
            let seconds = usual.get() * self.random.between(0.95, 1.1) * tail;
            let service = Duration::from_secs_f64(seconds);
            Report {
                subnetwork,
                cores,
                ended: Timestamp::from_nanos(self.now - (4 - number) * INTERVAL / 5),
                service,
                latency: service,
                after_switch: false,
            }
        };
        let reports: Vec<Report> = (0..4).map(report).collect();
        self.step(Input::Reports(AppId(index as u32), reports));
    }

    fn step(&mut self, input: Input) {
        let begun = Instant::now();
        let output = self.controller.step(Timestamp::from_nanos(self.now), input);
        self.longest = self.longest.max(begun.elapsed().as_secs_f64() * 1e3);
        self.obey(output);
    }

    /// The apps and the board do as they are told.
    fn obey(&mut self, output: Output) {
        let mut inputs = Vec::new();
        if let Some(setting) = output.setting {
            let held = |bounds: &ClockBounds| Actuation {
                bounds: *bounds,
                hold: Hold::Held,
            };
            inputs.push(Input::Actuated(Actuated {
                clocks: setting.clocks.iter().map(held).collect(),
                setting,
                apps: Vec::new(),
            }));
        }
        for (id, assignment) in output.assignments {
            inputs.push(Input::Ack(id, assignment.generation));
            self.assignments[id.0 as usize] = Some(assignment);
        }
        inputs.into_iter().for_each(|input| self.step(input));
    }
}

/// Two clusters and a GPU.
fn board(opps: usize) -> BoardDescription {
    let processor = |name: &str, role, capacity, first: u32| {
        let is_gpu = role == Role::Gpu;
        let step = 2_000_000 / opps as u64;
        Processor {
            name: name.into(),
            kind: if is_gpu {
                ProcessorKind::Gpu
            } else {
                ProcessorKind::Cpu
            },
            role,
            cpus: if is_gpu {
                CpuSet::EMPTY
            } else {
                (first..first + CORES).collect()
            },
            capacity,
            opps: (1..=opps as u64)
                .map(|index| Hertz::from_khz(index * step))
                .collect(),
        }
    };
    BoardDescription {
        processors: vec![
            processor("little", Role::Little, 400, 0),
            processor("big", Role::Big, 1024, CORES),
            processor("gpu", Role::Gpu, 0, 0),
        ],
        ..BoardDescription::default()
    }
}

/// All clocks may be chosen; every third time heat is limited.
fn policy(seed: u64) -> Policy {
    let rule = |role| ProcessorRule {
        processor: ProcessorName::Role(role),
        clocks: Some(ClockBounds::NONE),
    };
    Policy {
        objective: Objective::ALL[seed as usize % Objective::ALL.len()],
        temperature_limit: seed.is_multiple_of(3).then_some(Celsius::new(70.0)),
        processors: [Role::Little, Role::Big, Role::Gpu].map(rule).to_vec(),
        ..Policy::default()
    }
}

/// An app that was profiled with every number of cores, and on the GPU.
fn hello(random: &mut Random, index: usize, size: Size) -> Hello {
    let work = random.between(5.0, 40.0);
    let target = work * random.between(0.4, 2.0);
    let share = |subnetwork: usize| 0.05 + 0.95 * (subnetwork + 1) as f64 / size.subnetworks as f64;
    let subnetwork = |subnetwork: usize| Subnetwork {
        name: format!("s{subnetwork}"),
        quality: Quality::new(0.8 * libm::pow(share(subnetwork), 0.1)).unwrap_or_default(),
        macs: (work * share(subnetwork) * 10e6) as u64,
        memory_bytes: 0,
    };
    let point = |processor: &str, cores: u32, (subnetwork, pace): (usize, f64)| {
        let speed = 1.0 + 0.7 * f64::from(cores - 1);
        let median = Seconds::from_millis(work * share(subnetwork) * pace / speed);
        OperatingPoint {
            subnetwork,
            processor: processor.into(),
            cores,
            clock: None,
            median,
            p95: median * 1.1,
        }
    };
    let places = (1..=CORES)
        .flat_map(|cores| [("little", cores, 2.5), ("big", cores, 1.0)])
        .chain([("gpu", 1, 0.2)]);
    let profile = places.flat_map(|(processor, cores, pace)| {
        (0..size.subnetworks).map(move |subnetwork| point(processor, cores, (subnetwork, pace)))
    });
    Hello {
        name: format!("app{index}"),
        model: ModelTable {
            name: "m".into(),
            kind: ModelKind::Supernet,
            quality_metric: "top-1".into(),
            subnetworks: (0..size.subnetworks).map(subnetwork).collect(),
        },
        requirement: Requirement {
            latency: Seconds::from_millis(target),
            percentile: 0.9,
            min_quality: Quality::ZERO,
            period: Some(Seconds::from_millis(target * random.between(1.0, 6.0))),
        },
        max_threads: CORES,
        profile: profile.collect(),
        holding: None,
    }
}
