//! Why an app got what it got, in words.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use dynd_vocab::{AppId, Why, WhyPoint};

use crate::app::App;
use crate::joint::Joint;
use crate::plan::{Choice, ONE, Obstacle, Solution, explain};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyError {
    /// No app is called that.
    Unknown {
        /// What was asked for.
        called: String,
        /// The apps that are there, by number and name.
        known: Vec<(AppId, String)>,
    },
    /// Several apps call themselves that.
    Ambiguous {
        /// What was asked for.
        called: String,
        /// Their numbers.
        numbers: Vec<AppId>,
    },
    /// Nothing was planned for it yet.
    Unplanned(AppId),
    /// It pauses, and its share is lent.
    Paused(AppId),
}

impl fmt::Display for WhyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { called, known } if known.is_empty() => {
                write!(f, "no app is called '{called}'; none is registered")
            }
            Self::Unknown { called, known } => {
                let known: Vec<String> = known.iter().map(|(id, name)| format!("{id} ({name})")).collect();
                write!(f, "no app is called '{called}'; there are {}", known.join(", "))
            }
            Self::Ambiguous { called, numbers } => {
                let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "several apps are called '{called}'; give a number: {}",
                    numbers.join(", ")
                )
            }
            Self::Paused(app) => write!(
                f,
                "app {app} pauses: its share is lent until it infers again, and nothing is planned for it"
            ),
            Self::Unplanned(app) => write!(f, "nothing was planned for app {app} yet; try again in a moment"),
        }
    }
}

impl core::error::Error for WhyError {}

/// The id of the app that is `called` so, by its number or, if only one calls itself that, its name.
pub(crate) fn find<'a>(called: &str, apps: impl Iterator<Item = &'a App> + Clone) -> Result<AppId, WhyError> {
    let numbered = |app: &&App| called.parse() == Ok(app.id.0);
    if let Some(app) = apps.clone().find(numbered) {
        return Ok(app.id);
    }
    let named: Vec<AppId> = apps
        .clone()
        .filter(|app| app.name == called)
        .map(|app| app.id)
        .collect();
    match named.as_slice() {
        [] => Err(WhyError::Unknown {
            called: called.into(),
            known: apps.map(|app| (app.id, app.name.clone())).collect(),
        }),
        [id] => Ok(*id),
        _ => Err(WhyError::Ambiguous {
            called: called.into(),
            numbers: named,
        }),
    }
}

/// Why the app of this index got what `solution` gives it.
pub(crate) fn why(problem: &Joint<'_>, solution: &Solution, index: usize) -> Option<Why> {
    let app = *problem.apps().get(index)?;
    let reason = explain(problem.problem(), problem, solution, index);
    let describe = |choice: &Choice| describe(problem, index, choice);
    let obstacle = reason
        .better
        .as_ref()
        .map(|(choice, obstacle)| (choice, *obstacle));
    let (binding, change) = words(problem, index, obstacle);
    Some(Why {
        app: app.id,
        name: app.name.clone(),
        state: app
            .assignment
            .as_ref()
            .map(|assignment| assignment.standing)
            .unwrap_or_default(),
        chosen: reason.chosen.as_ref().map(describe),
        runner_up: reason.runner_up.as_ref().map(describe),
        better: reason.better.as_ref().map(|(choice, _)| describe(choice)),
        binding,
        change,
        held_by: holders(problem, solution, (index, obstacle.map(|(_, obstacle)| obstacle))),
    })
}

fn describe(problem: &Joint<'_>, app: usize, choice: &Choice) -> WhyPoint {
    let (place, point) = (choice.place, choice.point);
    let subnetwork = &problem.apps()[app].model.subnetworks[point.subnetwork];
    let processor = &problem.scene().board.processors[place.processor];
    let (opp, late) = problem.outlook(app, choice);
    WhyPoint {
        subnetwork: subnetwork.name.clone(),
        processor: processor.name.clone(),
        cores: point.cores,
        clock_khz: opp
            .and_then(|opp| processor.opps.get(opp))
            .map(|opp| opp.as_khz()),
        quality: subnetwork.quality.get(),
        late,
        power_w: (point.watts + point.host_watts) as f64 / ONE as f64,
    }
}

/// What stands in the way, and what would have to change.
fn words(problem: &Joint<'_>, index: usize, better: Option<(&Choice, Obstacle)>) -> (String, String) {
    let Some((choice, obstacle)) = better else {
        return (
            String::from("nothing: it runs the best that the policy allows at these clocks"),
            String::from("nothing"),
        );
    };
    let (board, app) = (problem.scene().board, problem.apps()[index]);
    let subnetwork = &app.model.subnetworks[choice.point.subnetwork].name;
    let place = &board.processors[choice.place.processor].name;
    let (target, allowed) = (app.requirement.latency, app.allowed() * 100.0);
    match obstacle {
        Obstacle::Violation(_) => {
            let late = problem.outlook(index, choice).1 * 100.0;
            (
                format!(
                    "the target: {subnetwork} on {place} would be late in {late:.1} % of inferences, {allowed:.1} % may be"
                ),
                format!(
                    "a target above {target}, a lower percentile, a faster clock or less load on {place}"
                ),
            )
        }
        Obstacle::Capacity { processor, short } => {
            let name = &board.processors[processor].name;
            let short = short as f64 / ONE as f64;
            let what = if board.processors[processor].cpus.is_empty() {
                format!("{:.0} % of the time of {name}", short * 100.0)
            } else {
                format!("{short:.1} cores of {name}")
            };
            (
                format!("room on {name}: {subnetwork} lacks {what}"),
                format!("{what} to become free"),
            )
        }
        Obstacle::Limit { limit, short } => {
            let short = short as f64 / ONE as f64;
            let (name, unit) = problem.limit(limit);
            (
                format!("{name}: {subnetwork} on {place} would exceed it by {short:.2} {unit}"),
                format!("{name} to rise by {short:.2} {unit}, or others to draw less"),
            )
        }
        Obstacle::Cost => (
            format!("the cost of a change: {subnetwork} on {place} gains less than it costs"),
            String::from("a larger gain; what is there now stays until a change pays for itself"),
        ),
    }
}

/// Who else holds what is missing.
fn holders(
    problem: &Joint<'_>,
    solution: &Solution,
    (index, obstacle): (usize, Option<Obstacle>),
) -> Vec<String> {
    let holds = |choice: &Choice| match obstacle {
        Some(Obstacle::Capacity { processor, .. }) => {
            choice.place.processor == processor && choice.point.demand > 0
                || problem.problem().sites[choice.place.processor].host == Some(processor)
        }
        Some(Obstacle::Limit { .. }) => choice.point.watts > 0,
        _ => false,
    };
    let others = solution
        .choices
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != index);
    let holding = others.filter(|(_, choice)| choice.as_ref().is_some_and(&holds));
    holding
        .filter_map(|(other, _)| problem.apps().get(other).map(|app| app.name.clone()))
        .collect()
}
