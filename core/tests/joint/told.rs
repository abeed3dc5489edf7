//! A controller whose board and apps obey at once.

use std::collections::VecDeque;

use dynd_core::{Controller, Input, Output};
use dynd_vocab::{
    Actuated, Actuation, AppId, Assignment, BoardDescription, ClockBounds, CpuSet, Hello, Hertz, Hold,
    Identity, ModelKind, ModelTable, Objective, OperatingPoint, Pid, Policy, Processor, ProcessorKind,
    ProcessorName, ProcessorRule, Quality, Requirement, Role, Seconds, Setting, Subnetwork, Timestamp,
};

/// Latencies in ms at the highest clocks: of each sub-network on one core, and on the accelerator.
pub(crate) const ON_CORE: [f64; 3] = [5.0, 12.0, 30.0];
pub(crate) const ON_GPU: [f64; 3] = [2.0, 4.0, 8.0];
pub(crate) const QUALITY: [f64; 3] = [0.6, 0.7, 0.76];

/// Four cores, and an accelerator that they feed, each with four clocks.
pub(crate) fn board() -> BoardDescription {
    let processor = |name: &str, kind, role, cpus: CpuSet| Processor {
        name: name.into(),
        kind,
        role,
        cpus,
        capacity: if cpus.is_empty() { 0 } else { 1024 },
        opps: [400, 800, 1200, 1600]
            .map(|mhz| Hertz::from_khz(mhz * 1000))
            .to_vec(),
    };
    BoardDescription {
        processors: vec![
            processor("big", ProcessorKind::Cpu, Role::Big, (0..4).collect()),
            processor("gpu", ProcessorKind::Gpu, Role::Gpu, CpuSet::EMPTY),
        ],
        ..BoardDescription::default()
    }
}

/// Both clocks may be chosen.
pub(crate) fn policy(objective: Objective) -> Policy {
    let rule = |role| ProcessorRule {
        processor: ProcessorName::Role(role),
        clocks: Some(ClockBounds::NONE),
    };
    Policy {
        objective,
        processors: vec![rule(Role::Big), rule(Role::Gpu)],
        ..Policy::default()
    }
}

/// An app that wants this latency every `period_ms`, and was profiled on these processors.
pub(crate) fn hello(name: &str, (target_ms, period_ms): (f64, f64), places: &[&str]) -> Hello {
    let subnetwork = |(index, quality): (usize, &f64)| Subnetwork {
        name: format!("s{index}"),
        quality: Quality::new(*quality).unwrap(),
        macs: (ON_CORE[index] * 30e6) as u64,
        memory_bytes: 0,
    };
    let point = |processor: &str, subnetwork| {
        let ms = if processor == "gpu" {
            ON_GPU[subnetwork]
        } else {
            ON_CORE[subnetwork]
        };
        OperatingPoint {
            subnetwork,
            processor: processor.into(),
            cores: 1,
            clock: None,
            median: Seconds::from_millis(ms),
            p95: Seconds::from_millis(ms * 1.05),
        }
    };
    Hello {
        name: name.into(),
        model: ModelTable {
            name: "m".into(),
            kind: ModelKind::Supernet,
            quality_metric: "top-1".into(),
            subnetworks: QUALITY.iter().enumerate().map(subnetwork).collect(),
        },
        requirement: Requirement {
            latency: Seconds::from_millis(target_ms),
            percentile: 0.95,
            min_quality: Quality::ZERO,
            period: Some(Seconds::from_millis(period_ms)),
        },
        max_threads: 1,
        profile: places
            .iter()
            .flat_map(|place| (0..3).map(move |index| point(place, index)))
            .collect(),
        holding: None,
    }
}

/// The answer of a board that does as it is asked.
pub(crate) fn obeyed(setting: &Setting) -> Actuated {
    let held = |bounds: &ClockBounds| Actuation {
        bounds: *bounds,
        hold: Hold::Held,
    };
    Actuated {
        setting: setting.clone(),
        clocks: setting.clocks.iter().map(held).collect(),
        apps: Vec::new(),
    }
}

/// What a controller has told, and how it stands.
pub(crate) struct Told {
    pub(crate) controller: Controller,
    pub(crate) now: u64,
    pub(crate) setting: Option<Setting>,
    pub(crate) assignments: Vec<Option<Assignment>>,
}

impl Told {
    pub(crate) fn new(policy: Policy, apps: &[Hello]) -> Self {
        Self::on(board(), policy, apps)
    }

    pub(crate) fn on(board: BoardDescription, policy: Policy, apps: &[Hello]) -> Self {
        let mut told = Self {
            controller: Controller::new(board, policy, 1),
            now: 0,
            setting: None,
            assignments: vec![None; apps.len()],
        };
        for (index, hello) in apps.iter().enumerate() {
            let id = AppId(index as u32 + 1);
            let identity = Identity {
                pid: Some(Pid(id.0)),
                ..Identity::default()
            };
            told.step(Input::Hello(id, identity, hello.clone()));
        }
        // What was just met with caution is looked at again.
        told.now += 500_000_000;
        told.step(Input::Tick);
        told
    }

    /// Takes one input in; the board and the apps obey at once.
    pub(crate) fn step(&mut self, input: Input) {
        self.now += 20_000_000;
        let now = Timestamp::from_nanos(self.now);
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let Output {
                setting, assignments, ..
            } = self.controller.step(now, input);
            if let Some(setting) = setting {
                inputs.push_back(Input::Actuated(obeyed(&setting)));
                self.setting = Some(setting);
            }
            for (id, assignment) in assignments {
                inputs.push_back(Input::Ack(id, assignment.generation));
                self.assignments[id.0 as usize - 1] = Some(assignment);
            }
        }
    }

    /// The clock in MHz that was chosen for the processor of this index.
    pub(crate) fn mhz(&self, processor: usize) -> Option<u64> {
        let bounds = self.setting.as_ref()?.of(processor);
        assert_eq!(bounds.min, bounds.max, "one clock is chosen");
        bounds.max.map(|clock| clock.as_khz() / 1000)
    }

    pub(crate) fn app(&self, index: usize) -> &Assignment {
        self.assignments[index].as_ref().unwrap()
    }

    pub(crate) fn quality(&self, index: usize) -> f64 {
        self.app(index)
            .ladder
            .first()
            .map_or(0.0, |rung| QUALITY[rung.subnetwork])
    }
}
