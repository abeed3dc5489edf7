//! The plant: what it holds, what is submitted to it and what is set on it.

use std::collections::{BTreeMap, VecDeque};

use dynd_vocab::blueprint::{Blueprint, KernelEra};
use dynd_vocab::{Hertz, Pid, Timestamp};

use crate::cooling::Governed;
use crate::domain::{Domain, Seen};
use crate::error::PlantError;
use crate::firmware::Limiter;
use crate::heat::Heat;
use crate::memory::Memory;
use crate::random::Random;
use crate::sensor::{Rail, Thermometer};
use crate::unit::Unit;
use crate::utilization::Utilization;
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
    /// Noise of what the kernel sees of its thermal zones, of what power sensors convert, and of what the observer reads:
    /// three streams, so that looking changes nothing.
    pub(crate) looks: Random,
    pub(crate) conversions: Random,
    pub(crate) reads: Random,
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
        let mut seeds = Random::new(seed);
        let mut plant = Self {
            now: 0,
            looks: seeds.split(),
            conversions: seeds.split(),
            reads: seeds.split(),
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
            plant.domains[processor].seen = vec![Seen::default(); units];
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
        let units = self.units.iter().filter(|unit| unit.processor == processor);
        domain.begin(now, units.map(|unit| unit.busy));
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
}

/// One unit per CPU, then one per accelerator.
fn units(blueprint: &Blueprint) -> Vec<Unit> {
    let mut units = Vec::new();
    let era = blueprint.kernel.era;
    let most = blueprint.clusters.iter().map(|cluster| cluster.capacity).max();
    for (processor, cluster) in blueprint.clusters.iter().enumerate() {
        let capacity = f64::from(cluster.capacity) / f64::from(most.unwrap_or(1));
        let unit = |cpu| Unit::new(processor, Some(cpu), Utilization::new(capacity, era));
        units.extend(cluster.cpus.iter().map(unit));
    }
    let first = blueprint.clusters.len();
    let unit = |processor| Unit::new(processor, None, Utilization::new(1.0, era));
    units.extend((first..first + blueprint.accelerators.len()).map(unit));
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
