//! The state of the daemon as operators see it. The field names are those of `dynctl status --json`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Actuation, AppId, BatteryFlow, BoardDescription, BudgetStatus, CpuSet, Enforcement, Event, Generation,
    Hertz, Hold, Identity, ModelTable, ProcessorKind, Role, Sample, Standing, Trip, Watts,
};

/// Everything `dynctl status` shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The machine.
    pub board: BoardStatus,
    /// The apps, by id.
    pub apps: Vec<AppStatus>,
    /// The policy in force.
    pub policy: PolicyStatus,
    /// The daemon itself.
    pub daemon: DaemonStatus,
    /// The latest events, oldest first.
    pub events: Vec<Event>,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BoardStatus {
    /// What the firmware calls it.
    pub name: String,
    /// Its processors.
    pub processors: Vec<ProcessorStatus>,
    /// Its memory clocks.
    pub memory: Vec<MemoryStatus>,
    /// Its power rails.
    pub rails: Vec<RailStatus>,
    /// Its thermal zones.
    pub zones: Vec<ZoneStatus>,
    /// What cools it.
    pub cooling: Vec<CoolingStatus>,
    /// Its battery.
    pub battery: Option<BatteryStatus>,
    /// What cannot be read of it at present.
    pub problems: Vec<ProblemStatus>,
    /// Unmanaged tasks that compete for each core, rounded; absent until measured.
    pub unmanaged_tasks_per_core: Option<u32>,
    /// How the budgets of the policy stand.
    pub budget: BudgetStatus,
}

/// One processor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessorStatus {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ProcessorKind,
    /// Its role; absent if a newer daemon tells one that this version does not know.
    pub role: Option<Role>,
    /// Its CPUs; empty for an accelerator.
    pub cpus: CpuSet,
    /// Capacity of one core, 1024 for the fastest of the board; 0 for an accelerator.
    pub capacity: u32,
    /// Share of time it was busy (0 to 1): of its CPUs between the last two samples, of an accelerator as its
    /// driver says; absent until measured.
    pub load: Option<f64>,
    /// The clock that its kernel driver reports, in kHz.
    pub clock_khz: Option<u64>,
    /// Its operating performance points, in kHz, ascending.
    pub opps_khz: Vec<u64>,
    /// How the bounds of its clock stand; absent where nothing was ever asked of the board.
    pub clocks: Option<ClockStatus>,
}

/// How the bounds of a processor's clock stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockStatus {
    /// The lowest clock that the kernel says is allowed, in kHz.
    pub min_khz: Option<u64>,
    /// The highest, in kHz.
    pub max_khz: Option<u64>,
    /// Whether they are what was asked for.
    pub state: ClockState,
    /// Why not.
    pub reason: Option<String>,
}

/// Whether the bounds of a clock are what was asked for; [`Hold`] without the particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    /// Nothing is asked.
    Left,
    /// They are, without anything having been written.
    Unchanged,
    /// They are, because they were written.
    Held,
    /// The kernel lowers them to cool the board.
    Throttled,
    /// Somebody else wrote to them, which is left alone.
    Contested,
    /// They cannot be read or written.
    Refused,
    /// A newer daemon tells a state that this version does not know.
    Unknown,
}

impl ClockState {
    /// The name shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Unchanged => "unchanged",
            Self::Held => "held",
            Self::Throttled => "throttled",
            Self::Contested => "contested",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

impl From<&Actuation> for ClockStatus {
    fn from(actuation: &Actuation) -> Self {
        Self {
            min_khz: actuation.bounds.min.map(Hertz::as_khz),
            max_khz: actuation.bounds.max.map(Hertz::as_khz),
            state: match actuation.hold {
                Hold::Left => ClockState::Left,
                Hold::Unchanged => ClockState::Unchanged,
                Hold::Held => ClockState::Held,
                Hold::Throttled { .. } => ClockState::Throttled,
                Hold::Contested { .. } => ClockState::Contested,
                Hold::Refused { .. } => ClockState::Refused,
            },
            reason: actuation.hold.reason(),
        }
    }
}

/// One memory clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemoryStatus {
    /// Its name.
    pub name: String,
    /// The clock, in kHz.
    pub clock_khz: Option<u64>,
    /// The clocks it can have, in kHz, ascending.
    pub opps_khz: Vec<u64>,
}

/// One power rail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RailStatus {
    /// Its name.
    pub name: String,
    /// The name of the rail that counts this one's power in, if any.
    pub within: Option<String>,
    /// Its power.
    pub watts: Option<f64>,
}

/// One thermal zone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ZoneStatus {
    /// Its name.
    pub name: String,
    /// Its temperature.
    pub celsius: Option<f64>,
    /// Where the kernel acts.
    pub trips: Vec<Trip>,
}

/// One cooling device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoolingStatus {
    /// Its name.
    pub name: String,
    /// Its state; 0 cools nothing.
    pub state: Option<u32>,
    /// The state that cools most.
    pub max_state: u32,
}

/// The battery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatteryStatus {
    /// Its name.
    pub name: String,
    /// Its charge (0 to 1).
    pub charge: Option<f64>,
    /// Whether it feeds the board.
    pub flow: BatteryFlow,
    /// The power into or out of it, in watts.
    pub watts: Option<f64>,
}

/// Something of the board that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemStatus {
    /// The file or directory.
    pub path: String,
    /// What is wrong with it, to be read after the path.
    pub fault: String,
    /// What is unknown because of it.
    pub lost: String,
}

impl fmt::Display for ProblemStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}; {}", self.path, self.fault, self.lost)
    }
}

