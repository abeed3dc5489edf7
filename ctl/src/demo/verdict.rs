//! What the daemon must show against the best fixed pairs, and whether it did.

use serde::Serialize;

use super::cast::{Cast, NAMES};
use super::measure::{AppFigures, Figures};
use super::outcome::{Label, Outcome};

/// Share of frames within target that is enough in any phase.
const ENOUGH: f64 = 0.95;

/// How far below the best fixed pair of a phase is good enough where that misses [`ENOUGH`] too.
const TOLERANCE: f64 = 0.01;

/// How much of the way from the best pair of the script to the best pairs of the phases one app must go.
const WAY_TO_GO: f64 = 0.6;

/// The most late frames after an arrival of load.
const MOST_LATE: f64 = 3.0;

/// The longest switch, at the 99th percentile.
const LONGEST_SWITCH_US: f64 = 200.0;

/// One demand, and whether it is met. What could not be measured is not met: a daemon that never switches
/// has no short switches to show.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    /// What is demanded.
    pub(crate) what: String,
    /// What was measured.
    pub(crate) value: Option<f64>,
    /// How it must compare with the limit.
    pub(crate) op: Comparison,
    /// The limit.
    pub(crate) limit: Option<f64>,
    /// Whether it does.
    pub(crate) ok: bool,
}

/// How a value must compare with its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Comparison {
    /// It must not be lower.
    #[serde(rename = ">=")]
    AtLeast,
    /// It must not be higher.
    #[serde(rename = "<=")]
    AtMost,
    /// It must be higher.
    #[serde(rename = ">")]
    Above,
}

impl Comparison {
    /// The sign shown to people.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
            Self::Above => ">",
        }
    }

    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::AtLeast => value >= limit,
            Self::AtMost => value <= limit,
            Self::Above => value > limit,
        }
    }
}

impl Verdict {
    fn new(what: String, value: Option<f64>, op: Comparison, limit: Option<f64>) -> Self {
        let ok = value
            .zip(limit)
            .is_some_and(|(value, limit)| op.holds(value, limit));
        Self {
            what,
            value,
            op,
            limit,
            ok,
        }
    }
}

/// Every verdict; none if a way to compare with is missing.
pub(crate) fn all(outcome: &Outcome) -> Vec<Verdict> {
    let figures = |label| outcome.showing(label).map(|showing| showing.figures.as_ref());
    let (Some(managed), Some(fixed), Some(informed)) = (
        figures(Label::Managed),
        figures(Label::BestStatic),
        figures(Label::BestPerPhase),
    ) else {
        return Vec::new();
    };
    let mut verdicts = Vec::new();
    for (name, (managed, informed)) in NAMES.zip(managed.zip(informed)).each() {
        verdicts.extend(in_phases(outcome, name, managed, informed));
    }
    for (name, (managed, fixed)) in NAMES.zip(managed.zip(fixed)).each() {
        verdicts.push(above_best_static(name, managed, fixed));
    }
    verdicts.push(way_to_informed(managed, fixed, informed));
    for (name, managed) in NAMES.zip(managed).each() {
        verdicts.extend(after_arrivals(name, managed));
        verdicts.push(Verdict::new(
            format!("{name}: 99th percentile of the gap of a switch, µs"),
            managed.script.gap_p99_us,
            Comparison::AtMost,
            Some(LONGEST_SWITCH_US),
        ));
    }
    verdicts
}

fn in_phases(outcome: &Outcome, name: &str, managed: &AppFigures, informed: &AppFigures) -> Vec<Verdict> {
    let verdict = |phase: usize| {
        let best = informed.phase(phase).and_then(Figures::within_target);
        let limit = best.map(|best| if best >= ENOUGH { ENOUGH } else { best - TOLERANCE });
        Verdict::new(
            format!("{name}, {}: within target", outcome.script.phases[phase].name),
            managed.phase(phase).and_then(Figures::within_target),
            Comparison::AtLeast,
            limit,
        )
    };
    managed.phases.iter().map(|phase| verdict(phase.phase)).collect()
}

fn above_best_static(name: &str, managed: &AppFigures, fixed: &AppFigures) -> Verdict {
    Verdict::new(
        format!("{name}: correct on time against best-static"),
        managed.script.share_correct_on_time(),
        Comparison::Above,
        fixed.script.share_correct_on_time(),
    )
}

fn way_to_informed(
    managed: Cast<&AppFigures>,
    fixed: Cast<&AppFigures>,
    informed: Cast<&AppFigures>,
) -> Verdict {
    let share = |figures: &AppFigures| figures.script.share_correct_on_time();
    let gone = |(managed, (fixed, informed))| {
        let (managed, fixed, informed) = (share(managed)?, share(fixed)?, share(informed)?);
        (informed > fixed).then(|| (managed - fixed) / (informed - fixed))
    };
    let furthest = managed.zip(fixed.zip(informed)).map(gone).each();
    Verdict::new(
        "one app: way gone from best-static to best-per-phase".into(),
        furthest.into_iter().flatten().reduce(f64::max),
        Comparison::AtLeast,
        Some(WAY_TO_GO),
    )
}

fn after_arrivals(name: &str, managed: &AppFigures) -> Vec<Verdict> {
    let verdict = |(index, &late): (usize, &usize)| {
        Verdict::new(
            format!("{name}: late frames after arrival {} of load", index + 1),
            Some(late as f64),
            Comparison::AtMost,
            Some(MOST_LATE),
        )
    };
    managed.late_after.iter().enumerate().map(verdict).collect()
}

#[cfg(test)]
mod tests {
    use crate::demo::outcome::tests::full;

    fn check(managed: char, what: &str, expect: bool) {
        let outcome = full(managed);
        let verdict = outcome.verdicts.iter().find(|verdict| verdict.what == what);
        assert_eq!(verdict.unwrap().ok, expect, "{what}: {verdict:?}");
    }

    #[test]
    fn each_demand_can_be_met_and_missed() {
        check('o', "camera, heavy load: within target", true);
        check('l', "camera, heavy load: within target", false);
        check('l', "reader: late frames after arrival 2 of load", false);
        check('o', "reader: late frames after arrival 2 of load", true);
        check('s', "camera: 99th percentile of the gap of a switch, µs", true);
        check('o', "camera: 99th percentile of the gap of a switch, µs", false);
    }

    #[test]
    fn as_good_as_best_static_is_not_above_it() {
        check('o', "camera: correct on time against best-static", false);
    }

    #[test]
    fn every_demand_has_its_line() {
        // Camera 6 phases, reader 4; per app best-static, two arrivals, gap; once the way gone.
        assert_eq!(full('o').verdicts.len(), 10 + 2 + 1 + 2 * (2 + 1));
    }
}
