//! A plant as a board that a daemon observes.

use std::time::Duration;

use dynd_vocab::{
    Actuation, AppCpu, Board, BoardDescription, Celsius, Confined, Confinement, CoolingDevice, CpuTimes,
    Enforcement, MemoryClock, Pid, PowerRail, ProblemStatus, Processor, ProcessorKind, PutBack, Role, Sample,
    Setting, ThermalZone, Timestamp, Trip,
};

use crate::hold::Holds;
use crate::plant::Plant;
use crate::trouble::{Fault, Sensor, Troubles};

/// A virtual board: a [`Plant`] that is as old as its observer's clock says.
#[derive(Clone, Debug)]
pub struct VirtualBoard {
    plant: Plant,
    description: BoardDescription,
    /// The observer's time of the last sample.
    observed: Option<Timestamp>,
    holds: Holds,
    troubles: Troubles,
    /// Per zone, the last temperature that was believed.
    warmth: Vec<Option<Celsius>>,
}

impl VirtualBoard {
    /// `plant` as a board.
    pub fn new(plant: Plant) -> Self {
        Self {
            description: describe(&plant),
            observed: None,
            holds: Holds::default(),
            troubles: Troubles::default(),
            warmth: vec![None; plant.blueprint().zones.len()],
            plant,
        }
    }

    /// The plant.
    pub const fn plant(&self) -> &Plant {
        &self.plant
    }

    /// The plant, to work on it.
    pub const fn plant_mut(&mut self) -> &mut Plant {
        &mut self.plant
    }

    /// Brings the plant to `now` of the observer's clock. The first call sets the two clocks against each other.
    pub fn catch_up(&mut self, now: Timestamp) {
        let gone_by = self
            .observed
            .replace(now)
            .map_or(Duration::ZERO, |last| now.since(last));
        self.plant.step(gone_by);
    }

    fn read_rails(&mut self, now: Timestamp, into: &mut Sample) {
        into.rails.clear();
        for (index, rail) in self.description.rails.iter().enumerate() {
            let sensor = Sensor::Power(index);
            let believed = if self.troubles.rests(sensor, now) {
                None
            } else {
                let shown = self.plant.read_rail(index).map(|(_, power)| power);
                let reading = shown
                    .ok_or(Fault::Unreadable)
                    .and_then(|power| power.believed().ok_or(Fault::NoPower(power)));
                self.troubles.settle(now, sensor, &rail.name, reading)
            };
            into.rails.push(believed);
        }
    }

    fn read_zones(&mut self, now: Timestamp, into: &mut Sample) {
        into.zones.clear();
        let zones = self.description.zones.iter().zip(&mut self.warmth);
        for (index, (zone, last)) in zones.enumerate() {
            let sensor = Sensor::Temperature(index);
            let believed = if self.troubles.rests(sensor, now) {
                None
            } else {
                let reading = self
                    .plant
                    .read_zone(index)
                    .ok_or(Fault::Unreadable)
                    .and_then(|shown| shown.believed(*last).ok_or(Fault::NoTemperature(shown)));
                self.troubles.settle(now, sensor, &zone.name, reading)
            };
            *last = believed.or(*last);
            into.zones.push(believed);
        }
    }

    /// Lets at most `time` go by, and stops where a job is done; the observer's clock goes along. Answers how much went
    /// by.
    pub fn advance(&mut self, time: Duration) -> Duration {
        let gone_by = self.plant.advance(time);
        self.observed = self.observed.map(|last| last + gone_by);
        gone_by
    }
}

impl Board for VirtualBoard {
    fn describe(&self) -> &BoardDescription {
        &self.description
    }

