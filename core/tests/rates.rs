//! How often the controller lets the board be sampled: counted in virtual time.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use dynd_core::{Controller, Input};
use dynd_vocab::{
    AppId, BoardDescription, Celsius, CpuSet, Hello, Identity, ModelKind, ModelTable, Policy, Processor,
    ProcessorKind, Quality, Report, Requirement, Role, Sample, Seconds, Subnetwork, Timestamp, Watts,
};

const APP: AppId = AppId(1);
const MS: u64 = 1_000_000;

fn board() -> BoardDescription {
    BoardDescription {
        name: "test".into(),
        processors: vec![Processor {
            name: "cpu".into(),
            kind: ProcessorKind::Cpu,
            role: Role::Big,
            cpus: CpuSet::single(0),
            capacity: 1024,
            opps: Vec::new(),
        }],
        ..BoardDescription::default()
    }
}

fn hello() -> Hello {
    Hello {
        name: "camera".into(),
        model: ModelTable {
            name: "digits".into(),
            kind: ModelKind::Supernet,
            quality_metric: "top-1".into(),
            subnetworks: vec![Subnetwork {
                name: "only".into(),
                quality: Quality::new(0.9).unwrap(),
                macs: 20_000_000,
                memory_bytes: 1 << 20,
            }],
        },
        requirement: Requirement {
            latency: Seconds::from_millis(50.0),
            percentile: 0.95,
            min_quality: Quality::ZERO,
            period: None,
        },
        max_threads: 1,
        profile: Vec::new(),
        holding: None,
    }
}

/// A controller, and a driver that does as it is told about samples and wake-ups.
struct Driver {
    controller: Controller,
    millis: u64,
    every: Option<Duration>,
    wake_at: Option<Timestamp>,
    sampled: Option<u64>,
    samples: u32,
    wakes: u32,
}

impl Driver {
    fn new(policy: Policy) -> Self {
        let mut driver = Self {
            controller: Controller::new(board(), policy, 7),
            millis: 1,
            every: None,
            wake_at: None,
            sampled: None,
            samples: 0,
            wakes: 0,
        };
        driver.step(Input::Tick);
        driver
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.millis * MS)
    }

    fn step(&mut self, input: Input) {
        let output = self.controller.step(self.now(), input);
        (self.every, self.wake_at) = (output.sample_every, output.wake_at);
        if self.every.is_none() {
            self.sampled = None;
        }
    }

    /// Ten seconds, in which the app reports an inference every `report_ms`, if at all: how many samples were taken,
    /// and how often the controller woke for nothing else.
    fn ten_seconds(&mut self, report_ms: Option<u64>) -> (u32, u32) {
        (self.samples, self.wakes) = (0, 0);
        for _ in 0..10_000 {
            self.millis += 1;
            if report_ms.is_some_and(|every| self.millis.is_multiple_of(every)) {
                self.step(Input::Reports(APP, vec![self.report()]));
            }
            let due = |every: Duration| {
                let every = every.as_millis() as u64;
                self.sampled.is_none_or(|at| self.millis - at >= every)
            };
            if self.every.is_some_and(due) {
                self.sampled = Some(self.millis);
                self.samples += 1;
                let sample = Sample {
                    at: self.now(),
                    ..Sample::default()
                };
                self.step(Input::Sample(sample));
            } else if self.wake_at.is_some_and(|at| at <= self.now()) {
                self.wakes += 1;
                self.step(Input::Tick);
            }
        }
        (self.samples, self.wakes)
    }

    fn report(&self) -> Report {
        Report {
            subnetwork: 0,
            cores: 1,
            ended: self.now(),
            service: Duration::from_millis(5),
            latency: Duration::from_millis(5),
            after_switch: false,
        }
    }
}

fn power() -> Policy {
    Policy {
        power_budget: Some(Watts::new(6.0)),
        ..Policy::default()
    }
}

fn heat() -> Policy {
    Policy {
        temperature_limit: Some(Celsius::new(80.0)),
        ..Policy::default()
    }
}

#[test]
fn a_budget_is_watched_once_a_second_and_an_app_twenty_times() {
    for (policy, idle) in [(Policy::default(), 0), (power(), 10), (heat(), 10)] {
        let mut driver = Driver::new(policy.clone());
        assert_eq!(driver.ten_seconds(None), (idle, 0), "no app: {policy:?}");
        driver.step(Input::Hello(APP, Identity::default(), hello()));
        let (samples, _) = driver.ten_seconds(Some(40));
        assert!((199..=201).contains(&samples), "an app that infers: {samples}");
        // Silence is taken for the end of inference after a while.
        driver.ten_seconds(None);
        assert_eq!(driver.ten_seconds(None), (idle, 0), "an app that is silent");
        driver.ten_seconds(Some(40));
        driver.step(Input::Goodbye(APP));
        assert_eq!(driver.ten_seconds(None), (idle, 0), "the app is gone: {policy:?}");
    }
}

#[test]
fn a_policy_that_comes_or_goes_changes_the_pace_at_once() {
    let mut driver = Driver::new(Policy::default());
    driver.step(Input::Policy(power()));
    assert_eq!(driver.ten_seconds(None), (10, 0));
    driver.step(Input::Policy(Policy::default()));
    assert_eq!(driver.ten_seconds(None), (0, 0));
}
