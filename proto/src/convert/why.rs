//! Why an app got what it got.

use dynd_vocab::{AppId, Why, WhyPoint};

use super::{assignment, field};
use crate::{WireError, v1};

impl From<Why> for v1::Explanation {
    fn from(why: Why) -> Self {
        Self {
            app: why.app.0,
            name: why.name,
            state: v1::Standing::from(why.state).into(),
            chosen: why.chosen.map(Into::into),
            runner_up: why.runner_up.map(Into::into),
            better: why.better.map(Into::into),
            binding: why.binding,
            change: why.change,
            held_by: why.held_by,
        }
    }
}

impl TryFrom<v1::Explanation> for Why {
    type Error = WireError;

    fn try_from(why: v1::Explanation) -> Result<Self, WireError> {
        Ok(Self {
            app: AppId(why.app),
            name: why.name,
            state: assignment::standing(why.state, "state")?,
            chosen: field::optional(why.chosen, "chosen")?,
            runner_up: field::optional(why.runner_up, "runner_up")?,
            better: field::optional(why.better, "better")?,
            binding: why.binding,
            change: why.change,
            held_by: why.held_by,
        })
    }
}

impl From<WhyPoint> for v1::PlanPoint {
    fn from(point: WhyPoint) -> Self {
        Self {
            subnetwork: point.subnetwork,
            processor: point.processor,
            cores: point.cores,
            clock_khz: point.clock_khz,
            quality: point.quality,
            late: point.late,
            power_w: point.power_w,
        }
    }
}

/// Figures are only shown, and not checked.
impl TryFrom<v1::PlanPoint> for WhyPoint {
    type Error = WireError;

    fn try_from(point: v1::PlanPoint) -> Result<Self, WireError> {
        Ok(Self {
            subnetwork: point.subnetwork,
            processor: point.processor,
            cores: point.cores,
            clock_khz: point.clock_khz,
            quality: point.quality,
            late: point.late,
            power_w: point.power_w,
        })
    }
}
