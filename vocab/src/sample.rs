//! One reading of all sensors.

use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Celsius, Hertz, Pid, Timestamp, Watts};

/// One reading of all sensors of a board. Counters are raw (cumulative): rates are derived from two samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When the reading began.
    pub at: Timestamp,
    /// Per CPU, its accounted times; CPUs that are offline are absent.
    pub cpus: Vec<CpuTimes>,
    /// Tasks running or waiting for a CPU at the moment of the reading, the reader itself included
    /// (`procs_running`); absent where it cannot be read.
    pub runnable: Option<u32>,
    /// Per processor of the board, the clock its kernel driver reports; absent where none is reported, and for
    /// an idle processor that asking would wake.
    pub clocks: Vec<Option<Hertz>>,
    /// Per processor of the board, the share of time it was busy of late (0 to 1) as its kernel driver reports it;
    /// absent where none is reported, and for CPU clusters, which [`cpus`](Self::cpus) tells of.
    pub loads: Vec<Option<f64>>,
    /// Per processor of the board, what its CPUs' hardware counters say; absent where the kernel lets nobody
    /// count, and unless somebody asks for them.
    pub counters: Vec<Option<Counters>>,
    /// Per memory clock of the board.
    pub memory: Vec<Option<Hertz>>,
    /// Per power rail of the board: its power now, or where it counts energy the mean since the last sample.
    pub rails: Vec<Option<Watts>>,
    /// Per thermal zone of the board.
    pub zones: Vec<Option<Celsius>>,
    /// Per cooling device of the board, its state.
    pub cooling: Vec<Option<u32>>,
    /// The battery, if the board has one.
    pub battery: Option<BatteryState>,
    /// Time during which some task waited for a CPU (PSI, `some total`), cumulative; absent without PSI.
    pub stalled: Option<Duration>,
    /// CPU time of the processes asked for, cumulative.
    pub apps: Vec<AppCpu>,
}

/// The accounted times of one CPU, cumulative since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CpuTimes {
    /// The CPU.
    pub cpu: u32,
    /// Time spent on anything but idling and waiting for I/O.
    pub busy: Duration,
    /// All accounted time.
    pub total: Duration,
}

/// What the CPUs of a cluster have done, cumulative since the board was discovered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Cycles in which they were not idle: over busy time, the clock they really had.
    pub cycles: u64,
    /// Instructions retired.
    pub instructions: u64,
}

/// CPU time of one process, over all its threads, cumulative since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppCpu {
    /// The process.
    pub pid: Pid,
    /// Time spent running.
    pub busy: Duration,
}

/// How a battery does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatteryState {
    /// Its charge (0 to 1).
    pub charge: Option<f64>,
    /// Whether it feeds the board.
    pub flow: BatteryFlow,
    /// The power into or out of it.
    pub power: Option<Watts>,
}

/// Where a battery's energy goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BatteryFlow {
    /// The kernel does not say.
    #[default]
    Unknown,
    /// Into the battery.
    Charging,
    /// Out of it: the board lives on it.
    Discharging,
    /// Nowhere: it is full, or held as it is.
    Resting,
}

impl BatteryFlow {
    /// The name shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Charging => "charging",
            Self::Discharging => "discharging",
            Self::Resting => "resting",
        }
    }
}
