//! One reading of all sensors.

use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Hertz, Pid, Timestamp};

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
    /// Per processor of the board, the clock its kernel driver reports; absent where none is reported.
    pub clocks: Vec<Option<Hertz>>,
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

/// CPU time of one process, over all its threads, cumulative since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppCpu {
    /// The process.
    pub pid: Pid,
    /// Time spent running.
    pub busy: Duration,
}
