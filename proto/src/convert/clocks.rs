//! The bounds of clocks.

use dynd_vocab::{ClockState, ClockStatus};

use crate::v1;

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

impl From<v1::ClockStatus> for ClockStatus {
    fn from(clocks: v1::ClockStatus) -> Self {
        Self {
            min_khz: clocks.min_khz,
            max_khz: clocks.max_khz,
            state: state(clocks.state),
            reason: clocks.reason,
        }
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
            ClockState::Unknown => Self::Unspecified,
        }
    }
}

fn state(value: i32) -> ClockState {
    match v1::ClockState::try_from(value) {
        Ok(v1::ClockState::Left) => ClockState::Left,
        Ok(v1::ClockState::Unchanged) => ClockState::Unchanged,
        Ok(v1::ClockState::Held) => ClockState::Held,
        Ok(v1::ClockState::Throttled) => ClockState::Throttled,
        Ok(v1::ClockState::Contested) => ClockState::Contested,
        Ok(v1::ClockState::Refused) => ClockState::Refused,
        Ok(v1::ClockState::Unspecified) | Err(_) => ClockState::Unknown,
    }
}
