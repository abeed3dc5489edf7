//! Time: how a plant gets from one moment to the next.
//!
//! Time advances from event to event. Between two events nothing changes by itself: every strand runs at a constant pace,
//! every processor draws a constant power. An event is a strand that is done, a turn that ends, a governor or a
//! zone that is due, or the next whole 10 ms, after which temperatures have moved enough to count. Whoever looks at such
//! moments only cuts no step short, and sees the same board however often it looks.
//!
//! 1. What is due decides: memory clock, governors, the kernel's thermal zones, firmware.
//! 2. The pace of every running strand follows from the real clocks and from contention.
//! 3. The time to the next event is run: work done, energy drawn, heat moved, sensors fed.

use std::time::Duration;

use dynd_vocab::{CpuSet, Pid, Timestamp};

use crate::contention::stretch;
use crate::memory::PERIOD;
use crate::plant::Plant;
use crate::power::{dynamic, leakage};
use crate::unit::{Beat, Strand, Unit, slice};
use crate::work::{Completion, JobId, Work};

/// The time between two ticks of the scheduler, in nanoseconds (CONFIG_HZ=250).
const TICK: u64 = 4_000_000;

/// How often a busy CPU looks for load to balance, in nanoseconds: 16 ms for each of the two CPUs of a small domain
/// (kernel/sched/topology.c, `busy_factor`).
const BALANCE: u64 = 32_000_000;

/// The longest time between two events, in nanoseconds: each multiple of it is one.
const LONGEST: u64 = 10_000_000;

/// Nanoseconds per second.
const NANOS: f64 = 1e9;

impl Plant {
    /// Lets `time` go by.
    pub fn step(&mut self, time: Duration) {
        let mut left = nanos(time);
        while left > 0 {
            left -= self.leap(left);
        }
    }

    /// Lets at most `time` go by, and stops where a job is done. Answers how much went by.
    pub fn advance(&mut self, time: Duration) -> Duration {
        let (start, limit) = (self.now, nanos(time));
        let before = self.completions.len();
        while self.now - start < limit && self.completions.len() == before {
            self.leap(limit - (self.now - start));
        }
        Duration::from_nanos(self.now - start)
    }

    /// Goes to the next event, at most `limit` nanoseconds away. Answers how far it was.
    fn leap(&mut self, limit: u64) -> u64 {
        self.decide();
        let paces = self.paces();
        let mut seconds = f64::INFINITY;
        for (unit, pace) in self.units.iter().zip(&paces) {
            seconds = seconds.min(unit.horizon(*pace));
        }
        // A strand's end is rounded up, so that it is done when it is reached.
        let tick = LONGEST - self.now % LONGEST;
        let event = (seconds * NANOS).ceil().min(tick as f64) as u64;
        let due = self.next_decision() - self.now;
        let length = event.min(due).clamp(1, limit);
        self.flow(length, &paces);
        length
    }

    /// When something is due next.
    fn next_decision(&self) -> u64 {
        let first = self.blueprint.clusters.len();
        let polled = self.domains[first..]
            .iter()
            .filter(|domain| domain.period().is_some());
        let zones = self.governed.iter().map(|zone| zone.next);
        let limits = self.limiters.iter().map(|limiter| limiter.next);
        let all = polled.map(|domain| domain.next).chain(zones).chain(limits);
        all.chain([self.memory.next])
            .chain(self.next_tick())
            .min()
            .unwrap_or(u64::MAX)
            .max(self.now + 1)
    }

    /// When the scheduler ticks next for a governor that listens.
    fn next_tick(&self) -> Option<u64> {
        let ticks = |unit: &Unit| {
            let governor = &self.domains[unit.processor].governor;
            unit.cpu.is_some() && unit.ticking && governor.period().is_some()
        };
        let tick = self.now - self.now % TICK + TICK;
        self.units.iter().any(ticks).then_some(tick)
    }

    /// Lets everything decide that is due.
    fn decide(&mut self) {
        if self.memory.next <= self.now {
            self.memory.decide();
            self.memory.next = self.now + PERIOD;
        }
        for zone in 0..self.governed.len() {
            if self.governed[zone].next <= self.now {
                self.look(zone);
            }
        }
        for processor in 0..self.domains.len() {
            let told = self.tells(processor);
            let domain = &self.domains[processor];
            if told && domain.period().is_some() && domain.next <= self.now {
                self.govern_by_load(processor);
            }
        }
        self.limit();
    }

