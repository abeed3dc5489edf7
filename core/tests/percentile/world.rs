//! One app whose latencies are noise of a known shape, in virtual time, and three ways to choose for it.

use std::time::Duration;

use dynd_core::{Controller, Input, Selector};
use dynd_vocab::{
    AppId, BoardDescription, CpuSet, CpuTimes, Hello, Identity, ModelKind, ModelTable, OperatingPoint,
    Policy, Processor, ProcessorKind, Quality, Report, Requirement, Role, Sample, Seconds, Subnetwork,
    Timestamp,
};

/// Undisturbed latencies of the sub-networks, in ms.
pub(crate) const RUNGS: [f64; 8] = [4.0, 5.5, 7.0, 8.0, 9.0, 10.0, 11.5, 13.0];
/// Between two releases, in ms.
const PERIOD: f64 = 40.0;
const TARGET: f64 = 12.0;

/// The shape of the noise: by how much each inference is longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noise {
    /// Normal, 5 %.
    Light,
    /// Log-normal, with one in twelve stretched by a Pareto tail of up to four times: as published logs show.
    Heavy,
    /// Normal, 5 %, and a factor of 1.3 for a while, 400 inferences on average, then not.
    Regimes,
}

pub(crate) struct Random(pub u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Noise, drawn one inference after the other.
pub(crate) struct Nature {
    noise: Noise,
    random: Random,
    slow: bool,
}

impl Nature {
    pub(crate) fn new(noise: Noise, seed: u64) -> Self {
        Self {
            noise,
            random: Random(seed),
            slow: false,
        }
    }

    pub(crate) fn factor(&mut self) -> f64 {
        match self.noise {
            Noise::Light => 1.0 + 0.05 * self.random.normal(),
            Noise::Heavy => {
                let body = libm::exp(0.07 * self.random.normal());
                let tail = if self.random.uniform() < 1.0 / 12.0 {
                    libm::pow(self.random.uniform(), -0.5).min(4.0)
                } else {
                    1.0
                };
                body * tail
            }
            Noise::Regimes => {
                if self.random.uniform() < 1.0 / 400.0 {
                    self.slow = !self.slow;
                }
                (1.0 + 0.05 * self.random.normal()) * if self.slow { 1.3 } else { 1.0 }
            }
        }
    }
}

/// What came of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Share of inferences that were late.
    pub late: f64,
    /// Mean index of the sub-network.
    pub rung: f64,
    /// Changes of sub-network per minute.
    pub switches: f64,
    /// New assignments per minute.
    pub(crate) plans: f64,
    /// What the status said the miss rate cannot exceed.
    pub bound: Option<f64>,
}

/// Share of late inferences if always the sub-network `rung` runs.
pub(crate) fn fixed(noise: Noise, rung: usize, frames: usize) -> f64 {
    let mut nature = Nature::new(noise, 1);
    let late = (0..frames).filter(|_| RUNGS[rung] * nature.factor() > TARGET);
    late.count() as f64 / frames as f64
}

/// Mean and standard deviation of the slowdown are tracked, and the largest sub-network runs of which the target is z
/// standard deviations away: what a controller does that takes noise to be Gaussian (ALERT, Wan et al., USENIX ATC
/// 2020, § 3.3 and 3.4).
pub(crate) fn gaussian(noise: Noise, percentile: f64, seed: u64, frames: usize) -> Outcome {
    let z = inverse_normal(percentile);
    let mut nature = Nature::new(noise, seed);
    let (mut mean, mut variance) = (1.0, 0.01);
    let ran: Vec<(usize, bool)> = (0..frames)
        .map(|_| {
            let most = mean + z * libm::sqrt(variance);
            let fits = |rung: &usize| RUNGS[*rung] * most <= TARGET;
            let rung = (0..RUNGS.len()).rev().find(fits).unwrap_or(0);
            let factor = nature.factor();
            variance += 0.05 * ((factor - mean) * (factor - mean) - variance);
            mean += 0.05 * (factor - mean);
            (rung, RUNGS[rung] * factor > TARGET)
        })
        .collect();
    outcome(&ran)
}

