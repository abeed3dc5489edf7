//! Apps: client sessions, what they ask for and what they report.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CpuSet, ModelTable, OperatingPoint, Quality, Seconds, Timestamp};

/// A client session, numbered by the daemon and never reused while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AppId(pub u32);

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A process number as the daemon's PID namespace sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pid(pub u32);

/// Who an app is, as the kernel vouches for it; nothing here comes from what the client says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process at the other end of the socket when it connected.
    pub pid: Option<Pid>,
    /// Its effective user.
    pub uid: u32,
    /// The file it executes, if it can be read.
    pub exe: Option<String>,
    /// The systemd unit its cgroup belongs to, if any.
    pub unit: Option<String>,
    /// The name of the daemon's socket through which it came.
    pub socket: String,
}

/// What an app says of itself when it opens a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// What it calls itself: a hint for people and policies, no identity.
    pub name: String,
    /// Its model.
    pub model: ModelTable,
    /// What it needs.
    pub requirement: Requirement,
    /// The most threads its inference can use.
    pub max_threads: u32,
    /// What its sub-networks were measured to take; may be empty.
    pub profile: Vec<OperatingPoint>,
    /// What it still runs of the assignment of a daemon that is gone.
    pub holding: Option<Holding>,
}

/// What an app runs while the lease of its last assignment lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Index of the sub-network.
    pub subnetwork: usize,
    /// The processor's name.
    pub processor: String,
    /// Where its inference pool is pinned.
    pub cpus: CpuSet,
}

/// What an app needs: a latency target at a percentile, and a quality below which its answers are useless.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requirement {
    /// Completion minus scheduled release must not exceed this…
    pub latency: Seconds,
    /// …in this share of inferences (0 to 1, exclusive).
    pub percentile: f64,
    /// The lowest useful quality.
    pub min_quality: Quality,
    /// Time between scheduled releases; absent when the app runs on demand.
    pub period: Option<Seconds>,
}

/// One inference as the client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Index of the sub-network that ran.
    pub subnetwork: usize,
    /// Number of cores it ran on.
    pub cores: u32,
    /// When it ended, on the monotonic clock that client and daemon share.
    pub ended: Timestamp,
    /// From its start to its end.
    pub service: Duration,
    /// From its scheduled release to its end: what the target is judged by.
    pub latency: Duration,
    /// True for the first inference after a change of sub-network or cores: its latency says little.
    pub after_switch: bool,
}
