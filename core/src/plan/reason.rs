//! Why an app got what it got.
//!
//! At the modes of the plan, with what all others have: the *runner-up* is the best that the app could have had in place
//! of its point. *Better* is what the objective would rather have given it, the next step up from its point, whatever
//! target or room says; the *obstacle* is what that runs into first.

use alloc::vec;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::problem::{Micro, Offers, Place, Problem};
use super::score::Worth;
use super::solution::{Choice, Solution};

/// Why an app got what it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What it got, as it is offered now.
    pub chosen: Option<Choice>,
    /// The best that it could have had instead.
    pub runner_up: Option<Choice>,
    /// The next better one by the objective, and what stands in its way; nothing if there is none at these modes.
    pub better: Option<(Choice, Obstacle)>,
}

/// What stands in the way of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It would miss target or minimum quality by this.
    Violation(Micro),
    /// The processor lacks this much, of cores or of time.
    Capacity {
        /// Its index.
        processor: usize,
        /// What is missing beside what the others have.
        short: Micro,
    },
    /// The limit of this index would be exceeded by this.
    Limit {
        /// Its index.
        limit: usize,
        /// What is missing beside what the others have.
        short: Micro,
    },
    /// Nothing: to change would cost more than it gains.
    Cost,
}

/// Why `app` got what `solution` gives it.
pub fn explain<O: Offers>(problem: &Problem, offers: &O, solution: &Solution, app: usize) -> Reason {
    let free = free(problem, solution, app);
    let all = choices(problem, offers, &solution.modes, app);
    let what = |choice: &Choice| {
        (
            choice.place.processor,
            choice.point.subnetwork,
            choice.point.cores,
        )
    };
    let given = solution
        .choices
        .get(app)
        .and_then(|choice| choice.as_ref().map(what));
    // As it is offered now: what an app runs is judged more kindly than before it ran it.
    let chosen = all.iter().find(|choice| Some(what(choice)) == given);
    let others = all.iter().filter(|choice| Some(what(choice)) != given);
    let short = |choice: &Choice| shortage(problem, choice, &free);
    let runner_up = others
        .clone()
        .filter(|choice| short(choice).is_none())
        .max_by_key(|choice| choice.point.worth);
    let liked = |worth: Worth| (worth.gain, Reverse(worth.cost));
    let have = chosen.map(|chosen| liked(chosen.point.worth));
    let better = others
        .filter(|choice| have.is_none_or(|have| liked(choice.point.worth) > have))
        .min_by_key(|choice| {
            (
                choice.point.worth.gain,
                choice.point.worth.violation,
                short(choice).is_some(),
            )
        });
    let violation = chosen.map_or(0, |chosen| chosen.point.worth.violation);
    let obstacle = |choice: &Choice| {
        let worse = choice.point.worth.violation;
        match short(choice) {
            _ if worse > violation => Obstacle::Violation(worse),
            Some(obstacle) => obstacle,
            None => Obstacle::Cost,
        }
    };
    Reason {
        chosen: chosen.copied(),
        runner_up: runner_up.copied(),
        better: better.map(|choice| (*choice, obstacle(choice))),
    }
}

/// What the others leave of each resource: processors by index, then limits.
fn free(problem: &Problem, solution: &Solution, app: usize) -> Vec<Micro> {
    let mut free = problem.rooms(&solution.modes);
    for (other, choice) in solution.choices.iter().enumerate() {
        if let Some(choice) = choice.filter(|_| other != app) {
            let takes = takes(problem, &choice);
            free.iter_mut().zip(takes).for_each(|(free, take)| *free -= take);
        }
    }
    free
}

fn takes(problem: &Problem, choice: &Choice) -> Vec<Micro> {
    let Choice { place, point } = choice;
    let host = problem.sites[place.processor].host;
    let mut takes = vec![0; problem.sites.len()];
    takes[place.processor] = point.demand;
    if let Some(host) = host {
        takes[host] += point.host_demand;
    }
    for limit in &problem.limits {
        let hosted = host.map_or(0, |host| limit.load(host, point.host_watts));
        takes.push(limit.load(place.processor, point.watts) + hosted);
    }
    takes
}

fn shortage(problem: &Problem, choice: &Choice, free: &[Micro]) -> Option<Obstacle> {
    let takes = takes(problem, choice);
    let mut lacks = takes.iter().zip(free).map(|(take, free)| take - free).enumerate();
    let (resource, short) = lacks.find(|(_, lack)| *lack > 0)?;
    Some(match resource.checked_sub(problem.sites.len()) {
        None => Obstacle::Capacity {
            processor: resource,
            short,
        },
        Some(limit) => Obstacle::Limit { limit, short },
    })
}

fn choices<O: Offers>(problem: &Problem, offers: &O, modes: &[usize], app: usize) -> Vec<Choice> {
    let mut all = Vec::new();
    for (processor, site) in problem.sites.iter().enumerate() {
        let place = Place {
            processor,
            mode: modes[processor],
            host_mode: site.host.map_or(0, |host| modes[host]),
        };
        let mut points = Vec::new();
        offers.points(app, place, &mut points);
        all.extend(points.into_iter().map(|point| Choice { place, point }));
    }
    all
}
