//! How the budgets of the policy stand, as operators see them.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::PowerGrade;

/// How the budgets of the policy stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BudgetStatus {
    /// The power budget, if the policy sets one.
    pub power: Option<PowerBudgetStatus>,
    /// The temperature limit, if the policy sets one.
    pub temperature: Option<TemperatureLimitStatus>,
}

/// A power budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerBudgetStatus {
    /// What may be drawn, in watts.
    pub limit_w: f64,
    /// What is drawn now as far as the model knows, in watts; absent until the board was sampled.
    pub predicted_w: Option<f64>,
    /// How that is known.
    pub grade: PowerGrade,
    /// Why the budget is not kept; absent if it is.
    pub unenforceable: Option<String>,
}

/// A temperature limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemperatureLimitStatus {
    /// How hot it may get, in degrees.
    pub limit_c: f64,
    /// The thermal zone that comes closest to its limit if all stays as it is; absent until one was read.
    pub zone: Option<String>,
    /// How hot that zone would get.
    pub steady_c: Option<f64>,
    /// The power that all zones can bear for ever, in watts; absent until known.
    pub sustainable_w: Option<f64>,
    /// A zone whose sensor is lost, so that the worst is assumed of it.
    pub blind: Option<String>,
}