    /// The kernel looks at thermal zone `zone`.
    fn look(&mut self, zone: usize) {
        let heat = &self.heat;
        let shown = self.thermometers[zone].read(|node| heat.celsius(node), &mut self.looks);
        let governed = &mut self.governed[zone];
        governed.next = self.now + governed.period.max(1);
        if let Some(celsius) = shown {
            governed.look(celsius);
            for cooler in 0..self.blueprint.coolers.len() {
                let state = self.cooling_state(cooler);
                match self.blueprint.coolers[cooler].processor {
                    Some(processor) => {
                        self.domains[processor].cool(state);
                        self.domains[processor].settle();
                    }
                    None => self.heat.blow(state),
                }
            }
        }
    }

    /// Whether the governor of `processor` is called: one of CPUs by the scheduler, any other by a timer of its own.
    fn tells(&mut self, processor: usize) -> bool {
        let beat = match (self.now % BALANCE, self.now % TICK) {
            (0, _) => Beat::Balance,
            (_, 0) => Beat::Tick,
            _ => Beat::Between,
        };
        let mut told = processor >= self.blueprint.clusters.len();
        for unit in self.units.iter_mut().filter(|unit| unit.processor == processor) {
            told |= unit.tells(beat);
        }
        told
    }

    fn govern_by_load(&mut self, processor: usize) {
        let units = || self.units.iter().filter(|unit| unit.processor == processor);
        let utilization = units().map(|unit| unit.utilization.share(!unit.strands.is_empty()));
        let utilization = utilization.fold(0.0, f64::max);
        let domain = &mut self.domains[processor];
        let elapsed = domain.look(self.now, units().map(|unit| unit.busy));
        domain.decide(self.now, elapsed, utilization);
    }

    /// Lets firmware act.
    fn limit(&mut self) {
        let (now, heat) = (self.now, &self.heat);
        let watts = self.drawn.iter().sum();
        for limiter in self.limiters.iter_mut().filter(|limiter| limiter.next <= now) {
            limiter.next = now + limiter.period().max(1);
            let rooms = limiter.plan.processors.iter();
            let room = rooms
                .map(|&each| self.domains[each].room_above(limiter.plan.floor))
                .max();
            limiter.act(|node| heat.celsius(node), watts, room.unwrap_or(0));
        }
        for (processor, domain) in self.domains.iter_mut().enumerate() {
            let over = self
                .limiters
                .iter()
                .filter(|limiter| limiter.plan.processors.contains(&processor));
            let taken = over.map(|limiter| limiter.taken.min(domain.room_above(limiter.plan.floor)));
            domain.slowed = taken.max().unwrap_or(0);
        }
    }

    /// How long the running strand of each unit takes in all, in seconds; endless where none runs.
    fn paces(&self) -> Vec<f64> {
        let speed = |processor: usize| self.domains[processor].real() * self.per_cycle[processor];
        let demand = |strand: &Strand, processor| strand.traffic / strand.seconds(speed(processor), 1.0);
        let running = |unit: &Unit| {
            unit.strands
                .front()
                .map_or(0.0, |first| demand(first, unit.processor))
        };
        let total: f64 = self.units.iter().map(running).sum();
        let bandwidth = self.memory.bandwidth();
        let pace = |unit: &Unit| match unit.strands.front() {
            Some(strand) => {
                let own = demand(strand, unit.processor);
                strand.seconds(speed(unit.processor), stretch(own, total, bandwidth))
            }
            None => f64::INFINITY,
        };
        self.units.iter().map(pace).collect()
    }

    /// Runs `length` nanoseconds in which nothing changes by itself.
    fn flow(&mut self, length: u64, paces: &[f64]) {
        let seconds = length as f64 / NANOS;
        let traffic = self.traffic(paces);
        self.draw(seconds, traffic);
        let accelerated = self
            .units
            .iter()
            .any(|unit| unit.cpu.is_none() && !unit.strands.is_empty());
        self.memory.note(traffic * seconds, accelerated);
        if self
            .units
            .iter()
            .any(|unit| unit.cpu.is_some() && unit.strands.len() > 1)
        {
            self.stalled += seconds;
        }
        self.now += length;
        for (unit, pace) in paces.iter().enumerate() {
            self.run(unit, seconds, *pace);
        }
    }

    /// Bytes per second that move at these paces.
    fn traffic(&self, paces: &[f64]) -> f64 {
        let moved =
            |(unit, pace): (&Unit, &f64)| unit.strands.front().map_or(0.0, |strand| strand.traffic / pace);
        self.units.iter().zip(paces).map(moved).sum()
    }

