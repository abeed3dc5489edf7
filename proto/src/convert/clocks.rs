//! The bounds of clocks.

use dynd_vocab::{ClockState, ClockStatus};

use crate::{Problem, WireError, v1};

impl From<ClockStatus> for v1::ClockStatus {
    fn from(clocks: ClockStatus) -> Self {
        Self {
            min_khz: clocks.min_khz,
            max_khz: clocks.max_khz,
            state: v1::ClockState::from(clocks.state).into(),
            reason: clocks.reason,
        }
    }
}

impl TryFrom<v1::ClockStatus> for ClockStatus {
    type Error = WireError;

    fn try_from(clocks: v1::ClockStatus) -> Result<Self, WireError> {
        Ok(Self {
            min_khz: clocks.min_khz,
            max_khz: clocks.max_khz,
            state: state(clocks.state)?,
            reason: clocks.reason,
        })
    }
}

impl From<ClockState> for v1::ClockState {
    fn from(state: ClockState) -> Self {
        match state {
            ClockState::Left => Self::Left,
            ClockState::Unchanged => Self::Unchanged,
            ClockState::Held => Self::Held,
            ClockState::Throttled => Self::Throttled,
            ClockState::Contested => Self::Contested,
            ClockState::Refused => Self::Refused,
        }
    }
}

fn state(value: i32) -> Result<ClockState, WireError> {
    match v1::ClockState::try_from(value) {
        Ok(v1::ClockState::Left) => Ok(ClockState::Left),
        Ok(v1::ClockState::Unchanged) => Ok(ClockState::Unchanged),
        Ok(v1::ClockState::Held) => Ok(ClockState::Held),
        Ok(v1::ClockState::Throttled) => Ok(ClockState::Throttled),
        Ok(v1::ClockState::Contested) => Ok(ClockState::Contested),
        Ok(v1::ClockState::Refused) => Ok(ClockState::Refused),
        Ok(v1::ClockState::Unspecified) | Err(_) => Err(Problem::UnknownValue(value).of("state")),
    }
}
