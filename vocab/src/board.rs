//! What a board is, and what it owes its caller.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{CpuSet, Hertz, Pid, Sample, Timestamp};

/// A machine: its processors, in the order in which everything else refers to them by index.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardDescription {
    /// What the firmware calls the board (device tree or DMI), for people to read; never decides anything.
    pub name: String,
    /// The processors. CPU clusters come in order of their first CPU.
    pub processors: Vec<Processor>,
}

impl BoardDescription {
    /// Every CPU of the board.
    pub fn cpus(&self) -> CpuSet {
        self.processors
            .iter()
            .fold(CpuSet::EMPTY, |all, processor| all.union(processor.cpus))
    }
}

/// A set of units that share one clock: a CPU cluster, later a GPU or an NPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processor {
    /// Unique on the board: the name of the role where only one processor plays it (`little`, `big`), `cpu`
    /// where the board has a single cluster, else numbered (`big0`, `big1`).
    pub name: String,
    /// What kind of processor it is.
    pub kind: ProcessorKind,
    /// The part it plays among the processors of this board; what portable policies name.
    pub role: Role,
    /// Its CPUs; empty for an accelerator.
    pub cpus: CpuSet,
    /// Computing capacity at the highest clock, relative to 1024 for the fastest core of the board
    /// (`cpu_capacity` in the kernel).
    pub capacity: u32,
    /// The clocks of its operating performance points, ascending; empty where the kernel tells none.
    pub opps: Vec<Hertz>,
}

/// What kind of processor something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessorKind {
    /// A cluster of CPU cores.
    Cpu,
}

/// The part a processor plays on its board, from slow to fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The slowest of several kinds of CPU cluster.
    Little,
    /// Neither the slowest nor the fastest kind of CPU cluster.
    Mid,
    /// The fastest kind of CPU cluster, or the only one.
    Big,
}

impl Role {
    /// Every role, in the order of the enum.
    pub const ALL: [Self; 3] = [Self::Little, Self::Mid, Self::Big];

    /// The name that policies use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Mid => "mid",
            Self::Big => "big",
        }
    }
}

/// A board that can be observed.
///
/// Obligations of an implementation:
/// - [`describe`](Board::describe) answers the same for as long as the value lives.
/// - [`sample`](Board::sample) never fails as a whole: what cannot be read is absent from the sample, and
///   is reported once, not at every sample.
/// - Counters in a sample are cumulative and monotonic per CPU and per process; a reader derives rates.
pub trait Board {
    /// The board's processors.
    fn describe(&self) -> &BoardDescription;

    /// Reads every sensor once. `apps` names the processes whose CPU time is wanted beside the totals; one
    /// that no longer exists is left out of the answer.
    fn sample(&mut self, now: Timestamp, apps: &[Pid]) -> Sample;
}
