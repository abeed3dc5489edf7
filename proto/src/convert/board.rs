//! The machine as operators see it.

use dynd_vocab::{
    BatteryFlow, BatteryStatus, BoardStatus, Celsius, CoolingStatus, CpuSet, MemoryStatus, ProblemStatus,
    ProcessorKind, ProcessorStatus, RailStatus, Role, Trip, TripKind, ZoneStatus,
};

use super::field;
use crate::{Problem, WireError, v1};

impl From<BoardStatus> for v1::BoardStatus {
    fn from(board: BoardStatus) -> Self {
        Self {
            name: board.name,
            processors: board.processors.into_iter().map(Into::into).collect(),
            unmanaged_tasks_per_core: board.unmanaged_tasks_per_core,
            memory: board.memory.into_iter().map(Into::into).collect(),
            rails: board.rails.into_iter().map(Into::into).collect(),
            zones: board.zones.into_iter().map(Into::into).collect(),
            cooling: board.cooling.into_iter().map(Into::into).collect(),
            battery: board.battery.map(Into::into),
            problems: board.problems.into_iter().map(Into::into).collect(),
            budget: Some(board.budget.into()),
        }
    }
}

impl TryFrom<v1::BoardStatus> for BoardStatus {
    type Error = WireError;

    fn try_from(board: v1::BoardStatus) -> Result<Self, WireError> {
        Ok(Self {
            name: board.name,
            processors: field::each(board.processors, usize::MAX, "processors")?,
            memory: board.memory.into_iter().map(Into::into).collect(),
            rails: board.rails.into_iter().map(Into::into).collect(),
            zones: field::each(board.zones, usize::MAX, "zones")?,
            cooling: board.cooling.into_iter().map(Into::into).collect(),
            battery: board.battery.map(Into::into),
            problems: board.problems.into_iter().map(Into::into).collect(),
            unmanaged_tasks_per_core: board.unmanaged_tasks_per_core,
            budget: board.budget.map(Into::into).unwrap_or_default(),
        })
    }
}

impl From<ProcessorStatus> for v1::ProcessorStatus {
    fn from(processor: ProcessorStatus) -> Self {
        Self {
            name: processor.name,
            role: processor.role.map_or(v1::Role::Unspecified, Into::into).into(),
            cpus: processor.cpus.iter().collect(),
            capacity: processor.capacity,
            load: processor.load,
            clock_khz: processor.clock_khz,
            opps_khz: processor.opps_khz,
            kind: v1::ProcessorKind::from(processor.kind).into(),
            clocks: processor.clocks.map(Into::into),
        }
    }
}

impl TryFrom<v1::ProcessorStatus> for ProcessorStatus {
    type Error = WireError;

    fn try_from(processor: v1::ProcessorStatus) -> Result<Self, WireError> {
        let cpus = field::cpus(processor.cpus, "cpus")?;
        Ok(Self {
            name: processor.name,
            kind: kind(processor.kind, cpus),
            role: role(processor.role),
            cpus,
            capacity: processor.capacity,
            load: processor.load,
            clock_khz: processor.clock_khz,
            opps_khz: processor.opps_khz,
            clocks: processor.clocks.map(Into::into),
        })
    }
}

impl From<ProcessorKind> for v1::ProcessorKind {
    fn from(kind: ProcessorKind) -> Self {
        match kind {
            ProcessorKind::Cpu => Self::Cpu,
            ProcessorKind::Gpu => Self::Gpu,
            ProcessorKind::Npu => Self::Npu,
            ProcessorKind::Accelerator => Self::Accelerator,
        }
    }
}

/// An older daemon tells no kind, and knows of CPUs only. What a newer one tells is an accelerator if it has no CPUs.
fn kind(value: i32, cpus: CpuSet) -> ProcessorKind {
    match v1::ProcessorKind::try_from(value) {
        Ok(v1::ProcessorKind::Unspecified | v1::ProcessorKind::Cpu) => ProcessorKind::Cpu,
        Ok(v1::ProcessorKind::Gpu) => ProcessorKind::Gpu,
        Ok(v1::ProcessorKind::Npu) => ProcessorKind::Npu,
        Ok(v1::ProcessorKind::Accelerator) => ProcessorKind::Accelerator,
        Err(_) if cpus.is_empty() => ProcessorKind::Accelerator,
        Err(_) => ProcessorKind::Cpu,
    }
}

impl From<Role> for v1::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Little => Self::Little,
            Role::Mid => Self::Mid,
            Role::Big => Self::Big,
            Role::Gpu => Self::Gpu,
            Role::Npu => Self::Npu,
            Role::Accelerator => Self::Accelerator,
        }
    }
}

fn role(value: i32) -> Option<Role> {
    match v1::Role::try_from(value) {
        Ok(v1::Role::Little) => Some(Role::Little),
        Ok(v1::Role::Mid) => Some(Role::Mid),
        Ok(v1::Role::Big) => Some(Role::Big),
        Ok(v1::Role::Gpu) => Some(Role::Gpu),
        Ok(v1::Role::Npu) => Some(Role::Npu),
        Ok(v1::Role::Accelerator) => Some(Role::Accelerator),
        Ok(v1::Role::Unspecified) | Err(_) => None,
    }
}

