//! A board that draws and heats otherwise than anybody believed before, in virtual time.

use std::time::Duration;

use dynd_core::{Input, Selector};
use dynd_vocab::{
    AppCpu, AppId, Assignment, BoardDescription, Celsius, CpuTimes, Hello, Hertz, Pid, Policy, Report,
    Sample, Seconds, Timestamp, Watts,
};

use crate::told::{ON_CORE, Told, hello};

/// What the board really draws: besides the processors, resting, and per core busy at the highest clock. (1.5, 0.06 and
/// 1.2 W are believed of a board that nobody described.)
pub(crate) const REST: f64 = 2.2;
pub(crate) const RESTING: f64 = 0.5;
const CORE: f64 = 4.8;

/// Kelvins per watt, and seconds to get there (9 K/W are believed).
const RESISTANCE: f64 = 6.0;
const SETTLING: f64 = 8.0;
const AMBIENT: f64 = 27.0;

const STEP: f64 = 0.01;

/// A period, in steps, of all apps.
const PERIOD: usize = 4;

/// The board in virtual time, and what was seen on it.
pub(crate) struct Plant {
    pub(crate) told: Told,
    busy: Vec<f64>,
    app_busy: Vec<f64>,
    energy: f64,
    temperature: f64,
    steps: usize,
    /// The energy, and what was read, at the last sample.
    sampled: (usize, f64),
    /// Per sample, power and temperature.
    moments: Vec<(f64, f64)>,
    /// How often the clock was changed, and how often an app was told to run something else or elsewhere.
    pub(crate) changes: (usize, usize),
    /// How many plans changed any of that.
    pub(crate) plans: usize,
    /// Per app, what chooses before each inference, what it ran last, and how often that was something else.
    selectors: Vec<Selector>,
    ran: Vec<Option<usize>>,
    pub(crate) switches: Vec<usize>,
    /// Per app, how many inferences there were, and how many of them were late.
    pub(crate) inferences: Vec<(usize, usize)>,
    /// By how much an inference may take longer than the median, now and then.
    pub(crate) noise: f64,
    /// Whether the temperature can be read.
    pub(crate) is_read: bool,
    targets: Vec<Seconds>,
    random: u64,
}

impl Plant {
    pub(crate) fn new(board: BoardDescription, policy: Policy, apps: &[Hello]) -> Self {
        let told = Told::on(board, policy, apps);
        let mut plant = Self {
            busy: vec![0.0; 4],
            app_busy: vec![0.0; apps.len()],
            energy: 0.0,
            temperature: AMBIENT + RESISTANCE * REST,
            steps: 0,
            sampled: (0, 0.0),
            moments: Vec::new(),
            changes: (0, 0),
            plans: 0,
            selectors: apps.iter().map(selector).collect(),
            ran: vec![None; apps.len()],
            switches: vec![0; apps.len()],
            inferences: vec![(0, 0); apps.len()],
            targets: apps.iter().map(|app| app.requirement.latency).collect(),
            noise: 0.0,
            is_read: true,
            random: 1,
            told,
        };
        plant.tell(&vec![None; apps.len()]);
        plant
    }

    /// Apps hear of what they were assigned since `before`.
    fn tell(&mut self, before: &[Option<Assignment>]) {
        let told = before.iter().zip(&self.told.assignments);
        for ((before, now), selector) in told.zip(&mut self.selectors) {
            let number = |told: &Option<Assignment>| told.as_ref().map(|told| told.generation);
            if let Some(assignment) = now.as_ref().filter(|_| number(before) != number(now)) {
                selector.assign(assignment);
            }
        }
    }

