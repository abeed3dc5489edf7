//! What is read from a plant: what its kernel reports, what its sensors show, and the truth behind both.

use std::time::Duration;

use dynd_vocab::{Celsius, Counters, CpuSet, Hertz, Pid, Watts};

use crate::plant::Plant;
use crate::sensor::Failure;
use crate::unit::Unit;
use crate::work::Completion;

impl Plant {
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

    /// How much work one unit of `processor` does at present, in [cycles](crate::Work::cycles) per second.
    pub fn speed(&self, processor: usize) -> f64 {
        self.domains[processor].real() * self.per_cycle[processor]
    }

    /// The same at the highest clock of `processor`, as the kernel reports that.
    pub fn highest_speed(&self, processor: usize) -> f64 {
        self.domains[processor].highest().as_hz() as f64 * self.per_cycle[processor]
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

    /// Share of time that the busiest unit of `processor` was busy in the last period of its governor or driver; 0 if it has
    /// neither.
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
        let amperes = rail.current(&mut self.reads)?;
        Some((amperes, Watts::new(amperes * rail.plan.volts)))
    }

    /// The temperature that the thermal zone `zone` shows; absent if reading it fails.
    pub fn read_zone(&mut self, zone: usize) -> Option<Celsius> {
        let heat = &self.heat;
        let shown = self.thermometers[zone].read(|node| heat.celsius(node), &mut self.reads);
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

    /// For how long something has waited for a CPU.
    pub fn stalled(&self) -> Duration {
        Duration::from_secs_f64(self.stalled)
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
