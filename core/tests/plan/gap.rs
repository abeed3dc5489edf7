//! How far large problems are from a bound.
//!
//! The bound is the one of the linear programme at each vector of modes, approached from above by prices: any prices
//! give a bound (weak duality), so it needs no trust in how they were found. Nothing of it is the planner's code.

use dynd_core::plan::{Effort, Offers, Place, Point, Problem, solve};

use super::physical::{Aim, Physical, Size};
use super::random::Random;

/// Rounds of adjusting the prices per vector of modes.
const ROUNDS: usize = 200;

/// The most that any plan without violations gains (less its cost, where that is the aim).
fn bound(physical: &Physical, aim: Aim, reached: f64) -> f64 {
    let problem = &physical.problem;
    let mut highest = f64::NEG_INFINITY;
    let mut prices = vec![0.0; problem.sites.len() + problem.limits.len()];
    for modes in vectors(problem) {
        highest = highest.max(bound_at(physical, aim, &modes, &mut prices, reached.max(highest)));
    }
    highest
}

/// The same at one vector of modes; as soon as it is below `enough` it matters no more.
fn bound_at(physical: &Physical, aim: Aim, modes: &[usize], prices: &mut [f64], enough: f64) -> f64 {
    let problem = &physical.problem;
    let rooms = rooms(problem, modes);
    if rooms.iter().any(|room| *room < 0.0) {
        return f64::NEG_INFINITY;
    }
    let menus: Vec<Vec<(f64, Vec<f64>)>> = (0..problem.priorities.len())
        .map(|app| menu(physical, aim, modes, app))
        .collect();
    if menus.iter().any(Vec::is_empty) {
        return f64::NEG_INFINITY;
    }
    let mut best = f64::INFINITY;
    for round in 0..ROUNDS {
        let mut used = vec![0.0; rooms.len()];
        let mut value = prices.iter().zip(&rooms).map(|(p, r)| p * r).sum::<f64>();
        if aim == Aim::Energy {
            value -= problem
                .sites
                .iter()
                .zip(modes)
                .map(|(s, m)| s.modes[*m].cost as f64)
                .sum::<f64>();
        }
        for menu in &menus {
            let net = |(value, takes): &(f64, Vec<f64>)| {
                value - takes.iter().zip(prices.iter()).map(|(t, p)| t * p).sum::<f64>()
            };
            let pick = menu.iter().max_by(|a, b| net(a).total_cmp(&net(b))).unwrap();
            value += net(pick);
            used.iter_mut()
                .zip(&pick.1)
                .for_each(|(used, take)| *used += take);
        }
        best = best.min(value);
        if best <= enough {
            break;
        }
        let over: Vec<f64> = used
            .iter()
            .zip(&rooms)
            .map(|(used, room)| (used - room) / room.max(1.0))
            .collect();
        let norm: f64 = over
            .iter()
            .zip(prices.iter())
            .filter(|(o, p)| **o > 0.0 || **p > 0.0)
            .map(|(o, _)| o * o)
            .sum();
        if norm == 0.0 {
            break;
        }
        let step = (value - enough).max(0.0) / norm / (1.0 + round as f64 / 50.0);
        for ((price, over), room) in prices.iter_mut().zip(&over).zip(&rooms) {
            *price = (*price + step * over / room.max(1.0)).max(0.0);
        }
    }
    best
}

fn menu(physical: &Physical, aim: Aim, modes: &[usize], app: usize) -> Vec<(f64, Vec<f64>)> {
    let problem = &physical.problem;
    let mut menu = Vec::new();
    for (processor, site) in problem.sites.iter().enumerate() {
        let place = Place {
            processor,
            mode: modes[processor],
            host_mode: site.host.map_or(0, |host| modes[host]),
        };
        let mut points = Vec::new();
        physical.points(app, place, &mut points);
        for point in points.iter().filter(|point| point.worth.violation == 0) {
            let value = if aim == Aim::Quality {
                point.worth.gain
            } else {
                -point.worth.cost
            };
            menu.push((value as f64, takes(problem, processor, point)));
        }
    }
    menu
}

fn takes(problem: &Problem, processor: usize, point: &Point) -> Vec<f64> {
    let mut takes = vec![0.0; problem.sites.len()];
    takes[processor] += point.demand as f64;
    let host = problem.sites[processor].host;
    if let Some(host) = host {
        takes[host] += point.host_demand as f64;
    }
    for limit in &problem.limits {
        let hosted = host.map_or(0.0, |host| limit.per_watt[host] * point.host_watts as f64);
        takes.push(limit.per_watt[processor] * point.watts as f64 + hosted);
    }
    takes
}

fn rooms(problem: &Problem, modes: &[usize]) -> Vec<f64> {
    let at = || {
        problem
            .sites
            .iter()
            .zip(modes)
            .map(|(site, mode)| &site.modes[*mode])
    };
    let mut rooms: Vec<f64> = at().map(|mode| mode.capacity as f64).collect();
    for limit in &problem.limits {
        let idle: f64 = at()
            .zip(&limit.per_watt)
            .map(|(mode, c)| c * mode.watts as f64)
            .sum();
        rooms.push(limit.room as f64 - idle);
    }
    rooms
}

fn vectors(problem: &Problem) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![vec![]];
    for site in &problem.sites {
        // From the top: the best vector, found early, cuts short all others.
        let longer = |modes: &Vec<usize>| {
            let modes = modes.clone();
            (0..site.modes.len())
                .rev()
                .map(move |mode| [modes.as_slice(), &[mode]].concat())
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

#[test]
fn large_problems_come_near_the_bound() {
    let (mut gaps, mut violating) = (Vec::new(), 0);
    for seed in 0..100_u64 {
        let aim = if seed.is_multiple_of(2) {
            Aim::Quality
        } else {
            Aim::Energy
        };
        let size = Size {
            apps: if seed % 4 < 2 {
                64
            } else {
                Random::new(seed).whole(16, 64)
            },
            opps: 4,
            subnetworks: 8,
        };
        let physical = Physical::new(seed, size, aim);
        let top: Vec<usize> = physical.problem.sites.iter().map(|site| site.opps - 1).collect();
        let solution = solve(&physical.problem, &physical, &top, Effort::default());
        if solution.score.violations().sum::<i64>() > 0 {
            violating += 1;
            println!(
                "seed {seed} {aim:?} {} apps: violations {:?}",
                size.apps,
                solution.score.violations().collect::<Vec<_>>()
            );
            continue;
        }
        let reached = match aim {
            Aim::Quality => solution.score.gains().sum::<i64>() as f64,
            Aim::Energy => -solution.score.cost() as f64,
        };
        let bound = bound(&physical, aim, reached);
        let gap = ((bound - reached) / reached.abs()).max(0.0);
        println!(
            "seed {seed} {aim:?} {} apps: {:.3} %, modes {:?}",
            size.apps,
            gap * 100.0,
            solution.modes
        );
        gaps.push(gap);
    }
    let (mean, worst) = (
        gaps.iter().sum::<f64>() / gaps.len() as f64,
        gaps.iter().copied().fold(0.0, f64::max),
    );
    println!(
        "{} problems, {violating} with violations: mean {:.3} %, worst {:.3} %",
        gaps.len(),
        mean * 100.0,
        worst * 100.0
    );
    assert!(gaps.len() >= 80, "{violating} with violations");
    assert!(mean <= 0.01 && worst <= 0.03, "mean {mean}, worst {worst}");
}
