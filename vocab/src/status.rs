//! The state of the daemon as operators see it. The field names are those of `dynctl status --json`.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{AppId, CpuSet, Event, Generation, Identity, ModelTable, Role, Standing};

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
    /// Unmanaged tasks that compete for each core, rounded; absent until measured.
    pub unmanaged_tasks_per_core: Option<u32>,
}

/// One processor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessorStatus {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: Role,
    /// Its CPUs.
    pub cpus: CpuSet,
    /// Capacity of one core, 1024 for the fastest of the board.
    pub capacity: u32,
    /// Share of time its CPUs were busy (0 to 1), between the last two samples; absent until measured.
    pub load: Option<f64>,
    /// The clock that its kernel driver reports, in kHz.
    pub clock_khz: Option<u64>,
    /// Its operating performance points, in kHz, ascending.
    pub opps_khz: Vec<u64>,
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
    /// Quality of the assigned sub-network.
    pub quality: f64,
    /// Measured latency over undisturbed latency, recent mean.
    pub slowdown: f64,
    /// Inferences reported so far.
    pub inferences: u64,
    /// What it was told; absent when blocked.
    pub assignment: Option<AssignmentStatus>,
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
