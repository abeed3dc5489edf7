//! Budgets of power and heat are kept on a board that draws and heats otherwise than anybody believed before.

use std::time::Duration;

use dynd_core::Input;
use dynd_vocab::{
    AppId, BoardDescription, Celsius, CpuTimes, Hello, Hertz, Objective, Policy, PowerGrade, PowerRail,
    Report, Sample, Standing, ThermalZone, Timestamp, Watts,
};

use crate::told::{ON_CORE, QUALITY, Told, board, hello, policy};

/// What the board really draws: besides the processors, resting, and per core busy at the highest clock. (1.5, 0.06 and
/// 1.2 W are believed of a board that nobody described.)
const REST: f64 = 2.2;
const RESTING: f64 = 0.5;
const CORE: f64 = 2.4;

/// Kelvins per watt, and seconds to get there (9 K/W are believed).
const RESISTANCE: f64 = 6.0;
const SETTLING: f64 = 8.0;
const AMBIENT: f64 = 27.0;

const STEP: f64 = 0.01;

/// A period, in steps, of all apps.
const PERIOD: usize = 4;

/// The board in virtual time, and what was seen on it.
struct Plant {
    told: Told,
    busy: Vec<f64>,
    energy: f64,
    temperature: f64,
    steps: usize,
    /// The energy, and what was read, at the last sample.
    sampled: (usize, f64),
    /// Per sample, power and temperature.
    moments: Vec<(f64, f64)>,
    changes: usize,
}

impl Plant {
    fn new(board: BoardDescription, policy: Policy, apps: &[Hello]) -> Self {
        let told = Told::on(board, policy, apps);
        Self {
            busy: vec![0.0; 4],
            energy: 0.0,
            temperature: AMBIENT + RESISTANCE * REST,
            steps: 0,
            sampled: (0, 0.0),
            moments: Vec::new(),
            changes: 0,
            told,
        }
    }

    /// Goes on for so many seconds.
    fn run(mut self, seconds: f64) -> Self {
        for _ in 0..(seconds / STEP) as usize {
            self.steps += 1;
            let before = (self.told.setting.clone(), self.told.assignments.clone());
            let relative = self.told.mhz(0).map_or(1.0, |mhz| mhz as f64 / 1600.0);
            if self.steps.is_multiple_of(PERIOD) {
                self.infer(relative);
            }
            if self.steps.is_multiple_of(5) {
                self.sample(relative);
            }
            self.changes += usize::from(before != (self.told.setting.clone(), self.told.assignments.clone()));
        }
        self
    }

    /// Every app infers once.
    fn infer(&mut self, relative: f64) {
        for index in 0..self.told.assignments.len() {
            let Some(rung) = self.told.app(index).ladder.first() else {
                continue;
            };
            let subnetwork = rung.subnetwork;
            let cpu = self.told.app(index).cpus.first().unwrap() as usize;
            let seconds = ON_CORE[subnetwork] * 1e-3 * (0.1 + 0.9 / relative);
            self.busy[cpu] += seconds;
            // Between linear and cubic, which is believed.
            self.energy += CORE * seconds * relative.powf(1.6);
            let service = Duration::from_secs_f64(seconds);
            let report = Report {
                subnetwork,
                cores: 1,
                ended: Timestamp::from_nanos(self.now()),
                service,
                latency: service,
                after_switch: false,
            };
            self.step(Input::Reports(AppId(index as u32 + 1), vec![report]));
        }
    }

    fn now(&self) -> u64 {
        1_000_000_000 + (self.steps as f64 * STEP * 1e9) as u64
    }

    fn step(&mut self, input: Input) {
        // `Told` lets time go by itself.
        self.told.now = self.now() - 20_000_000;
        self.told.step(input);
    }

    fn sample(&mut self, relative: f64) {
        let (at, before) = self.sampled;
        let seconds = (self.steps - at) as f64 * STEP;
        self.energy += (REST + RESTING * relative) * seconds;
        let power = (self.energy - before) / seconds;
        self.sampled = (self.steps, self.energy);
        let goal = AMBIENT + RESISTANCE * power;
        self.temperature += (goal - self.temperature) * seconds / SETTLING;
        self.moments.push((power, self.temperature));
        let total = Duration::from_secs_f64(self.steps as f64 * STEP);
        let times = |(cpu, busy): (usize, &f64)| CpuTimes {
            cpu: cpu as u32,
            busy: Duration::from_secs_f64(*busy),
            total,
        };
        let clock = Hertz::from_khz((relative * 1_600_000.0) as u64);
        let sample = Sample {
            at: Timestamp::from_nanos(self.now()),
            cpus: self.busy.iter().enumerate().map(times).collect(),
            runnable: Some(1),
            clocks: vec![Some(clock), Some(Hertz::from_khz(400_000))],
            loads: vec![None, Some(0.0)],
            rails: vec![Some(Watts::new(power))],
            zones: vec![Some(Celsius::new(self.temperature))],
            ..Sample::default()
        };
        self.step(Input::Sample(sample));
    }