/// The controller and the selector of dynd.
pub(crate) fn dynd(noise: Noise, percentile: f64, seed: u64, frames: usize) -> Outcome {
    let mut nature = Nature::new(noise, seed);
    let (hello, requirement) = hello(percentile);
    let mut selector = Selector::new(hello.model.clone(), requirement, &hello.profile);
    let mut controller = Controller::new(board(), Policy::default(), 7);
    let mut now = Timestamp::from_nanos(0);
    let first = controller.step(now, Input::Hello(AppId(1), Identity::default(), hello));
    first
        .assignments
        .iter()
        .for_each(|(_, assignment)| selector.assign(assignment));
    let mut ran = Vec::new();
    let mut plans = 0.0;
    for frame in 0..frames {
        let release = Timestamp::from_nanos((frame as f64 * PERIOD * 1e6) as u64);
        let rung = selector.choose(Seconds::from_millis(TARGET), 1).subnetwork;
        let service = Duration::from_secs_f64(RUNGS[rung] * nature.factor() * 1e-3);
        now = release + service;
        let report = Report {
            subnetwork: rung,
            cores: 1,
            ended: now,
            service,
            latency: service,
            after_switch: false,
        };
        ran.push((rung, service.as_secs_f64() * 1e3 > TARGET));
        selector.record(&report);
        let inputs = [Input::Reports(AppId(1), vec![report]), Input::Sample(sample(now))];
        for input in inputs {
            for (_, assignment) in controller.step(now, input).assignments {
                selector.assign(&assignment);
                plans += 1.0;
            }
        }
    }
    Outcome {
        bound: controller.apps()[0].miss_bound,
        plans: plans / (frames as f64 * PERIOD / 60e3),
        ..outcome(&ran)
    }
}

fn outcome(ran: &[(usize, bool)]) -> Outcome {
    let frames = ran.len() as f64;
    let switches = ran.windows(2).filter(|pair| pair[0].0 != pair[1].0).count();
    Outcome {
        late: ran.iter().filter(|(_, late)| *late).count() as f64 / frames,
        rung: ran.iter().map(|(rung, _)| *rung as f64).sum::<f64>() / frames,
        switches: switches as f64 / (frames * PERIOD / 60e3),
        plans: 0.0,
        bound: None,
    }
}

fn board() -> BoardDescription {
    let cpu = Processor {
        name: "cpu".into(),
        kind: ProcessorKind::Cpu,
        role: Role::Big,
        cpus: CpuSet::single(0),
        capacity: 1024,
        opps: vec![],
    };
    BoardDescription {
        processors: vec![cpu],
        ..BoardDescription::default()
    }
}

fn hello(percentile: f64) -> (Hello, Requirement) {
    let subnetwork = |(index, ms): (usize, &f64)| Subnetwork {
        name: format!("s{index}"),
        quality: Quality::new(0.7 + 0.03 * index as f64).unwrap_or_default(),
        macs: (ms * 1e7) as u64,
        memory_bytes: 0,
    };
    let point = |(subnetwork, ms): (usize, &f64)| OperatingPoint {
        subnetwork,
        processor: "cpu".into(),
        cores: 1,
        clock: None,
        median: Seconds::from_millis(*ms),
        p95: Seconds::from_millis(ms * 1.08),
    };
    let requirement = Requirement {
        latency: Seconds::from_millis(TARGET),
        percentile,
        min_quality: Quality::ZERO,
        period: Some(Seconds::from_millis(PERIOD)),
    };
    let hello = Hello {
        name: "app".into(),
        model: ModelTable {
            name: "m".into(),
            kind: ModelKind::Supernet,
            quality_metric: "top-1".into(),
            subnetworks: RUNGS.iter().enumerate().map(subnetwork).collect(),
        },
        requirement,
        max_threads: 1,
        profile: RUNGS.iter().enumerate().map(point).collect(),
        holding: None,
    };
    (hello, requirement)
}

fn sample(now: Timestamp) -> Sample {
    let total = Duration::from_nanos(now.as_nanos());
    Sample {
        at: now,
        cpus: vec![CpuTimes {
            cpu: 0,
            busy: total.mul_f64(0.05),
            total,
        }],
        runnable: Some(1),
        ..Sample::default()
    }
}

/// z of which the share `share` of a standard normal lies below, by bisection.
fn inverse_normal(share: f64) -> f64 {
    let (mut low, mut high) = (-8.0, 8.0);
    for _ in 0..60 {
        let z = (low + high) / 2.0;
        if 0.5 * libm::erfc(-z / libm::sqrt(2.0)) < share {
            low = z;
        } else {
            high = z;
        }
    }
    (low + high) / 2.0
}
