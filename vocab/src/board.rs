//! What a board is, and what it owes its caller.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{
    Actuation, Celsius, Confined, Confinement, CpuSet, Hertz, Pid, ProblemStatus, PutBack, Sample, Setting,
    Timestamp,
};

/// A machine: its processors and sensors, in the order in which everything else refers to them by index.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BoardDescription {
    /// What the firmware calls the board (device tree or DMI), for people to read; never decides anything.
    pub name: String,
    /// The processors: CPU clusters in order of their first CPU, then accelerators in order of their paths.
    pub processors: Vec<Processor>,
    /// The clocks that memory and buses run at, which all processors share.
    pub memory: Vec<MemoryClock>,
    /// What is measured of the power drawn.
    pub rails: Vec<PowerRail>,
    /// The thermal zones.
    pub zones: Vec<ThermalZone>,
    /// What the kernel cools with: fans, and clocks that it lowers.
    pub cooling: Vec<CoolingDevice>,
    /// The battery that feeds the board, if there is one.
    pub battery: Option<Battery>,
}

impl BoardDescription {
    /// Every CPU of the board.
    pub fn cpus(&self) -> CpuSet {
        self.processors
            .iter()
            .fold(CpuSet::EMPTY, |all, processor| all.union(processor.cpus))
    }
}

/// A set of units that share one clock: a CPU cluster, a GPU, an NPU.
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
    /// Computing capacity of one core at the highest clock, relative to 1024 for the fastest core of the board
    /// (`cpu_capacity` in the kernel); 0 for an accelerator, which compares with nothing.
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
    /// A graphics processor.
    Gpu,
    /// A processor for neural networks.
    Npu,
    /// Another accelerator: a deep-learning accelerator of few layers, a signal processor, an FPGA.
    Accelerator,
}

impl ProcessorKind {
    /// The name shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Gpu => "gpu",
            Self::Npu => "npu",
            Self::Accelerator => "accelerator",
        }
    }
}

/// The part a processor plays on its board: CPU clusters from slow to fast, then accelerators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The slowest of several kinds of CPU cluster.
    Little,
    /// Neither the slowest nor the fastest kind of CPU cluster.
    Mid,
    /// The fastest kind of CPU cluster, or the only one.
    Big,
    /// A graphics processor.
    Gpu,
    /// A processor for neural networks.
    Npu,
    /// Another accelerator.
    Accelerator,
}

impl Role {
    /// Every role, in the order of the enum.
    pub const ALL: [Self; 6] = [
        Self::Little,
        Self::Mid,
        Self::Big,
        Self::Gpu,
        Self::Npu,
        Self::Accelerator,
    ];

    /// The name that policies use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Little => "little",
            Self::Mid => "mid",
            Self::Big => "big",
            Self::Gpu => "gpu",
            Self::Npu => "npu",
            Self::Accelerator => "accelerator",
        }
    }
}

/// A clock that memory or a bus runs at. It is observed, not set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryClock {
    /// Unique on the board, as the kernel or the vendor names it (`dmc`, `emc`).
    pub name: String,
    /// The clocks it can have, ascending; empty where the kernel tells none.
    pub opps: Vec<Hertz>,
}

/// A supply whose power is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PowerRail {
    /// Unique on the board, as its label names it (`VDD_IN`, `package-0`).
    pub name: String,
    /// Index of the rail that counts this one's power in, if that is known. The rails that are within no other one
    /// are what is to be added up: their sum is all the power that is measured.
    pub within: Option<usize>,
}

/// A place whose temperature the kernel watches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ThermalZone {
    /// Unique on the board: the zone's type (`cpu-thermal`), numbered where several zones have it.
    pub name: String,
    /// Where the kernel acts, in its order; those that cannot be true are left out.
    pub trips: Vec<Trip>,
}

/// A temperature at which the kernel acts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trip {
    /// What it does.
    pub kind: TripKind,
    /// Where it begins.
    pub temperature: Celsius,
    /// By how many degrees the temperature must fall below that for it to end; 0 if not told.
    pub hysteresis: f64,
}

/// What the kernel does at a trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TripKind {
    /// Turns on a fan.
    Active,
    /// Lowers clocks.
    Passive,
    /// Tells its driver.
    Hot,
    /// Shuts the board down.
    Critical,
}

impl TripKind {
    /// The name shown to people, which is the kernel's.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::Hot => "hot",
            Self::Critical => "critical",
        }
    }
}

/// What the kernel cools with. State 0 cools nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoolingDevice {
    /// Unique on the board: its type (`pwm-fan`, `cpufreq-cpu4`), numbered where several devices have it.
    pub name: String,
    /// The state that cools most.
    pub max_state: u32,
}

/// A battery that feeds the board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Battery {
    /// As the kernel names it (`BAT0`).
    pub name: String,
}

/// A board that can be observed, and whose clocks can be bounded.
///
/// Obligations of an implementation:
/// - [`describe`](Board::describe) answers the same for as long as the value lives.
/// - [`sample`](Board::sample) never fails as a whole: what cannot be read is absent from the sample, and
///   among the [problems](Board::problems). One that fails now and then is one problem, which lasts until it has
///   answered well for a while.
/// - The lists of a sample that go by index are as long as those of the description.
/// - Counters in a sample are cumulative and monotonic per CPU and per process; a reader derives rates.
/// - A sensor that would wake an idle processor is not read while that processor idles.
/// - [`apply`](Board::apply) writes only what changes, and reads back what it wrote. What was in force is on disk
///   before the first write, so that a crash at any point loses nothing.
/// - What somebody else wrote is left alone from the moment it is seen, until the setting asks for something else
///   of that processor; what the kernel lowers to cool the board is waited for.
/// - An attribute that refuses stops no other, neither in [`apply`](Board::apply) nor in
///   [`restore`](Board::restore).
/// - An attribute is put back only while it reads as it was left, the last written first.
pub trait Board {
    /// The board's processors and sensors.
    fn describe(&self) -> &BoardDescription;

    /// Reads every sensor once into `into`, whose earlier content is overwritten and whose memory is used
    /// again. `apps` names the processes whose CPU time is wanted beside the totals; one that no longer exists is
    /// left out of the answer.
    fn sample(&mut self, now: Timestamp, apps: &[Pid], into: &mut Sample);

    /// What cannot be read at present, each thing once, in the order in which it was found.
    fn problems(&self) -> &[ProblemStatus];

    /// Makes `setting` true, or finds out why it is not: one answer per processor. Called again with the same
    /// setting it looks whether that still holds, and writes what could not be written before.
    fn apply(&mut self, setting: &Setting) -> Vec<Actuation>;

    /// Keeps these apps, and no others, on their CPUs, or finds out why it cannot: one answer per app. Narrows before
    /// it widens, so that what one app leaves another can take. Called again with the same it looks whether that
    /// still holds.
    fn confine(&mut self, apps: &[Confinement]) -> Vec<Confined>;

    /// Puts back what [`apply`](Board::apply) and [`confine`](Board::confine) changed, now or before a crash: one answer per attribute. What
    /// refuses stays known and can be tried again.
    fn restore(&mut self) -> Vec<PutBack>;
}
