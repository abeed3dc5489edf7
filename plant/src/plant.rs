//! The plant: what is submitted to it, what is set on it, what is read from it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use dynd_vocab::blueprint::{Blueprint, KernelEra};
use dynd_vocab::{Celsius, Counters, CpuSet, Hertz, Pid, Timestamp, Watts};

use crate::cooling::Governed;
use crate::domain::Domain;
use crate::error::PlantError;
use crate::firmware::Limiter;
use crate::heat::Heat;
use crate::memory::Memory;
use crate::random::Random;
use crate::sensor::{Failure, Rail, Thermometer};
use crate::unit::Unit;
use crate::work::{Completion, JobId, Place, Work};

/// A virtual board in virtual time. See the [crate] for what it is made of.
///
/// Processors, rails, zones, cooling devices and thermal nodes are numbered as in its blueprint. What reads one panics if there
/// is no such one; what sets one on behalf of a user answers with an error.
#[derive(Clone, Debug)]
pub struct Plant {
    pub(crate) blueprint: Blueprint,
    /// Nanoseconds since it was switched on.
    pub(crate) now: u64,
    pub(crate) random: Random,
    pub(crate) domains: Vec<Domain>,
    pub(crate) units: Vec<Unit>,
    /// Work per cycle of each processor's units, relative to the fastest CPU core.
    pub(crate) per_cycle: Vec<f64>,
    pub(crate) memory: Memory,
    pub(crate) heat: Heat,
    pub(crate) governed: Vec<Governed>,
    pub(crate) limiters: Vec<Limiter>,
    pub(crate) rails: Vec<Rail>,
    pub(crate) thermometers: Vec<Thermometer>,
    pub(crate) jobs: BTreeMap<JobId, Job>,
    /// Jobs that wait for an accelerator while it serves others of their app.
    pub(crate) waiting: BTreeMap<(usize, Pid), VecDeque<JobId>>,
    pub(crate) completions: Vec<Completion>,
    pub(crate) cpu_time: BTreeMap<Pid, f64>,
    /// Seconds during which something waited for a CPU.
    pub(crate) stalled: f64,
    /// What each processor, the memory and the rest drew last, in watts.
    pub(crate) drawn: Vec<f64>,
    /// What the board has drawn since it was switched on, in joules.
    pub(crate) energy: f64,
    next_job: u64,
}

/// A job that is not done yet.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) app: Pid,
    pub(crate) submitted: u64,
    pub(crate) work: Work,
    /// How many of its strands are not done.
    pub(crate) strands: u32,
}

impl Plant {
    /// The board of `blueprint`, idle, cold and just switched on. Its sensors' noise follows from `seed`.
    pub fn new(blueprint: &Blueprint, seed: u64) -> Self {
        let mut domains: Vec<_> = blueprint
            .clusters
            .iter()
            .map(|cluster| Domain::new(&cluster.silicon, None))
            .collect();
        let accelerators = blueprint.accelerators.iter();
        domains.extend(accelerators.map(|plan| Domain::new(&plan.silicon, Some(plan.polling))));
        let mut plant = Self {
            now: 0,
            random: Random::new(seed),
            units: units(blueprint),
            per_cycle: per_cycle(blueprint),
            memory: Memory::new(&blueprint.memory),
            heat: Heat::new(&blueprint.thermal),
            governed: blueprint.zones.iter().map(Governed::new).collect(),
            limiters: blueprint.limits.iter().map(Limiter::new).collect(),
            rails: blueprint.rails.iter().map(Rail::new).collect(),
            thermometers: blueprint.zones.iter().map(Thermometer::new).collect(),
            jobs: BTreeMap::new(),
            waiting: BTreeMap::new(),
            completions: Vec::new(),
            cpu_time: BTreeMap::new(),
            stalled: 0.0,
            drawn: vec![0.0; domains.len() + 2],
            energy: 0.0,
            domains,
            next_job: 0,
            blueprint: blueprint.clone(),
        };
        for processor in 0..plant.domains.len() {
            let units = plant
                .units
                .iter()
                .filter(|unit| unit.processor == processor)
                .count();
            plant.domains[processor].seen = vec![0.0; units];
            plant.domains[processor].settle();
        }
        plant
    }

