//! What an app is told.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{CpuSet, Requirement, Seconds};

/// Which plan an assignment belongs to: the epoch is random per start of the daemon, the number counts up
/// in it. An app acknowledges the generation it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Generation {
    /// Random per start of the daemon.
    pub epoch: u64,
    /// Counts assignments to this app in this epoch, from 1.
    pub number: u64,
}

/// What one app is told to run, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Which assignment this is.
    pub generation: Generation,
    /// Whether the app gets what it needs.
    pub standing: Standing,
    /// Why, in one sentence for people.
    pub reason: String,
    /// The processor's name; empty when blocked.
    pub processor: String,
    /// The CPUs to pin the inference pool to; as many threads as there are CPUs.
    pub cpus: CpuSet,
    /// The sub-networks the app may run there, the assigned one first, then cheaper ones only: so apps that
    /// step down at once cannot break a joint budget. Empty when blocked.
    pub ladder: Vec<Rung>,
    /// The requirement in force, after the policy had its say.
    pub requirement: Requirement,
    /// Others compete for these CPUs: it pays to begin right after a tick of the scheduler.
    pub contended: bool,
}

/// One step of a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rung {
    /// Index of the sub-network.
    pub subnetwork: usize,
    /// Predicted latency of an undisturbed inference.
    pub undisturbed: Seconds,
    /// Predicted latency at the percentile asked for, under the load the daemon sees now.
    pub bound: Seconds,
}

/// Whether an app gets what it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Its target is predicted to hold.
    #[default]
    Met,
    /// Its target or minimum quality is predicted to be missed; it runs the best that can be had.
    Degraded,
    /// Nothing can be given to it.
    Blocked,
}

impl Standing {
    /// The name shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Degraded => "degraded",
            Self::Blocked => "blocked",
        }
    }
}
