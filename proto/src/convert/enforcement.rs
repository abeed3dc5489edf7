//! Whether the kernel keeps an app on its CPUs.

use dynd_vocab::{Enforcement, EnforcementState, Fence};

use super::field;
use crate::{WireError, v1};

impl From<Enforcement> for v1::Enforcement {
    fn from(enforcement: Enforcement) -> Self {
        let by = enforcement.by.map_or(v1::Fence::Unspecified, v1::Fence::from);
        Self {
            state: v1::EnforcementState::from(enforcement.state).into(),
            by: by.into(),
            cpus: enforcement.cpus.iter().collect(),
            reason: enforcement.reason,
        }
    }
}

impl TryFrom<v1::Enforcement> for Enforcement {
    type Error = WireError;

    fn try_from(enforcement: v1::Enforcement) -> Result<Self, WireError> {
        Ok(Self {
            state: state(enforcement.state),
            by: fence(enforcement.by),
            cpus: field::cpus(enforcement.cpus, "cpus")?,
            reason: enforcement.reason,
        })
    }
}

impl From<EnforcementState> for v1::EnforcementState {
    fn from(state: EnforcementState) -> Self {
        match state {
            EnforcementState::Pending => Self::Pending,
            EnforcementState::Held => Self::Held,
            EnforcementState::Contested => Self::Contested,
            EnforcementState::Refused => Self::Refused,
            EnforcementState::Unknown => Self::Unspecified,
        }
    }
}

fn state(value: i32) -> EnforcementState {
    match v1::EnforcementState::try_from(value) {
        Ok(v1::EnforcementState::Pending) => EnforcementState::Pending,
        Ok(v1::EnforcementState::Held) => EnforcementState::Held,
        Ok(v1::EnforcementState::Contested) => EnforcementState::Contested,
        Ok(v1::EnforcementState::Refused) => EnforcementState::Refused,
        Ok(v1::EnforcementState::Unspecified) | Err(_) => EnforcementState::Unknown,
    }
}

impl From<Fence> for v1::Fence {
    fn from(fence: Fence) -> Self {
        match fence {
            Fence::Systemd => Self::Systemd,
            Fence::CgroupV2 => Self::CgroupV2,
            Fence::CgroupV1 => Self::CgroupV1,
        }
    }
}

/// What a newer daemon tells beyond these is not known here.
fn fence(value: i32) -> Option<Fence> {
    match v1::Fence::try_from(value) {
        Ok(v1::Fence::Systemd) => Some(Fence::Systemd),
        Ok(v1::Fence::CgroupV2) => Some(Fence::CgroupV2),
        Ok(v1::Fence::CgroupV1) => Some(Fence::CgroupV1),
        Ok(v1::Fence::Unspecified) | Err(_) => None,
    }
}