    /// Mean power over the last so many seconds.
    fn power(&self, seconds: f64) -> f64 {
        let count = (seconds / (5.0 * STEP)) as usize;
        let last = &self.moments[self.moments.len() - count..];
        last.iter().map(|(power, _)| power).sum::<f64>() / count as f64
    }

    fn hottest(&self) -> f64 {
        self.moments
            .iter()
            .map(|(_, celsius)| *celsius)
            .fold(0.0, f64::max)
    }

    fn quality(&self) -> f64 {
        let all = 0..self.told.assignments.len();
        let count = all.len() as f64;
        all.map(|index| self.told.quality(index)).sum::<f64>() / count
    }
}

fn apps() -> Vec<Hello> {
    let period = PERIOD as f64 * STEP * 1e3;
    let app = |name| hello(name, (0.9 * period, period), &["big"]);
    ["a", "b", "c"].map(app).to_vec()
}

fn measured() -> BoardDescription {
    BoardDescription {
        rails: vec![PowerRail {
            name: "board".into(),
            within: None,
        }],
        ..board()
    }
}

fn within(watts: f64) -> Policy {
    Policy {
        power_budget: Some(Watts::new(watts)),
        ..policy(Objective::MaxQuality)
    }
}

#[test]
fn a_power_budget_is_kept_by_what_the_rail_measures() {
    let free = Plant::new(measured(), policy(Objective::MaxQuality), &apps()).run(10.0);
    assert_eq!(free.quality(), QUALITY[2]);
    let least = REST + RESTING;
    for share in [0.8, 0.6, 0.4] {
        let budget = least + share * (free.power(5.0) - least);
        let kept = Plant::new(measured(), within(budget), &apps()).run(10.0);
        let (power, quality) = (kept.power(5.0), kept.quality());
        println!(
            "{budget:.2} W: {power:.2} W, quality {quality:.3}, {} changes",
            kept.changes
        );
        assert!(power <= 1.02 * budget, "{power} W of {budget} W");
        assert!(quality < QUALITY[2], "{budget} W is not enough for that");
        assert!(power >= 0.6 * budget, "{power} W: {budget} W would allow more");
        assert!(
            kept.told
                .assignments
                .iter()
                .flatten()
                .all(|told| told.standing == Standing::Met)
        );
    }
}

#[test]
fn without_a_rail_it_is_kept_by_estimates_and_says_so() {
    let kept = Plant::new(board(), within(3.0), &apps()).run(10.0);
    let status = kept.told.controller.board().budget.power.unwrap();
    assert_eq!(
        (status.grade, status.unenforceable),
        (PowerGrade::Estimated, None)
    );
    let predicted = status.predicted_w.unwrap();
    assert!(predicted <= 3.0 * 1.02, "{predicted} W");
    assert!(kept.quality() < QUALITY[2]);
}

#[test]
fn a_temperature_limit_is_kept_before_it_is_reached() {
    let board = || BoardDescription {
        zones: vec![ThermalZone {
            name: "soc".into(),
            trips: Vec::new(),
        }],
        ..measured()
    };
    let free = Plant::new(board(), policy(Objective::MaxQuality), &apps()).run(60.0);
    let limit = free.hottest() - 12.0;
    let policy = Policy {
        temperature_limit: Some(Celsius::new(limit)),
        ..policy(Objective::MaxQuality)
    };
    let kept = Plant::new(board(), policy, &apps()).run(60.0);
    let (hottest, quality) = (kept.hottest(), kept.quality());
    println!(
        "{limit:.1} °C: {hottest:.1} °C, quality {quality:.3}, {} changes",
        kept.changes
    );
    assert!(hottest <= limit + 0.5, "{hottest} °C of {limit} °C");
    assert!(
        quality > QUALITY[0],
        "{limit} °C would allow more than the smallest"
    );
}