impl From<MemoryStatus> for v1::MemoryStatus {
    fn from(memory: MemoryStatus) -> Self {
        Self {
            name: memory.name,
            clock_khz: memory.clock_khz,
            opps_khz: memory.opps_khz,
        }
    }
}

impl From<v1::MemoryStatus> for MemoryStatus {
    fn from(memory: v1::MemoryStatus) -> Self {
        Self {
            name: memory.name,
            clock_khz: memory.clock_khz,
            opps_khz: memory.opps_khz,
        }
    }
}

impl From<RailStatus> for v1::RailStatus {
    fn from(rail: RailStatus) -> Self {
        Self {
            name: rail.name,
            within: rail.within,
            watts: rail.watts,
        }
    }
}

impl From<v1::RailStatus> for RailStatus {
    fn from(rail: v1::RailStatus) -> Self {
        Self {
            name: rail.name,
            within: rail.within,
            watts: rail.watts,
        }
    }
}

impl From<ZoneStatus> for v1::ZoneStatus {
    fn from(zone: ZoneStatus) -> Self {
        Self {
            name: zone.name,
            celsius: zone.celsius,
            trips: zone.trips.into_iter().map(Into::into).collect(),
        }
    }
}

/// Leaves out trips of kinds that this version does not know.
impl TryFrom<v1::ZoneStatus> for ZoneStatus {
    type Error = WireError;

    fn try_from(zone: v1::ZoneStatus) -> Result<Self, WireError> {
        Ok(Self {
            name: zone.name,
            celsius: zone.celsius,
            trips: field::each_known(zone.trips, "trips")?,
        })
    }
}

impl From<Trip> for v1::Trip {
    fn from(trip: Trip) -> Self {
        let kind = match trip.kind {
            TripKind::Active => v1::TripKind::Active,
            TripKind::Passive => v1::TripKind::Passive,
            TripKind::Hot => v1::TripKind::Hot,
            TripKind::Critical => v1::TripKind::Critical,
        };
        Self {
            kind: kind.into(),
            celsius: trip.temperature.get(),
            hysteresis: trip.hysteresis,
        }
    }
}

impl TryFrom<v1::Trip> for Trip {
    type Error = WireError;

    fn try_from(trip: v1::Trip) -> Result<Self, WireError> {
        let kind = match v1::TripKind::try_from(trip.kind) {
            Ok(v1::TripKind::Active) => TripKind::Active,
            Ok(v1::TripKind::Passive) => TripKind::Passive,
            Ok(v1::TripKind::Hot) => TripKind::Hot,
            Ok(v1::TripKind::Critical) => TripKind::Critical,
            Ok(v1::TripKind::Unspecified) | Err(_) => {
                return Err(Problem::UnknownValue(trip.kind).of("kind"));
            }
        };
        Ok(Self {
            kind,
            temperature: Celsius::new(trip.celsius),
            hysteresis: trip.hysteresis,
        })
    }
}

impl From<CoolingStatus> for v1::CoolingStatus {
    fn from(device: CoolingStatus) -> Self {
        Self {
            name: device.name,
            state: device.state,
            max_state: device.max_state,
        }
    }
}

impl From<v1::CoolingStatus> for CoolingStatus {
    fn from(device: v1::CoolingStatus) -> Self {
        Self {
            name: device.name,
            state: device.state,
            max_state: device.max_state,
        }
    }
}

impl From<BatteryStatus> for v1::BatteryStatus {
    fn from(battery: BatteryStatus) -> Self {
        let flow = match battery.flow {
            BatteryFlow::Unknown => v1::BatteryFlow::Unspecified,
            BatteryFlow::Charging => v1::BatteryFlow::Charging,
            BatteryFlow::Discharging => v1::BatteryFlow::Discharging,
            BatteryFlow::Resting => v1::BatteryFlow::Resting,
        };
        Self {
            name: battery.name,
            charge: battery.charge,
            flow: flow.into(),
            watts: battery.watts,
        }
    }
}

impl From<v1::BatteryStatus> for BatteryStatus {
    fn from(battery: v1::BatteryStatus) -> Self {
        let flow = match v1::BatteryFlow::try_from(battery.flow) {
            Ok(v1::BatteryFlow::Charging) => BatteryFlow::Charging,
            Ok(v1::BatteryFlow::Discharging) => BatteryFlow::Discharging,
            Ok(v1::BatteryFlow::Resting) => BatteryFlow::Resting,
            Ok(v1::BatteryFlow::Unspecified) | Err(_) => BatteryFlow::Unknown,
        };
        Self {
            name: battery.name,
            charge: battery.charge,
            flow,
            watts: battery.watts,
        }
    }
}

impl From<ProblemStatus> for v1::SensorProblem {
    fn from(problem: ProblemStatus) -> Self {
        Self {
            path: problem.path,
            fault: problem.fault,
            lost: problem.lost,
        }
    }
}

impl From<v1::SensorProblem> for ProblemStatus {
    fn from(problem: v1::SensorProblem) -> Self {
        Self {
            path: problem.path,
            fault: problem.fault,
            lost: problem.lost,
        }
    }
}