    /// The board that it is.
    pub const fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Its own time.
    pub const fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.now)
    }

    /// Hands over `work` of `app`, to be done at `place`.
    ///
    /// # Errors
    /// If the board has no such place, or a figure of the work is out of its range.
    pub fn submit(&mut self, app: Pid, work: Work, place: Place) -> Result<JobId, PlantError> {
        if !work.is_sound() {
            return Err(PlantError::Work);
        }
        let job = JobId(self.next_job);
        let strands = match place {
            Place::Cpus(cpus) => {
                let known = |cpu| self.units.iter().any(|unit| unit.cpu == Some(cpu));
                if cpus.is_empty() || !cpus.iter().all(known) {
                    return Err(PlantError::Cpus(cpus));
                }
                cpus.len()
            }
            Place::Accelerator(processor) => {
                let unit = self.units.iter().find(|unit| unit.processor == processor);
                if unit.is_none_or(|unit| unit.cpu.is_some()) {
                    return Err(PlantError::Accelerator(processor));
                }
                1
            }
        };
        self.next_job += 1;
        let entry = Job {
            app,
            submitted: self.now,
            work,
            strands,
        };
        self.jobs.insert(job, entry);
        match place {
            Place::Cpus(cpus) => self.spread(job, app, work, cpus),
            Place::Accelerator(processor) => {
                self.waiting.entry((processor, app)).or_default().push_back(job);
                self.serve(processor, app);
            }
        }
        Ok(job)
    }

    /// Takes a job away that is not done yet. What it has done is lost.
    pub fn cancel(&mut self, job: JobId) {
        self.jobs.remove(&job);
        for unit in &mut self.units {
            for strand in &mut unit.strands {
                strand.jobs.retain(|&each| each != job);
            }
            unit.strands.retain(|strand| !strand.jobs.is_empty());
        }
        for line in self.waiting.values_mut() {
            line.retain(|&each| each != job);
        }
        let idle: Vec<_> = self.waiting.keys().copied().collect();
        for (processor, app) in idle {
            self.serve(processor, app);
        }
    }

    /// Sets the clocks that users allow for `processor`.
    ///
    /// # Errors
    /// If there is no such processor, or the minimum is above the maximum and the kernel is one that refuses that.
    pub fn bound(&mut self, processor: usize, low: Hertz, high: Hertz) -> Result<(), PlantError> {
        let legacy = self.blueprint.kernel.era == KernelEra::Legacy;
        let domain = self
            .domains
            .get_mut(processor)
            .ok_or(PlantError::Processor(processor))?;
        if low > high && legacy {
            return Err(PlantError::Bounds { low, high });
        }
        domain.bound(low, high);
        domain.settle();
        Ok(())
    }

    /// Puts a governor in charge of `processor`.
    ///
    /// # Errors
    /// If there is no such processor, or it has no such governor.
    pub fn govern(&mut self, processor: usize, name: &str) -> Result<(), PlantError> {
        let now = self.now;
        let domain = self
            .domains
            .get_mut(processor)
            .ok_or(PlantError::Processor(processor))?;
        if !domain.govern(name) {
            return Err(PlantError::Governor(name.into()));
        }
        domain.next = now;
        domain.settle();
        Ok(())
    }

    /// Asks for a clock of `processor`, as a write to `scaling_setspeed` does.
    ///
    /// # Errors
    /// If there is no such processor, or its governor is not `userspace`.
    pub fn set_clock(&mut self, processor: usize, clock: Hertz) -> Result<(), PlantError> {
        let domain = self
            .domains
            .get_mut(processor)
            .ok_or(PlantError::Processor(processor))?;
        let crate::governor::Governor::Userspace(wanted) = &mut domain.governor else {
            return Err(PlantError::Governor("userspace".into()));
        };
        *wanted = clock;
        domain.settle();
        Ok(())
    }

    /// What was done since the last call, in the order in which it was done.
    pub fn completed(&mut self) -> Vec<Completion> {
        std::mem::take(&mut self.completions)
    }

    /// The clock that the kernel reports for `processor`.
    pub fn clock(&self, processor: usize) -> Hertz {
        self.domains[processor].reported()
    }

    /// The real clock of `processor`, which no file of a board tells.
    pub fn real_clock(&self, processor: usize) -> Hertz {
        Hertz::from_hz(self.domains[processor].real().round() as u64)
    }

    /// The lowest and the highest clock that users allow for `processor`.
    pub fn user_bounds(&self, processor: usize) -> (Hertz, Hertz) {
        self.domains[processor].user_bounds()
    }

    /// The lowest and the highest clock in force for `processor`: users and cooling together.
    pub fn bounds(&self, processor: usize) -> (Hertz, Hertz) {
        self.domains[processor].effective_bounds()
    }

    /// The governor in charge of `processor`.
    pub fn governor(&self, processor: usize) -> &'static str {
        self.domains[processor].governor.label()
    }

    /// Share of time that the busiest unit of `processor` was busy in the last period of its governor.
    pub fn load(&self, processor: usize) -> f64 {
        self.domains[processor].load
    }

    /// The clock of the memory.
    pub fn memory_clock(&self) -> Hertz {
        self.memory.clock()
    }

    /// What the whole board draws at this moment: the truth, which no sensor tells.
    pub fn power(&self) -> Watts {
        Watts::new(self.drawn.iter().sum())
    }

    /// What the whole board has drawn since it was switched on, in joules: the truth, which no sensor tells.
    pub const fn energy(&self) -> f64 {
        self.energy
    }

    /// What went through the power sensor `rail` since the board was switched on, in joules: the truth.
    pub fn rail_energy(&self, rail: usize) -> f64 {
        self.rails[rail].energy
    }

    /// How hot the thermal node `node` is: the truth, which no sensor tells.
    pub fn temperature(&self, node: usize) -> Celsius {
        Celsius::new(self.heat.celsius(node))
    }

    /// Makes the thermal node `node` as hot as `temperature`, as if something had happened before.
    pub fn preheat(&mut self, node: usize, temperature: Celsius) {
        self.heat.set(node, temperature.get());
    }

    /// The current that the power sensor `rail` shows, in amperes, and the power that follows from it; absent if
    /// reading it fails.
    pub fn read_rail(&mut self, rail: usize) -> Option<(f64, Watts)> {
        let rail = &self.rails[rail];
        let amperes = rail.current(&mut self.random)?;
        Some((amperes, Watts::new(amperes * rail.plan.volts)))
    }

    /// The temperature that the thermal zone `zone` shows; absent if reading it fails.
    pub fn read_zone(&mut self, zone: usize) -> Option<Celsius> {
        let heat = &self.heat;
        let shown = self.thermometers[zone].read(|node| heat.celsius(node), &mut self.random);
        shown.map(Celsius::new)
    }

    /// The state of the cooling device `cooler`.
    pub fn cooling_state(&self, cooler: usize) -> u32 {
        self.governed
            .iter()
            .map(|zone| zone.asks(cooler))
            .max()
            .unwrap_or(0)
    }

    /// Breaks the power sensor `rail`, or mends it.
    pub fn fail_rail(&mut self, rail: usize, failure: Option<Failure>) {
        self.rails[rail].failure = failure;
    }

    /// Breaks the sensor of the thermal zone `zone`, or mends it. The kernel sees what it shows.
    pub fn fail_zone(&mut self, zone: usize, failure: Option<Failure>) {
        self.thermometers[zone].failure = failure;
    }

    /// Time that CPU `cpu` has been running anything; absent if there is no such CPU.
    pub fn busy(&self, cpu: u32) -> Option<Duration> {
        let unit = self.units.iter().find(|unit| unit.cpu == Some(cpu))?;
        Some(Duration::from_secs_f64(unit.busy))
    }

    /// What the hardware counters of the CPUs of `processor` say, one instruction for each cycle's worth of work; absent for
    /// an accelerator.
    pub fn counters(&self, processor: usize) -> Option<Counters> {
        let cpus = |unit: &&Unit| unit.processor == processor && unit.cpu.is_some();
        let sum = |of: fn(&Unit) -> f64| self.units.iter().filter(cpus).map(of).sum::<f64>() as u64;
        self.units.iter().find(cpus).map(|_| Counters {
            cycles: sum(|unit| unit.cycles),
            instructions: sum(|unit| unit.worked),
        })
    }

    /// CPU time that `app` has spent.
    pub fn cpu_time(&self, app: Pid) -> Option<Duration> {
        self.cpu_time
            .get(&app)
            .map(|&seconds| Duration::from_secs_f64(seconds))
    }

    /// How many threads run or wait for a CPU.
    pub fn runnable(&self) -> usize {
        let cpus = self.units.iter().filter(|unit| unit.cpu.is_some());
        cpus.map(|unit| unit.strands.len()).sum()
    }

    /// Every CPU.
    pub fn cpus(&self) -> CpuSet {
        let sets = self.blueprint.clusters.iter().map(|cluster| cluster.cpus);
        sets.fold(CpuSet::EMPTY, CpuSet::union)
    }
}

/// One unit per CPU, then one per accelerator.
fn units(blueprint: &Blueprint) -> Vec<Unit> {
    let mut units = Vec::new();
    for (processor, cluster) in blueprint.clusters.iter().enumerate() {
        units.extend(cluster.cpus.iter().map(|cpu| Unit::new(processor, Some(cpu))));
    }
    let first = blueprint.clusters.len();
    units.extend((first..first + blueprint.accelerators.len()).map(|processor| Unit::new(processor, None)));
    units
}

/// Work per cycle, relative to the fastest core: capacity over highest clock. Accelerators count in cycles of their own.
fn per_cycle(blueprint: &Blueprint) -> Vec<f64> {
    let per_hertz = |cluster: &dynd_vocab::blueprint::ClusterPlan| {
        let opps = &cluster.silicon.opps;
        f64::from(cluster.capacity) / opps[opps.len() - 1].clock.as_hz() as f64
    };
    let fastest = blueprint.clusters.iter().map(per_hertz).fold(0.0, f64::max);
    let cores = blueprint
        .clusters
        .iter()
        .map(|cluster| per_hertz(cluster) / fastest);
    cores.chain(blueprint.accelerators.iter().map(|_| 1.0)).collect()
}
