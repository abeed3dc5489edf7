//! A board as its file describes it: what its sysfs says and where, and the figures of its physics.
//!
//! A virtual board is built from nothing else. Every figure carries its [`Origin`].

mod processor;
mod sensor;
mod thermal;

use alloc::string::String;
use alloc::vec::Vec;

pub use processor::{AcceleratorPlan, ClusterPlan, LoadUnit, MemoryPlan, Opp, PowerCoefficients, Silicon};
pub use sensor::{RailConvention, RailPlan, Reading, ZonePlan, ZoneTrip};
pub use thermal::{
    CoolerPlan, CoolingRange, FirmwareLimit, LimitTrigger, Outside, ThermalLink, ThermalNode, ThermalPlan,
};

use crate::Watts;

/// Where a figure comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// How far it can be trusted.
    pub grade: Grade,
    /// Who found it, where.
    pub source: String,
}

/// How far a figure can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// Read from the hardware, its device tree or its data sheet.
    Measured,
    /// Computed from measurements so that a model agrees with them.
    Fitted,
    /// Taken over from similar hardware, or remembered.
    Assumed,
}

impl Grade {
    /// Every grade, best first.
    pub const ALL: [Self; 3] = [Self::Measured, Self::Fitted, Self::Assumed];

    /// The name that files use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Fitted => "fitted",
            Self::Assumed => "assumed",
        }
    }
}

/// A board as its file describes it. What refers to something by index was checked to be there.
#[derive(Clone, Debug, PartialEq)]
pub struct Blueprint {
    /// What its firmware calls it.
    pub name: String,
    /// The `compatible` strings of its device tree, most exact first.
    pub compatible: Vec<String>,
    /// The kernel that its figures belong to.
    pub kernel: Kernel,
    /// What the whole board draws when it idles at its lowest clocks.
    pub idle: StatedPower,
    /// What it draws whatever its processors do, on top of their leakage: regulators, network, the carrier.
    pub base: StatedPower,
    /// Its CPU clusters, in order of their first CPU.
    pub clusters: Vec<ClusterPlan>,
    /// Its GPUs and NPUs. Processors are numbered clusters first, then these.
    pub accelerators: Vec<AcceleratorPlan>,
    /// Its memory.
    pub memory: MemoryPlan,
    /// Its power sensors.
    pub rails: Vec<RailPlan>,
    /// Its thermal zones, in the order of their numbers in sysfs.
    pub zones: Vec<ZonePlan>,
    /// Its cooling devices, in the order of their numbers in sysfs.
    pub coolers: Vec<CoolerPlan>,
    /// How heat flows.
    pub thermal: ThermalPlan,
    /// What its firmware does behind the kernel's back.
    pub limits: Vec<FirmwareLimit>,
}

impl Blueprint {
    /// Every processor, by index.
    pub fn silicon(&self) -> impl Iterator<Item = &Silicon> {
        let clusters = self.clusters.iter().map(|cluster| &cluster.silicon);
        clusters.chain(self.accelerators.iter().map(|accelerator| &accelerator.silicon))
    }
}

/// A kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// As `uname -r` prints it.
    pub release: String,
    /// How its clock attributes take writes.
    pub era: KernelEra,
    /// Where that is known from.
    pub origin: Origin,
}

/// How the clock attributes of a kernel take writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelEra {
    /// cpufreq up to 5.2, devfreq up to 5.5: a minimum above the maximum is refused.
    Legacy,
    /// Later: every writer's bounds are requests, and what is in force is read back.
    Qos,
}

impl KernelEra {
    /// The name that files use.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Qos => "qos",
        }
    }
}

/// A power, and where it is known from.
#[derive(Clone, Debug, PartialEq)]
pub struct StatedPower {
    /// The power.
    pub power: Watts,
    /// Where it is known from.
    pub origin: Origin,
}
