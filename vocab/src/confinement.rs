//! Apps that the kernel keeps on CPUs, because a policy says `enforce = true`.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::{AppId, CpuSet, Pid};

/// What is asked: an app whose threads may run on these CPUs only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The app.
    pub app: AppId,
    /// Its process, which must be alone in its cgroup.
    pub pid: Pid,
    /// The systemd unit the process belongs to, if any.
    pub unit: Option<String>,
    /// The CPUs; not empty.
    pub cpus: CpuSet,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confined {
    /// The app.
    pub app: AppId,
    /// How it stands.
    pub enforcement: Enforcement,
}

/// Whether an app is kept on its CPUs, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enforcement {
    /// Whether it is.
    pub state: EnforcementState,
    /// What does, or would; absent while that is not known.
    pub by: Option<Fence>,
    /// The CPUs that it is allowed; empty if there is no limit, or none is known.
    pub cpus: CpuSet,
    /// Why it is not.
    pub reason: Option<String>,
}

/// Whether an app is kept on its CPUs. The client pins itself in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnforcementState {
    /// Not yet: the app has not acknowledged where it runs, or the board was not told.
    #[default]
    Pending,
    /// It is.
    Held,
    /// Somebody else wrote to its CPU set, which is left alone until other CPUs are asked for.
    Contested,
    /// It cannot be, or must not: it is not alone in its unit.
    Refused,
    /// A newer daemon tells a state that this version does not know.
    Unknown,
}

impl EnforcementState {
    /// The name shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Contested => "contested",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// What keeps an app on its CPUs; the first that a machine has is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fence {
    /// systemd, which is asked to set `AllowedCPUs=` of the unit.
    Systemd,
    /// The cpuset of the app's own cgroup, version 2.
    CgroupV2,
    /// The cpuset of the app's own cgroup, version 1.
    CgroupV1,
}

impl Fence {
    /// All of them, the preferred first.
    pub const ALL: [Self; 3] = [Self::Systemd, Self::CgroupV2, Self::CgroupV1];

    /// The name shown to people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::CgroupV2 => "cgroup-v2",
            Self::CgroupV1 => "cgroup-v1",
        }
    }
}

impl Enforcement {
    /// That an app is not kept on its CPUs, and why.
    pub const fn refused(by: Option<Fence>, reason: String) -> Self {
        Self {
            state: EnforcementState::Refused,
            by,
            cpus: CpuSet::EMPTY,
            reason: Some(reason),
        }
    }
}
