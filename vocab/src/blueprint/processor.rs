//! Processors and memory of a blueprint.

use alloc::string::String;
use alloc::vec::Vec;

use super::Origin;
use crate::{CpuSet, Hertz, ProcessorKind, Seconds, Watts};

/// What CPU clusters and accelerators have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Silicon {
    /// Unique on the board; how the rest of the file refers to it.
    pub name: String,
    /// The operating performance points, by ascending clock; at least one.
    pub opps: Vec<Opp>,
    /// Where the clocks are known from.
    pub clocks_origin: Origin,
    /// Where the voltages are known from.
    pub voltages_origin: Origin,
    /// The real clock over the one the kernel reports, at the lowest and at the highest OPP; linear between.
    pub real_clock: [f64; 2],
    /// Where that is known from.
    pub real_clock_origin: Origin,
    /// What its power follows from.
    pub power: PowerCoefficients,
    /// Index of the thermal node that its power heats.
    pub node: usize,
    /// The governor that is in force after boot.
    pub governor: String,
    /// The governors that its kernel offers.
    pub governors: Vec<String>,
    /// How long its clock takes to change.
    pub transition_latency: Seconds,
    /// Where the rest is known from.
    pub origin: Origin,
}

/// An operating performance point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opp {
    /// The clock.
    pub clock: Hertz,
    /// The supply voltage, in volts.
    pub volts: f64,
}

/// The four figures that the power of a processor follows from, beside its OPPs. Powers add up over
/// `leakage * volts * exp(growth * (celsius - 45))`, `capacitance * volts² * hertz` of each busy unit and
/// `uncore * volts² * hertz` while any unit is busy.
#[derive(Clone, Debug, PartialEq)]
pub struct PowerCoefficients {
    /// What one busy unit (core, or accelerator as a whole) switches per cycle, in farads.
    pub capacitance: f64,
    /// What the rest of the processor switches per cycle while a unit is busy, in farads.
    pub uncore: f64,
    /// Leakage of the whole processor at one volt and 45 °C.
    pub leakage: Watts,
    /// By which share leakage grows per kelvin.
    pub leakage_growth: f64,
    /// Where the four are known from.
    pub origin: Origin,
}

/// A CPU cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusterPlan {
    /// Clocks, power, heat.
    pub silicon: Silicon,
    /// What its cores are called (`Cortex-A15`).
    pub core: String,
    /// Its CPUs.
    pub cpus: CpuSet,
    /// The number of its cpufreq policy.
    pub policy: u32,
    /// Computing capacity of one core at the highest clock, relative to 1024 for the fastest core of the board.
    pub capacity: u32,
    /// The same as the kernel shows it in `cpu_capacity`; it shows 1024 for all where the device tree says nothing.
    pub shown_capacity: u32,
    /// The cpufreq driver, where it is known.
    pub driver: Option<String>,
    /// Name of its performance counters' unit, where the kernel has one.
    pub pmu: Option<String>,
}

/// A GPU or an NPU.
#[derive(Clone, Debug, PartialEq)]
pub struct AcceleratorPlan {
    /// Clocks, power, heat.
    pub silicon: Silicon,
    /// GPU or NPU.
    pub kind: ProcessorKind,
    /// What it is called (`GV11B`).
    pub part: String,
    /// The directory of its devfreq device.
    pub devfreq: String,
    /// The attribute that tells its load, where there is one, and its unit.
    pub load: Option<(String, LoadUnit)>,
    /// How often its governor decides.
    pub polling: Seconds,
    /// For how long it serves one process before the next one's turn.
    pub turn: Seconds,
}

/// What the load attribute of an accelerator counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadUnit {
    /// 0 to 1000 (Tegra).
    Permille,
    /// 0 to 100 (Mali).
    Percent,
    /// `LOAD@FREQHz`, the load in percent (Rockchip).
    PercentAtHertz,
}

impl LoadUnit {
    /// Every unit.
    pub const ALL: [Self; 3] = [Self::Permille, Self::Percent, Self::PercentAtHertz];

    /// The name that files use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Permille => "permille",
            Self::Percent => "percent",
            Self::PercentAtHertz => "percent@hertz",
        }
    }
}

/// The memory that all processors share.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryPlan {
    /// As the kernel or the vendor names its clock (`emc`, `dmc`).
    pub name: String,
    /// Its clocks, ascending; at least one.
    pub clocks: Vec<Hertz>,
    /// The directory of its devfreq device, or the attribute that tells its clock; absent where the kernel hides it.
    pub path: Option<String>,
    /// Where these are known from.
    pub origin: Origin,
    /// Bytes per second at its highest clock.
    pub bandwidth: f64,
    /// Where that is known from.
    pub bandwidth_origin: Origin,
    /// What it draws at its highest clock without traffic; proportional to the clock.
    pub standby: Watts,
    /// What moving a byte takes, in joules.
    pub energy_per_byte: f64,
    /// Where the two are known from.
    pub power_origin: Origin,
    /// Index of the thermal node that its power heats.
    pub node: usize,
}
