//! Every plan there is, counted without any code of the planner's.

use dynd_core::plan::{BLOCKED, Micro, Place, Point};

use super::instance::Instance;

/// What a plan is worth, the least being the best: violations by falling tier, lost gains by falling tier, cost.
pub(crate) type Loss = Vec<Micro>;

/// What is used so far of processors, then limits.
type Used = Vec<Micro>;

/// The least loss of any plan that keeps capacities and limits.
pub(crate) fn best(instance: &Instance) -> Loss {
    vectors(instance)
        .filter_map(|modes| best_at(instance, &modes))
        .min()
        .unwrap()
}

/// The loss and use of one plan: a point or nothing per app, at these modes.
pub(crate) fn judge(instance: &Instance, modes: &[usize], plan: &[Option<(usize, Point)>]) -> (Loss, Used) {
    let problem = &instance.problem;
    let (mut tiers, mut used) = (tiers(instance), idle(instance, modes));
    let mut loss = vec![0; 2 * distinct(instance) + 1];
    let last = loss.len() - 1;
    loss[last] = problem
        .sites
        .iter()
        .zip(modes)
        .map(|(site, mode)| site.modes[*mode].cost)
        .sum();
    for (tier, choice) in tiers.drain(..).zip(plan) {
        let Some((processor, point)) = choice else {
            loss[tier] += BLOCKED;
            continue;
        };
        loss[tier] += point.worth.violation;
        loss[last / 2 + tier] -= point.worth.gain;
        loss[last] += point.worth.cost;
        take(instance, *processor, point, &mut used);
    }
    (loss, used)
}

/// What may be used at these modes. A limit that not even the idle board at its least keeps is as high as that.
pub(crate) fn rooms(instance: &Instance, modes: &[usize]) -> Used {
    let problem = &instance.problem;
    let mut rooms: Vec<Micro> = problem
        .sites
        .iter()
        .zip(modes)
        .map(|(site, mode)| site.modes[*mode].capacity)
        .collect();
    for limit in &problem.limits {
        let least = |(site, per_watt): (&dynd_core::plan::Site, &f64)| {
            site.modes
                .iter()
                .map(|mode| (per_watt * mode.watts as f64).round() as Micro)
                .min()
                .unwrap()
        };
        let least: Micro = problem.sites.iter().zip(&limit.per_watt).map(least).sum();
        rooms.push(limit.room.max(least));
    }
    rooms
}

fn best_at(instance: &Instance, modes: &[usize]) -> Option<Loss> {
    let mut best = None;
    let rooms = rooms(instance, modes);
    extend(instance, modes, &rooms, &mut Vec::new(), &mut best);
    best
}

fn extend(
    instance: &Instance,
    modes: &[usize],
    rooms: &[Micro],
    plan: &mut Vec<Option<(usize, Point)>>,
    best: &mut Option<Loss>,
) {
    let app = plan.len();
    if app == instance.problem.priorities.len() {
        let (loss, used) = judge(instance, modes, plan);
        let fits = used.iter().zip(rooms).all(|(used, room)| used <= room);
        if fits && best.as_ref().is_none_or(|best| loss < *best) {
            *best = Some(loss);
        }
        return;
    }
    let mut choices = vec![None];
    for processor in 0..modes.len() {
        let mut points = Vec::new();
        dynd_core::plan::Offers::points(instance, app, place(instance, processor, modes), &mut points);
        choices.extend(points.into_iter().map(|point| Some((processor, point))));
    }
    for choice in choices {
        plan.push(choice);
        extend(instance, modes, rooms, plan, best);
        plan.pop();
    }
}

pub(crate) fn place(instance: &Instance, processor: usize, modes: &[usize]) -> Place {
    Place {
        processor,
        mode: modes[processor],
        host_mode: instance.problem.sites[processor]
            .host
            .map_or(0, |host| modes[host]),
    }
}

fn idle(instance: &Instance, modes: &[usize]) -> Used {
    let problem = &instance.problem;
    let mut used = vec![0; modes.len()];
    for limit in &problem.limits {
        let loads = problem.sites.iter().zip(modes).zip(&limit.per_watt);
        used.push(
            loads
                .map(|((site, mode), c)| (c * site.modes[*mode].watts as f64).round() as Micro)
                .sum(),
        );
    }
    used
}

fn take(instance: &Instance, processor: usize, point: &Point, used: &mut Used) {
    let problem = &instance.problem;
    let host = problem.sites[processor].host;
    used[processor] += point.demand;
    if let Some(host) = host {
        used[host] += point.host_demand;
    }
    for (index, limit) in problem.limits.iter().enumerate() {
        let load = |p: usize, watts: Micro| (limit.per_watt[p] * watts as f64).round() as Micro;
        let hosted = host.map_or(0, |host| load(host, point.host_watts));
        used[problem.sites.len() + index] += load(processor, point.watts) + hosted;
    }
}

fn tiers(instance: &Instance) -> Vec<usize> {
    let above = |priority: &i32| {
        let mut higher: Vec<i32> = instance
            .problem
            .priorities
            .iter()
            .copied()
            .filter(|p| p > priority)
            .collect();
        higher.sort_unstable();
        higher.dedup();
        higher.len()
    };
    instance.problem.priorities.iter().map(above).collect()
}

fn distinct(instance: &Instance) -> usize {
    tiers(instance).into_iter().max().unwrap() + 1
}

fn vectors(instance: &Instance) -> impl Iterator<Item = Vec<usize>> {
    let sizes: Vec<usize> = instance
        .problem
        .sites
        .iter()
        .map(|site| site.modes.len())
        .collect();
    (0..sizes.iter().product()).map(move |mut code: usize| {
        let digit = |size: &usize| {
            let digit = code % size;
            code /= size;
            digit
        };
        sizes.iter().map(digit).collect()
    })
}