    /// Goes on for so many seconds.
    pub(crate) fn run(mut self, seconds: f64) -> Self {
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
            let clocks = usize::from(before.0 != self.told.setting);
            let told = before.1.iter().zip(&self.told.assignments);
            // Another latency of the same, at another clock, is nothing else to do.
            let todo = |told: &Option<Assignment>| {
                let told = told.as_ref()?;
                let rung = told.ladder.first().map(|rung| rung.subnetwork);
                Some((rung, told.processor.clone(), told.cpus))
            };
            let told = told.filter(|(before, now)| todo(before) != todo(now)).count();
            self.changes = (self.changes.0 + clocks, self.changes.1 + told);
            self.plans += usize::from(clocks + told > 0);
        }
        self
    }

    /// Every app infers once.
    fn infer(&mut self, relative: f64) {
        for index in 0..self.told.assignments.len() {
            if self.told.app(index).ladder.is_empty() {
                continue;
            }
            let target = self.targets[index];
            let subnetwork = self.selectors[index].choose(target, 1).subnetwork;
            let before = self.ran[index].replace(subnetwork);
            self.switches[index] += usize::from(before.is_some_and(|before| before != subnetwork));
            let cpu = self.told.app(index).cpus.iter().next().unwrap() as usize;
            let seconds = ON_CORE[subnetwork] * 1e-3 * (0.1 + 0.9 / relative) * self.factor();
            self.busy[cpu] += seconds;
            self.app_busy[index] += seconds;
            // Between linear and cubic, which is believed.
            self.energy += CORE * seconds * libm::pow(relative, 1.6);
            let service = Duration::from_secs_f64(seconds);
            let report = Report {
                subnetwork,
                cores: 1,
                ended: Timestamp::from_nanos(self.now()),
                service,
                latency: service,
                after_switch: false,
            };
            let late = Seconds::new(seconds) > target;
            self.inferences[index].0 += 1;
            self.inferences[index].1 += usize::from(late);
            self.selectors[index].record(&report);
            self.step(Input::Reports(AppId(index as u32 + 1), vec![report]));
        }
    }

    /// Mostly near 1, with a tail: the tenth power of a uniform variable.
    fn factor(&mut self) -> f64 {
        self.random = self
            .random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        let uniform = (self.random >> 11) as f64 / (1_u64 << 53) as f64;
        1.0 + self.noise * uniform.powi(10)
    }

    fn now(&self) -> u64 {
        1_000_000_000 + (self.steps as f64 * STEP * 1e9) as u64
    }

    pub(crate) fn step(&mut self, input: Input) {
        // `Told` lets time go by itself.
        self.told.now = self.now() - 20_000_000;
        let before = self.told.assignments.clone();
        self.told.step(input);
        self.tell(&before);
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
        let of_app = |(app, busy): (usize, &f64)| AppCpu {
            pid: Pid(app as u32 + 1),
            busy: Duration::from_secs_f64(*busy),
        };
        let clock = Hertz::from_khz((relative * 1_600_000.0) as u64);
        let sample = Sample {
            at: Timestamp::from_nanos(self.now()),
            cpus: self.busy.iter().enumerate().map(times).collect(),
            runnable: Some(1),
            clocks: vec![Some(clock), Some(Hertz::from_khz(400_000))],
            loads: vec![None, Some(0.0)],
            apps: self.app_busy.iter().enumerate().map(of_app).collect(),
            rails: vec![Some(Watts::new(power))],
            zones: vec![self.is_read.then(|| Celsius::new(self.temperature))],
            ..Sample::default()
        };
        self.step(Input::Sample(sample));
    }

    /// Mean power over the last so many seconds.
    pub(crate) fn power(&self, seconds: f64) -> f64 {
        let count = (seconds / (5.0 * STEP)) as usize;
        let last = &self.moments[self.moments.len() - count..];
        last.iter().map(|(power, _)| power).sum::<f64>() / count as f64
    }

    pub(crate) fn hottest(&self) -> f64 {
        self.moments
            .iter()
            .map(|(_, celsius)| *celsius)
            .fold(0.0, f64::max)
    }

    pub(crate) fn quality(&self) -> f64 {
        let all = 0..self.told.assignments.len();
        let count = all.len() as f64;
        all.map(|index| self.told.quality(index)).sum::<f64>() / count
    }
}

/// What chooses in the client of `app`.
fn selector(app: &Hello) -> Selector {
    Selector::new(app.model.clone(), app.requirement, &app.profile)
}

/// Three apps that could run their best on a core each.
pub(crate) fn apps() -> Vec<Hello> {
    let period = PERIOD as f64 * STEP * 1e3;
    let app = |name| hello(name, (0.9 * period, period), &["big"]);
    ["a", "b", "c"].map(app).to_vec()
}
