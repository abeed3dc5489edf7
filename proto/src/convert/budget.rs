//! How budgets stand.

use dynd_vocab::{BudgetStatus, PowerBudgetStatus, PowerGrade, TemperatureLimitStatus};

use crate::v1;

impl From<BudgetStatus> for v1::BudgetStatus {
    fn from(budget: BudgetStatus) -> Self {
        Self {
            power: budget.power.map(Into::into),
            temperature: budget.temperature.map(Into::into),
        }
    }
}

impl From<v1::BudgetStatus> for BudgetStatus {
    fn from(budget: v1::BudgetStatus) -> Self {
        Self {
            power: budget.power.map(Into::into),
            temperature: budget.temperature.map(Into::into),
        }
    }
}

impl From<PowerBudgetStatus> for v1::PowerBudgetStatus {
    fn from(power: PowerBudgetStatus) -> Self {
        let grade = match power.grade {
            PowerGrade::Measured => v1::PowerGrade::Measured,
            PowerGrade::Estimated => v1::PowerGrade::Estimated,
        };
        Self {
            limit_w: power.limit_w,
            predicted_w: power.predicted_w,
            grade: grade.into(),
            unenforceable: power.unenforceable,
        }
    }
}

/// A grade that this version does not know is not believed to be better than an estimate.
impl From<v1::PowerBudgetStatus> for PowerBudgetStatus {
    fn from(power: v1::PowerBudgetStatus) -> Self {
        let grade = match v1::PowerGrade::try_from(power.grade) {
            Ok(v1::PowerGrade::Measured) => PowerGrade::Measured,
            Ok(v1::PowerGrade::Estimated | v1::PowerGrade::Unspecified) | Err(_) => PowerGrade::Estimated,
        };
        Self {
            limit_w: power.limit_w,
            predicted_w: power.predicted_w,
            grade,
            unenforceable: power.unenforceable,
        }
    }
}

impl From<TemperatureLimitStatus> for v1::TemperatureLimitStatus {
    fn from(limit: TemperatureLimitStatus) -> Self {
        Self {
            limit_c: limit.limit_c,
            zone: limit.zone,
            steady_c: limit.steady_c,
            sustainable_w: limit.sustainable_w,
            blind: limit.blind,
        }
    }
}

impl From<v1::TemperatureLimitStatus> for TemperatureLimitStatus {
    fn from(limit: v1::TemperatureLimitStatus) -> Self {
        Self {
            limit_c: limit.limit_c,
            zone: limit.zone,
            steady_c: limit.steady_c,
            sustainable_w: limit.sustainable_w,
            blind: limit.blind,
        }
    }
}