    fn sample(&mut self, now: Timestamp, apps: &[Pid], into: &mut Sample) {
        self.catch_up(now);
        let plant = &mut self.plant;
        let blueprint = &self.description;
        into.at = now;
        into.cpus.clear();
        let total = Duration::from_nanos(plant.now().as_nanos());
        into.cpus.extend(plant.cpus().iter().filter_map(|cpu| {
            let busy = plant.busy(cpu)?;
            Some(CpuTimes { cpu, busy, total })
        }));
        into.runnable = u32::try_from(plant.runnable()).ok();
        into.clocks.clear();
        into.clocks
            .extend((0..blueprint.processors.len()).map(|each| Some(plant.clock(each))));
        into.loads.clear();
        into.loads
            .extend(blueprint.processors.iter().enumerate().map(|(each, processor)| {
                let told = processor.kind != ProcessorKind::Cpu;
                told.then(|| plant.load(each))
            }));
        into.counters.clear();
        into.counters
            .extend((0..blueprint.processors.len()).map(|each| plant.counters(each)));
        into.memory.clear();
        into.memory.push(Some(plant.memory_clock()));
        self.read_rails(now, into);
        self.read_zones(now, into);
        let (plant, blueprint) = (&self.plant, &self.description);
        into.cooling.clear();
        into.cooling
            .extend((0..blueprint.cooling.len()).map(|cooler| Some(plant.cooling_state(cooler))));
        into.battery = None;
        into.stalled = Some(plant.stalled());
        into.apps.clear();
        into.apps.extend(apps.iter().filter_map(|&pid| {
            let busy = plant.cpu_time(pid)?;
            Some(AppCpu { pid, busy })
        }));
    }

    fn problems(&self) -> &[ProblemStatus] {
        self.troubles.current()
    }

    fn apply(&mut self, setting: &Setting) -> Vec<Actuation> {
        self.holds.apply(&mut self.plant, setting)
    }

    fn confine(&mut self, apps: &[Confinement]) -> Vec<Confined> {
        let answer = |app: &Confinement| Confined {
            app: app.app,
            enforcement: Enforcement::refused(None, "a virtual board has no processes of its own".into()),
        };
        apps.iter().map(answer).collect()
    }

    fn restore(&mut self) -> Vec<PutBack> {
        self.holds.release(&mut self.plant)
    }
}

/// What discovery would find.
fn describe(plant: &Plant) -> BoardDescription {
    let blueprint = plant.blueprint();
    let clocks =
        |silicon: &dynd_vocab::blueprint::Silicon| silicon.opps.iter().map(|opp| opp.clock).collect();
    let cluster = |plan: &dynd_vocab::blueprint::ClusterPlan| Processor {
        name: plan.silicon.name.clone(),
        kind: ProcessorKind::Cpu,
        role: role(&plan.silicon.name),
        cpus: plan.cpus,
        capacity: plan.shown_capacity,
        opps: clocks(&plan.silicon),
    };
    let accelerator = |plan: &dynd_vocab::blueprint::AcceleratorPlan| Processor {
        name: plan.silicon.name.clone(),
        kind: plan.kind,
        role: role(&plan.silicon.name),
        cpus: dynd_vocab::CpuSet::EMPTY,
        capacity: 0,
        opps: clocks(&plan.silicon),
    };
    let trip = |trip: &dynd_vocab::blueprint::ZoneTrip| Trip {
        kind: trip.kind,
        temperature: trip.temperature,
        hysteresis: trip.hysteresis,
    };
    let clusters = blueprint.clusters.iter().map(cluster);
    BoardDescription {
        name: blueprint.name.clone(),
        processors: clusters
            .chain(blueprint.accelerators.iter().map(accelerator))
            .collect(),
        memory: vec![MemoryClock {
            name: blueprint.memory.name.clone(),
            opps: blueprint.memory.clocks.clone(),
        }],
        rails: blueprint
            .rails
            .iter()
            .map(|rail| PowerRail {
                name: rail.name.clone(),
                within: rail.within,
            })
            .collect(),
        zones: blueprint
            .zones
            .iter()
            .map(|zone| ThermalZone {
                name: zone.name.clone(),
                trips: zone.trips.iter().map(trip).collect(),
            })
            .collect(),
        cooling: blueprint
            .coolers
            .iter()
            .map(|cooler| CoolingDevice {
                name: cooler.name.clone(),
                max_state: cooler.max_state,
            })
            .collect(),
        battery: None,
    }
}

/// The role of the processor called `name`: its name without its number; `cpu` is the only cluster, which is big.
fn role(name: &str) -> Role {
    let role = name.trim_end_matches(|c: char| c.is_ascii_digit());
    Role::ALL
        .into_iter()
        .find(|each| each.label() == role)
        .unwrap_or(Role::Big)
}
