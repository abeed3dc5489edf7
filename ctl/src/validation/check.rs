//! One figure beside its limit.

use serde::Serialize;

/// One figure beside its limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Check {
    /// What was compared, the board first.
    pub(crate) name: String,
    /// How far simulation and measurement are apart.
    pub(crate) value: f64,
    /// How the value must compare with the limit; always `<=`.
    pub(crate) op: &'static str,
    /// The limit.
    pub(crate) limit: f64,
    /// What both are counted in.
    pub(crate) unit: Unit,
    /// Whether the limit is met.
    pub(crate) ok: bool,
}

/// What a check counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Unit {
    /// Percent of the measured figure.
    #[serde(rename = "%")]
    Percent,
    /// Kelvins.
    #[serde(rename = "K")]
    Kelvins,
    /// Operating performance points.
    #[serde(rename = "OPPs")]
    Opps,
    /// Points of a percentage.
    #[serde(rename = "points")]
    Points,
}

impl Unit {
    /// As people write it after a number.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Kelvins => "K",
            Self::Opps => "OPPs",
            Self::Points => "points",
        }
    }
}

impl Check {
    /// That `value` is at most `limit`.
    pub(crate) fn at_most(name: String, value: f64, limit: f64, unit: Unit) -> Self {
        Self {
            name,
            value,
            op: "<=",
            limit,
            unit,
            ok: value <= limit,
        }
    }
}

/// The mean of `errors` without their signs; 0 if there is none.
pub(crate) fn mean_absolute(errors: &[f64]) -> f64 {
    errors.iter().map(|error| error.abs()).sum::<f64>() / errors.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_met_or_not() {
        let check = |value: f64, ok| {
            assert_eq!(
                Check::at_most("c".into(), value, 5.0, Unit::Percent).ok,
                ok,
                "{value}"
            );
        };
        check(5.0, true);
        check(5.01, false);
        check(f64::NAN, false);
        assert_eq!(mean_absolute(&[-2.0, 4.0]), 3.0);
    }
}