    /// Draws power for `seconds`, heats, and feeds the power sensors.
    fn draw(&mut self, seconds: f64, traffic: f64) {
        let processors = self.domains.len();
        let mut heating = vec![0.0; self.blueprint.thermal.nodes.len()];
        for (processor, domain) in self.domains.iter().enumerate() {
            let units = self.units.iter().filter(|unit| unit.processor == processor);
            let busy = units.filter(|unit| !unit.strands.is_empty()).count() as u32;
            let (power, node) = (&domain.silicon().power, domain.silicon().node);
            let watts = dynamic(power, domain.volts(), domain.real(), busy)
                + leakage(power, domain.volts(), self.heat.celsius(node));
            self.drawn[processor] = watts;
            heating[node] += watts;
        }
        self.drawn[processors] = self.memory.power(traffic);
        heating[self.memory.plan.node] += self.drawn[processors];
        self.drawn[processors + 1] = self.blueprint.base.power.get();
        heating[self.blueprint.thermal.base_node] += self.drawn[processors + 1];
        self.energy += self.drawn.iter().sum::<f64>() * seconds;
        self.heat.step(seconds, &heating);
        for rail in &mut self.rails {
            let mut watts: f64 = rail.plan.processors.iter().map(|&each| self.drawn[each]).sum();
            watts += if rail.plan.memory {
                self.drawn[processors]
            } else {
                0.0
            };
            watts += if rail.plan.base {
                self.drawn[processors + 1]
            } else {
                0.0
            };
            rail.see(watts, seconds, &mut self.conversions);
        }
    }

    /// Runs unit number `index` for `seconds`.
    fn run(&mut self, index: usize, seconds: f64, pace: f64) {
        let cpus = self.cpus().len();
        let unit = &mut self.units[index];
        let processor = unit.processor;
        let turn = match unit.cpu {
            Some(_) => slice(unit.strands.len(), cpus),
            None => self.blueprint.accelerators[processor - self.blueprint.clusters.len()]
                .turn
                .get(),
        };
        let ran = unit.strands.front().map(|strand| strand.app);
        if ran.is_some() {
            unit.utilization.run(seconds, self.domains[processor].relative());
            unit.cycles += self.domains[processor].real() * seconds;
        } else {
            unit.utilization.rest(seconds);
        }
        let done = unit.run(seconds, pace, turn);
        if let (Some(app), Some(_)) = (ran, unit.cpu) {
            *self.cpu_time.entry(app).or_insert(0.0) += seconds;
        }
        if let Some(strand) = done {
            let accelerator = self.units[index].cpu.is_none();
            for job in strand.jobs {
                self.finish(job);
            }
            if accelerator {
                self.serve(processor, strand.app);
            }
        }
    }

    /// One strand of `job` is done.
    fn finish(&mut self, id: JobId) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        job.strands -= 1;
        if job.strands == 0 {
            self.completions.push(Completion {
                job: id,
                app: job.app,
                submitted: Timestamp::from_nanos(job.submitted),
                finished: Timestamp::from_nanos(self.now),
            });
            self.jobs.remove(&id);
        }
    }

    /// Puts one strand of `work` on each of `cpus`.
    pub(crate) fn spread(&mut self, job: JobId, app: Pid, work: Work, cpus: CpuSet) {
        let (count, board) = (cpus.len(), self.cpus().len());
        for (core, cpu) in (0..).zip(cpus.iter()) {
            let share = work.share(core, count);
            let unit = self.units.iter_mut().find(|unit| unit.cpu == Some(cpu));
            if let Some(unit) = unit {
                let strand = Strand {
                    app,
                    jobs: vec![job],
                    left: 1.0,
                    stall: work.stall.get() * share,
                    cycles: work.cycles * share,
                    traffic: work.traffic * share,
                };
                let turn = slice(unit.strands.len() + 1, board);
                unit.push(strand, turn);
            }
        }
    }

    /// Puts what waits of `app` on the accelerator, unless it serves the app already.
    pub(crate) fn serve(&mut self, processor: usize, app: Pid) {
        let Some(unit) = self.units.iter_mut().find(|unit| unit.processor == processor) else {
            return;
        };
        if unit.strands.iter().any(|strand| strand.app == app) {
            return;
        }
        let Some(line) = self.waiting.get_mut(&(processor, app)) else {
            return;
        };
        let Some(&first) = line.front() else {
            self.waiting.remove(&(processor, app));
            return;
        };
        let work = self.jobs[&first].work;
        let most = work.batch.map_or(1, |batch| batch.most as usize);
        let alike = line.iter().take_while(|job| self.jobs[job].work == work);
        let count = alike.take(most).count();
        let more = work.batch.map_or(0.0, |batch| batch.gain * (count - 1) as f64);
        let strand = Strand {
            app,
            jobs: line.drain(..count).collect(),
            left: 1.0,
            stall: work.stall.get(),
            cycles: work.cycles * (1.0 + more),
            traffic: work.traffic * count as f64,
        };
        let turn = self.blueprint.accelerators[processor - self.blueprint.clusters.len()].turn;
        unit.push(strand, turn.get());
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
