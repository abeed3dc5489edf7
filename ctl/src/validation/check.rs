//! One figure beside its limit, and the rows that it is of.

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
    /// The rows that it is of; absent if no measurement was compared.
    pub(crate) rows: Option<Rows>,
}

/// How many rows of a measurement a figure is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Rows {
    /// Rows that something of the board file was fitted on. They are left out of the figure, unless it has no others: then it
    /// is a residual of the fit, and no check.
    pub(crate) fitted: usize,
    /// Rows that nothing was fitted on.
    pub(crate) checked: usize,
}

/// Errors of the rows that nothing was fitted on.
#[derive(Default)]
pub(super) struct Errors {
    errors: Vec<f64>,
    fitted: usize,
}

impl Errors {
    /// Takes the `error` of a row, or leaves it out if something `is_fitted` on that.
    pub(super) fn push(&mut self, is_fitted: bool, error: f64) {
        if is_fitted {
            self.fitted += 1;
        } else {
            self.errors.push(error);
        }
    }

    /// Their mean without signs; no number, which meets no limit, if there is none.
    pub(super) fn mean_absolute(&self) -> f64 {
        self.errors.iter().map(|error| error.abs()).sum::<f64>() / self.errors.len() as f64
    }

    /// Their root mean square; no number, which meets no limit, if there is none.
    pub(super) fn root_mean_square(&self) -> f64 {
        (self.errors.iter().map(|error| error * error).sum::<f64>() / self.errors.len() as f64).sqrt()
    }

    /// How many rows were taken and left out.
    pub(super) const fn rows(&self) -> Rows {
        Rows {
            fitted: self.fitted,
            checked: self.errors.len(),
        }
    }
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
            rows: None,
        }
    }

    /// That it is of `rows`.
    pub(crate) fn of(self, rows: Rows) -> Self {
        Self {
            rows: Some(rows),
            ..self
        }
    }
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
    }

    #[test]
    fn what_is_fitted_on_is_left_out_of_every_error() {
        let mut errors = Errors::default();
        errors.push(true, 100.0);
        assert!(errors.mean_absolute().is_nan() && errors.root_mean_square().is_nan());
        errors.push(false, -6.0);
        errors.push(false, 8.0);
        assert_eq!(errors.mean_absolute(), 7.0);
        assert_eq!(errors.root_mean_square(), 50.0_f64.sqrt());
        assert_eq!(
            errors.rows(),
            Rows {
                fitted: 1,
                checked: 2
            }
        );
    }
}