impl BoardStatus {
    /// `board` as `sample` found it, its CPU clusters loaded as `loads` says (by index, 0 to 1). Without a sample
    /// all that is measured is absent. Problems, unmanaged tasks and how the bounds
    /// of clocks stand are for the caller to fill in.
    pub fn new(board: &BoardDescription, loads: &[Option<f64>], sample: Option<&Sample>) -> Self {
        let khz = |opps: &[Hertz]| opps.iter().map(|opp| opp.as_khz()).collect();
        let clock = |clocks: Option<&Option<Hertz>>| clocks.copied().flatten().map(Hertz::as_khz);
        let processors = board
            .processors
            .iter()
            .enumerate()
            .map(|(i, processor)| ProcessorStatus {
                name: processor.name.clone(),
                kind: processor.kind,
                role: Some(processor.role),
                cpus: processor.cpus,
                capacity: processor.capacity,
                load: match processor.kind {
                    ProcessorKind::Cpu => at(loads, i),
                    _ => sample.and_then(|sample| at(&sample.loads, i)),
                },
                clock_khz: clock(sample.and_then(|sample| sample.clocks.get(i))),
                opps_khz: khz(&processor.opps),
                clocks: None,
            });
        let memory = board.memory.iter().enumerate().map(|(i, memory)| MemoryStatus {
            name: memory.name.clone(),
            clock_khz: clock(sample.and_then(|sample| sample.memory.get(i))),
            opps_khz: khz(&memory.opps),
        });
        let rails = board.rails.iter().enumerate().map(|(i, rail)| RailStatus {
            name: rail.name.clone(),
            within: rail.within.and_then(|i| Some(board.rails.get(i)?.name.clone())),
            watts: sample.and_then(|sample| at(&sample.rails, i)).map(Watts::get),
        });
        let zones = board.zones.iter().enumerate().map(|(i, zone)| ZoneStatus {
            name: zone.name.clone(),
            celsius: sample.and_then(|sample| at(&sample.zones, i)).map(|t| t.get()),
            trips: zone.trips.clone(),
        });
        let cooling = board.cooling.iter().enumerate().map(|(i, device)| CoolingStatus {
            name: device.name.clone(),
            state: sample.and_then(|sample| at(&sample.cooling, i)),
            max_state: device.max_state,
        });
        let battery = board.battery.as_ref().map(|battery| {
            let state = sample.and_then(|sample| sample.battery);
            BatteryStatus {
                name: battery.name.clone(),
                charge: state.and_then(|state| state.charge),
                flow: state.map_or(BatteryFlow::Unknown, |state| state.flow),
                watts: state.and_then(|state| state.power).map(Watts::get),
            }
        });
        Self {
            name: board.name.clone(),
            processors: processors.collect(),
            memory: memory.collect(),
            rails: rails.collect(),
            zones: zones.collect(),
            cooling: cooling.collect(),
            battery,
            problems: Vec::new(),
            unmanaged_tasks_per_core: None,
            budget: BudgetStatus::default(),
        }
    }
}

/// The reading at `index`, if there is one.
fn at<T: Copy>(readings: &[Option<T>], index: usize) -> Option<T> {
    readings.get(index).copied().flatten()
}

/// One app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppStatus {
    /// Its number.
    pub id: AppId,
    /// What it calls itself.
    pub name: String,
    /// Its process.
    pub pid: Option<u32>,
    /// Who the kernel says it is.
    pub identity: Identity,
    /// Its model's name.
    pub model: String,
    /// Its model's table.
    pub table: ModelTable,
    /// Whether it gets what it needs.
    pub state: Standing,
    /// The latency target in force, in ms.
    pub target_ms: f64,
    /// The percentile at which it is judged (0 to 1).
    pub percentile: f64,
    /// 95th percentile of its latency over the recent inferences, in ms; absent until measured.
    pub p95_ms: Option<f64>,
    /// Share of recent inferences within the target; absent until measured.
    pub within_target: Option<f64>,
    /// Share of all inferences that were late, since the requirement is in force; absent until measured.
    pub miss_rate: Option<f64>,
    /// What that share cannot exceed as things stand, whatever the noise; absent until measured.
    pub miss_bound: Option<f64>,
    /// Quality of the assigned sub-network.
    pub quality: f64,
    /// Measured latency over undisturbed latency, recent mean.
    pub slowdown: f64,
    /// Inferences reported so far.
    pub inferences: u64,
    /// What it was told; absent when blocked.
    pub assignment: Option<AssignmentStatus>,
    /// Whether the kernel keeps it on its CPUs; absent unless the policy says `enforce = true`.
    pub enforcement: Option<Enforcement>,
    /// True while it has not inferred for three of its periods, and lends its share.
    pub paused: bool,
}

/// What an app was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssignmentStatus {
    /// The sub-network's name.
    pub subnetwork: String,
    /// The processor's name.
    pub processor: String,
    /// The CPUs.
    pub cpus: CpuSet,
    /// Which assignment it is.
    pub generation: Generation,
    /// True once the app acknowledged it; false shows as *pending*.
    pub acked: bool,
    /// Why.
    pub reason: String,
}

/// The policy in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicyStatus {
    /// Its objective.
    pub objective: String,
    /// The file it came from; absent for the built-in one.
    pub file: Option<String>,
}

/// The daemon itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// Its version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Seconds since it started.
    pub uptime_s: f64,
    /// Resident memory.
    pub rss_bytes: u64,
    /// CPU time used over wall time, of one core, since it started (0 to 1).
    pub cpu_share: f64,
}
