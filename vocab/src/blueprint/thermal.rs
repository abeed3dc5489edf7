//! Heat flow, cooling and firmware of a blueprint.

use alloc::string::String;
use alloc::vec::Vec;

use super::Origin;
use crate::{Celsius, Hertz, Seconds, Watts};

/// How heat flows.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermalPlan {
    /// The temperature around the board.
    pub ambient: Celsius,
    /// Bodies of one temperature each; at least one.
    pub nodes: Vec<ThermalNode>,
    /// What heat flows through.
    pub links: Vec<ThermalLink>,
    /// Index of the node that base power heats.
    pub base_node: usize,
    /// Where that is known from.
    pub origin: Origin,
}

/// A body of one temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermalNode {
    /// Unique on the board.
    pub name: String,
    /// Heat that it takes per kelvin, in joules; more than zero.
    pub capacity: f64,
}

/// What heat flows through.
#[derive(Clone, Debug, PartialEq)]
pub struct ThermalLink {
    /// Index of the node at one end.
    pub node: usize,
    /// What is at the other end.
    pub outside: Outside,
    /// Kelvins per watt, more than zero: one figure, or one for each state of the fan.
    pub resistance: Vec<f64>,
}

/// The far end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The air around the board.
    Ambient,
    /// Another node, by index.
    Node(usize),
}

/// A cooling device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoolerPlan {
    /// Its type (`pwm-fan`, `cpufreq-cpu4`).
    pub name: String,
    /// The processor whose clock it lowers, by index: state k takes the k highest OPPs away. Absent for the fan.
    pub processor: Option<usize>,
    /// The state that cools most.
    pub max_state: u32,
    /// Where that is known from.
    pub origin: Origin,
}

/// The states that a trip may set a cooling device to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoolingRange {
    /// Index of the device.
    pub cooler: usize,
    /// The state it begins with.
    pub lowest: u32,
    /// The state it ends with.
    pub highest: u32,
}

/// A limit that firmware keeps: it lowers the real clock, step by step, and neither the kernel nor the reported clock
/// know.
#[derive(Clone, Debug, PartialEq)]
pub struct FirmwareLimit {
    /// For people.
    pub name: String,
    /// What it reacts to.
    pub trigger: LimitTrigger,
    /// Indices of the processors it slows.
    pub processors: Vec<usize>,
    /// The clock below which it does not go.
    pub floor: Hertz,
    /// How often it takes or gives back one OPP.
    pub period: Seconds,
    /// Where that is known from.
    pub origin: Origin,
}

/// What a firmware limit reacts to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitTrigger {
    /// A node as hot as `at`, until it is no hotter than `release`.
    Heat {
        /// Index of the node.
        node: usize,
        /// Where it begins to slow.
        at: Celsius,
        /// Where it begins to give back.
        release: Celsius,
    },
    /// A board that draws more than `above`, until it draws less than `release`.
    Power {
        /// Where it begins to slow.
        above: Watts,
        /// Where it begins to give back.
        release: Watts,
    },
}
